"""Room 5: the methods section of a study, in ADEMP order (Morris, White & Crowther 2019).

Imports the study, parts, bibliography and the sections on data, estimands and measures.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudy.errors import UserError
from simstudy.registry import Method
from simstudy.report.bibliography import Citations
from simstudy.report.methods_data import data_section
from simstudy.report.methods_estimands import estimands_section, label_of
from simstudy.report.methods_measures import measures_section
from simstudy.report.tables.markdown import escape
from simstudy.report.wide import LIBERAL, number
from simstudy.store import arrow, parts
from simstudy.study.study import Study

if TYPE_CHECKING:
    import pyarrow as pa

_LOST = {
    "share_not_estimable": "not estimable",
    "share_no_std_error": "no standard error",
    "share_failed": "failed",
}
_BOUNDARY = "share_boundary"
_NONE = "scenarios without any"
_VERSIONS = ("simstudy", "python", "numpy", "scipy")


def methods_section(study: Study, folder: Path, summary: pa.Table) -> str:
    """Markdown from which a referee could repeat the study.

    Parameters
    ----------
    study : Study
        As run.
    folder : Path
        Its results folder; the footers of the parts in it say what software made them.
    summary : pyarrow.Table
        As in summary.parquet.
    """
    sections = {
        "Aims": [escape(_sentence(study.aim)) if study.aim.strip() else _aim(study)],
        "Data-generating mechanisms": data_section(study),
        "Estimands": estimands_section(study),
        "Methods": _methods(study),
        "Performance measures": measures_section(_measures(summary)) + _inflated(study, summary),
        "Number of replications": _replications(study),
        "Estimates that do not exist": _lost(summary),
        "Computation": _computation(study, folder),
    }
    cite = Citations()
    lines = [f"# Methods: {escape(' '.join((study.title or study.name).split()))}"]
    for heading, paragraphs in sections.items():
        lines += [f"## {heading}", *map(cite.resolve, paragraphs)]
    lines += ["## References", *(f"- {entry}" for entry in cite.entries)]
    text = "\n\n".join(lines) + "\n"
    return re.sub(r"(?m)^(- .*)\n(?=\n- )", r"\1", text)  # a list is one paragraph


def _sentence(text: str) -> str:
    whole = " ".join(text.split())
    return whole if whole.endswith((".", "?", "!")) else whole + "."


def _aim(study: Study) -> str:
    k, s = len(study.methods), len(study.designs)
    compared = f"to compare {k} analyses" if k > 1 else "to examine an analysis"
    return f"The aim was {compared} of clustered data in {_count(s, 'scenario')}."


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}" + ("" if n == 1 else "s")


def _methods(study: Study) -> list[str]:
    many = len(study.methods) > 1
    lead = (
        f"Every data set was analysed by {len(study.methods)} methods, so that differences "
        "between methods are free of the variation between data sets:"
        if many
        else "Every data set was analysed by one method:"
    )
    after = (
        "Confidence intervals have the standard error and the reference distribution of the test."
    )
    listed = [f"- **{label_of(m)}.** {_account(m)}" for m in study.methods]
    intervals = any(m.use is not None or not m.entry.tests_only for m in study.methods)
    return [lead, *listed, *([after] if intervals else [])]


def _account(method: Method) -> str:
    """What a method does; of a user's own its docstring, where its file is still the same."""
    use = method.use
    if use is None:
        return method.account
    named = ", ".join(f"{name} {value}" for name, value in method.options)
    where = f"in the file `{Path(use.file).name}`" if use.file else "given from Python"
    where += f", the SHA-256 of which begins {use.digest}"
    text = f"The authors' own function `{use.function}` {where}"
    text += f", with {escape(named)}." if named else "."
    with suppress(UserError):
        text = f"{escape(method.entry.summary)}. {text}"
    return text


def _measures(summary: pa.Table) -> list[str]:
    return summary.column("measure").unique().to_pylist()


def _inflated(study: Study, summary: pa.Table) -> list[str]:
    slopes = {design.scenario.slope for design in study.designs}
    if "rejection_rate" not in _measures(summary) or 0.0 not in slopes or len(slopes) == 1:
        return []
    return [
        "Power is marked in the tables where the Monte Carlo interval of the Type I error rate "
        f"of the same method in the same design lies above ${LIBERAL:g}\\alpha$ [@Bradley1978]."
    ]


def _replications(study: Study) -> list[str]:
    r, s, m = study.replications, len(study.designs), len(study.methods)
    errors = [
        f"{_rounded(math.sqrt(a * (1 - a) / r))} for a rate equal to the nominal ${a:g}$"
        for a in study.alpha
    ]
    levels = ", ".join(errors)
    half = _rounded(1.96 * math.sqrt(study.alpha[0] * (1 - study.alpha[0]) / r))
    return [
        f"Each scenario had {_count(r, 'replication')}, in all {_count(s * r, 'data set')} and "
        f"{_count(s * r * m, 'fit')}. With this number the Monte Carlo standard error of a "
        f"rejection rate, $\\sqrt{{p(1-p)/{r}}}$, is {levels}, and at most "
        f"{_rounded(0.5 / math.sqrt(r))} for any rate. A rate at the level "
        f"$\\alpha = {study.alpha[0]:g}$ is thus known to about $\\pm{half}$ with 95 % confidence."
    ]


