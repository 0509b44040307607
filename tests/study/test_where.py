"""One grammar for `--where` and `when:`: what it reads, what it refuses, and what it compares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudy.errors import UserError
from simstudy.where import Term, Where, mask, parse


@pytest.mark.parametrize(
    "text, terms",
    [
        ("x_icc == 1", [("x_icc", "==", "1")]),
        ("x_icc=1", [("x_icc", "=", "1")]),
        ("a<=1 and b>= -2.5e-3", [("a", "<=", "1"), ("b", ">=", "-2.5e-3")]),
        ("a != b AND c < 3", [("a", "!=", "b"), ("c", "<", "3")]),
        ('cluster_size = "uniform 5-35"', [("cluster_size", "=", "uniform 5-35")]),
        ('"my field" = "say ""and"" twice"', [("my field", "=", 'say "and" twice')]),
        ("method = random_intercept[df=wald]", [("method", "=", "random_intercept[df=wald]")]),
        ('a = "1"and b = 2', None),
        ('a = "and" and b = ""', [("a", "=", "and"), ("b", "=", "")]),
        ("  a = 1\n\tand b = é ", [("a", "=", "1"), ("b", "=", "é")]),
    ],
)
def test_what_is_read(text, terms):
    if terms is None:
        with pytest.raises(UserError, match="expected 'and' before"):
            parse(text)
        return
    found = parse(text)
    assert [tuple(term) for term in found.terms] == terms
    assert parse(found.text) == found


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("x_icc", "after 'x_icc' expected one of"),
        ("x_icc 1", "expected one of == != <= >= = < >, got '1'"),
        ("x_icc =", "lacks a value"),
        ("= 1", "expected a field before '= 1'"),
        ("a = 1 and", "nothing follows the last 'and'"),
        ("and = 1", "expected a field, got 'and'"),
        ("a = 1 and and b = 2", "expected a field, got 'and'"),
        ("a = 1 or b = 2", "joined by 'and' alone, got 'or'"),
        ("a = 1 && b = 2", "joined by 'and' alone"),
        ("a = uniform 5-35", "expected 'and' before '5-35'; a value with blanks"),
        ('a = "open', "a double quote is not closed"),
        ('a = x"y', "stands before and after a value"),
        ("a === 1", "expected a value, got '='"),
        ("(a = 1)", "unknown field '(a'"),
        ("__import__('os').system('x') = 1", "unknown field"),
        ("a = 1; drop", "expected 'and' before 'drop'"),
        ("a in [1, 2]", "expected one of"),
        ("0 < a < 1", "expected 'and' before '<'"),
        ("a = 1\x00", "is no number"),
        (3, "expected text"),
        (None, "expected text"),
        ("a = " + "1" * 20_000, "more than 10,000"),
    ],
)
def test_what_is_refused(text, said):
    with pytest.raises(UserError) as refused:
        parse(text).check({"a": [1, 2], "x_icc": [0.0, 1.0]})
    assert said in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "level, op, value, holds",
    [
        (1.0, "=", "1", True), (1, "==", "1.0", True), (0.1 + 0.2, "=", "0.3", True),
        (0.1 + 0.2, "<", ".3", False), (0.1 + 0.2, "<=", ".3", True), (10, ">", "9", True),
        (10, "<", "9", False), ("10", ">", "9", True), (-0.0, "=", "0", True),
        ("5", "=", "5.0", True), ("uniform 5-35", "=", "uniform 5-35", True),
        ("uniform 5-35", ">", "1", False), ("01", "=", "1", False), ("01", "=", "01", True),
        ("1", "=", "01", False), ("1", "!=", "01", True), (1e300, ">", "1e299", True),
        (2**63 + 1, "=", str(2**63), False), (str(10**20 + 1), "=", str(10**20), False),
        (None, "=", "", False), (None, "!=", "a", True), (None, "<", "1", False),
        (float("nan"), "=", "nan", False), (True, "=", "TRUE", True), (True, "=", "1", True),
        (False, "=", "1", False), (False, "!=", "1", True), ("A", "=", "a", False),
        ("-1", "<", "0", True), (10**400, ">", "1.5", True), ("é", "=", "é", True),
    ],
)  # fmt: skip
def test_numbers_are_compared_as_numbers_and_text_as_shown(level, op, value, holds):
    assert Term("a", op, value).holds(level) is holds


def test_every_operator_on_numbers():
    levels = [0.0, 0.05, 0.1]
    for op, right in {
        "=": [0.05], "==": [0.05], "!=": [0.0, 0.1], "<": [0.0], "<=": [0.0, 0.05], ">": [0.1],
        ">=": [0.05, 0.1],
    }.items():  # fmt: skip
        where = parse(f"icc {op} 5e-2")
        assert [level for level in levels if where.holds({"icc": level})] == right


def test_a_field_that_is_not_there_suggests_the_nearest():
    with pytest.raises(UserError, match="unknown field 'xicc'; did you mean 'x_icc'"):
        parse("xicc = 1").check({"x_icc": [1.0], "icc": [0.0]})
    with pytest.raises(UserError, match="unknown field 'zzz'; known: x_icc, icc"):
        parse("zzz = 1").check({"x_icc": [1.0], "icc": [0.0]})


@pytest.mark.parametrize(
    "text, levels, said",
    [
        ("icc = low", [0.0, 0.1], "'low' is no number, and icc holds some (it has 0, 0.1)"),
        ("icc < low", [0.0, 0.1], "text has no order"),
        ("icc < 1", ["a b", "c"], 'icc holds text, which has no order (it has "a b", c)'),
    ],
)
def test_comparisons_that_cannot_be(text, levels, said):
    with pytest.raises(UserError) as refused:
        parse(text).check({"icc": levels})
    assert said in str(refused.value)


def test_a_column_of_numbers_and_text_has_an_order_among_its_numbers():
    where = parse("cluster_size >= 10")
    where.check({"cluster_size": ["5", "30", "uniform 5-35"]})
    kept = [level for level in ("5", "30", "uniform 5-35") if where.holds({"cluster_size": level})]
    assert kept == ["30"]


def test_rows_by_their_levels():
    columns = {"a": ([1, 2], np.array([0, 1, 2, 1])), "b": (["x"], np.array([0, 0, 0, 1]))}
    assert mask(parse("a >= 1 and b = x"), columns).tolist() == [True, True, False, False]
    assert mask(parse("a != 1"), columns).tolist() == [False, True, True, True]


NAMES = st.text(min_size=1, max_size=8)
LEVELS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12))


@given(st.text(max_size=60), LEVELS)
def test_any_text_is_read_or_refused_in_one_line(text, level):
    try:
        where = parse(text)
        where.check({field: [level] for field in where.fields})
        where.check({"icc": [level]})
    except UserError as refused:
        assert str(refused) and "\n" not in str(refused)
        return
    assert isinstance(where.holds(dict.fromkeys(where.fields, level)), bool)


@given(st.text(alphabet="ab1.e-+=!<> \"'and\n(),;", max_size=40), LEVELS)
def test_text_near_the_grammar_is_read_or_refused_in_one_line(text, level):
    test_any_text_is_read_or_refused_in_one_line.hypothesis.inner_test(text, level)


@given(st.lists(st.tuples(NAMES, st.sampled_from(["=", "!=", "<", ">="]), st.text(max_size=8)),
                min_size=1, max_size=4))  # fmt: skip
def test_what_is_written_is_read_as_it_was(terms):
    where = Where(tuple(Term(*term) for term in terms))
    assert parse(where.text) == where


@given(LEVELS)
def test_a_level_that_is_shown_is_found(level):
    from simstudy.where import shown

    missing = level is None or level != level
    if isinstance(level, float) and not missing:
        level = float(shown(level))
        if level in (float("inf"), -float("inf")):
            return
    assert Term("a", "=", shown(level)).holds(level) is not missing
    assert Term("a", "!=", shown(level)).holds(level) is missing
