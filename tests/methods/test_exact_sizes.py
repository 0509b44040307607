"""Simulated error rates against exact answers: 100,000 replications, within 4 MCSE.

At 100,000 replications the MCSE of a rate of .05 is .0007, so an error of 6 % of it fails.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import exact
import pytest
from helpers_simulation import simulate

from simstudy.measures.built_in.std_errors import relative_error_model_se
from simstudy.measures.record import Cells

pytestmark = pytest.mark.slow

N = 100_000
POINTS = [
    (4, 10, 0.2), (10, 10, 0.05), (20, 10, 0.1), (10, 20, 0.05),
    (10, 20, 0.1), (10, 20, 0.2), (6, 50, 0.05), (4, 20, 0.05),
]  # fmt: skip
PUBLISHED = [0.25841, 0.10418, 0.15611, 0.16153, 0.25305, 0.37918, 0.29429, 0.16314]


def scenario(j, n, icc, x_icc=1.0, **more):
    return {"n_clusters": j, "cluster_size": n, "icc": icc, "x_icc": x_icc, "slope": 0} | more


def z_of_rate(count, n, truth):
    return (count / n - truth) / math.sqrt(truth * (1 - truth) / n)


@pytest.mark.parametrize(("point", "printed"), list(zip(POINTS, PUBLISHED, strict=True)))
def test_oracle_of_the_naive_size(point, printed):
    assert exact.naive_size(*point) == pytest.approx(printed, abs=6e-6)


@pytest.mark.parametrize("point", POINTS)
def test_naive_t_on_a_cluster_level_predictor(point):
    (totals,) = simulate(scenario(*point), ["pooled"])
    assert totals.n_used == N
    assert abs(z_of_rate(totals.rejected[0], N, exact.naive_size(*point))) < 4


@pytest.mark.parametrize("point", [(10, 10, 0.05), (30, 20, 0.1), (100, 5, 0.2)])
def test_se_bias_of_the_naive_t(point):
    (totals,) = simulate(scenario(*point), ["pooled"])
    found = relative_error_model_se(Cells(totals.totals, (0.05,), 0.0))
    assert abs(found.value - exact.naive_se_bias(*point)) < 4 * found.mcse
    assert found.mcse < 0.35  # so that an error of 1.5 percentage points fails


@pytest.mark.parametrize("j", [5, 30])
@pytest.mark.parametrize("icc", [0.0, 0.3, 0.8])
def test_pooled_holds_its_level_when_x_is_a_units_own(j, icc):
    pooled, dummy = simulate(scenario(j, 10, icc, x_icc=0.0), ["pooled", "dummy"])
    for totals in (pooled, dummy):
        assert abs(z_of_rate(totals.rejected[0], N, 0.05)) < 4


def test_dummy_holds_its_level_for_every_x_that_varies_within():
    (totals,) = simulate(scenario(8, 4, 0.4, x_icc=0.9), ["dummy"])
    assert abs(z_of_rate(totals.rejected[0], N, 0.05)) < 4


@pytest.mark.parametrize(
    ("point", "printed"),
    [((10, 10, 0.2), 0.03087), ((30, 20, 0.1), 0.03924), ((4, 50, 0.4), 0.02166)],
)
def test_blocked_treatment_is_conservative(point, printed):
    truth = exact.blocked_size(*point)
    assert truth == pytest.approx(printed, abs=6e-6)
    design = scenario(*point, x="binary_blocked")
    del design["x_icc"]
    (totals,) = simulate(design, ["pooled"])
    assert abs(z_of_rate(totals.rejected[0], N, truth)) < 4


@pytest.mark.parametrize(
    ("point", "share", "size"),
    [
        ((6, 5, 0.05), 0.45789, 0.01155),
        ((10, 10, 0.1), 0.12822, 0.04138),
        ((30, 20, 0.02), 0.13509, 0.046418),
    ],
)
def test_reml_with_kenward_roger_boundary_included(point, share, size):
    assert exact.boundary_share(*point) == pytest.approx(share, abs=6e-6)
    assert exact.kenward_roger_size(*point) == pytest.approx(size, abs=6e-6)
    (totals,) = simulate(scenario(*point), ["random_intercept"])
    assert abs(z_of_rate(totals.by_status[1], N, share)) < 4
    assert abs(z_of_rate(totals.rejected[0], N, exact.kenward_roger_size(*point))) < 4


@pytest.mark.parametrize("j", [4, 10])
def test_a_shuffled_binary_treatment_of_equal_clusters_has_the_same_size(j):
    (totals,) = simulate(scenario(j, 10, 0.2, x="binary"), ["pooled"])
    assert abs(z_of_rate(totals.rejected[0], N, exact.naive_size(j, 10, 0.2))) < 4


def test_unequal_clusters_with_a_fixed_predictor_from_a_file(tmp_path: Path):
    sizes, x = [3, 8, 20, 5, 12, 30], [0, 1, 0, 1, 0, 1]
    truth = exact.naive_size_fixed_x(sizes, x, 0.1)
    assert truth == pytest.approx(0.24944, abs=6e-6)
    file = tmp_path / "x.csv"
    with file.open("w", newline="") as stream:
        rows = [(j, x[j]) for j, n in enumerate(sizes) for _ in range(n)]
        csv.writer(stream).writerows([("school", "treated"), *rows])
    given = {"file": str(file), "column": "treated", "cluster": "school"}
    (totals,) = simulate({"icc": 0.1, "slope": 0, "x": given}, ["pooled"])
    assert abs(z_of_rate(totals.rejected[0], N, truth)) < 4


@pytest.mark.parametrize("x_icc", [0.5, 1.0])
def test_slope_is_unbiased_and_power_is_not_size(x_icc):
    """Estimates scatter about the true slope, also where a contextual effect is absent."""
    design = scenario(10, 10, 0.1, x_icc=x_icc) | {"slope": 0.3}
    for totals in simulate(design, ["pooled", "random_intercept"], 20_000):
        mcse = math.sqrt(totals.powers[2, 0]) / totals.n_used
        assert abs(totals.error) < 4 * mcse
        assert totals.rejected[0] > 0.3 * totals.n_used
        assert 0.5 < totals.covered[0] / totals.n_used < 0.99


def test_a_contextual_effect_biases_pooled_and_leaves_dummy():
    """Pooled OLS estimates the within slope plus the between share of x times the effect.

    With J large: plim = slope + effect * V(xbar) / V(x), V(xbar) = x_icc + (1 - x_icc) / n.
    """
    design = scenario(400, 10, 0.0, x_icc=0.5) | {"contextual_effect": 0.4}
    pooled, dummy = simulate(design, ["pooled", "dummy"], 20_000)
    assert abs(dummy.error) < 4 * math.sqrt(dummy.powers[2, 0]) / dummy.n_used
    assert pooled.error == pytest.approx(0.4 * 0.55, rel=0.01)
