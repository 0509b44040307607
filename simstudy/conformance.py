"""Room 5: what a user's own method must satisfy, tried on small data sets.

Imports own, generators, study, numerics and errors. Says in plain words what is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from simstudy.estimates import Estimates, Failure, Outcome
from simstudy.generators import streams
from simstudy.generators.source import Source
from simstudy.moments import Clusters, Factor, Moments, Pooled, Rows
from simstudy.numerics.batches import cut, cut_rows
from simstudy.numerics.segments import Segments
from simstudy.registry import GRAINS, Entry, Method
from simstudy.study.study import load

SHIFT, SCALE = 10.0, 3.0  # y -> 10 + 3 y
_SAME_FIT = 1e-6  # what an iteration may leave between equivalent data
_SAME_DATA = 1e-10  # what another order of sums may move
_SECONDS = 2.0  # of work that a killed worker may lose
_REPS = {"rows": 3, "clusters": 16, "pooled": 16}
_DESIGNS: dict[str, dict[str, Any]] = {
    "equal clusters": {"cluster_size": 6, "x_icc": 0.5},
    "unequal clusters": {"cluster_size": {"sizes": [2, 9, 4, 7, 3, 8, 5, 6]}, "x_icc": 0.3},
    "a predictor of whole clusters": {"cluster_size": 5, "x_icc": 1.0},
}
Data = Rows | Moments


class Verdict(NamedTuple):
    """One thing that was tried: right (True), wrong (False) or only said (None)."""

    right: bool | None
    what: str


@dataclass(frozen=True, slots=True)
class _Trial:
    """One design's data sets and what the method gave."""

    design: str
    data: Data
    found: Estimates


def conform(method: Method) -> Iterator[Verdict]:
    """Try a method; what fails on every data set ends the trial."""
    entry = method.entry
    assert isinstance(entry.grain, str)
    trials = [
        _Trial(name, data, _fit(method, data))
        for name, data in ((name, _data(entry, fields)) for name, fields in _DESIGNS.items())
    ]
    yield _answers(trials)
    fitted = [trial for trial in trials if _used(trial.found).any()]
    if not fitted:
        return
    yield from (_failures(trial) for trial in trials if not _used(trial.found).all())
    for check in (_repeats, _alone, _reordered):
        if (verdict := check(method, fitted)) is not None:
            yield verdict
    if method.use is not None and method.use.truth == "slope":
        yield _rescaled(method, fitted)
    start = time.process_time()
    _fit(method, fitted[0].data)
    yield _pace(entry, (time.process_time() - start) / _REPS[entry.grain])


def _data(entry: Entry, fields: dict[str, Any]) -> Data:
    """Data sets of one design at the grain that the method reads."""
    head = {"name": "check", "seed": 1, "replications": 1, "methods": ["pooled"]}
    grid = {"n_clusters": 8, "icc": 0.2, "slope": 0.5, **fields}
    (design,) = load(head | {"scenarios": grid}).designs
    source = Source(design.scenario, 1, design.key)
    assert isinstance(entry.grain, str)  # a user's does not depend on options
    n_reps = _REPS[entry.grain]
    if entry.grain == "rows":
        rows = source.moments(streams.ROWS, 0)
        assert isinstance(rows, Rows)
        return cut_rows(rows, 0, n_reps)
    grain = max(entry.grain, design.scenario.first_grain, key=GRAINS.index)
    moments = source.moments(streams.GRAIN[grain], 0)
    assert not isinstance(moments, Rows)
    return cut(moments, 0, n_reps)


def _fit(method: Method, data: Data) -> Estimates:
    return method.fit(data)


def _used(found: Estimates) -> Any:
    return found.outcome < Outcome.NO_RESIDUAL_DF


def _answers(trials: list[_Trial]) -> Verdict:
    """Whether there is any result, of the right shape."""
    n_fits = sum(trial.found.outcome.size for trial in trials)
    n_used = sum(int(_used(trial.found).sum()) for trial in trials)
    if n_used:
        names = dict.fromkeys(name for trial in trials for name in trial.found.extras or {})
        extras = f"; extras: {', '.join(names)}" if names else ""
        return Verdict(True, f"{n_used} of {n_fits} data sets have a result{extras}")
    return Verdict(False, f"fails on every data set: {_message(trials[0].found)}")


def _message(found: Estimates) -> str:
    assert found.failures is not None
    failure: Failure = next(failure for failure in found.failures if failure is not None)
    place = [line.strip() for line in failure.traceback.splitlines() if ", line " in line]
    return f"{failure.message} ({place[-1]})" if place else failure.message


def _failures(trial: _Trial) -> Verdict:
    n_failed = int((~_used(trial.found)).sum())
    what = f"{n_failed} of {trial.found.outcome.size} data sets with {trial.design} fail"
    return Verdict(None, f"{what}: {_message(trial.found)}; in a study these are failed rows")


