"""``report: tables:`` of a study file: which tables are written, and what is down and across."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simstudy.errors import UserError, nearest
from simstudy.forms import shown
from simstudy.measures.catalog import MEASURES
from simstudy.measures.names import Asked, asked
from simstudy.registry import Method
from simstudy.study import vocabulary
from simstudy.study.grid import Design, conditions
from simstudy.study.place import Place, refuse_equal
from simstudy.where import Where, known, parse

KEYS = ("measures", "rows", "columns", "where", "interval")
BESIDE = ("method", "measure")  # what may be down or across beside factors
_WORDS = {"measure": "measures", "row": "rows", "down": "rows", "column": "columns",
          "across": "columns", "filter": "where", "when": "where", "scenario": "where",
          "intervals": "interval", "ci": "interval"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tables:
    """What is asked of the tables of a report.

    Attributes
    ----------
    measures : tuple of Asked
        None: those that are usual.
    rows, columns : tuple of str
        What is down and across; what is in neither stands where it usually does.
    where : str, optional
        Only rows that meet this condition.
    interval : bool
        Whether the Monte Carlo interval stands beside a value, not the Monte Carlo SE.
    """

    measures: tuple[Asked, ...] = ()
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    where: str | None = None
    interval: bool = False

    @property
    def written(self) -> dict[str, Any]:
        """The same as a study file has it; empty where all is as usual."""
        whole = ([one.name for one in self.measures], list(self.rows), list(self.columns),
                 self.where, self.interval)  # fmt: skip
        return {key: value for key, value in zip(KEYS, whole, strict=True) if value}


USUAL = Tables()


def tables_of(
    given: Place, designs: Sequence[Design], methods: Sequence[Method], own_measures: Sequence[str]
) -> Tables:
    """What is asked of the tables, or `UserError` where it is said."""
    if given.value is None:
        return USUAL
    given.expect(dict, "a mapping such as {measures: [bias], columns: [icc]}")
    given.allow(KEYS, _WORDS)
    rows, columns = (
        _listed(given.get(key, []), conditions(designs)) for key in ("rows", "columns")
    )
    if both := [name for name in rows if name in columns]:
        given.refuse(f"{both[0]} cannot be both in rows and in columns", "columns")
    interval = given.get("interval", False)
    return Tables(
        tuple(_measures(given.get("measures", []), (*MEASURES, *own_measures))),
        rows, columns, _where(given.get("where"), designs, methods),
        interval.expect(bool, "true or false"),
    )  # fmt: skip


def _measures(given: Place, known_here: Sequence[str]) -> list[Asked]:
    given.expect(list, "a list")
    refuse_equal(given.items())
    measures = []
    for place in given.items():
        try:
            measures.append(asked(place.expect(str, "a measure"), known_here))
        except UserError as error:
            place.refuse(str(error))
    return measures


def _listed(given: Place, factors: Sequence[str]) -> tuple[str, ...]:
    given.expect(list, "a list of factors, method or measure")
    refuse_equal(given.items())
    for place in given.items():
        if place.value not in (*factors, *BESIDE):
            hint = nearest(place.value, (*factors, *BESIDE), vocabulary.SCENARIO)
            place.refuse(f"no factor {shown(place.value)}{hint}")
    return tuple(given.value)


def _where(given: Place, designs: Sequence[Design], methods: Sequence[Method]) -> str | None:
    """A condition that some method in some scenario meets."""
    if given.value is None:
        return None
    try:
        where = parse(given.value)
        levels = {field: [design.level(field) for design in designs if field in where.fields]
                  for field in conditions(designs)}  # fmt: skip
        levels["method"] = [method.label for method in methods]
        where.check(levels, vocabulary.SCENARIO)
    except UserError as error:
        given.refuse(str(error))
    if not any(holds(where, design, method) for design in designs for method in methods):
        has = "; ".join(f"{field} {known(levels[field])}" for field in where.fields)
        given.refuse(f"{where.text}: nothing is like that ({has})")
    return where.text


def holds(where: Where, design: Design, method: Method) -> bool:
    """Whether a method in a scenario is meant."""
    levels: Mapping[str, Any] = {
        field: method.label if field == "method" else design.level(field) for field in where.fields
    }
    return where.holds(levels)
