"""How work that takes long is seen: a bar on a terminal, elsewhere a line a minute."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from simstudy.runner.events import Done, Event, Started
from simstudy.runner.progress_bar import ProgressBar, remarks
from simstudy.runner.tally import Tally

_LEAST, _USUAL = 10, 80  # columns of a terminal: fewer than these are none
MINUTE = 60.0


class Bar:
    """One bar over the whole study on stderr, or a line a minute where that is no terminal."""

    def __init__(self) -> None:
        self._bar: ProgressBar | None = None
        self._tally = Tally()
        self._said = 0.0

    def __call__(self, event: Event) -> None:
        """Draw what changed."""
        self._tally.hear(event)
        if isinstance(event, Started):
            self._said = time.monotonic()
            self._bar = ProgressBar(_bar) if sys.stderr.isatty() else None
        if self._bar is not None:
            self._bar(event)
        elif isinstance(event, Done) and time.monotonic() - self._said >= MINUTE:
            self._said = time.monotonic()
            print(line(self._tally), file=sys.stderr, flush=True)


def line(tally: Tally) -> str:
    """How far a run is, in one line."""
    share = f"{tally.n_done:,} of {tally.n_fits:,} fits ({percent(tally.n_done, tally.n_fits)})"
    return ", ".join([share, f"{tally.rate:,.3g} fits/s", *remarks(tally)])


def percent(n: int, of: int) -> str:
    """A share; never 100 % of what is not whole."""
    return f"{min(100 * n / of, 99.9 if n < of else 100):.1f} %" if of else "100.0 %"


def _columns() -> int:
    """Columns of the terminal that stderr is; 0 where it does not say."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        return 0


def _bar(**how: Any) -> Any:
    from tqdm import tqdm

    known = _columns() >= _LEAST  # else it would show nothing at all
    return tqdm(
        dynamic_ncols=known, ncols=None if known else _USUAL, nrows=None if known else 24, **how
    )