def _rounded(value: float) -> str:
    places = max(0, 1 - math.floor(math.log10(value)))
    return number(value, places)


def _lost(summary: pa.Table) -> list[str]:
    """How fits without a result are treated, and how many there were of each method."""
    out = [
        "A fit that gave no valid result was kept as a row with its status; it was not replaced "
        "by another data set, and every measure uses the replications of its own method that "
        "have a result. The number used and not used stands beside every number of the summary."
    ]
    counts, total = _counts(summary)
    shown = {s: text for s, text in _LOST.items() if any(counts[m, s] for m in total)}
    if shown:
        out += ["Fits without a valid result, over all scenarios:", _lost_table(shown, summary)]
    elif total:
        out.append("In this study every fit gave a valid result.")
    zero = {method: counts[method, _BOUNDARY] for method in total if counts[method, _BOUNDARY]}
    if zero:
        names = "; ".join(f"{escape(' '.join(k.split()))}: {n:,}" for k, n in zero.items())
        out.append(
            "Fits with an estimated cluster variance of zero are valid and were used "
            f"(number over all scenarios: {names})."
        )
    return out


def _lost_table(shown: dict[str, str], summary: pa.Table) -> str:
    """Fits without a result by method, and the scenarios in which there was no other."""
    counts, total = _counts(summary)
    head = ["Method", *shown.values(), "of fits", "scenarios without any result"]
    lines = ["| " + " | ".join(head) + " |", "|:---|" + "---:|" * (len(head) - 1)]
    for method, n in total.items():
        if any(counts[method, status] for status in shown):
            cells = [counts[method, status] for status in shown]
            name = escape(" ".join(method.split()))
            numbers = (f"{k:,}" for k in (*cells, n, counts[method, _NONE]))
            lines.append("| " + " | ".join([name, *numbers]) + " |")
    return "\n".join(lines)


def _counts(summary: pa.Table) -> tuple[Counter[tuple[str, str]], dict[str, int]]:
    """Fits by (method, share), and all fits by method."""
    counts: Counter[tuple[str, str]] = Counter()
    total: dict[str, int] = {}
    for share in (*_LOST, _BOUNDARY):
        part = summary.take(arrow.equal_to(summary.column("measure"), share))
        columns = (part.column(name).to_pylist() for name in ("method", "value", "n_used"))
        sums: dict[str, int] = {}
        for method, value, n in zip(*columns, strict=True):
            lost = round((value or 0.0) * n)
            counts[method, share] += lost
            counts[method, _NONE] += share in _LOST and 0 < lost == n
            sums[method] = sums.get(method, 0) + n
        total = total or sums
    return counts, total


def _computation(study: Study, folder: Path) -> list[str]:
    found = footers(study, folder)
    names = [name for name in _VERSIONS if any(name in footer for footer in found)]
    versions = ", ".join(
        f"{'Python' if n == 'python' else n} {_all(found, n)}{_PAPERS.get(n, '')}" for n in names
    )
    software = (
        f"The simulations were done with {versions}, on {_all(found, 'cpu') or 'unknown CPU'}."
        if names
        else "The software versions are not stored with these results."
    )
    commit = _all(found, "git_commit")
    return [
        f"The random seed was {study.seed}. A data set is determined by the seed, the scenario and "
        "the number of the replication alone: every scenario has its own streams of the SFC64 "
        "generator of NumPy, seeded through its SeedSequence with the seed and a SHA-256 digest of "
        "the scenario, whatever the order or the number of processes.",
        software + (f" The study file is that of git commit {commit}." if commit else ""),
    ]


_PAPERS = {"numpy": " [@Harris2020]", "scipy": " [@Virtanen2020]"}


def _all(found: list[dict[str, Any]], name: str) -> str:
    """All values of a footer's entry, in the order of their first appearance."""
    values = dict.fromkeys(str(f[name]) for f in found if f.get(name))
    return " and ".join(values)


def footers(study: Study, folder: Path) -> list[dict[str, Any]]:
    """Provenance of the parts that hold the study's own scenarios and replications, distinct."""
    ids = {design.id for design in study.designs}
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for part in parts.listing(folder):
        if part.first > study.replications or ids.isdisjoint(part.scenarios):
            continue
        footer = parts.footer(folder, part) or {}
        kept = {n: footer[n] for n in (*_VERSIONS, "cpu", "git_commit") if footer.get(n)}
        found.setdefault(tuple(map(str, kept.items())), kept)
    return list(found.values())
