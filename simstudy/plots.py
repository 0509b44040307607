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


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure that a study can ask for.

    Attributes
    ----------
    name : str
        In a study file; that of its module, too.
    words : str
        What it shows.
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
    place: int = 100
    facets: bool = False
    synonyms: tuple[str, ...] = ()
    usual: str = ""

    @property
    def draw(self) -> Callable[..., Figure]:
        """The function under the decorator: (summary, title, alpha), or (sample), and options."""
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
