"""The interval of the variance ratio against dense matrices, and against its coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import fdtr

from simstudy.moments import Floats, Units
from simstudy.numerics.reduce import reduce
from simstudy.numerics.variance_interval import interval, of_intercepts, of_slopes

SIZES = np.array([1, 7, 3, 12, 5, 9])
SHAPE = np.array([[1.0, 0.3], [0.3, 0.5]])


def drawn(seed: int, sizes=SIZES) -> tuple[Floats, Floats]:
    """Predictors x (of units), z (of clusters), and y with effects of clusters and of x."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(sizes.size), sizes)
    x, z = rng.standard_normal(cluster.size) + 3.0, rng.standard_normal(sizes.size)[cluster]
    effects = rng.standard_normal((2, sizes.size))[:, cluster]
    y = 0.5 * x + z + effects[0] + 0.4 * effects[1] * x + rng.standard_normal(cluster.size)
    return np.column_stack([x, z]), y


def moments_of(columns: Floats, y: Floats, sizes=SIZES):
    """As analyses have them: covariates first, x, y."""
    ordered = (*columns.T[1:], columns[:, 0], y)
    columns = tuple(map(np.ascontiguousarray, ordered))
    if np.all(sizes == sizes[0]):
        columns = tuple(column.reshape(sizes.size, -1).T[:, :, None] for column in columns)
    return reduce(Units(sizes.reshape(-1, 1), columns, ("z", "x", "y")[-len(ordered) :]))


def dense(columns: Floats, y: Floats, random: Floats, psi: float) -> float:
    """RSS of generalized least squares with covariance I + psi ZGZ'."""
    fixed = np.column_stack([np.ones(y.size), columns])
    root = np.linalg.cholesky(np.eye(y.size) + psi * random)
    fixed, y = np.linalg.solve(root, fixed), np.linalg.solve(root, y)
    rest = y - fixed @ np.linalg.lstsq(fixed, y, rcond=None)[0]
    return float(rest @ rest)


def share(pivot, psi: float) -> float:
    """Of the F distribution below the pivot."""
    ratio = pivot.between(psi) / pivot.between_df / (pivot.within / pivot.within_df)
    return float(fdtr(pivot.between_df, pivot.within_df, ratio))


def covariance(x: Floats, shape: Floats) -> Floats:
    cluster = np.repeat(np.arange(SIZES.size), SIZES)
    same = cluster[:, None] == cluster[None, :]
    z = np.column_stack([np.ones(x.size), x])
    return (z @ shape @ z.T) * same


@pytest.mark.parametrize("slopes", [False, True], ids=["intercepts", "slopes"])
def test_the_pivot_is_that_of_dense_matrices(slopes):
    columns, y = drawn(1)
    shape = SHAPE if slopes else np.diag([1.0, 0.0])
    pivot = of_intercepts(moments_of(columns, y))
    if slopes:
        pivot = of_slopes(np.column_stack([columns, y]), SIZES, shape)
    random = covariance(columns[:, 0], shape)
    # clusters of one have a line through their point: no slope can be told there
    lines = np.eye(SIZES.size).repeat(SIZES, axis=0)
    whole = np.column_stack([lines, lines * columns[:, :1]]) if slopes else lines
    fixed = np.column_stack([np.ones(y.size), columns])
    rank = np.linalg.matrix_rank(np.column_stack([fixed, whole]))
    assert (pivot.between_df, pivot.within_df) == (rank - 3, y.size - rank)
    both = np.column_stack([fixed, whole])
    rest = y - both @ np.linalg.lstsq(both, y, rcond=None)[0]
    assert pivot.within == pytest.approx(rest @ rest, rel=1e-10)
    for psi in (0.0, 0.1, 2.0, 50.0):
        expected = dense(columns, y, random, psi) - rest @ rest
        assert pivot.between(psi) == pytest.approx(expected, rel=1e-8)


def test_its_ends_are_quantiles_of_f():
    columns, y = drawn(2)
    pivot = of_intercepts(moments_of(columns, y))
    low, high = interval(pivot)
    below = [share(pivot, psi) for psi in (low, high)]
    assert below == pytest.approx([0.975, 0.025], abs=1e-9)


@pytest.mark.parametrize("slopes", [False, True], ids=["intercepts", "slopes"])
def test_at_the_true_ratio_the_pivot_is_f(slopes):
    """600 small unbalanced sets: z of the counts in both tails, and of the mean."""
    rng, psi, n_sets = np.random.default_rng(3), 0.4, 600
    cluster = np.repeat(np.arange(SIZES.size), SIZES)
    columns, _ = drawn(4)
    root = np.linalg.cholesky(psi * SHAPE) if slopes else np.diag([psi**0.5, 0.0])
    shares = np.empty(n_sets)
    for k in range(n_sets):
        effects = (root @ rng.standard_normal((2, SIZES.size)))[:, cluster]
        y = effects[0] + effects[1] * columns[:, 0] + rng.standard_normal(cluster.size)
        pivot = of_intercepts(moments_of(columns, y))
        if slopes:
            pivot = of_slopes(np.column_stack([columns, y]), SIZES, SHAPE)
        shares[k] = share(pivot, psi)
    tails = np.array([(shares < 0.1).sum(), (shares > 0.9).sum()])
    assert np.abs(tails - 0.1 * n_sets).max() < 3.5 * math.sqrt(0.09 * n_sets)
    assert abs(shares.mean() - 0.5) < 3.5 / math.sqrt(12 * n_sets)


def test_what_data_do_not_tell_has_no_interval():
    """Two clusters and a predictor of theirs; clusters of one; no variance within clusters."""
    two, ones = np.array([4, 5]), np.ones(9, dtype=np.int64)
    x = np.repeat([0.0, 1.0], two)[:, None]
    y = np.arange(9.0) ** 2
    assert interval(of_intercepts(moments_of(x, y, two))) is None
    assert interval(of_intercepts(moments_of(np.arange(9.0)[:, None], y, ones))) is None
    flat = np.repeat([1.0, 5.0, 2.0], 3)
    x = np.array([0.0, 1.0, 3.0] * 3)[:, None]
    assert interval(of_intercepts(moments_of(x, flat, np.array([3, 3, 3])))) is None


def test_both_ends_may_be_zero():
    columns, y = drawn(5)
    first = np.cumsum(SIZES) - SIZES
    y = y - np.repeat(np.add.reduceat(y, first) / SIZES, SIZES)
    columns = columns - np.repeat(np.add.reduceat(columns, first) / SIZES[:, None], SIZES, axis=0)
    assert interval(of_intercepts(moments_of(columns[:, :1], y))) == (0.0, 0.0)
