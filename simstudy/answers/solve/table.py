"""Answers as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence

from simstudy.answers.solve.aim import Point
from simstudy.answers.solve.answers import Answer, answers, neighbors, varying
from simstudy.answers.solve.question import Question
from simstudy.answers.solve.rounds import Sought
from simstudy.measures.catalog import record_of
from simstudy.report.pivot import level_text, number
from simstudy.report.tables.grid import Grid
from simstudy.report.tables.shown import Shown, plain_label

NAME = "solve"
_MARKS = "abcdefghijklmnopqrstuvwxyz"


def table(
    sought: Sequence[Sought], labels: Sequence[str], question: Question, alpha: float,
    *, remarks: bool = False,
) -> Grid:  # fmt: skip
    """A row a scenario and method: root, interval, the measure there and beside, replications.

    Parameters
    ----------
    remarks : bool
        Write reasons into a column instead of notes.
    """
    rows = [(one, answer) for one in sought for answer in answers([one], list(labels))]
    factors, fixed = varying([answer.scenario for _, answer in rows])
    field = sought[0].aim.axis.name
    reasons = list(dict.fromkeys(answer.reason for _, answer in rows if answer.reason))
    marks = {} if remarks else {reason: _mark(k) for k, reason in enumerate(reasons)}
    cells = []
    for one, answer in rows:
        row = [*_root(answer, marks), *_values(one, answer), Shown(f"{answer.replications:,}")]
        cells.append([*row, Shown(answer.reason or "")] if remarks else row)
    measure = question.asked.name
    heads = [field, "95 % interval", f"{measure} before", f"{measure} there", f"{measure} after",
             "replications"]  # fmt: skip
    said = ", ".join(f"{name} {plain_label(level_text(level))}" for name, level in fixed.items())
    general = ["value (Monte Carlo SE); before and after: the levels tried next to the root",
               f"all scenarios: {said}" if said else ""]  # fmt: skip
    return Grid(
        NAME, _title(question, field, alpha), [*factors, "method"],
        heads + (["remark"] if remarks else []),
        [[*(plain_label(level_text(a.scenario.get(f, ""))) for f in factors), plain_label(a.method)]
         for _, a in rows],
        cells,
        {mark: reason for reason, mark in marks.items()} | {"": "\n".join(filter(None, general))},
    )  # fmt: skip


def _title(question: Question, field: str, alpha: float) -> str:
    level = f" at alpha {alpha:g}" if record_of(question.asked.measure).per_alpha else ""
    return f"{field} for {question.text}{level}"


def _mark(k: int) -> str:
    return _MARKS[k] if k < len(_MARKS) else f"{_MARKS[k // len(_MARKS) - 1]}{k % len(_MARKS)}"


def _root(answer: Answer, marks: dict[str, str]) -> list[Shown]:
    mark = f" {marks[answer.reason]}" if answer.reason in marks else ""
    if answer.root is None:
        return [Shown(f"none{mark}"), Shown("")]
    low, high = (f"{x:.10g}" for x in (answer.ci_low, answer.ci_high) if x is not None)
    return [Shown(f"{answer.root:.10g}{mark}"), Shown(f"{low} to {high}")]


def _values(one: Sought, answer: Answer) -> list[Shown]:
    near = neighbors(one, answer.method) or [(math.nan, Point(0, 0, math.nan, math.nan))] * 3
    return [_shown(point, one.aim.rate) for _, point in near]


def _shown(point: Point, proportion: bool) -> Shown:
    if math.isnan(point.value):
        return Shown("-" if point.n_reps else "")
    places = 3
    if point.mcse > 0:
        places = max(2, min(8, 1 - math.floor(math.log10(point.mcse))))
    value, mcse = (number(x, places, leading_zero=not proportion)
                   for x in (point.value, point.mcse))  # fmt: skip
    return Shown(value, mcse)
