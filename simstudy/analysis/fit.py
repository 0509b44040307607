"""Methods fitted to one data set, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudy.analysis.data import DataSet
from simstudy.analysis.fitted import Fit, fit_one
from simstudy.analysis.grammar import parse
from simstudy.analysis.model import model
from simstudy.analysis.printed import printed
from simstudy.analysis.terms import Random, Terms
from simstudy.errors import UserError, nearest
from simstudy.estimands import ESTIMANDS
from simstudy.markup import preformatted
from simstudy.registry import GROUPS, Method
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
        methods = [fit.method for fit in self.fits if fit.status in ("ok", "boundary")]
        numbers = {method: len(self.data.at(method.level).labels) for method in methods}
        cautions = ((method.label, method.caution(n)) for method, n in numbers.items())
        return [f"{label}: {caution}" for label, caution in cautions if caution]

    def as_dict(self) -> dict[str, Any]:
        """Everything, as `fit --json` prints it; what is dropped, of more than a line."""
        dropped = [{"term": name, "reason": why} for name, why in self.data.dropped.items()]
        return {
            "n_obs": self.data.n_obs,
            "n_clusters": len(self.data.labels),
            **({} if self.data.plain else {"dropped": dropped}),
            "fits": [fit.as_dict() for fit in self.fits],
        }

    def __str__(self) -> str:
        return printed(self.data, self.fits)

    def _repr_html_(self) -> str:
        return preformatted(str(self))


def fit(
    data: str | Path | pd.DataFrame,
    formula: str,
    methods: Sequence[str | dict[str, Any] | Method] | None = None,
    clusters: bool = False,
) -> Fits:
    """Fit methods to a real data set.

    Parameters
    ----------
    data : path of a table (CSV, parquet, Stata, ...), or a data frame of any library
    formula : str
        lme4's, with one grouping factor: ``y ~ x + z + C(arm) + x:z + (1 | school)``. The first
        term is the one under test.
    methods : sequence, optional
        As in the study file: ``"pooled"``, ``{"random_intercept": {"df": "wald"}}``. By default
        pooled, dummy, random_intercept, and random_slope where the formula has one.
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
    terms = parse(formula)
    chosen = [
        method if isinstance(method, Method) else method_of(method, covariates=covariates_of(terms))
        for method in (usual(terms.random) if methods is None else methods)
    ]
    return fits_of(model(data, terms), chosen, clusters)


def fits_of(data: DataSet, methods: Sequence[Method], clusters: bool = False) -> Fits:
    """Fit methods to data that are read; `clusters` as of `fit`."""
    for method in methods:
        check_columns(method, data.names)
        if method.level == GROUPS:
            what = "make the groups the clusters of the formula: (1 | group)"
            raise UserError(f"{method.label}: a formula has no third level; {what}")
    return Fits(data, [fit_one(data, method, None, clusters) for method in methods])


def covariates_of(terms: Terms) -> list[str]:
    """Names of terms beside the first, as coefficients of numbers have them."""
    return [":".join(map(str, term)) for term in terms.fixed[1:]]


def check_columns(method: Method, names: Sequence[str]) -> None:
    """Refuse a method that takes no covariates, or speaks of columns that are not there.

    Parameters
    ----------
    method : Method
    names : sequence of str
        Columns of the model, the one under test first.
    """
    covariates = [name for name in names[1:] if name not in method.omit]
    if reason := method.refuse_covariates(covariates):
        raise UserError(f"{method.label}: {reason}")
    estimand = () if method.estimand in ESTIMANDS else (method.estimand,)
    for name in (*method.omit, *estimand):
        if name not in names:
            hint = nearest(name, names[1:])
            raise UserError(f"{method.label}: '{name}' is no column of the model{hint}")


def usual(random: Random) -> Sequence[str | dict[str, Any]]:
    """Methods that are fitted unasked."""
    if random.slope is None:
        return DEFAULT_METHODS
    return (*DEFAULT_METHODS, {"random_slope": {} if random.correlated else {"correlated": False}})
