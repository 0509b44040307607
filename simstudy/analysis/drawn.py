"""One replication of a scenario drawn again, as a data set."""

from __future__ import annotations

import numpy as np

from simstudy.analysis.data import DataSet
from simstudy.analysis.terms import Random, Terms, Variable
from simstudy.custom.own_source import OwnSource
from simstudy.errors import UserError
from simstudy.generators import streams
from simstudy.moments import Units
from simstudy.numerics.batches import cut_rows, units
from simstudy.runner.realized import errors_of
from simstudy.study.drawing import source_of
from simstudy.study.grid import Design
from simstudy.study.study import Study

_MOST = 2_000_000  # units that are held


def data_set(study: Study, design: Design, replication: int) -> DataSet:
    """Units of one replication, sorted by cluster; `UserError` where they cannot be had."""
    if design.n_obs > _MOST:
        raise UserError(f"the data set has more than {_MOST:,} units")
    source, own = source_of(design, study.seed), design.scenario.generator
    if own is not None and design.scenario.first_grain != "rows":
        raise UserError(f"{own.place} draws moments of clusters, not units")
    chunk, at = divmod(replication - 1, streams.chunk_length(design.scenario, streams.ROWS))
    rows = source.moments(streams.ROWS, chunk, at + 1)
    assert isinstance(rows, Units)
    if isinstance(source, OwnSource) and source.told(streams.ROWS, chunk, at + 1).lost[at]:
        assert own is not None
        raise UserError(f"{own.place} drew no data")
    lone = cut_rows(rows, at, at + 1)
    cluster, *covariates, x, y = units(lone)
    names = ("x", *lone.names[:-2])
    terms = Terms("y", tuple((Variable(name),) for name in names), Random("cluster"))
    matrix = np.column_stack([x, *covariates])
    sizes, m = lone.sizes[lone.sizes[:, 0] > 0, 0], lone.clusters_per_group
    labels = np.unique(cluster).tolist()
    return DataSet(terms, names, matrix, y.copy(), labels, sizes, clusters_per_group=m)


def errors_of_units(study: Study, design: Design, replication: int) -> tuple[Units, float]:
    """The same units with their errors in the place of y, and the true slope of x.

    NaN where a user's generator does not say.
    """
    chunk, at = divmod(replication - 1, streams.chunk_length(design.scenario, streams.ROWS))
    errors = errors_of(design, study.seed, streams.ROWS, chunk, at + 1)
    assert isinstance(errors.data, Units)
    return cut_rows(errors.data, at, at + 1), float(errors.slope[at])
