"""Which fits a study has and which are without a result, for its methods section."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from simstudy.registry import Method
from simstudy.report.methods_data import symbols
from simstudy.report.methods_estimands import label_of
from simstudy.report.tables.markdown import code, escape
from simstudy.runner.said import reasons, warned
from simstudy.store import arrow
from simstudy.study.study import Study

if TYPE_CHECKING:
    import pyarrow as pa

_LOST = {
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
    there : dict
        Label -> fits, with a result or without.
    shares : Counter
        (label, measure) -> fits of that status.
    used : dict
        Label -> scenario -> replications with a result.
    """

    there: dict[str, int]
    shares: Counter[tuple[str, str]]
    used: dict[str, dict[str, int]]

    def fewer(self, study: Study) -> dict[Method, int]:
        """Methods of which not every fit is there, and how many are."""
        there = {m: self.there.get(m.label, 0) for m in study.methods if self.there}
        return {m: n for m, n in there.items() if n < study.n_asked(m) * study.replications}

    def partly(self, study: Study) -> bool:
        """Whether somewhere some replications have a result, and others have none."""
        numbers = {n for of_method in self.used.values() for n in of_method.values()}
        return any(0 < n < study.replications for n in numbers)


def fits_of(summary: pa.Table) -> Fits:
    """Count the fits behind a summary."""
    used: dict[str, dict[str, int]] = defaultdict(dict)
    names = ("method", "scenario", "n_used")
    for method, scenario, n in _rows(summary, "rejection_rate", names):
        used[method][scenario] = n  # the same at every alpha
    there: dict[str, int] = {}
    shares: Counter[tuple[str, str]] = Counter()
    for share in (*_LOST, _BOUNDARY):
        sums: Counter[str] = Counter()
        for method, value, n in _rows(summary, share, ("method", "value", "n_used")):
            if share != _NO_TEST or method in used:  # else there is no test of what it estimates
                shares[method, share] += round((value or 0.0) * n)
            sums[method] += n
        there = there or dict(sums)
    return Fits(there, shares, dict(used))


def _rows(summary: pa.Table, measure: str, names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    part = summary.take(arrow.equal_to(summary.column("measure"), measure))
    return list(zip(*(part.column(name).to_pylist() for name in names), strict=True))


def lost_section(study: Study, folder: Path, fits: Fits) -> list[str]:
    """How fits without a result are treated, and how many there were of each method."""
    out = [
        "A fit that gave no valid result was kept as a row with its status; it was not replaced "
        "by another data set, and every measure uses the replications of its own method that "
        "have a result. The number used and not used stands beside every number of the summary."
    ]
    shown = {s: text for s, text in _LOST.items() if any(fits.shares[m, s] for m in fits.there)}
    if shown:
        out += ["Fits without a valid result, over all scenarios:", _lost_table(shown, fits)]
        out += _failures(study, folder, fits)
    elif fits.there:
        which = "that was computed " if fits.fewer(study) else ""
        out.append(f"In this study every fit {which}gave a valid result.")
    out += _warnings(study, folder)
    zero = {m: fits.shares[m, _BOUNDARY] for m in fits.there if fits.shares[m, _BOUNDARY]}
    if zero:
        names = "; ".join(f"{escape(' '.join(k.split()))}: {n:,}" for k, n in zero.items())
        own = any(method.use is not None for method in study.methods)
        out.append(
            f"Fits {'of the built-in methods ' if own else ''}with an estimated cluster variance "
            f"of zero are valid and were used (number over all scenarios: {names})."
        )
    return out


def _lost_table(shown: dict[str, str], fits: Fits) -> str:
    """Fits without a result by method, and the scenarios in which there was no other."""
    head = ["Method", *shown.values(), "of fits", "scenarios without any result"]
    lines = ["| " + " | ".join(head) + " |", "|:---|" + "---:|" * (len(head) - 1)]
    for method, n in fits.there.items():
        if any(fits.shares[method, status] for status in shown):
            cells = [fits.shares[method, status] for status in shown]
            name = escape(" ".join(method.split()))
            none = sum(used == 0 for used in fits.used.get(method, {}).values())
            numbers = (f"{k:,}" for k in (*cells, n, none))
            lines.append("| " + " | ".join([name, *numbers]) + " |")
    return "\n".join(lines)


def _failures(study: Study, folder: Path, fits: Fits) -> list[str]:
    """What became of the methods that failed: how often, why, and where it was worst."""
    failed = [m for m in study.methods if fits.shares[m.label, "share_failed"]]
    messages = reasons(study, folder) if failed else {}
    said = [
        _failure(study, method, fits, messages.get(method.label, Counter())) for method in failed
    ]
    return [" ".join(said)] if said else []


def _failure(study: Study, method: Method, fits: Fits, messages: Counter[str]) -> str:
    n = fits.shares[method.label, "share_failed"]
    text = f"**{label_of(method)}** failed in {n:,} of {fits.there[method.label]:,} fits"
    for message, count in messages.most_common(1):
        shown = _short(message)
        if count == n:
            text += f", {'each time ' if n > 1 else ''}with {shown}"
        elif count == 1:
            text += f", for instance with {shown}"
        else:
            text += f", most often with {shown} ({count:,} times)"
    worst = _worst(study, fits.used.get(method.label, {}))
    return f"{text}; {worst}." if worst else f"{text}."


def _short(message: str) -> str:
    return code(message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…")


def _worst(study: Study, used: dict[str, int]) -> str:
    """The scenario with the fewest replications used, or how many scenarios have none."""
    if not used:
        return ""
    none = sum(n == 0 for n in used.values())
    if none and len(used) > 1:
        if none == len(used):
            return "there was no result in any scenario"
        return f"in {none:,} of {len(used):,} scenarios no replication had a result"
    scenario, least = min(used.items(), key=lambda item: item[1])
    where = f"in the worst scenario{_levels(study, scenario)} " if len(used) > 1 else ""
    return f"{where}{least:,} of {study.replications:,} replications were used"


def _levels(study: Study, scenario: str) -> str:
    """A scenario's levels of the factors that vary."""
    found = {design.id: symbols(design.levels) for design in study.designs}
    varying = {
        name
        for levels in found.values()
        for name, text in levels.items()
        if any(other.get(name) != text for other in found.values())
    }
    mine = found.get(scenario, {})
    pairs = [f"{name} = {text}" for name, text in mine.items() if name in varying]
    return f" ({', '.join(pairs)})" if pairs else ""


def _warnings(study: Study, folder: Path) -> list[str]:
    """Of what the user's own methods warned, and how often."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in warned(study, folder).to_pylist():
        counts[row["method"]][row["message"]] += row["count"]
    said = []
    for method in study.methods:
        for message, often in counts[method.label].most_common(1):
            n = counts[method.label].total()
            most = _short(message) if often == n else f"most often {_short(message)} ({often:,})"
            said.append(f"**{label_of(method)}** gave {n:,} warning{'s' if n > 1 else ''}: {most}.")
    return [" ".join(said)] if said else []
