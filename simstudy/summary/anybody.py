"""Measures of anybody's estimates, batch after batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simstudy.entries import OptionError
from simstudy.errors import UserError, nearest
from simstudy.measures.catalog import MEASURES, chosen
from simstudy.measures.names import Asked, asked, needed
from simstudy.measures.own import REGISTERED
from simstudy.measures.values import Column
from simstudy.readers.labels import as_written, in_order
from simstudy.readers.read import read
from simstudy.readers.table import Table
from simstudy.registry import settle_null
from simstudy.store import arrow
from simstudy.summary.add_up import measured
from simstudy.summary.conditions import Chosen
from simstudy.summary.frame import FrameRows
from simstudy.summary.groups import Groups
from simstudy.summary.roles import Names, roles
from simstudy.summary.table import OF_ANYBODY, VERDICT, only_asked, rows, verdicts
from simstudy.where import Where, parse

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_MCSE = ("robust", "normal")


def summarize(data: pd.DataFrame | pa.Table | str | Path, **given: Any) -> pd.DataFrame:
    """Performance measures of any frame or file of estimates, each with its Monte Carlo SE.

    Parameters
    ----------
    data : path of a table (CSV, parquet or a folder of it, Stata, ...), or a frame of any library
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
    converged : str, or list of str in the wide form
        Column that says whether a fit converged; rows in which it is false, 0, no or missing
        count as failed.
    where : str
        Only rows that meet this condition: ``FIELD OP VALUE and ...`` on any columns.
    measure : str or sequence of str
        Only these. median_bias and mean_absolute_error need all rows in memory, and are made
        when they are named here.
    warn : callable
        Told, in a line each, of columns that seem to be forgotten groups and of estimates that
        are far from all others.

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
    return summarize_table(data, **{"warn": warnings.warn} | given).to_pandas()


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
    converged: Names = None,
    where: str | None = None,
    measure: str | Sequence[str] | None = None,
    warn: Callable[[str], None] = lambda line: None,
) -> pa.Table:
    """As `summarize`, as a pyarrow table."""
    if mcse not in _MCSE:
        raise UserError(f"unknown mcse '{mcse}'{nearest(mcse, _MCSE)}")
    wanted = _wanted(measure)
    by = by if by is None else (by,) if isinstance(by, str) else tuple(by)
    condition = _condition(where)
    numbers = {"estimate": estimate, "std_error": std_error, "df": df, "p_value": p_value,
               "ci_low": ci_low, "ci_high": ci_high}  # fmt: skip
    fields = condition.fields if condition is not None else ()
    opened = read(data)
    counted = Chosen(condition, opened)
    columns = roles(opened, true, numbers, method, by, replication, converged, fields)
    groups = Groups(columns, opened, _null(null), counted)
    records = chosen({request.measure for request in wanted}, REGISTERED)
    keep = any("rows" in record.needs for record in records)
    source = FrameRows(groups, _alphas(alpha), reference, keep, warn)
    cells, made = measured(source, records, mcse, warnings.warn)
    labels = [str(key[-1]) for key in groups.keys]
    for line in source.extremes.lines(  # the first row below the header is 1
        labels, cells.totals.of_error.n, lambda extreme: (f"row {extreme.row + 1:,}",) * 2
    ):
        warn(line)
    table = _table(groups, made) if made else None
    for request in wanted:
        if table is None or not only_asked(table, [request]).num_rows:
            raise UserError(f"no row of {request.name} here{needed(request)}", file=opened.file)
    return only_asked(table, wanted)


def _wanted(measure: str | Sequence[str] | None) -> list[Asked]:
    """Measures that are asked for, none where all are."""
    names = [measure] if isinstance(measure, str) else measure or []
    return [asked(name, (*MEASURES, *REGISTERED)) for name in names]


def _condition(where: str | None) -> Where | None:
    try:
        return None if where is None else parse(where)
    except UserError as error:
        raise UserError(f"where: {error}") from None


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


def _table(groups: Groups, columns: list[Column]) -> pa.Table:
    """The summary, groups in the order of their levels, methods as they were met."""
    import pyarrow as pa

    group, defined, measures = rows(columns)
    verdict = verdicts(columns, groups.truth, groups.null_value, defined)
    keys = list(groups.keys)
    rank = np.empty(len(keys), dtype=np.int64)
    rank[_order(groups)] = np.arange(len(keys))
    order = pa.array(np.argsort(rank[group], kind="stable"))
    of_group = pa.array(group)
    null_value = arrow.doubles(np.full(group.size, groups.null_value))
    measures = {"truth": arrow.doubles(groups.truth[group]), "null_value": null_value} | measures
    headings = _headings(groups.roles.by, ["method", *measures, VERDICT])
    out = {
        heading: _levels(groups.opened, name, [key[k] for key in keys]).take(of_group)
        for k, (name, heading) in enumerate(zip(groups.roles.by, headings, strict=True))
    }
    labels = [None if key[-1] is None else str(key[-1]) for key in keys]
    out["method"] = pa.array(labels).take(of_group)
    return pa.table(out | measures | {VERDICT: verdict}, metadata=OF_ANYBODY).take(order)


def _headings(by: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Names of the columns of groups: as they are, or by_NAME where the summary has a NAME."""
    out: list[str] = []
    for name in by:
        others = {*taken, *by} - {name} if name not in taken else {*taken, *by}
        while name in others or name in out:
            name = f"by_{name}"
        out.append(name)
    return out


def _levels(opened: Table, name: str, levels: list[Any]) -> pa.ChunkedArray:
    """Levels of all groups: numbers where a file without types has usual ones."""
    import pyarrow as pa

    try:
        labels = pa.chunked_array([pa.array(levels)])
    except OverflowError:  # whole numbers of 64 bits without a sign
        labels = pa.chunked_array([pa.array(levels, pa.uint64())])
    return as_written(labels) if opened.is_written(name) else labels


def _order(groups: Groups) -> list[int]:
    """Places of groups by the levels of each column of `by` in turn, then of the methods.

    Methods without an order of their own stand as the first of their rows were met, the same
    in all groups.
    """
    keys, own = list(groups.keys), groups.levels
    ranks = [_ranks([key[k] for key in keys], own.get(name))
             for k, name in enumerate(groups.roles.by)]  # fmt: skip
    methods = [key[-1] for key in keys]
    met = own.get(groups.roles.method or "") or list(dict.fromkeys(methods))
    ranks.append(_ranks(methods, met))
    return sorted(range(len(keys)), key=lambda i: [rank[i] for rank in ranks])


def _ranks(levels: list[Any], own: list[Any] | None) -> list[int]:
    """Rank of every level in their own order, else sorted; those of several kinds as met."""
    order = own or list(dict.fromkeys(levels))
    if own is None:
        with suppress(TypeError):
            order = [order[i] for i in in_order(order)]
    rank = {level: i for i, level in enumerate(order)}
    return [rank[level] for level in levels]
