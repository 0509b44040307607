"""Time beside covariates that are fixed before the errors are drawn, such as an arm."""

from __future__ import annotations

import numpy as np
import pytest

from simstudy import UserError
from simstudy.generators import streams
from simstudy.generators.source import Source
from simstudy.moments import Clusters, Units
from simstudy.numerics.batches import cut_rows, units
from simstudy.numerics.reduce import reduce
from simstudy.study.study import load

ARM = {"w": {"icc": 1, "type": "binary", "slope": 2.0}, "z": {"icc": 0.2}}
BASE = {"n_clusters": 8, "icc": 0.3, "x": "time", "slope": 0.5, "covariates": ARM}


def source(**fields):
    head = {"name": "time", "seed": 5, "replications": 10, "methods": ["pooled"]}
    (design,) = load(head | {"scenarios": BASE | fields}).designs
    return Source(design.scenario, 5, design.key)


@pytest.mark.parametrize("more", [{}, {"slope_sd": 0.3}, {"errors": {"t": 5}}])
@pytest.mark.parametrize("size", [5, {"uniform": [1, 6]}])
def test_time_is_the_order_of_units_beside_an_arm(size, more):
    of = source(cluster_size=size, **more)
    coarse, rows = of.moments(streams.CLUSTERS, 0), of.moments(streams.ROWS, 0)
    assert isinstance(coarse, Clusters) and isinstance(rows, Units)
    cluster, *columns = units(cut_rows(rows, 1, 2))
    w, x = (columns[rows.names.index(name)] for name in ("w", "x"))
    n = np.bincount(cluster)[1:]
    order = np.concatenate([np.arange(k) - 0.5 * (k - 1) for k in n])
    assert np.allclose(x, order / np.sqrt((order**2).mean()), atol=1e-12)
    arms = [np.unique(w[cluster == j]).tolist() for j in range(1, 9)]
    assert sorted(arms) == [[0.0]] * 4 + [[1.0]] * 4
    finer = reduce(rows)
    for k in range(4):
        for m in range(k + 1):
            first, second = coarse.within.product(k, m), finer.within.product(k, m)
            width = finer.n_reps
            assert np.allclose(np.broadcast_to(first, (8, coarse.n_reps))[:, :width], second)


def test_the_slope_of_time_beside_an_arm_has_the_variance_of_longhand():
    of = source(cluster_size=4)
    drawn = [of.moments(streams.CLUSTERS, k) for k in range(40)]
    slopes = np.concatenate([
        one.within.product(-1, -2).sum(axis=0) / one.within.product(-2, -2).sum(axis=0)
        for one in drawn
    ])  # fmt: skip
    variance = 0.7 / 32  # sigma2 over the sum of the squares of 8 times 4 units
    assert abs(slopes.mean() - 0.5) < 4 * np.sqrt(variance / slopes.size)
    assert abs(slopes.var() / variance - 1.0) < 4 * np.sqrt(2.0 / slopes.size)


@pytest.mark.parametrize("binary", [{"icc": 0, "type": "binary"}, {"type": "binary_blocked"}])
def test_a_binary_covariate_within_clusters_is_refused_beside_time(binary):
    with pytest.raises(UserError, match="not drawn beside x: time; give it icc 1"):
        source(cluster_size=5, covariates={"w": binary})
