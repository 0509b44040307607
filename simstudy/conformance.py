"""What a user's own method must satisfy, tried on small data sets.

Says in plain words what is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from simstudy.custom import answers, chance
from simstudy.custom.verdict import Verdict, in_brief
from simstudy.errors import brief
from simstudy.estimands import DEFAULT
from simstudy.estimates import NUMBERS, Estimates, Failure, Outcome
from simstudy.generators import streams
from simstudy.generators.source import Source
from simstudy.moments import Clusters, Factor, Moments, Pooled, Units
from simstudy.numerics.batches import cut, cut_rows
from simstudy.numerics.segments import Segments
from simstudy.registry import Method
from simstudy.runner.task import grain_of
from simstudy.study.study import load

SHIFT, SCALE = 10.0, 3.0  # y -> 10 + 3 y
_IN_DISTRIBUTION = " (in distribution: single fits depend on the random numbers)"
_SAME_FIT = 1e-6  # what an iteration may leave between equivalent data
_SAME_DATA = 1e-10  # what another order of sums may move
_SECONDS = 2.0  # of work that a killed worker may lose
_REPS = {"rows": 3, "clusters": 16, "pooled": 16}
_DESIGNS: dict[str, dict[str, Any]] = {
    "equal clusters": {"cluster_size": 6, "x_icc": 0.5},
    "unequal clusters": {"cluster_size": {"sizes": [2, 9, 4, 7, 3, 8, 5, 6]}, "x_icc": 0.3},
    "a predictor of whole clusters": {"cluster_size": 5, "x_icc": 1.0},
}
Data = Units | Moments
Change = Callable[[Data], Data]
Pair = tuple[str, Estimates, Estimates, Any]  # a design, two fits of it, which rows are compared


@dataclass(frozen=True, slots=True)
class _Trial:
    """One design's data sets and what the method gave."""

    design: str
    data: Data
    rows: Estimates


def conform(method: Method) -> Iterator[Verdict]:
    """Try a method; what fails on every data set ends the trial."""
    tried = [(name, _data(method, name, _REPS[method.grain])) for name in _DESIGNS]
    trials = [_Trial(name, data, method.fit(data)) for name, data in tried]
    yield _answers(trials)
    fitted = [trial for trial in trials if _used(trial.rows).any()]
    if not fitted:
        return
    yield from (_failures(trial) for trial in trials if not _used(trial.rows).all())
    if all((trial.rows.outcome >= Outcome.NO_STD_ERROR).all() for trial in trials):
        yield Verdict(None, "no data set has a standard error or a p-value: in a study such rows "
                            "are no_std_error and have no test")  # fmt: skip
    for check in (_repeats, _alone, _reordered):
        if (verdict := check(method, fitted)) is not None:
            yield verdict
    if method.estimand == DEFAULT and not method.null_value:
        yield _rescaled(method, fitted)
    yield _pace(method, fitted[0].design)


def _drawn(method: Method, design: str) -> tuple[Source, str]:
    """Where data sets of one design come from, and at which grain the method reads them."""
    head = {"name": "check", "seed": 1, "replications": 1, "methods": ["pooled"]}
    grid = {"n_clusters": 8, "icc": 0.2, "slope": 0.5, **_DESIGNS[design]}
    (drawn,) = load(head | {"scenarios": grid}).designs
    return Source(drawn.scenario, 1, drawn.key), grain_of(method, drawn.scenario, None)


def _data(method: Method, design: str, n_reps: int) -> Data:
    """The first data sets of one design."""
    source, grain = _drawn(method, design)
    if grain == "rows":
        rows = source.moments(streams.ROWS, 0)
        assert isinstance(rows, Units)
        return cut_rows(rows, 0, n_reps)
    moments = source.moments(streams.GRAIN[grain], 0)
    assert not isinstance(moments, Units)
    return cut(moments, 0, n_reps)


def _used(rows: Estimates) -> Any:
    return rows.outcome < Outcome.NO_RESIDUAL_DF


def _answers(trials: list[_Trial]) -> Verdict:
    """Whether there is any result, of the right shape."""
    n_fits = sum(trial.rows.outcome.size for trial in trials)
    n_used = sum(int(_used(trial.rows).sum()) for trial in trials)
    if n_used:
        names = dict.fromkeys(name for trial in trials for name in trial.rows.extras or {})
        extras = f"; extras: {', '.join(names)}" if names else ""
        return Verdict(True, f"{n_used} of {n_fits} data sets have a result{extras}")
    return Verdict(False, f"fails on every data set: {_message(trials[0].rows)}")


def _message(rows: Estimates) -> str:
    assert rows.failures is not None
    failure: Failure = next(failure for failure in rows.failures if failure is not None)
    return in_brief(failure)


