"""The report as one self-contained page, ``report/index.html``.

In ADEMP order (Morris, White & Crowther 2019): what the methods section says, with its formulas,
and among its chapters the numbers, to look at, to sort and to take away. It fetches nothing. What
it may do is in its Content-Security-Policy: only the scripts and the styles that it holds, known
by their digests.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import jinja2
from markupsafe import Markup

from simstudy.moments import Array
from simstudy.report.drawing import style
from simstudy.report.page.interval_data import interval_data
from simstudy.report.page.packed import packed
from simstudy.report.page.prose import Chapter, chapters
from simstudy.report.page.summary_data import summary_data
from simstudy.report.words import words_of
from simstudy.study.study import Study

if TYPE_CHECKING:
    import pyarrow as pa

    from simstudy.report.drawing.rows import Sample

_ASSETS = files("simstudy.report.page") / "assets"
_LIBRARIES = ("libraries/d3.min.js", "libraries/plot.umd.min.js")
# in the order in which they need each other
_OWN = ("data", "text", "elements", "looks", "view", "cells", "scales", "reading", "panels", "loop",
        "intervals", "details", "chart", "controls", "table", "main")  # fmt: skip
_AFTER = "Performance measures"  # the chapter after which results stand: those in words, first
_IN_WORDS = ("What was found", "Claims")


class Inline(NamedTuple):
    """A script or a style of the page, and its digest as a policy names it."""

    text: Markup
    digest: str


def page(
    study: Study, paragraphs: Sequence[str], summary: pa.Table, sample: Sample | None
) -> bytes:
    """The whole page.

    Parameters
    ----------
    study : Study
        As run.
    paragraphs : sequence of str
        The methods section.
    summary : pyarrow.Table
        As in summary.parquet.
    sample : Sample, optional
        Rows of a scenario; None where none are kept.
    """
    about, arrays = summary_data(study, summary, words_of(study))
    more: Mapping[str, Any]
    rows: Mapping[str, Array]
    more, rows = interval_data(sample) if sample is not None else ({}, {})
    design, results, rest = _split(chapters(paragraphs))
    replay = f"python -m simstudy replay results/{study.name}"
    data = packed({"name": study.name, "replay": replay, **about, **more}, {**arrays, **rows})
    text = _template().render(
        study=study, title=study.title or study.name, before=design + results, after=rest,
        n_rows=summary.num_rows, data=data, scripts=_scripts(), style=_style(),
        licenses=Markup(_asset("libraries/LICENSES.txt")),
    )  # fmt: skip
    return text.encode()


def _split(every: list[Chapter]) -> tuple[list[Chapter], list[Chapter], list[Chapter]]:
    """Chapters up to the results, those that tell results in words, and the others."""
    results = [chapter for chapter in every if chapter.title in _IN_WORDS]
    others = [chapter for chapter in every if chapter.title not in _IN_WORDS]
    titles = [chapter.title for chapter in others]
    place = titles.index(_AFTER) + 1 if _AFTER in titles else len(titles)
    return others[:place], results, others[place:]


@cache
def _scripts() -> list[Inline]:
    own = "\n".join(_asset(f"{name}.js") for name in _OWN)
    return [_inline(text) for text in (*map(_asset, _LIBRARIES), f'"use strict";\n{own}')]


@cache
def _style() -> Inline:
    """The style sheet, with the colors of the figures."""
    colors = "".join(f"--series-{k}:{color};" for k, color in enumerate(style.COLORS))
    return _inline(f":root{{{colors}}}\n{_asset('page.css')}")


def _inline(text: str) -> Inline:
    assert "</script" not in text and "</style" not in text and "<!--" not in text
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Inline(Markup(text), f"'sha256-{digest}'")


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text("utf-8")


@cache
def _template() -> jinja2.Template:
    """The frame of the page, which escapes what it is given."""
    loader = jinja2.PackageLoader("simstudy.report.page", "assets")
    environment = jinja2.Environment(
        loader=loader, undefined=jinja2.StrictUndefined, autoescape=True, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("page.html")
