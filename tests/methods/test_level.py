"""`level: 3`: any method, fitted to groups as to clusters."""

from __future__ import annotations

from dataclasses import replace

import helpers_numerics as h
import numpy as np
import pytest

from simstudy.custom.call import frame
from simstudy.errors import UserError
from simstudy.moments import Clusters, Units
from simstudy.numerics.merge import merged
from simstudy.numerics.reduce import reduce
from simstudy.registry import configure, methods

M, GROUPS, R = 3, 8, 6
SIZES = np.array([2, 5, 1, 3, 3, 4, 6, 2] * M)


def _units(n_reps: int, names: tuple[str, ...]) -> Units:
    """Units in clusters of `SIZES` whose first M, next M, ... form groups."""
    rng = np.random.default_rng(8)
    cluster = h.labels(SIZES)
    by_level = [np.arange(cluster.size), cluster, cluster // M]
    columns = []
    for _ in names:
        parts = [rng.standard_normal((level.max() + 1, n_reps))[level] for level in by_level]
        columns.append(sum(parts))
    sizes = np.broadcast_to(SIZES[:, None], (SIZES.size, n_reps))
    order = np.lexsort((np.tile(np.arange(n_reps), cluster.size), np.repeat(cluster, n_reps)))
    return Units(sizes, tuple(c.ravel()[order] for c in columns), names, clusters_per_group=M)


@pytest.fixture(scope="module")
def clusters() -> Clusters:
    return reduce(_units(R, ("z", "x", "y")))


def _words(k: int) -> np.ndarray:
    return np.random.SFC64(5).random_raw(k * R).reshape(k, R)


@pytest.mark.parametrize("name", methods())
def test_groups_are_fitted_as_clusters(clusters, name):
    """The same rows, bit for bit, as from moments whose clusters the groups are."""
    more = {"omit": ["z"]} | ({"se": "CR1"} if name == "pooled" else {})
    at_3, at_2 = (configure(name, {"level": level, **more}, ["z"]) for level in (3, 2))
    found, expected = at_3.fit(clusters, words=_words), at_2.fit(merged(clusters, M), words=_words)
    for key in ("estimate", "std_error", "df", "p_value", "outcome", "tau2", "sigma2"):
        one, other = getattr(found, key), getattr(expected, key)
        assert (one is None and other is None) or np.array_equal(one, other, equal_nan=True), key
    below = at_2.fit(clusters, words=_words)
    assert np.all(np.abs(found.p_value - below.p_value) > 1e-6)


def test_covariates_and_options(clusters):
    """Which columns are in the model is a matter of names, before and after merging."""
    for options in ({"estimand": "z"}, {"estimand": "intercept", "null_value": 0.2}):
        at_3, at_2 = (configure("random_intercept", {"level": k, **options}, ["z"]) for k in (3, 2))
        found, expected = at_3.fit(clusters), at_2.fit(merged(clusters, M))
        np.testing.assert_allclose(found.p_value, expected.p_value, rtol=1e-9)
        assert at_3.grain == "clusters" and (at_2.grain == "pooled" or "null_value" in options)


def test_pooled_fit_by_classical_errors_knows_no_clusters(clusters):
    at_3, at_2 = (configure("pooled", {"level": level}).fit(clusters) for level in (3, 2))
    for key in ("estimate", "std_error", "p_value"):
        np.testing.assert_allclose(getattr(at_3, key), getattr(at_2, key), rtol=1e-11)


def test_units_have_their_group():
    """A frame of a user's method: clusters are numbered over all groups."""
    one = replace(_units(1, ("z", "x", "y")), sizes=SIZES.reshape(-1, 1))
    data = frame(one)
    assert list(data.columns) == ["cluster", "group", "x", "z", "y"]
    assert data.groupby("group").cluster.agg(["min", "max"]).to_numpy().tolist() == [
        [1 + M * g, M + M * g] for g in range(GROUPS)
    ]
    assert "group" not in frame(replace(one, clusters_per_group=0))
    assert reduce(one).clusters_per_group == M


def test_names_and_advice():
    chosen = configure("pooled", {"se": "CR2", "null_value": 0.3, "level": 3, "omit": "z"}, ["z"])
    assert chosen.canonical == "pooled[se=CR2,level=3,omit=z,null_value=0.3]"
    (written,) = chosen.written(h.REFERENCE).values()
    assert configure("pooled", written, ["z"]) == chosen
    plain = configure("dummy", {"level": 2})
    assert plain.canonical == "dummy" and plain == configure("dummy")
    for given, message in (
        ({"level": "school"}, r"expected 2 \(clusters\) or 3 \(groups of clusters\), got 'school'"),
        ({"level": True}, "got True"),
        ({"cluster": "group"}, "write level: 3"),
        ({"clustered_by": "groups"}, "write level: 3"),
        ({"grouping": "school"}, "did you mean 'level'"),
    ):
        with pytest.raises(UserError, match=message):
            configure("pooled", given)
