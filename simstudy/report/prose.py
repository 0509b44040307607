"""Text from the templates of `simstudy/report/templates`: Markdown, what is printed escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2.ext import Extension
from markupsafe import Markup

from simstudy import errors
from simstudy.estimands import estimand
from simstudy.report.methods_section.bibliography import Citations
from simstudy.report.methods_section.predictors import listed
from simstudy.report.pivot import Level, level_text
from simstudy.report.tables import markdown

_BREAK = re.compile(r"[ \n]*\n[ \n]*")
_CLOSING = tuple(",.:;)")
_GUARD = "\0"  # before what is printed and begins like that


def paragraphs(template: str, facts: Mapping[str, Any], citations: Citations) -> list[str]:
    """What a template says of facts, each paragraph on a line of its own.

    Parameters
    ----------
    template : str
        Name of the file.
    facts : mapping
        Name in the template -> fact.
    citations : Citations
        Told of the works that are cited.
    """
    text = _environment().get_template(template).render(facts)
    return [citations.resolve(part) for part in _paragraphs(text)]


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
        return _guarded(value.__html__())
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


def _bold(labels: Iterable[str]) -> Markup:
    return Markup(", ".join(f"**{_line(label)}**" for label in labels))


def _levels(scenario: Mapping[str, Level]) -> Markup:
    told = (f"{_line(name)} {_line(level_text(level))}" for name, level in scenario.items())
    return Markup(", ".join(told))


def _either(values: Sequence[Any]) -> Markup:
    *before, last = values
    return Markup(f"{_join(before)} or {_shown(last)}") if before else _shown(last)


_FILTERS: dict[str, Callable[..., Any]] = {
    "bold": lambda methods: _bold(method.label for method in methods),
    "code": lambda text: Markup(errors.code(text)),
    "counted": lambda n, what: f"{n:,} {what}" + ("" if n == 1 else "s"),
    "each": lambda values, pattern: [pattern.format(*value) for value in values],
    "either": _either,
    "estimand": lambda name: estimand(name).words,
    "file_name": lambda path: Path(path).name,
    "join": _join,
    "labels": _bold,
    "level": lambda level: _line(level_text(level)),
    "levels": _levels,
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
