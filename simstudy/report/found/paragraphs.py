"""What a study found as Markdown, a paragraph a method and some about all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudy.report.found.facts import found_facts
from simstudy.report.methods_section.bibliography import Citations
from simstudy.report.prose import paragraphs
from simstudy.study.study import Study

if TYPE_CHECKING:
    import pyarrow as pa


def found(study: Study | None, summary: pa.Table) -> list[str]:
    """Say what a summary shows, and nothing that its Monte Carlo errors do not carry.

    Parameters
    ----------
    study : Study, optional
        None of anybody's estimates.
    summary : pyarrow.Table
        As in summary.parquet, or with columns of a user's before `method`.

    Returns
    -------
    list of str
        Paragraphs in Markdown, those of methods items of a list; works are cited by author and
        year.
    """
    return paragraphs("found.md.j2", found_facts(study, summary), Citations())
