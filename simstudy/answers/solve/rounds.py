"""Rounds of a search: all scenarios and methods together in one ordinary run after another.

What is tried next is a function of the study, the question and the rows, so a search that was
ended goes on from its rows, and comes to the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

from simstudy.answers.solve import search
from simstudy.answers.solve.aim import Aim, Point
from simstudy.answers.solve.cells import points
from simstudy.answers.solve.field import Family
from simstudy.answers.solve.guess import guess
from simstudy.answers.solve.question import Question
from simstudy.answers.solve.search import Root, Tries, nowhere
from simstudy.answers.solve.tried import Trial
from simstudy.errors import WorkError
from simstudy.estimands import is_null
from simstudy.registry import Method
from simstudy.runner.backends._backend import Backend
from simstudy.runner.events import Listener
from simstudy.runner.execute import execute
from simstudy.runner.plan import gaps_of
from simstudy.runner.policy import FailurePolicy
from simstudy.store import parts, quarantine
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.grid import Design
from simstudy.study.study import Study
from simstudy.summary.expected import told

_MOST_ROUNDS = 200
Warn = Callable[[str], None]


@dataclass
class Sought:
    """The search of all methods in scenarios that differ in the field alone.

    Attributes
    ----------
    family : Family
    aim : Aim
    tried : dict
        Level -> replications.
    found : dict
        Label of a method -> level -> what is known there.
    guesses : dict
        Label of a method -> where theory expects its root.
    roots : dict
        Label of a method -> its root, once it is known.
    example : Design or None
        One of the scenarios.
    """

    family: Family
    aim: Aim
    tried: dict[float, int] = field(default_factory=dict)
    found: dict[str, dict[float, Point]] = field(default_factory=dict)
    guesses: dict[str, float | None] = field(default_factory=dict)
    roots: dict[str, Root] = field(default_factory=dict)
    example: Design | None = None

    def wants(self) -> Tries:
        """What the methods without a root want tried, most of each level."""
        wanted: Tries = {}
        for label, known in self.found.items():
            asked = search.look(self.aim, known, self.guesses[label])
            if isinstance(asked, Root):
                self.roots[label] = asked
                continue
            self.roots.pop(label, None)
            for level, n_reps in asked.items():
                wanted[level] = max(n_reps, wanted.get(level, 0))
        return wanted


@dataclass
class Rounds:
    """A search, and what it runs with.

    Attributes
    ----------
    trial : Trial
    question : Question
    folder : ResultsFolder
    jobs : int or None
    workers : Backend
    listen : Listener
    warn : callable
    """

    trial: Trial
    question: Question
    folder: ResultsFolder
    jobs: int | None
    workers: Backend
    listen: Listener
    warn: Warn

    def begin(self, study: Study, methods: Sequence[Method], sought: list[Sought]) -> None:
        """Ask theory, and leave out what cannot be asked or is not asked for."""
        for one in sought:
            design = cache(partial(self.trial.design, one.family, one.aim.axis))
            one.example = design(one.aim.axis.rounded(one.aim.axis.high))
            for method in methods:
                reason = self._impossible(one, method, design)
                if not study.asks(one.example, method):
                    reason = "not asked for there"
                if reason:
                    one.roots[method.label] = nowhere(reason)
                    continue
                one.found[method.label] = {}
                one.guesses[method.label] = self._guess(study, one, method, design)

    def _impossible(self, one: Sought, method: Method, design: Callable[[float], Design]) -> str:
        """Why a measure is not there at any level."""
        null, axis = self.question.asked.null, one.aim.axis
        if null is None:
            return ""
        ends = (axis.rounded(axis.low), axis.rounded(axis.high))
        nulls = {bool(is_null(truth, method.null_value)) for level in ends
                 if (truth := method.truth(design(level).scenario)) == truth}  # fmt: skip
        if not nulls or null in nulls:
            return ""
        what = f"{method.estimand} is {method.null_value:g}"
        if null:
            return f"the {what} nowhere: what rejects there is power, no Type I error"
        return f"the {what}: what rejects there is a Type I error, no power"

    def _guess(
        self, study: Study, one: Sought, method: Method, design: Callable[[float], Design]
    ) -> float | None:
        if not method.in_theory:
            return None

        def value(level: float) -> float | None:
            answer = told(design(level), method)(self.question.asked.measure, study.alpha[0])
            return None if answer is None else answer.value

        return guess(one.aim, value)

    def run(self, sought: list[Sought]) -> Study | None:
        """Rounds until every root is known, or known not to be; None where nothing was tried."""
        study: Study | None = None
        for _ in range(_MOST_ROUNDS):
            fresh = False
            for one in sought:
                for level, n_reps in one.wants().items():
                    if n_reps > one.tried.get(level, 0):
                        one.tried[level], fresh = n_reps, True
            if not fresh:
                return study
            study = self._round([one for one in sought if one.tried])
        raise WorkError(f"{self.folder}: no answer after {_MOST_ROUNDS} rounds")

    def _round(self, sought: list[Sought]) -> Study:
        """Run what is missing of all levels that were tried, and look at what is new."""
        study, designs = self.trial.study([(o.family, o.aim.axis, o.tried) for o in sought])
        places: dict[str, tuple[Sought, float]] = {}
        for one, of_level in zip(sought, designs, strict=True):
            places |= {design.id: (one, level) for level, design in of_level.items()}
        new = {name for name, (one, level) in places.items() for known in one.found.values()
               if level not in known or known[level].n_reps < one.tried[level]}  # fmt: skip
        for (scenario, label), point in self._points(study, new).items():
            one, level = places[scenario]
            if label in one.found:
                one.found[label][level] = point
        return study

    def _points(self, study: Study, new: set[str]) -> dict[tuple[str, str], Point]:
        for last in (False, False, True):
            try:
                self._complete(study)
                n_here = self.workers.n_here(self.jobs)
                return points(study, self.folder, new, self.question, n_here, self.warn)
            except parts.BrokenPartError:
                if last:
                    raise
                quarantine.set_broken_aside(self.folder, parts.Whose.of(study), self.warn)
        raise AssertionError

    def _complete(self, study: Study) -> None:
        """Compute rows that are missing; none where an earlier search has them all."""
        if not any(gaps_of(study, self.folder.held()).values()):
            self.folder.refuse_seed(self.folder.seed, study.seed)
            return
        policy = FailurePolicy(False, 200)
        execute(study, self.folder, self.jobs, self.listen, self.warn, policy, self.workers)
        if policy.n_left_out:
            raise WorkError("; ".join(policy.given_up()))


def spent(one: Sought) -> int:
    """Replications of each method, over all levels that were tried."""
    return sum(one.tried.values())


def at(one: Sought, label: str, level: float) -> Point:
    """What is known of a method at a level; nothing where it was not tried."""
    none = Point(0, 0, math.nan, math.nan)
    return one.found.get(label, {}).get(level, none)


def widened(aim: Aim, unit: float) -> Aim:
    """The same along levels that are multiples of more than one."""
    axis = replace(aim.axis, unit=unit, low=max(aim.axis.low, 2 * unit))
    return replace(aim, axis=axis)
