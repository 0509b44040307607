"""Room 5: measures of anybody's estimates, batch after batch. Imports measures and the room."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simstudy.errors import UserError, nearest
from simstudy.frames import in_order
from simstudy.measures import totals
from simstudy.measures.block import Block
from simstudy.measures.measures import at_first_level, finish
from simstudy.measures.own import REGISTERED, own_columns
from simstudy.measures.values import Column
from simstudy.moments import Array, Ints
from simstudy.registry import OptionError, settle_null
from simstudy.store import arrow
from simstudy.summaries.against import Kept, against
from simstudy.summaries.groups import Groups
from simstudy.summaries.rectangles import Running, rectangles
from simstudy.summaries.roles import Names, Roles, roles
from simstudy.summaries.source import Source, source

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_MCSE = ("robust", "normal")
_OF_TESTS = ("rejection_rate", "type1_inflation", "difference_rejection_rate")


def summarize(data: pd.DataFrame | pa.Table | str | Path, **given: Any) -> pd.DataFrame:
    """Performance measures of any frame or file of estimates, each with its Monte Carlo SE.

    Parameters
    ----------
    data : DataFrame, pyarrow table, or a CSV, parquet or Stata file, or a folder of parquet
        A row a method and replication, or a column a method.
    true : float or str
        True value, or the column that holds it; where it differs within a group, each estimate
        is held against its own.
    estimate, std_error, df, p_value, ci_low, ci_high : str, or list of str in the wide form
        Columns. `estimate`, `std_error`, `df`, `p_value` and `status` are found by these
        names where neither `estimate` nor `std_error` is given.
    method : str, optional
        Column of methods; default "method" where there is one.
    by : list of str, optional
        Columns whose combinations are summarised apart ("scenario" of our own rows).
    reference : str, optional
        Method with which the others are compared, in the same data sets. Rows are then kept
        in memory; else parquet is read as it is added up.
    replication : str, optional
        Column that says which rows belong to one data set (default "replication" where there
        is one, else the order of the rows).
    alpha : float or sequence of float
        Nominal level, default .05. Given intervals are of the first level.
    mcse : {"robust", "normal"}
    null : float
        What tests are about: those that are made here, and given p-values.

    Returns
    -------
    DataFrame
        `by`, method, truth, null_value, measure, alpha, value, mcse, ci_low, ci_high, n_used,
        n_not_used, verdict; truth is null where it differs within a group. A row without a
        standard error is used by what needs the estimate alone (bias, empirical SE, MSE), and
        by coverage where `ci_low` and `ci_high` give it an interval.
    """
    if "true" not in given:
        raise UserError("say the true value: true=0.5, or true='column'")
    return summarize_table(data, **given).to_pandas()


def summarize_table(
    data: Any,
    true: float | str,
    *,
    estimate: Names = None,
    std_error: Names = None,
    method: str | None = None,
    by: Iterable[str] | None = None,
    df: Names = None,
    p_value: Names = None,
    ci_low: Names = None,
    ci_high: Names = None,
    reference: str | None = None,
    replication: str | None = None,
    alpha: float | Sequence[float] = 0.05,
    mcse: str = "robust",
    null: float = 0.0,
) -> pa.Table:
    """As `summarize`, as a pyarrow table."""
    if mcse not in _MCSE:
        raise UserError(f"unknown mcse '{mcse}'{nearest(mcse, _MCSE)}")
    alphas = _alphas(alpha)
    by = by if by is None else (by,) if isinstance(by, str) else tuple(by)
    labels = {*(("scenario",) if by is None else by), replication or "replication"}
    opened = source(data, method or "method", labels)
    numbers = {"estimate": estimate, "std_error": std_error, "df": df, "p_value": p_value,
               "ci_low": ci_low, "ci_high": ci_high}  # fmt: skip
    chosen = roles(opened, true, numbers, method, by, replication)
    groups, running, kept = Groups(chosen, opened.file, _null(null)), Running(), Kept()
    groups.note_truth(opened.batches(chosen.columns))
    for group, rows in _batches(opened, chosen, groups):
        if reference is not None or REGISTERED:
            kept.add(group, rows)
        if groups.replications is not None:
            groups.replications.add(group, rows["replication"])
        for here, block in _blocks(group, rows, groups):
            running.add(here, totals.of_ready(block, alphas))
    if not groups.keys:
        raise UserError("no rows", file=opened.file)
    groups.refuse_copies()
    found = running.total()
    truth, n_groups = groups.truth, len(groups.keys)
    eliminated = np.zeros((n_groups, len(alphas)), dtype=np.int64)
    means = found.of_error.means[0]
    for group, rows in _batches(opened, chosen, groups):
        for here, block in _blocks(group, rows, groups):
            for k, level in enumerate(alphas):
                np.add.at(eliminated[:, k], here, block.covers(level, means[here]).sum(axis=1))
    both = None if reference is None else against(kept, groups, reference, alphas)
    columns = finish(found, alphas, truth, mcse, eliminated, both, groups.null_value)
    columns += own_columns(REGISTERED, kept.rows, truth, found.n_all, warnings.warn)
    limits = np.full(n_groups, "ci_low" in chosen.numbers)
    columns = at_first_level(columns, alphas, limits, limits)
    return _table(groups, [column for column in columns if _has_rows(column, chosen)])


def _alphas(alpha: float | Sequence[float]) -> tuple[float, ...]:
    levels = tuple(float(a) for a in np.atleast_1d(np.asarray(alpha, dtype=float)))
    for level in levels:
        if not 0 < level < 1:
            raise UserError(f"alpha: {level:g} is not in (0, 1)")
    return tuple(dict.fromkeys(levels))


def _null(null: Any) -> float:
    try:
        return settle_null(null)
    except OptionError as error:
        raise UserError(f"null: {error.message}") from None


def _batches(
    opened: Source, chosen: Roles, groups: Groups
) -> Iterator[tuple[Ints, dict[str, Array]]]:
    for table in opened.batches(chosen.columns):
        yield from groups.rows(table)


def _blocks(group: Ints, rows: dict[str, Array], groups: Groups) -> Iterator[tuple[Ints, Block]]:
    """Blocks of a batch of rows, and the groups in each."""
    measured = {name: values for name, values in rows.items() if name != "replication"}
    for here, block in rectangles(group, measured):
        yield here, Block(block, groups.truth[here], False, groups.null_value)


def _has_rows(column: Column, chosen: Roles) -> bool:
    """Whether there can be any: a test needs a p-value or a standard error."""
    tested = "std_error" in chosen.numbers or "p_value" in chosen.numbers
    return tested or not column.measure.startswith(_OF_TESTS)


def _table(groups: Groups, columns: list[Column]) -> pa.Table:
    """The summary, groups in the order of their levels, methods as they were met."""
    import pyarrow as pa

    from simstudy.runner.rows import OF_ANYBODY, VERDICT, rows, verdicts

    group, there, measures = rows(columns)
    verdict = verdicts(columns, groups.truth, groups.null_value, there)
    keys = list(groups.keys)
    rank = np.empty(len(keys), dtype=np.int64)
    rank[_order(keys)] = np.arange(len(keys))
    order = pa.array(np.argsort(rank[group], kind="stable"))
    of_group = pa.array(group)
    null_value = arrow.doubles(np.full(group.size, groups.null_value))
    measures = {"truth": arrow.doubles(groups.truth[group]), "null_value": null_value} | measures
    out = {
        name: _levels([key[k] for key in keys]).take(of_group)
        for k, name in enumerate(_headings(groups.roles.by, ["method", *measures, VERDICT]))
    }
    labels = [None if key[-1] is None else str(key[-1]) for key in keys]
    out["method"] = pa.array(labels).take(of_group)
    return pa.table(out | measures | {VERDICT: verdict}, metadata=OF_ANYBODY).take(order)


def _levels(values: list[Any]) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(values)
    except OverflowError:  # whole numbers of 64 bits without a sign
        return pa.array(values, pa.uint64())


def _headings(by: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Names of the columns of groups: as they are, or by_NAME where the summary has a NAME."""
    out: list[str] = []
    for name in by:
        others = {*taken, *by} - {name} if name not in taken else {*taken, *by}
        while name in others or name in out:
            name = f"by_{name}"
        out.append(name)
    return out


def _order(keys: list[tuple[Any, ...]]) -> list[int]:
    """Places of groups by the levels of each column of `by` in turn; missing ones last."""
    ranks = [_ranks([key[k] for key in keys]) for k in range(len(keys[0]) - 1)]
    return sorted(range(len(keys)), key=lambda i: [rank[i] for rank in ranks])


def _ranks(levels: list[Any]) -> list[int]:
    """Rank of every level; those of several kinds as they were met."""
    there = [level for level in dict.fromkeys(levels) if level is not None]
    with suppress(TypeError):
        there = [there[i] for i in in_order(there)]
    rank = {level: i for i, level in enumerate(there)}
    return [rank.get(level, len(there)) for level in levels]
