"""Room 6: ``simstudy run``."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from simstudy.report.tables import headline
from simstudy.results import Results, run

if TYPE_CHECKING:
    from simstudy.runner.execute import Done


def main(options: Namespace) -> None:
    """Run what is missing, summarise, print, draw."""
    found = run(
        options.config,
        jobs=options.jobs,
        results=options.results,
        replications=options.replications,
        report=not options.no_report,
        fresh=options.fresh,
        begin=None if options.quiet or options.verbose else progress,
        each=tell if options.verbose else lambda done, number, of: None,
        warn=lambda text: print(text, file=sys.stderr),
    )
    if options.quiet:
        return
    print(found.study.title or found.study.name)
    print(headline(found.summary_table(), width=terminal_width()))
    print("" if found.n_fits else "nothing is missing: no fit was computed")
    print("\n".join(_paths(found)))


def _paths(found: Results) -> list[str]:
    """Where a figure (the others are beside it), the tables and the numbers are, a line each."""
    report = found.folder / "report"
    figures = [report / "figures" / f"{name}.png" for name in found.study.figures[:1]]
    paths = [*figures, report / "tables", found.folder / "summary.csv", found.folder / "estimates"]
    return [str(path) for path in paths if path.exists()]


def tell(done: Done, number: int, of: int) -> None:
    """One line on stderr for a range that is done."""
    many = len(done.scenarios) > 1
    scenarios = f"{len(done.scenarios)} scenarios" if many else f"scenario {done.scenarios[0]}"
    how = f"{done.seconds:.2f} s in process {done.worker}" if done.new else "there already"
    print(f"{number}/{of}: replications {done.first} to {done.last} of {scenarios}, "
          f"{', '.join(done.methods)}: {how}", file=sys.stderr, flush=True)  # fmt: skip


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
