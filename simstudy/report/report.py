"""All files of a report."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from simstudy.claims.judge import judge
from simstudy.claims.judged import Judged
from simstudy.measures.catalog import MEASURES
from simstudy.measures.names import OF_TRUTH
from simstudy.plots import plots
from simstudy.report import claims, table_files, tables, worlds
from simstudy.report.figure_files import ENDINGS, Drawer, figure_files
from simstudy.report.table_files import FORMATS, TOGETHER, Files, files_of, written
from simstudy.report.words import words_of
from simstudy.store import realized_file
from simstudy.store.results_folder import LOCK, REPORT, STUDY, SUMMARY, ResultsFolder
from simstudy.store.sources import measure_accounts
from simstudy.study.study import Study
from simstudy.summary.unavailable import keeps_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from simstudy.report.drawing.rows import Sample

PAGE, MOST_ROWS = "index.html", 2_000_000


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
    done = []
    for names, make in _files(study, folder, summary, warn):
        for name, content in zip(names, make(), strict=False):  # nothing of what failed
            done.append(f"{REPORT}/{name}")
            folder.write(done[-1], content)
    own = [figure.name for figure in study.figures if figure.source]
    for name in _earlier(folder, own):
        if name not in done:
            folder.remove(name)
    return done


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
    yield from table_files.of_study(study, summary)
    realized = realized_file.read(folder)
    as_drawn = worlds.worlds(study, realized, words_of(study))
    if as_drawn is not None:
        data = worlds.worlds(study, realized) or as_drawn
        yield files_of(worlds.NAME), partial(written, data, as_drawn)
    judged = cache(partial(judge, study, folder, summary))
    if study.claims:
        yield files_of(claims.NAME), lambda: _claims(judged())
    methods = cache(lambda: _methods(study, folder, summary, judged()))
    drawer = Drawer(study, folder, summary)
    yield ["methods.md"], lambda: [_text(methods())]
    if study.page and summary.num_rows > MOST_ROWS:
        warn(f"{PAGE} is not made: {summary.num_rows:,} rows are more than a browser shows")
    elif study.page:
        yield [PAGE], partial(_page, study, summary, methods, drawer.rows)
    yield from figure_files(drawer, warn)


def _claims(judged: Sequence[Judged]) -> list[bytes]:
    """A row a claim; a CSV file has no notes."""
    grids = {
        "csv": claims.table_without_notes(judged),
        "latex": claims.table(judged, numbered=True),
        "markdown": claims.table(judged),
    }
    return [tables.FORMATS[form](grids[form]).encode() for form in FORMATS.values()]


def _methods(
    study: Study, folder: ResultsFolder, summary: pa.Table, judged: Sequence[Judged]
) -> list[str]:
    """The methods section, in ADEMP order, with its references."""
    from simstudy.report.methods_section.render import paragraphs

    return paragraphs(study, folder, summary, judged)


def _text(paragraphs: list[str]) -> bytes:
    from simstudy.report.methods_section.render import joined

    return joined(paragraphs).encode()


def _page(
    study: Study,
    summary: pa.Table,
    methods: Callable[[], list[str]],
    rows: Callable[[], Sample],
) -> list[bytes]:
    """All of it as one page."""
    from simstudy.report.page.page import page

    return [page(study, methods(), summary, rows() if keeps_rows(study) else None)]


def _earlier(folder: ResultsFolder, own: Sequence[str]) -> Iterator[str]:
    """Files of this report or an earlier one: a figure, an alpha may have been dropped."""
    places = {
        "tables": (
            {*MEASURES, *OF_TRUTH, TOGETHER, worlds.NAME, claims.NAME, *measure_accounts(folder)},
            FORMATS,
        ),
        "figures": ({*plots(), *own}, ENDINGS),
    }
    for place, (names, endings) in places.items():
        for entry in folder.listed(f"{REPORT}/{place}"):
            stem, _, ending = entry.name.rpartition(".")
            name = re.sub(r"_alpha[\d.e-]+$|-\d+$", "", stem)
            if name in names and ending in endings and entry.plain:
                yield f"{REPORT}/{place}/{entry.name}"
    if PAGE in folder.names(REPORT):
        yield f"{REPORT}/{PAGE}"
