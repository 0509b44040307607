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
from simstudy.analysis.units import described, in_own_units, measured_null
from simstudy.entries import Words
from simstudy.estimates import Estimates, Outcome
from simstudy.numerics.reduce import reduce
from simstudy.registry import Method


@dataclass(frozen=True, slots=True)
class Fit:
    """One method on one data set, as plain numbers; None where there is none.

    `status` and `message` are those of the slope, as in a study; the intercept may have a test
    where the slope has none, or none where it has.
    `extras` are the further values of a user's own method, `clusters` the coefficients of
    cluster dummies, as terms.
    """

    method: Method
    status: str
    message: str | None
    terms: list[dict[str, Any]]
    numbers: dict[str, float | None]
    extras: dict[str, float | None] = field(default_factory=dict)
    clusters: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The fit as `fit --json` prints it; a user's names are free, so they stand apart."""
        head: dict[str, Any] = {"method": self.method.name}
        if self.method.source is None:
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
    if method.source is not None:
        return _fit_own(data, method, words)
    measured, fitted = data.scaled, measured_null(method, data.units)
    moments, origin = measured.moments, measured.origin
    with np.errstate(all="ignore"):
        found = {term: fitted.fit(moments, term, origin, words) for term in method.entry.terms}
        icc = _icc(found["slope"])  # before a variance may vanish
        found = {term: in_own_units(one, term, data.units) for term, one in found.items()}
        outcome = Outcome(int(found["slope"].outcome[0]))
        names = {"intercept": "(Intercept)", "slope": data.formula.predictor}
        terms = [_term(names[name], found[name], method.null_of(name)) for name in found]
        numbers = _numbers(method, data, found["slope"], icc)
        dummies = []
        classical = method.name == "dummy" and dict(method.options)["se"] == "classical"
        if classical and (clusters or len(data.labels) == 2):
            dummies = cluster_terms(data, found["slope"])
    estimated = outcome in (Outcome.OK, Outcome.BOUNDARY, Outcome.NO_STD_ERROR)
    said = [outcome.reason, remark(data, method) if estimated else None]
    message = "; ".join(filter(None, said)) or None
    return Fit(method, outcome.status, message, terms, numbers, clusters=dummies)


def _fit_own(data: DataSet, method: Method, words: Words | None) -> Fit:
    """A user's method, on the units or on moments about 0: it knows of no other origin."""
    rows = data.rows()
    found = method.fit(rows if method.grain == "rows" else reduce(rows), words=words)
    outcome = Outcome(int(found.outcome[0]))
    failure = found.failures[0]
    terms = [_term(data.formula.predictor, found, method.null_value)]
    numbers: dict[str, float | None] = dict.fromkeys(("sigma", "r_squared", "icc", "criterion"))
    numbers |= {name: _one(getattr(found, name)) for name in ("tau2", "sigma2")}
    extras = {name: _one(values) for name, values in (found.extras or {}).items()}
    message = outcome.reason if failure is None else failure.message
    return Fit(method, outcome.status, message, terms, numbers, extras)


def _plain(options: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Options as JSON can hold them: an infinite number is text."""
    return {
        name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in options
    }


def _icc(slope: Estimates) -> float | None:
    tau2, sigma2 = _one(slope.tau2), _one(slope.sigma2)
    total = None if tau2 is None or sigma2 is None else tau2 + sigma2
    return None if tau2 is None or not total else _finite(tau2 / total)


def _numbers(
    method: Method, data: DataSet, slope: Estimates, icc: float | None
) -> dict[str, float | None]:
    """What a fit is described by besides its terms."""
    fitted = slope.outcome[0] in (Outcome.OK, Outcome.BOUNDARY, Outcome.NO_STD_ERROR)
    statistics = described(method, data) if fitted else {}
    return {
        "sigma": _finite(statistics.get("sigma")),
        "r_squared": _finite(statistics.get("r_squared")),
        "tau2": _one(slope.tau2),
        "sigma2": _one(slope.sigma2),
        "icc": icc if fitted else None,
        "criterion": _finite(statistics.get("criterion")),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _one(values: np.ndarray | None) -> float | None:
    """The only value, None where it is missing or not finite."""
    return None if values is None else _finite(float(values[0]))


def _term(name: str, found: Estimates, null_value: float) -> dict[str, Any]:
    (term,) = terms_of(
        [name], found.estimate, found.std_error, float(found.df[0]), found.p_value, null_value
    )
    return term
