"""Measures against printed numbers, longhand formulas, and themselves when merged."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from helpers_simulation import merge, rows_of
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simstudy.measures import pairs
from simstudy.measures.block import Block
from simstudy.measures.catalog import MEASURES, finish
from simstudy.measures.record import Cells
from simstudy.measures.totals import of_ready, take
from simstudy.measures.values import proportion
from simstudy.numerics.tails import two_sided

ESTIMATE = np.array([0.12, -0.05, 0.31, 0.22, 0.02, 0.47, 0.18, -0.11, 0.26, 0.09])
REFERENCE = np.array([0.10, -0.02, 0.28, 0.25, 0.05, 0.40, 0.20, -0.08, 0.24, 0.12])
STD_ERROR = np.array([0.10, 0.12, 0.09, 0.11, 0.13, 0.08, 0.10, 0.12, 0.11, 0.09])
TRUTH = 0.15


def columns(estimate, std_error, df=math.inf, status=None):
    df = np.broadcast_to(np.asarray(df, dtype=float), estimate.shape).copy()
    status = np.zeros(estimate.size, dtype=np.int8) if status is None else status
    p_value = two_sided(estimate / std_error, df)
    return {"estimate": estimate, "std_error": std_error, "df": df, "p_value": p_value,
            "status": status}  # fmt: skip


def measured(data, truth, alphas=(0.05,), mcse="robust", cuts=(), reference=None):
    """All measures as rows by (measure, alpha), from blocks cut at `cuts`."""
    reference = {k: np.roll(v, 1) for k, v in data.items()} if reference is None else reference
    edges = [0, *cuts, data["status"].size]
    blocks, both = [], []
    for low, high in itertools.pairwise(edges):
        two = {k: np.stack([v[low:high], reference[k][low:high]]) for k, v in data.items()}
        ready = Block(two, truth)
        blocks.append(take(of_ready(ready, alphas), [0]))
        both.append(pairs.of_block(ready, np.array([0]), np.array([1]), alphas))
    totals = merge(blocks)
    mean = totals.of_error.means[0]
    whole = Block(data, truth)
    eliminated = np.stack([whole.covers(a, mean).sum(axis=1) for a in alphas], axis=1)
    found = rows_of(
        finish(Cells(totals, alphas, truth, mcse, eliminated, (merge(both), np.array([True]))))
    )
    return {(row.measure, row.alpha if row.alpha == row.alpha else None): row for row in found}


# value and normal-theory MCSE as rsimsum and simhelpers print them (R 4.2.2)
PRINTED = {
    ("bias", None): (0.001, 0.0552660233175),
    ("relative_bias", None): (0.00666666666667, 0.3684401554502),
    ("mse", None): (0.02749, 0.0106585849592),
    ("rmse", None): (0.165801085642, 0.0321426875),
    ("relative_precision", None): (-29.04798282949541, 6.6333736288514),
    ("difference_bias", None): (-0.003, 0.0112595638),
    ("bias_eliminated_coverage", 0.05): (0.8, 0.1264911064067),
    ("mean_ci_width", 0.05): (0.411592436753, 0.0195996398454),
    ("empirical_se", None): (0.17476651090336, 0.0411928616614),
    ("model_se", None): (0.10606601717798, 0.0049617052027),
    ("relative_error_model_se", None): (-39.30987313889063, 14.5838094900517),
    ("coverage", 0.05): (0.8, 0.1264911064067),
    ("rejection_rate", 0.05): (0.4, 0.1549193338483),
}


@pytest.mark.parametrize("measure", PRINTED)
def test_printed_numbers(measure):
    reference = columns(REFERENCE, STD_ERROR)
    rows = measured(columns(ESTIMATE, STD_ERROR), TRUTH, mcse="normal", reference=reference)
    row = rows[measure]
    value, mcse = PRINTED[measure]
    # the shortest of them are printed to 10 decimals
    assert row.value == pytest.approx(value, rel=1e-10, abs=1e-10)
    assert row.mcse == pytest.approx(mcse, rel=1e-10, abs=1e-10)
    assert (row.n_used, row.n_not_used) == (10, 0)


def test_wilson_interval():
    assert proportion(8, 10)[2:] == pytest.approx((0.4901624715, 0.9433178485), abs=1e-10)
    assert proportion(4, 10)[2:] == pytest.approx((0.1681803297, 0.6873262303), abs=1e-10)
    assert proportion(0, 10)[2:] == pytest.approx((0.0, 0.2775327999), abs=1e-10)
    assert proportion(10, 10).high == 1.0


def longhand(t, s, df, p, p_truth, alpha):
    """Robust measures, each from its definition, row by row."""
    n, mean = t.size, t.mean()
    emp = t.std(ddof=1)
    mod = math.sqrt((s**2).mean())
    e, v = (t - mean) ** 2, s**2
    r = v.sum() / e.sum()
    ratio_mcse = math.sqrt(n / (n - 1) * ((v - r * e) ** 2).sum()) / v.sum()
    rate, cover = (p < alpha).mean(), (p_truth >= alpha).mean()
    square, width = (t - TRUTH) ** 2, 2 * s * stats.t.isf(alpha / 2, df)
    kept = (2 * stats.t.sf(abs(t - mean) / s, df) >= alpha).mean()
    return {
        "mse": (square.mean(), square.std(ddof=1) / math.sqrt(n)),
        "rmse": (math.sqrt(square.mean()), square.std(ddof=1) / math.sqrt(4 * n * square.mean())),
        "relative_bias": (mean / TRUTH - 1, emp / math.sqrt(n) / TRUTH),
        "mean_ci_width": (width.mean(), width.std(ddof=1) / math.sqrt(n)),
        "bias_eliminated_coverage": (kept, math.sqrt(kept * (1 - kept) / n)),
        "bias": (mean - TRUTH, emp / math.sqrt(n)),
        "empirical_se": (emp, math.sqrt(((e - emp**2) ** 2).mean() / n) / (2 * emp)),
        "model_se": (mod, math.sqrt(v.var(ddof=1) / (4 * n * mod**2))),
        "relative_error_model_se": (100 * (mod / emp - 1), 50 * mod / emp * ratio_mcse),
        "rejection_rate": (rate, math.sqrt(rate * (1 - rate) / n)),
        "coverage": (cover, math.sqrt(cover * (1 - cover) / n)),
    }


@pytest.mark.parametrize("df", [3.0, 40.0, math.inf])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_measures_against_their_definitions(df, alpha):
    rng = np.random.default_rng(11)
    t, s = rng.normal(0.3, 0.2, 500), rng.gamma(9, 0.02, 500)
    found = measured(columns(t, s, df), TRUTH, (alpha,))
    p_truth = 2 * stats.t.sf(abs(t - TRUTH) / s, df)
    wanted = longhand(t, s, df, 2 * stats.t.sf(abs(t) / s, df), p_truth, alpha)
    for measure, (value, mcse) in wanted.items():
        at = alpha if (measure, alpha) in found else None
        # 1e-10: sums of 500 doubles, powers up to the fourth
        assert found[measure, at].value == pytest.approx(value, rel=1e-10), measure
        assert found[measure, at].mcse == pytest.approx(mcse, rel=1e-10), measure


def test_intervals_are_95_percent_whatever_alpha_is():
    rows = measured(columns(ESTIMATE, STD_ERROR), TRUTH, (0.3,))
    bias = rows["bias", None]
    assert (bias.ci_high - bias.value) / bias.mcse == pytest.approx(1.959963984540054)
    assert rows["rejection_rate", 0.3].ci_low == pytest.approx(
        proportion(round(rows["rejection_rate", 0.3].value * 10), 10).low
    )


def test_at_slope_zero_coverage_is_one_minus_rejection():
    rows = measured(columns(ESTIMATE, STD_ERROR, 7), 0.0, (0.01, 0.05, 0.5))
    for alpha in (0.01, 0.05, 0.5):
        rejected = rows["rejection_rate", alpha].value
        assert rows["coverage", alpha].value + rejected == 1.0
        assert rows["type1_inflation", alpha].value == rejected / alpha
        assert rows["type1_inflation", alpha].mcse == rows["rejection_rate", alpha].mcse / alpha


def test_type1_inflation_has_no_row_where_the_slope_is_not_zero():
    assert ("type1_inflation", 0.05) not in measured(columns(ESTIMATE, STD_ERROR), 0.1)


def test_only_ok_and_boundary_rows_are_used_and_shares_are_of_all():
    status = np.array([0, 1, 2, 3, 4, 0, 0, 1, 0, 3], dtype=np.int8)
    data = columns(ESTIMATE, STD_ERROR, status=status)
    data["std_error"] = np.where(status > 1, np.nan, STD_ERROR)
    rows = measured(data, TRUTH)
    for measure, most in (("model_se", 1), ("relative_error_model_se", 1), ("bias", 2), ("mse", 2)):
        used = status <= most  # of an estimate without standard error the bias is known
        alone = measured(columns(ESTIMATE[used], STD_ERROR[used]), TRUTH)
        assert rows[measure, None].value == pytest.approx(alone[measure, None].value, rel=1e-15)
        assert (rows[measure, None].n_used, rows[measure, None].n_not_used) == (5 + most, 5 - most)
    shares = {"boundary": 0.2, "no_std_error": 0.1, "not_estimable": 0.2, "failed": 0.1}
    for name, share in shares.items():
        row = rows[f"share_{name}", None]
        assert (row.value, row.n_used, row.n_not_used) == (share, 10, 0)


def test_the_mean_standard_error_is_of_those_there_are():
    row = measured(columns(ESTIMATE, STD_ERROR), TRUTH, cuts=(3, 4))["mean_se", None]
    assert row.value == pytest.approx(STD_ERROR.mean(), rel=1e-14)
    assert row.mcse == pytest.approx(STD_ERROR.std(ddof=1) / math.sqrt(10), rel=1e-12)
    status = np.array([0, 1, 2, 3, 4, 0, 0, 1, 0, 3], dtype=np.int8)
    row = measured(columns(ESTIMATE, STD_ERROR, status=status), TRUTH)["mean_se", None]
    assert row.value == pytest.approx(STD_ERROR[status <= 1].mean(), rel=1e-14)
    assert (row.n_used, row.n_not_used) == (6, 4)


def test_rows_without_a_standard_error_do_not_say_that_none_is_singular():
    alone = measured(columns(ESTIMATE, np.full(10, np.nan), status=np.full(10, 2, np.int8)), 0.1)
    assert ("share_boundary", None) not in alone
    assert alone["share_no_std_error", None].value == 1


def test_no_used_row_gives_null_and_the_rows_stay():
    rows = measured(columns(ESTIMATE, STD_ERROR, status=np.full(10, 3, np.int8)), 0.0)
    assert {key[0] for key in rows} == {
        name for name, one in MEASURES.items() if "rows" not in one.needs
    } - {"relative_bias", "share_rank0", "share_rank1", "share_rank2"}
    for (measure, _), row in rows.items():
        if not measure.startswith(("share_", "rejection_rate_")):  # these are of all rows
            assert math.isnan(row.value) and math.isnan(row.mcse) and row.n_used == 0
    assert rows["share_not_estimable", None].value == 1.0


def test_one_used_row_has_no_spread_and_no_mcse():
    rows = measured(columns(ESTIMATE[:1], STD_ERROR[:1]), 0.0)
    assert rows["bias", None].value == ESTIMATE[0]
    assert rows["model_se", None].value == pytest.approx(STD_ERROR[0])
    assert all(math.isnan(row.mcse) for (name, _), row in rows.items()
               if not name.startswith("share_"))  # fmt: skip
    assert math.isnan(rows["empirical_se", None].value)


def test_identical_estimates_are_no_division_by_zero():
    rows = measured(columns(np.full(5, 0.1), np.full(5, 0.2)), 0.0)
    assert rows["bias", None].mcse == 0.0
    assert math.isnan(rows["relative_error_model_se", None].value)


@given(
    st.lists(st.integers(1, 199), max_size=6, unique=True),
    st.floats(-1e3, 1e3),
    st.integers(0, 2**32 - 1),
)
def test_summaries_of_pieces_merge_to_the_summary_of_the_whole(cuts, offset, seed):
    rng = np.random.default_rng(seed)
    data = columns(rng.normal(offset, 0.2, 200), rng.gamma(9, 0.02, 200))
    data["status"] = rng.choice(np.array([0, 0, 0, 1, 3], np.int8), 200)
    whole, merged = (measured(data, 0.0, cuts=c) for c in ((), sorted(cuts)))
    for key, row in whole.items():
        # powers about the mean: what is lost is eps times |mean| / sd, not its fourth power
        assert row.value == pytest.approx(merged[key].value, rel=1e-8, abs=1e-12, nan_ok=True)
        assert row.mcse == pytest.approx(merged[key].mcse, rel=1e-6, abs=1e-12, nan_ok=True)
        assert row.n_used == merged[key].n_used
