"""Two summaries beside each other: rows that are of the same scenario, method and measure.

Studies of one seed draw the same data in the same scenario, so that their numbers share
replications: they are no two estimates, and no z is made of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from simstudy.measures.catalog import record_of
from simstudy.report.nearness import of_proportions, z_of
from simstudy.study.fields import is_default
from simstudy.study.grid import anywhere

if TYPE_CHECKING:
    import pyarrow as pa

_BESIDE = ("scenario", "n_obs", "design_effect")
_ABOUT = ("method_name", "measure", "alpha", "estimand", "null_value")
_SAME = 1e-9  # of a number or of its error: what rounding may make of it
Row = dict[str, Any]
Key = tuple[Any, ...]


class Both(NamedTuple):
    """A row of the first summary beside its row of the second.

    Attributes
    ----------
    first, second : dict
    levels : dict
        Of the scenario, as the first summary has them.
    shared : bool
        Whether they share replications.
    z : float
        (second - first) over the root of the variance of that; NaN where they share replications,
        where one of them has no number or no Monte Carlo error, and where both are sure and equal.
    """

    first: Row
    second: Row
    levels: Row
    shared: bool
    z: float

    @property
    def difference(self) -> float:
        """Second minus first; NaN where one has no number."""
        return _number(self.second["value"]) - _number(self.first["value"])

    @property
    def apart(self) -> float:
        """That over the first's Monte Carlo error, or the second's where it has none."""
        error = self.first["mcse"] or self.second["mcse"]
        return self.difference / error if error else math.copysign(math.inf, self.difference)

    @property
    def same(self) -> bool:
        """Whether both have the same number, but for rounding, or both have none."""
        if self.first["value"] is None or self.second["value"] is None:
            return self.first["value"] is None and self.second["value"] is None
        size = max(abs(self.first["value"]), self.first["mcse"] or 0.0)
        return abs(self.difference) <= _SAME * size

    @property
    def missing(self) -> str | None:
        """Why there is no z."""
        if not math.isnan(self.z):
            return None
        if self.shared:
            return "of the same replications"
        there = [row["value"] is not None for row in (self.first, self.second)]
        if all(there):
            return "the same and without Monte Carlo error" if self.same else "no Monte Carlo error"
        return "no number in " + ("the first" if there[1] else "the second" if there[0] else "both")


class Matched(NamedTuple):
    """What two summaries have in common.

    Attributes
    ----------
    pairs : list of Both
        In the order of the first.
    only : (int, int)
        Rows that the first has and the second lacks, and the other way round.
    n_redrawn : int
        Scenarios of the same levels that are not the same: files that they are drawn from differ.
    """

    pairs: list[Both]
    only: tuple[int, int]
    n_redrawn: int


def matched(first: pa.Table, second: pa.Table, same_seed: bool) -> Matched:
    """Find the rows of two summaries that are about the same.

    Scenarios are the same by their ids, or else by their levels, numbers as numbers and what is at
    a default left out; methods are by their canonical names.
    """
    rows, others = first.to_pylist(), second.to_pylist()
    scenarios = _scenarios(rows, first.column_names)
    same = _same_scenarios(scenarios, _scenarios(others, second.column_names))
    by_key: dict[Key, Row] = {_key(row, same[row["scenario"]]): row
                              for row in others if row["scenario"] in same}  # fmt: skip
    pairs = [
        _both(row, by_key[key], scenarios[row["scenario"]], same_seed)
        for row in rows if (key := _key(row, row["scenario"])) in by_key
    ]  # fmt: skip
    only = len(rows) - len(pairs), len(others) - len(pairs)
    return Matched(pairs, only, sum(name != to for name, to in same.items()))


def _scenarios(rows: list[Row], names: list[str]) -> dict[str, Row]:
    """Levels of every scenario that are no defaults."""
    fields = [name for name in names[: names.index("method")] if name not in _BESIDE]
    first_of_each = {row["scenario"]: row for row in reversed(rows)}
    return {
        scenario: anywhere({field: row[field] for field in fields
                            if row[field] is not None and not is_default(field, row[field])})
        for scenario, row in first_of_each.items()
    }  # fmt: skip


def _same_scenarios(first: dict[str, Row], second: dict[str, Row]) -> dict[str, str]:
    """A scenario of the second -> that of the first; what two have in common tells no scenario."""
    keys = [{name: frozenset(levels.items()) for name, levels in of.items()}
            for of in (first, second)]  # fmt: skip
    n_first, n_second = (Counter(of.values()) for of in keys)
    by_levels = {key: name for name, key in keys[0].items() if n_first[key] == 1}
    found = {}
    for name, key in keys[1].items():
        if name in first:
            found[name] = name
        elif n_second[key] == 1 and key in by_levels and by_levels[key] not in second:
            found[name] = by_levels[key]
    return found


def _key(row: Row, scenario: str) -> Key:
    return (scenario, *(row[name] for name in _ABOUT))


def _both(first: Row, second: Row, levels: Row, same_seed: bool) -> Both:
    shared = same_seed and first["scenario"] == second["scenario"]
    z = math.nan if shared else _z(first, second)
    return Both(first, second, levels, shared, z)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _z(first: Row, second: Row) -> float:
    """Of two numbers of replications that have nothing to do with each other."""
    one, other = _number(first["value"]), _number(second["value"])
    n, m = first["n_used"], second["n_used"]
    variance = _number(first["mcse"]) ** 2 + _number(second["mcse"]) ** 2
    if record_of(first["measure"]).proportion and n and m:
        variance = of_proportions(one, n, other, m)
    without = variance == 0 and one == other  # such as that no fit failed
    return math.nan if without else z_of(other - one, variance)


def as_rows(pairs: list[Both]) -> Iterator[Row]:
    """The same for other programs: a row a pair, with None for what is not there."""
    names = dict.fromkeys(name for pair in pairs for name in pair.levels)
    for pair in pairs:
        row = {"scenario": pair.first["scenario"]} | {name: pair.levels.get(name) for name in names}
        row |= {"method": pair.first["method"]} | {name: pair.first[name] for name in _ABOUT}
        for which, of in (("first", pair.first), ("second", pair.second)):
            row |= {
                which: of["value"],
                f"{which}_mcse": of["mcse"],
                f"{which}_n_used": of["n_used"],
            }
        row |= {"difference": _finite(pair.difference), "z": _finite(pair.z)}
        yield row | {"shared": pair.shared}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
