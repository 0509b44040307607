"""Room 0: what methods there are and which options they take. Imports errors alone.

A method is a pure function ``moments -> Estimates`` with one registration; a configured
method (`Method`) is plain data that travels to a worker and is looked up there by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simstudy.errors import UserError, nearest

Chosen = dict[str, str]
GRAINS = ("pooled", "clusters", "rows")


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a method: its values, and its default given the options before it."""

    name: str
    values: tuple[str, ...]
    default: Callable[[Chosen], str]
    summary: str


class OptionError(UserError):
    """An option of a method is wrong; says which."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message, path=option)
        self.option = option
        self.message = message


@dataclass(frozen=True, slots=True)
class Entry:
    """A registered method.

    Attributes
    ----------
    fit : callable
        ``fit(moments, term="slope", origin=(0, 0), **options) -> Estimates``.
    describe : callable
        ``describe(moments, **options) -> dict`` of sigma, r_squared and criterion of one
        data set, for `fit`.
    grain : str
        The coarsest grain that suffices: pooled, clusters or rows.
    refuse : callable
        Options -> a reason why they do not go together, or None.
    """

    name: str
    summary: str
    grain: str
    fit: Callable[..., Any]
    describe: Callable[..., dict[str, float | None]]
    options: tuple[Option, ...] = ()
    terms: tuple[str, ...] = ("intercept", "slope")
    synonyms: tuple[str, ...] = ()
    refuse: Callable[[Chosen], str | None] = field(default=lambda chosen: None)


@dataclass(frozen=True, slots=True)
class Method:
    """A method with its options settled: plain data, picklable, hashable."""

    name: str
    options: tuple[tuple[str, str], ...]
    canonical: str
    label: str

    @property
    def entry(self) -> Entry:
        """The registered method behind the name."""
        return methods()[self.name]

    def fit(
        self, moments: Any, term: str = "slope", origin: tuple[float, float] = (0.0, 0.0)
    ) -> Any:
        """Fit every replication of `moments`; see `Entry.fit`."""
        options: dict[str, Any] = {**dict(self.options), "term": term}
        if term != "slope":
            options["origin"] = origin
        return self.entry.fit(moments, **options)

    def describe(self, moments: Any) -> dict[str, float | None]:
        """Fit statistics of one data set; see `Entry.describe`."""
        return self.entry.describe(moments, **dict(self.options))


_METHODS: dict[str, Entry] = {}


def register(entry: Entry) -> Entry:
    """Add a method; a name is taken once."""
    if entry.name in _METHODS:
        raise ValueError(f"method {entry.name} is registered twice")
    _METHODS[entry.name] = entry
    return entry


def methods() -> Mapping[str, Entry]:
    """All registered methods by name."""
    if not _METHODS:
        import simstudy.methods  # noqa: F401  (its modules register themselves)
    return _METHODS


def synonyms() -> dict[str, str]:
    """Other packages' words for our methods."""
    return {word: entry.name for entry in methods().values() for word in entry.synonyms}


def configure(name: str, options: Mapping[str, Any] | None = None) -> Method:
    """Settle a method's options, or raise `UserError` naming what is wrong.

    Parameters
    ----------
    name : str
        As in the study file.
    options : mapping, optional
        Option values and, optionally, `label`.
    """
    known = methods()
    if name not in known:
        raise UserError(f"unknown method '{name}'{nearest(name, known, synonyms())}")
    entry = known[name]
    given = dict(options or {})
    label = given.pop("label", None)
    if label is not None and (not isinstance(label, str) or not label.strip()):
        raise OptionError("label", f"expected text, got {label!r}")
    names = [option.name for option in entry.options]
    for key in given:
        if key not in names:
            hint = nearest(key, [*names, "label"])
            raise OptionError(str(key), f"{name} has no option '{key}'{hint}")
    chosen: Chosen = {}
    differing = []
    for option in entry.options:
        default = option.default(chosen)
        value = given.get(option.name, default)
        if value not in option.values:
            hint = nearest(value, option.values)
            raise OptionError(option.name, f"'{value}' is not an option of {name}{hint}")
        chosen[option.name] = value
        if value != default:
            differing.append(f"{option.name}={value}")
    if reason := entry.refuse(chosen):
        raise OptionError("df", reason)
    canonical = name + (f"[{','.join(differing)}]" if differing else "")
    return Method(name, tuple(chosen.items()), canonical, label or canonical)
