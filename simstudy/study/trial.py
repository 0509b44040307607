"""What a user's own generator must satisfy, tried on small designs.

Says in plain words what is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from simstudy.custom import data_sets
from simstudy.custom.answers import AnswerError
from simstudy.custom.own_source import OwnSource, Told
from simstudy.custom.verdict import Verdict, in_brief
from simstudy.estimands import DEFAULT
from simstudy.estimates import TRUTH
from simstudy.generators import streams
from simstudy.moments import Clusters, Factor, Floats, Units
from simstudy.numerics.anova import icc_of_y
from simstudy.numerics.reduce import reduce
from simstudy.study.grid import Design
from simstudy.study.study import load

_DESIGNS: dict[str, Any] = {"equal clusters": 6, "unequal clusters": {"uniform": [2, 9]}}
_FIELDS = {"n_clusters": 8, "icc": 0.2, "x_icc": 0.5, "slope": 0.5}
_N = 32  # replications of each
Data = tuple[Clusters, Told]


def try_generator(
    file: Path, function: str, options: Mapping[str, Any]
) -> tuple[OwnSource, Iterator[Verdict]]:
    """The first of the sources that are tried, and what is found."""
    use = {"use": f"{file}:{function}", **options}
    (first, *_) = sources = [_source(use, size, {}) for size in _DESIGNS.values()]
    extra, more = _extra_columns(first), _groups(first)
    if extra:
        more["covariates"] = {name: {"slope": 0.0} for name in extra}
    if more:
        sources = [_source(use, size, more) for size in _DESIGNS.values()]
    return first, _verdicts(sources, extra)


def _source(use: Mapping[str, Any], size: Any, more: Mapping[str, Any]) -> OwnSource:
    head = {"name": "check", "seed": 1, "replications": 1, "methods": ["pooled"]}
    grid = _FIELDS | {"cluster_size": size, "data": use, **more}
    design: Design
    (design,) = load(head | {"scenarios": grid}).designs
    return OwnSource(design.scenario, 1, design.key)


def _extra_columns(source: OwnSource) -> list[str]:
    """Columns that are covariates, in the order in which they are returned."""
    answer = source.answer()
    if isinstance(answer, Clusters):
        return [str(name) for name in answer.names[:-2]]
    known = {data_sets.CLUSTER, data_sets.GROUP, "x", "y", TRUTH}
    with suppress(AnswerError):
        names = data_sets.columns_of(answer) if _rows(source) else {}
        return [name for name in names if name not in known and str(name).isidentifier()]
    return []


def _groups(source: OwnSource) -> dict[str, Any]:
    """A third level with as many clusters a group as in the data, where they name groups."""
    with suppress(AnswerError):
        columns = data_sets.columns_of(source.answer()) if _rows(source) else {}
        if data_sets.GROUP in columns:
            n_groups = len(set(np.asarray(columns[data_sets.GROUP]).tolist()))
            clusters = max(_FIELDS["n_clusters"] // n_groups, 2)
            return {"third_level": {"clusters": clusters, "icc": 0.1}}
    return {}


def _rows(source: OwnSource) -> bool:
    return source.scenario.first_grain == "rows"


def _verdicts(sources: list[OwnSource], extra: list[str]) -> Iterator[Verdict]:
    start = time.perf_counter()
    drawn = [_drawn(source, [0]) for source in sources]
    seconds = (time.perf_counter() - start) / sum(told.lost.size for _, told in drawn)
    for name, (_, told) in zip(_DESIGNS, drawn, strict=True):
        yield _answers(name, told)
    if all(told.lost.all() for _, told in drawn):
        return
    if extra:
        yield Verdict(None, f"columns {', '.join(extra)}: name them under covariates in the study "
                            "file")  # fmt: skip
    yield _repeats(sources, drawn)
    if (verdict := _varies(drawn)) is not None:
        yield verdict
    yield _in_any_order(sources)
    for name, (whole, told) in zip(_DESIGNS, drawn, strict=True):
        if not told.lost.all():
            yield Verdict(None, f"{name}: {_in_numbers(_kept(whole, told))}")
    yield _truth(drawn)
    yield Verdict(None, f"{max(seconds, 1e-6) * 1e3:.2g} ms a replication of some "
                        f"{sources[0].scenario.mean_n_obs:g} units")  # fmt: skip


def _drawn(source: OwnSource, chunks: list[int]) -> Data:
    """The last of some chunks, drawn one after the other."""
    grain = streams.GRAIN[source.scenario.first_grain]
    need = _N if _rows(source) else None
    for chunk in chunks:
        moments, told = source.moments(grain, chunk, need), source.told(grain, chunk, need)
    return reduce(moments) if isinstance(moments, Units) else moments, told


def _answers(name: str, told: Told) -> Verdict:
    """Whether there are data at all."""
    n, n_lost = told.lost.size, int(told.lost.sum())
    if not n_lost:
        return Verdict(True, f"{name}: {n} of {n} replications are finite and of the sizes asked")
    first = next(failure for failure in told.failures if failure is not None)
    what = f"{name}: {n_lost} of {n} replications: {in_brief(first)}"
    if n_lost == n:
        return Verdict(False, what)
    return Verdict(None, f"{what}; in a study these are failed rows of all methods")


def _same(one: Data, other: Data) -> bool:
    """Whether two draws are the same, bit by bit."""
    return bool((one[1].lost == other[1].lost).all()) and all(
        np.array_equal(a, b) for a, b in zip(_arrays(one[0]), _arrays(other[0]), strict=True)
    )


def _arrays(moments: Clusters) -> list[Floats]:
    entries = [entry for row in moments.within.rows for entry in row]
    return [np.asarray(moments.sizes), *moments.means, *entries]


def _repeats(sources: list[OwnSource], drawn: list[Data]) -> Verdict:
    again = [_drawn(source, [1, 0]) for source in sources]
    if all(_same(one, other) for one, other in zip(drawn, again, strict=True)):
        return Verdict(True, "the same stream gives the same data again")
    return Verdict(False, "the same stream gives other data the second time: take random numbers "
                          "from rng, and keep nothing from one call to the next")  # fmt: skip


def _varies(drawn: list[Data]) -> Verdict | None:
    """Whether replications differ at all."""
    for whole, told in drawn:
        kept = np.flatnonzero(~told.lost)
        if kept.size > 1 and (whole.mean_y[:, kept] == whole.mean_y[:, kept[:1]]).all():
            return Verdict(False, "every replication has the same y: take random numbers from rng, "
                                  "not from a seed of your own")  # fmt: skip
    return None


def _in_any_order(sources: list[OwnSource]) -> Verdict:
    """Whether a replication, or a chunk of moments, is the same alone as after others."""
    right = True
    for source in sources:
        if _rows(source):
            numbers = range(4)
            forward = [source.replication(k) for k in numbers]
            backward = [source.replication(k) for k in reversed(numbers)][::-1]
            right &= all(_equal(a, b) for a, b in zip(forward, backward, strict=True))
        else:
            right &= _same(_drawn(source, [0, 1]), _drawn(source, [2, 1]))
    if right:
        return Verdict(True, "data do not depend on what was drawn before them, nor with them")
    return Verdict(False, "data depend on what was drawn before them: keep nothing from one call "
                          "to the next")  # fmt: skip


def _equal(one: Any, other: Any) -> bool:
    if not (isinstance(one, data_sets.DataSet) and isinstance(other, data_sets.DataSet)):
        return type(one) is type(other)
    return np.array_equal(one.sizes, other.sizes) and all(
        np.array_equal(a, b) for a, b in zip(one.columns, other.columns, strict=True)
    )


def _kept(whole: Clusters, told: Told) -> Clusters:
    """The replications that are there."""
    there = ~told.lost

    def take(values: Any) -> Any:
        return values if values.shape[-1] == 1 else values[..., there]

    means = tuple(map(take, whole.means))
    return Clusters(take(whole.sizes), means, whole.within.map(take), whole.names)


def _in_numbers(whole: Clusters) -> str:
    """What the data are like, in a few numbers that their author may compare."""
    swapped = Clusters(
        whole.sizes, (whole.mean_y, whole.mean_x), _of_one(whole.within.xx), ("", "x")
    )
    icc, x_icc = (float(np.nanmean(icc_of_y(moments))) for moments in (whole, swapped))
    size = float(np.mean(whole.sizes))
    slope = whole.within.xy.sum() / whole.within.xx.sum() if whole.within.xx.any() else np.nan
    of_slope = "x constant in clusters" if np.isnan(slope) else f"slope in clusters {slope:.3g}"
    return (
        f"mean size {size:.3g}, icc of y {icc:.2g}, of x {x_icc:.2g}, {of_slope} (means over "
        f"{whole.n_reps} replications; asked for: icc {_FIELDS['icc']:g} given x, x_icc "
        f"{_FIELDS['x_icc']:g}, slope {_FIELDS['slope']:g})"
    )


def _of_one(squares: Floats) -> Factor:
    """Cross-products of a column alone, as if it were y."""
    nothing = np.zeros_like(squares)
    return Factor.of_line(nothing, nothing, np.sqrt(squares))


def _truth(drawn: list[Data]) -> Verdict:
    values = [told.truths[DEFAULT] for _, told in drawn if DEFAULT in told.truths]
    if not values:
        return Verdict(None, "the truth is the scenario's slope; where the study file gives none, "
                             "there are rejection rates and no bias")  # fmt: skip
    every = np.concatenate(values)
    every = every[np.isfinite(every)]
    if every.size and (every == every[0]).all():
        return Verdict(None, f"the true slope is {every[0]:g}, by the generator")
    return Verdict(None, f"the true slope differs between data sets, {every.min():.3g} to "
                         f"{every.max():.3g}: a rejection rate is neither power nor a Type I "
                         "error rate")  # fmt: skip
