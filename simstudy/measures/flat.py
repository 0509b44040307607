"""Totals as plain tables of numbers, and back from tables that may hold anything."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from simstudy.measures import pairs, powers, totals
from simstudy.measures.block import COLUMNS, Block
from simstudy.measures.pairs import Pairs
from simstudy.measures.powers import Powers
from simstudy.measures.totals import T, Totals
from simstudy.moments import Array, Bools, Ints

# powers of estimates of this package's methods are numbers; an interval may be too wide to have any
_BY_LEVEL = {"tests", "width", "rejected", "covered",
             "rejects", "rejects_not", "covers", "covers_not"}  # fmt: skip
_FINITE = {"of_error", "of_estimate", "with_se", "of_se", "errors"}


def nothing(n_cells: int, alphas: tuple[float, ...]) -> tuple[Totals, Pairs]:
    """Totals and pairs of no replications."""
    none = {name: np.empty((n_cells, 0)) for name in COLUMNS}
    block = Block(none | {"status": np.empty((n_cells, 0), np.int8)}, 0.0)
    cells = np.arange(n_cells)
    return totals.of_ready(block, alphas), pairs.of_block(block, cells, cells, alphas)


def flat(found: Totals | Pairs) -> dict[str, Array]:
    """Field -> its numbers, shape (K, numbers of a row)."""
    return {field.name: np.concatenate(_columns(getattr(found, field.name)), axis=1)
            for field in fields(found)}  # fmt: skip


def unflat(tables: dict[str, Array], like: T) -> T:
    """What `flat` made; `like` has its form. `ValueError` where the tables have another."""
    out: dict[str, Any] = {}
    for field in fields(like):  # type: ignore[arg-type]
        model, table = getattr(like, field.name), tables[field.name]
        widths = [column.shape[1] for column in _columns(model)]
        if table.shape[1] != sum(widths):
            raise ValueError(f"{field.name} has {table.shape[1]} numbers, not {sum(widths)}")
        split = np.split(table, np.cumsum(widths)[:-1], axis=1)
        out[field.name] = _like(model, split)
    return type(like)(**out)


def at_levels(found: T, places: Ints) -> T:
    """The same at some of its levels, by their places among them."""
    out: dict[str, Any] = {}
    for field in fields(found):  # type: ignore[arg-type]
        value = getattr(found, field.name)
        if field.name in _BY_LEVEL and isinstance(value, Powers):
            out[field.name] = powers.each(lambda array: array[:, places], [value])
        else:
            out[field.name] = value[:, places] if field.name in _BY_LEVEL else value
    return type(found)(**out)


def wrong(found: Totals | Pairs, n_reps: Ints) -> str | None:
    """What cannot be true of totals of so many replications; None where nothing is."""
    for field in fields(found):
        value = getattr(found, field.name)
        if isinstance(value, Powers):
            zero = (0,) * len(value.means)
            counts, numbers = value.about[zero], [*value.means, *value.about.values()]
            if field.name in _FINITE and not all(np.isfinite(x).all() for x in numbers):
                return f"{field.name} holds what is no number"
            squares = [x for order, x in value.about.items() if not any(p % 2 for p in order)]
            if any((x < 0).any() for x in squares):
                return f"{field.name} holds a negative sum of squares"
        else:
            counts = value
        if not _are_counts(counts, n_reps):
            return f"{field.name} holds no numbers of replications"
    if isinstance(found, Totals) and (found.n_all != n_reps).any():
        return "by_status does not add up to the replications"
    return None


def _are_counts(counts: Array, n_reps: Ints) -> bool:
    most = n_reps.reshape(-1, *[1] * (counts.ndim - 1))
    whole: Bools = (counts >= 0) & (counts <= most) & (counts == np.floor(counts))
    return bool(whole.all())


def _columns(value: Any) -> list[Array]:
    """Arrays of a field side by side, each of shape (K, n)."""
    arrays = [*value.means, *value.about.values()] if isinstance(value, Powers) else [value]
    return [array[:, None] if array.ndim == 1 else array for array in arrays]


def _like(model: Any, split: list[Array]) -> Any:
    """Columns as the field that a model is."""
    if not isinstance(model, Powers):
        return split[0][:, 0] if model.ndim == 1 else split[0]
    arrays = [column[:, 0] if model.means[0].ndim == 1 else column for column in split]
    n_means = len(model.means)
    about = dict(zip(model.about, arrays[n_means:], strict=True))
    return Powers(tuple(arrays[:n_means]), about)
