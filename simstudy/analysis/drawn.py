"""One replication of a scenario drawn again, as a data set."""

from __future__ import annotations

import numpy as np

from simstudy.analysis.data import DataSet
from simstudy.analysis.terms import Random, Terms, Variable
from simstudy.custom.own_source import OwnSource
from simstudy.errors import UserError
from simstudy.generators import streams
from simstudy.moments import Clusters, Pooled, Units
from simstudy.numerics.batches import cut_data, units
from simstudy.numerics.stand_in import units_with
from simstudy.runner.realized import Errors, errors_of
from simstudy.study.drawing import source_of
from simstudy.study.grid import Design
from simstudy.study.study import Study

_MOST = 2_000_000  # units that are held


def data_set(study: Study, design: Design, replication: int) -> DataSet:
    """Units of one replication, sorted by cluster; `UserError` where they cannot be had."""
    if draws_moments(design):
        raise UserError(f"{_place(design)} draws moments of clusters, not units")
    return _as_data_set(_units(study, design, replication))


def stand_in(study: Study, design: Design, replication: int) -> DataSet:
    """The same, or units with the moments that a user's generator draws instead."""
    return _as_data_set(_units(study, design, replication))


def draws_moments(design: Design) -> bool:
    """Whether nobody has the units, since a user's generator draws moments."""
    own = design.scenario.generator
    return own is not None and own.grain == "clusters"  # not where nobody may know


def lone_errors(study: Study, design: Design, replication: int) -> Errors:
    """Errors of the data set of one replication, units or else moments, in the place of y."""
    grain = _grain(design)
    chunk, at = divmod(replication - 1, streams.chunk_length(design.scenario, grain))
    errors = errors_of(design, study.seed, grain, chunk, at + 1)
    return Errors(
        cut_data(errors.data, at, at + 1), errors.lost[at : at + 1], errors.slope[at : at + 1]
    )


def _grain(design: Design) -> int:
    return streams.CLUSTERS if draws_moments(design) else streams.ROWS


def _units(study: Study, design: Design, replication: int) -> Units:
    if design.n_obs > _MOST:
        raise UserError(f"the data set has more than {_MOST:,} units")
    grain = _grain(design)
    chunk, at = divmod(replication - 1, streams.chunk_length(design.scenario, grain))
    source = source_of(design, study.seed)
    drawn = source.moments(grain, chunk, at + 1)
    assert not isinstance(drawn, Pooled)
    if isinstance(source, OwnSource) and source.told(grain, chunk, at + 1).lost[at]:
        raise UserError(f"{_place(design)} drew no data")
    lone = cut_data(drawn, at, at + 1)
    lone = units_with(lone) if isinstance(lone, Clusters) else lone
    if not lone.y.size:
        raise UserError(f"replication {replication} of scenario {design.id} has no units left")
    return lone


def _place(design: Design) -> str:
    own = design.scenario.generator
    return "" if own is None else own.place


def _as_data_set(lone: Units) -> DataSet:
    cluster, *covariates, x, y = units(lone)
    names = ("x", *lone.names[:-2])
    terms = Terms("y", tuple((Variable(name),) for name in names), Random("cluster"))
    matrix = np.column_stack([x, *covariates])
    sizes, m = lone.sizes[lone.sizes[:, 0] > 0, 0], lone.clusters_per_group
    labels = np.unique(cluster).tolist()
    return DataSet(terms, names, matrix, y.copy(), labels, sizes, clusters_per_group=m)
