"""What varies over clusters: as fitted, and as much of it as the data leave possible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simstudy.analysis.data import DataSet
from simstudy.analysis.fitted import Fit
from simstudy.moments import Floats
from simstudy.numerics.variance_interval import interval, of_intercepts, of_slopes

LEVEL = 0.95
ASSUMED = (0.0, 0.05, 0.2)  # ICCs where the data say nothing of theirs
_LARGEST = 0.9999  # share of the variance between clusters that is simulated at most
_MODELS = ("random_slope", "random_intercept")


class Variances(NamedTuple):
    """Variances of the model y = X b + theta^(1/2) Z u + e.

    Attributes
    ----------
    sigma2 : float
        Of units, in units of y squared.
    shape : array, shape (2, 2)
        Covariance of intercept and slope over clusters, over sigma2 theta; 0 but for the first
        entry where slopes do not vary.
    thetas : tuple of float
        Low end of the interval, estimate and high end; ratios of an assumed ICC where
        the data say nothing.
    names : tuple of str
        What each of them is.
    """

    sigma2: float
    shape: Floats
    thetas: tuple[float, ...]
    names: tuple[str, ...]

    @property
    def known(self) -> bool:
        """Whether the data say anything of them."""
        return not self.names[0].startswith("assumed")

    def share(self, data: DataSet, theta: float) -> float:
        """Share of the variance given the predictors that lies between clusters, over all units."""
        between = theta * _mean_form(self.shape, data.x)
        return between / (1.0 + between)

    def fields(self, theta: float) -> dict[str, float]:
        """Fields of a scenario."""
        tau2, slope = theta * self.shape[0, 0], theta * self.shape[1, 1]
        fields = {"icc": round(min(tau2 / (1.0 + tau2), _LARGEST), 4)}
        if slope > 0:
            fields["slope_sd"] = rounded(math.sqrt(slope * self.sigma2))
        if slope > 0 and tau2 > 0:
            cross = self.shape[0, 1] / math.sqrt(self.shape[0, 0] * self.shape[1, 1])
            fields["slope_correlation"] = float(np.clip(rounded(cross), -1.0, 1.0))
        return fields

    def design_effect(self, data: DataSet, theta: float) -> float:
        """Variance of the pooled slope of this very x over that of independent units.

        With q what the other predictors leave of x and b_j = sum_i (1, x_ij) q_ij:
        (1 + theta sum_j b_j' G b_j / q'q) / (1 + theta mean_i z_i' G z_i) (Moulton 1986).
        """
        others = np.column_stack([np.ones(data.n_obs), data.matrix[:, 1:]])
        q = data.x - others @ np.linalg.lstsq(others, data.x, rcond=None)[0]
        first = np.cumsum(data.sizes) - data.sizes
        sums = np.column_stack([np.add.reduceat(q, first), np.add.reduceat(q * data.x, first)])
        clustered = float(np.einsum("ja,ab,jb->", sums, self.shape, sums)) / float(q @ q)
        return (1.0 + theta * clustered) / (1.0 + theta * _mean_form(self.shape, data.x))


def rounded(value: float, digits: int = 6) -> float:
    """A number as it is written into a study file."""
    return float(f"{value:.{digits}g}")


def variances_of(data: DataSet, fits: Sequence[Fit]) -> Variances:
    """Estimates of the largest model that has some, and what the data leave possible."""
    fitted = {fit.method.name: fit for fit in fits if fit.status in ("ok", "boundary")}
    model = next((fitted[name] for name in _MODELS if name in fitted), None)
    if model is None:
        sigma2 = next(fit.numbers["sigma"] or 0.0 for fit in fits if fit.method.name == "pooled")
        thetas = tuple(icc / (1.0 - icc) for icc in ASSUMED)
        names = tuple(f"assumed_{k + 1}" for k in range(len(thetas)))
        return Variances(sigma2**2, np.diag([1.0, 0.0]), thetas, names)
    sigma2, tau2 = (float(model.numbers[name] or 0.0) for name in ("sigma2", "tau2"))
    effects = model.random_effects or []
    slope = float(effects[1]["variance"] or 0.0) if len(effects) > 1 else 0.0
    if slope > 0:
        cross = float(effects[1]["correlation"] or 0.0) * math.sqrt(tau2 * slope)
        shape = np.array([[tau2, cross], [cross, slope]]) / sigma2
        columns = np.column_stack([data.matrix, data.y])
        ends, theta = interval(of_slopes(columns, data.sizes, _regular(shape)), LEVEL), 1.0
    else:
        shape, theta = np.diag([1.0, 0.0]), tau2 / sigma2
        ends = interval(of_intercepts(data.scaled.moments), LEVEL)
    if ends is None:
        return Variances(sigma2, shape, (theta,), ("estimate",))
    most = _LARGEST / (1.0 - _LARGEST) / _mean_form(shape, data.x)
    low, high = (min(end, most) for end in ends)
    return Variances(sigma2, shape, (low, theta, high), ("low", "estimate", "high"))


def _regular(shape: Floats) -> Floats:
    """A covariance that is not singular, near one that may be."""
    return np.asarray(shape + 1e-6 * np.diag(np.maximum(np.diag(shape), 1e-9)))


def _mean_form(shape: Floats, x: Floats) -> float:
    """Mean of (1, x) G (1, x)' over units."""
    cross, square = float(x.mean()), float((x * x).mean())
    return float(shape[0, 0] + 2.0 * shape[0, 1] * cross + shape[1, 1] * square)
