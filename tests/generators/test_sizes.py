"""Rules of cluster sizes: exact moments by enumeration, draws, and how they are written."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaincc, ndtr
from scipy.stats import chisquare, gamma, geom, poisson

from simstudy.errors import UserError
from simstudy.generators import sizes
from simstudy.generators.size_families import FAMILIES
from simstudy.generators.sizes import SizeRule
from simstudy.study.digest import canonical, digest
from simstudy.study.grid import expand, text_of
from simstudy.study.place import Place
from simstudy.study.yaml_lines import Document

N = 200_000


def _place(value: Any) -> Place:
    return Place(Document({"cluster_size": value}), ("cluster_size",), value)


def _read(value: Any) -> SizeRule:
    return sizes.read(_place(value))


def _enumerated(rule: SizeRule) -> tuple[np.ndarray, np.ndarray]:
    """Sizes from 1 up and their probabilities, but for some 1e-13 in the tail."""
    values, k = rule.values, np.arange(1, 200_000)
    if rule.kind in ("gamma", "lognormal"):
        above = _excess(rule, np.arange(k.size + 2.0))
        return k, np.concatenate([[1 - above[0] + above[1]], np.diff(above, 2)])[: k.size]
    if rule.kind == "poisson":
        return k, poisson.pmf(k, values[0]) / -np.expm1(-values[0])
    if rule.kind == "geometric":
        return k, geom.pmf(k, 1 / values[0])
    if rule.kind == "uniform":
        k = np.arange(int(values[0]), int(values[1]) + 1)
        return k, np.full(k.size, 1 / k.size)
    k, counts = np.unique(np.array(values, dtype=int), return_counts=True)
    return k, counts / counts.sum()


def _excess(rule: SizeRule, k: np.ndarray) -> np.ndarray:
    """E(G - k)+ of the variate G that is rounded, from the README's words on `cv`."""
    mean, cv = rule.values
    rest, variance = mean - 1, (mean * cv) ** 2 - 1 / 6
    if rule.kind == "gamma":
        shape, scale = rest**2 / variance, variance / rest
        assert gamma.sf(k[-1], shape, scale=scale) < 1e-13
        return rest * gammaincc(shape + 1, k / scale) - k * gammaincc(shape, k / scale)
    sd = math.sqrt(math.log(1 + variance / rest**2))
    with np.errstate(divide="ignore"):
        d = (math.log(rest) - np.log(k)) / sd
    above = rest * ndtr(d + sd / 2) - k * ndtr(d - sd / 2)
    assert above[-1] < 1e-9
    return above


RULES = [
    4, {"sizes": [8, 10, 86]}, {"uniform": [2, 9]}, {"uniform": [4, 4]}, {"poisson": 0.3},
    {"poisson": 6}, {"mean": 20, "cv": 0.5}, {"mean": 2, "cv": 0.5}, {"mean": 1.2, "cv": 2},
    {"mean": 30.5, "cv": 0.02}, {"geometric": 1.3}, {"geometric": 20}, {"sample": [3, 5, 5, 40]},
    {"lognormal": {"mean": 20, "cv": 0.5}}, {"lognormal": {"mean": 2, "cv": 0.5}},
    {"lognormal": {"mean": 1.2, "cv": 1}}, {"lognormal": {"mean": 60, "cv": 0.01}},
]  # fmt: skip
DRAWN = [rule for rule in RULES if isinstance(rule, dict) and "sizes" not in rule]


@pytest.mark.parametrize("written", RULES, ids=text_of)
def test_mean_and_sd_are_those_of_all_sizes_and_their_probabilities(written: Any):
    rule = _read(written)
    k, probability = _enumerated(rule)
    mean = probability @ k
    variance = probability @ (k - mean) ** 2
    assert probability.sum() == pytest.approx(1, abs=1e-9)
    assert rule.mean == pytest.approx(mean, rel=1e-9)
    assert rule.sd == pytest.approx(math.sqrt(max(variance, 0)), rel=2e-5, abs=1e-7)
    assert rule.mean_square == pytest.approx(probability @ k**2, rel=2e-5)
    if rule.kind not in ("gamma", "lognormal"):  # whose probabilities vanish, but not quite
        assert rule.ends[0] == k[np.flatnonzero(probability > 0)[0]]
    assert rule.random == (written in DRAWN)


