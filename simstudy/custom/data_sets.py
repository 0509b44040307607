"""What a user's generator returned, as data sets.

Data that cannot be are never fitted: their replications fail and say which number it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from simstudy.custom.answers import AnswerError
from simstudy.errors import nearest
from simstudy.estimands import DEFAULT, ESTIMANDS
from simstudy.estimates import TRUTH
from simstudy.generators.scenario import Scenario
from simstudy.moments import Array, Bools, Clusters, Factor, Floats, Ints, Units
from simstudy.numerics.elimination import divide
from simstudy.numerics.reduce import reduce

CLUSTER = "cluster"
_MOMENTS = ("sizes", "mean_x", "mean_y", "within.xx", "within.xy", "within.yy")
_ROUNDING = 1e-9  # of a sum of squares that is made of differences
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


def names_of(scenario: Scenario) -> tuple[str, ...]:
    """The columns that methods read, in the order of the waist."""
    return (*(one.name for one in scenario.covariates), "x", "y")


def data_set(answer: Any, scenario: Scenario) -> DataSet:
    """Read a data frame, or a dict of columns, or raise `AnswerError`."""
    held = columns_of(answer)
    truths = truths_of(held.pop(TRUTH, None), scenario, 1)
    if hasattr(answer, "attrs"):
        truths |= truths_of(answer.attrs.get(TRUTH), scenario, 1)
    names = names_of(scenario)
    for name in (CLUSTER, *names):
        if name not in held:
            got = ", ".join(map(str, held)) or "nothing"
            raise AnswerError(f"there is no column '{name}'; got {got}")
    for name in held.keys() - {CLUSTER, *names}:
        raise AnswerError(f"column '{name}' is no covariate of the scenario: name it there")
    columns = [_numbers(name, held[name]) for name in names]
    order, sizes = _sorted(np.asarray(held[CLUSTER]))
    for name, column in zip(names, columns, strict=True):
        if column.size != sizes.sum():
            raise AnswerError(f"{name} has {column.size} values, and cluster {sizes.sum()}")
        if n_bad := int((~np.isfinite(column)).sum()):
            raise AnswerError(f"{name} is not finite in {n_bad} of {column.size} units")
    if reason := _wrong_sizes(sizes[:, None], scenario)[0]:
        raise AnswerError(reason)
    return DataSet(sizes, columns if order is None else [c[order] for c in columns], truths)


def columns_of(answer: Any) -> dict[str, Any]:
    """Columns by name, of a data frame of any library or of a mapping."""
    if isinstance(answer, Mapping):
        return dict(answer)
    names = getattr(answer, "columns", None)
    if names is None:
        kind = type(answer).__name__
        raise AnswerError(f"returned {kind}; expected a data frame of cluster, x and y")
    return {name: answer[name] for name in names}


def _numbers(name: str, values: Any) -> Floats:
    """Values as doubles of one's own: what was returned may be filled again."""
    try:
        column = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise AnswerError(f"{name} is not numbers") from None
    return column


def _sorted(labels: Array) -> tuple[Array | None, Ints]:
    """What puts units in the order of their clusters, where they are not, and the sizes."""
    if labels.ndim != 1 or not labels.size:
        raise AnswerError(f"cluster has shape {labels.shape}, not one label a unit")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise AnswerError("cluster is missing for some units")
    try:
        rising = bool((labels[1:] >= labels[:-1]).all())
        if rising:
            starts = np.flatnonzero(np.concatenate([[True], labels[1:] != labels[:-1]]))
            return None, np.diff(np.append(starts, labels.size))
        _, codes = np.unique(labels, return_inverse=True)
    except TypeError:
        raise AnswerError("the labels of cluster cannot be put in order") from None
    return np.argsort(codes, kind="stable"), np.bincount(codes)


def _wrong_sizes(sizes: Ints, scenario: Scenario) -> list[str]:
    """Why the sizes of each replication, shape (J, R), are not those asked for; empty if so."""
    j, rule = scenario.n_clusters, scenario.size
    if sizes.shape[0] != j:
        return [f"{sizes.shape[0]} clusters where n_clusters is {j}"] * sizes.shape[1]
    low, high = rule.ends
    fixed = None if rule.random else np.broadcast_to(scenario.fixed_sizes(), (j, 1))
    bad = (sizes < low) | (sizes > high) if fixed is None else sizes != fixed
    reasons = [""] * sizes.shape[1]
    for r in np.flatnonzero(bad.any(axis=0)):
        k = int(np.argmax(bad[:, r]))
        said = f"{low:g} to {high:g}" if fixed is None else str(fixed[k, 0])
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
        values = _numbers(f"the truth of {name}", value)
        if values.shape not in ((), (1,), (n_reps,)) or not np.isfinite(values).all():
            raise AnswerError(f"the truth of {name} is no finite number a data set")
        truths[name] = np.array(np.broadcast_to(values, (n_reps,)))
    return truths


# --- many replications ------------------------------------------------------------------------


def stand_in(scenario: Scenario) -> DataSet:
    """What lies in place of a data set that is not there, so that arrays are whole."""
    mean = max(int(scenario.size.mean), 2)
    sizes = np.full(scenario.n_clusters, mean)
    if not scenario.size.random:
        sizes = np.broadcast_to(scenario.fixed_sizes(), (scenario.n_clusters, 1))[:, 0]
    rng = np.random.Generator(np.random.SFC64(0))
    return DataSet(sizes, [rng.standard_normal(sizes.sum()) for _ in names_of(scenario)], {})


