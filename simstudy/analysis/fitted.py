"""One method fitted to one data set, in plain numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from simstudy.analysis.alone import remark
from simstudy.analysis.data import DataSet
from simstudy.analysis.dummies import cluster_terms, terms_of
from simstudy.analysis.lost import lost
from simstudy.analysis.units import in_own_units, measured_null, statistics_of, varying_slopes
from simstudy.entries import Entry, Words
from simstudy.errors import UserError
from simstudy.estimands import DEFAULT, ESTIMANDS
from simstudy.estimates import SLOPE_VARIANCE, Estimates, Outcome
from simstudy.moments import Moments, Units
from simstudy.numerics.columns import with_last
from simstudy.numerics.reduce import reduce
from simstudy.registry import CLUSTERS, Method

_ESTIMATED = (Outcome.OK, Outcome.BOUNDARY, Outcome.NO_STD_ERROR)
_NONE = np.full(1, np.nan)
_ABSENT = Estimates(_NONE, _NONE, _NONE, _NONE, np.full(1, Outcome.COLLINEAR, dtype=np.int8))


@dataclass(frozen=True, slots=True)
class Fit:
    """One method on one data set, as plain numbers; None where there is none.

    `status` and `message` are those of the slope under test, the term `tested`, and the message
    says of the others which are not there; the intercept may have a test where the slope has
    none, or none where it has. `terms` are the intercept, where the method has one, and the
    columns. `random_effects` is None of a line with a random intercept: tau2 says it all.
    `extras` are further values, None of a method that is not a user's, `clusters` the
    coefficients of cluster dummies, as terms.
    """

    method: Method
    tested: str
    status: str
    message: str | None
    terms: list[dict[str, Any]]
    numbers: dict[str, float | None]
    random_effects: list[dict[str, Any]] | None = None
    extras: dict[str, float | None] | None = None
    clusters: list[dict[str, Any]] = field(default_factory=list)

    @property
    def slopes(self) -> list[dict[str, Any]]:
        """The terms but the intercept."""
        return self.terms["intercept" in self.method.entry.terms :]

    @property
    def slope(self) -> dict[str, Any]:
        """The slope under test."""
        return next(term for term in self.slopes if term["term"] == self.tested)

    @property
    def intercept(self) -> float | None:
        """The value of the line at 0, where the method has one."""
        value = self.terms[0]["estimate"] if "intercept" in self.method.entry.terms else None
        return None if value is None else float(value)

    @property
    def blank(self) -> bool:
        """Whether nothing was estimated."""
        return all(term["estimate"] is None for term in self.terms)

    def as_dict(self) -> dict[str, Any]:
        """The fit as `fit --json` prints it; a user's names are free, so they stand apart."""
        head: dict[str, Any] = {"method": self.method.name}
        if self.extras is None:
            head |= dict(self.method.options)
        else:
            head |= {"options": _plain(self.method.options), "extras": self.extras}
        if self.method.omit:
            head["omit"] = list(self.method.omit)
        if self.method.level != CLUSTERS:
            head["level"] = self.method.level
        if self.method.null_value:
            head["null_value"] = self.method.null_value
        head |= {"label": self.method.label, "status": self.status, "message": self.message}
        clusters = {"clusters": self.clusters} if self.clusters else {}
        effects = {} if self.random_effects is None else {"random_effects": self.random_effects}
        return head | {"terms": self.terms} | clusters | self.numbers | effects


def fit_one(
    data: DataSet, method: Method, words: Words | None = None, clusters: bool = False
) -> Fit:
    """Fit one method; what cannot be fitted has a message and no numbers.

    `words` are a simulated data set's own, for a method that draws; `clusters` as of `fit`.
    """
    entry, data = method.entry, data.at(method.level).without(method.omit)
    left_out = lost(data, entry)
    model = data.without(left_out) if len(left_out) < len(data.names) else data
    powers, read, tested = _powers(data, entry), _read(model, method), _tested(data, method)
    ky = powers[data.terms.outcome]
    asked = measured_null(_of_slope(method), (powers[tested], ky))
    with np.errstate(all="ignore"):
        measured = dict(_slopes(model, tested, asked, read, words))
        slopes = {
            name: in_own_units(measured.get(name, _ABSENT), "slope", (powers[name], ky))
            for name in ([tested] if entry.as_they_are else data.names)
        }
        terms = [
            _term(name, of, method.null_of("slope") if name == tested else 0.0)
            for name, of in slopes.items()
        ]
        if "intercept" in entry.terms:
            of = in_own_units(asked.fit(read, "intercept", words), "intercept", (0, ky))
            terms.insert(0, _term("(Intercept)", of, method.null_of("intercept")))
        estimated = (name for name, of in slopes.items() if of.outcome[0] in _ESTIMATED)
        main = next(estimated, next(iter(measured)))
        effects = _random_effects(data, measured[main], (powers[data.names[0]], ky))
        icc = _icc(measured[main]) if len(effects) < 2 else None
        dummies = []
        if _has_dummies(method) and (clusters or len(data.labels) == 2):
            dummies = cluster_terms(data, {name: slopes[name] for name in model.names})
    extras = slopes[tested].extras if entry.as_they_are else None
    return Fit(
        method,
        tested,
        Outcome(int(slopes[tested].outcome[0])).status,
        _message(data, method, slopes, left_out),
        terms,
        _numbers(asked, model, slopes[main], icc),
        None if data.plain and len(effects) < 2 else effects,
        None if extras is None else {name: _only(values) for name, values in extras.items()},
        dummies,
    )


