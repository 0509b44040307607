"""What a rejection rate is, Type I error, power or neither.

Read from a row of the summary, its truth and its null value; nothing else in a report asks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from simstudy.estimands import estimand, is_null
from simstudy.store import arrow

if TYPE_CHECKING:
    import pyarrow as pa


class Aim(NamedTuple):
    """What a method's estimates in one scenario are held against.

    Attributes
    ----------
    estimand : str or None
        Its name; None where a summary does not say, as of anybody's estimates.
    truth : float
        NaN where it differs between data sets, or is not known.
    null_value : float
    """

    estimand: str | None
    truth: float
    null_value: float

    @property
    def null(self) -> bool | None:
        """Whether rejections are Type I errors; None where the truth is not one number."""
        return _null(self.truth, self.null_value)


@lru_cache(maxsize=1024)  # scenarios are many, truths few
def _null(truth: float, null_value: float) -> bool | None:
    return None if math.isnan(truth) else bool(is_null(truth, null_value))


def aims(summary: pa.Table) -> list[Aim]:
    """The aim of every row; what stands before `method` is the user's, whatever it is called."""
    names = summary.column_names
    after = names[names.index("method") :]

    def values(name: str, missing: Any) -> list[Any]:
        if name not in after:
            return [missing] * summary.num_rows
        place = names.index("method") + after.index(name)
        return [missing if v is None else v for v in arrow.listed(summary.column(place))]

    columns = values("estimand", None), values("truth", math.nan), values("null_value", 0.0)
    different: dict[Any, Aim] = {}
    return [
        different.get(row) or different.setdefault(row, Aim(*row))
        for row in zip(*columns, strict=True)
    ]


def rates(summary: pa.Table) -> Iterator[tuple[dict[str, Any], Aim]]:
    """(scenario and method, aim) of every rejection rate of a study."""
    part = _rates(summary)
    rows = part.select(["scenario", "method", "n_used"]).to_pylist()
    return zip(rows, aims(part), strict=True)


def _rates(summary: pa.Table) -> pa.Table:
    return summary.take(arrow.equal_to(summary.column("measure"), "rejection_rate"))


def without_one_truth(summary: pa.Table) -> set[str]:
    """Methods whose truth differs between data sets."""
    methods = summary.column("method").to_pylist()
    return {m for m, aim in zip(methods, aims(summary), strict=True) if math.isnan(aim.truth)}


def both(summary: pa.Table) -> bool:
    """Whether a study has Type I errors and powers."""
    return {True, False} <= {aim.null for aim in aims(_rates(summary))}


def condition(row_aims: Iterable[Aim]) -> str:
    """When the null hypothesis is true, in words."""
    different = {(aim.estimand, aim.null_value) for aim in row_aims}
    if len(different) != 1:
        return "the null hypothesis is true"
    ((aimed, null_value),) = different
    name = "the truth" if aimed is None else estimand(aimed).plain
    return f"{name} is {null_value:g}"


def settings(aimed: str | None, levels_and_aims: Iterable[tuple[dict[str, Any], Aim]]) -> set[str]:
    """Factors that set the truth: designs that differ in them alone are the same design.

    Of anybody's estimates these are the columns that hold it.
    """
    if aimed is not None:
        return set(estimand(aimed).fields)
    rows = list(levels_and_aims)
    names = rows[0][0] if rows else ()
    return {name for name in names if all(levels[name] == aim.truth for levels, aim in rows)}
