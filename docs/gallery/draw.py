"""Run the studies of configs/gallery and draw the figures of the page: python docs/gallery/draw.py.

With names, these alone. Results go to results/, figures beside this file: the first one that each
study asks for, in as few colors as it needs, so that a page of ten stays small.
"""

import sys
import time
from pathlib import Path

from PIL import Image

import simstudy

HERE = Path(__file__).resolve().parent
STUDIES = HERE.parents[1] / "configs" / "gallery"
COLORS = 192


def draw(config: Path) -> None:
    """Run a study, keep its figure, and say what it took and what became of its claims."""
    start = time.process_time()
    results = simstudy.run(config, jobs=1)
    seconds = time.process_time() - start
    figure = simstudy.load(config).figures[0].file
    drawn = Image.open(results.folder / "report" / "figures" / f"{figure}.png").convert("RGB")
    drawn.quantize(COLORS).save(HERE / f"{config.stem}.png", optimize=True)
    verdicts = results.claims["verdict"].value_counts().to_dict()
    print(f"{config.stem}: {seconds:.0f} s of CPU, {verdicts}")


if __name__ == "__main__":
    for file in sorted(STUDIES.glob("*.yaml")):
        if not sys.argv[1:] or file.stem in sys.argv[1:]:
            draw(file)
