"""Room 5: all files of a report. Imports tables, figures and the study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from simstudy.report import tables
from simstudy.report.wide import wide
from simstudy.store.files import replace_file
from simstudy.study.study import Study

if TYPE_CHECKING:
    import pyarrow as pa


def write_report(study: Study, folder: Path, summary: pa.Table) -> list[Path]:
    """Write tables and figures of a stored summary.

    Returns
    -------
    list of Path
        The files that were written.
    """
    return write_tables(folder, summary) + write_figures(study, folder, summary)


def write_tables(folder: Path, summary: pa.Table) -> list[Path]:
    """Write the headline measures, a table each, as CSV, LaTeX and Markdown."""
    written = []
    for measure in tables.HEADLINE:
        table = tables.grid(wide(summary, measure))
        for ending, text in (
            ("csv", _csv(table)),
            ("tex", tables.as_latex(table)),
            ("md", tables.as_markdown(table)),
        ):
            path = folder / "report" / "tables" / f"{measure}.{ending}"
            replace_file(folder, path, text.encode())
            written.append(path)
    return written


def _csv(table: tables.Grid) -> str:
    import csv
    import io

    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([table.heading, *table.rows])
    return stream.getvalue()


def write_figures(study: Study, folder: Path, summary: pa.Table) -> list[Path]:
    """Draw the figures the study asks for, as PNG (200 dpi) and PDF."""
    written = []
    for name in study.figures:
        from simstudy.report import figures

        figure = figures.FIGURES[name](summary, title=study.title or study.name)
        for ending in ("png", "pdf"):
            path = folder / "report" / "figures" / f"{name}.{ending}"
            replace_file(folder, path, figures.encode(figure, ending))
            written.append(path)
    return written
