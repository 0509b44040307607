"""From a source of rows to the measures of its cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

import numpy as np

from simstudy.measures.catalog import finish, record_of
from simstudy.measures.record import Cells, Measure
from simstudy.measures.rows import columns_of_rows
from simstudy.measures.values import Column
from simstudy.summary.add_up import add_up
from simstudy.summary.source import Source


def measured(
    source: Source,
    measures: Iterable[Measure],
    mcse: str,
    warn: Callable[[str], None],
    jobs: int = 1,
) -> tuple[Cells, list[Column]]:
    """What was added up, and some measures of every cell.

    `warn` is told which measures of rows failed, and why.
    """
    chosen = list(measures)
    cells = add_up(source, mcse, any("mean" in measure.needs for measure in chosen), jobs)
    of_rows = [measure for measure in chosen if "rows" in measure.needs]
    columns = chain(finish(cells, chosen), columns_of_rows(of_rows, source.rows_of, cells, warn))
    return cells, [_where_there(column, source) for column in columns]


def _where_there(column: Column, source: Source) -> Column:
    """A measure without cells that lack what it needs.

    Limits that were given are of the first level: at others there are no intervals.
    """
    needs, defined, facts = record_of(column.measure).needs, column.defined, source.facts
    for need, cells in facts.lacking.items():
        defined = defined & ~cells if need in needs else defined
    if "interval" in needs and column.alpha != source.alphas[0]:
        defined = defined & ~(facts.limits_of_pairs if "pairs" in needs else facts.limits)
    return column._replace(defined=np.asarray(defined))
