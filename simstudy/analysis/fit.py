"""Methods fitted to one data set, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudy.analysis.data import DataSet, read
from simstudy.analysis.fitted import Fit, fit_one
from simstudy.analysis.formula import parse
from simstudy.analysis.printed import printed
from simstudy.registry import Method
from simstudy.study.methods import method_of

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_METHODS = ("pooled", "dummy", "random_intercept")


@dataclass(frozen=True, slots=True)
class Fits:
    """Methods fitted to one data set."""

    data: DataSet
    fits: list[Fit]

    @property
    def cautions(self) -> list[str]:
        """What is to be said of methods that need more clusters than there are, a line each."""
        n_clusters = len(self.data.labels)
        methods = [fit.method for fit in self.fits if fit.status in ("ok", "boundary")]
        cautions = ((method.label, method.caution(n_clusters)) for method in methods)
        return [f"{label}: {caution}" for label, caution in cautions if caution]

    def as_dict(self) -> dict[str, Any]:
        """Everything, as `fit --json` prints it."""
        return {
            "n_obs": self.data.n_obs,
            "n_clusters": len(self.data.labels),
            "fits": [fit.as_dict() for fit in self.fits],
        }

    def __str__(self) -> str:
        return printed(self.data, self.fits)


def fit(
    data: str | Path | pd.DataFrame,
    formula: str,
    methods: Sequence[str | dict[str, Any] | Method] = DEFAULT_METHODS,
    clusters: bool = False,
) -> Fits:
    """Fit methods to a real data set.

    Parameters
    ----------
    data : path of a table (CSV, parquet, Stata, ...), or a data frame of any library
    formula : str
        lme4's, with one predictor and one random intercept: ``y ~ x + (1 | school)``.
    methods : sequence
        As in the study file: ``"pooled"``, ``{"random_intercept": {"df": "wald"}}``.
    clusters : bool
        Give the coefficients of `dummy`'s dummies however many there are, not of two clusters
        only. They come with classical standard errors.

    Returns
    -------
    Fits
        Print it, or take ``as_dict()``.

    Raises
    ------
    UserError
    """
    chosen = [m if isinstance(m, Method) else method_of(m) for m in methods]
    read_data = read(data, parse(formula))
    return Fits(read_data, [fit_one(read_data, method, None, clusters) for method in chosen])
