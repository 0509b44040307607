"""Clusters and arms of which nothing is left."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from simstudy.generators import streams
from simstudy.generators.source import Source
from simstudy.moments import Clusters, Units
from simstudy.study.study import load

LOST = [{"units": 0.8}, {"units": 0.7, "by": "x"}, {"units": 0.6, "by": "cluster"}]
WORLDS = {
    "normal": {},
    "arms": {"x": "binary", "x_icc": 0, "error_variance": {"arms": 3}},
    "treated": {"x": "binary", "x_icc": 1, "endogeneity": 0.3},
    "blocked": {"x": "binary_blocked", "x_icc": None},
    "time": {"x": "time", "x_icc": None, "cluster_size": 4},
    "units": {"errors": {"t": 5}},
    "covariate": {"covariates": {"z": {"icc": 0.2, "slope": 0.3}}},
    "given": {"covariates": {"z": {"icc": 0, "type": "binary"}}},
    "groups": {"third_level": {"clusters": 4, "icc": 0.1}, "slope_sd": 0.3},
    "variances": {"error_variance": {"clusters": 0.5}, "informative_size": 0.3},
}
BASE = {
    "n_clusters": 8,
    "cluster_size": {"uniform": [1, 5]},
    "icc": 0.2,
    "x_icc": 0.5,
    "slope": 0.4,
}


def source(**fields):
    grid = {key: value for key, value in (BASE | fields).items() if value is not None}
    head = {"name": "lost", "seed": 4, "replications": 10, "methods": ["pooled"]}
    (design,) = load(head | {"scenarios": grid}).designs
    return Source(design.scenario, 4, design.key)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("world", "lost"), list(itertools.product(WORLDS, range(len(LOST)))))
def test_nothing_is_drawn_of_what_is_lost(world, lost):
    of = source(**WORLDS[world], missing=LOST[lost])
    coarse = of.moments(streams.CLUSTERS, 0)
    assert isinstance(coarse, Clusters)
    empty = coarse.sizes == 0
    assert empty.any() and not empty.all()
    for values in (*coarse.means, *(entry for row in coarse.within.rows for entry in row)):
        held = np.broadcast_to(values, empty.shape)
        assert np.isfinite(held).all()
    for entry in coarse.within.column(-1):
        assert not np.broadcast_to(entry, empty.shape)[empty].any()
    rows = of.moments(streams.ROWS, 0)
    assert isinstance(rows, Units)
    assert all(np.isfinite(column).all() for column in rows.columns)
    length = rows.sizes.shape[1]
    assert np.array_equal(rows.sizes, coarse.sizes[:, :length])


def test_an_arm_without_units_has_no_part_in_its_cluster():
    of = source(x="binary", x_icc=0, cluster_size=1, icc=0.0, slope=0.0,
                error_variance={"arms": 4})  # fmt: skip
    drawn = [of.moments(streams.CLUSTERS, k) for k in range(40)]
    assert all(np.all(one.sizes == 1) for one in drawn)
    x, y = (np.concatenate([np.broadcast_to(m, (8, one.n_reps)).ravel() for one in drawn
                            for m in [one.means[k]]]) for k in (0, 1))  # fmt: skip
    assert set(np.unique(x)) == {0.0, 1.0}
    for arm, variance in ((0.0, 0.4), (1.0, 1.6)):
        squares = y[x == arm] ** 2
        z = (squares.mean() - variance) / (variance * np.sqrt(2.0 / squares.size))
        assert abs(z) < 4, (arm, z)


@pytest.mark.parametrize("world", ["normal", "covariate", "units"])
def test_a_replication_of_its_own_chunk_may_lose_nothing(world):
    of = source(**WORLDS[world], n_clusters=2, cluster_size=20000,
                missing={"units": 1e-9, "by": "x"})  # fmt: skip
    assert streams.chunk_length(of.scenario, streams.ROWS) == 1
    rows = of.moments(streams.ROWS, 0)
    assert isinstance(rows, Units)
    assert (rows.sizes == 20000).all() and rows.x.shape == (20000, 2, 1)
    coarse = of.moments(streams.CLUSTERS, 0)
    assert isinstance(coarse, Clusters)
    assert np.allclose(coarse.mean_x[:, 0], rows.x[:, :, 0].mean(axis=0), atol=1e-9)
