"""What a method is: its name and options, what it reads, and the function that fits it.

A method is a pure function ``moments -> Estimates`` with one registration; a user's own is made
the same from its file (`simstudy.custom.load`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from simstudy.errors import UserError, meanings, nearest
from simstudy.estimands import DEFAULT, ESTIMANDS

Chosen = dict[str, Any]  # words, or whole numbers
Words = Callable[[int], Any]  # k -> the next k random 64-bit words of each replication, (k, R)
GRAINS = ("pooled", "clusters", "rows")
COMMON = ("label", "estimand", "null_value", "when")  # beside the options of each method
SETTINGS = (*COMMON, "level", "omit")  # the same of a method of this package
PYTHON = "python"  # instead of a file: the function was given from Python


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a method: its values, and its default given the options before it.

    With `least`, the values are the whole numbers from there on, and `values` is empty.
    `synonyms` are other packages' words for the option, blanks between them, and `foreign` for
    its values: word -> value, in small letters with ``_``. `said` is how figures and tables say
    a value (default: ``_`` are blanks), with `always` where it is the default, too.
    """

    name: str
    values: tuple[str, ...]
    default: Callable[[Chosen], Any]
    summary: str
    least: int | None = None
    synonyms: str = ""
    foreign: Mapping[str, str] = field(default_factory=dict, hash=False)
    said: Mapping[str, str] = field(default_factory=dict, hash=False)
    always: bool = False

    def word(self, value: Any) -> str:
        """A value in words."""
        if self.least is not None:
            return f"{value} {self.name}"
        return self.said.get(value) or value.replace("_", " ")

    def settle(self, value: Any, method: str) -> Any:
        """Check a value of this option, or raise `OptionError`."""
        if self.least is None:
            value = str(value).lower() if isinstance(value, bool) else value
            if value in self.values:
                return value
            hint = nearest(value, self.values, self.foreign)
        else:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if number and value >= self.least and value == value // 1:
                return int(value)
            hint = f": expected a whole number from {self.least} up"
        raise OptionError(self.name, f"'{value}' is not an option of {method}{hint}")


def choice(
    name: str,
    summary: str,
    synonyms: str,
    advice: Mapping[str, str] | None = None,
    *,
    default: Callable[[Chosen], str] | None = None,
    said: Mapping[str, str] | None = None,
    always: bool = False,
    **values: str,
) -> Option:
    """An option whose values are words; each keyword is one, with other packages' words for it.

    Parameters
    ----------
    synonyms : str
        Other packages' words for the option, blanks between them.
    advice : mapping, optional
        What is said of words that mean no single value -> these words.
    default : callable, optional
        Options before it -> its default, which else is the first value.
    said, always
        As of `Option`.
    """
    usual = default or (lambda chosen: next(iter(values)))
    foreign = meanings(advice, **values)
    return Option(
        name, tuple(values), usual, summary, None, synonyms, foreign, said or {}, always
    )  # fmt: skip


