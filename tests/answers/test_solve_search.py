"""Which levels are tried, and what is said in the end, of curves that are known."""

import math

import numpy as np
import pytest
from scipy.special import ndtr

from simstudy.answers.solve.aim import Aim, Axis, Point
from simstudy.answers.solve.search import Root, look

CLUSTERS = Axis("n_clusters", 2.0, 10_000.0, 1.0, True, False)
ICC = Axis("icc", 0.0, 0.999, 0.0, False, True)
SLOPE = Axis("slope", 1e-6, 1000.0, 0.0, True, False)


def aim(axis=CLUSTERS, target=0.8, at_least=True, tolerance=None):
    return Aim(axis, "power", target, at_least, True, tolerance, 256, 1 << 20)


def power(effect):
    """Two-sided z test with a noncentrality that grows by the root of a sample size."""
    return lambda level: ndtr(effect * math.sqrt(level) - 1.96) + ndtr(-effect * level**0.5 - 1.96)


def sought(goal, curve, seed=1, guess=None):
    """The answer, and all that was tried: binomial draws that grow with the replications."""
    rng, known, counts = np.random.default_rng(seed), {}, {}
    for _ in range(60):
        wanted = look(goal, known, guess)
        if isinstance(wanted, Root):
            return wanted, known
        assert any(n > known[x].n_reps for x, n in wanted.items() if x in known) or not (
            wanted.keys() <= known.keys()
        )
        for level, n in wanted.items():
            share, before = curve(level), known.get(level, Point(0, 0, 0, 0)).n_reps
            if share is None:
                known[level] = Point(n, 0, math.nan, math.nan)
                continue
            counts[level] = counts.get(level, 0) + rng.binomial(max(n - before, 0), share)
            value = counts[level] / n
            known[level] = Point(n, n, value, math.sqrt(value * (1 - value) / n))
    raise AssertionError("no end")


@pytest.mark.parametrize("effect", [0.9, 0.5, 0.3, 0.2])
def test_the_smallest_number_is_found_and_covered(effect):
    """60 searches each: the binomial bound that 95 % leaves at 1 in 1,000 is 50."""
    curve = power(effect)
    true = next(x for x in range(2, 10_000) if curve(x) >= 0.8)
    within = covered = 0
    for seed in range(60):
        root, known = sought(aim(), curve, seed, guess=1.1 * true if seed % 2 else None)
        within += abs(root.level - true) <= 1
        covered += root.low <= true <= root.high
        assert max(root.level - root.low, root.high - root.level) <= 1
        beside = {root.level - 1, root.level, root.level + 1} & {float(x) for x in range(2, 10_000)}
        assert all(known[x].n_reps >= 2048 for x in beside)
    assert within >= 50 and covered >= 50


def test_the_same_points_give_the_same_answer_and_a_smaller_tolerance_goes_on():
    first, known = sought(aim(SLOPE), lambda b: power(b)(40), 3)
    again, _ = sought(aim(SLOPE), lambda b: power(b)(40), 3)
    assert first[:5] == again[:5]
    finer, more = sought(aim(SLOPE, tolerance=0.001), lambda b: power(b)(40), 3)
    true = (1.959964 + 0.841621) / math.sqrt(40)
    assert abs(first.level - true) < 0.01 * true + 0.001
    assert finer.low <= true <= finer.high and finer.high - finer.low <= 0.002 + 1e-9
    assert sum(p.n_reps for p in more.values()) > sum(p.n_reps for p in known.values())


def test_a_rate_that_grows_with_the_field_has_a_largest_level():
    """At most .10, rising with the ICC: the largest ICC up to which it holds."""
    root, _ = sought(aim(ICC, 0.10, at_least=False, tolerance=0.01), lambda r: 0.05 + 0.25 * r)
    assert not root.rising and abs(root.level - 0.2) < 0.015 and root.low <= 0.2 <= root.high


def test_a_power_that_falls_has_one_too():
    root, _ = sought(aim(ICC, tolerance=0.02), lambda r: 0.95 - 0.4 * r)
    assert not root.rising and root.low <= 0.375 <= root.high


@pytest.mark.parametrize(
    ("curve", "said"),
    [
        (lambda x: 0.05, "is never reached, and does not seem to depend on n_clusters"),
        (lambda x: 0.95, "always holds, and does not seem to depend on n_clusters"),
        (lambda x: 0.1 + 0.5 * x / (x + 20), "not reached up to n_clusters 10000"),
        (lambda x: 0.7 - 0.04 * math.log(x), "moves away from the target"),
        (lambda x: 0.9 + 0.09 * x / (x + 20), "holds in all of n_clusters 2 to 256, at 2 already"),
        (lambda x: None, "no replication is estimable at n_clusters 2 to 10000"),
    ],
    ids=["flat", "always", "below", "falls", "above", "none"],
)
def test_what_cannot_be_is_said(curve, said):
    root, known = sought(aim(), curve)
    assert math.isnan(root.level) and said in root.reason
    assert sum(p.n_reps for p in known.values()) < 200_000


def test_a_curve_at_its_target_everywhere_is_told():
    root, _ = sought(aim(ICC, 0.05, at_least=False), lambda r: 0.05)
    assert math.isnan(root.level)
    assert "cannot be told" in root.reason or "flat" in root.reason or "holds" in root.reason


def test_levels_without_a_fit_are_passed_by():
    """Not estimable below 6, and above the target from there: nothing smaller is claimed."""
    root, known = sought(aim(), lambda x: None if x < 6 else power(0.9)(x))
    true = next(x for x in range(6, 100) if power(0.9)(x) >= 0.8)
    assert abs(root.level - true) <= 1 and not known[2.0].n_used if 2.0 in known else True
    all_hold, _ = sought(aim(), lambda x: None if x < 6 else power(2.0)(x))
    assert math.isnan(all_hold.level) and "at 6 and" in all_hold.reason


def test_replications_have_an_end():
    narrow = Aim(CLUSTERS, "power", 0.8, True, True, None, 256, 1 << 12)
    root, known = sought(narrow, power(0.1))
    assert "not narrower with 4,096 replications a level" in root.reason
    assert max(p.n_reps for p in known.values()) == 4096 and abs(root.level - 785) < 60


def test_a_jump_is_closed_in_on():
    """No line goes through a step: halves are taken until its sides are near enough."""
    root, _ = sought(aim(ICC, tolerance=0.01), lambda r: 0.7 if r < 0.29 else 0.9)
    assert root.low < 0.29 <= root.high and root.high - root.low <= 0.02
    assert abs(root.level - 0.29) <= 0.01
