"""One method fitted to one data set, in plain numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simstudy.analysis.alone import remark
from simstudy.analysis.data import DataSet
from simstudy.analysis.dummies import cluster_terms, terms_of
from simstudy.analysis.units import in_own_units, measured_null, statistics_of
from simstudy.entries import Words
from simstudy.estimates import Estimates, Outcome
from simstudy.moments import Moments, Units
from simstudy.numerics.reduce import reduce
from simstudy.registry import Method

_ESTIMATED = (Outcome.OK, Outcome.BOUNDARY, Outcome.NO_STD_ERROR)


@dataclass(frozen=True, slots=True)
class Fit:
    """One method on one data set, as plain numbers; None where there is none.

    `status` and `message` are those of the slope, as in a study; the intercept may have a test
    where the slope has none, or none where it has.
    `extras` are further values, None of a method that has none ever, `clusters` the
    coefficients of cluster dummies, as terms.
    """

    method: Method
    status: str
    message: str | None
    terms: list[dict[str, Any]]
    numbers: dict[str, float | None]
    extras: dict[str, float | None] | None = None
    clusters: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The fit as `fit --json` prints it; a user's names are free, so they stand apart."""
        head: dict[str, Any] = {"method": self.method.name}
        if self.extras is None:
            head |= dict(self.method.options)
        else:
            head |= {"options": _plain(self.method.options), "extras": self.extras}
        if self.method.null_value:
            head["null_value"] = self.method.null_value
        head |= {"label": self.method.label, "status": self.status, "message": self.message}
        clusters = {"clusters": self.clusters} if self.clusters else {}
        return head | {"terms": self.terms} | clusters | self.numbers


def fit_one(
    data: DataSet, method: Method, words: Words | None = None, clusters: bool = False
) -> Fit:
    """Fit one method; what cannot be fitted has a message and no numbers.

    `words` are a simulated data set's own, for a method that draws; `clusters` as of `fit`.
    """
    entry, (units, read) = method.entry, _read(data, method)
    asked = measured_null(method, units)
    measured = {term: asked.fit(read, term, words) for term in entry.terms}
    with np.errstate(all="ignore"):
        icc = _icc(measured["slope"])  # before a variance may vanish
        fitted = {term: in_own_units(of, term, units) for term, of in measured.items()}
        names = {"intercept": "(Intercept)", "slope": data.formula.predictor}
        terms = [_term(names[term], of, method.null_of(term)) for term, of in fitted.items()]
        slope = fitted["slope"]
        numbers = _numbers(method, data, slope, icc)
        dummies = []
        classical = entry.own_intercepts and dict(method.options)["se"] == "classical"
        if classical and (clusters or len(data.labels) == 2):
            dummies = cluster_terms(data, slope)
    extras = None
    if slope.extras is not None:
        extras = {name: _only(values) for name, values in slope.extras.items()}
    status = Outcome(int(slope.outcome[0])).status
    return Fit(method, status, _message(data, method, slope), terms, numbers, extras, dummies)


def _read(data: DataSet, method: Method) -> tuple[tuple[int, int], Moments | Units]:
    """What a method is fitted to, and the powers of two that x and y are measured in there."""
    if not method.entry.as_they_are:
        return data.units, data.scaled.moments
    rows = data.rows()
    return (0, 0), rows if method.grain == "rows" else reduce(rows)


def _message(data: DataSet, method: Method, slope: Estimates) -> str | None:
    """Why there is no result, and what is to be said of one that there is."""
    outcome = Outcome(int(slope.outcome[0]))
    failure = None if slope.failures is None else slope.failures[0]
    reason = outcome.reason if failure is None else failure.message
    remarked = remark(data, method) if outcome in _ESTIMATED else None
    return "; ".join(filter(None, (reason, remarked))) or None


def _plain(options: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Options as JSON can hold them: an infinite number is text."""
    return {
        name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in options
    }


def _icc(slope: Estimates) -> float | None:
    tau2, sigma2 = _only(slope.tau2), _only(slope.sigma2)
    total = None if tau2 is None or sigma2 is None else tau2 + sigma2
    return None if tau2 is None or not total else _finite(tau2 / total)


def _numbers(
    method: Method, data: DataSet, slope: Estimates, icc: float | None
) -> dict[str, float | None]:
    """What a fit is described by besides its terms."""
    fitted = slope.outcome[0] in _ESTIMATED
    statistics = statistics_of(method, data) if fitted and method.entry.describe else {}
    return {
        "sigma": _finite(statistics.get("sigma")),
        "r_squared": _finite(statistics.get("r_squared")),
        "tau2": _only(slope.tau2),
        "sigma2": _only(slope.sigma2),
        "icc": icc if statistics else None,
        "criterion": _finite(statistics.get("criterion")),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _only(values: np.ndarray | None) -> float | None:
    """The only value, None where it is missing or not finite."""
    return None if values is None else _finite(float(values[0]))


def _term(name: str, of: Estimates, null_value: float) -> dict[str, Any]:
    (term,) = terms_of([name], of.estimate, of.std_error, float(of.df[0]), of.p_value, null_value)
    return term