@pytest.mark.parametrize("written", DRAWN, ids=text_of)
def test_sizes_are_drawn_with_their_probabilities(written: Any):
    rule = _read(written)
    drawn = rule.draw(np.random.Generator(np.random.SFC64(3)), (N // 8, 8))
    assert drawn.dtype == np.int64
    assert drawn.shape == (N // 8, 8)
    k, probability = _enumerated(rule)
    assert rule.ends[0] <= drawn.min()
    assert drawn.max() <= rule.ends[1]
    assert abs(drawn.mean() - rule.mean) <= 4 * rule.sd / math.sqrt(N)
    squares = (drawn - rule.mean) ** 2.0 - rule.variance
    assert abs(squares.mean()) <= 4 * squares.std() / math.sqrt(N) + 1e-12
    kept = np.flatnonzero(N * probability > 20)  # classes in the tail go together
    expected = N * probability[kept]
    found = np.array([np.count_nonzero(drawn == k[one]) for one in kept])
    rest = N - expected.sum()
    if rest > 20:
        expected, found = np.append(expected, rest), np.append(found, N - found.sum())
    if len(expected) > 1:
        assert chisquare(found, expected * found.sum() / expected.sum()).pvalue > 1e-4


@pytest.mark.parametrize(
    ("written", "rel"), [((20, 0.5), 1e-6), ((2, 1), 0.01), ((3, 1), 0.01), ((30, 3), 0.01)]
)
def test_the_cv_of_lognormal_sizes_is_what_was_asked_for(written: tuple[float, float], rel: float):
    rule = SizeRule("lognormal", written)
    assert rule.sd / rule.mean == pytest.approx(written[1], rel=rel)


def test_numbers_that_are_drawn_stay():
    """They are format: three sizes of each rule, of the seed 7."""
    expected = {
        "uniform": [35, 6, 5], "poisson": [23, 14, 15], "gamma": [27, 38, 27],
        "geometric": [3, 14, 3], "lognormal": [26, 34, 38], "sample": [86, 8, 8],
    }  # fmt: skip
    drawn = {
        kind: _read(family.example).draw(np.random.Generator(np.random.SFC64(7)), (3, 1)).ravel()
        for kind, family in FAMILIES.items()
        if family.draw is not None
    }
    assert {kind: found.tolist() for kind, found in drawn.items()} == expected


_size = st.integers(1, 10**9)
_mean = st.floats(1, 1e6, exclude_min=True)
_mean_cv = st.tuples(_mean, st.floats(0, 10, exclude_min=True)).filter(lambda v: v[0] * v[1] >= 0.5)
_WRITTEN = st.one_of(
    _size,
    st.tuples(_size, _size).map(lambda ends: {"uniform": sorted(ends)}),
    st.floats(0, 1e6, exclude_min=True).map(lambda mean: {"poisson": mean}),
    _mean.map(lambda mean: {"geometric": mean}),
    _mean_cv.map(lambda both: dict(zip(("mean", "cv"), both, strict=True))),
    _mean_cv.map(lambda both: {"lognormal": dict(zip(("mean", "cv"), both, strict=True))}),
    st.lists(_size, min_size=2).map(lambda sizes: {"sizes": sizes}),
    st.lists(_size, min_size=2).map(lambda sizes: {"sample": sorted(sizes)}),
)


@given(_WRITTEN)
def test_every_rule_in_range_is_drawn_written_and_read_back(written: Any):
    rule = _read(written)
    assert sizes.canonical(rule) == written  # 5 == 5.0
    assert math.isfinite(rule.sd)
    assert rule.sd >= 0
    assert rule.mean >= 1
    assert rule.mean_square == pytest.approx(rule.mean**2 + rule.sd**2, rel=1e-9)
    if rule.random:
        drawn = rule.draw(np.random.Generator(np.random.SFC64(1)), (5, 2))
        assert drawn.min() >= rule.ends[0] >= 1


def test_a_sample_is_the_same_in_any_order():
    one, other = (_read({"sample": sizes}) for sizes in ([8, 10, 86], [86, 8, 10]))
    assert one == other
    assert _read({"sample": [8, 8, 10]}) != _read({"sample": [8, 10]})


@pytest.mark.parametrize(
    ("written", "content", "text"),
    [
        ({"geometric": 20}, '{"geometric":20.0}', "geometric 20"),
        ({"lognormal": {"cv": 0.5, "mean": 20}}, '{"lognormal":{"cv":0.5,"mean":20.0}}', None),
        ({"sample": [10, 8, 86]}, '{"sample":[8.0,10.0,86.0]}', "sample 10 8 86"),
    ],
)
def test_digest_and_level_of_the_newer_rules(written: Any, content: str, text: str | None):
    grid = {"n_clusters": 10, "cluster_size": written, "icc": 0.1, "x_icc": 0.5, "slope": 0}
    (design,) = expand(Document({"scenarios": grid}))
    assert f'"cluster_size":{content}' in canonical(design.scenario)
    assert digest(design.scenario)[0] == design.id
    assert design.levels["cluster_size"] == (text or "lognormal cv 0.5, mean 20")
    assert design.n_obs == pytest.approx(10 * design.scenario.size.mean)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"geometric": 1}, "cluster_size.geometric: 1 is not in (1, 1000000]"),
        ({"geometric": [5, 10]}, "cluster_size.geometric: expected a number, got a list"),
        ({"lognormal": 20}, "cluster_size.lognormal: expected mean and cv, got 20"),
        ({"lognormal": {"mean": 20}}, "'cv' is missing (coefficient of variation"),
        ({"lognormal": {"mean": 20, "sd": 3}}, "write cv, the standard deviation over the mean"),
        ({"lognormal": {"mean": 20, "cv": 0.01}}, "less than half a unit; cluster_size: 20"),
        ({"lognormal": {"meanlog": 2}}, "cluster_size.lognormal.meanlog: unknown key"),
        ({"meanlog": 2, "sdlog": 1}, "write {lognormal: {mean: 20, cv: 0.5}}"),
        ({"sample": [5]}, "expected a list of at least 2 sizes to draw from, got a list of 1"),
        ({"sample": [5, 0]}, "cluster_size.sample[1]: 0 is not in [1, 1000000000]"),
        ({"sample": 5}, "expected a list of at least 2 sizes to draw from, got 5"),
        ({"empirical": [5, 8]}, "did you mean 'sample'?"),
        ({"geom": 5}, "did you mean 'geometric'?"),
        ({"uniform": [9, 2]}, "9 is above 2; expected [low, high]"),
        ({"uniform": 9}, "expected [low, high], got 9"),
        ({"mean": 20}, "expected a number, {uniform: [a, b]}, {poisson: m}, {mean: m, cv: c}, "),
        ({}, "expected a number, "),
        ({"geometric": 20, "poisson": 3}, "expected a number, "),
        ("twenty", "expected a whole number, got 'twenty'"),
    ],
)
def test_what_is_no_rule_is_refused_in_its_place(written: Any, said: str):
    with pytest.raises(UserError) as refused:
        _read(written)
    assert said in str(refused.value)


def test_the_schema_says_what_each_key_takes():
    forms = sizes.schema()["anyOf"]
    assert len(forms) == len(FAMILIES)
    keys = [tuple(form.get("properties", {})) for form in forms]
    assert keys == [family.keys for family in FAMILIES.values()]


@pytest.mark.parametrize("written", [5, {"uniform": [5, 5]}, {"sample": [5, 5]}])
def test_sizes_that_do_not_vary_inform_of_nothing(written: Any):
    grid = {"n_clusters": 10, "cluster_size": written, "icc": 0.1, "x_icc": 0.5, "slope": 0}
    with pytest.raises(UserError, match=r"informative_size: .* these are all equal"):
        expand(Document({"scenarios": grid | {"informative_size": 0.5}}))
