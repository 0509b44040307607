"""Which fits a study has and which are without a result."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from simstudy.registry import Method
from simstudy.report.methods_section.data import symbols
from simstudy.runner.said import reasons, warned
from simstudy.store import arrow
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study

if TYPE_CHECKING:
    import pyarrow as pa

_STATUSES = {
    "share_not_estimable": "not estimable",
    "share_no_std_error": "no standard error",
    "share_failed": "failed",
}
_BOUNDARY, _NO_TEST = "share_boundary", "share_no_std_error"
_LONGEST = 160  # characters of a message


class Fits(NamedTuple):
    """Fits of a study, as its summary counts them.

    Attributes
    ----------
    counts : dict
        Label -> fits, with a result or without.
    shares : Counter
        (label, measure) -> fits of that status.
    used : dict
        Label -> scenario -> replications with a result.
    """

    counts: dict[str, int]
    shares: Counter[tuple[str, str]]
    used: dict[str, dict[str, int]]


def fits_of(summary: pa.Table) -> Fits:
    """Count the fits behind a summary."""
    used: dict[str, dict[str, int]] = defaultdict(dict)
    names = ("method", "scenario", "n_used")
    for method, scenario, n in _rows(summary, "rejection_rate", names):
        used[method][scenario] = n  # the same at every alpha
    counts: dict[str, int] = {}
    shares: Counter[tuple[str, str]] = Counter()
    for share in (*_STATUSES, _BOUNDARY):
        sums: Counter[str] = Counter()
        for method, value, n in _rows(summary, share, ("method", "value", "n_used")):
            if share != _NO_TEST or method in used:  # else there is no test of what it estimates
                shares[method, share] += round((value or 0.0) * n)
            sums[method] += n
        counts = counts or dict(sums)
    return Fits(counts, shares, dict(used))


def _rows(summary: pa.Table, measure: str, names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    part = summary.take(arrow.equal_to(summary.column("measure"), measure))
    return list(zip(*(part.column(name).to_pylist() for name in names), strict=True))


def exclusion_facts(study: Study, folder: ResultsFolder, fits: Fits) -> dict[str, Any]:
    """What was not computed, had no valid result, failed, warned or is at the boundary."""
    asked = {method: study.n_fits_of(method) for method in study.methods}
    computed = {m: fits.counts.get(m.label, 0) for m in study.methods if fits.counts}
    used = [of for of_method in fits.used.values() for of in of_method.items()]
    shares = [s for s in _STATUSES if any(fits.shares[label, s] for label in fits.counts)]
    failed = [m for m in study.methods if shares and fits.shares[m.label, "share_failed"]]
    messages = reasons(study, folder) if failed else {}
    return {
        "fewer": [(m, n, asked[m]) for m, n in computed.items() if n < asked[m]],
        "some_unused": any(0 < n < study.n_reps(scenario) for scenario, n in used),
        "fits": fits,
        "statuses": [_STATUSES[share] for share in shares],
        "excluded": [
            (label, n, counts, sum(used == 0 for used in fits.used.get(label, {}).values()))
            for label, n in fits.counts.items()
            if any(counts := [fits.shares[label, share] for share in shares])
        ],
        "failures": [_failure(study, fits, m, messages.get(m.label, Counter())) for m in failed],
        "warnings": _warnings(study, folder),
        "boundary": [
            (" ".join(label.split()), n)
            for label in fits.counts
            if (n := fits.shares[label, _BOUNDARY])
        ],
    }


def _failure(study: Study, fits: Fits, method: Method, messages: Counter[str]) -> dict[str, Any]:
    """How often a method failed, why, and the scenario with the fewest replications used."""
    used = fits.used.get(method.label, {})
    scenario, least = min(used.items(), key=lambda item: item[1], default=("", 0))
    return {
        **_most_common(method, messages),
        "n": fits.shares[method.label, "share_failed"],
        "fits": fits.counts[method.label],
        "scenarios": len(used),
        "empty": sum(n == 0 for n in used.values()),
        "least": least,
        "n_reps": study.n_reps(scenario),
        "levels": _levels(study, scenario),
    }


def _warnings(study: Study, folder: ResultsFolder) -> list[dict[str, Any]]:
    """Of what the user's own methods warned, and how often."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in warned(study, folder).to_pylist():
        counts[row["method"]][row["message"]] += row["count"]
    return [_most_common(m, counts[m.label]) for m in study.methods if counts[m.label]]


def _most_common(method: Method, messages: Counter[str]) -> dict[str, Any]:
    """What a method said most often, shortened, and how often that was; 0 times where never."""
    ((message, times),) = messages.most_common(1) or [("", 0)]
    short = message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…"
    return {"method": method, "message": short, "times": times, "n": messages.total()}


def _levels(study: Study, scenario: str) -> list[tuple[str, str]]:
    """(symbol, level) of a scenario, of the factors that vary."""
    levels = {design.id: symbols(design.levels) for design in study.designs}
    return [
        (symbol, text)
        for symbol, text in levels.get(scenario, {}).items()
        if any(other.get(symbol) != text for other in levels.values())
    ]
