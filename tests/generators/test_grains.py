"""A data set is one thing at three grains: the finer always sums up to the coarser."""

from __future__ import annotations

import itertools
from dataclasses import replace

import helpers_generators as h
import numpy as np
import pytest

from simstudy.generators import gaussian, refine
from simstudy.generators.scenario import Scenario
from simstudy.generators.sizes import SizeRule
from simstudy.generators.streams import BLOCK, CLUSTERS, POOLED, ROWS, STEPS
from simstudy.moments import Units
from simstudy.numerics.gram import pool
from simstudy.numerics.reduce import reduce

pytestmark = pytest.mark.slow

# Sums of up to a few hundred numbers of size 1 round to about 1e-14, and the refinement adds
# a few such steps. Coded with raw cross-products, clusters of two miss by 1e-6.
UNIT = 1e-10

TILT = {"slope": 0.7, "intercept": 3.0}
PREDICTORS = {
    "x0": {"x_icc": 0.0, "contextual_effect": -0.4},
    "x.5": {"x_icc": 0.5, "contextual_effect": -0.4},
    "x1": {"x_icc": 1.0},
    "binary0": {"x": "binary", "x_icc": 0, "contextual_effect": -0.4},
    "binary1": {"x": "binary", "x_icc": 1},
    "blocked": {"x": "binary_blocked", "contextual_effect": -0.4},
}
LISTS = [[1, 2, 3], [2, 2], [1, 1, 1, 1, 2], [1, 2, 3, 3, 7, 7, 7, 12], [1, 1, 4]]
RANDOM = {
    "uniform": {"uniform": [1, 4]},
    "uniform2-9": {"uniform": [2, 9]},
    "poisson": {"poisson": 2.5},
    "cv": {"mean": 6, "cv": 0.8},
}
EQUAL = {f"{j}x{n}": (j, n) for j in (2, 3, 5, 10, 30) for n in (1, 2, 3, 20)}


def _all_sizes() -> dict[str, dict]:
    found = {name: {"n_clusters": j, "cluster_size": n} for name, (j, n) in EQUAL.items()}
    found |= {"-".join(map(str, s)): {"cluster_size": {"sizes": s}} for s in LISTS}
    return found | {k: {"n_clusters": 4, "cluster_size": rule} for k, rule in RANDOM.items()}


DESIGNS = {
    f"{size} {x}": TILT | fields | predictor
    for size, fields in _all_sizes().items()
    for x, predictor in PREDICTORS.items()
}
POOLABLE = [f"{size} {x}" for size in (*EQUAL, "2-2") for x in ("x0", "x.5", "x1")]
HARD = ["2x1 x.5", "2x2 x0", "2x2 x.5", "2x2 x1", "2x3 x1", "3x1 x.5", "3x2 x.5", "2x3 x0"]


