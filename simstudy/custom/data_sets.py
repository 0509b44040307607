"""What a user's generator returned, as data sets.

Data that cannot be are never fitted: their replications fail and say which number it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from simstudy.custom.answers import AnswerError
from simstudy.errors import nearest
from simstudy.estimands import DEFAULT, ESTIMANDS
from simstudy.estimates import TRUTH
from simstudy.generators.scenario import Scenario
from simstudy.moments import Array, Clusters, Floats, Ints, Units
from simstudy.numerics.reduce import reduce

CLUSTER, GROUP = "cluster", "group"
Truths = dict[str, Floats]  # by estimand


class DataSet(NamedTuple):
    """One replication's units.

    Attributes
    ----------
    sizes : array of int, shape (J,)
    columns : list of arrays, shape (N,)
        Covariates, x, y; the units of a cluster contiguous.
    truths : dict
        True values that came with it, each of shape (1,).
    """

    sizes: Ints
    columns: list[Floats]
    truths: Truths


def data_set(answer: Any, scenario: Scenario) -> DataSet:
    """Read a data frame, or a dict of columns, or raise `AnswerError`."""
    held = columns_of(answer)
    truths = truths_of(held.pop(TRUTH, None), scenario, 1)
    if hasattr(answer, "attrs"):
        truths |= truths_of(answer.attrs.get(TRUTH), scenario, 1)
    names = scenario.columns
    for name in (CLUSTER, *names):
        if name not in held:
            got = ", ".join(map(str, held)) or "nothing"
            raise AnswerError(f"there is no column '{name}'; got {got}")
    for name in held.keys() - {CLUSTER, GROUP, *names}:
        raise AnswerError(f"column '{name}' is no covariate of the scenario: name it there")
    columns = [numbers(name, held[name]) for name in names]
    order, sizes = _clusters(held, scenario)
    for name, column in zip(names, columns, strict=True):
        if column.size != sizes.sum():
            raise AnswerError(f"{name} has {column.size} values, and cluster {sizes.sum()}")
        if n_bad := int((~np.isfinite(column)).sum()):
            raise AnswerError(f"{name} is not finite in {n_bad} of {column.size} units")
    if reason := wrong_sizes(sizes[:, None], scenario)[0]:
        raise AnswerError(reason)
    return DataSet(sizes, columns if order is None else [c[order] for c in columns], truths)


def columns_of(answer: Any) -> dict[str, Any]:
    """Columns by name, of a data frame of any library or of a mapping."""
    if isinstance(answer, Mapping) or hasattr(answer, "items"):  # pandas has these the soonest
        return dict(answer.items())
    names = getattr(answer, "columns", None)
    if names is None:
        kind = type(answer).__name__
        raise AnswerError(f"returned {kind}; expected a data frame of cluster, x and y")
    return {name: answer[name] for name in names}


def numbers(name: str, values: Any) -> Floats:
    """Values as doubles of one's own: what was returned may be filled again."""
    try:
        column = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise AnswerError(f"{name} is not numbers") from None
    return column


def _clusters(held: Mapping[str, Any], scenario: Scenario) -> tuple[Array | None, Ints]:
    """What puts units in the order of their clusters, where they are not, and the sizes."""
    codes = _codes(CLUSTER, held[CLUSTER])
    m = scenario.clusters_per_group
    if GROUP not in held:
        order, sizes = _sorted(codes)
        return order, _padded(sizes, np.arange(sizes.size), scenario)
    if not m:
        raise AnswerError("column 'group' needs third_level: {clusters: ...} in the study file")
    groups = _codes(GROUP, held[GROUP])
    if groups.shape != codes.shape:
        raise AnswerError(f"group has {groups.size} values, and cluster {codes.size}")
    n_codes = int(codes.max()) + 1
    order, sizes = _sorted(groups * n_codes + codes)
    of_cluster = np.unique(groups * n_codes + codes) // n_codes
    number = np.arange(sizes.size) - np.searchsorted(of_cluster, of_cluster)  # in its group
    if number.max() >= m:
        k = int(of_cluster[np.argmax(number)])
        n = int((of_cluster == k).sum())
        raise AnswerError(f"{n} clusters in group {k + 1} where third_level says {m}")
    return order, _padded(sizes, of_cluster * m + number, scenario)


def _codes(name: str, labels: Any) -> Ints:
    """Labels as whole numbers from 0, in their order."""
    labels = np.asarray(labels)
    if labels.ndim != 1 or not labels.size:
        raise AnswerError(f"{name} has shape {labels.shape}, not one label a unit")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise AnswerError(f"{name} is missing for some units")
    try:
        if (labels[1:] >= labels[:-1]).all():  # in order already
            return np.cumsum(np.concatenate([[False], labels[1:] != labels[:-1]]))
        return np.unique(labels, return_inverse=True)[1]
    except TypeError:
        raise AnswerError(f"the labels of {name} cannot be put in order") from None


