"""Which column is what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from simstudy.errors import UserError, nearest
from simstudy.readers.table import Table

Names = str | Sequence[str] | None
ESTIMATE, STD_ERROR = "estimate", "std_error"
NUMBERS = ("estimate", "std_error", "df", "p_value", "ci_low", "ci_high")


class Roles(NamedTuple):
    """Columns by what they hold; a tuple of names has one a method, or one for all.

    Attributes
    ----------
    numbers : dict
        Of `NUMBERS`, those that are there -> column names, as many as methods in wide form.
    wide : tuple of str
        Methods of the wide form, called after their columns; empty in the long form.
    method, status, replication : str, optional
    by : tuple of str
    true : float or str
    converged : tuple of str
    where : tuple of str
        Columns that a condition asks for.
    """

    numbers: dict[str, tuple[str, ...]]
    wide: tuple[str, ...]
    method: str | None
    status: str | None
    replication: str | None
    by: tuple[str, ...]
    true: float | str
    converged: tuple[str, ...] = ()
    where: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """All columns to be read, each once."""
        true = [self.true] if isinstance(self.true, str) else []
        single = (self.method, self.status, self.replication)
        every = [name for names in self.numbers.values() for name in names]
        more = (*self.by, *true, *self.converged, *self.where)
        every += [name for name in (*single, *more) if name is not None]
        return list(dict.fromkeys(every))


def of_method(names: Sequence[str], k: int) -> str:
    """Column of method k of the wide form: its own, or that of all."""
    return names[k if len(names) > 1 else 0]


def roles(
    data: Table,
    true: float | str,
    numbers: dict[str, Names],
    method: str | None,
    by: tuple[str, ...] | None,
    replication: str | None,
    converged: Names = None,
    where: tuple[str, ...] = (),
) -> Roles:
    """Check names against the columns there are; a frame with our names needs none."""
    ours = not numbers["estimate"] and not numbers["std_error"]
    chosen = _chosen(data, numbers, ours)
    wide = chosen["estimate"] if len(chosen["estimate"]) > 1 else ()
    if wide and method is not None:
        raise UserError("one column a method leaves no column of methods", file=data.file)

    grouped = by or ()

    def default(name: str, allowed: bool) -> str | None:
        free = name not in (*grouped, method)
        return name if allowed and data.has(name) and free else None

    if by is None and default("scenario", ours):
        grouped = ("scenario",)
    found = Roles(
        {role: names for role, names in chosen.items() if names},
        wide,
        method or default("method", not wide),
        "status" if ours and data.has("status") else None,
        replication or default("replication", not wide),
        grouped,
        _truth(true, data),
        _names(converged, data),
        where,
    )
    _check(found, data)
    return found


def _chosen(data: Table, numbers: dict[str, Names], ours: bool) -> dict[str, tuple[str, ...]]:
    """Columns of `NUMBERS`, ours where none is named, as many as belong together."""
    chosen = {role: _names(names, data) for role, names in numbers.items()}
    usual = NUMBERS[:4] if ours else ()
    for role in NUMBERS:
        there = data.has(role) and (role in usual or role == ESTIMATE)
        if not chosen[role] and there and not (role == "p_value" and chosen["ci_low"]):
            chosen[role] = (role,)
    if not chosen["estimate"] and not chosen["p_value"]:
        hint = nearest(ESTIMATE, data.names)
        raise UserError(f"no column '{ESTIMATE}'{hint} (or say which it is)", file=data.file)
    wide = chosen["estimate"] if len(chosen["estimate"]) > 1 else ()
    for role, names in chosen.items():
        shared = len(names) <= 1 and not (wide and names and role != "df")
        if not shared and len(names) != len(wide):
            columns = f"{len(names)} column{'s' if len(names) > 1 else ''}"
            message = f"{columns} of {role} for {len(chosen['estimate'])} of estimate"
            raise UserError(message, file=data.file)
    if bool(chosen["ci_low"]) != bool(chosen["ci_high"]):
        raise UserError("an interval needs both of ci_low and ci_high", file=data.file)
    return chosen


def _check(found: Roles, data: Table) -> None:
    """Refuse columns that are not there, or twice, or too many."""
    if len(found.converged) not in (0, 1, len(found.wide)):
        message = f"{len(found.converged)} columns of converged for {len(found.wide) or 1}"
        raise UserError(f"{message} of estimate", file=data.file)
    for name in found.columns:
        data.place(name)
    for name in found.by:
        if name == found.method or found.by.count(name) > 1:
            raise UserError(f"cannot group by '{name}' as well", file=data.file)


def _names(names: Names, data: Table) -> tuple[str, ...]:
    if names is None:
        return ()
    if not isinstance(names, str):
        return tuple(names)
    return (names,) if data.has(names) else tuple(names.split(","))  # a name may hold commas


def _truth(true: float | str, data: Table) -> float | str:
    if isinstance(true, str) and data.has(true):
        return true
    try:
        value = float(true)
    except (TypeError, ValueError):
        message = f"true: '{true}' is neither a number nor a column{nearest(true, data.names)}"
        raise UserError(message) from None
    if not math.isfinite(value):
        raise UserError(f"true: {value} is not a finite number")
    return value
