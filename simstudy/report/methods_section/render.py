"""The methods section of a study, in ADEMP order (Morris, White & Crowther 2019).

Its sentences are templates (``simstudy/report/templates``), which say what `facts` collects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2.ext import Extension
from markupsafe import Markup

from simstudy import errors
from simstudy.report.methods_section.bibliography import Citations
from simstudy.report.methods_section.facts import facts_of
from simstudy.report.methods_section.predictors import listed
from simstudy.report.tables import markdown
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study

if TYPE_CHECKING:
    import pyarrow as pa

_BREAK = re.compile(r"[ \n]*\n[ \n]*")
_CLOSING = tuple(",.:;)")
_GUARD = "\0"  # before what is printed and begins like that


def methods_section(study: Study, folder: ResultsFolder, summary: pa.Table) -> str:
    """Markdown from which a referee could repeat the study.

    Parameters
    ----------
    study : Study
        As run.
    folder : Path
        Its results folder; the footers of the parts in it say what software made them.
    summary : pyarrow.Table
        As in summary.parquet.
    """
    text = _environment().get_template("methods.md.j2").render(facts_of(study, folder, summary))
    title, *paragraphs = _paragraphs(text)
    citations = Citations()
    lines = [title, *map(citations.resolve, paragraphs)]
    lines += [f"- {entry}" for entry in citations.entries]
    return re.sub(r"(?m)^(- .*)\n(?=\n- )", r"\1", "\n\n".join(lines) + "\n")  # lists are tight


class _Paragraphs(Extension):
    """Marks the empty lines of a template, so that a condition that says nothing leaves none."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Put a form feed there, which no text of a user's has."""
        return re.sub(r"(?m)^ *$", "\f", source)


def _paragraphs(text: str) -> list[str]:
    """Paragraphs on one line each, but for the rows of tables.

    A line that begins with a comma or the like closes up to the line before.
    """
    paragraphs = (part.strip() for part in text.split("\f") if part.strip())
    return [_BREAK.sub(_joint, part).replace(_GUARD, "") for part in paragraphs]


def _joint(space: re.Match[str]) -> str:
    following = space.string[space.end()]
    return "\n" if following == "|" else "" if following in _CLOSING else " "


def _shown(value: Any) -> Markup:
    """A number or a text as Markdown shows it."""
    if hasattr(value, "__html__"):  # it is Markdown
        return Markup(value)
    if isinstance(value, int | float):
        return Markup(f"{value:,}" if isinstance(value, int) else f"{value:g}")
    return _guarded(markdown.escape(str(value)))


def _guarded(text: str) -> Markup:
    return Markup(_GUARD + text if text.startswith(_CLOSING) else text)


def _line(text: str) -> Markup:
    return _shown(" ".join(text.split()))


def _sentence(text: str) -> str:
    whole = " ".join(str(text).split())
    return type(text)(whole if whole.endswith((".", "?", "!")) else whole + ".")


def _join(values: Iterable[Any], between: str = ", ") -> Markup:
    return Markup(between.join(map(_shown, values)))


def _either(values: Sequence[Any]) -> Markup:
    *before, last = values
    return Markup(f"{_join(before)} or {_shown(last)}") if before else _shown(last)


_FILTERS: dict[str, Callable[..., Any]] = {
    "bold": lambda methods: Markup(", ".join(f"**{_line(m.label)}**" for m in methods)),
    "code": lambda text: Markup(errors.code(text)),
    "counted": lambda n, what: f"{n:,} {what}" + ("" if n == 1 else "s"),
    "each": lambda values, pattern: [pattern.format(*value) for value in values],
    "either": _either,
    "file_name": lambda path: Path(path).name,
    "join": _join,
    "line": _line,
    "names": lambda names: Markup(listed(names)),
    "plural": lambda n, singular, plural: singular if n == 1 else plural,
    "prose": lambda text: _guarded(" ".join(markdown.prose(text).split())),
    "sentence": _sentence,
}


@cache
def _environment() -> jinja2.Environment:
    """Templates that escape what they print; a text of a user's is never a template itself."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("simstudy.report"), undefined=jinja2.StrictUndefined,
        autoescape=True, finalize=_shown, extensions=[_Paragraphs],
    )  # fmt: skip
    environment.filters |= _FILTERS
    return environment
