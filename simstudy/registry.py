"""What methods there are and which options they take.

A method is a pure function ``moments -> Estimates`` with one registration; a configured
method (`Method`) is plain data that travels to a worker and is looked up there by name, or,
if it is a user's own (`Use`), by its file and name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from simstudy import words
from simstudy.errors import UserError, nearest
from simstudy.estimands import DEFAULT, ESTIMANDS, INTERCEPT, OTHER_NAMES, Estimand
from simstudy.where import Where, parse

Chosen = dict[str, Any]  # words, or whole numbers
Words = Callable[[int], Any]  # k -> the next k random 64-bit words of each replication, (k, R)
GRAINS = ("pooled", "clusters", "rows")
COMMON = (
    "label",
    "estimand",
    "null_value",
    "when",
)  # what every method takes beside its own options


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a method: its values, and its default given the options before it.

    With `least`, the values are the whole numbers from there on, and `values` is empty.
    `synonyms` are other packages' words for the option, and `foreign` for its values: word ->
    value, in small letters with ``_``.
    """

    name: str
    values: tuple[str, ...]
    default: Callable[[Chosen], Any]
    summary: str
    least: int | None = None
    synonyms: tuple[str, ...] = ()
    foreign: Mapping[str, str] = field(default_factory=dict, hash=False)

    def settle(self, value: Any, method: str) -> Any:
        """Check a value of this option, or raise `OptionError`."""
        if self.least is None:
            if value in self.values:
                return value
            hint = nearest(value, self.values, self.foreign)
        else:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if number and value >= self.least and value == value // 1:
                return int(value)
            hint = f": expected a whole number from {self.least} up"
        raise OptionError(self.name, f"'{value}' is not an option of {method}{hint}")


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
        ``fit(moments, term="slope", origin=(0, 0), **options) -> Estimates``, tested against 0;
        a method that `draws` takes `words` as well. A user's own: ``fit(data, options, words,
        null_value, timeout)``, where data are units or moments and options a dict.
    describe : callable
        ``describe(moments, **options) -> dict`` of sigma, r_squared and criterion of one
        data set, for `fit`.
    grain : str, or callable
        The coarsest grain that suffices, pooled, clusters or rows; or options -> that.
    draws : bool
        Whether it needs random numbers beside the data.
    estimands : callable
        Options -> names of what it has an estimate of (`ESTIMANDS`), the usual one first.
    tests_only : bool
        Whether it gives a p-value of the slope without a standard error and df (both NaN where
        it is ok).
    refuse : callable
        Options -> a reason why they do not go together, or None.
    account : callable
        Options -> what the method does, in sentences for a methods section: Markdown with
        LaTeX, citing ``[@Kish1965; @Moulton1986]`` by the keys of the bibliography. Of a
        user's own the first line of its docstring as it stands, or nothing.
    synonyms : tuple of str
        Other packages' words for it.
    variants : mapping
        Options as a study file writes them (``se: CR2``) -> other packages' words for it with
        these options.
    part : int
        Replications of a stored range of a user's own method.
    caution : callable
        Options and the number of clusters -> why these are too few for the method to keep to
        its level, in a line; None where they are not.
    """

    name: str
    summary: str
    grain: str | Callable[[Chosen], str]
    fit: Callable[..., Any]
    describe: Callable[..., dict[str, float | None]]
    options: tuple[Option, ...] = ()
    terms: tuple[str, ...] = ("intercept", "slope")
    synonyms: tuple[str, ...] = ()
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    refuse: Callable[[Chosen], str | None] = field(default=lambda chosen: None)
    draws: bool = False
    tests_only: bool = False
    estimands: Callable[[Chosen], tuple[str, ...]] = field(default=lambda chosen: (DEFAULT,))
    account: Callable[[Chosen], str] = field(default=lambda chosen: "")
    part: int = 1
    caution: Callable[[Chosen, int], str | None] = field(default=lambda chosen, n_clusters: None)

    def references(self, chosen: Chosen) -> tuple[str, ...]:
        """Keys of the works behind these options, in the order in which they are cited."""
        cited = re.findall(r"\[(@\w+(?:; @\w+)*)\]", self.account(chosen))
        keys = (key.lstrip("@") for group in cited for key in group.split("; "))
        return tuple(dict.fromkeys(keys))


@dataclass(frozen=True, slots=True)
class Use:
    """Where a user's own method is; nothing is imported before it is fitted.

    Attributes
    ----------
    file : str
        Absolute path; empty for a function that was given from Python.
    function : str
    digest : str
        Of the file's content.
    given : callable, optional
        The function itself, where there is no file.
    trusted : bool
        Whether the file may be imported: not where the study is that of a results folder.
    timeout : float, optional
        Seconds that a call may take.
    """

    file: str = field(compare=False)
    function: str
    digest: str
    given: Callable[..., Any] | None = field(default=None, compare=False)
    trusted: bool = field(default=True, compare=False)
    timeout: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Method:
    """A method with its options settled: plain data, picklable, hashable.

    Attributes
    ----------
    estimand : str
        Name of what it estimates, of `ESTIMANDS`.
    null_value : float
        What its tests are about.
    when : Where, optional
        In which scenarios it is asked for; it says nothing of the rows, and is in no name.
    """

    name: str
    options: tuple[tuple[str, Any], ...]
    canonical: str
    label: str
    use: Use | None = None
    estimand: str = DEFAULT
    null_value: float = 0.0
    when: Where | None = field(default=None, compare=False)

    @property
    def entry(self) -> Entry:
        """The registered method behind the name, or the user's own."""
        if self.use is not None:
            from simstudy.own.fit import entry_of

            return entry_of(self.use)
        return methods()[self.name]

    def truth(self, scenario: Any) -> float:
        """True value of what is estimated in a scenario."""
        return self.target.value(scenario)

    @property
    def target(self) -> Estimand:
        """What is estimated."""
        return ESTIMANDS[self.estimand]

    def null_of(self, term: str) -> float:
        """What the test of a term is about: the null value where it is the estimand's, else 0."""
        return self.null_value if term == self.target.term else 0.0

    @property
    def tested(self) -> bool:
        """Whether there is a test: not of a variance, but a user's own may give one."""
        return self.use is not None or self.target.of_variances is None

    @property
    def account(self) -> str:
        """What it does, for a methods section; see `Entry.account`."""
        return self.entry.account(dict(self.options))

    @property
    def references(self) -> tuple[str, ...]:
        """Keys of the works behind it; see `Entry.references`."""
        return self.entry.references(dict(self.options))

    @property
    def grain(self) -> str:
        """The coarsest grain that suffices for these options and this estimand."""
        grain = self.entry.grain
        found = grain if isinstance(grain, str) else grain(dict(self.options))
        if self.use is None and self.estimand == INTERCEPT:  # means are not in pooled moments
            return max(found, "clusters", key=GRAINS.index)
        return found

    def fit(
        self,
        moments: Any,
        term: str | None = None,
        origin: tuple[float, float] = (0.0, 0.0),
        words: Words | None = None,
    ) -> Any:
        """Fit every replication of `moments`, for the estimand or for a term; see `Entry.fit`.

        A user's own method is given its options in one piece: any name is free for them.
        """
        if self.use is not None:
            return self.entry.fit(
                moments, dict(self.options), words, self.null_value, self.use.timeout
            )
        from simstudy.methods._asked import fit

        return fit(self, moments, term, origin, words)

    def caution(self, n_clusters: int) -> str | None:
        """Why so few clusters are too few for it, if they are; see `Entry.caution`."""
        return self.entry.caution(dict(self.options), n_clusters)

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


