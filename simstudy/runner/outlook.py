"""How fast a folder fills and when it will be complete, as its logs say.

Whoever looks from another terminal, or another machine, is told of no events; what ranges took
stands in the logs of all runs and shards that work there. Nothing of the user's is imported.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from simstudy.registry import Method
from simstudy.runner.plan import gaps_of, n_of
from simstudy.runner.runlog import Logs
from simstudy.store.names import PartName
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.grid import Design
from simstudy.study.study import Study

WINDOW = 600.0  # seconds of the logs that say how fast work goes
Kind = tuple[object, ...]  # fits that cost alike: of a method of one's own or all others; a shape


class Speed(NamedTuple):
    """Fits a second, and the seconds left; None where that is not known."""

    rate: float
    seconds_left: float | None


class _Range(NamedTuple):
    at: float
    n_fits: float
    seconds: float


class Outlook:
    """What the logs of a folder said so far."""

    def __init__(self, study: Study, folder: ResultsFolder) -> None:
        self._logs = Logs(folder)
        self._designs = {design.id: design for design in study.designs}
        self._methods: dict[str, Method] = {m.canonical: m for m in study.methods}
        self._own = {method.canonical for method in study.own_methods}
        self._seconds: dict[Kind, float] = defaultdict(float)
        self._fits: dict[Kind, float] = defaultdict(float)
        self._done: list[_Range] = []  # of the last minutes
        self._at_work: set[tuple[str, object]] = set()  # logs and processes of runs

    def speed(self, study: Study, listed: Collection[PartName]) -> Speed | None:
        """How fast work goes, given what is there; None where no log says that any is done."""
        now = time.time()
        for log, entry in self._logs.new():
            with suppress(KeyError, TypeError, ValueError, IndexError, OverflowError):
                self._learn(log, entry)
        self._done = [done for done in self._done if done.at > now - WINDOW]
        if not self._done or not self._at_work:
            return None
        begin = min(done.at - done.seconds for done in self._done)
        span = max(now - max(begin, now - WINDOW), 1e-3)
        workers = sum(done.seconds for done in self._done) / span
        left = self._left(study, listed)
        rate = sum(done.n_fits for done in self._done) / span
        return Speed(rate, None if left is None else left / max(workers, 1e-9))

    def _left(self, study: Study, listed: Collection[PartName]) -> float | None:
        """Seconds of one worker that what is missing takes."""
        seconds = 0.0
        for (scenario, method), spans in gaps_of(study, listed).items():
            kinds = self._kinds(self._designs[scenario], method) if spans else []
            known = next((kind for kind in kinds if self._fits[kind]), None)
            if kinds and known is None:
                return None
            if known is not None:
                seconds += n_of(spans) * self._seconds[known] / self._fits[known]
        return seconds

    def _kinds(self, design: Design, method: str) -> list[Kind]:
        """Those of a fit, the one that knows its shape first."""
        own = method if method in self._own else ""
        return [(own, design.scenario.shape), (own,)]

    def _learn(self, log: str, entry: dict[str, Any]) -> None:
        """Note what a line says; one that a hand wrote raises, and is passed over."""
        run = log, entry["pid"]
        if entry["event"] in ("end", "stopped"):
            self._at_work.discard(run)
        elif entry["event"] == "start":
            self._at_work.add(run)
        elif entry["event"] == "range" and entry["new"]:
            designs = [self._designs[name] for name in entry["scenarios"]]
            methods = [self._methods[name].canonical for name in entry["methods"]]
            seconds, at = float(entry["seconds"]), datetime.fromisoformat(entry["time"])
            n_fits = float(entry["replications"]) * len(methods)
            if not math.isfinite(n_fits + seconds):
                return
            self._done.append(_Range(at.timestamp(), n_fits, seconds))
            for kind in self._kinds(designs[0], methods[0]):
                self._seconds[kind] += seconds
                self._fits[kind] += n_fits
