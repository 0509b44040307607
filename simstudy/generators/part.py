"""What a part of a design is, and which ones there are.

A design is made of parts: sizes, predictors, effects, errors. Each part that makes data
misbehave is one file with one registration; the study file's checks, schema, digest, help and
methods section read it, and so does the path that draws. At its default a part draws nothing,
says nothing and is in no digest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from simstudy.forms import Form

NONE = "none"  # how a part that is not there is written
Stage = Literal["predictors", "effects", "errors"]
Subject = Literal["predictor", "effects", "slopes", "errors", "units"]


def _itself(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a design, and the field of a study file that says how it is.

    Attributes
    ----------
    name : str
        Of the field.
    stream : int
        k of the spawn key (chunk, grain, k) of what it draws: for ever its own.
    summary : str
        A line for the schema and for help.
    form : Form
        How its value is written and read.
    default : object
        The value with which it does nothing; None is written as `NONE`.
    make : callable
        What the form has read -> the value.
    text, canonical : callable
        Value -> a level in tables and conditions; and what stands for it in a digest.
    factors : bool
        Whether lists inside the mapping that it is written as are factors, ``NAME.key``.
    subject : str
        What of a data set it changes.
    words, symbol : str
        What it is, one thing, in figures and in the methods section; and in LaTeX.
    inner : mapping
        Words and symbol of each of its factors, where lists inside it are factors.
    exact_at : callable
        Scenario -> the coarsest grain at which it can be drawn exactly: clusters or rows.
    account : callable
        Value -> what it does, in sentences for a methods section: Markdown with LaTeX. Where the
        value is a number, it stands there as its symbol, and is true of the default too.
    by_arm : callable
        Value -> whether the arms of a binary x differ in a variance.
    keeps_effects : bool
        Whether cluster effects stay normal, of one variance, and without a bearing on anything
        but y.
    stage : str, optional
        When `apply` is called while data are drawn; None for what a stage itself asks for.
    apply : callable, optional
        ``apply(sketch, value)``: change what is drawn so far; see `sketch.Sketch`.
    refuse : callable
        Scenario -> why the part has no meaning there, or None.
    example : object
        A value other than the default, as a study file writes it.
    synonyms : str
        Other packages' words for it, blanks between them.
    advice : mapping
        What to write instead -> words that ask for that, where fields stand.
    instead : callable
        A value that is a number, a word or the like, where that is none of its -> what to write.
    """

    name: str
    stream: int
    summary: str
    form: Form
    default: Any
    subject: Subject
    words: str
    symbol: str
    exact_at: Callable[[Any], str]
    account: Callable[[Any], str]
    example: Any
    make: Callable[[Any], Any] = _itself
    text: Callable[[Any], float | str] = _itself
    canonical: Callable[[Any], Any] = _itself
    factors: bool = False
    inner: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    by_arm: Callable[[Any], bool] = field(default=lambda value: False)
    keeps_effects: bool = False
    stage: Stage | None = None
    apply: Callable[[Any, Any], None] | None = None
    refuse: Callable[[Any], str | None] = field(default=lambda scenario: None)
    synonyms: str = ""
    advice: Mapping[str, str] = field(default_factory=dict)
    instead: Callable[[Any], str] = field(default=lambda value: "")


_PARTS: dict[str, Part] = {}


def register(part: Part) -> Part:
    """Add a part; its name and its stream are taken once."""
    taken = {one.stream for one in _PARTS.values()}
    if part.name in _PARTS or part.stream in taken:
        raise ValueError(f"part {part.name} or its stream {part.stream} is registered twice")
    _PARTS[part.name] = part
    return part


def registered() -> Mapping[str, Part]:
    """The parts that are registered so far, by name."""
    return _PARTS


def described(field: str) -> tuple[str, str] | None:
    """Words and symbol of a part or of a factor in one (``third_level.icc``), if it is either."""
    name, _, inner = field.partition(".")
    part = _PARTS.get(name)
    if part is None:
        return None
    return part.inner.get(inner) if inner else (part.words, part.symbol)


def clusters(scenario: Any) -> str:
    """The grain of a part that is always exact at clusters."""
    return "clusters"


def rows(scenario: Any) -> str:
    """The grain of a part that acts on single units."""
    return "rows"
