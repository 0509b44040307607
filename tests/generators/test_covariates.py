"""Covariates and slopes that vary: every law, at every grain, one data set at all of them."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import replace

import helpers_generators as h
import helpers_longhand as longhand
import numpy as np
import pytest
from helpers_longhand import World
from scipy.stats import norm

from simstudy.generators.omitted import unadjusted_icc
from simstudy.generators.scenario import Correlation, Covariate, GivenX, Scenario
from simstudy.generators.sizes import SizeRule
from simstudy.generators.source import Source
from simstudy.generators.streams import CLUSTERS, GRAIN, POOLED, ROWS, chunk_length
from simstudy.moments import Clusters
from simstudy.numerics.batches import cut, units
from simstudy.numerics.gram import pool
from simstudy.numerics.reduce import reduce
from simstudy.study.digest import canonical, digest

KEY = 987654321
FIXED = SizeRule("fixed", (4,))
UNEQUAL = SizeRule("listed", (1, 2, 3, 6))
RANDOM = SizeRule("uniform", (1, 4))


def _scenario(size=FIXED, j=4, x_icc=0.3, **more) -> Scenario:
    return Scenario(j, size, 0.2, x_icc, 0.7, intercept=1.5, **more)


def _z(name, icc=0.4, slope=0.5, type="normal", **more) -> Covariate:
    correlations = tuple(Correlation(other, *pair) for other, pair in more.pop("r", {}).items())
    return Covariate(name, icc, slope, type, correlations, **more)


_FILE_SIZES = [2, 3, 4, 5]
_FILE_ROWS = np.random.default_rng(3).standard_normal((3, 14)).round(2)
_FILE_ROWS[1, :5] = 0.3  # constant in two clusters
_FILE_ROWS[2] = np.repeat([1.0, 4.0, 2.0, 2.5], _FILE_SIZES)  # of clusters


def _file(row: int) -> GivenX:
    return GivenX(np.array(_FILE_SIZES), _FILE_ROWS[row], f"file{row}")


BASELINE = {"r": {"x": (0.5, -0.4)}}
SCENARIOS = {
    "independent": _scenario(covariates=(_z("b"),)),
    "correlated": _scenario(contextual_effect=-0.6, covariates=(_z("b", **BASELINE),)),
    "x between": _scenario(x_icc=1.0, covariates=(_z("b", r={"x": (None, 0.6)}),)),
    "x within": _scenario(x_icc=0.0, covariates=(_z("b", r={"x": (0.6, None)}),)),
    "z between": _scenario(covariates=(_z("b", 1.0, r={"x": (None, 0.6)}),)),
    "z within": _scenario(covariates=(_z("b", 0.0, r={"x": (0.6, None)}),)),
    "by x alone": _scenario(covariates=(_z("b", **BASELINE), _z("a", r={"x": (0.6, 0.6)}))),
    "three": _scenario(
        j=6,
        covariates=(
            _z("b", **BASELINE),
            _z("c", 0.1, -0.3, r={"x": (0.3, 0.2), "b": (-0.2, 0.4)}),
            _z("a", 1.0),
        ),
    ),
    "few clusters": _scenario(j=3, covariates=(_z("b", **BASELINE), _z("c"))),
    "singletons": _scenario(SizeRule("fixed", (1,)), j=5, covariates=(_z("b", **BASELINE),)),
    "unequal": _scenario(UNEQUAL, covariates=(_z("b", **BASELINE), _z("c"))),
    "random": _scenario(RANDOM, covariates=(_z("b", **BASELINE),)),
    "binary units": _scenario(covariates=(_z("b", 0.0, type="binary"), _z("c"))),
    "binary clusters": _scenario(covariates=(_z("b", 1.0, type="binary"), _z("c"))),
    "blocked": _scenario(
        SizeRule("listed", (3, 3, 2, 5)),
        covariates=(_z("b", None, type="binary_blocked"), _z("c", **BASELINE)),
    ),
    "binary both": _scenario(
        x="binary", x_icc=0.0, covariates=(_z("b", 0.0, type="binary"), _z("c"))
    ),
    "treated": _scenario(x="binary", x_icc=1.0, covariates=(_z("b"), _z("c", 1.0))),
    "factorial": _scenario(x="binary", x_icc=1.0, covariates=(_z("b", 1.0, type="binary"),)),
    "three binary": _scenario(
        RANDOM,
        x="binary",
        x_icc=0.0,
        covariates=(
            _z("b", 0.0, type="binary"),
            _z("c", None, type="binary_blocked"),
            _z("d", 1.0, type="binary"),
        ),
    ),
    "two binary, x between": _scenario(
        x_icc=1.0, covariates=(_z("b", 0.0, type="binary"), _z("c", 0.0, type="binary"))
    ),
    "file": _scenario(
        SizeRule("listed", tuple(_FILE_SIZES)),
        x="file",
        x_icc=None,
        given=_file(0),
        covariates=(
            _z("b", None, type="file", given=_file(1)),
            _z("c"),
            _z("d", None, type="file", given=_file(2)),
        ),
    ),
    "file and arms": _scenario(
        SizeRule("listed", tuple(_FILE_SIZES)),
        x="file",
        x_icc=None,
        given=_file(0),
        covariates=(_z("b", 1.0, type="binary"), _z("c", 0.0)),
    ),
    "file of clusters and arms": _scenario(
        SizeRule("listed", tuple(_FILE_SIZES)),
        x="file",
        x_icc=None,
        given=_file(2),
        covariates=(_z("b", 0.0, type="binary"), _z("c", None, type="file", given=_file(2))),
    ),
    "slopes": _scenario(slope_sd=0.6, slope_correlation=-0.5),
    "slopes, unequal": _scenario(UNEQUAL, slope_sd=0.6, slope_correlation=0.9),
    "slopes, binary": _scenario(x="binary", x_icc=0.0, slope_sd=0.8, slope_correlation=0.5),
    "slopes, covariates": _scenario(
        RANDOM,
        slope_sd=0.5,
        slope_correlation=0.4,
        contextual_effect=0.5,
        covariates=(_z("b", **BASELINE), _z("c", 0.0, type="binary")),
    ),
}
TINY = {
    "J2 n2": _scenario(SizeRule("fixed", (2,)), j=2, covariates=(_z("b"), _z("c", **BASELINE))),
    "J2 n3 x1": _scenario(SizeRule("fixed", (3,)), j=2, x_icc=1.0, covariates=(_z("b"), _z("c"))),
    "pairs": _scenario(
        SizeRule("listed", (2, 2, 1)), j=3, covariates=(_z("b", 0.0, type="binary"), _z("c"))
    ),
}
ALL = SCENARIOS | TINY


# --- laws -------------------------------------------------------------------------------------


def _spelled(s: Scenario) -> World:
    """The same mechanism for the longhand; correlations of covariates by hand, below."""
    normal = [z for z in s.covariates if z.type == "normal"]
    names = (["x"] if s.x == "normal" else []) + [z.name for z in normal]
    icc = ([s.x_icc] if s.x == "normal" else []) + [z.icc for z in normal]
    kinds = {z.name: z for z in s.covariates if z.type.startswith("binary")}
    binary = {}
    for name, kind, share in [("x", s.x, s.x_icc), *((k, z.type, z.icc) for k, z in kinds.items())]:
        if kind.startswith("binary"):
            binary[name] = (
                "blocked" if kind == "binary_blocked" else "clusters" if share else "units"
            )
    files = {z.name: z.given.values for z in s.covariates if z.type == "file"}
    files |= {"x": s.given.values} if s.given is not None else {}
    sizes = tuple(map(int, s.size.values)) if s.size.random else s.fixed_sizes().ravel()
    return World(
        sizes, s.n_clusters, names, icc, *_matrices(names, s),
        {"x": s.slope} | {z.name: z.slope for z in s.covariates}, binary, files,
        s.icc, s.intercept, s.contextual_effect, s.slope_sd, s.slope_correlation,
    )  # fmt: skip


def _matrices(names: list[str], s: Scenario) -> list[np.ndarray]:
    said = {(z.name, r.other): (r.within or 0.0, r.between or 0.0)
            for z in s.covariates for r in z.correlations}  # fmt: skip
    matrices = []
    for level in (0, 1):
        matrix = np.eye(len(names))
        for (k, one), (m, other) in itertools.combinations(enumerate(names), 2):
            pair = said.get((one, other)) or said.get((other, one))
            if pair is None and "x" in names and "x" not in (one, other):
                pair = [said.get((one, "x"), (0, 0))[i] * said.get((other, "x"), (0, 0))[i]
                        for i in (0, 1)]  # fmt: skip
            matrix[k, m] = matrix[m, k] = 0.0 if pair is None else pair[level]
        matrices.append(matrix)
    return matrices


def _drawn(s: Scenario, n: int, seed: int = 5) -> Clusters:
    source, length = Source(s, seed, KEY), chunk_length(s, CLUSTERS)
    return h.joined([source.moments(CLUSTERS, c) for c in range(n // length)])


def _statistics(drawn: Clusters) -> np.ndarray:
    shape = (drawn.n_clusters, drawn.n_reps)
    full = [np.broadcast_to(mean, shape).T for mean in drawn.means]
    names = (*drawn.names,)
    within = {}
    for (k, one), (m, other) in itertools.combinations_with_replacement(enumerate(names), 2):
        within[one, other] = np.broadcast_to(drawn.within.product(k, m), shape).T
    sizes = np.broadcast_to(drawn.sizes, shape).T
    return longhand.of_moments(sizes, dict(zip(names, full, strict=True)), within)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_laws_of_all_columns_and_pairs(name):
    """Means, and second moments, of all cross-products: as of units drawn one by one."""
    s = SCENARIOS[name]
    n = 1 << 14
    found = _statistics(_drawn(s, n))
    world = _spelled(s)
    n = n if "blocked" not in world.binary.values() else n // 4
    sizes, columns = longhand.draw(world, np.random.default_rng(8), n)
    order = [*(z.name for z in s.covariates), "x", "y"]
    expected = longhand.statistics(sizes, {k: columns[k] for k in order})
    assert len(found) == len(expected)
    mcse = np.sqrt(found.var(axis=1) / found.shape[1] + expected.var(axis=1) / n)
    off = np.abs(found.mean(axis=1) - expected.mean(axis=1))
    scale = 1e-9 * (1.0 + np.abs(expected).mean(axis=1))  # what is the same in all data sets
    assert np.all(off <= 4.0 * mcse + scale), (np.max(off / (mcse + scale)), np.argmax(off / mcse))


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_laws_of_units_that_moments_do_not_tell(name):
    """Third and fourth powers of units, of all columns and pairs."""
    s = SCENARIOS[name]
    source, length = Source(s, 7, KEY), chunk_length(s, ROWS)
    found = np.concatenate([_powers(source.moments(ROWS, c)) for c in range(8192 // length)], 1)
    world = _spelled(s)
    n = 8192 if "blocked" not in world.binary.values() else 4096
    _, columns = longhand.draw(world, np.random.default_rng(9), n)
    order = [*(z.name for z in s.covariates), "x", "y"]
    expected = longhand.powers([columns[k] for k in order], axis=(1, 2))
    mcse = np.sqrt(found.var(axis=1) / found.shape[1] + expected.var(axis=1) / n)
    off = np.abs(found.mean(axis=1) - expected.mean(axis=1))
    assert np.all(off <= 4.0 * mcse + 1e-9 * np.abs(expected).mean(axis=1))


def _powers(rows) -> np.ndarray:
    columns = rows.columns
    if columns[0].ndim == 3:
        return longhand.powers(columns, axis=(0, 1))
    n_reps = rows.sizes.shape[1] if rows.sizes.shape[1] > 1 else columns[0].size // rows.sizes.sum()
    sizes = np.broadcast_to(rows.sizes, (len(rows.sizes), n_reps))
    starts = np.cumsum(sizes.ravel()) - sizes.ravel()
    powers = longhand.powers(columns, axis=())
    return np.add.reduceat(powers, starts, axis=1).reshape(-1, *sizes.shape).sum(axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["slopes", "slopes, unequal", "slopes, covariates"])
def test_slopes_of_clusters_go_with_their_effects(name):
    """Of (v, mean error): variance slope_sd^2, covariance slope_correlation slope_sd tau."""
    s = SCENARIOS[name]
    source, length = Source(s, 6, KEY), chunk_length(s, CLUSTERS)
    drawn = [source._clusters(c) for c in range((1 << 17) // length)]
    v = np.concatenate([one.slopes for one in drawn], axis=1)
    e = np.concatenate([one.plain.mean_y for one in drawn], axis=1)
    covariance = s.slope_correlation * s.slope_sd * s.tau2**0.5
    for values, expected in ((v * v, s.slope_sd**2), (v * e, covariance), (v, 0.0)):
        z = (values.mean(axis=1) - expected) / (values.std(axis=1) / values.shape[1] ** 0.5)
        assert np.abs(z).max() < 4.0
    h.check_law(v / s.slope_sd, norm.cdf)


# --- one data set at three grains -------------------------------------------------------------


def _products(factor) -> np.ndarray:
    n = len(factor.rows)
    pairs = itertools.combinations_with_replacement(range(n), 2)
    return np.array(np.broadcast_arrays(*(factor.product(k, m) for k, m in pairs)))


@pytest.mark.parametrize("name", ALL)
def test_rows_sum_up_to_their_clusters(name):
    source = Source(ALL[name], 1, KEY)
    length, wide = (chunk_length(source.scenario, grain) for grain in (ROWS, CLUSTERS))
    for chunk in (0, 5):
        rows = source.moments(ROWS, chunk)
        outer, first = divmod(chunk * length, wide)
        expected = cut(source.moments(CLUSTERS, outer), first, first + length)
        found = reduce(rows)
        assert found.names == rows.names == expected.names
        assert np.abs(_products(found.within) - _products(expected.within)).max() < 1e-12 * 10
        for mean, other in zip(found.means, expected.means, strict=True):
            assert np.abs(mean - other).max() < 1e-12


@pytest.mark.parametrize("name", [k for k, s in ALL.items() if s.first_grain == "pooled"])
def test_clusters_sum_up_to_the_pooled_moments(name):
    source = Source(ALL[name], 1, KEY)
    length = chunk_length(source.scenario, CLUSTERS)
    for chunk in (0, 3):
        found = pool(source.moments(CLUSTERS, chunk))
        expected = cut(source.moments(POOLED, 0), chunk * length, (chunk + 1) * length)
        worst = max(
            np.abs(_products(one) - _products(other)).max()
            for one, other in (
                (found.within, expected.within),
                (found.between, expected.between),
            )
        )
        assert worst < (1e-11 if name in TINY else 1e-12)


@pytest.mark.parametrize("name", ALL)
def test_a_triangle_is_one(name):
    """What does not vary, or is a combination of the columns before it, has no row."""
    s = ALL[name]
    source = Source(s, 1, KEY)
    for grain in range(GRAIN[s.first_grain], ROWS):
        moments = source.moments(grain, 0)
        pairs = [moments.within] + ([moments.between] if grain == POOLED else [])
        for factor in pairs:
            for row in factor.rows[:-1]:
                pivot, *rest = np.broadcast_arrays(*row)
                assert np.all(pivot >= 0)
                assert all(np.all(entry[pivot == 0] == 0) for entry in rest)
            assert np.all(factor.r >= 0)


@pytest.mark.parametrize("name", ["three", "unequal", "slopes, covariates", "file", "binary both"])
def test_ranks_are_those_of_whole_numbers(name):
    drawn = Source(ALL[name], 1, KEY).moments(CLUSTERS, 0)
    shape = (drawn.n_clusters, drawn.n_reps)
    rank = sum(np.broadcast_to(row[0] > 1e-9, shape).astype(int) for row in drawn.within.rows)
    assert np.all(rank <= np.broadcast_to(drawn.sizes, shape) - 1)
    exact = sum(np.broadcast_to(row[0] > 0, shape).astype(int) for row in drawn.within.rows)
    assert np.array_equal(rank, exact)


# --- what is shared, and with whom ------------------------------------------------------------


@pytest.mark.parametrize("name", [k for k, s in SCENARIOS.items() if s.covariates])
def test_covariates_move_neither_x_nor_the_errors(name):
    """Under one key, a world with covariates of slope 0 and the one without are the same."""
    s = SCENARIOS[name]
    flat = replace(s, covariates=tuple(replace(z, slope=0.0) for z in s.covariates))
    bare = replace(s, covariates=())
    if GRAIN[bare.first_grain] != GRAIN[s.first_grain]:
        return  # drawn first at another grain
    for grain in range(GRAIN[s.first_grain], ROWS):
        found = Source(flat, 1, KEY).moments(grain, 0)
        plain = Source(bare, 1, KEY).moments(grain, 0)
        for k, m in ((-2, -2), (-2, -1), (-1, -1)):
            off = found.within.product(k, m) - plain.within.product(k, m)
            assert np.abs(off).max() < 1e-12 * 10
    if all(z.type == "normal" for z in s.covariates):
        found, plain = (Source(of, 1, KEY).moments(ROWS, 0) for of in (flat, bare))
        assert np.array_equal(found.x, plain.x)
        assert np.abs(found.y - plain.y).max() < 1e-14 * 10


@pytest.mark.parametrize("name", ["three", "three binary", "slopes, covariates", "file"])
def test_the_order_of_covariates_is_that_of_the_columns(name):
    s = ALL[name]
    for order in itertools.permutations(s.covariates):
        other = replace(s, covariates=order)
        assert digest(other) == digest(s)
        for grain in range(GRAIN[s.first_grain], ROWS + 1):
            found, expected = (Source(of, 1, KEY).moments(grain, 0) for of in (other, s))
            places = [found.names.index(one) for one in expected.names]
            if grain == ROWS:
                pairs = zip((found.columns[k] for k in places), expected.columns, strict=True)
                assert all(np.allclose(a, b, rtol=0, atol=1e-14) for a, b in pairs)
                continue
            for k, m in itertools.combinations_with_replacement(range(len(places)), 2):
                off = found.within.product(places[k], places[m]) - expected.within.product(k, m)
                assert np.abs(off).max() < 1e-12 * 10


@pytest.mark.parametrize("name", ["three", "three binary", "slopes, covariates", "file"])
def test_no_chunk_or_grain_depends_on_what_else_is_drawn(name):
    s = ALL[name]
    grains = range(GRAIN[s.first_grain], ROWS + 1)
    alone = {(grain, c): Source(s, 1, KEY).moments(grain, c) for grain in grains for c in (0, 7)}
    source = Source(s, 1, KEY)
    for grain, c in [*alone, *reversed(alone)]:
        assert h.same_bits(source.moments(grain, c), alone[grain, c])


def test_a_shorter_pooled_draw_begins_the_longer_one():
    s = ALL["three"]
    whole = Source(s, 1, KEY).moments(POOLED, 2)
    for need in (1, 128, 129, 2049):
        short = Source(s, 1, KEY).moments(POOLED, 2, need)
        assert h.same_bits(short, h.part(whole, 0, short.n_reps))


def test_given_columns_are_what_they_are_to_the_bit():
    rows = Source(ALL["file"], 1, KEY).moments(ROWS, 0)
    columns = dict(zip(rows.names, units(h.one_replication(rows))[1:], strict=True))
    for row, name in enumerate(("x", "b", "d")):
        assert np.array_equal(columns[name], _FILE_ROWS[row])
    rows = Source(ALL["three binary"], 1, KEY).moments(ROWS, 0)
    for column in rows.columns[:-1]:
        assert set(np.unique(column)) == {0.0, 1.0}


def test_binary_columns_of_a_cluster_are_those_of_its_counts():
    """Assigned independently: every pair of units is as likely to share both."""
    s = _scenario(SizeRule("fixed", (6,)), covariates=(_z("b", None, type="binary_blocked"),
                  _z("c", None, type="binary_blocked")))  # fmt: skip
    source = Source(s, 1, KEY)
    rows = [source.moments(ROWS, c) for c in range(64)]
    both = np.concatenate([(r.columns[0] * r.columns[1]).sum(axis=0).ravel() for r in rows])
    counts = np.bincount(both.astype(int), minlength=4)
    expected = both.size * np.array([1, 9, 9, 1]) / 20  # hypergeometric: 3 of 6, 3 drawn
    h.check_frequencies(counts, expected)


# --- names for ever ---------------------------------------------------------------------------

# CHANGING THESE BREAKS EVERY STORED RESULT with covariates or slopes that vary.
GOLDEN = {
    "three": ("3bf61ec0", "817cf49f69a10d87"),
    "three binary": ("ca5e71fc", "d4172bb641ead2c9"),
    "slopes, covariates": ("5a94461f", "87c904aa80e40d84"),
}
DECIMALS = 8


def _numbers(s: Scenario) -> str:
    """Replication 0 and one of another chunk, at every grain, after rounding."""
    found = []
    for grain in range(GRAIN[s.first_grain], ROWS + 1):
        for chunk in (0, 3):
            moments = Source(s, 23, digest(s)[1]).moments(grain, chunk)
            if grain == ROWS:
                found += [column.ravel()[:40] for column in moments.columns]
            else:
                found += [np.ravel(v)[:40] for v in h.arrays(moments)]
    text = "\n".join(f"{v + 0.0:.{DECIMALS}f}" for v in np.round(np.concatenate(found), DECIMALS))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", ["three", "three binary", "slopes, covariates"])
def test_golden(name):
    assert (digest(ALL[name])[0], _numbers(ALL[name])) == GOLDEN[name]


def test_defaults_say_nothing():
    bare = _scenario()
    assert "slope" in canonical(bare) and "covariates" not in canonical(bare)
    assert "slope_" not in canonical(bare)
    named = replace(bare, covariates=(Covariate("b", 0.2, 0.0),))
    assert '"covariates":{"b":{"icc":0.2}}' in canonical(named)


# --- what is left out -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["independent", "binary units", "binary clusters", "by x alone"])
def test_unadjusted_icc(name):
    """The variance components of y given x alone, by large sums."""
    s = replace(SCENARIOS[name], size=SizeRule("fixed", (4,)), contextual_effect=0.0)
    world = _spelled(s)
    _, columns = longhand.draw(world, np.random.default_rng(4), 100_000)
    parts = {k: (v.mean(axis=2, keepdims=True), v) for k, v in columns.items()}

    def line(x, y, free):
        slope = (x * y).sum() / (x * x).sum()
        return ((y - slope * x) ** 2).sum() / (100_000 * free)

    j, n = s.n_clusters, 4
    inner = line(*(parts[k][1] - parts[k][0] for k in ("x", "y")), j * (n - 1))
    # components, not means, of x are what the covariates go with: take the means' share out
    if name != "by x alone":
        outer = line(
            *(parts[k][0] - parts[k][0].mean(axis=1, keepdims=True) for k in ("x", "y")), j - 1
        )
        tau2 = outer - inner / n
        assert tau2 / (tau2 + inner) == pytest.approx(unadjusted_icc(s), abs=0.004)
    else:
        left = {0: 0.8 + 0.25 * 0.6 * (0.75 + 0.64), 1: 0.2 + 0.25 * 0.4 * (0.84 + 0.64)}
        assert inner == pytest.approx(left[0], rel=0.01)
        assert unadjusted_icc(s) == pytest.approx(left[1] / (left[0] + left[1]), abs=1e-12)
