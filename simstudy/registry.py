"""Methods as a study asks for them: with their options settled, an estimand and a null value.

A configured method is plain data that travels to a worker and is looked up there: a `Method` by
its name, an `OwnMethod` by its file and function.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from simstudy import words
from simstudy.custom.load import entry_of
from simstudy.entries import (
    GRAINS,
    SETTINGS,
    X_ALONE,
    Chosen,
    CodeSource,
    Entry,
    OptionError,
    Predictors,
    Words,
    registered,
    spelled,
)
from simstudy.errors import UserError, nearest
from simstudy.estimands import DEFAULT, ESTIMANDS, INTERCEPT, OTHER_NAMES, Estimand, estimand
from simstudy.estimates import Estimates
from simstudy.methods._asked import fit_asked  # and all methods register themselves
from simstudy.methods._occupied import fit_occupied
from simstudy.numerics.columns import with_last
from simstudy.numerics.merge import merged
from simstudy.where import Where, parse

CLUSTERS, GROUPS = 2, 3  # levels at which the clusters of an analysis may be


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
    timeout : float, optional
        Seconds that a call of a user's function may take.
    omit : tuple of str
        Covariates that are not in its model.
    level : {2, 3}
        What it takes for clusters: the clusters, or the groups that they form.
    """

    name: str
    options: tuple[tuple[str, Any], ...]
    canonical: str
    label: str
    estimand: str = DEFAULT
    null_value: float = 0.0
    when: Where | None = field(default=None, compare=False)
    timeout: float | None = field(default=None, compare=False)
    omit: tuple[str, ...] = ()
    level: int = CLUSTERS
    may_diverge: ClassVar[bool] = False  # else the tails of its estimates are the design's
    has_packages: ClassVar[bool] = False  # besides ours, whose versions may move its last digits

    @property
    def entry(self) -> Entry:
        """The method behind the name."""
        return registered()[self.name]

    def truth(self, scenario: Any) -> float:
        """True value of what is estimated in a scenario."""
        return self.target.value(scenario)

    @property
    def target(self) -> Estimand:
        """What is estimated."""
        return estimand(self.estimand)

    def covariates_of(self, scenario: Any) -> tuple[str, ...]:
        """Covariates of a scenario that are in its model."""
        return tuple(one.name for one in scenario.covariates if one.name not in self.omit)

    def refuse_covariates(self, names: Collection[str]) -> str | None:
        """Why these cannot be in its model, if they cannot."""
        chosen = dict(self.options)
        if not names or self.entry.covariates(chosen):
            return None
        differing = [text.replace("=", ": ") for text in self.entry.settle(chosen)[1]]
        options = ", ".join([*differing, f"omit: [{', '.join(names)}]"])
        return f"{self.canonical} takes no covariates; write '{self.name}: {{{options}}}'"

    def null_of(self, term: str) -> float:
        """What the test of a term is about: the null value where it is the estimand's, else 0."""
        return self.null_value if term == self.target.term else 0.0

    @property
    def tested(self) -> bool:
        """Whether there is a test: not of a variance."""
        return self.target.of_variances is None

    @property
    def in_theory(self) -> bool:
        """Whether theory may have answers: it knows slopes of predictors about 0."""
        slope = self.estimand == DEFAULT or self.estimand not in ESTIMANDS
        return slope and not self.null_value

    @property
    def extras(self) -> tuple[str, ...]:
        """Names of further values of every fit, as far as they are known before it."""
        return self.entry.extras

    def account(self, predictors: Predictors = X_ALONE) -> str:
        """What it does, for a methods section; see `Entry.account`."""
        return self.entry.account(dict(self.options), predictors)

    @property
    def unlabeled(self) -> str:
        """Its label where the study file gives none."""
        return self.canonical

    @property
    def words(self) -> str:
        """What figures and tables call it, where the study file gives no label."""
        usual = self.entry.estimands(dict(self.options))[0]
        parts = [
            self.entry.worded(dict(self.options)),
            "" if self.estimand == usual else self.target.plain,
            f"without {', '.join(self.omit)}" if self.omit else "",
            "" if self.level == CLUSTERS else "clustered by groups",
            f"null value {self.null_value:g}" if self.null_value else "",
        ]
        return ", ".join(filter(None, parts))

    @property
    def references(self) -> tuple[str, ...]:
        """Keys of the works behind it; see `Entry.references`."""
        return self.entry.references(dict(self.options))

    @property
    def grain(self) -> str:
        """The coarsest grain that suffices for these options and this estimand."""
        entry = self.entry
        suffices = entry.grain if isinstance(entry.grain, str) else entry.grain(dict(self.options))
        means = self.estimand == INTERCEPT and INTERCEPT in entry.terms
        if means or self.level == GROUPS:  # pooled moments have no means, and no clusters to merge
            return max(suffices, "clusters", key=GRAINS.index)
        return suffices

    def fit(self, moments: Any, term: str | None = None, words: Words | None = None) -> Estimates:
        """Fit every replication of `moments`, for the estimand or for a term; see `Entry.fit`."""
        null, options = self.null_of(term or self.target.term), dict(self.options)
        x = moments.names[-2] if self.estimand in ESTIMANDS else self.estimand
        if self.level == GROUPS:
            moments = merged(moments, moments.clusters_per_group)

        def fit(moments: Any, words: Words | None) -> Estimates:
            moments = with_last(moments, x, self.omit)
            return fit_asked(self.entry, options, self.target, null, moments, term, words)

        with np.errstate(all="ignore"):  # what is degenerate has an outcome that says so
            return fit_occupied(fit, moments, words)

    def caution(self, n_clusters: int) -> str | None:
        """Why so few clusters are too few for it, if they are; see `Entry.caution`."""
        return self.entry.caution(dict(self.options), n_clusters)

    def describe(self, moments: Any) -> dict[str, float | None]:
        """Fit statistics of one data set; see `Entry.describe`."""
        assert self.entry.describe is not None
        with np.errstate(all="ignore"):
            return self.entry.describe(moments, **dict(self.options))

    def written(self, folder: Path | None) -> dict[str, Any]:
        """The item of `methods:` that is read as this very method in a study file of a folder."""
        usual = self.entry.estimands(dict(self.options))[0]
        more = {} if self.estimand == usual else {"estimand": self.estimand}
        return {self.name: dict(self.options) | more | self._settings() | {"label": self.label}}

    def _settings(self) -> dict[str, Any]:
        """What is said of it beside its options and is no default."""
        settings = {
            "null_value": self.null_value or None,
            "timeout": self.timeout,
            "when": self.when and self.when.text,
            "level": None if self.level == CLUSTERS else self.level,
            "omit": list(self.omit) or None,
        }
        return {key: value for key, value in settings.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMethod(Method):
    """A user's function as a method; here stands what can be said of it before it is loaded.

    Attributes
    ----------
    source : CodeSource
    """

    source: CodeSource
    may_diverge: ClassVar[bool] = True
    has_packages: ClassVar[bool] = True

    @property
    def entry(self) -> Entry:
        """The method that the function is, or `UserError` where its file is not as it was."""
        return entry_of(self.source)

    @property
    def tested(self) -> bool:
        """Of a variance, too, it may give a test."""
        return True

    @property
    def extras(self) -> tuple[str, ...]:
        """Nobody knows before its file is loaded."""
        return ()

    @property
    def in_theory(self) -> bool:
        """Not where it has the name of one of ours."""
        return False

    @property
    def _settings_named(self) -> str:
        """Options and null value as its name holds them, after the digest of its file."""
        return self.canonical.partition(f"digest={self.source.digest}")[2].strip(",]")

    @property
    def unlabeled(self) -> str:
        """The function and its options."""
        options = self._settings_named
        return self.name + (f"[{options}]" if options else "")

    @property
    def words(self) -> str:
        """The same in words; its file is not looked at."""
        told = self._settings_named.replace("_", " ").replace("=", " ").replace(",", ", ")
        return ", ".join(filter(None, (spelled(self.name), told)))

    def refuse_covariates(self, names: Collection[str]) -> None:
        """It takes what it takes."""

    def null_of(self, term: str) -> float:
        """Its one term is its estimand, whatever that is."""
        return self.null_value

    def fit(self, moments: Any, term: str | None = None, words: Words | None = None) -> Estimates:
        """Fit units or moments; options go in one piece, since any name is free for them."""

        def fit(moments: Any, words: Words | None) -> Estimates:
            options = dict(self.options)
            return self.entry.fit(moments, options, words, self.null_value, self.timeout)

        return fit_occupied(fit, moments, words)

    def written(self, folder: Path | None) -> dict[str, Any]:
        """The item of `methods:` with its `use:`; `truth` is what every version reads."""
        head = self.source.written(folder) | {"truth": self.estimand} | self._settings()
        return head | dict(self.options) | {"label": self.label}


def methods() -> Mapping[str, Entry]:
    """All methods of this package by name."""
    return registered()


def configure(
    name: str, options: Mapping[str, Any] | None = None, covariates: Collection[str] = ()
) -> Method:
    """Settle a method's options, or raise `UserError` naming what is wrong.

    Parameters
    ----------
    name : str
        As in the study file.
    options : mapping, optional
        Option values and, optionally, `estimand`, `null_value`, `when`, `label`, `level` and
        `omit`.
    covariates : collection of str, optional
        Predictors beside x: one may be left out, or its slope be the estimand.
    """
    known = registered()
    if name not in known:
        raise UserError(f"unknown method '{name}'{words.for_method(name, known)}")
    entry = known[name]
    given = dict(options or {})
    label, aim, null, when, level, omit = (given.pop(key, None) for key in SETTINGS)
    if label is not None and (not isinstance(label, str) or not label.strip()):
        raise OptionError("label", f"expected text, got {label!r}")
    names = [option.name for option in entry.options]
    for key, value in given.items():
        if key not in names:
            hint = words.for_option(entry, str(key), value, SETTINGS)
            raise OptionError(str(key), f"{name} has no option '{key}'{hint}")
    chosen, differing = entry.settle(given)
    if reason := entry.refuse(chosen):
        raise OptionError("df", reason)
    wanted, null_value = _estimand(entry, chosen, aim, covariates), settle_null(null)
    clusters = _level(level)
    omitted = _omitted(omit, wanted, covariates)
    if null_value and estimand(wanted).of_variances is not None:
        raise OptionError("null_value", f"{name} has no test of {wanted}")
    differing += [f"level={clusters}"] if clusters != CLUSTERS else []
    if wanted != entry.estimands(chosen)[0]:
        differing.append(f"estimand={wanted}")
    differing += [f"omit={'+'.join(omitted)}"] if omitted else []
    differing += named_null(null_value)
    canonical = name + (f"[{','.join(differing)}]" if differing else "")
    return Method(
        name, tuple(chosen.items()), canonical, label or canonical,
        estimand=wanted, null_value=null_value, when=settle_when(when), omit=omitted,
        level=clusters,
    )  # fmt: skip


def _level(given: Any) -> int:
    """At which level the clusters of the analysis are."""
    if given is None:
        return CLUSTERS
    if given in (CLUSTERS, GROUPS) and not isinstance(given, bool):
        return int(given)
    raise OptionError("level", f"expected {CLUSTERS} (clusters) or {GROUPS} (groups of clusters), "
                               f"got {given!r:.40}")  # fmt: skip


def _omitted(given: Any, wanted: str, covariates: Collection[str]) -> tuple[str, ...]:
    """Covariates that are left out, in alphabetical order."""
    names = [] if given is None else [given] if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or len(set(map(str, names))) < len(names):
        raise OptionError("omit", f"expected a list of covariates, each once, got {given!r:.40}")
    for name in names:
        if name not in covariates:
            hint = nearest(name, covariates) if covariates else "; there are none"
            raise OptionError("omit", f"{name!r:.40} is no covariate{hint}")
        if name == wanted:
            raise OptionError("omit", f"{name} is what is estimated")
    return tuple(sorted(names))


def _estimand(entry: Entry, chosen: Chosen, given: Any, covariates: Collection[str]) -> str:
    """What a built-in method is to estimate: the usual one, or one that it has."""
    estimands = entry.estimands_of(chosen)
    if given is None:
        return estimands[0]
    if given in estimands or (given in covariates and DEFAULT in estimands):
        return str(given)
    if given not in ESTIMANDS and given not in covariates:
        hint = nearest(given, [*entry.possible(), *covariates], OTHER_NAMES)
        raise OptionError("estimand", f"{given!r:.40} is no estimand{hint}")
    message = f"{entry.name} has no estimate of {given}, only of {', '.join(estimands)}"
    if with_it := entry.possible().get(given):
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
