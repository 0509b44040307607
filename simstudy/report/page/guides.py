"""What is drawn beside the values of a measure, so that a reader sees what they should be."""

from __future__ import annotations

from typing import Any

from simstudy.measures.bradley import BAND, INNER_BAND
from simstudy.measures.catalog import record_of
from simstudy.measures.record import Section
from simstudy.report.words import PLAIN, Words

TYPE1, POWER, RATE = "type1_error", "power", "rejection_rate"
_SECTIONS = {
    Section.ESTIMATES: "Estimates",
    Section.STD_ERRORS: "Standard errors",
    Section.INTERVALS: "Confidence intervals",
    Section.TESTS: "Tests",
    Section.PAIRS: "Against the reference method",
    Section.SHARES: "Shares of replications",
    Section.ROWS: "Made when named",
    Section.OWN: "Of the authors' own",
}
_ZERO = ("bias", "median_bias", "relative_bias", "relative_error_model_se", "type1_error_from_bias",
         "type1_error_from_se", "type1_error_remainder")  # fmt: skip
_COVERAGE = ("coverage", "bias_eliminated_coverage")
_RATIO, _INFLATION = "relative_error_model_se", "type1_inflation"
Line = tuple[float, float]  # a + b alpha


def measure_facts(name: str, words: Words = PLAIN) -> dict[str, Any]:
    """What the page has to know of a measure, one of the three kinds of rejection rate included."""
    record = record_of(RATE if name in (TYPE1, POWER) else name)
    return {
        "name": name,
        "title": words.measure(name),
        "section": _SECTIONS[record.section],
        "proportion": record.proportion,
        "decimals": record.decimals,
        "nominal": _nominal(name),
        "bands": _bands(name),
        "scale": "log" if name == TYPE1 else "ratio" if name == _RATIO else "linear",
        "ends": [0, 1] if name == POWER or record.section is Section.SHARES else None,
    }


def _nominal(name: str) -> Line | None:
    """Where a measure should be."""
    if name in _ZERO:
        return 0.0, 0.0
    return {TYPE1: (0.0, 1.0), _INFLATION: (1.0, 0.0)}.get(name) or (
        (1.0, -1.0) if name in _COVERAGE else None
    )


def _bands(name: str) -> list[tuple[Line, Line, str]]:
    """Bradley's bands about the level; of coverage, about what intervals should miss."""
    edges = {"Bradley ±50 %": BAND, "±10 %": INNER_BAND}
    if name == TYPE1:
        return [((0.0, low), (0.0, high), words) for words, (low, high) in edges.items()]
    if name == _INFLATION:
        return [((low, 0.0), (high, 0.0), words) for words, (low, high) in edges.items()]
    if name in _COVERAGE:
        return [((1.0, -high), (1.0, -low), words) for words, (low, high) in edges.items()]
    return []
