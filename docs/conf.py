"""The documentation, by Sphinx and MyST: ``python -m sphinx -W -b html docs docs/_build``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import simstudy

ROOT = Path(__file__).parents[1]

project = "simstudy"
author = copyright = "The simstudy authors"
version = release = simstudy.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
highlight_language = "none"
myst_heading_anchors = 3
nitpicky = False

html_theme = "furo"
html_title = "simstudy"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_sourcelink = False
html_copy_source = False

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say what a parameter may be
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_rtype = False

_AWAY = re.compile(r"(?<!!)\[([^\]]*)\]\(\.\./([^)#\s]+)\)")


def _beside(match: re.Match[str]) -> str:
    """A link to a file of the repository as a download, to a folder as its name."""
    words, path = match[1].strip("`"), match[2]
    if (ROOT / path).is_file():
        return f"{{download}}`{words} <../{path}>`"
    return f"`{words}`" if match[1].startswith("`") else f"{words} (`{path}`)"


def _links_that_lead_out(app: Any, name: str, content: list[str]) -> None:
    content[0] = _AWAY.sub(_beside, content[0])


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _links_that_lead_out)
