"""The methods section of a study, in ADEMP order (Morris, White & Crowther 2019), and its answers.

Its sentences are templates (``simstudy/report/templates``), which say what `facts` collects and,
of what was found, `simstudy.report.found`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from simstudy.claims.judge import judge
from simstudy.claims.judged import Judged
from simstudy.report import prose
from simstudy.report.found.facts import found_facts
from simstudy.report.methods_section.bibliography import Citations
from simstudy.report.methods_section.facts import facts_of
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study

if TYPE_CHECKING:
    import pyarrow as pa


def methods_section(
    study: Study, folder: ResultsFolder, summary: pa.Table, judged: Sequence[Judged] | None = None
) -> str:
    """Markdown from which a referee could repeat the study.

    Parameters
    ----------
    study : Study
        As run.
    folder : Path
        Its results folder; the footers of the parts in it say what software made them.
    summary : pyarrow.Table
        As in summary.parquet.
    judged : sequence of Judged, optional
        Its claims, where they are judged already.
    """
    return joined(paragraphs(study, folder, summary, judged))


def paragraphs(
    study: Study, folder: ResultsFolder, summary: pa.Table, judged: Sequence[Judged] | None = None
) -> list[str]:
    """The same, a paragraph, a heading, a table or an item of a list each."""
    citations = Citations()
    if judged is None:
        judged = judge(study, folder, summary)
    facts = facts_of(study, folder, summary, judged) | found_facts(study, summary)
    lines = prose.paragraphs("methods.md.j2", facts, citations)
    return [*lines, *(f"- {entry}" for entry in citations.entries)]


def joined(lines: Sequence[str]) -> str:
    """Paragraphs as one text, in which lists are tight."""
    return re.sub(r"(?m)^(- .*)\n(?=\n- )", r"\1", "\n\n".join(lines) + "\n")