def _gap(first: Estimates, second: Estimates, scale: float = 1.0) -> float:
    """Largest relative difference of two sets of rows, the first times `scale`."""
    worst = 0.0
    for name, factor in (("estimate", scale), ("std_error", scale), ("df", 1.0), ("p_value", 1.0)):
        a, b = getattr(first, name) * factor, getattr(second, name)
        if not np.array_equal(np.isnan(a), np.isnan(b)):
            return np.inf
        there = np.isfinite(a) & np.isfinite(b)
        gap = np.abs(a[there] - b[there]) / np.maximum(np.abs(a[there]), 1e-3)
        worst = max(worst, float(gap.max(initial=0.0)))
    return worst


def _worst(
    method: Method, trials: list[_Trial], change: Callable[[Data], Data], scale: float = 1.0
) -> tuple[float, str]:
    """Where changed data change the rows most: (relative difference, design)."""
    gaps = [
        (_gap(trial.found, _fit(method, change(trial.data)), scale), trial.design)
        for trial in trials
    ]
    return max(gaps)


def _said(gap: float) -> str:
    return "a result appears or goes" if gap == np.inf else f"relative difference {gap:.2g}"


def _repeats(method: Method, trials: list[_Trial]) -> Verdict:
    gap, design = _worst(method, trials, lambda data: data)
    if gap == 0:
        return Verdict(True, "the same data give the same numbers again")
    return Verdict(False, f"the same data give other numbers the second time ({_said(gap)}, "
                          f"{design}): take random numbers from an argument rng")  # fmt: skip


def _alone(method: Method, trials: list[_Trial]) -> Verdict | None:
    """Whether a replication of moments has the same row alone as among others."""
    worst = 0.0
    for trial in trials:
        if isinstance(trial.data, Rows):
            return None
        for k in range(trial.found.outcome.size):
            one = _fit(method, cut(trial.data, k, k + 1))
            worst = max(worst, _gap(trial.found.cut(k, k + 1), one))
    if worst <= _SAME_DATA:
        return Verdict(True, "a replication has the same row alone as in a batch")
    return Verdict(False, f"a replication's row depends on the others in its batch "
                          f"({_said(worst)}): replications are the last axis")  # fmt: skip


def _reordered(method: Method, trials: list[_Trial]) -> Verdict | None:
    if all(isinstance(trial.data, Pooled) for trial in trials):
        return None
    gap, design = _worst(method, trials, _backwards)
    if gap <= _SAME_FIT:
        return Verdict(True, "the order of the clusters does not matter")
    return Verdict(False, f"the order of the clusters matters ({_said(gap)}, {design})")


def _backwards(data: Data) -> Data:
    """The same clusters from the last to the first."""
    if isinstance(data, Pooled):
        return data
    if isinstance(data, Clusters):
        turned = Factor(*(_flip(values) for values in data.within))
        return Clusters(_flip(data.sizes), _flip(data.mean_x), _flip(data.mean_y), turned)
    if data.x.ndim > 1:
        return Rows(data.sizes, data.x[:, ::-1], data.y[:, ::-1])
    n_reps = data.x.size // int(data.sizes.sum())
    cells = Segments(data.sizes, n_reps)
    number = cells.spread(np.arange(len(data.sizes))[:, None])
    order = np.argsort(-number, kind="stable")
    return Rows(_flip(data.sizes), data.x[order], data.y[order])


def _flip(values: Any) -> Any:
    return values[::-1] if len(values) > 1 else values


def _rescaled(method: Method, trials: list[_Trial]) -> Verdict:
    gap, design = _worst(method, trials, _rescale, SCALE)
    change = f"y -> {SHIFT:g} + {SCALE:g} y"
    if gap <= _SAME_FIT:
        return Verdict(True, f"{change} scales estimate and standard error by {SCALE:g} alone")
    return Verdict(False, f"{change} should scale estimate and standard error by {SCALE:g} and "
                          f"leave df and p-value ({_said(gap)}, {design}); if it does not "
                          "estimate a slope, say truth=... in the decorator")  # fmt: skip


def _rescale(data: Data) -> Data:
    def scaled(factor: Factor) -> Factor:
        return factor._replace(b=SCALE * factor.b, r=SCALE * factor.r)

    if isinstance(data, Rows):
        return Rows(data.sizes, data.x, SHIFT + SCALE * data.y)
    if isinstance(data, Pooled):
        return replace(data, within=scaled(data.within), between=scaled(data.between))
    return replace(data, mean_y=SHIFT + SCALE * data.mean_y, within=scaled(data.within))


def _pace(entry: Entry, seconds: float) -> Verdict:
    """How long a fit takes, and what a killed worker loses."""
    lost = seconds * entry.part
    text = f"{_time(seconds)} a replication; a killed worker loses {_time(lost)} at most"
    if lost <= _SECONDS or entry.part == 1:
        return Verdict(None, text)
    part = max(1, int(_SECONDS / seconds))
    return Verdict(None, f"{text}: part={1 << (part.bit_length() - 1)} in the decorator cuts that")


def _time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.1f} s"
    rounded = float(f"{max(seconds, 1e-6) * 1e3:.2g}")
    return f"{rounded:g} ms"
