"""Claims held against a summary made by hand."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from simstudy.claims.beyond import About
from simstudy.claims.cells import Evidence
from simstudy.claims.judge import judged
from simstudy.claims.numbers import Numbers, replications
from simstudy.claims.pairs import Difference
from simstudy.study.claim_grammar import Range
from simstudy.study.study import load

GRID = {"n_clusters": 10, "cluster_size": 5, "x_icc": 1}
STUDY = {
    "name": "c", "seed": 1, "replications": 1000, "methods": ["pooled", "random_intercept"],
    "scenarios": [GRID | {"icc": [0, 0.1, 0.2], "slope": 0}, GRID | {"icc": 0.1, "slope": 0.3}],
}  # fmt: skip
# by measure and method: value of the three true nulls and of the false one, None where no
# replication was usable; nothing where the summary has no row
VALUES = {
    ("rejection_rate", "pooled"): (0.05, 0.1, 0.3, 0.8),
    ("rejection_rate", "random_intercept"): (0.05, 0.0, None, 0.7),
    ("coverage", "pooled"): (1.0, 0.9, 0.7, 0.95),
    ("type1_inflation", "pooled"): (1.0, 2.0, 6.0),
    ("bias", "pooled"): (0.0, 0.02, 0.1, 0.02),
    ("bias", "random_intercept"): (0.0, 0.02, None, 0.0),
    ("relative_error_model_se", "pooled"): (0.0, -20.0, -50.0, 0.0),
    ("empirical_se", "pooled"): (0.5,),
}
MCSE = {"bias": 0.01, "relative_error_model_se": 2.0, "empirical_se": None}


def summary(study) -> pa.Table:
    rows = []
    for (measure, method), values in VALUES.items():
        for design, value in zip(study.designs, values, strict=False):
            mcse = 0.0 if (value, method) == (0.0, "random_intercept") else MCSE.get(measure, 0.01)
            rows.append({
                "scenario": design.id, "method": method, "method_name": method,
                "truth": design.levels["slope"], "null_value": 0.0, "measure": measure,
                "alpha": None if measure in MCSE else 0.05, "value": value,
                "mcse": None if value is None else mcse,
                "n_used": 0 if value is None else 1000, "n_not_used": 1000 if value is None else 0,
            })  # fmt: skip
    return pa.Table.from_pylist(rows)


def judge(text, held=()):
    study = load(STUDY | {"claims": [text]})
    (claim,) = study.claims
    beyond = {About(claim.asked.measure, claim.method, claim.against): list(held)} if held else {}
    return judged(claim, Evidence(study, summary(study), beyond).of(claim))


S, R, U = "supported", "refuted", "undecided"
# intervals that hold together for three cells: .05 is .035 to .069, .1 is .079 to .125, .3 is
# .266 to .336; bias is 2.4 (three cells) or 2.5 (four) Monte Carlo SEs of .01 on either side
TRUTH_TABLE = [
    ("type1_error of pooled < 0.4", S, ""),
    ("type1_error of pooled < 0.32", U, "about 3,200 replications would decide, if 0.3 stayed"),
    ("type1_error of pooled < 0.2", R, ""),
    ("type1_error of pooled > 0.03", S, ""),
    ("type1_error of pooled > 0.04", U, "replications would decide, if 0.05 stayed"),
    ("type1_error of pooled > 0.08", R, ""),
    ("type1_error of pooled between 0.03 and 0.4", S, ""),
    ("type1_error of pooled between 0.04 and 0.35", U, "replications would decide"),
    ("type1_error of pooled between 0.2 and 0.4", R, ""),
    ("for some type1_error of pooled < 0.2", S, ""),
    ("for some type1_error of pooled > 0.25", S, ""),
    ("for some type1_error of pooled > 0.28", U, "if 0.3 stayed"),
    ("for some type1_error of pooled > 0.4", R, ""),
    ("for some type1_error of pooled < 0.03", R, ""),
    ("for some type1_error of pooled < 0.04", U, "if 0.05 stayed"),
    ("for some type1_error of pooled between 0.2 and 0.4", S, ""),
    ("for some type1_error of pooled between 0.15 and 0.25", R, ""),
    ("for some type1_error of pooled between 0.12 and 0.25", U, "if 0.1 stayed"),
    ("type1_error of pooled > 0.27 where icc = 0.2", S, ""),
    ("type1_error of pooled > 0.27 where icc > 0", R, ""),
    ("type1_error of pooled < 0.3 where icc = 0.2", U, "no number of replications would decide"),
    ("type1_error of pooled <= 0.3 where icc = 0.2", U, "0.3 is on the bound"),
    ("power of pooled >= 0.75", S, ""),
    ("power of pooled >= 0.8", U, "no number of replications"),
    ("power of pooled < 0.75", R, ""),
    ("rejection_rate of pooled > 0.03", S, ""),
    ("rejection_rate of pooled < 0.75", R, ""),
    ("type1_inflation of pooled < 7.5", S, ""),
    ("type1_inflation of pooled < 5", R, ""),
    ("coverage of pooled <= 1", S, ""),
    ("coverage of pooled < 1", U, "no number of replications"),
    ("coverage of pooled >= 0.9", R, ""),
    ("for some coverage of pooled > 0.994", S, ""),
    ("for some coverage of pooled > 0.996", U, "about 1,300 replications would decide, if 1 "),
    ("bias of pooled between -0.03 and 0.13", S, ""),
    ("bias of pooled < 0.05", R, ""),
    ("bias of pooled < 0.12", U, "about 1,600 replications would decide, if 0.1 stayed"),
    ("relative_error_model_se of pooled < 10", S, ""),
    ("relative_error_model_se of pooled < -10", R, ""),
    # a Monte Carlo SE of 0 of a mean is exact: the bound itself tells < from <=
    ("bias of random_intercept <= 0 where icc = 0", S, ""),
    ("bias of random_intercept < 0 where icc = 0", R, ""),
    ("bias of random_intercept >= 0 where icc = 0", S, ""),
    ("bias of random_intercept > 0 where icc = 0", R, ""),
    ("for some bias of random_intercept > 0 where icc = 0", R, ""),
    # of a rate it is not
    ("type1_error of random_intercept <= 0.01 where icc = 0.1", S, ""),
    ("type1_error of random_intercept <= 0.002 where icc = 0.1", U, "about 1,900 replications"),
    ("type1_error of random_intercept <= 0 where icc = 0.1", U, "no number of replications"),
    ("type1_error of random_intercept > 0 where icc = 0.1", U, "no number of replications"),
    # cells without a number
    ("bias of random_intercept < 1", U, "no replication was usable: (icc 0.2, slope 0)"),
    ("bias of random_intercept < -1", R, ""),
    ("for some bias of random_intercept > -1", S, ""),
    ("for some bias of random_intercept > 1", U, "no replication was usable"),
    ("bias of random_intercept < 0.03", U, "usable: (icc 0.2, slope 0)"),
    ("bias of random_intercept > 0.005", R, ""),
    ("coverage of random_intercept > 0.5", U, "no row there: (icc 0, slope 0)"),
    ("empirical_se of pooled > 0 where icc = 0", U, "too few replications for a Monte Carlo SE"),
    ("bias of random_intercept < 0.5 where icc = 0.2", U, "no replication was usable"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "verdict", "reason"), TRUTH_TABLE)
def test_truth_table(text, verdict, reason):
    found = judge(text)
    assert found.verdict == verdict and (reason in found.reason if reason else not found.reason)
    assert (found.n_reps is not None) == ("would decide, if" in found.reason)
    if verdict != U:
        other = R if found.claim.some else S
        verdicts = {cell.verdict for cell in found.cells}
        assert found.deciding.verdict == verdict and (verdict != other or verdicts == {other})


def pair(study, values, mcse=0.01):
    return [Difference(d.id, 0.05, value, mcse, 1000, 0, 1000)
            for d, value in zip(study.designs, values, strict=False)]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "values", "verdict"),
    [
        ("type1_error of pooled > random_intercept", (0.1, 0.2, 0.3), S),
        ("type1_error of pooled > random_intercept", (0.1, 0.02, 0.3), U),
        ("type1_error of pooled > random_intercept", (0.1, -0.05, 0.3), R),
        ("for some type1_error of pooled < random_intercept", (0.1, -0.05, 0.3), S),
        ("for some type1_error of pooled < random_intercept", (0.1, 0.05, 0.3), R),
        ("type1_error of pooled > random_intercept", (0.1, 0.2), U),
        ("power of pooled > random_intercept", (0.0, 0.0, 0.0, 0.1), S),
    ],
)
def test_methods_are_compared_by_their_difference(text, values, verdict):
    found = judge(text, pair(load(STUDY), values))
    assert found.verdict == verdict
    assert len(found.cells) == (1 if "power" in text else 3)


def test_two_methods_that_never_differ_are_not_known_to_be_the_same():
    never = pair(load(STUDY), (0.0, 0.0, 0.0), mcse=0.0)
    found = judge("type1_error of pooled > random_intercept", never)
    assert found.verdict == U and "no number of replications" in found.reason
    assert all(0.003 < cell.high < 0.01 for cell in found.cells)


def test_the_deciding_cell_is_the_worst_and_for_some_the_best():
    assert judge("type1_error of pooled < 0.4").deciding.value == 0.3
    assert judge("type1_error of pooled > 0.03").deciding.value == 0.05
    assert judge("type1_error of pooled < 0.06").deciding.value == 0.3
    assert judge("for some type1_error of pooled > 0.01").deciding.value == 0.3
    assert judge("bias of pooled < 0.12").deciding.levels == "icc 0.2, slope 0"


def test_as_many_replications_as_are_said_decide():
    """By another way: the exact tails of so many replications, and none of a few less."""
    n = np.array([1000.0, 500.0])
    value, mcse = np.array([0.04, 0.0]), np.array([0.0062, 0.0])
    found = Numbers("coverage", False, np.full(2, 0.05), value, mcse, n, n)
    last, needed = replications(found, Range(-math.inf, 0.05), 3, first=False)
    tail = 0.05 / 3 / 2
    assert last == 0
    assert stats.binom.cdf(np.rint(0.04 * needed), needed, 0.05) == pytest.approx(tail, rel=0.02)
    assert replications(found, Range(-math.inf, 0.05), 3, first=True)[0] == 1
    found = Numbers("coverage", False, np.full(1, 0.05), *np.zeros((2, 1)), *np.full((2, 1), 50.0))
    _, needed = replications(found, Range(-math.inf, 0.05), 3, first=True)
    assert needed == pytest.approx(math.log(tail) / math.log(0.95), abs=1)


def test_intervals_of_differences_of_indicators_hold_together():
    """Exact coverage where methods differ seldom: Wald's, with a SE of 0 by chance, has none."""
    n, family = 400, 20
    outside = 0.05 / family
    for less, more in ((0.002, 0.004), (0.01, 0.01), (0.02, 0.1)):
        b, c = np.meshgrid(np.arange(90), np.arange(40), indexing="ij")
        b, c = b.ravel(), c.ravel()
        weight = stats.multinomial.pmf(
            np.stack([b, c, n - b - c], axis=1), n, [more, less, 1 - more - less]
        )
        assert weight.sum() > 1 - 1e-6
        value = (b - c) / n
        mcse = np.sqrt((b + c - n * value**2) / (n - 1) / n)
        size = np.full(b.size, float(n))
        numbers = Numbers("coverage", True, np.full(b.size, 0.05), value, mcse, size, size)
        low, high = numbers.intervals(family)
        missed = weight[(low > more - less) | (high < more - less)].sum()
        assert missed < 1.6 * outside
