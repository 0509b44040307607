"""``{use: "my_figures.py:f"}`` among the figures of a study file.

With a `digest` beside it, as results folders keep it, the file is not looked at before the
figure is drawn.
"""

from __future__ import annotations

from typing import Any

from simstudy.custom.declare import FIGURE
from simstudy.custom.load import function_of
from simstudy.entries import CodeSource
from simstudy.errors import UserError, nearest
from simstudy.plots import plots
from simstudy.study.code import Imports, source_of
from simstudy.study.place import Place

_KEYS = ("use", "digest")


def is_own(item: Any) -> bool:
    """Whether an item of `figures:` is a function of the user's."""
    return callable(item) or (isinstance(item, dict) and "use" in item)


def source_at(item: Place, imports: Imports) -> CodeSource:
    """Where the function is, its file imported unless its digest is given; or `UserError`."""
    given = {"use": item.value} if callable(item.value) else item.value
    for key in given:
        if key not in _KEYS:
            item.refuse(f"a figure of your own has no option '{key}'{nearest(key, _KEYS)}", key)
    try:
        source = source_of(given, imports, FIGURE)
        imports.tell(source, f"the figure {source.function}")
        if "digest" not in given:
            function_of(source, FIGURE)  # what is wrong with it is said before any work is done
    except UserError as error:
        item.refuse(getattr(error, "message", str(error)))
    if source.function in plots():
        item.refuse(f"a figure of your own cannot be called {source.function}: there is one")
    return source