def _failures(trial: _Trial) -> Verdict:
    failures = [] if trial.rows.failures is None else list(trial.rows.failures)
    misnamed = any(f is not None and answers.MISNAMED in f.message for f in failures)
    n_failed = int((~_used(trial.rows)).sum())
    what = f"{n_failed} of {trial.rows.outcome.size} data sets with {trial.design} fail"
    right = False if misnamed else None
    return Verdict(right, f"{what}: {_message(trial.rows)}; in a study these are failed rows")


def _gap(before: Estimates, after: Estimates, scale: float, kept: Any) -> float:
    """Largest relative difference of two sets of rows that are kept, the first times `scale`."""
    worst = 0.0
    for name in NUMBERS:
        a, b = (
            getattr(before, name) * (scale if name in chance.SCALED else 1.0),
            getattr(after, name),
        )
        if ((np.isnan(a) != np.isnan(b)) & kept).any():
            return np.inf
        both = np.isfinite(a) & np.isfinite(b) & kept
        gap = np.abs(a[both] - b[both]) / np.maximum(np.abs(a[both]), 1e-3)
        worst = max(worst, float(gap.max(initial=0.0)))
    return worst


def _worst(pairs: Iterable[Pair], scale: float = 1.0) -> tuple[float, str]:
    """The largest relative difference of two fits, and that in words."""
    gaps = []
    for design, before, after, kept in pairs:
        gap = _gap(before, after, scale, kept)
        gaps.append((gap, _said(gap, design, before, after, kept)))
    return max(gaps)


def _fitted_again(method: Method, trials: list[_Trial], change: Change) -> Iterator[Pair]:
    """The rows of each trial, and those of its data as they are changed.

    An iteration may converge on some data and not on others that are equivalent.
    """
    for trial in trials:
        data = change(trial.data)
        after = method.fit(data)
        kept = (data is trial.data) | ~(_unconverged(trial.rows) | _unconverged(after))
        yield trial.design, trial.rows, after, kept


def _moved(
    method: Method, trials: list[_Trial], change: Change, scale: float = 1.0
) -> tuple[float, str, str]:
    """How far equivalent data move the rows, that in words, and what is to be said of 0.

    Other rows have other random numbers, so that single fits differ whatever the method: then
    its distribution must not. A result that comes or goes with the unit of y is no chance.
    """
    gap, how = _worst(_fitted_again(method, trials, change), scale)
    if gap <= _SAME_FIT:
        return 0.0, "", ""
    if method.entry.draws and (scale == 1.0 or np.isfinite(gap)):
        by_chance = _by_chance(method, trials, change, scale)
        return (gap, by_chance, "") if by_chance else (0.0, "", _IN_DISTRIBUTION)
    return gap, how, ""


def _by_chance(method: Method, trials: list[_Trial], change: Change, scale: float) -> str | None:
    """How changed data change the distribution of a method that draws; None where they do not."""
    for trial in trials:
        assert isinstance(trial.data, Units)
        k = int(np.argmax(_used(trial.rows)))
        data = cut_rows(trial.data, k, k + 1)

        def fits(data: Data, stream: int) -> Estimates:
            return method.fit(data, words=chance.words_of(stream, 1))

        if how := chance.differ(partial(fits, data), partial(fits, change(data)), scale):
            return f"{how}, {trial.design}, over {chance.STREAMS} streams of random numbers"
    return None


def _unconverged(rows: Estimates) -> Any:
    failures = [None] * rows.outcome.size if rows.failures is None else rows.failures
    return np.array([f is not None and "converge" in f.message.lower() for f in failures])


def _said(gap: float, design: str, before: Estimates, after: Estimates, kept: Any) -> str:
    """How rows differ; where a result appears or goes, in which data set and why."""
    if np.isfinite(gap):
        return f"relative difference {gap:.2g}, {design}"
    apart = [np.isnan(getattr(before, name)) != np.isnan(getattr(after, name)) for name in NUMBERS]
    k = int(np.argmax(np.any(apart, axis=0) & kept))
    n_sets = before.outcome.size
    place = f"data set {k + 1} of {n_sets} with {design}" if n_sets > 1 else f"one with {design}"
    assert before.failures is not None and after.failures is not None
    if (failure := after.failures[k]) is not None:
        return f"{place} fails then: {brief(failure.message)}"
    if (failure := before.failures[k]) is not None:
        return f"{place} fails otherwise: {brief(failure.message)}"
    return f"{place} has other numbers missing"


def _repeats(method: Method, trials: list[_Trial]) -> Verdict:
    gap, how = _worst(_fitted_again(method, trials, lambda data: data))
    if gap == 0:
        return Verdict(True, "the same data give the same numbers again")
    return Verdict(False, f"the same data give other numbers the second time ({how}): take "
                          "random numbers from an argument rng")  # fmt: skip


