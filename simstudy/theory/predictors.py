"""What a scenario says about its predictor before any draw."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from simstudy.generators.scenario import Covariate, Scenario
from simstudy.moments import Floats, Ints
from simstudy.theory import covariates

_UNDERSTOOD = {
    "n_clusters", "size", "icc", "x_icc", "slope", "intercept", "total_variance",
    "contextual_effect", "x", "given", "covariates", "slope_sd", "slope_correlation",
    "name", "type", "correlations", "parts",
}  # fmt: skip
_X_KINDS = ("normal", "binary", "binary_blocked", "file")


class Spread(NamedTuple):
    """A sum of squares of what covariates leave of x.

    It is `scale`, or scale * chi2(df) where x is drawn; where only `lost` covariates are, scale
    * Beta(df / 2, lost / 2).
    """

    scale: float
    df: int | None = None
    lost: int = 0


@dataclass(frozen=True, slots=True)
class FixedX:
    """A predictor that is the same in every replication, or one of M allocations of it.

    Attributes
    ----------
    sizes : array of int, shape (J,)
    mean : array, shape (J,) or (M, J)
        Cluster means about the grand mean.
    within : float
        Sum of squares within clusters; exactly 0 for a cluster-level predictor.
    """

    sizes: Ints
    mean: Floats
    within: float

    @property
    def between(self) -> Floats:
        """Sum of squares between clusters."""
        return np.asarray((self.sizes * self.mean**2).sum(axis=-1))

    @property
    def total(self) -> Floats:
        """Sum of squares about the grand mean."""
        return self.between + self.within


def understood(scenario: Scenario) -> bool:
    """Whether the data are those of the model: a field that is not known here may break it."""
    known = _known(scenario) and all(map(_known, scenario.covariates))
    kinds = {scenario.x, *(covariate.type for covariate in scenario.covariates)}
    return known and kinds.issubset(_X_KINDS)


def _known(given: Scenario | Covariate) -> bool:
    return all(
        field.name in _UNDERSTOOD or getattr(given, field.name) == field.default
        for field in fields(given)
    )


def fixed_sizes(scenario: Scenario) -> Ints | None:
    """Sizes of the clusters, shape (J,), unless they are random."""
    return None if scenario.size.random else scenario.fixed_sizes().ravel()


def fixed_x(scenario: Scenario) -> FixedX | None:
    """The predictor where replications do not differ in it, up to a relabelling of clusters."""
    if scenario.given is not None:
        return _from_file(scenario.given.sizes, scenario.given.values)
    sizes = fixed_sizes(scenario)
    if sizes is None:
        return None
    if scenario.x == "binary_blocked":
        odd = sizes % 2
        return _from_treated(sizes, sizes // 2 + odd * ((np.cumsum(odd) + 1) % 2))
    if scenario.x == "binary" and scenario.x_icc == 1 and scenario.equal_size:
        return _from_treated(sizes, sizes * (np.arange(sizes.size) < sizes.size // 2))
    return None


def _from_treated(sizes: Ints, treated: Ints) -> FixedX:
    within = float((treated * (sizes - treated) / sizes).sum())
    return FixedX(sizes, treated / sizes - treated.sum() / sizes.sum(), within)


def _from_file(sizes: Ints, values: Floats) -> FixedX:
    first = np.cumsum(sizes) - sizes
    centred = values - values.mean()
    mean = np.add.reduceat(centred, first) / sizes
    spread = np.maximum.reduceat(values, first) - np.minimum.reduceat(values, first)
    about = np.where(np.repeat(spread, sizes) > 0, centred - np.repeat(mean, sizes), 0.0)
    return FixedX(sizes, mean, float((about**2).sum()))


def adjusted_x(scenario: Scenario) -> FixedX | None:
    """What the covariates of the file of x leave of it."""
    files = [one.given.values for one in scenario.covariates if one.given is not None]
    if scenario.given is None or not files:
        return fixed_x(scenario)
    columns = np.column_stack([np.ones(scenario.given.values.size), *files])
    slopes = np.linalg.lstsq(columns, scenario.given.values, rcond=None)[0]
    return _from_file(scenario.given.sizes, scenario.given.values - columns @ slopes)


def is_cluster_level(scenario: Scenario) -> bool:
    """Whether x never varies within a cluster."""
    if scenario.x == "file":
        fixed = fixed_x(scenario)
        return fixed is not None and fixed.within == 0
    return scenario.x_icc == 1


def all_cluster_level(scenario: Scenario) -> bool:
    """Whether neither x nor a covariate ever varies within a cluster."""
    return not covariates.n_varying(scenario) and is_cluster_level(scenario)


def independent_errors(scenario: Scenario) -> bool:
    """Whether there is nothing to ignore: no ICC, or clusters of one unit."""
    return not scenario.slope_sd and (scenario.icc == 0 or scenario.equal_size == 1)


def drawn_by_units(scenario: Scenario) -> bool:
    """Whether x is, given the covariates, drawn independently for every unit, from a normal."""
    drawn = scenario.x == "normal" and scenario.x_icc == 0
    return drawn and covariates.leaves_independent_units(scenario)


def total_spread(scenario: Scenario) -> Spread | None:
    """Sum of squares over all units of what covariates leave of x."""
    fixed, n, m = fixed_x(scenario), scenario.equal_size, len(scenario.covariates)
    at_once = n == 1 or all_cluster_level(scenario)
    if fixed is not None:
        units = all(covariate.icc == 0 for covariate in scenario.covariates)
        if not units and not (n and at_once):
            return None
        rows = scenario.n_clusters if n and at_once else int(fixed.sizes.sum())
        return _left_of_fixed(float(fixed.total), rows - 1, scenario.covariates)
    left = covariates.share_left(scenario, *covariates.TOTAL)
    if scenario.x == "normal" and n and at_once:
        return Spread(float(n) * left, scenario.n_clusters - 1 - m)
    if drawn_by_units(scenario) and not scenario.size.random:
        return Spread(left, smallest_n_obs(scenario) - 1 - m)
    return None


def between_spread(scenario: Scenario) -> Spread | None:
    """Sum of squares between clusters of what covariates leave of x."""
    fixed, n, m = fixed_x(scenario), scenario.equal_size, len(scenario.covariates)
    if fixed is not None:
        if m and not n:
            return None
        return _left_of_fixed(float(fixed.between), scenario.n_clusters - 1, scenario.covariates)
    if scenario.x == "normal" and n and scenario.x_icc is not None:
        left = covariates.share_left(scenario, 1.0, 1.0 / n)
        scale = (1.0 + (n - 1) * scenario.x_icc) * left
        return Spread(scale, scenario.n_clusters - 1 - m)
    return None


def within_spread(scenario: Scenario) -> Spread | None:
    """Sum of squares within clusters of what covariates leave of x."""
    fixed, m = fixed_x(scenario), covariates.n_varying(scenario)
    if fixed is not None:
        varying = [one for one in scenario.covariates if not covariates.is_constant(one)]
        free = int(fixed.sizes.sum()) - scenario.n_clusters
        return _left_of_fixed(fixed.within, free, varying)
    if scenario.x == "normal" and scenario.x_icc is not None and not scenario.size.random:
        scale = (1.0 - scenario.x_icc) * covariates.share_left(scenario, *covariates.UNITS)
        return Spread(scale, smallest_n_obs(scenario) - scenario.n_clusters - m)
    return None


def _left_of_fixed(squares: float, df: int, drawn: Sequence[Covariate]) -> Spread | None:
    """Of a given x, what normal covariates leave that are as likely in one direction as another.

    Parameters
    ----------
    df : int
        Dimensions in which they are drawn.
    """
    if not drawn:
        return Spread(squares)
    lost = len(drawn)
    return Spread(squares, df - lost, lost) if covariates.all_normal(drawn) else None


def largest_n_obs(scenario: Scenario) -> float:
    """The most units that a replication can have."""
    return _n_obs(scenario, 1)


def smallest_n_obs(scenario: Scenario) -> int:
    """The fewest units that a replication can have."""
    return int(_n_obs(scenario, 0))


def _n_obs(scenario: Scenario, end: int) -> float:
    if scenario.size.random:
        return scenario.n_clusters * scenario.size.ends[end]
    return int(scenario.fixed_sizes().sum())


def allocations(scenario: Scenario, most: int) -> tuple[FixedX, Floats] | None:
    """All ways to treat floor(J/2) clusters, clusters of one size being alike.

    Returns
    -------
    FixedX with M allocations, and their probabilities, shape (M,); or None
        None where x is not shuffled over fixed sizes, or M * J is above `most`.
    """
    sizes = fixed_sizes(scenario)
    if scenario.x != "binary" or scenario.x_icc != 1 or sizes is None:
        return None
    sizes = np.sort(sizes)
    counts = np.unique(sizes, return_counts=True)[1]
    if math.prod(int(count) + 1 for count in counts) > 50 * most:
        return None
    n_treated = sizes.size // 2
    ways = [
        chosen
        for chosen in itertools.product(*(range(count + 1) for count in counts))
        if sum(chosen) == n_treated
    ]
    if len(ways) * sizes.size > most:
        return None
    rank = np.arange(sizes.size) - np.repeat(np.cumsum(counts) - counts, counts)
    treated = rank < np.repeat(np.array(ways), counts, axis=1)
    number = [
        math.prod(math.comb(int(count), k) for count, k in zip(counts, way, strict=True))
        for way in ways
    ]
    share = np.array([count / math.comb(sizes.size, n_treated) for count in number])
    grand = (treated * sizes).sum(axis=1, keepdims=True) / sizes.sum()
    return FixedX(sizes, treated - grand, 0.0), share
