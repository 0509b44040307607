"""The tables of a report: which there are, and their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from simstudy.measures.names import REJECTION, Asked, of_name
from simstudy.report import tables
from simstudy.report.nulls import both
from simstudy.report.pivot import Wide, wide
from simstudy.report.tables.grid import Grid
from simstudy.report.tables.look import MEASURE, NAMES, Look
from simstudy.report.words import Words, words_of
from simstudy.store import arrow
from simstudy.study.study import Study
from simstudy.study.tables import USUAL, Tables, holds
from simstudy.where import parse

if TYPE_CHECKING:
    import pyarrow as pa

TABLES = (REJECTION, "relative_error_model_se", "coverage", "bias")
TOGETHER = "measures"  # the table of all measures, where these are down or across
FORMATS = {"csv": "csv", "tex": "latex", "md": "markdown"}
Files = tuple[list[str], Callable[[], list[bytes]]]  # below report/, and what makes them
Made = Callable[[], Wide]


def of_study(study: Study, summary: pa.Table) -> Iterator[Files]:
    """The files of the tables that a study asks for, or of those that papers show."""
    asked = study.tables
    own = () if asked.measures else [measure.name for measure in study.measures]
    yield from table_files(_meant(study, summary), own, asked, words_of(study))


def table_files(
    summary: pa.Table, own: Sequence[str] = (), asked: Tables = USUAL, words: Words = NAMES
) -> Iterator[Files]:
    """A table each, CSV with names as data have them, LaTeX and Markdown in words."""
    chosen = list(selection(summary, own, asked.measures))
    together = MEASURE in (*asked.rows, *asked.columns)
    for name, makes in (
        [(TOGETHER, [make for _, make in chosen])] if together and chosen
        else [(name, [make]) for name, make in chosen]
    ):  # fmt: skip
        yield files_of(name), partial(_formatted, name, makes, asked, words)


def selection(
    summary: pa.Table, own: Sequence[str] = (), asked: Sequence[Asked] = ()
) -> Iterator[tuple[str, Made]]:
    """Name of every table of a report that has rows, and what makes it.

    Those `asked` for; else what papers show and the `own` measures. Names of the second and
    later alphas end in ``_alpha0.01``; where there are Type I errors too, power stands in a
    table of its own as well, unless others are asked for.
    """
    known = set(summary.column("measure").unique().to_pylist())
    wanted = list(asked) or [of_name(name) for name in (*TABLES, *own)]
    two = not asked and both(summary)
    for one in (one for one in wanted if one.measure in known):
        for k, alpha in enumerate(tables.alphas(summary, one.measure)):
            ending = f"_alpha{alpha:g}" if k else ""
            if one.null is None or wide(summary, one.measure, alpha, one.null).rows:
                yield one.name + ending, partial(wide, summary, one.measure, alpha, one.null)
            if one.measure == REJECTION and two:
                yield f"power{ending}", partial(wide, summary, REJECTION, alpha, False)


def _meant(study: Study, summary: pa.Table) -> pa.Table:
    """The rows of a summary that the tables are of."""
    if study.tables.where is None:
        return summary
    where = parse(study.tables.where)
    meant = {(design.id, method.label) for design in study.designs for method in study.methods
             if holds(where, design, method)}  # fmt: skip
    rows = zip(
        *(arrow.listed(summary.column(name)) for name in ("scenario", "method")), strict=True
    )
    return summary.take(arrow.integers(np.flatnonzero([row in meant for row in rows])))


def _formatted(name: str, makes: list[Made], asked: Tables, words: Words) -> list[bytes]:
    wides = [make() for make in makes]

    def table(own_words: Words, bounded: bool) -> Grid:
        look = Look(own_words, asked.rows, asked.columns, asked.interval, bounded=bounded)
        (one,) = tables.grids(wides, look)
        return one._replace(name=name)

    return written(table(NAMES, False), table(words, True))


def written(data: Grid, words: Grid) -> list[bytes]:
    """A table as CSV, as data have it, and as LaTeX and Markdown in words."""
    grids = {"csv": data}
    return [tables.FORMATS[form](grids.get(form, words)).encode() for form in FORMATS.values()]


def files_of(name: str) -> list[str]:
    """The files of a table."""
    return [f"tables/{name}.{ending}" for ending in FORMATS]