def configure(name: str, options: Mapping[str, Any] | None = None) -> Method:
    """Settle a method's options, or raise `UserError` naming what is wrong.

    Parameters
    ----------
    name : str
        As in the study file.
    options : mapping, optional
        Option values and, optionally, `estimand`, `null_value`, `when` and `label`.
    """
    known = methods()
    if name not in known:
        raise UserError(f"unknown method '{name}'{words.for_method(name, known)}")
    entry = known[name]
    given = dict(options or {})
    label, estimand, null, when = (given.pop(key, None) for key in COMMON)
    if label is not None and (not isinstance(label, str) or not label.strip()):
        raise OptionError("label", f"expected text, got {label!r}")
    names = [option.name for option in entry.options]
    for key, value in given.items():
        if key not in names:
            hint = words.for_option(entry, str(key), value, COMMON)
            raise OptionError(str(key), f"{name} has no option '{key}'{hint}")
    chosen: Chosen = {}
    differing = []
    for option in entry.options:
        default = option.default(chosen)
        value = option.settle(given.get(option.name, default), name)
        chosen[option.name] = value
        if value != default:
            differing.append(f"{option.name}={value}")
    if reason := entry.refuse(chosen):
        raise OptionError("df", reason)
    wanted, null_value = _estimand(entry, chosen, estimand), settle_null(null)
    if null_value and ESTIMANDS[wanted].of_variances is not None:
        raise OptionError("null_value", f"{name} has no test of {wanted}")
    if wanted != entry.estimands(chosen)[0]:
        differing.append(f"estimand={wanted}")
    differing += named_null(null_value)
    canonical = name + (f"[{','.join(differing)}]" if differing else "")
    return Method(
        name, tuple(chosen.items()), canonical, label or canonical, None, wanted, null_value,
        settle_when(when),
    )  # fmt: skip


def possible(entry: Entry) -> dict[str, Chosen]:
    """Estimands that a method has, in the order of `ESTIMANDS`, and options with which it does."""
    there = [option for option in entry.options if option.values]
    found: dict[str, Chosen] = {}
    for values in product(*(option.values for option in there)):
        chosen = {option.name: value for option, value in zip(there, values, strict=True)}
        for name in entry.estimands(chosen):
            found.setdefault(name, chosen)
    return {name: found[name] for name in ESTIMANDS if name in found}


def _estimand(entry: Entry, chosen: Chosen, given: Any) -> str:
    """What a built-in method is to estimate: the usual one, or one that it has."""
    there = entry.estimands(chosen)
    if given is None:
        return there[0]
    if given in there:
        return str(given)
    if given not in ESTIMANDS:
        hint = nearest(given, possible(entry), OTHER_NAMES)
        raise OptionError("estimand", f"{given!r:.40} is no estimand{hint}")
    message = f"{entry.name} has no estimate of {given}, only of {', '.join(there)}"
    if with_it := possible(entry).get(given):
        needed = next(k for k, v in with_it.items() if v != chosen[k])
        message += f"; with {needed}: {with_it[needed]} it has"
    raise OptionError("estimand", message)


def settle_null(given: Any) -> float:
    """Check a null value, 0 where none is given, or raise `OptionError`."""
    if given is None:
        return 0.0
    number = isinstance(given, int | float) and not isinstance(given, bool)
    if not number or not math.isfinite(given):
        raise OptionError("null_value", f"expected a number, got {given!r:.40}")
    return float(given) + 0.0


def settle_when(given: Any) -> Where | None:
    """Read in which scenarios a method is asked for, all where nothing is given."""
    if given is None:
        return None
    try:
        return parse(given)
    except UserError as error:
        raise OptionError("when", str(error)) from None


def named_null(value: float) -> list[str]:
    """How a null value stands in a canonical name: not at all where it is 0."""
    shown = int(value) if value == int(value) else value
    return [f"null_value={shown!r}"] if value else []
