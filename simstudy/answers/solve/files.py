"""The answers in the results folder: numbers, tables and a figure beside its report."""

from __future__ import annotations

from simstudy.answers.solve.solve import Solved, as_json
from simstudy.answers.solve.table import NAME
from simstudy.report import tables
from simstudy.store.results_folder import REPORT

_FIGURES = ("png", "pdf")
_TABLES = {"csv": "csv", "tex": "latex", "md": "markdown"}


def written(found: Solved) -> list[str]:
    """Write them, and return the files as people see them; none where nothing was tried."""
    if found.results is None:
        return []
    folder = found.results.place
    folder.write(f"{REPORT}/{NAME}.json", as_json(found).encode())
    for ending, form in _TABLES.items():
        grid = found.table(remarks=ending == "csv")
        folder.write(f"{REPORT}/tables/{NAME}.{ending}", tables.FORMATS[form](grid).encode())
    from simstudy.answers.solve.figure import draw
    from simstudy.report.drawing.letters import encode

    figure = draw(found)
    for ending in _FIGURES:
        folder.write(f"{REPORT}/figures/{NAME}.{ending}", encode(figure, ending))
    return [folder.shown(f"{REPORT}/figures/{NAME}.png"), folder.shown(f"{REPORT}/tables")]
