"""Room 4: from stored parts to the summary table. Imports store, study and measures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from simstudy.generators.streams import BLOCK
from simstudy.measures.measures import Row, finish
from simstudy.measures.totals import COLUMNS, Totals, merge, of_block
from simstudy.moments import Array
from simstudy.registry import Method
from simstudy.store import arrow, parts
from simstudy.store.names import PartName, method_key
from simstudy.study.fields import DEFAULTS
from simstudy.study.grid import Design
from simstudy.study.study import Study

_COLUMN: dict[str, Any] = {
    "measure": arrow.texts,
    "n_used": arrow.integers,
    "n_not_used": arrow.integers,
}


def summarise(study: Study, folder: Path, mcse: str = "robust") -> pa.Table:
    """Every measure of every method in every scenario, from the rows that are stored.

    Parameters
    ----------
    study : Study
    folder : Path
        The study's own results folder.
    mcse : {"robust", "normal"}

    Returns
    -------
    pyarrow.Table
        scenario, its factors, n_obs, design_effect, method (its label), measure, alpha,
        value, mcse, ci_low, ci_high, n_used, n_not_used; null where there is no number.
    """
    by_key: dict[tuple[str, str], list[PartName]] = defaultdict(list)
    for part in parts.listing(folder):
        for scenario in part.scenarios:
            by_key[scenario, part.method].append(part)
    found: dict[tuple[str, str], list[Row]] = {}
    keys = {design.id: design.key for design in study.designs}
    for method in study.methods:
        reader = parts.Reader(folder, COLUMNS, keys)
        for design in study.designs:
            mine = by_key[design.id, method_key(method.canonical)]
            pieces = reader.rows(mine, design.id, study.replications)
            totals = merge(_totals(pieces, design.scenario.slope, study.alpha))
            rows = list(finish(totals, study.alpha, design.scenario.slope, mcse))
            found[design.id, method.canonical] = rows
    return _table(study, found)


def _totals(
    pieces: Iterator[dict[str, Array]], truth: float, alphas: tuple[float, ...]
) -> Iterator[Totals]:
    """Totals block by block, however the blocks were cut into parts."""
    rest: dict[str, Array] = {}
    any_block = False
    for piece in pieces:
        rows = {k: np.concatenate([rest[k], v]) for k, v in piece.items()} if rest else piece
        n_rows = rows["status"].size
        for first in range(0, n_rows - BLOCK + 1, BLOCK):
            any_block = True
            yield of_block({k: v[first : first + BLOCK] for k, v in rows.items()}, truth, alphas)
        rest = {k: v[n_rows - n_rows % BLOCK :] for k, v in rows.items()}
    if not rest:
        rest = {k: np.empty(0, dtype=np.int8 if k == "status" else float) for k in COLUMNS}
    if rest["status"].size or not any_block:
        yield of_block(rest, truth, alphas)


def scenario_table(study: Study) -> pa.Table:
    """scenario, one column a factor, n_obs, design_effect."""
    columns = {"scenario": arrow.texts([design.id for design in study.designs])}
    for factor in factors(study):
        columns[factor] = _level_column([_level(design, factor) for design in study.designs])
    columns["n_obs"] = _level_column([_whole(design.n_obs) for design in study.designs])
    columns["design_effect"] = arrow.doubles([design.design_effect for design in study.designs])
    return pa.table(columns)


def factors(study: Study) -> list[str]:
    """Fields in the order of the contract; optional ones where some scenario leaves the default."""
    names: dict[str, None] = {}
    for design in study.designs:
        names.update(
            (name, None)
            for name, level in design.levels.items()
            if name not in DEFAULTS or level != DEFAULTS[name]
        )
    return list(names)


def _level(design: Design, factor: str) -> Any:
    return design.levels.get(factor, DEFAULTS.get(factor))


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _level_column(values: list[Any]) -> pa.Array:
    """Whole numbers, numbers, or text where some level is not a number."""
    if any(isinstance(value, str) for value in values):
        return arrow.texts([None if value is None else str(value) for value in values])
    if all(isinstance(value, int) for value in values):
        return arrow.integers(values)
    return arrow.doubles(values)


def _table(study: Study, found: dict[tuple[str, str], list[Row]]) -> pa.Table:
    order: list[tuple[int, Design, Method]] = [
        (i, design, method) for i, design in enumerate(study.designs) for method in study.methods
    ]
    rows = [(i, m, row) for i, d, m in order for row in found[d.id, m.canonical]]
    scenarios = scenario_table(study).take(arrow.integers([i for i, _, _ in rows]))
    columns = {name: scenarios.column(name) for name in scenarios.column_names}
    columns["method"] = arrow.texts([method.label for _, method, _ in rows])
    for position, name in enumerate(Row._fields):
        values = [row[position] for _, _, row in rows]
        columns[name] = _COLUMN.get(name, arrow.doubles)(values)
    return pa.table(columns)
