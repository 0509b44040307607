"""What was found: each sentence is true of the summary, and carried by its intervals."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simstudy.report.found.cells import cells_by_method
from simstudy.report.found.conditions import some_of
from simstudy.report.found.facts import found_facts
from simstudy.report.found.paragraphs import found
from simstudy.report.pivot import wide
from simstudy.where import parse

GRID = [{"icc": icc, "x_icc": x, "J": j} for icc in (0.0, 0.05, 0.1, 0.2) for x in (0.0, 0.5, 1.0)
        for j in (10, 40)]  # fmt: skip
ESTIMATE = r"−?(?:\d*\.)?\d+(?:e-?\d+)?(?: %)? \((?:\d*\.)?\d+(?:e-?\d+)?\)"


def row(levels, method, measure, value, n, mcse=None, truth=0.0, alpha=None, **more):
    """A row of a summary; of a proportion `value` is a count."""
    if mcse is None and n:
        value /= n
        mcse = math.sqrt(value * (1 - value) / n) if n > 1 else None
    return {"scenario": repr(levels), **levels, "n_obs": 1.0, "design_effect": 1.0,
            "method": method, "method_name": method, "estimand": "slope", "truth": truth,
            "null_value": 0.0, "measure": measure, "alpha": alpha, "value": value if n else None,
            "mcse": mcse, "ci_low": None, "ci_high": None, "n_used": n,
            "n_not_used": 0} | more  # fmt: skip


def rate(levels, method, count, n=2000, alpha=0.05, **more):
    return row(levels, method, "rejection_rate", count, n, alpha=alpha, **more)


def summary(rows):
    names = ("value", "mcse", "ci_low", "ci_high", "alpha", "truth")
    kinds = dict.fromkeys(names, pa.float64())
    return pa.table({name: pa.array([one[name] for one in rows], kinds.get(name))
                     for name in rows[0]})  # fmt: skip


def text_of(rows):
    return "\n\n".join(found(None, summary(rows)))


def size_of(rows, method="m"):
    of = {one.label: one for one in found_facts(None, summary(rows))["found"]}
    return of[method].size


def test_the_worst_of_many_true_nulls_is_no_finding():
    counts = np.random.default_rng(3).binomial(8000, 0.05, len(GRID))
    worst = int(np.argmax(abs(counts - 400)))
    counts[worst] = 453  # 2.7 standard errors: of 24 such rates one in six studies has one
    rows = [rate(levels, "m", int(n), 8000) for levels, n in zip(GRID, counts, strict=True)]
    size, text = size_of(rows), text_of(rows)
    assert size.held and not size.off.n and size.furthest.value == 453 / 8000
    assert "in none of 24 scenarios did the Type I error rate differ from 0.05" in text
    assert "liberal in" not in text
    (alone,) = [r for r in rows if r["value"] == 453 / 8000]
    assert size_of([alone]).off.n == 1  # a study of this one may say it


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (lambda s: s["x_icc"] == 1, "in the 8 of 24 scenarios where x_icc is 1:"),
        (lambda s: s["icc"] > 0, "in the 18 of 24 scenarios where icc is at least 0.05:"),
        (lambda s: s["icc"] < 0.2 and s["J"] == 10,
         "in the 9 of 24 scenarios where icc is at most 0.1 and J is 10:"),
        (lambda s: s["icc"] > 0 and s["x_icc"] > 0 and s["J"] == 10,
         "in the 6 of 24 scenarios where icc is at least 0.05 and x_icc is at least 0.5 and J is "),
        (lambda s: s["x_icc"] == 1 and s != GRID[4],
         "in 7 of the 8 scenarios where x_icc is 1 and in none of the other 16:"),
        (lambda s: s["x_icc"] == 1 or s == GRID[0],
         "in the 8 of 24 scenarios where x_icc is 1 and in 1 of the others:"),
        (lambda s: s in (GRID[0], GRID[23]),
         "in 2 of 24 scenarios (icc 0, x_icc 0, J 10; icc 0.2, x_icc 1, J 40):"),
        (lambda s: True, "in all 24 scenarios:"),
        (lambda s: s == GRID[7], "in 1 of 24 scenarios (icc 0.05, x_icc 0, J 40): .150 (.008)"),
    ],
)  # fmt: skip
def test_where_a_method_breaks(breaks, words):
    rows = [rate(levels, "m", 300 if breaks(levels) else 100) for levels in GRID]
    assert f"The test was liberal {words}" in text_of(rows)


def test_a_test_may_be_liberal_here_conservative_there_and_undecided_elsewhere():
    counts = [300, 10, 140, 100] * 6
    rows = [rate(levels, "m", n) for levels, n in zip(GRID, counts, strict=True)]
    size, text = size_of(rows), text_of(rows)
    assert [size.liberal.n, size.conservative.n, size.undecided.n] == [6, 6, 6] and not size.held
    assert "It was also conservative" in text and "In 6 of the other 12 the interval cross" in text


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_description_is_true_whatever_it_describes(data):
    """Its counts are those of the condition it names, as any condition is read."""
    kinds = [st.sampled_from([0.0, 0.1, 0.25]), st.sampled_from(["a", "b", "c"]),
             st.sampled_from([None, 1, 2]), st.integers(1, 9)]  # fmt: skip
    levels = data.draw(st.lists(st.fixed_dictionaries(dict(zip("wxyz", kinds, strict=True))),
                                min_size=1, max_size=40))  # fmt: skip
    meant = np.array(data.draw(st.lists(st.booleans(), min_size=len(levels),
                                        max_size=len(levels))))  # fmt: skip
    some = some_of(levels, meant)
    assert (some.n, some.of) == (meant.sum(), len(meant))
    if some.terms:
        condition = parse(" and ".join(f"{t.field} {t.op} {t.level}" for t in some.terms))
        holds = np.array([condition.holds(of) for of in levels])
        assert (some.inside, some.among) == ((holds & meant).sum(), holds.sum())
        assert (holds ^ meant).sum() <= 0.4 * min(some.n, some.of - some.n)
    for listed, those in ((some.listed, meant), (some.others, ~meant)):
        if listed and len({frozenset(of.items()) for of in levels}) == len(levels):
            assert [any(one.items() <= of.items() for one in listed) for of in levels] == list(
                those
            )


def anything(rng):
    """Any summary: rates, errors and scenarios of all sizes, some rows not there."""
    rows = []
    for levels, method in itertools.product(GRID[: rng.integers(1, 10)], ["a", "*b*"]):
        n = int(rng.choice([0, 1, 2, 40, 2000]))
        truth = rng.choice([0.0, 0.0, 0.5, None])
        count = int(rng.integers(0, n + 1))
        for alpha in (0.05, 0.01):
            rows.append(rate(levels, method, count, n, alpha, truth=truth))
            rows.append(row(levels, method, "coverage", n - count, n, None, truth, alpha))
        for name in ("bias", "relative_error_model_se"):
            value, mcse = rng.standard_normal(2) * 10.0 ** rng.integers(-6, 9, 2)
            rows.append(
                row(levels, method, name, value, n, abs(mcse) if n > 1 else math.nan, truth)
            )
    return [one for one in rows if rng.random() < 0.9]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_any_summary_has_sentences_and_each_number_its_error(seed):
    rows = anything(np.random.default_rng(seed))
    text = text_of(rows)
    assert "nan" not in text and "None" not in text and "  " not in text
    assert not re.search(r" [,;:)](?=\s|$)|\(\s| \.(?=\s|$)|\.\.(?!\.)", text), text
    known = {0.05, 0.01, 0.075, 0.025, 0.015, 0.005, 0.95, 0.99, 0, 0.1, 0.2, 0.5, 1}
    bare = re.sub(ESTIMATE + r"(?: \[[^\]]*\])?", "", text)
    for number in re.findall(r"−?(?:\d+)?\.\d+|\de\d", bare):
        assert float(number.replace("−", "-")) in known, (number, text)
    for shown in re.findall(rf"({ESTIMATE} \[\S+, \S+\])", text):
        value, mcse, low, high = (
            float(x.replace("−", "-")) for x in re.findall(r"−?[\d.]+(?:e-?\d+)?", shown)
        )
        assert low <= value <= high
        half = 0.0006 + 0.6 * mcse + 0.05 * ("%" in shown)
        assert any(math.isclose(value, one["value"], rel_tol=0.06, abs_tol=half)
                   for one in rows if one["n_used"] > 1), shown  # fmt: skip


def test_power_is_compared_among_methods_that_are_not_liberal():
    null = [rate({"slope": 0.0, "J": j}, m, c, 4000)
            for j in (10, 20) for m, c in (("a", 200), ("b", 200), ("bad", 900))]  # fmt: skip
    power = [rate({"slope": s, "J": j}, m, c, 4000, truth=s) for s in (0.3, 0.6) for j in (10, 20)
             for m, c in (("a", 2400 + 500 * (j == 20)), ("b", 2380), ("bad", 3900))]  # fmt: skip
    text = text_of(null + power)
    assert ("Of the methods that held their level, the mean power to reject that the slope is 0, "
            "over the 4 scenarios where it is not, was .662 (.004) with **a** and .595 (.004) with "
            "**b**. That of **a** exceeds the other by more than the Monte Carlo error. Scenario "
            "by scenario **a** was shown to have more power than every other in 2 of the 4; for "
            "the rest it is open. Not compared, being liberal in some scenario: **bad**."
            ) in text  # fmt: skip
    alone = text_of(power)
    assert "Whether the tests hold their level was not examined" in alone
    assert "liberal" not in alone
    part = text_of([one for one in power if one["method"] != "b" or one["J"] == 10])
    assert "over the scenarios where it is not (2 of 4, in which all gave results), was" in part
    liberal = text_of([one for one in null + power if one["method"] == "bad"])
    assert (
        "Powers are not compared where all tests are liberal in some scenario: **bad**" in liberal
    )


def test_differences_in_pairs_show_what_intervals_apart_do_not():
    base = [
        rate({"J": j}, m, c, truth=0.4) for j in (10, 20) for m, c in (("a", 1030), ("b", 1000))
    ]
    paired = [row({"J": j}, "b", "difference_rejection_rate", -0.015, 2000, 0.003, 0.4, 0.05)
              for j in (10, 20)]  # fmt: skip
    assert "Which is the largest is open" in text_of(base)
    text = text_of(base + paired)
    assert "exceeds the other by more" in text and "**a** had 0.015 (0.002) more than **b**" in text
    assert "**a** was shown to have more power than every other in each of them." in text
    open_size = [rate({"J": j + 1}, m, 140 if m == "a" else 100) for j in (10, 20) for m in "ab"]
    assert ("Of these methods **a** had a Type I error rate above 0.05 in some scenario, and may "
            "owe power to it.") in text_of(base + open_size)  # fmt: skip


def test_what_has_no_test_has_its_bias_alone():
    rows = [row(levels, "m", "bias", -0.02 if levels["J"] == 10 else 0.0, 900, 0.001, 0.1,
                estimand="icc") for levels in GRID]  # fmt: skip
    text = text_of(rows)
    assert "biased in the 12 of 24 scenarios where J is 10: −0.020 (0.001) [−0.0" in text
    assert "Type I" not in text and "Bradley" not in text


def test_nothing_is_said_of_single_replications_nor_of_none():
    single = [rate(levels, "m", 1, 1) for levels in GRID[:3]]
    none = [rate(levels, "n", 0, 0) for levels in GRID[:3]]
    assert found(None, summary(single + none)) == [
        "- **m.** No Monte Carlo error exists in 3 scenarios, of which nothing is said.",
        "- **n.** It gave no result.",
    ]
    part = [
        rate(s, "m", *((0, 0) if s["x_icc"] == 1 else (90, 1900)), n_not_used=100) for s in GRID
    ]
    text = text_of(part)
    assert (
        "It gave no result in the 8 of 24 scenarios where x_icc is 1. 1,600 of 32,000 fits" in text
    )


def test_other_alphas_and_varying_truths_have_a_sentence():
    rows = [rate(levels, "m", 300 if levels["J"] == 10 else 100) for levels in GRID]
    rows += [rate(levels, m, 90 if m == "m" else 20, alpha=0.01) for levels in GRID for m in "mk"]
    text = text_of(rows)
    assert r"At $\alpha = 0.01$ liberal was **m** in all 24 scenarios, .045 (.005) [" in text
    assert "are not judged" not in text
    varying = [rate(levels, "v", 100, truth=None) for levels in GRID]
    assert "Rejection rates of **v** are not judged" in text_of(rows + varying)


def test_the_error_of_a_median_is_that_of_medians():
    rng = np.random.default_rng(8)
    for spread in (0.0, 0.3):
        true = 0.05 + spread * np.linspace(0, 1, 9)
        n = 4000
        counts = rng.binomial(n, true, (3000, 9))
        rows = [rate({"k": k}, "m", int(c), n) for k, c in enumerate(counts[0])]
        median = cells_by_method(wide(summary(rows), "rejection_rate"))["m"].median
        sd = np.median(counts / n, axis=1).std()
        assert 0.85 * sd < median.mcse < (1.6 if spread == 0 else 1.15) * sd


def test_what_a_user_names_is_shown_as_it_is():
    hostile = "a_b*c* {{ study }} [x](y)\n| `z`"
    rows = [rate({"J": 10, hostile: k}, hostile, c) for k, c in ((0, 100), (1, 300), (2, 90))]
    text = text_of(rows)
    assert r"- **a_b\*c\* {{ study }} \[x\](y) \| \`z\`.** The test was liberal in 1 of 3" in text


def test_a_whole_text_for_readers():
    """Two methods in a small study, as it is printed."""
    rows = []
    for levels in GRID[::3]:
        rows += [
            rate(levels, "ignored", 300 if levels["icc"] else 95),
            row(levels, "ignored", "relative_error_model_se", -30.0 if levels["icc"] else 1.0, 2000,
                1.2),
            rate(levels, "mixed", 104),
            row(levels, "mixed", "relative_error_model_se", 0.5, 2000, 1.6),
        ]  # fmt: skip
        rows += [row(levels, m, "bias", 0.001, 2000, 0.004) for m in ("ignored", "mixed")]
    assert found(None, summary(rows)) == [
        "Estimates have their Monte Carlo standard error in parentheses and, in brackets, a "
        "simultaneous 95 % interval: that of Bonferroni over all 16 Type I error rates, or "
        "over all values of another measure (every method in every scenario), so that the "
        "worst of many is not mistaken for more than chance. The intervals of proportions are"
        " exact (Clopper & Pearson, 1934), those of other measures have quantiles of "
        r"Student's $t$. At $\alpha = 0.05$ a test is called liberal where the interval lies "
        "above 0.075, conservative where it lies below 0.025 (Bradley, 1978). Medians are "
        "over the scenarios of a method.",
        "- **ignored.** The test was liberal in the 6 of 8 scenarios where icc is at least "
        "0.05: .150 (.008) [.127, .175] at worst (icc 0.05, x_icc 0). Elsewhere the interval "
        "lies between these limits. The median rate was .150 (.004). The SE bias was below "
        "zero in 6 of 8 scenarios, −30.0 % (1.2) [−33.6, −26.4] at worst there, and −30.0 % "
        "(0.6) in the median.",
        "- **mixed.** The level was held: in none of 8 scenarios did the Type I error rate "
        "differ from 0.05 by more than its Monte Carlo error, the one furthest from it being "
        ".052 (.005) [.038, .068]. The median rate was .052 (.002). The SE bias differed from"
        " zero in none of 8 scenarios, the largest being 0.5 % (1.6) [−4.2, 5.2].",
        "No bias differed from zero by more than its Monte Carlo error (16 values).",
    ]  # fmt: skip
