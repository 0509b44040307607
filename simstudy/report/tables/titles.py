"""Headings of tables."""

from __future__ import annotations

import math

from simstudy.measures.catalog import record_of
from simstudy.report.pivot import Wide, cells_of


def title(table: Wide, *, brief: bool = False) -> str:
    """Heading of a table: measure, what kind of rejection, level."""
    name = record_of(table.measure).title
    if math.isnan(table.alpha):
        return name
    if table.measure == "rejection_rate" and not brief:
        name += _kind({cell.aim.null for cell in cells_of(table)}, table.null)
    if table.measure == "coverage" and not brief:
        name += f" (nominal {1 - table.alpha:g})"
    return f"{name} at alpha {table.alpha:g}"


def _kind(nulls: set[bool | None], null: str) -> str:
    if nulls == {True}:
        return " (Type I error)"
    if nulls == {False}:
        return " (power)"
    return f" (Type I error where {null}, else power)" if nulls == {True, False} else ""
