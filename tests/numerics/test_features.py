"""Features of data sets against sums written out, and their errors against repetition."""

from __future__ import annotations

import numpy as np
import pytest

from simstudy.moments import Units
from simstudy.numerics.features import concatenated, features_of, sums_of
from simstudy.numerics.reduce import reduce

J = 6


def drawn(rng, n_reps, low=0):
    """Units with chi-square errors and effects of clusters, some of which are empty."""
    sizes = rng.integers(low, 6, (J, n_reps))
    cell = np.repeat(np.arange(sizes.size), sizes.ravel())
    effects = rng.standard_normal(sizes.size) * np.sqrt(0.3)
    errors = (rng.chisquare(12, cell.size) - 12) / np.sqrt(24) * np.sqrt(0.7)
    x = rng.standard_normal(cell.size) + rng.standard_normal(sizes.size)[cell]
    return Units(sizes, (x, effects[cell] + errors))


def by_hand(units):
    """(tau2, sigma2) of every replication, and second and third cumulants, cluster by cluster."""
    sizes = units.sizes
    ends = np.cumsum(sizes.ravel()).reshape(sizes.shape)
    rows = []
    for r in range(sizes.shape[1]):
        groups = [units.y[ends[j, r] - sizes[j, r] : ends[j, r]] for j in range(J) if sizes[j, r]]
        n = np.array([len(group) for group in groups], dtype=float)
        whole = np.concatenate(groups)
        msw = sum(((g - g.mean()) ** 2).sum() for g in groups) / (n.sum() - n.size)
        msb = sum(len(g) * (g.mean() - whole.mean()) ** 2 for g in groups) / (n.size - 1)
        n0 = (n.sum() - (n**2).sum() / n.sum()) / (n.size - 1)
        cubes = sum(((g - g.mean()) ** 3).sum() for g in groups)
        rows.append([(msb - msw) / n0, msw, cubes / ((n - 1) * (n - 2) / n).sum(), n.size])
    return np.array(rows).T


@pytest.mark.parametrize("as_clusters", [False, True])
def test_sums_are_those_of_the_clusters_that_hold_units(as_clusters):
    units = drawn(np.random.default_rng(2), 25)
    assert (units.sizes == 0).any()
    sums = sums_of(reduce(units) if as_clusters else units)
    tau2, sigma2, k3, j = by_hand(units)
    np.testing.assert_allclose(sums["tau2 e"], tau2, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(sums["sigma2 e"], sigma2, rtol=1e-12)
    assert sums["clusters"].tolist() == j.tolist()
    found = features_of(sums)
    assert found["icc"].value == pytest.approx(tau2.mean() / (tau2.mean() + sigma2.mean()))
    held = units.sizes[units.sizes > 0]
    assert found["size_cv"].value == pytest.approx(held.std() / held.mean())
    assert found["n_clusters"].value == j.mean()
    if as_clusters:
        assert np.isnan(found["skewness"].value)
    else:
        np.testing.assert_allclose(sums["k3"], k3, rtol=1e-10)
        np.testing.assert_allclose(sums["k2"], sigma2, rtol=1e-12)
        assert found["skewness"].value == pytest.approx(k3.mean() / sigma2.mean() ** 1.5)


def test_errors_are_those_of_repetition_and_values_those_of_the_law():
    """300 times 100 replications: a standard deviation to 4 percent."""
    rng, times, n_reps = np.random.default_rng(5), 300, 100
    sums = [sums_of(drawn(rng, n_reps, low=1)) for _ in range(times)]
    each = [features_of(one) for one in sums]
    whole = features_of(concatenated(sums))
    law = {"icc": 0.3, "x_icc": 0.5, "size_cv": np.sqrt(2.0) / 3.0, "skewness": np.sqrt(8 / 12)}
    for name, value in law.items():
        spread = np.std([one[name].value for one in each], ddof=1)
        said = np.mean([one[name].mcse for one in each])
        assert said == pytest.approx(spread, rel=0.14), name
        assert whole[name].mcse == pytest.approx(spread / np.sqrt(times), rel=0.14), name
        assert abs(whole[name].value - value) < 4 * whole[name].mcse, name


@pytest.mark.filterwarnings("error")
def test_a_replication_without_units_has_no_part_but_in_their_number():
    rng = np.random.default_rng(3)
    sizes = np.array([[0, 3], [0, 2], [0, 4]])
    units = Units(sizes, tuple(rng.standard_normal((2, 9))))
    alone = Units(sizes[:, 1:], units.columns)
    found, expected = (features_of(sums_of(one)) for one in (units, alone))
    assert found["n_clusters"].value == 1.5
    for name in ("icc", "x_icc", "size_cv", "skewness"):
        assert found[name].value == pytest.approx(expected[name].value), name


def test_what_does_not_vary_has_no_error_and_what_cannot_be_has_no_number():
    rng = np.random.default_rng(1)
    x, y = np.ones((3, 4, 2)), rng.standard_normal((3, 4, 2))
    found = features_of(sums_of(Units(np.full((4, 1), 3), (x, y))))
    assert found["size_cv"] == (0.0, 0.0) and found["n_clusters"] == (4.0, 0.0)
    assert np.isnan(found["x_icc"].value) and np.isfinite(found["icc"].mcse)
    alone = features_of(sums_of(Units(np.full((4, 1), 3), (x[..., :1], y[..., :1]))))
    assert np.isfinite(alone["icc"].value) and np.isnan(alone["icc"].mcse)
    singles = features_of(sums_of(Units(np.ones((4, 1), dtype=int), (x[:1], y[:1]))))
    assert np.isnan(singles["icc"].value) and np.isnan(singles["skewness"].value)
