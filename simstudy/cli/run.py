"""Room 6: ``simstudy run``."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from simstudy.results import Results
from simstudy.runner.execute import execute
from simstudy.study.study import load


def main(options: Namespace) -> None:
    """Run what is missing, summarise, print, draw."""
    study = load(options.config)
    if options.replications:
        study = replace(study, replications=options.replications)
    found = Results(study, Path(options.results) / study.name)
    execute(study, found.folder, options.jobs, None if options.quiet else progress)
    summary = found.write_summary()
    written = [found.folder / "summary.csv", found.folder / "estimates"]
    if not options.no_report:
        written = found.report() + written
    if not options.quiet:
        from simstudy.report.tables import headline

        print(study.title or study.name)
        print(headline(summary, width=terminal_width()))
        print()
        print("\n".join(_short(written, found.folder)))


def _short(paths: list[Path], folder: Path) -> list[str]:
    """Figures by name, tables by their folder: a line each, so that the table stays in view."""
    shown = [str(p) for p in paths if p.suffix == ".png" or p.parent == folder]
    if any(p.parent.name == "tables" for p in paths):
        shown.insert(-2, str(folder / "report" / "tables"))
    return shown


def terminal_width() -> int:
    """Columns of the terminal; 120 where there is none."""
    if sys.stdout.isatty():
        return shutil.get_terminal_size((100, 24)).columns
    return 120


def progress(n_fits: int, jobs: int) -> Callable[[int], None]:
    """One bar with rate and time left on stderr; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        return lambda done: None
    from tqdm import tqdm

    bar = tqdm(
        total=n_fits, unit=" fits", unit_scale=True, smoothing=0.1, dynamic_ncols=True,
        desc=f"{jobs} jobs" if jobs > 1 else "1 job", leave=False,
    )  # fmt: skip

    def step(done: int) -> None:
        bar.update(done)
        if bar.n >= n_fits:
            bar.close()

    return step