def gathered(sets: Sequence[DataSet], scenario: Scenario) -> Units:
    """Replications side by side."""
    names, n_reps = names_of(scenario), len(sets)
    columns = list(zip(*(one.columns for one in sets), strict=True))
    sizes = np.stack([one.sizes for one in sets], axis=1)
    if (not scenario.size.random or n_reps == 1) and (sizes == sizes[0, 0]).all():
        n, j = int(sizes[0, 0]), scenario.n_clusters
        equal = [np.stack([c.reshape(j, n).T for c in column], axis=-1) for column in columns]
        return Units(sizes[:, :1], tuple(equal), names)
    cell = np.arange(sizes.size).reshape(sizes.shape)  # in the C order of (J, R)
    of_units = np.concatenate([np.repeat(cell[:, r], sizes[:, r]) for r in range(n_reps)])
    order = np.argsort(of_units, kind="stable")
    flat = tuple(np.concatenate(column)[order] for column in columns)
    return Units(sizes, flat, names)


def stood_in(scenario: Scenario, n_reps: int) -> Clusters:
    """Moments of as many stand-ins."""
    return reduce(gathered([stand_in(scenario)] * n_reps, scenario))


def moments(answer: Any, scenario: Scenario, n_reps: int) -> tuple[Clusters, list[str], Truths]:
    """Read moments of R replications: them, why each cannot be (empty if it can), and truths.

    Those that cannot be have others in their place.
    """
    truths: Truths = {}
    if isinstance(answer, Mapping):
        truths = truths_of(answer.get(TRUTH), scenario, n_reps)
        answer = _of_line(answer, scenario)
    if not isinstance(answer, Clusters):
        kind = type(answer).__name__
        raise AnswerError(f"returned {kind}; expected a dict of {', '.join(_MOMENTS)}")
    names = names_of(scenario)
    if answer.names != names:
        raise AnswerError(f"moments of {', '.join(answer.names)}, not of {', '.join(names)}")
    whole = _broadcast(answer, scenario, n_reps)
    reasons = _wrong_sizes(np.broadcast_to(whole.sizes, (whole.n_clusters, n_reps)), scenario)
    arrays = [*whole.means, *(entry for row in whole.within.rows for entry in row)]
    finite = np.all([np.isfinite(values).all(axis=0) for values in arrays], axis=0)
    for r in np.flatnonzero(~finite):
        reasons[r] = reasons[r] or "moments are not finite, or of no data: yy < xy^2 / xx"
    return _mended(whole, np.array([bool(reason) for reason in reasons]), scenario), reasons, truths


def _of_line(answer: Mapping[str, Any], scenario: Scenario) -> Clusters:
    """Moments of (x, y) from those named in the README."""
    for name in _MOMENTS:
        if name not in answer:
            raise AnswerError(f"'{name}' is missing; got {', '.join(map(str, answer))}")
    for name in answer.keys() - {*_MOMENTS, TRUTH}:
        raise AnswerError(f"'{name}' is no moment{nearest(name, _MOMENTS)}")
    if scenario.covariates:
        raise AnswerError("with covariates return simstudy.moments.Clusters")
    sizes, mean_x, mean_y, xx, xy, yy = (_numbers(name, answer[name]) for name in _MOMENTS)
    a = np.sqrt(np.where(xx >= 0, xx, np.nan))
    b = divide(*np.broadcast_arrays(xy, a))
    left = yy - b * b
    r = np.sqrt(np.where(left >= -_ROUNDING * yy, np.maximum(left, 0.0), np.nan))
    return Clusters(sizes, (mean_x, mean_y), Factor.of_line(a, b, r))  # type: ignore[arg-type]


def _broadcast(given: Clusters, scenario: Scenario, n_reps: int) -> Clusters:
    """All arrays in full, and the sizes whole numbers."""
    shape = (scenario.n_clusters, n_reps)

    def full(values: Array) -> Array:
        if values.ndim != 2 or values.shape[0] not in (1, shape[0]):
            raise AnswerError(f"moments have shape {values.shape}, not {shape}")
        try:
            return np.array(np.broadcast_to(values, shape))
        except ValueError:
            raise AnswerError(f"moments have shape {values.shape}, not {shape}") from None

    sizes = np.asarray(given.sizes)
    sizes = sizes[:, None] if sizes.ndim == 1 else sizes
    if sizes.shape not in ((shape[0], 1), shape):
        raise AnswerError(f"sizes have shape {np.shape(given.sizes)}, not {shape[:1]} or {shape}")
    if (sizes != sizes // 1).any():
        raise AnswerError("sizes are not whole numbers")
    whole = np.array(np.broadcast_to(sizes, shape)).astype(np.int64)
    means = tuple(full(np.asarray(mean)) for mean in given.means)
    return Clusters(whole, means, given.within.map(full), given.names)


def _mended(whole: Clusters, lost: Bools, scenario: Scenario) -> Clusters:
    """Other moments where replications are lost, and one column of sizes where these are fixed."""
    other = stood_in(scenario, 1) if lost.any() else whole

    def mend(values: Array, instead: Array) -> Array:
        return np.where(lost, instead[..., :1], values)

    sizes = mend(whole.sizes, other.sizes) if scenario.size.random else scenario.fixed_sizes()
    means = tuple(mend(*both) for both in zip(whole.means, other.means, strict=True))
    rows = tuple(
        tuple(mend(*both) for both in zip(*rows, strict=True))
        for rows in zip(whole.within.rows, other.within.rows, strict=True)
    )
    return Clusters(sizes, means, Factor(rows), whole.names)