def _tested(data: DataSet, method: Method) -> str:
    """The column under test: the first, or the one whose slope is the estimand."""
    return data.names[0] if method.estimand in ESTIMANDS else method.estimand


def _of_slope(method: Method) -> Method:
    """The method as one of all that it is given, the last of the columns under test."""
    estimand = method.estimand if method.estimand in ESTIMANDS else DEFAULT
    return replace(method, omit=(), estimand=estimand, level=CLUSTERS)


def _has_dummies(method: Method) -> bool:
    """Whether coefficients of its dummies are known, with classical standard errors."""
    return method.entry.own_intercepts and dict(method.options)["se"] == "classical"


def _powers(data: DataSet, entry: Entry) -> dict[str, int]:
    """Powers of two that columns and y are measured in."""
    names = (*data.names, data.terms.outcome)
    units = (0,) * len(names) if entry.as_they_are else data.units
    return dict(zip(names, units, strict=True))


def _read(data: DataSet, method: Method) -> Moments | Units:
    """What a method is fitted to."""
    if not method.entry.as_they_are:
        return data.scaled.moments
    if taken := {"cluster", "x", "y"}.intersection(data.names[1:]):
        reason = f"'{min(taken)}' has a meaning in the data of one's own method"
        raise UserError(f"{method.label}: {reason}; rename that column")
    rows = data.rows()
    return rows if method.grain == "rows" else reduce(rows)


def _slopes(
    data: DataSet, tested: str, method: Method, read: Moments | Units, words: Words | None
) -> Iterator[tuple[str, Estimates]]:
    """Every column by name; of one's own method the one under test alone."""
    if isinstance(read, Units) or method.entry.as_they_are:
        yield tested, method.fit(read, "slope", words)
        return
    about_zero = replace(method, null_value=0.0)
    for name in data.names:
        asked = method if name == tested else about_zero
        yield name, asked.fit(with_last(read, name), "slope", words)


def _message(
    data: DataSet, method: Method, slopes: Mapping[str, Estimates], left_out: Mapping[str, str]
) -> str | None:
    """Why there is no result, and what is to be said of one that there is."""
    reasons: dict[str, list[str]] = {}
    for name, of in slopes.items():
        failure = None if of.failures is None else of.failures[0]
        reason = Outcome(int(of.outcome[0])).reason if failure is None else failure.message
        if reason := left_out.get(name, reason):
            reasons.setdefault(reason, []).append(name)
    said = [
        reason
        if len(names) == len(slopes)
        else f"{', '.join(names)}: {reason.removeprefix('x is ').removeprefix('x ')}"
        for reason, names in reasons.items()
    ]
    if Outcome(int(slopes[_tested(data, method)].outcome[0])) in _ESTIMATED:
        said.append(remark(data, method) or "")
    return "; ".join(filter(None, said)) or None


def _random_effects(data: DataSet, of: Estimates, powers: tuple[int, int]) -> list[dict[str, Any]]:
    """Variances of what varies over clusters, and correlations with the intercept.

    `powers` are those that the predictor whose slope may vary and y are measured in.
    """
    tau2 = _only(in_own_units(of, "intercept", (0, powers[1])).tau2)
    if tau2 is None:
        return []
    effects = [{"term": "(Intercept)", "variance": tau2, "correlation": None}]
    if SLOPE_VARIANCE in (of.extras or {}):
        variance, correlation = varying_slopes(of, powers)
        effects.append(
            {"term": data.names[0], "variance": _finite(variance),
             "correlation": _finite(correlation)}
        )  # fmt: skip
    return effects


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
