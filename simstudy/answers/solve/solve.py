"""``simstudy solve``: from a study file and a question to roots."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudy.answers.solve.aim import Aim, Axis
from simstudy.answers.solve.answers import Answer, answers
from simstudy.answers.solve.field import Family, as_level, axis_of, families, tried_in_place
from simstudy.answers.solve.question import Question, question
from simstudy.answers.solve.rounds import Rounds, Sought, widened
from simstudy.answers.solve.tried import FIRST, MOST, Trial
from simstudy.errors import UserError, nearest
from simstudy.report.words import Words, words_of
from simstudy.results import Results, run
from simstudy.runner.backends import opened as opened_backend
from simstudy.store import quarantine
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.code import Imports
from simstudy.study.place import Place
from simstudy.study.study import Study, check, opened
from simstudy.study.yaml_lines import Document

if TYPE_CHECKING:
    from simstudy.report.tables.grid import Grid
    from simstudy.runner.events import Listener

_RATES = ("rejection_rate", "share_not_estimable")  # of methods with a test, and of all


_AIM = (
    "It was sought, by method and by what scenarios have in common besides {field}, from which "
    "{field} on, or up to which, there is a {asked}; near that, scenarios have more replications."
)


@dataclass(frozen=True, slots=True)
class Solved:
    """What was found.

    Attributes
    ----------
    answers : list of Answer
        One a scenario and method.
    results : Results or None
        Of the study of all levels that were tried; None where nothing could be.
    question : Question
    sought : list of Sought
        The searches, with all that is known at every level.
    labels : list of str
        Of the methods.
    alpha : float
    title : str
    words : Words
        What figures call methods, fields and measures.
    """

    answers: list[Answer]
    results: Results | None
    question: Question
    sought: list[Sought]
    labels: list[str]
    alpha: float
    title: str
    words: Words

    def table(self, *, remarks: bool = False) -> Grid:
        """The answers as a table; reasons in notes or in a column."""
        from simstudy.answers.solve.table import table

        return table(self.sought, self.labels, self.question, self.alpha, remarks=remarks)

    def __str__(self) -> str:
        from simstudy.report.tables import as_text

        return as_text(self.table())

    def _repr_html_(self) -> str:
        from simstudy.report.tables import as_html

        return as_html(self.table())


def solve(
    config: str | Path | Mapping[str, Any],
    field: str,
    *,
    power: float | None = None,
    type1_error: float | None = None,
    coverage: float | None = None,
    target: str | None = None,
    method: str | None = None,
    range: str | None = None,
    tolerance: float | None = None,
    results: str | Path = "results",
    jobs: int | None = None,
    fresh: bool = False,
    listen: Listener = lambda event: None,
    warn: Callable[[str], None] = warnings.warn,
) -> Solved:
    """The level of a field from which (or up to which) a measure is at a target.

    Parameters
    ----------
    config : path of a study file, or dict
        The levels that it has of the field are ignored; all others are kept.
    field : str
        A field of a scenario that is a number: n_clusters, cluster_size, icc, slope, x_icc,
        baseline.slope, ...
    power, type1_error, coverage : float, optional
        At least, at most, at least this.
    target : str, optional
        ``"MEASURE>=V"`` or ``"MEASURE<=V"``; exactly one of these four is given.
    method : str, optional
        Label of the one method that is asked about; by default all are.
    range : str, optional
        ``"A:B"``: where it is sought.
    tolerance : float, optional
        Farthest that an end of the interval may be from the root. Default: 1 of a field of whole
        numbers; else 1 % of the root, and at least .005 of what is bounded by 1.
    results : path, or URI
        Parent folder: icc goes to ``results/icc-solve-FIELD``.
    jobs : int, optional
        Worker processes.
    fresh : bool
        Move aside what is there first.
    listen, warn : callable
        As of `simstudy.run`.

    Returns
    -------
    Solved
    """
    asked = question(power, type1_error, coverage, target)
    if tolerance is not None and not 0 < tolerance < float("inf"):
        raise UserError(f"--tolerance {tolerance:g} is not a number above 0")
    document, imports = opened(config)
    axis = axis_of(field, range, document.file)
    study = _checked(document, imports, axis)
    chosen = _methods(study, method)
    for k in chosen:
        when = study.methods[k].when
        if when is not None and field in when.fields:
            Place(document, (), document.data)["methods"][k].refuse(
                f"when: {when.text} is about {field}, which is solved for"
            )
    tested = any(study.methods[k].tested for k in chosen)
    trial = Trial(
        document, imports, f"{study.name}-solve-{field}",
        f"{study.title or study.name}: {field} for {asked.text}",
        _AIM.format(field=field, asked=asked.text),
        [document.data["methods"][k] for k in chosen], _RATES[0 if tested else 1],
    )  # fmt: skip
    sought = [_sought(family, axis, asked, tolerance) for family in families(document, field)]
    labels = [study.methods[k].label for k in chosen]
    place = ResultsFolder(results).below(trial.name)
    with opened_backend() as workers:
        moved = quarantine.move_away(place) if fresh else None
        if moved is not None:
            warn(f"{place}: earlier results are in {moved} now")
        rounds = Rounds(trial, asked, place, jobs, workers, listen, warn)
        rounds.begin(study, [study.methods[k] for k in chosen], sought)
        seen = [k for k in chosen if any(study.methods[k].label in one.found for one in sought)]
        rounds.trial = replace(trial, methods=[document.data["methods"][k] for k in seen])
        tried = rounds.run(sought)
    found = None
    if tried is not None:
        found = run(tried, jobs=jobs, results=results, listen=listen, warn=warn)
    made = answers(sought, labels)
    return Solved(made, found, asked, sought, labels, study.alpha[0], trial.title,
                  words_of(study))  # fmt: skip


def _checked(document: Document, imports: Imports, axis: Axis) -> Study:
    """The study with the ends of the range as levels, refused where it stands in the file."""
    data = document.data
    grids = data.get("scenarios") if isinstance(data, dict) else None
    blocks = grids if isinstance(grids, list) else [grids]
    if not blocks or not all(isinstance(block, dict) and block for block in blocks):
        check(document, imports)
    levels = dict.fromkeys([axis.rounded(axis.low), axis.rounded((axis.low + axis.high) / 2),
                            axis.rounded(axis.high)])  # fmt: skip
    units = {_unit(family, axis) for family in families(document, axis.name)}
    if units != {axis.unit}:
        levels = dict.fromkeys([2 * max(units)])
    shown = [as_level(axis, level) for level in levels]
    tried = tried_in_place(document, axis.name, shown)
    tried.data.pop("claims", None)  # of levels that are ignored here
    return check(tried, imports)


def _unit(family: Family, axis: Axis) -> float:
    """Clusters come in whole groups."""
    groups = family.grid.get("third_level")
    if axis.name == "n_clusters" and isinstance(groups, dict):
        return float(groups.get("clusters", 1))
    return axis.unit


def _sought(family: Family, axis: Axis, asked: Question, tolerance: float | None) -> Sought:
    aim = Aim(axis, asked.asked.name, asked.target, asked.at_least, asked.rate, tolerance, FIRST,
              MOST)  # fmt: skip
    unit = _unit(family, axis)
    return Sought(family, aim if unit == axis.unit else widened(aim, unit))


def _methods(study: Study, label: str | None) -> Sequence[int]:
    """Places of the methods that are asked about."""
    names = [method.label for method in study.methods]
    if label is None:
        return range(len(names))
    if label not in names:
        raise UserError(f"--method {label}: no such method{nearest(label, names)}")
    return [names.index(label)]


def as_json(found: Solved) -> str:
    """The answers as a list."""
    return json.dumps([answer.json for answer in found.answers], indent=1, allow_nan=False) + "\n"
