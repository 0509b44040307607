"""``simstudy diagnose``."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from simstudy.answers.diagnosis.diagnosis import diagnose
from simstudy.cli.figures import refuse_figure, write
from simstudy.cli.fit import say_dropped
from simstudy.cli.run import say
from simstudy.errors import UserError


def main(options: Namespace) -> None:
    """Say how wrong one analysis is: design, fits, answers and words, or all of it as JSON."""
    if options.figure is not None:
        refuse_figure(options.figure)
    if options.study is not None:
        _refuse_study(Path(options.study))
    found = diagnose(
        options.data, options.formula,
        term=options.term, replications=options.replications, seed=options.seed,
    )  # fmt: skip
    say_dropped(found.world.data)
    beside = sys.stderr if options.json else sys.stdout
    if options.json:
        for line in found.world.data.remarks:
            say(line)
        print(json.dumps(found.as_dict(), indent=1, allow_nan=False))
    else:
        print(found)
    written = []
    if options.figure:
        from simstudy.answers.diagnosis.picture import draw

        write(draw(found.world, found.answers), Path(options.figure))
        written.append(options.figure)
    if options.study:
        written += map(str, found.world.write(Path(options.study)))
    if written:
        print(f"\nwritten: {', '.join(written)}", file=beside)


def _refuse_study(file: Path) -> None:
    """Refuse a study file that would be written over, or cannot be written, before any work."""
    if file.suffix not in (".yaml", ".yml"):
        raise UserError(f"--study {file}: a study file ends in .yaml")
    if not file.absolute().parent.is_dir():
        raise UserError(f"--study {file}: no such folder")
    for one in (file, file.with_suffix(".csv")):
        if one.exists():
            raise UserError(f"--study {file}: {one} is there already; nothing is written over it")