def _chunks(source, grain: int, reps: int) -> list[int]:
    """Enough chunks for that many replications, at most twelve, and one far from the start."""
    few = min(12, -(-reps // h.length(source, grain)))
    return [*range(few), 37]


def _worst_cell(found, expected, sizes) -> float:
    """Largest error of cluster moments on the unit scale (SD 1)."""
    free = np.maximum(sizes - 1, 1)
    products = np.abs(h.cross(found.within) - h.cross(expected.within)) / free
    means = np.abs(found.mean_x - expected.mean_x), np.abs(found.mean_y - expected.mean_y)
    # The residual part is as well determined as the direction of x: less where x hardly varies.
    a = np.minimum(expected.within.a, 1.0)
    rest = np.where(a > 0, a, 1.0) * np.abs(found.within.r - expected.within.r) / np.sqrt(free)
    return max(products.max(), rest.max(), *(m.max() for m in means))


def _check_rows(source, chunk: int) -> None:
    expected = h.coarser(source, ROWS, chunk)
    found = reduce(source.moments(ROWS, chunk))
    assert np.array_equal(found.sizes, expected.sizes)
    assert _worst_cell(found, expected, expected.sizes) < UNIT
    assert np.array_equal(
        found.within.a == 0, np.broadcast_to(expected.within.a == 0, found.within.a.shape)
    )


def _check_clusters(source, chunk: int) -> None:
    expected = h.coarser(source, CLUSTERS, chunk)
    found = pool(source.moments(CLUSTERS, chunk))
    j, n = expected.n_clusters, expected.cluster_size
    for one, other, free in (
        (found.within, expected.within, max(j * (n - 1), 1)),
        (found.between, expected.between, j - 1),
    ):
        assert np.abs(h.cross(one) - h.cross(other)).max() / free < UNIT
        rest = np.abs(one.r - other.r) * np.where(other.a > 0, np.minimum(other.a, 1.0), 1.0)
        assert rest.max() / np.sqrt(free) < UNIT
        assert np.array_equal(one.a == 0, other.a == 0)


@pytest.mark.parametrize("name", DESIGNS)
def test_rows_sum_up_to_their_clusters(name):
    source = h.source(h.design(**DESIGNS[name]))
    for chunk in _chunks(source, ROWS, 2048):
        _check_rows(source, chunk)


@pytest.mark.parametrize("name", POOLABLE)
def test_clusters_sum_up_to_the_pooled_moments(name):
    source = h.source(h.design(**DESIGNS[name]))
    for chunk in _chunks(source, CLUSTERS, 4096):
        _check_clusters(source, chunk)


@pytest.mark.parametrize("name", HARD)
def test_sums_hold_in_many_tiny_data_sets(name):
    """Ranks are at stake here: N - J = 1 or 2, one degree of freedom between clusters."""
    source = h.source(h.design(**DESIGNS[name]), seed=2)
    for chunk in range(12):  # 12,288 replications of each of eight designs: 1e5 in all
        _check_rows(source, chunk)
        _check_clusters(source, chunk)


@pytest.mark.parametrize(
    "sizes", [[2, 2], [3, 3, 3], [1, 2, 3], [4, 1, 2], [1, 1, 2], [5, 5, 5, 5]]
)
def test_rows_of_a_predictor_from_a_file(tmp_path, sizes):
    x = np.random.default_rng(5).standard_normal(sum(sizes)).round(3)
    x[: sizes[0]] = 0.1  # constant in the first cluster, and not a dyadic number
    source = h.source(h.design(**TILT, contextual_effect=-0.4, **h.from_file(tmp_path, sizes, x)))
    for chunk in range(4):
        _check_rows(source, chunk)
        drawn = h.coarser(source, ROWS, chunk)
        assert np.all(drawn.within.a[0] == 0) and np.all(drawn.mean_x[0] == 0.1)
    found, _ = h.row_draws(source, 2048)
    assert np.array_equal(found, np.broadcast_to(x[:, None], found.shape))  # x itself, to the bit


@pytest.mark.parametrize("n", [1, 2, 3, 7])
@pytest.mark.parametrize("x_icc", [0.0, 0.5, 1.0])
def test_rows_of_one_cluster_alone(n, x_icc):
    """J = 1 is refused in a study; the refinement itself does not need a second cluster."""
    scenario = Scenario(1, SizeRule("listed", (n,)), 0.2, x_icc, 0.7)
    sizes, rng = np.array([[n]]), np.random.default_rng(n)
    drawn = gaussian.draw_clusters(rng, scenario, sizes, None, 5000)
    found = reduce(refine.to_rows(rng, scenario, drawn, None))
    assert _worst_cell(found, drawn, sizes) < UNIT


BINARY = ("binary0", "binary1", "blocked")


@pytest.mark.parametrize("name", [f"{s} {x}" for s in ("2x2", "3x3", "1-2-3") for x in BINARY])
def test_treated_rows_are_the_treated_of_their_cluster(name):
    source = h.source(h.design(**DESIGNS[name]))
    x, _ = h.row_draws(source, 1024)
    assert set(np.unique(x)) == {0.0, 1.0}
    drawn = h.cluster_draws(source, 1024)
    starts = np.cumsum(drawn.sizes[:, 0]) - drawn.sizes[:, 0]
    share = np.add.reduceat(x, starts, axis=0) / drawn.sizes
    assert np.array_equal(share, drawn.mean_x)  # counts over sizes: the same division


@pytest.mark.parametrize("name", ["5x3 x.5", "5x3 x1", "1-2-3-3-7-7-7-12 x.5", "poisson binary0"])
def test_no_rank_is_lost_or_made_up(name):
    """Where the degrees of freedom say nothing is left, exactly nothing is."""
    drawn = h.cluster_draws(h.source(h.design(**DESIGNS[name])), 2048)
    varies = drawn.within.a > 0
    assert np.array_equal(drawn.within.r > 0, drawn.sizes - 1 - varies > 0)
    assert np.array_equal(drawn.within.b != 0, varies)
    if name.endswith(".5"):
        assert np.array_equal(varies, drawn.sizes > 1)


@pytest.mark.parametrize("name", ["2x2 x.5", "3x2 x1", "30x20 x0", "1-2-3 x.5", "cv binary1"])
def test_no_grain_depends_on_which_others_are_asked_for(name):
    one = h.design(**DESIGNS[name])
    first = POOLED if one.scenario.first_grain == "pooled" else CLUSTERS
    grains = range(first, ROWS + 1)
    alone = {grain: h.source(one).moments(grain, 1) for grain in grains}
    for order in itertools.permutations([*grains, *grains][:4]):
        source = h.source(one)
        for grain in order:
            assert h.same_bits(source.moments(grain, 1), alone[grain])


@pytest.mark.parametrize("name", ["30x20 x.5", "poisson x.5"])
def test_no_chunk_depends_on_the_chunks_before_it(name):
    one = h.design(**DESIGNS[name])
    in_order = h.source(one)
    drawn = [in_order.moments(ROWS, chunk) for chunk in range(20)]
    jumping = h.source(one)
    for chunk in (19, 0, 7, 19, 3):
        assert h.same_bits(jumping.moments(ROWS, chunk), drawn[chunk])


@pytest.mark.parametrize("name", ["2x1 x.5", "2x2 x.5", "3x2 x1", "30x20 x0"])
def test_a_shorter_pooled_draw_begins_the_longer_one(name):
    one = h.design(**DESIGNS[name])
    whole = h.source(one).moments(POOLED, 2)
    assert whole.within.r.shape == (BLOCK,)
    for need in (1, 127, 128, 129, 256, 300, 1024, 1025, 2048, 2049, 4096):
        short = h.source(one).moments(POOLED, 2, need)
        drawn = short.within.r.size
        assert need <= drawn <= max(2 * need, STEPS[0])
        assert h.same_bits(short, h.part(whole, 0, drawn))


def test_a_finer_grain_ignores_how_far_the_pooled_one_was_drawn():
    one = h.design(**DESIGNS["3x2 x.5"])
    alone = h.source(one).moments(CLUSTERS, 3)
    source = h.source(one)
    source.moments(POOLED, 0, 100)
    assert h.same_bits(source.moments(CLUSTERS, 3), alone)
    assert source.moments(POOLED, 0, 100).within.r.size < BLOCK


@pytest.mark.parametrize(
    "name", ["3x2 x.5", "3x2 x1", "1-2-3 x.5", "poisson binary0", "3x3 blocked"]
)
@pytest.mark.parametrize("grain", [CLUSTERS, ROWS])
def test_noise_is_the_same_for_every_slope(name, grain):
    """Under one stream, y moves by slope x + contextual xbar + intercept and by nothing else."""
    one = h.design(**DESIGNS[name])
    s = one.scenario
    flat = replace(one, scenario=replace(s, slope=0.0, contextual_effect=0.0, intercept=0.0))
    found, noise = h.source(one).moments(grain, 0), h.source(flat).moments(grain, 0)
    if grain == CLUSTERS:
        x, mean_x, y, e = found.mean_x, found.mean_x, found.mean_y, noise.mean_y
        assert np.array_equal(found.within.b, noise.within.b + s.slope * noise.within.a)
        assert np.array_equal(found.within.r, noise.within.r)
    else:
        x, y, e = found.x, found.y, noise.y
        sums = h.coarser(h.source(one), ROWS, 0)
        spread = np.broadcast_to(
            sums.mean_x, np.broadcast_shapes(sums.mean_x.shape, sums.mean_y.shape)
        )
        mean_x = spread if y.ndim == 3 else np.repeat(spread.ravel(), _counts(sums))
    expected = e + s.slope * x + s.contextual_effect * mean_x + s.intercept
    assert np.abs(y - expected).max() < 1e-13  # three additions of numbers below 10


def _counts(clusters) -> np.ndarray:
    return np.broadcast_to(clusters.sizes, clusters.mean_y.shape).ravel()


@pytest.mark.parametrize(
    ("name", "grain"),
    [
        *(("3x3 x.5", grain) for grain in (POOLED, CLUSTERS, ROWS)),
        *((name, grain) for name in ("1-2-3 x0", "poisson binary0") for grain in (CLUSTERS, ROWS)),
    ],
)
def test_total_variance_is_a_scale(name, grain):
    """A variance of 4 doubles every error, exactly: 2 is a power of two."""
    plain = {k: v for k, v in DESIGNS[name].items() if k not in (*TILT, "contextual_effect")}
    one = h.design(**plain)
    wide = replace(one, scenario=replace(one.scenario, total_variance=4.0))
    narrow, wide = h.source(one).moments(grain, 0), h.source(wide).moments(grain, 0)
    if grain == ROWS:
        assert np.array_equal(wide.y, 2.0 * narrow.y) and np.array_equal(wide.x, narrow.x)
        return
    for found, unit in zip(_error_parts(wide), _error_parts(narrow), strict=True):
        assert np.array_equal(found, 2.0 * unit) and np.any(unit != 0)


def _error_parts(moments) -> list[np.ndarray]:
    if hasattr(moments, "mean_y"):
        return [moments.mean_y, moments.within.b, moments.within.r]
    return [entry for side in (moments.within, moments.between) for entry in (side.b, side.r)]


def test_reduce_decides_constancy_on_the_doubles():
    """0.1 three times sums to more than 0.3: centred once at the mean, x would seem to vary."""
    x = np.array([0.1, 0.1, 0.1, 1.0, 2.0])
    found = reduce(Units(np.array([[3], [2]]), (x, np.array([1.0, 2.0, 3.0, 4.0, 6.0]))))
    assert found.within.a[0, 0] == 0 and found.within.b[0, 0] == 0
    assert found.mean_x[0, 0] == 0.1
    assert found.within.a[1, 0] == pytest.approx(0.5**0.5, abs=1e-15)  # one rounding


def test_reduce_against_two_pass_sums():
    """An independent sum, far from the origin: raw power sums would keep only half the digits."""
    rng = np.random.default_rng(8)
    x, y = 1e6 + rng.standard_normal((2, 7))
    found = reduce(Units(np.array([[7]]), (x.reshape(7, 1, 1), y.reshape(7, 1, 1))))
    dx, dy = x - x.mean(), y - y.mean()
    expected = np.array([dx @ dx, dx @ dy, dy @ dy])
    # the numbers themselves are only known to eps * 1e6 = 1e-10
    assert np.abs(h.cross(found.within).ravel() - expected).max() < 1e-8
