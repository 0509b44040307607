"""What residuals are like: of units about their clusters, and of clusters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simstudy.analysis.data import DataSet
from simstudy.analysis.law import means
from simstudy.moments import Floats, Ints

_SKEWED, _HEAVY = 1.0, 3.0  # skewness and excess kurtosis beyond which a normal is not enough
RESIDUALS = {"errors": 50, "cluster_effects": 30}  # and values from which a shape may be drawn


@dataclass(frozen=True)
class Residuals:
    """Residuals of the mean of y given the predictors.

    Attributes
    ----------
    errors : array, shape (N,)
        Of units about their cluster's mean, each of the same variance; NaN in clusters of one.
    cluster_effects : array, shape (J,)
        Mean residuals of clusters.
    sizes : array of int, shape (J,)
    """

    errors: Floats
    cluster_effects: Floats
    sizes: Ints

    def far_from_normal(self) -> tuple[str, ...]:
        """Which of the two are, and are enough values to draw from."""
        return tuple(
            name
            for name, values in self._values().items()
            if values.size >= RESIDUALS[name] and is_far(skewness(values), excess_kurtosis(values))
        )

    def as_dict(self) -> dict[str, dict[str, float]]:
        """Skewness and excess kurtosis of both."""
        return {
            name: {"skewness": skewness(values), "excess_kurtosis": excess_kurtosis(values)}
            for name, values in self._values().items()
        }

    def _values(self) -> Mapping[str, Floats]:
        errors = self.errors[np.isfinite(self.errors)]
        return {"errors": errors, "cluster_effects": self.cluster_effects}

    def column(self, name: str) -> Floats:
        """One of the two as a column of units; an effect stands at its cluster's first unit."""
        if name == "errors":
            return self.errors
        whole = np.full(self.errors.size, np.nan)
        whole[np.cumsum(self.sizes) - self.sizes] = self.cluster_effects
        return whole


def residuals_of(data: DataSet, slopes: Mapping[str, float]) -> Residuals:
    """Residuals about a line with these slopes."""
    left = data.y - data.matrix @ np.array([slopes[name] for name in data.names])
    left = left - left.mean()
    effects = means(left, data.sizes)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(1.0 - 1.0 / data.sizes)
        errors = (left - np.repeat(effects, data.sizes)) / np.repeat(spread, data.sizes)
    return Residuals(np.where(np.isfinite(errors), errors, np.nan), effects, data.sizes)


def is_far(skewness: float, excess_kurtosis: float) -> bool:
    """Whether a shape is so far from the normal's that it is tried, too."""
    return abs(skewness) > _SKEWED or excess_kurtosis > _HEAVY


def skewness(values: Floats) -> float:
    """Third moment about the mean, standardized; 0 where nothing varies."""
    return _standardized(values, 3)


def excess_kurtosis(values: Floats) -> float:
    """Fourth moment about the mean, standardized, less the normal's 3; 0 where nothing varies."""
    fourth = _standardized(values, 4)
    return fourth - 3.0 if fourth else 0.0


def _standardized(values: Floats, power: int) -> float:
    if not values.size:
        return 0.0
    about = values - values.mean()
    spread = float(np.sqrt(np.mean(about**2)))
    return float(np.mean((about / spread) ** power)) if spread > 0 else 0.0
