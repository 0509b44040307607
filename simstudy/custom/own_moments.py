"""What a user's generator returned, as moments of many data sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from simstudy.custom.answers import AnswerError
from simstudy.custom.data_sets import (
    Truths,
    are_fixed,
    numbers,
    stood_in,
    truths_of,
    wrong_sizes,
)
from simstudy.errors import nearest
from simstudy.estimates import TRUTH
from simstudy.generators.scenario import Scenario
from simstudy.moments import Array, Bools, Clusters, Factor
from simstudy.numerics.elimination import divide

_MOMENTS = ("sizes", "mean_x", "mean_y", "within.xx", "within.xy", "within.yy")
_ROUNDING = 1e-9  # of a sum of squares that is made of differences


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
    names = scenario.columns
    if answer.names != names:
        raise AnswerError(f"moments of {', '.join(answer.names)}, not of {', '.join(names)}")
    whole = _broadcast(answer, scenario, n_reps)
    reasons = wrong_sizes(np.broadcast_to(whole.sizes, (whole.n_clusters, n_reps)), scenario)
    arrays = [*whole.means, *(entry for row in whole.within.rows for entry in row)]
    finite = np.all([np.isfinite(values).all(axis=0) for values in arrays], axis=0)
    lone = [np.where(whole.sizes > 1, 0.0, entry) for row in whole.within.rows for entry in row]
    varies = np.any([values.any(axis=0) for values in lone], axis=0)
    for r in np.flatnonzero(~finite | varies):
        message = "moments are not finite, or of no data: yy < xy^2 / xx"
        reasons[r] = reasons[r] or (message if not finite[r] else "a cluster of one unit varies")
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
    sizes, mean_x, mean_y, xx, xy, yy = (numbers(name, answer[name]) for name in _MOMENTS)
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
    within = given.within.map(full)
    m = scenario.clusters_per_group
    return Clusters(whole, means, within, given.names, clusters_per_group=m)


def _mended(whole: Clusters, lost: Bools, scenario: Scenario) -> Clusters:
    """Other moments where replications are lost, and one column of sizes where these are fixed."""
    other = stood_in(scenario, 1) if lost.any() else whole

    def mend(values: Array, instead: Array) -> Array:
        return np.where(lost, instead[..., :1], values)

    sizes = mend(whole.sizes, other.sizes) if not are_fixed(scenario) else scenario.fixed_sizes()
    means = tuple(mend(*both) for both in zip(whole.means, other.means, strict=True))
    rows = tuple(
        tuple(mend(*both) for both in zip(*rows, strict=True))
        for rows in zip(whole.within.rows, other.within.rows, strict=True)
    )
    return replace(whole, sizes=sizes, means=means, within=Factor(rows))
