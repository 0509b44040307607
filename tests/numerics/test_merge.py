"""Clusters merged into groups: what reducing the units of each group gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers_generators import same_bits
from hypothesis import given, settings
from hypothesis import strategies as st

from simstudy.moments import Clusters, Factor, Units
from simstudy.numerics.batches import cut, join
from simstudy.numerics.merge import merged
from simstudy.numerics.reduce import reduce

KINDS = ("units", "clusters", "groups", "twice")  # what a predictor varies between


def _moments(sizes: np.ndarray, columns: list[np.ndarray], names: tuple[str, ...]) -> Clusters:
    """Moments of one replication's units, cluster by cluster."""
    if np.all(sizes == sizes[0]):
        columns = [c.reshape(sizes.size, -1).T[:, :, None].copy() for c in columns]
    return reduce(Units(sizes.reshape(-1, 1), tuple(c.copy() for c in columns), names))


def _replication(rng: np.random.Generator, m: int, n_groups: int, kinds: list[str], offset: float):
    """The same units by cluster and by group."""
    sizes = rng.integers(1, 5, m * n_groups)
    cluster = np.repeat(np.arange(sizes.size), sizes)
    index = {"units": np.arange(cluster.size), "clusters": cluster, "groups": cluster // m}
    columns: list[np.ndarray] = []
    for kind in kinds:
        if kind == "twice":  # a combination of the one before it
            columns.append(3.0 * columns[-1] if columns else np.full(cluster.size, 0.1))
        else:
            columns.append((offset + rng.standard_normal(cluster.size))[index[kind]])
    columns.append(offset + rng.standard_normal(cluster.size))
    names = (*(f"x{k}" for k in range(len(kinds))), "y")
    of_groups = sizes.reshape(-1, m).sum(axis=1)
    return _moments(sizes, columns, names), _moments(of_groups, columns, names)


def _assert_equal(found: Clusters, expected: Clusters, scale: float = 1.0):
    assert np.array_equal(found.sizes, expected.sizes) and found.names == expected.names
    for one, other in zip(found.means, expected.means, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12 * scale)
    p = len(expected.names)
    lengths = [np.sqrt(expected.within.product(k, k)) for k in range(p)]
    for k in range(p):
        for i in range(k + 1):
            gap = np.abs(found.within.product(i, k) - expected.within.product(i, k))
            assert np.all(gap <= 1e-12 * scale * (lengths[i] * lengths[k] + 1e-30))
        if k < p - 1:
            constant = expected.within.product(k, k) == 0
            for entry in found.within.column(k):
                assert np.all(np.broadcast_to(entry, constant.shape)[constant] == 0)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 4),
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=4),
)  # fmt: skip
def test_groups_are_the_clusters_of_their_units(seed, m, n_groups, kinds):
    rng = np.random.default_rng(seed)
    drawn = [_replication(rng, m, n_groups, kinds, offset=0.5) for _ in range(3)]
    clusters, groups = (join(list(side)) for side in zip(*drawn, strict=True))
    _assert_equal(merged(clusters, m), groups)


def test_far_from_zero():
    """Nothing cancels: a mean of a million costs six digits of the units, no more."""
    drawn = _replication(np.random.default_rng(1), 4, 30, ["units", "clusters"], offset=1e6)
    _assert_equal(merged(drawn[0], 4), drawn[1], scale=1e6)


def test_constant_in_a_group_is_exactly_so():
    """Means of .1 over sizes that no binary fraction has: their weighted mean is off by an ulp."""
    sizes = np.array([[3], [7], [11], [3], [5], [6]])
    x = np.array([[0.1], [0.1], [0.1], [0.7], [0.7], [0.7 + 1e-15]])
    y = np.random.default_rng(2).standard_normal((6, 4))
    none, r = np.zeros((6, 1)), np.ones((6, 4))
    groups = merged(Clusters(sizes, (x, y), Factor.of_line(none, np.zeros((6, 4)), r)), 3)
    assert groups.mean_x[0, 0] == 0.1 and groups.within.a[0, 0] == 0
    assert np.all(groups.within.b[0] == 0) and groups.within.a[1, 0] > 0
    assert groups.sizes.tolist() == [[21], [14]] and groups.balanced is False


@pytest.mark.parametrize("shared", [True, False])
def test_empty_clusters_count_for_nothing(shared):
    rng = np.random.default_rng(3)
    drawn = [_replication(rng, 3, 4, ["units", "clusters"], offset=0.5)[0] for _ in range(2)]
    full = drawn[0] if shared else join(drawn)

    def with_empty(values: np.ndarray, empty: float) -> np.ndarray:
        at = [0, 4, 8, 9]  # one a group: the first of two groups, one in between of two
        return np.insert(values, at, empty, axis=0)

    holes = replace(
        full,
        sizes=with_empty(full.sizes, 0),
        means=tuple(with_empty(mean, np.nan) for mean in full.means),
        within=full.within.map(lambda entry: with_empty(entry, 0.0)),
    )
    assert np.array_equal(np.flatnonzero(holes.sizes[:, 0] == 0), [0, 5, 10, 12])
    found, expected = merged(holes, 4), merged(full, 3)
    _assert_equal(found, expected)


def test_a_group_of_empty_clusters_is_empty():
    zeros = np.zeros((4, 2))
    y = np.array([[np.nan, 1.0], [np.nan, 2.0], [3.0, 3.0], [4.0, 4.0]])
    sizes = np.array([[0, 1], [0, 1], [2, 2], [2, 2]])
    groups = merged(Clusters(sizes, (zeros, y), Factor.of_line(zeros, zeros, zeros)), 2)
    assert groups.sizes.tolist() == [[0, 2], [4, 4]]
    assert groups.within.r[0].tolist() == [0.0, pytest.approx(0.5**0.5)]


def test_alone_as_in_a_batch():
    """A replication's groups have the same bits whatever stands beside it."""
    rng = np.random.default_rng(4)
    kinds = ["units", "clusters", "groups"]
    whole = join([_replication(rng, 12, 3, kinds, offset=0.5)[0] for _ in range(5)])
    groups = merged(whole, 12)
    assert same_bits(cut(groups, 2, 3), merged(cut(whole, 2, 3), 12))
    assert merged(whole, 12) is groups
