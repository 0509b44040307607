"""All files of a report."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from simstudy.claims.judge import judge
from simstudy.plots import Plot, plots
from simstudy.report import claims, example_rows, tables, worlds
from simstudy.report.nulls import both
from simstudy.report.pivot import Wide, wide
from simstudy.report.tables.grid import Grid
from simstudy.report.words import words_of
from simstudy.store import realized_file
from simstudy.store.results_folder import LOCK, REPORT, STUDY, SUMMARY, ResultsFolder
from simstudy.store.sources import measure_accounts
from simstudy.study.study import Study
from simstudy.summary.unavailable import figures_without_rows

if TYPE_CHECKING:
    import pyarrow as pa

TABLES = ("rejection_rate", "relative_error_model_se", "coverage", "bias")
_TABLES = {"csv": "csv", "tex": "latex", "md": "markdown"}
_FIGURES = ("png", "pdf")
Files = tuple[list[str], Callable[[], list[bytes]]]  # below report/, and what makes them


def write_report(
    study: Study,
    folder: ResultsFolder,
    summary: pa.Table,
    warn: Callable[[str], None] = lambda line: None,
) -> list[str]:
    """Write tables, methods section and figures of a stored summary.

    Returns
    -------
    list of str
        The files that were written, by their names in the folder.
    """
    folder.refuse_links()
    written = []
    for names, make in _files(study, folder, summary, warn):
        for name, content in zip(names, make(), strict=True):
            written.append(f"{REPORT}/{name}")
            folder.write(written[-1], content)
    for name in _earlier(folder):
        if name not in written:
            folder.remove(name)
    return written


def is_drawn(study: Study, folder: ResultsFolder, summary: pa.Table) -> bool:
    """Whether every file of a report is there, and none is older than what it is of."""
    of = [entry.time for entry in folder.listed("") if entry.name in (SUMMARY, STUDY, LOCK)]
    made = max(of, default=0) + folder.files.tick
    times = {
        f"{place}{entry.name}": entry.time
        for place in ("", "tables/", "figures/")
        for entry in folder.listed(f"{REPORT}/{place}")
        if entry.plain and entry.time >= made
    }
    return all(name in times for names, _ in _files(study, folder, summary) for name in names)


def _files(
    study: Study,
    folder: ResultsFolder,
    summary: pa.Table,
    warn: Callable[[str], None] = lambda line: None,
) -> Iterator[Files]:
    """Every file of a report; nothing is made before that is called."""
    yield from table_files(summary, [measure.name for measure in study.measures])
    as_drawn = worlds.worlds(study, realized_file.read(folder))
    if as_drawn is not None:
        yield _files_of(worlds.NAME), partial(_written, as_drawn)
    if study.claims:
        yield _files_of(claims.NAME), partial(_claims, study, folder, summary)
    yield ["methods.md"], partial(_methods, study, folder, summary)
    yield from _figure_files(study, folder, summary, warn)


def _claims(study: Study, folder: ResultsFolder, summary: pa.Table) -> list[bytes]:
    """A row a claim; a CSV file has no notes."""
    judged = judge(study, folder, summary)
    grids = {
        "csv": claims.table_without_notes(judged),
        "latex": claims.table(judged, numbered=True),
        "markdown": claims.table(judged),
    }
    return [tables.FORMATS[form](grids[form]).encode() for form in _TABLES.values()]


def _methods(study: Study, folder: ResultsFolder, summary: pa.Table) -> list[bytes]:
    """The methods section, in ADEMP order, with its references."""
    from simstudy.report.methods_section.render import methods_section

    return [methods_section(study, folder, summary).encode()]


def _earlier(folder: ResultsFolder) -> Iterator[str]:
    """Files of this report or an earlier one: a figure, an alpha may have been dropped."""
    places = {
        "tables": (
            {*TABLES, worlds.NAME, claims.NAME, "power", *measure_accounts(folder)},
            _TABLES,
        ),
        "figures": (plots(), _FIGURES),
    }
    for place, (names, endings) in places.items():
        for entry in folder.listed(f"{REPORT}/{place}"):
            stem, _, ending = entry.name.rpartition(".")
            name = re.sub(r"_alpha[\d.e-]+$", "", stem)
            if name in names and ending in endings and entry.plain:
                yield f"{REPORT}/{place}/{entry.name}"


def table_files(summary: pa.Table, own: Sequence[str] = ()) -> Iterator[Files]:
    """What papers show and what the study asks for: a table each, CSV, LaTeX, Markdown."""
    for name, make in selection(summary, own):
        yield _files_of(name), partial(_formatted, name, make)


def selection(
    summary: pa.Table, own: Sequence[str] = ()
) -> Iterator[tuple[str, Callable[[], Wide]]]:
    """Name of every table of a report that has rows, and what makes it; `own` measures besides.

    Names of the second and later alphas end in ``_alpha0.01``; where there are Type I errors
    too, power stands in a table of its own as well.
    """
    known = set(summary.column("measure").unique().to_pylist())
    two = both(summary)
    for measure in (*TABLES, *(name for name in own if name in known)):
        for k, alpha in enumerate(tables.alphas(summary, measure) if measure in known else ()):
            ending = f"_alpha{alpha:g}" if k else ""
            yield measure + ending, partial(wide, summary, measure, alpha)
            if measure == "rejection_rate" and two:
                yield f"power{ending}", partial(wide, summary, measure, alpha, False)


def _formatted(name: str, make: Callable[[], Wide]) -> list[bytes]:
    return _written(tables.grid(make())._replace(name=name))


def _files_of(name: str) -> list[str]:
    return [f"tables/{name}.{ending}" for ending in _TABLES]


def _written(words: Grid) -> list[bytes]:
    return [tables.FORMATS[form](words).encode() for form in _TABLES.values()]


def _figure_files(
    study: Study, folder: ResultsFolder, summary: pa.Table, warn: Callable[[str], None]
) -> Iterator[Files]:
    """The figures the study asks for, as PNG (200 dpi) and PDF.

    Those of rows show one scenario, which is read when the first of them is drawn.
    """
    boxes: set[str] = set()
    example = cache(partial(example_rows.example, study, folder, summary))

    def drawn(plot: Plot) -> list[bytes]:
        from simstudy.report.drawing import letters
        from simstudy.report.drawing.view import View

        title = study.title or study.name
        if plot.reads == "rows":
            figure = plot.draw(example())
        else:
            figure = plot.draw(summary, title, None, View(words_of(study)))
        contents = [letters.encode(figure, ending) for ending in _FIGURES]
        boxes.update(letters.lacking(figure))
        return contents

    lost = figures_without_rows(study)
    if lost:
        warn(f"not drawn with store: summary, which keeps no rows: {', '.join(lost)}")
    for name in (name for name in study.figures if name not in lost):
        names = [f"figures/{name}.{ending}" for ending in _FIGURES]
        yield names, partial(drawn, plots()[name])
    if boxes:
        some = "".join(sorted(boxes)[:10])
        warn(f"no font on this machine has {some}: these letters are boxes in the figures")
