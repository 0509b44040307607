"""All files of a report."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudy.report import stored, tables
from simstudy.report.nulls import both
from simstudy.report.wide import Wide, powers, wide
from simstudy.store.files import is_plain, refuse_links, replace_file
from simstudy.store.sources import measure_accounts
from simstudy.study.fields import FIGURES
from simstudy.study.study import Study

if TYPE_CHECKING:
    import pyarrow as pa

TABLES = ("rejection_rate", "relative_error_model_se", "coverage", "bias")
_TABLES = {"csv": "csv", "tex": "latex", "md": "markdown"}
_FIGURES = ("png", "pdf")


def write_report(
    study: Study,
    folder: Path,
    summary: pa.Table,
    warn: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Write tables, methods section and figures of a stored summary.

    Returns
    -------
    list of Path
        The files that were written.
    """
    refuse_links(folder)
    written = [
        *write_tables(folder, summary, _own(study)),
        write_methods(study, folder, summary),
        *write_figures(study, folder, summary, warn),
    ]
    for file in _stale(folder, written):
        file.unlink(missing_ok=True)
    return written


def _stale(folder: Path, written: list[Path]) -> Iterator[Path]:
    """Files of an earlier report that are not in this one: a figure, an alpha that was dropped."""
    ours = {
        "tables": ({*TABLES, "power", *measure_accounts(folder)}, _TABLES),
        "figures": (set(FIGURES), _FIGURES),
    }
    for place, (names, endings) in ours.items():
        for file in (folder / "report" / place).glob("*.*"):
            name = re.sub(r"_alpha[\d.e-]+$", "", file.stem)
            known = name in names and file.suffix[1:] in endings
            if known and file not in written and not file.is_dir():
                yield file


def write_methods(study: Study, folder: Path, summary: pa.Table) -> Path:
    """Write the methods section, in ADEMP order, with its references."""
    from simstudy.report.methods_section.render import methods_section

    path = _methods_file(folder)
    replace_file(folder, path, methods_section(study, folder, summary).encode())
    return path


def is_drawn(study: Study, folder: Path, summary: pa.Table) -> bool:
    """Whether every file of a report is there, and none is older than what it is of."""
    files = [_table_file(folder, name, e) for name, *_ in _listed(summary, _own(study))
             for e in _TABLES]  # fmt: skip
    files += [_figure_file(folder, name, e) for name in study.figures for e in _FIGURES]
    made = max((folder / of).stat().st_mtime_ns for of in ("summary.parquet", "study.yaml"))
    return all(
        is_plain(file) and file.stat().st_mtime_ns >= made
        for file in (_methods_file(folder), *files)
    )


def _methods_file(folder: Path) -> Path:
    return folder / "report" / "methods.md"


def _table_file(folder: Path, measure: str, ending: str) -> Path:
    return folder / "report" / "tables" / f"{measure}.{ending}"


def _figure_file(folder: Path, name: str, ending: str) -> Path:
    return folder / "report" / "figures" / f"{name}.{ending}"


def _own(study: Study) -> list[str]:
    """Measures of the user's own, which the study asks for by name."""
    return [one.name for one in study.measures]


def write_tables(folder: Path, summary: pa.Table, own: Sequence[str] = ()) -> list[Path]:
    """Write what papers show and what the study asks for: a table each, CSV, LaTeX, Markdown."""
    written = []
    for name, table in selection(summary, own):
        words = tables.grid(table)._replace(name=name)
        for ending, form in _TABLES.items():
            path = _table_file(folder, name, ending)
            replace_file(folder, path, tables.FORMATS[form](words).encode())
            written.append(path)
    return written


def selection(summary: pa.Table, own: Sequence[str] = ()) -> Iterator[tuple[str, Wide]]:
    """(name, table) of every table of a report that has rows; `own` are measures besides.

    Names of the second and later alphas end in ``_alpha0.01``; where there are Type I errors
    too, power stands in a table of its own as well.
    """
    for name, measure, alpha, of_power in _listed(summary, own):
        table = wide(summary, measure, alpha)
        yield name, powers(table) if of_power else table


def _listed(
    summary: pa.Table, own: Sequence[str] = ()
) -> Iterator[tuple[str, str, float | None, bool]]:
    """(name, measure, alpha, whether of power alone) of every table of a report."""
    there = set(summary.column("measure").unique().to_pylist())
    two = both(summary)
    for measure in (*TABLES, *(name for name in own if name in there)):
        for k, alpha in enumerate(tables.alphas(summary, measure) if measure in there else ()):
            ending = f"_alpha{alpha:g}" if k else ""
            yield measure + ending, measure, alpha, False
            if measure == "rejection_rate" and two:
                yield f"power{ending}", measure, alpha, True


def write_figures(
    study: Study,
    folder: Path,
    summary: pa.Table,
    warn: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Draw the figures the study asks for, as PNG (200 dpi) and PDF.

    Those of estimates show one scenario, which is read when the first of them is drawn.
    """
    written = []
    boxes: set[str] = set()
    shown: Any = None
    title = study.title or study.name
    for name in study.figures:
        from simstudy.report import figures

        if name in figures.OF_ESTIMATES:
            if shown is None:
                design = stored.chosen(study, summary)
                shown = stored.rows_of(study, folder, design), stored.about(study, design, summary)
            rows, about = shown
            reference = about["labels"].get(study.reference or "")
            more = {"reference": reference} if name == "agreement" else {}
            figure = figures.FIGURES[name](rows, title, study.alpha[0], **about, **more)
        else:
            figure = figures.FIGURES[name](summary, title)
        for ending in _FIGURES:
            path = _figure_file(folder, name, ending)
            replace_file(folder, path, figures.encode(figure, ending))
            written.append(path)
        boxes.update(figures.lacking(figure))
    if boxes:
        some = "".join(sorted(boxes)[:10])
        warn(f"no font on this machine has {some}: these letters are boxes in the figures")
    return written
