"""One method fitted to one data set, in plain numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from simstudy.analysis.alone import remark
from simstudy.analysis.data import DataSet
from simstudy.analysis.dummies import absorbed, cluster_terms, terms_of
from simstudy.analysis.units import in_own_units, measured_null, statistics_of
from simstudy.entries import Words
from simstudy.errors import UserError
from simstudy.estimates import Estimates, Outcome
from simstudy.moments import Moments, Units
from simstudy.numerics.columns import with_last
from simstudy.numerics.reduce import reduce
from simstudy.registry import Method

_ESTIMATED = (Outcome.OK, Outcome.BOUNDARY, Outcome.NO_STD_ERROR)


@dataclass(frozen=True, slots=True)
class Fit:
    """One method on one data set, as plain numbers; None where there is none.

    `status` and `message` are those of the first slope, as in a study, and the message says of
    the others which are not there; the intercept may have a test where the slope has none, or
    none where it has. `terms` are the intercept, where the method has one, and the columns.
    `random_effects` is None of a line with a random intercept, which `tau2` says all of.
    `extras` are further values, None of a method that has none ever, `clusters` the
    coefficients of cluster dummies, as terms.
    """

    method: Method
    status: str
    message: str | None
    terms: list[dict[str, Any]]
    numbers: dict[str, float | None]
    random_effects: list[dict[str, Any]] | None = None
    extras: dict[str, float | None] | None = None
    clusters: list[dict[str, Any]] = field(default_factory=list)

    @property
    def slope(self) -> dict[str, Any]:
        """The term under test."""
        return self.terms["intercept" in self.method.entry.terms]

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
    entry, (units, read) = method.entry, _read(data, method)
    lost = absorbed(data) if entry.own_intercepts and len(data.names) > 1 else {}
    asked = measured_null(method, (units[0], units[-1]))
    with np.errstate(all="ignore"):
        measured = dict(_slopes(data, asked, read, lost, words))
        slopes = {name: in_own_units(of, "slope", (power, units[-1]))
                  for (name, of), power in zip(measured.items(), units, strict=False)}  # fmt: skip
        x = data.names[0]
        terms = [
            _term(n, of, method.null_of("slope") if n == x else 0.0) for n, of in slopes.items()
        ]
        if "intercept" in entry.terms:
            of = in_own_units(asked.fit(read, "intercept", words), "intercept", (0, units[-1]))
            terms.insert(0, _term("(Intercept)", of, method.null_of("intercept")))
        main = next((n for n, of in slopes.items() if of.outcome[0] in _ESTIMATED), x)
        numbers = _numbers(method, data, slopes[main], _icc(measured[main]))
        dummies = []
        classical = entry.own_intercepts and dict(method.options)["se"] == "classical"
        if classical and (clusters or len(data.labels) == 2):
            dummies = cluster_terms(data, {n: of for n, of in slopes.items() if n not in lost})
    tested = slopes[x]
    return Fit(
        method,
        Outcome(int(tested.outcome[0])).status,
        _message(data, method, slopes, lost),
        terms,
        numbers,
        None if data.plain else _random_effects(numbers),
        None if tested.extras is None else {k: _only(v) for k, v in tested.extras.items()},
        dummies,
    )


def _read(data: DataSet, method: Method) -> tuple[tuple[int, ...], Moments | Units]:
    """What a method is fitted to, and the powers of two that the columns are measured in there."""
    if not method.entry.as_they_are:
        return data.units, data.scaled.moments
    if taken := {"cluster", "x", "y"}.intersection(data.names[1:]):
        name = min(taken)
        reason = f"'{name}' has a meaning in the data of one's own method"
        raise UserError(f"{method.label}: {reason}; rename that column")
    rows = data.rows()
    return (0,) * len(data.units), rows if method.grain == "rows" else reduce(rows)


def _slopes(
    data: DataSet,
    method: Method,
    read: Moments | Units,
    lost: Iterable[str],
    words: Words | None,
) -> Iterator[tuple[str, Estimates]]:
    """Every column by name, the one under test first; of one's own method that one alone."""
    if isinstance(read, Units) or method.entry.as_they_are:
        yield data.names[0], method.fit(read, "slope", words)
        return
    for name in data.names:
        asked = method if name == data.names[0] else replace(method, null_value=0.0)
        moments = with_last(read, name, [other for other in lost if other != name])
        yield name, asked.fit(moments, "slope", words)


def _message(
    data: DataSet, method: Method, slopes: Mapping[str, Estimates], lost: Mapping[str, str]
) -> str | None:
    """Why there is no result, and what is to be said of one that there is."""
    reasons: dict[str, list[str]] = {}
    for name, of in slopes.items():
        failure = None if of.failures is None else of.failures[0]
        reason = Outcome(int(of.outcome[0])).reason if failure is None else failure.message
        if reason := lost.get(name, reason):
            reasons.setdefault(reason, []).append(name)
    said = [
        reason
        if len(names) == len(slopes)
        else f"{', '.join(names)}: {reason.removeprefix('x is ').removeprefix('x ')}"
        for reason, names in reasons.items()
    ]
    if Outcome(int(slopes[data.names[0]].outcome[0])) in _ESTIMATED:
        said.append(remark(data, method) or "")
    return "; ".join(filter(None, said)) or None


def _random_effects(numbers: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """Variances of what varies over clusters, and correlations with the intercept."""
    if numbers["tau2"] is None:
        return []
    return [{"term": "(Intercept)", "variance": numbers["tau2"], "correlation": None}]


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
