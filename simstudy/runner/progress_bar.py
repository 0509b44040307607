"""A bar that follows a run, whatever draws it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simstudy.runner.events import Done, Event, Finished, Started, WentOn
from simstudy.runner.tally import Tally

FORM = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}, {rate_fmt}{postfix}]"


class ProgressBar:
    """One of tqdm's bars over the whole study.

    Time left is the runner's, which knows slow methods from fast ones.

    Parameters
    ----------
    make : callable
        Keywords of tqdm -> a bar.
    """

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make, self._bar, self._tally = make, None, Tally()

    def __call__(self, event: Event) -> None:
        """Draw what changed."""
        self._tally.hear(event)
        bar: Any = self._bar
        match event:
            case Started(jobs=jobs):
                self._bar = self._make(
                    total=self._tally.n_fits, initial=self._tally.n_done, unit=" fits",
                    unit_scale=True, smoothing=0.1, leave=False, bar_format=FORM,
                    desc=f"{jobs} jobs" if jobs > 1 else "1 job",
                )  # fmt: skip
            case WentOn():
                bar.total = self._tally.n_fits
            case Done():
                bar.set_postfix_str(", ".join(remarks(self._tally)), refresh=False)
                bar.update(event.task.n_fits)
            case Finished():
                bar.update(self._tally.n_done - bar.n)  # what lost workers finished
                bar.close()


def remarks(tally: Tally) -> list[str]:
    """Scenarios done, time left, failures."""
    said = [f"{tally.n_scenarios_done:,}/{tally.n_scenarios:,} scenarios"]
    if tally.seconds_left is not None:
        said.append(f"{duration(tally.seconds_left)} left")
    return said + ([f"{tally.n_failed:,} failed"] if tally.n_failed else [])


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, as people say them."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this process; IPython is asked only if it is there."""
    import sys

    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def usual_listener() -> Callable[[Event], None]:
    """In a notebook a bar, elsewhere nothing."""
    if not in_notebook():
        return lambda event: None
    import warnings

    with warnings.catch_warnings():  # without ipywidgets the bar is text, and that is fine
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm
    return ProgressBar(tqdm)
