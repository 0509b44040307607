"""Monte Carlo errors from rows: the jackknife and the bootstrap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simstudy.errors import UserError
from simstudy.moments import Array, Floats

_SEED = 20240417
_FROM_SUMS = ("bias", "empirical_se", "mse", "rmse", "model_se", "relative_error_model_se")


def jackknife_mcse(
    measure: str, estimate: Floats, std_error: Floats | None = None, truth: float = 0.0
) -> float:
    """Jackknife MCSE of a measure, about its value in the full sample, in O(n).

    Parameters
    ----------
    measure : {"bias", "empirical_se", "mse", "rmse", "model_se", "relative_error_model_se"}
    estimate, std_error : arrays, shape (n,)
        Used rows, none missing; `std_error` where the measure needs it.
    truth : float

    Returns
    -------
    float
        sqrt((n - 1) / n sum (theta_(i) - theta)^2); NaN with fewer than three rows.
    """
    if measure not in _FROM_SUMS:
        raise UserError(f"no jackknife of '{measure}'; known: {', '.join(_FROM_SUMS)}")
    if std_error is None and measure.endswith("model_se"):
        raise UserError(f"the jackknife of {measure} needs std_error")
    n = estimate.size
    if n < 3:
        return float("nan")
    error = estimate - truth
    variance = np.zeros(n) if std_error is None else std_error * std_error
    centred = error - error.mean()
    s2 = (centred * centred).sum() / (n - 1)
    s2_without = ((n - 1) * s2 - n / (n - 1) * centred * centred) / (n - 2)

    def without(values: Floats) -> Floats:
        return np.asarray((values.sum() - values) / (n - 1))

    def value(mean: Floats, spread: Floats, squares: Floats, model: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            if measure == "relative_error_model_se":
                return np.asarray(100.0 * (np.sqrt(model / spread) - 1.0))
            if measure in ("bias", "mse"):
                return mean if measure == "bias" else squares
            of_square = {"empirical_se": spread, "rmse": squares, "model_se": model}
            return np.asarray(np.sqrt(of_square[measure]))

    square = error * error
    full = value(error.mean(), s2, square.mean(), variance.mean())
    left = value(without(error), s2_without, without(square), without(variance))
    return float(np.sqrt((n - 1) / n * ((left - full) ** 2).sum()))


def bootstrap_mcse(
    function: Callable[[dict[str, Array]], float], rows: dict[str, Array], n_draws: int = 200
) -> float:
    """SD of a measure over resampled rows, the same draws each time it is asked."""
    n = rows["status"].size
    if n < 2:
        return float("nan")
    generator = np.random.Generator(np.random.Philox(_SEED))
    draws = []
    for _ in range(n_draws):
        index = generator.integers(0, n, n)
        draws.append(function({name: values[index] for name, values in rows.items()}))
    return float(np.std(draws, ddof=1))