def _alone(method: Method, trials: list[_Trial]) -> Verdict | None:
    """Whether a replication of moments has the same row alone as among others."""
    pairs = [
        (trial.design, trial.rows.cut(k, k + 1), method.fit(cut(trial.data, k, k + 1)), True)
        for trial in trials
        if not isinstance(trial.data, Units)
        for k in range(trial.data.n_reps)
    ]
    if not pairs:
        return None
    gap, how = _worst(pairs)
    if gap <= _SAME_DATA:
        return Verdict(True, "a replication has the same row alone as in a batch")
    return Verdict(False, "a replication's row depends on the others in its batch "
                          f"({how}): replications are the last axis")  # fmt: skip


def _reordered(method: Method, trials: list[_Trial]) -> Verdict | None:
    if all(isinstance(trial.data, Pooled) for trial in trials):
        return None
    gap, how, note = _moved(method, trials, _backwards)
    if gap:
        return Verdict(False, f"the order of the clusters matters ({how})")
    return Verdict(True, f"the order of the clusters does not matter{note}")


def _backwards(data: Data) -> Data:
    """The same clusters from the last to the first."""
    if isinstance(data, Pooled):
        return data
    if isinstance(data, Clusters):
        turned = data.within.map(_flip)
        means = tuple(_flip(mean) for mean in data.means)
        return replace(data, sizes=_flip(data.sizes), means=means, within=turned)
    if data.x.ndim > 1:
        return replace(data, columns=tuple(column[:, ::-1] for column in data.columns))
    n_reps = data.x.size // int(data.sizes.sum())
    cells = Segments(data.sizes, n_reps)
    number = cells.spread(np.arange(len(data.sizes))[:, None])
    order = np.argsort(-number, kind="stable")
    columns = tuple(column[order] for column in data.columns)
    return replace(data, sizes=_flip(data.sizes), columns=columns)


def _flip(values: Any) -> Any:
    return values[::-1] if len(values) > 1 else values


def _rescaled(method: Method, trials: list[_Trial]) -> Verdict:
    gap, how, note = _moved(method, trials, _rescale, SCALE)
    change = f"y -> {SHIFT:g} + {SCALE:g} y"
    if not gap:
        scales = f"{change} scales estimate and standard error by {SCALE:g} alone"
        return Verdict(True, scales + note)
    should = f"{change} should scale estimate and std_error by {SCALE:g} and leave df and p_value"
    if np.isinf(gap):
        return Verdict(False, f"{should}, but {how}")
    return Verdict(False, f"{should} ({how}); if it does not estimate a slope, say estimand=... "
                          "in the decorator")  # fmt: skip


def _rescale(data: Data) -> Data:
    def scaled(factor: Factor) -> Factor:
        return Factor.of_line(factor.a, SCALE * factor.b, SCALE * factor.r)

    if isinstance(data, Units):
        return replace(data, columns=(data.x, SHIFT + SCALE * data.y))
    if isinstance(data, Pooled):
        return replace(data, within=scaled(data.within), between=scaled(data.between))
    return replace(
        data, means=(data.mean_x, SHIFT + SCALE * data.mean_y), within=scaled(data.within)
    )


def _pace(method: Method, design: str) -> Verdict:
    """How long a fit takes, in calls as a study makes them, and what a killed worker loses."""
    source, grain = _drawn(method, design)
    units, part = f"{source.scenario.mean_n_obs:g} units", method.entry.part
    seconds, lost = _timed(method, design, _REPS[method.grain]), part
    text = f"{_time(seconds)} a replication of {units}"
    if grain != "rows":
        call = streams.call_length(source.scenario, streams.GRAIN[grain], part)
        if seconds * call < _SECONDS:
            seconds = _timed(method, design, call)
        text = f"{_time(seconds)} a replication of {units} in calls of {call}"
        if part % call:  # ranges begin inside a call, and calls are whole
            lost = ((part + call - 2) // call + 1) * call
    text += f"; with ranges of {part:,} replication{'s' if part > 1 else ''} a killed worker loses "
    text += f"at most {_time(seconds * lost)} of work"
    if seconds * lost <= _SECONDS or part == 1:
        return Verdict(None, text)
    less = max(1, int(_SECONDS / seconds))
    return Verdict(None, f"{text}: part={1 << (less.bit_length() - 1)} in the decorator cuts that")


def _timed(method: Method, design: str, n_reps: int) -> float:
    """Seconds a replication by the clock: a method may wait for another program."""
    data = _data(method, design, n_reps)
    start = time.perf_counter()
    method.fit(data)
    return (time.perf_counter() - start) / n_reps


def _time(seconds: float) -> str:
    if seconds >= 0.1:
        return f"{seconds:.1f} s"
    rounded = float(f"{max(seconds, 1e-6) * 1e3:.2g}")
    return f"{rounded:g} ms"
