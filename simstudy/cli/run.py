"""``simstudy run``."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import Namespace
from typing import Any

from simstudy.errors import WorkError, one_line
from simstudy.report.tables import headline
from simstudy.results import Results, run
from simstudy.runner.cost import Pace
from simstudy.runner.events import Done, Event, Finished, Listener, Started
from simstudy.study.files import described

_LEAST, _USUAL = 10, 80  # columns of a terminal: fewer than these are none


def main(options: Namespace) -> None:
    """Run what is missing, summarise, print, draw."""
    found = run(
        options.config,
        jobs=options.jobs,
        results=options.results,
        replications=options.replications,
        report=not options.no_report,
        fresh=options.fresh,
        fail_fast=options.fail_fast,
        give_up=options.give_up,
        listen=_listener(options),
        warn=say,
    )
    if not options.quiet:
        _print(found)
    if found.given_up:
        raise WorkError("some fits are not computed: see above")


def _listener(options: Namespace) -> Listener:
    if options.verbose:
        return Lines()
    return (lambda event: None) if options.quiet else Bar()


def say(text: str) -> None:
    """Say something in a line of its own, beside the results."""
    print(one_line(text), file=sys.stderr)


def _print(found: Results) -> None:
    print(found.study.title or found.study.name)
    print(headline(found.summary_table(), width=terminal_width()))
    for line in described(found.study):
        print(line)
    print("" if found.n_fits else "nothing is missing: no fit was computed")
    print("\n".join(_paths(found)))


def _paths(found: Results) -> list[str]:
    """Where a figure (the others are beside it), the tables and the numbers are, a line each."""
    report = found.folder / "report"
    figures = [report / "figures" / f"{name}.png" for name in found.study.figures[:1]]
    paths = [*figures, report / "tables", found.folder / "summary.csv", found.folder / "estimates"]
    return [str(path) for path in paths if path.exists()]


class Lines:
    """One line on stderr for every range that is done."""

    def __init__(self) -> None:
        self._number = self._of = 0

    def __call__(self, event: Event) -> None:
        """Say it."""
        if isinstance(event, Started):
            self._number, self._of = 0, len(event.tasks)
        elif isinstance(event, Done):
            self._number += 1
            self._tell(event)

    def _tell(self, done: Done) -> None:
        task = done.task
        many = len(task.pieces) > 1
        scenarios = f"{len(task.pieces)} scenarios" if many else f"scenario {task.pieces[0].id}"
        methods = ", ".join(method.canonical for method in task.methods)
        how = f"{done.seconds:.2f} s in process {done.worker}" if done.new else "there already"
        line = (
            f"{self._number}/{max(self._number, self._of)}: replications {task.first} to "
            f"{task.last} of {scenarios}, {methods}: {how}"
        )
        print(line, file=sys.stderr, flush=True)


def terminal_width() -> int:
    """Columns of the terminal; 120 where there is none."""
    if sys.stdout.isatty():
        return shutil.get_terminal_size((100, 24)).columns
    return 120


def _columns() -> int:
    """Columns of the terminal that stderr is; 0 where it does not say."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        return 0


class Bar:
    """One bar with rate and time left on stderr; nothing where that is no terminal.

    Time left is the runner's, which knows slow methods from fast ones.
    """

    def __init__(self) -> None:
        self._bar: Any = None
        self._pace = Pace()

    def __call__(self, event: Event) -> None:
        """Draw what changed."""
        left = self._pace.hear(event)
        if isinstance(event, Started):
            self._bar = _bar(event.n_fits, event.jobs) if sys.stderr.isatty() else None
        elif self._bar is not None and isinstance(event, Done):
            if left is not None:
                self._bar.set_postfix_str(f"{self._bar.format_interval(left)} left", refresh=False)
            self._bar.update(event.task.n_fits)
        elif self._bar is not None and isinstance(event, Finished):
            self._bar.update(event.n_fits - self._bar.n)  # what lost workers had finished
            self._bar.close()


def _bar(n_fits: int, jobs: int) -> Any:
    from tqdm import tqdm

    known = _columns() >= _LEAST  # else it would show nothing at all
    return tqdm(
        total=n_fits, unit=" fits", unit_scale=True, smoothing=0.1, dynamic_ncols=known,
        ncols=None if known else _USUAL, nrows=None if known else 24,
        desc=f"{jobs} jobs" if jobs > 1 else "1 job", leave=False,
        bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}, {rate_fmt}{postfix}]",
    )  # fmt: skip
