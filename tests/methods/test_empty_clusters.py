"""Data sets that lost whole clusters are fitted as if these had never been there."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_numerics import assert_close, clusters_of, legal_methods
from helpers_own import study, use, written
from hypothesis import given, settings
from hypothesis import strategies as st

from simstudy.estimates import NUMBERS, Outcome
from simstudy.moments import Clusters, Units
from simstudy.numerics.batches import cut, cut_rows, reps_of, units
from simstudy.numerics.occupied import by_clusters_left
from simstudy.numerics.reduce import reduce
from simstudy.registry import configure

J, NONE_LEFT = 7, 5
SHARED = np.array([4, 1, 6, 3, 5, 4, 2])


def lossy(held, seed=3, kind="normal"):
    """Clusters of which some lost all units, and each data set built without these."""
    rng = np.random.default_rng(seed)
    n_reps = held.shape[1]
    sizes = np.where(held, rng.integers(1, 7, held.shape), 0)
    x, y = rng.standard_normal((2, int(sizes.sum())))
    cluster = np.repeat(np.broadcast_to(np.arange(J)[:, None], held.shape).ravel(), sizes.ravel())
    rep = np.repeat(np.broadcast_to(np.arange(n_reps), held.shape).ravel(), sizes.ravel())
    if kind == "arms":
        x = (cluster % 2).astype(float)
    y += 0.3 * x + 0.8 * rng.standard_normal((J, n_reps))[cluster, rep]
    batch = reduce(Units(sizes, (x, y)))
    alone = [
        clusters_of(sizes[held[:, k], k], x[rep == k, None], y[rep == k, None])
        if held[:, k].any()
        else None
        for k in range(n_reps)
    ]
    return batch, alone


def patterns():
    """All, none, one, two, ... clusters left, in several places."""
    rng = np.random.default_rng(1)
    held = np.arange(J)[:, None] < np.array([7, 6, 4, 5, 6, 0, 1, 2, 3])
    return rng.permuted(held, axis=0)


def words_of(n_reps, seed=4):
    """Random words of every replication, as a study gives them."""
    drawn = np.random.default_rng(seed).integers(0, 2**64, (4000, n_reps), dtype=np.uint64)
    read = 0

    def words(count):
        nonlocal read
        read += count
        return drawn[read - count : read]

    return words


def column(words, k):
    return lambda count: words(count)[:, k : k + 1]


@pytest.mark.parametrize("kind", ["normal", "arms"])
def test_every_method_sees_no_empty_cluster(kind):
    batch, alone = lossy(patterns(), kind=kind)
    assert not batch.sizes.all()
    n_reps = batch.n_reps
    for method in legal_methods()[:: 1 if kind == "normal" else 4]:
        draws = method.entry.draws
        found = method.fit(batch, words=words_of(n_reps) if draws else None)
        for k, clusters in enumerate(alone):
            if clusters is None:
                assert found.outcome[k] == Outcome.NO_UNITS
                continue
            one = method.fit(clusters, words=column(words_of(n_reps), k) if draws else None)
            what = method.canonical, k, clusters.n_clusters
            assert found.outcome[k] == one.outcome[0], what
            for name in (*NUMBERS, *(["tau2", "sigma2"] if one.tau2 is not None else [])):
                assert_close(getattr(found, name)[k], getattr(one, name)[0], 1e-9, 1e-11, what)
        assert (found.status[NONE_LEFT], np.isnan(found.estimate[NONE_LEFT])) == (3, True)


@given(st.integers(0, 2**31), st.floats(0.05, 0.95))
@settings(max_examples=25, deadline=None)
def test_sets_of_any_pattern(seed, share):
    held = np.random.default_rng(seed).random((J, 6)) < share
    batch, alone = lossy(held, seed)
    sets = by_clusters_left(batch)
    assert (sets is None) == bool(held.all())
    seen = [] if sets is None else [k for one in sets for k in one.index.tolist()]
    if sets is not None:
        assert sorted(seen) == np.flatnonzero(held.any(axis=0)).tolist()
    for one in sets or []:
        for at, k in enumerate(one.index.tolist()):
            same_moments(cut(one.clusters, at, at + 1), alone[k])
    for name in ("pooled", "dummy"):
        found = configure(name, {"se": "CR1"}).fit(batch)
        again = [configure(name, {"se": "CR1"}).fit(cut(batch, k, k + 1)) for k in range(6)]
        for number in NUMBERS:
            single = [getattr(one, number)[0] for one in again]
            assert_close(getattr(found, number), single, 1e-12, 1e-13)


def same_moments(left, right):
    assert left.sizes.tolist() == right.sizes.tolist()
    pairs = [*zip(left.means, right.means, strict=True)]
    pairs += [pair for rows in zip(left.within.rows, right.within.rows, strict=True)
              for pair in zip(*rows, strict=True)]  # fmt: skip
    for one, other in pairs:
        assert_close(one, other, 1e-12, 1e-13)


def test_what_replications_share_may_be_shared_where_clusters_are_lost():
    held = np.array([True, False, True, True, False, True, True])
    x, y = np.random.default_rng(8).standard_normal((2, SHARED.sum(), 5))
    whole = clusters_of(SHARED, x, y)
    lost = Clusters(np.where(held, SHARED, 0)[:, None], whole.means, whole.within)
    index = np.repeat(held, SHARED)
    built = clusters_of(SHARED[held], x[index], y[index])
    (one,) = by_clusters_left(lost)
    assert one.clusters.sizes.shape == (held.sum(), 1)
    for name in ("cluster_means", "random_intercept"):
        assert_close(
            configure(name).fit(lost).std_error, configure(name).fit(built).std_error, 1e-12
        )


def test_nothing_empty_is_nothing_done():
    batch, _ = lossy(np.ones((J, 4), dtype=bool))
    assert by_clusters_left(batch) is None
    method = configure("pooled")
    method.fit(batch)
    assert any("whole" in getattr(key[0], "__name__", "") for key in batch.results)


def test_frames_of_lost_clusters_have_no_rows():
    held = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]], dtype=bool)
    sizes = np.where(held, [[2, 2, 2], [2, 3, 2], [3, 1, 2]], 0)
    order = np.arange(sizes.sum(), dtype=float)
    rows = Units(sizes, (order, -order))
    lone = [cut_rows(rows, k, k + 1) for k in range(3)]
    assert [reps_of(one) for one in lone] == [1, 1, 1]
    frames = [[column.tolist() for column in units(one)] for one in lone]
    assert frames[0][:2] == [[1, 1, 3, 3, 3], [0.0, 1.0, 5.0, 6.0, 7.0]]
    assert frames[1][:2] == [[2, 2, 2, 3], [2.0, 3.0, 4.0, 8.0]]
    assert frames[2] == [[], [], []]
    assert reduce(lone[2]).sizes.tolist() == [[0], [0], [0]]
    assert configure("pooled").fit(reduce(lone[2])).outcome.tolist() == [Outcome.NO_UNITS]


def test_a_replication_whose_clusters_are_equal_by_chance_is_one_alone():
    sizes = np.array([[2, 2], [3, 2], [2, 2]])
    rows = Units(sizes, (np.arange(13.0), np.arange(13.0) ** 2))
    whole, alone = reduce(rows), reduce(cut_rows(rows, 1, 2))
    np.testing.assert_allclose(alone.mean_x[:, 0], whole.mean_x[:, 1])
    np.testing.assert_allclose(alone.within.yy[:, 0], whole.within.yy[:, 1])
    assert units(cut_rows(rows, 1, 2))[1].tolist() == [2, 3, 7, 8, 11, 12]


def test_own_methods_see_no_empty_cluster(tmp_path):
    written(tmp_path)
    batch, _ = lossy(patterns())
    ols, means, bootstrap = study(
        [use(tmp_path, name) for name in ("ols", "means", "bootstrap")]
    ).methods
    found = means.fit(batch, words=words_of(1))
    known = configure("cluster_means").fit(batch)
    assert found.outcome[NONE_LEFT] == Outcome.NO_UNITS
    kept = known.outcome == Outcome.OK
    assert kept.sum() > 4
    assert_close(found.std_error[kept], known.std_error[kept], 1e-10)
    order = np.arange(batch.sizes.sum(), dtype=float)
    rows = Units(batch.sizes, (order, np.sqrt(order)))
    fitted = ols.fit(rows)
    assert fitted.outcome[NONE_LEFT] == Outcome.NO_UNITS and fitted.failures[NONE_LEFT] is None
    reduced = configure("pooled").fit(reduce(rows))
    assert_close(fitted.std_error, reduced.std_error, 1e-9)
    whole = bootstrap.fit(rows, words=words_of(batch.n_reps)).estimate
    for k in (NONE_LEFT - 1, NONE_LEFT + 3):
        one = bootstrap.fit(cut_rows(rows, k, k + 1), words=column(words_of(batch.n_reps), k))
        assert one.estimate[0] == whole[k]
