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

_FIGURES = ("png", "pdf")


def write_report(study: Study, folder: Path, summary: pa.Table) -> list[Path]:
    """Write tables and figures of a stored summary.

    Returns
    -------
    list of Path
        The files that were written.
    """
    return write_tables(folder, summary) + write_figures(study, folder, summary)


def is_drawn(study: Study, folder: Path) -> bool:
    """Whether every file of a report is there, and none is older than the stored summary."""
    files = [_table_file(folder, m, e) for m in tables.HEADLINE for e in _TABLES]
    files += [_figure_file(folder, name, e) for name in study.figures for e in _FIGURES]
    made = (folder / "summary.parquet").stat().st_mtime_ns
    return all(file.is_file() and file.stat().st_mtime_ns >= made for file in files)


def _table_file(folder: Path, measure: str, ending: str) -> Path:
    return folder / "report" / "tables" / f"{measure}.{ending}"


def _figure_file(folder: Path, name: str, ending: str) -> Path:
    return folder / "report" / "figures" / f"{name}.{ending}"


def write_tables(folder: Path, summary: pa.Table) -> list[Path]:
    """Write the headline measures, a table each, as CSV, LaTeX and Markdown."""
    written = []
    for measure in tables.HEADLINE:
        table = tables.grid(wide(summary, measure))
        for ending, write in _TABLES.items():
            path = _table_file(folder, measure, ending)
            replace_file(folder, path, write(table).encode())
            written.append(path)
    return written


def _csv(table: tables.Grid) -> str:
    import csv
    import io

    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([table.heading, *table.rows])
    return stream.getvalue()


_TABLES = {"csv": _csv, "tex": tables.as_latex, "md": tables.as_markdown}


def write_figures(study: Study, folder: Path, summary: pa.Table) -> list[Path]:
    """Draw the figures the study asks for, as PNG (200 dpi) and PDF."""
    written = []
    for name in study.figures:
        from simstudy.report import figures

        figure = figures.FIGURES[name](summary, title=study.title or study.name)
        for ending in _FIGURES:
            path = _figure_file(folder, name, ending)
            replace_file(folder, path, figures.encode(figure, ending))
            written.append(path)
    return written
