"""Performance measures in words and formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from simstudy.measures.catalog import record_of
from simstudy.own.measures import OwnMeasure
from simstudy.report.tables.markdown import escape, prose


def measures_section(
    measures: list[str], own: Sequence[OwnMeasure] = (), told: Mapping[str, str] | None = None
) -> list[str]:
    """Paragraphs on the measures of a summary.

    Parameters
    ----------
    own : sequence of OwnMeasure
        Of the study; those without numbers in the summary are not spoken of.
    told : mapping
        Name -> what such a measure says that it is.
    """
    lines = ["| Measure | Estimate | Monte Carlo standard error |", "|:---|:---|:---|"]
    records = [record_of(name) for name in measures]
    for one in records:
        if one.formula:
            lines.append(f"| {one.words} | {one.formula} | {one.mcse} |")
    mine = [one for one in own if one.name in measures]
    known = {one.name for one in mine}
    others = [one.name.replace("_", " ") for one in records
              if not one.formula and one.name not in known]  # fmt: skip
    out = [
        r"For the estimates $t_i$ with standard errors $s_i$ and two-sided $p$-values $p_i$ in "
        r"the $n$ replications with a valid result, $\theta$ the true value and $\bar t$ and $s$ "
        "the mean and the standard deviation of the $t_i$, these measures were estimated, each "
        "with its Monte Carlo standard error [@Morris2019; @White2010]:",
        "\n".join(lines),
    ]
    if mine:
        out.append("Reported besides, with their Monte Carlo errors, by functions of the authors' "
                   f"own: {'; '.join(_own(one, told or {}) for one in mine)}.")  # fmt: skip
    if others:
        out.append(f"Reported besides, with their Monte Carlo errors: {', '.join(others)}.")
    if any(one.proportion for one in records):
        out.append(
            "Monte Carlo intervals (95 %) of proportions are those of Wilson [@Wilson1927]; those "
            "of other measures are the estimate plus and minus 1.96 Monte Carlo standard errors."
        )
    else:
        out.append(
            "Monte Carlo intervals (95 %) are the estimate plus and minus 1.96 Monte Carlo "
            "standard errors."
        )
    return out


def _own(one: OwnMeasure, told: Mapping[str, str]) -> str:
    """A measure of the user's own: what it says that it is, and where it stands."""
    file = escape(Path(one.use.file).name)
    place = f"in the file {file}" if one.use.file else "given from Python"
    said = prose(told.get(one.name, "")).rstrip(".")
    where = f"`{one.name}` {place}, the SHA-256 of which begins {one.use.digest}"
    return f"{escape(one.name.replace('_', ' '))} ({where})" + (f": {said}" if said else "")
