"""The lines that four views of a data set draw through it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from simstudy.analysis import options
from simstudy.analysis.data import DataSet
from simstudy.analysis.fitted import Fit, fit_one
from simstudy.analysis.printed import column, places
from simstudy.estimates import Outcome
from simstudy.moments import Floats
from simstudy.registry import configure


class Lines(NamedTuple):
    """One view of the data: a line for all, or a line a cluster.

    Attributes
    ----------
    name : str
    intercept, slope : arrays, shape (1,) or (J,)
        NaN where a cluster has no line of its own.
    text : str
        The slope and its standard error, or why there are no lines.
    """

    name: str
    intercept: Floats
    slope: Floats
    text: str


def lines_of(data: DataSet) -> list[Lines]:
    """Pooled, separate, dummy and random-intercept lines."""
    x, y = data.means
    fits = {m: fit_one(data, configure(m)) for m in ("pooled", "dummy", "random_intercept")}
    pooled, within, mixed = (_terms(estimates) for estimates in fits.values())
    texts = texts_of(list(fits.values()))
    separate = options.separate(data).slope
    n_lines = int(np.isfinite(separate).sum())
    several = f"{n_lines} slope{'' if n_lines == 1 else 's'}"
    if not n_lines:
        several = Outcome.X_CONSTANT_WITHIN.reason or ""
    return [
        Lines("pooled: one line", np.array([pooled[0]]), np.array([pooled[1]]), texts[0]),
        Lines("separate lines", y - separate * x, separate, several),
        Lines("dummy: parallel lines", y - within[1] * x, np.full_like(x, within[1]), texts[1]),
        Lines(
            "random intercept: shrunken lines", mixed[0] + shrunken(data, fits["random_intercept"]),
            np.full_like(x, mixed[1]), texts[2],
        ),
    ]  # fmt: skip


def shrunken(data: DataSet, fit: Fit) -> Floats:
    """Predicted random intercepts (Henderson's BLUPs), shape (J,); NaN without a fit.

    u_j = n_j psi / (1 + n_j psi) times the cluster's mean residual, psi = tau2 / sigma2.
    """
    x, y = data.means
    intercept, slope = _terms(fit)
    tau2, sigma2 = fit.numbers["tau2"], fit.numbers["sigma2"]
    if tau2 is None or sigma2 is None:
        return np.full_like(x, np.nan)
    weight = data.sizes * tau2 / (sigma2 + data.sizes * tau2)
    return weight * (y - intercept - slope * x)


def _terms(fit: Fit) -> tuple[float, float]:
    """Intercept and slope; NaN where there is none."""
    slope, intercept = fit.slope["estimate"], fit.intercept
    return (
        float("nan") if intercept is None else intercept,
        float("nan") if slope is None else float(slope),
    )


def texts_of(fits: list[Fit]) -> list[str]:
    """Slopes and standard errors, all with the decimals that tell the errors apart."""
    slopes = [fit.slope for fit in fits]
    errors = [slope["std_error"] for slope in slopes]
    decimals = places([*errors, *(slope["estimate"] for slope in slopes if not any(errors))], 3)
    return [_text(fit, slope, decimals) for fit, slope in zip(fits, slopes, strict=True)]


def _text(fit: Fit, slope: dict[str, Any], decimals: int) -> str:
    if slope["estimate"] is None:
        return fit.message or fit.status
    (estimate,) = column([slope["estimate"]], decimals)
    if slope["std_error"] is None:
        return f"slope {estimate}, no SE"
    (error,) = column([slope["std_error"]], decimals)
    return f"slope {estimate} (SE {error})"
