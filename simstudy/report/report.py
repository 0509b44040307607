"""All files of a report."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudy.plots import Plot, plots
from simstudy.report import example_rows, tables
from simstudy.report.nulls import both
from simstudy.report.pivot import Wide, powers, wide
from simstudy.store.files import is_plain, refuse_links, replace_file
from simstudy.store.sources import measure_accounts
from simstudy.study.study import Study

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

    from simstudy.report.drawing.rows import Sample

TABLES = ("rejection_rate", "relative_error_model_se", "coverage", "bias")
_TABLES = {"csv": "csv", "tex": "latex", "md": "markdown"}
_FIGURES = ("png", "pdf")
File = tuple[Path, Callable[[], bytes]]  # inside the results folder, and what makes it


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
    written = []
    for place, content in _files(study, folder, summary, warn):
        replace_file(folder, folder / place, content())
        written.append(folder / place)
    for file in _earlier(folder):
        if file not in written:
            file.unlink(missing_ok=True)
    return written


def is_drawn(study: Study, folder: Path, summary: pa.Table) -> bool:
    """Whether every file of a report is there, and none is older than what it is of."""
    made = max((folder / of).stat().st_mtime_ns for of in ("summary.parquet", "study.yaml"))
    files = [folder / place for place, _ in _files(study, folder, summary)]
    return all(is_plain(file) and file.stat().st_mtime_ns >= made for file in files)


def _files(
    study: Study,
    folder: Path,
    summary: pa.Table,
    warn: Callable[[str], None] = lambda line: None,
) -> Iterator[File]:
    """Every file of a report; nothing is made before its content is asked for."""
    yield from table_files(summary, [measure.name for measure in study.measures])
    yield Path("report/methods.md"), partial(_methods, study, folder, summary)
    yield from _figure_files(study, folder, summary, warn)


def _methods(study: Study, folder: Path, summary: pa.Table) -> bytes:
    """The methods section, in ADEMP order, with its references."""
    from simstudy.report.methods_section.render import methods_section

    return methods_section(study, folder, summary).encode()


def _earlier(folder: Path) -> Iterator[Path]:
    """Files of this report or an earlier one: a figure, an alpha may have been dropped."""
    places = {
        "tables": ({*TABLES, "power", *measure_accounts(folder)}, _TABLES),
        "figures": (plots(), _FIGURES),
    }
    for place, (names, endings) in places.items():
        for file in (folder / "report" / place).glob("*.*"):
            name = re.sub(r"_alpha[\d.e-]+$", "", file.stem)
            if name in names and file.suffix[1:] in endings and not file.is_dir():
                yield file


def table_files(summary: pa.Table, own: Sequence[str] = ()) -> Iterator[File]:
    """What papers show and what the study asks for: a table each, CSV, LaTeX, Markdown."""
    for name, *chosen in _listed(summary, own):
        words = cache(partial(_words, summary, name, *chosen))
        for ending, form in _TABLES.items():
            yield Path(f"report/tables/{name}.{ending}"), partial(_formatted, words, form)


def selection(summary: pa.Table, own: Sequence[str] = ()) -> Iterator[tuple[str, Wide]]:
    """(name, table) of every table of a report that has rows; `own` are measures besides.

    Names of the second and later alphas end in ``_alpha0.01``; where there are Type I errors
    too, power stands in a table of its own as well.
    """
    for name, measure, alpha, of_power in _listed(summary, own):
        yield name, _table(summary, measure, alpha, of_power)


def _listed(
    summary: pa.Table, own: Sequence[str] = ()
) -> Iterator[tuple[str, str, float | None, bool]]:
    """(name, measure, alpha, whether of power alone) of every table of a report."""
    known = set(summary.column("measure").unique().to_pylist())
    two = both(summary)
    for measure in (*TABLES, *(name for name in own if name in known)):
        for k, alpha in enumerate(tables.alphas(summary, measure) if measure in known else ()):
            ending = f"_alpha{alpha:g}" if k else ""
            yield measure + ending, measure, alpha, False
            if measure == "rejection_rate" and two:
                yield f"power{ending}", measure, alpha, True


def _table(summary: pa.Table, measure: str, alpha: float | None, of_power: bool) -> Wide:
    table = wide(summary, measure, alpha)
    return powers(table) if of_power else table


def _words(summary: pa.Table, name: str, *chosen: Any) -> tables.Grid:
    return tables.grid(_table(summary, *chosen))._replace(name=name)


def _formatted(words: Callable[[], tables.Grid], form: str) -> bytes:
    return tables.FORMATS[form](words()).encode()


def _figure_files(
    study: Study, folder: Path, summary: pa.Table, warn: Callable[[str], None]
) -> Iterator[File]:
    """The figures the study asks for, as PNG (200 dpi) and PDF.

    Those of rows show one scenario, which is read when the first of them is drawn.
    """
    boxes: set[str] = set()
    example = cache(partial(example_rows.example, study, folder, summary))
    for name in study.figures:
        figure = cache(partial(_figure, plots()[name], study, summary, example))
        for ending in _FIGURES:
            content = partial(_encoded, figure, ending, boxes)
            yield Path(f"report/figures/{name}.{ending}"), content
    if boxes:
        some = "".join(sorted(boxes)[:10])
        warn(f"no font on this machine has {some}: these letters are boxes in the figures")


def _figure(plot: Plot, study: Study, summary: pa.Table, example: Callable[[], Sample]) -> Figure:
    if plot.reads == "rows":
        return plot.draw(example())
    return plot.draw(summary, study.title or study.name)


def _encoded(figure: Callable[[], Figure], ending: str, boxes: set[str]) -> bytes:
    """The bytes of a figure; letters that no font has go to `boxes`."""
    from simstudy.report.drawing import letters

    content = letters.encode(figure(), ending)
    boxes.update(letters.lacking(figure()))
    return content
