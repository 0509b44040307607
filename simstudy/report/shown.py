"""Results as a notebook shows them: tables, and figures that are asked for one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from simstudy.errors import UserError, nearest
from simstudy.measures.catalog import MEASURES
from simstudy.measures.names import asked, needed
from simstudy.report import tables
from simstudy.report.pivot import REASONS, thin, wide
from simstudy.report.tables.grid import Grid
from simstudy.report.words import words_of
from simstudy.study.code import Imports
from simstudy.study.figures import figures_of
from simstudy.study.place import Place
from simstudy.study.study import Study, plain
from simstudy.study.yaml_lines import Document
from simstudy.summary.table import only_asked, only_where
from simstudy.where import parse

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

    from simstudy.store.results_folder import ResultsFolder

Names = str | Sequence[str] | None
_MOST = 30  # scenarios that results show by themselves


@dataclass(frozen=True, slots=True)
class Table:
    """Tables of a study: a notebook shows them as HTML, ``print`` as text.

    Attributes
    ----------
    grids : tuple of Grid
        In words.
    """

    grids: tuple[Grid, ...]

    def to(self, format: str) -> str:
        """The same as text, markdown, latex, csv or html."""
        if format not in tables.FORMATS:
            raise UserError(f"unknown format '{format}'{nearest(format, tables.FORMATS)}")
        return "\n".join(tables.FORMATS[format](grid) for grid in self.grids)

    def __str__(self) -> str:
        return "\n\n".join(map(tables.as_text, self.grids))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.to("html")


def table(
    study: Study,
    summary: pa.Table,
    measure: Names = None,
    rows: Names = None,
    columns: Names = None,
    where: str | None = None,
    interval: bool = False,
) -> Table:
    """Measures of a summary as tables in words; see `Results.table`."""
    names = _listed(measure) or [name for name in tables.HEADLINE if _has(summary, name)]
    known = (*MEASURES, *(own.name for own in study.measures))
    wanted = [asked(name, known) for name in names]
    try:
        part = summary if where is None else only_where(summary, parse(where))
    except UserError as error:
        raise UserError(f"where: {error}") from None
    for one in wanted:
        if not only_asked(part, [one]).num_rows:
            raise UserError(f"no row of {one.name} here{needed(one)}")
    wides = [wide(part, one.measure, alpha, one.null)
             for one in wanted for alpha in tables.alphas(part, one.measure)]  # fmt: skip
    look = tables.Look(words_of(study), _listed(rows), _listed(columns), interval)
    return Table(tuple(tables.grids(wides, look)))


def figure(
    study: Study, folder: ResultsFolder, summary: pa.Table, name: str, options: Mapping[str, Any]
) -> Figure:
    """One of the figures that a study file may ask for; see `Results.figure`."""
    from simstudy.report.drawing.letters import encode
    from simstudy.report.figure_files import Drawer

    data = {"report": {"figures": [{name: plain(options)} if options else name]}}
    top, imports = Place(Document(data), (), data), Imports(study.folder, False)
    own = [measure.name for measure in study.measures]
    try:
        (drawing,) = figures_of(top, study.designs, study.methods, imports, own)
    except UserError as error:
        raise UserError(str(error).replace("report.figures[0]", "figure", 1)) from None
    drawn = Drawer(study, folder, summary).draw(drawing)
    # IPython knows figures by itself only where pyplot is imported
    vars(drawn)["_repr_png_"] = partial(encode, drawn, "png")
    return drawn


def needed_measures(measure: Names) -> list[str]:
    """What a summary has to hold for a table of these; empty: all that is usual."""
    names = _listed(measure)
    wanted = {asked(name, (*MEASURES, *names)).measure for name in names}
    return sorted({*wanted, *REASONS}) if names else []


def page(study: Study, summary: pa.Table) -> str:
    """What a run prints, as one table in HTML: names as data have them, some of many scenarios."""
    names = [name for name in tables.HEADLINE if _has(summary, name)] or ["bias"]
    wides = [wide(summary, name) for name in names]
    shown = [thin(one, _MOST) for one in wides]
    (grid,) = tables.grids(shown, tables.Look(columns=("measure",)))
    rows, of = len(shown[0].rows), len(wides[0].rows)
    if rows < of:
        said = f"{rows} of {of} scenarios are shown; all of them: .summary"
        grid.notes[""] = "\n".join(filter(None, [grid.notes.get("", ""), said]))
    return tables.as_html(grid._replace(title=study.title or study.name))


def _has(summary: pa.Table, measure: str) -> bool:
    return bool(only_asked(summary, [asked(measure, MEASURES)]).num_rows)


def _listed(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names or ())
