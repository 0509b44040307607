"""How work that takes long is seen: a bar on a terminal, elsewhere a line a minute."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from simstudy.runner.events import Done, Event, Finished, Started, WentOn
from simstudy.runner.tally import Tally

_LEAST, _USUAL = 10, 80  # columns of a terminal: fewer than these are none
MINUTE = 60.0


class Bar:
    """One bar over the whole study on stderr, or a line a minute where that is no terminal.

    Time left is the runner's, which knows slow methods from fast ones.
    """

    def __init__(self) -> None:
        self._bar: Any = None
        self._tally = Tally()
        self._said = 0.0

    def __call__(self, event: Event) -> None:
        """Draw what changed."""
        self._tally.hear(event)
        match event:
            case Started(jobs=jobs):
                self._said = time.monotonic()
                self._bar = _bar(self._tally, jobs) if sys.stderr.isatty() else None
            case WentOn() if self._bar is not None:
                self._bar.total = self._tally.n_fits
            case Done() if self._bar is not None:
                self._bar.set_postfix_str(", ".join(_remarks(self._tally)), refresh=False)
                self._bar.update(event.task.n_fits)
            case Done() if time.monotonic() - self._said >= MINUTE:
                self._said = time.monotonic()
                print(line(self._tally), file=sys.stderr, flush=True)
            case Finished() if self._bar is not None:
                self._bar.update(self._tally.n_done - self._bar.n)  # what lost workers finished
                self._bar.close()


def line(tally: Tally) -> str:
    """How far a run is, in one line."""
    share = f"{tally.n_done:,} of {tally.n_fits:,} fits ({percent(tally.n_done, tally.n_fits)})"
    return ", ".join([share, f"{tally.rate:,.3g} fits/s", *_remarks(tally)])


def percent(n: int, of: int) -> str:
    """A share; never 100 % of what is not whole."""
    return f"{min(100 * n / of, 99.9 if n < of else 100):.1f} %" if of else "100.0 %"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, as people say them."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _remarks(tally: Tally) -> list[str]:
    """Scenarios done, time left, failures."""
    remarks = [f"{tally.n_scenarios_done:,}/{tally.n_scenarios:,} scenarios"]
    if tally.seconds_left is not None:
        remarks.append(f"{duration(tally.seconds_left)} left")
    return remarks + ([f"{tally.n_failed:,} failed"] if tally.n_failed else [])


def _columns() -> int:
    """Columns of the terminal that stderr is; 0 where it does not say."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        return 0


def _bar(tally: Tally, jobs: int) -> Any:
    from tqdm import tqdm

    known = _columns() >= _LEAST  # else it would show nothing at all
    return tqdm(
        total=tally.n_fits, initial=tally.n_done, unit=" fits", unit_scale=True, smoothing=0.1,
        dynamic_ncols=known, ncols=None if known else _USUAL, nrows=None if known else 24,
        desc=f"{jobs} jobs" if jobs > 1 else "1 job", leave=False,
        bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}, {rate_fmt}{postfix}]",
    )  # fmt: skip