def _sorted(codes: Ints) -> tuple[Array | None, Ints]:
    """What puts codes in their order, where they are not, and how often there is each."""
    order = None if (codes[1:] >= codes[:-1]).all() else np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    return order, counts[counts > 0]


def _padded(sizes: Ints, places: Ints, scenario: Scenario) -> Ints:
    """Sizes at their places among all clusters: units may be missing, and so all of a cluster's."""
    j = scenario.n_clusters
    if scenario.part("missing") is None or places[-1] >= j:
        return sizes
    return np.bincount(places, sizes, minlength=j).astype(np.int64)


@lru_cache(maxsize=64)
def bounds(scenario: Scenario) -> tuple[Floats, Floats]:
    """The smallest and the largest size of each cluster that may be, each of shape (J, 1)."""
    shape = (scenario.n_clusters, 1)
    low, high = (np.broadcast_to(float(end), shape) for end in scenario.size.ends)
    if not scenario.size.random:
        low = high = np.broadcast_to(scenario.fixed_sizes().astype(float), shape)
    return (low if scenario.part("missing") is None else np.zeros(shape)), high


def wrong_sizes(sizes: Ints, scenario: Scenario) -> list[str]:
    """Why the sizes of each replication, shape (J, R), are not those asked for; empty if so."""
    low, high = bounds(scenario)
    if sizes.shape[0] != low.size:
        return [f"{sizes.shape[0]} clusters where n_clusters is {low.size}"] * sizes.shape[1]
    bad = (sizes < low) | (sizes > high)
    reasons = [""] * sizes.shape[1]
    for r in np.flatnonzero(bad.any(axis=0)):
        k = int(np.argmax(bad[:, r]))
        least, most = float(low[k, 0]), float(high[k, 0])
        said = f"{least:g}" if least == most else f"{least:g} to {most:g}"
        reasons[r] = f"{sizes[k, r]} units in cluster {k + 1} where cluster_size says {said}"
    return reasons


def truths_of(given: Any, scenario: Scenario, n_reps: int) -> Truths:
    """True values by estimand, of the slope where one is given alone; or `AnswerError`."""
    if given is None:
        return {}
    named = given if isinstance(given, Mapping) else {DEFAULT: given}
    known = [*ESTIMANDS, *(one.name for one in scenario.covariates)]
    truths = {}
    for name, value in named.items():
        if name not in known:
            raise AnswerError(f"the truth of {name!r:.40} is of no estimand{nearest(name, known)}")
        values = numbers(f"the truth of {name}", value)
        if values.shape not in ((), (1,), (n_reps,)) or not np.isfinite(values).all():
            raise AnswerError(f"the truth of {name} is no finite number a data set")
        truths[name] = np.array(np.broadcast_to(values, (n_reps,)))
    return truths


# --- many replications ------------------------------------------------------------------------


def are_fixed(scenario: Scenario) -> bool:
    """Whether all replications have the same sizes."""
    return not scenario.size.random and scenario.part("missing") is None


def stand_in(scenario: Scenario) -> DataSet:
    """What lies in place of a data set that is not there, so that arrays are whole."""
    sizes = np.full(scenario.n_clusters, max(int(scenario.size.mean), 2))
    if not scenario.size.random:
        sizes = np.broadcast_to(scenario.fixed_sizes(), (scenario.n_clusters, 1))[:, 0]
    rng = np.random.Generator(np.random.SFC64(0))
    return DataSet(sizes, [rng.standard_normal(sizes.sum()) for _ in scenario.columns], {})


def gathered(sets: Sequence[DataSet], scenario: Scenario) -> Units:
    """Replications side by side."""
    names, n_reps, m = scenario.columns, len(sets), scenario.clusters_per_group
    columns = list(zip(*(one.columns for one in sets), strict=True))
    sizes = np.stack([one.sizes for one in sets], axis=1)
    if (are_fixed(scenario) or n_reps == 1) and (sizes == sizes[0, 0]).all():
        n, j = int(sizes[0, 0]), scenario.n_clusters
        equal = [np.stack([c.reshape(j, n).T for c in column], axis=-1) for column in columns]
        return Units(sizes[:, :1], tuple(equal), names, m)
    cell = np.arange(sizes.size).reshape(sizes.shape)  # in the C order of (J, R)
    of_units = np.concatenate([np.repeat(cell[:, r], sizes[:, r]) for r in range(n_reps)])
    order = np.argsort(of_units, kind="stable")
    flat = tuple(np.concatenate(column)[order] for column in columns)
    return Units(sizes, flat, names, m)


def stood_in(scenario: Scenario, n_reps: int) -> Clusters:
    """Moments of as many stand-ins."""
    return reduce(gathered([stand_in(scenario)] * n_reps, scenario))
