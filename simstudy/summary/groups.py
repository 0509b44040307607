"""Rows to groups and numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import numpy as np

from simstudy.errors import UserError, nearest
from simstudy.estimates import ESTIMATED, STATUSES
from simstudy.moments import Array, Floats, Ints
from simstudy.numerics.tails import two_sided
from simstudy.readers.arrays import first
from simstudy.readers.labels import levels
from simstudy.readers.table import Batch
from simstudy.summary.conditions import Chosen, converged
from simstudy.summary.impossible import refuse_impossible
from simstudy.summary.replications import Replications
from simstudy.summary.roles import Roles
from simstudy.summary.truths import Truths

_OK, _NO_SE, _NONE, _FAILED = (
    STATUSES.index(status) for status in ("ok", "no_std_error", "not_estimable", "failed")
)
MOST = 100_000  # groups: a summary has dozens of rows of each
Key = tuple[Any, ...]


class Groups:
    """Numbers the groups (levels of `by`, method) in the order in which they are met.

    Attributes
    ----------
    keys : dict
        (levels of `by` ..., method) -> number.
    null_value : float
        What the tests are about.
    levels : dict
        Column that has an order of its own -> its levels.
    n_read : int
        Rows that were read so far.
    """

    def __init__(
        self, roles: Roles, file: str, null_value: float = 0.0, chosen: Chosen | None = None
    ) -> None:
        self.roles = roles
        self.chosen = chosen or Chosen()
        self.null_value = null_value
        self.file = file
        self.keys: dict[Key, int] = {}
        self.n_read = 0
        column = roles.replication
        self.replications = None if column is None else Replications(column, file)
        self._truths = Truths() if isinstance(roles.true, str) else None
        self.levels: dict[str, list[Any]] = {}

    @property
    def truth(self) -> Floats:
        """True value of each group; NaN where it varies, which `note_truth` knows."""
        if self._truths is None:
            return np.full(len(self.keys), self.roles.true, dtype=float)
        return self._truths.of_groups

    def note_truth(self, tables: Iterable[Batch]) -> None:
        """Go through all rows for the true values of their groups."""
        truths = self._truths
        for group, rows in self.every(tables) if truths is not None else ():
            estimated = rows["status"] < ESTIMATED
            if "estimate" in self.roles.numbers:
                self._refuse_unknown(group[estimated], rows["truth"][estimated])
            cast(Truths, truths).add(group, rows["truth"], estimated & np.isfinite(rows["truth"]))

    def every(self, tables: Iterable[Batch]) -> Iterator[tuple[Ints, dict[str, Array]]]:
        """Group of each row that counts and its columns, batch after batch; see `rows`."""
        self.n_read = self.chosen.n_rows = 0
        for table in tables:
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
                message = f"more than {MOST:,} groups by {', '.join(names) or 'method'}"
                raise UserError(f"{message}; does one of them number the rows?", file=self.file)
            group = np.array(number, dtype=np.int64)[cell]
            yield group, self._numbers(table, k, row) | {"row": row}

    def filtered(self, table: Batch) -> tuple[Batch, Ints]:
        """Rows of a batch that count, and their numbers."""
        row = np.arange(self.n_read, self.n_read + table.num_rows)
        keep = self.chosen.mask(table)
        return (table, row) if keep is None else (table.filter(keep), row[keep])

    def refuse_copies(self, separating: Callable[[], list[str]] = list) -> None:
        """Refuse rows of which two are the same replication of a method in a group.

        `separating` finds the columns that tell them apart.
        """
        found = None if self.replications is None else self.replications.twice()
        if found is None:
            return
        group, replication = found
        *levels, method = next(key for key, number in self.keys.items() if number == group)
        pairs = zip(self.roles.by, levels, strict=True)
        where = "".join(f", {name} {level}" for name, level in pairs)
        message = f"replication {replication} of method '{method}'{where} occurs twice"
        how = "group by more columns, or drop the copies"
        if more := separating():
            how = f"by {' '.join([*self.roles.by, *more])} they are told apart"
        raise UserError(f"{message}; {how}", file=self.file)

    def _labels(self, table: Batch, name: str) -> Any:
        """Labels of a column, none empty; their order is kept where they have one."""
        found = table.labels(name)
        if (row := _first_empty(found)) is not None:
            table.refuse(f"column '{name}' is empty; write a label (NA is one)", row)
        if (own := levels(found)) is not None:
            self.levels[name] = list(dict.fromkeys([*self.levels.get(name, []), *own]))
        return found

    def _refuse_unknown(self, group: Ints, truth: Floats) -> None:
        unknown = np.flatnonzero(~np.isfinite(truth))
        if unknown.size:
            method = list(self.keys)[group[unknown[0]]][-1]
            message = f"a true value is missing where method '{method}' has an estimate"
            raise UserError(f"column '{self.roles.true}': {message}", file=self.file)

    def _numbers(self, table: Batch, k: int, row: Ints) -> dict[str, Array]:
        """Columns of a `Block`, of method k of the wide form."""
        found: dict[str, Array] = {}
        for role, names in self.roles.numbers.items():
            found[role] = table.numbers(names[k if len(names) > 1 else 0])
        n = table.num_rows
        estimate = found.setdefault("estimate", np.full(n, np.nan))
        has_se = "std_error" in found
        std_error = found.setdefault("std_error", np.full(n, np.nan))
        df = found.setdefault("df", np.full(n, np.inf))
        of_k = {role: of[k if len(of) > 1 else 0] for role, of in self.roles.numbers.items()}
        refuse_impossible(found, of_k, self.file, row)
        found["df"] = df = np.where(np.isnan(df), np.inf, df)
        for role, lone in (("estimate", estimate), ("std_error", std_error)):
            found[role] = np.where(np.isfinite(lone), lone, np.nan)
        if "p_value" in found and has_se:
            with np.errstate(invalid="ignore", divide="ignore"):
                by_t = two_sided((found["estimate"] - self.null_value) / found["std_error"], df)
            found["p_value"] = np.where(np.isnan(found["p_value"]), by_t, found["p_value"])
        found["status"] = self._status(table, found, has_se)
        if lost := self.roles.converged:
            name = lost[k if len(lost) > 1 else 0]
            found["status"] = np.where(converged(table, name), found["status"], _FAILED)
        if isinstance(self.roles.true, str):
            found["truth"] = table.numbers(self.roles.true)
        if self.replications is not None:
            labels = table.labels(self.replications.column)
            found["replication"] = self.replications.numbers(labels)
        return found

    def _status(self, table: Batch, found: dict[str, Array], has_se: bool) -> Array:
        """Index into `STATUSES`: as given, else by what is missing."""
        if self.roles.status is not None:
            words = _values(table.labels(self.roles.status)).combine_chunks().dictionary_encode()
            known = words.dictionary.to_pylist()
            for word in known:
                if word not in STATUSES:
                    message = f"unknown status '{word}'{nearest(word, STATUSES)}"
                    raise UserError(message, file=self.file)
            index = np.array([STATUSES.index(word) for word in known], dtype=np.int8)
            return index[_plain(words.indices)]
        status = np.full(table.num_rows, _OK, dtype=np.int8)
        if "p_value" in found:
            status[np.isnan(found["p_value"])] = _NO_SE
        elif has_se:
            status[np.isnan(found["std_error"])] = _NO_SE
        elif "ci_low" in found:
            status[np.isnan(found["ci_low"]) | np.isnan(found["ci_high"])] = _NO_SE
        if "estimate" in self.roles.numbers:
            status[np.isnan(found["estimate"])] = _NONE
        return status


def _values(labels: Any) -> Any:
    """Labels without the dictionary around them."""
    import pyarrow.types as kinds

    return labels.cast(labels.type.value_type) if kinds.is_dictionary(labels.type) else labels


def _first_empty(labels: Any) -> int | None:
    import pyarrow.compute as pc
    import pyarrow.types as kinds

    values = _values(labels)
    if not kinds.is_string(values.type):
        return first(values.is_null())
    return first(pc.or_kleene(pc.match_substring_regex(values, "^$"), values.is_null()))


def _plain(values: Any) -> Array:
    return np.asarray(values.to_numpy(zero_copy_only=False))


def _cells(columns: list[Any], n: int) -> tuple[Ints, list[Key]]:
    """Number the different combinations of levels: number of each row, and their levels."""
    code, levels = np.zeros(n, dtype=np.int64), []
    for column in columns:
        encoded = _values(column).combine_chunks().dictionary_encode()
        words = encoded.dictionary.to_pylist()
        code = code * len(words) + _plain(encoded.indices)
        levels.append(words)
    there, cell = np.unique(code, return_inverse=True)
    keys = []
    for one in there.tolist():
        key: list[Any] = []
        for words in reversed(levels):
            one, word = divmod(one, len(words))
            key.insert(0, words[word])
        keys.append(tuple(key))
    return cell, keys