class OptionError(UserError):
    """An option of a method is wrong; says which."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message, path=option)
        self.option = option
        self.message = message


@dataclass(frozen=True, slots=True)
class Predictors:
    """What a model holds beside its intercept, in the words of a methods section.

    Counts are texts, to stand after ``J-`` or ``N-``: a number, or ``1-p`` where it differs
    between scenarios, for p predictors of which q vary within clusters.

    Attributes
    ----------
    names : str
        All of them, as a list in a sentence.
    tested : str
        The one whose slope is estimated.
    columns, within, between, split : str
        Columns of the model with the intercept; those that vary within clusters; the others;
        and columns where every predictor that varies within clusters stands there twice.
    several : bool
        Whether there are covariates.
    """

    names: str = "$x$"
    tested: str = "$x$"
    columns: str = "2"
    within: str = "1"
    between: str = "2"
    split: str = "3"
    several: bool = False


X_ALONE = Predictors()


@dataclass(frozen=True, slots=True)
class CodeSource:
    """Where a function of the user's is; nothing is imported before it is asked for.

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
    """

    file: str = field(compare=False)
    function: str
    digest: str
    given: Callable[..., Any] | None = field(default=None, compare=False)
    trusted: bool = field(default=True, compare=False)

    def written(self, folder: Path | None) -> dict[str, Any]:
        """The `use:` and `digest:` that are read as this very function in a file of a folder.

        None is no folder: files are named by their absolute paths.
        """
        file = os.path.relpath(self.file, folder) if self.file and folder else self.file
        file = Path(file).as_posix() if file else PYTHON
        return {"use": f"{file}:{self.function}", "digest": self.digest}


@dataclass(frozen=True, slots=True)
class Entry:
    """A method, of this package or made of a user's function.

    Attributes
    ----------
    fit : callable
        ``fit(moments, term="slope", **options) -> Estimates``, tested against 0; a method that
        `draws` takes `words` as well. Of a user's function: ``fit(data, options, words,
        null_value, timeout)``, where data are units or moments and options a dict.
    describe : callable, optional
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
        Options and `Predictors` -> what the method does, in sentences for a methods section:
        Markdown with LaTeX, citing ``[@Kish1965; @Moulton1986]`` by the keys of the
        bibliography. Of a user's function the first line of its docstring as it stands, or nothing.
    synonyms : str
        Other packages' words for it, blanks between them.
    variants : mapping
        Options as a study file writes them (``se: CR2``) -> such words for it with these options.
    part : int
        Replications of a stored range, where it has tasks of its own: nobody knows what it
        costs, or whether it ends its process. 0 where it shares its tasks with others.
    seconds : mapping
        Grain -> rough seconds of a fit, beyond what the numbers of clusters and units say.
    caution : callable
        Options and the number of clusters -> why these are too few for the method to keep to
        its level, in a line; None where they are not.
    robust : callable
        Options -> whether the test rests on what clusters differ by, and so is worth nothing
        where x varies by one of them alone.
    extras : tuple of str
        Names of further values of every fit of a method of this package.
    covariates : callable
        Options -> whether it takes predictors beside x.
    own_intercepts : bool
        Whether every cluster has an intercept of its own, so that x counts about its means.
    of_means : bool
        Whether it sees the cluster means alone.
    as_they_are : bool
        Whether `fit` knows of data about 0 and in their own units alone.
    title : str
        What figures and tables call it, followed by what its options say; see `worded`.
    plain_title : str
        The same where no option says anything, if that is something else.
    lesson : str
        What a lecture calls it with its usual options.
    n_parameters : str
        How many parameters it spends; ``{line}`` for those of one line for all, ``{dummies}`` and
        ``{both}`` for a line with an intercept for every cluster, or with means and deviations,
        ``{variances}`` for those of a random slope.
    """

    name: str
    summary: str
    grain: str | Callable[[Chosen], str]
    fit: Callable[..., Any]
    describe: Callable[..., dict[str, float | None]] | None = None
    options: tuple[Option, ...] = ()
    terms: tuple[str, ...] = ("intercept", "slope")
    synonyms: str = ""
    variants: Mapping[str, str] = field(default_factory=dict, hash=False)
    refuse: Callable[[Chosen], str | None] = field(default=lambda chosen: None)
    draws: bool = False
    tests_only: bool = False
    estimands: Callable[[Chosen], tuple[str, ...]] = field(default=lambda chosen: (DEFAULT,))
    account: Callable[[Chosen, Predictors], str] = field(default=lambda chosen, predictors: "")
    part: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict, hash=False)
    caution: Callable[[Chosen, int], str | None] = field(default=lambda chosen, n_clusters: None)
    robust: Callable[[Chosen], bool] = field(default=lambda chosen: False)
    extras: tuple[str, ...] = ()
    covariates: Callable[[Chosen], bool] = field(default=lambda chosen: True)
    own_intercepts: bool = False
    of_means: bool = False
    as_they_are: bool = False
    title: str = ""
    plain_title: str = ""
    lesson: str = ""
    n_parameters: str = "-"

    @property
    def shared(self) -> bool:
        """Whether it shares its tasks with other methods."""
        return not self.part

    def settle(self, given: Mapping[str, Any]) -> tuple[Chosen, list[str]]:
        """All options with the values given, and how those that are no defaults are written."""
        chosen: Chosen = {}
        differing = []
        for option in self.options:
            default = option.default(chosen)
            chosen[option.name] = value = option.settle(given.get(option.name, default), self.name)
            if value != default:
                differing.append(f"{option.name}={value}")
        return chosen, differing

    def worded(self, chosen: Chosen) -> str:
        """The method with all its options in words: Random intercept, Kenward-Roger."""
        told = [
            option.word(chosen[option.name]) for option in self.options
            if option.always or chosen[option.name] != option.default(chosen)
        ]  # fmt: skip
        title = self.title or spelled(self.name)
        return ", ".join([title, *told]) if told else self.plain_title or title

    def estimands_of(self, chosen: Chosen) -> tuple[str, ...]:
        """Names of all that it has an estimate of, the usual one first."""
        own = self.estimands(chosen)
        if DEFAULT not in own:
            return own
        return (*own, *(name for name, one in ESTIMANDS.items() if one.of_slope))

    def possible(self) -> dict[str, Chosen]:
        """Estimands that it has, in the order of `ESTIMANDS`, and options with which it does."""
        several = [option for option in self.options if option.values]
        options_of: dict[str, Chosen] = {}
        for values in product(*(option.values for option in several)):
            chosen = {option.name: value for option, value in zip(several, values, strict=True)}
            for name in self.estimands_of(chosen):
                options_of.setdefault(name, chosen)
        return {name: options_of[name] for name in ESTIMANDS if name in options_of}

    def references(self, chosen: Chosen) -> tuple[str, ...]:
        """Keys of the works behind these options, in the order in which they are cited."""
        cited = re.findall(r"\[(@\w+(?:; @\w+)*)\]", self.account(chosen, X_ALONE))
        keys = (key.lstrip("@") for group in cited for key in group.split("; "))
        return tuple(dict.fromkeys(keys))


def spelled(name: str) -> str:
    """A name as words: blanks for ``_``, the first letter a capital."""
    return capital(name.replace("_", " "))


def capital(text: str) -> str:
    """Text that begins with a capital."""
    return text[:1].upper() + text[1:]


_BUILT_IN: dict[str, Entry] = {}


def register(entry: Entry) -> Entry:
    """Add a method; a name is taken once."""
    if entry.name in _BUILT_IN:
        raise ValueError(f"method {entry.name} is registered twice")
    _BUILT_IN[entry.name] = entry
    return entry


def registered() -> Mapping[str, Entry]:
    """The methods that are registered so far, by name."""
    return _BUILT_IN
