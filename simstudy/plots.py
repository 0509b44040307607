"""Which figures there are: a file each in report/figures, with one function under `@plot`.

A study file is checked, and its schema written, where nothing is drawn. So the decorator is read
as it stands in the file, and the module, with matplotlib, is imported when the figure is drawn.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FOLDER = "simstudy.report.figures"
USUAL = ("true_null", "false_null", "tests", "design_effects")
_NAME = {"type": "string"}
_NAMES = {"anyOf": [_NAME, {"type": "array", "minItems": 1, "items": _NAME}]}
OPTIONS: dict[str, dict[str, Any]] = {  # of figures, with JSON Schema
    "x": {"description": "factor along the axis (agreement: one method)", **_NAME},
    "y": {"description": "factor up the axis (agreement: the other method)", **_NAME},
    "panels": {"description": "factors whose levels have panels: side by side, then down",
               **_NAMES},
    "measure": {"description": "what is shown: a measure, power or type1_error", **_NAME},
    "target": {"description": "a power at which a line is drawn", "type": "number",
               "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "categories": {"description": "levels of the axis evenly, not to scale", "type": "boolean"},
    "scenario": {"description": "an id, or FIELD OP VALUE and ...: those that are shown",
                 **_NAME},
    "methods": {"description": "those that are shown, by label or name", **_NAMES},
    "title": {"description": "instead of the study's title and what is shown",
              "type": "string", "pattern": r"\S"},
    "width": {"description": "mm", "type": "number", "minimum": 60, "maximum": 600},
}  # fmt: skip
COMMON = ("scenario", "methods", "title", "width")  # of every figure


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure that a study can ask for.

    Attributes
    ----------
    name : str
        In a study file; that of its module, too.
    words : str
        What it shows.
    title : str
        The same in a few words, after the study's own title; or the name of a measure.
    takes : tuple of str
        Those of `OPTIONS` that it has besides `COMMON`.
    reads : {"summary", "rows"}
        The summary of all scenarios, or a `Sample`: the rows of one.
    place : int
        Where it stands in lists.
    facets : bool
        Whether it has a panel for every combination of factors, and so takes longer to draw.
    synonyms : tuple of str
        Other words for it.
    usual : str
        With what a study that names no figures has it: one of `USUAL`, or nothing.
    """

    name: str
    words: str
    reads: Literal["summary", "rows"]
    title: str = ""
    takes: tuple[str, ...] = ()
    place: int = 100
    facets: bool = False
    synonyms: tuple[str, ...] = ()
    usual: str = ""

    @property
    def draw(self) -> Callable[..., Figure]:
        """The function under the decorator: (summary, title, alpha, view), or (sample, view)."""
        draw: Callable[..., Figure] = import_module(f"{_FOLDER}.{self.name}").draw
        return draw


@cache
def plots() -> dict[str, Plot]:
    """Every figure by name."""
    spec = find_spec(_FOLDER)
    folders = (spec.submodule_search_locations if spec else None) or ()
    files = [file for folder in folders for file in Path(folder).glob("*.py")]
    known = [plot for file in files if (plot := _declared(file))]
    return {plot.name: plot for plot in sorted(known, key=lambda plot: (plot.place, plot.name))}


def other_names() -> dict[str, str]:
    """Other words for figures -> their names."""
    return {word: plot.name for plot in plots().values() for word in plot.synonyms}


def _declared(file: Path) -> Plot | None:
    """The record of the figure in a file, from the decorator's arguments, all of them literals."""
    head, function, _ = file.read_text(encoding="utf-8").partition("\ndef draw(")
    if not function:
        return None
    (*_, draw) = ast.parse(f"{head}{function}): ...").body  # what follows takes time to parse
    for call in draw.decorator_list if isinstance(draw, ast.FunctionDef) else ():
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "plot":
            words = [ast.literal_eval(argument) for argument in call.args]
            record: Any = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
            return Plot(file.stem, *words, **record)
    return None
