"""Rows to groups and numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np

from simstudy.errors import UserError, nearest
from simstudy.estimates import ESTIMATED, STATUSES
from simstudy.moments import Array, Floats, Ints
from simstudy.numerics.tails import two_sided
from simstudy.readers.arrays import first
from simstudy.readers.labels import levels
from simstudy.readers.table import Batch, Table
from simstudy.store import arrow
from simstudy.summary.conditions import Chosen, converged
from simstudy.summary.impossible import refuse_impossible
from simstudy.summary.replications import Replications
from simstudy.summary.roles import Roles, of_method
from simstudy.summary.truths import Truths

_OK, _NO_SE, _NONE, _FAILED = (
    STATUSES.index(status) for status in ("ok", "no_std_error", "not_estimable", "failed")
)
MOST = 100_000  # groups: a summary has dozens of rows of each
Key = tuple[Any, ...]


class Groups:
    """Numbers the groups (levels of `by`, method) in the order in which they are met.

    Parameters
    ----------
    roles : Roles
    opened : Table
    null_value : float
        What the tests are about.
    chosen : Chosen
        Rows that count.

    Attributes
    ----------
    keys : dict
        (levels of `by` ..., method) -> number.
    levels : dict
        Column that has an order of its own -> its levels.
    n_read : int
        Rows that were read so far.
    """

    def __init__(self, roles: Roles, opened: Table, null_value: float, chosen: Chosen) -> None:
        self.roles, self.opened, self.null_value, self.chosen = roles, opened, null_value, chosen
        self.keys: dict[Key, int] = {}
        self.n_read = 0
        column = roles.replication
        self.replications = None if column is None else Replications(column, opened.file)
        self._truths = Truths() if isinstance(roles.true, str) else None
        self.levels: dict[str, list[Any]] = {}

    @property
    def truth(self) -> Floats:
        """True value of each group; NaN where it varies, which `note_truth` knows."""
        if self._truths is None:
            return np.full(len(self.keys), self.roles.true, dtype=float)
        return self._truths.of_groups

    def note_truth(self) -> None:
        """Go through all rows for the true values of their groups."""
        truths = self._truths
        for group, rows in self.every() if truths is not None else ():
            estimated = rows["status"] < ESTIMATED
            if "estimate" in self.roles.numbers:
                self._refuse_unknown(group[estimated], rows["truth"][estimated])
            cast(Truths, truths).add(group, rows["truth"], estimated & np.isfinite(rows["truth"]))

    def every(self) -> Iterator[tuple[Ints, dict[str, Array]]]:
        """Group of each row that counts and its columns, batch after batch; see `rows`."""
        self.n_read = self.chosen.n_rows = 0
        for table in self.opened.batches(self.roles.columns):
            yield from self.rows(table)
            self.n_read += table.num_rows
        self.chosen.check()

    def rows(self, table: Batch) -> Iterator[tuple[Ints, dict[str, Array]]]:
        """Group of each row that counts and its columns, for each method of the wide form or once.

        `row` among them is the number of the row in the whole, counted from 0.
        """
        roles = self.roles
        table, row = self.filtered(table)
        if not row.size:
            return
        names = [*roles.by, *([roles.method] if roles.method else [])]
        cell, levels = _cells([self._labels(table, name) for name in names], table.num_rows)
        for k, label in enumerate(roles.wide or ("",)):
            keys = [key if roles.method else (*key, label or "estimate") for key in levels]
            number = [self.keys.setdefault(key, len(self.keys)) for key in keys]
            if len(self.keys) > MOST:
                by = ", ".join(names) or "method"
                message = f"more than {MOST:,} groups by {by}; does one of them number the rows?"
                raise UserError(message, file=self.opened.file)
            group = np.array(number, dtype=np.int64)[cell]
            yield group, self._numbers(table, k, row) | {"row": row}

    def filtered(self, table: Batch) -> tuple[Batch, Ints]:
        """Rows of a batch that count, and their numbers."""
        row = np.arange(self.n_read, self.n_read + table.num_rows)
        keep = self.chosen.mask(table)
        return (table, row) if keep is None else (table.filter(keep), row[keep])

    def refuse_copies(self, separating: Callable[[], list[str]]) -> None:
        """Refuse rows of which two are the same replication of a method in a group.

        `separating` finds the columns that tell them apart.
        """
        copy = None if self.replications is None else self.replications.twice()
        if copy is None:
            return
        group, replication = copy
        *levels, method = next(key for key, number in self.keys.items() if number == group)
        pairs = zip(self.roles.by, levels, strict=True)
        where = "".join(f", {name} {level}" for name, level in pairs)
        message = f"replication {replication} of method '{method}'{where} occurs twice"
        how = "group by more columns, or drop the copies"
        if more := separating():
            how = f"by {' '.join([*self.roles.by, *more])} they are told apart"
        raise UserError(f"{message}; {how}", file=self.opened.file)

    def _labels(self, table: Batch, name: str) -> Any:
        """Labels of a column, none empty; their order is kept where they have one."""
        labels = table.labels(name)
        if (row := _first_empty(labels)) is not None:
            table.refuse(f"column '{name}' is empty; write a label (NA is one)", row)
        if (own := levels(labels)) is not None:
            self.levels[name] = list(dict.fromkeys([*self.levels.get(name, []), *own]))
        return labels

    def _refuse_unknown(self, group: Ints, truth: Floats) -> None:
        unknown = np.flatnonzero(~np.isfinite(truth))
        if unknown.size:
            method = list(self.keys)[group[unknown[0]]][-1]
            message = f"a true value is missing where method '{method}' has an estimate"
            raise UserError(f"column '{self.roles.true}': {message}", file=self.opened.file)

    def _numbers(self, table: Batch, k: int, row: Ints) -> dict[str, Array]:
        """Columns of a `Block`, of method k of the wide form."""
        name_of = {role: of_method(names, k) for role, names in self.roles.numbers.items()}
        numbers: dict[str, Array] = {role: table.numbers(name) for role, name in name_of.items()}
        n = table.num_rows
        estimate = numbers.setdefault("estimate", np.full(n, np.nan))
        has_se = "std_error" in numbers
        std_error = numbers.setdefault("std_error", np.full(n, np.nan))
        df = numbers.setdefault("df", np.full(n, np.inf))
        refuse_impossible(numbers, name_of, self.opened.file, row)
        numbers["df"] = df = np.where(np.isnan(df), np.inf, df)
        for role, lone in (("estimate", estimate), ("std_error", std_error)):
            numbers[role] = np.where(np.isfinite(lone), lone, np.nan)
        if "p_value" in numbers and has_se:
            with np.errstate(invalid="ignore", divide="ignore"):
                by_t = two_sided((numbers["estimate"] - self.null_value) / numbers["std_error"], df)
            numbers["p_value"] = np.where(np.isnan(numbers["p_value"]), by_t, numbers["p_value"])
        numbers["status"] = self._status(table, numbers, has_se)
        if lost := self.roles.converged:
            numbers["status"] = np.where(
                converged(table, of_method(lost, k)), numbers["status"], _FAILED
            )
        if isinstance(self.roles.true, str):
            numbers["truth"] = table.numbers(self.roles.true)
        if self.replications is not None:
            labels = table.labels(self.replications.column)
            numbers["replication"] = self.replications.numbers(labels)
        return numbers

    def _status(self, table: Batch, numbers: dict[str, Array], has_se: bool) -> Array:
        """Index into `STATUSES`: as given, else by what is missing."""
        if self.roles.status is not None:
            known, place = arrow.levels_of(table.labels(self.roles.status))
            for word in known:
                if word not in STATUSES:
                    message = f"unknown status '{word}'{nearest(word, STATUSES)}"
                    raise UserError(message, file=self.opened.file)
            return np.array([STATUSES.index(word) for word in known], dtype=np.int8)[place]
        status = np.full(table.num_rows, _OK, dtype=np.int8)
        if "p_value" in numbers:
            status[np.isnan(numbers["p_value"])] = _NO_SE
        elif has_se:
            status[np.isnan(numbers["std_error"])] = _NO_SE
        elif "ci_low" in numbers:
            status[np.isnan(numbers["ci_low"]) | np.isnan(numbers["ci_high"])] = _NO_SE
        if "estimate" in self.roles.numbers:
            status[np.isnan(numbers["estimate"])] = _NONE
        return status


def _first_empty(labels: Any) -> int | None:
    import pyarrow.compute as pc
    import pyarrow.types as kinds

    values = labels.cast(labels.type.value_type) if kinds.is_dictionary(labels.type) else labels
    if not kinds.is_string(values.type):
        return first(values.is_null())
    return first(pc.or_kleene(pc.match_substring_regex(values, "^$"), values.is_null()))


def _cells(columns: list[Any], n: int) -> tuple[Ints, list[Key]]:
    """Number the different combinations of levels: number of each row, and their levels."""
    code, levels = np.zeros(n, dtype=np.int64), []
    for column in columns:
        words, index = arrow.levels_of(column)
        code = code * len(words) + index
        levels.append(words)
    codes, cell = np.unique(code, return_inverse=True)
    places = np.stack(np.unravel_index(codes, (1, *map(len, levels))), axis=1)[:, 1:]
    return cell, [tuple(words[i] for words, i in zip(levels, place, strict=True))
                  for place in places.tolist()]  # fmt: skip
