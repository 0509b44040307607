"""Room 6: ``simstudy run``."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from collections.abc import Callable

from simstudy.errors import WorkError, one_line
from simstudy.report.tables import headline
from simstudy.results import Results, run


def main(options: Namespace) -> None:
    """Run what is missing, summarise, print, draw."""
    found = run(
        options.config,
        jobs=options.jobs,
        results=options.results,
        replications=options.replications,
        report=not options.no_report,
        begin=None if options.quiet else progress,
        warn=lambda text: print(one_line(text), file=sys.stderr),
        fail_fast=options.fail_fast,
        give_up=options.give_up,
    )
    if not options.quiet:
        _print(found)
    if found.given_up:
        raise WorkError("some fits are not computed, since their method only failed")


def _print(found: Results) -> None:
    print(found.study.title or found.study.name)
    print(headline(found.summary_table(), width=terminal_width()))
    print()
    print("\n".join(_paths(found)))


def _paths(found: Results) -> list[str]:
    """Where the figures, the tables and the numbers are, a line each."""
    report = found.folder / "report"
    figures = [report / "figures" / f"{name}.png" for name in found.study.figures]
    paths = [*figures, report / "tables", found.folder / "summary.csv", found.folder / "estimates"]
    return [str(path) for path in paths if path.exists()]


def terminal_width() -> int:
    """Columns of the terminal; 120 where there is none."""
    if sys.stdout.isatty():
        return shutil.get_terminal_size((100, 24)).columns
    return 120


def progress(n_fits: int, jobs: int) -> Callable[[int, float | None], None]:
    """One bar with rate and time left on stderr; nothing where that is no terminal.

    Time left is the runner's, which knows slow methods from fast ones.
    """
    if not sys.stderr.isatty():
        return lambda done, left: None
    from tqdm import tqdm

    bar = tqdm(
        total=n_fits, unit=" fits", unit_scale=True, smoothing=0.1, dynamic_ncols=True,
        desc=f"{jobs} jobs" if jobs > 1 else "1 job", leave=False,
        bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}, {rate_fmt}{postfix}]",
    )  # fmt: skip

    def step(done: int, left: float | None) -> None:
        if left is not None:
            bar.set_postfix_str(f"{tqdm.format_interval(left)} left", refresh=False)
        bar.update(done)
        if bar.n >= n_fits:
            bar.close()

    return step
