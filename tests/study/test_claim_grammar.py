"""`claims:` of a study file: read by hand, and refused by file and line."""

from __future__ import annotations

import math
import string

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from simstudy.errors import UserError
from simstudy.store import study_file
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.claim_grammar import Range, read
from simstudy.study.study import load

Z = "random intercept (z)"
STUDY = {
    "name": "c", "seed": 1, "replications": 500, "alpha": [0.05, 0.01],
    "scenarios": {"n_clusters": 10, "cluster_size": [5, {"uniform": [3, 7]}], "icc": [0, 0.2],
                  "x_icc": 1, "slope": [0, 0.3]},
    "methods": ["pooled", {"dummy": {"when": "icc = 0"}}, {"random_intercept": {"label": Z}}],
}  # fmt: skip


def claim(text, **more):
    (found,) = load(STUDY | more | {"claims": [text]}).claims
    return found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bias of pooled < 1", (False, "bias", "pooled", None, Range(-math.inf, 1, True))),
        ("bias of pooled<=1", (False, "bias", "pooled", None, Range(-math.inf, 1))),
        ("for some bias of m > -.5", (True, "bias", "m", None, Range(-0.5, math.inf, True))),
        ("FOR  SOME\nbias OF m>=1e-3", (True, "bias", "m", None, Range(1e-3, math.inf))),
        ("bias of pooled[se=CR2]<a", (False, "bias", "pooled[se=CR2]", "a",
                                      Range(-math.inf, 0, True))),
        ('bias of "a ""b"" c" > "0.5"',
         (False, "bias", 'a "b" c', "0.5", Range(0, math.inf, True))),
        ("bias of m Between -1 And 2", (False, "bias", "m", None, Range(-1, 2))),
    ],
)  # fmt: skip
def test_words(text, words):
    found = read(text)
    assert (found.some, found.measure, found.method, found.against, found.range) == words
    assert (found.alpha, found.where) == (None, None)


def test_level_and_condition():
    found = read('power of m > "b c" at  alpha 0.01 where icc > 0 and x = "y z"')
    assert (found.against, found.alpha, found.where.text) == ("b c", 0.01, 'icc > 0 and x = "y z"')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bias", "after 'bias' expected 'of', got nothing"),
        ("bias of pooled", "expected one of < <= > >=, or 'between', got nothing"),
        ("bias of pooled = 0", "no interval is a single number: write between A and B"),
        (f"bias of {Z} > 0", "a method with blanks is in double quotes"),
        ("bias of pooled between 2 and 1", "the smaller number comes first"),
        ("bias of pooled between 2 or 3", "after '2' expected 'and', got 'or'"),
        ("bias of pooled between a and b", "expected a number, got 'a'"),
        ("for all bias of pooled > 0", "about all cells unless it begins with 'for some'"),
        ("bias of pooled > 0 and bias of dummy > 0", "expected 'at alpha' or 'where', got 'and'"),
        ("bias of pooled > 0 where icc = 0 or icc = 1", "where: comparisons are joined by 'and'"),
        ("power of pooled > 80%", "'80%' is no number; units are those of the summary"),
        ("power of pooled > 80", "80 is no share from 0 to 1, and power is one"),
        ("biass of pooled > 0", "unknown measure 'biass'; did you mean 'bias'?"),
        ("bias of poled > 0", "'poled' is no method of the study; did you mean 'pooled'?"),
        ("bias of pooled > pooled", "'pooled' is compared with itself"),
        ("bias of pooled > 0 at alpha 0.05", "bias has no alpha"),
        ("power of pooled > 0.8 at alpha 0.1", "alpha 0.1 is no level of the study (0.05, 0.01)"),
        ("bias of pooled > 0 where ic = 0", "unknown field 'ic'; did you mean 'icc'?"),
        ("bias of pooled > 0 where icc = 0.3", "no such scenario: icc = 0.3 (icc 0, 0.2)"),
        ("bias of dummy > 0 where icc = 0.2", "dummy is not asked for there"),
        ("power of pooled > 0 where slope = 0", "cannot have power there: it is where the truth"),
        ("relative_precision of pooled > 0", "needs a reference method, and the study has none"),
        (3, "expected a claim, such as"),
        ("", "expected a claim, such as"),
    ],
)
def test_refusals_say_where_and_what_would_be_right(text, message, tmp_path):
    file = tmp_path / "study.yaml"
    lines = study_file.dump(STUDY | {"claims": ["bias of pooled < 9", text]})
    file.write_text(lines)
    with pytest.raises(UserError) as refused:
        load(file)
    assert message in str(refused.value) and f"{file}:{lines.count(chr(10))}" in str(refused.value)


def test_cells_are_where_it_is_asked_and_where_the_measure_is():
    loaded = load(STUDY | {"claims": [
        "type1_error of pooled > 0.02", "power of pooled > dummy", "bias of pooled < 1",
        "coverage of pooled > 0.9 at alpha 0.01 where icc = 0.2", "type1_inflation of dummy < 2",
    ]})  # fmt: skip
    sizes = [(len(one.designs(loaded)), one.alphas(loaded)) for one in loaded.claims]
    both = (0.05, 0.01)
    assert sizes == [(4, both), (2, both), (8, (None,)), (4, (0.01,)), (2, both)]
    nulls = {d.levels["slope"] for d in loaded.claims[0].designs(loaded)}
    assert nulls == {0.0}


def test_a_method_has_its_label_and_its_canonical_name():
    by_label = claim(f'bias of "{Z}" < pooled')
    by_name = claim("bias of random_intercept < pooled")
    assert by_label.method == by_name.method == "random_intercept"
    assert claim("bias of pooled < random_intercept").against == "random_intercept"


def test_claims_are_stored_and_change_nothing_else(tmp_path):
    texts = [f'bias of "{Z}" < pooled', "for some power of pooled >= 0.5 where slope > 0"]
    with_claims, plain = load(STUDY | {"claims": texts}), load(STUDY)
    assert [d.id for d in with_claims.designs] == [d.id for d in plain.designs]
    assert with_claims.methods == plain.methods
    file = tmp_path / "again.yaml"
    file.write_text(study_file.text(with_claims, ResultsFolder(tmp_path)))
    assert load(file).claims == with_claims.claims
    assert "claims" not in study_file.text(plain, ResultsFolder(tmp_path))


_WORDS = [
    "for", "some", "bias", "power", "of", "pooled", f'"{Z}"', "<", "<=", ">", ">=", "=", "between",
    "and", "at", "alpha", "where", "icc", "0", "0.05", "-1", "1e999", '"', "dummy", "scenario",
]  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.one_of(
    st.lists(st.sampled_from(_WORDS), max_size=14).map(" ".join),
    st.lists(st.sampled_from(_WORDS), max_size=14).map("".join),
    st.text(string.printable, max_size=40).map("bias of pooled ".__add__),
    st.text(max_size=30),
))  # fmt: skip
def test_any_text_is_a_claim_or_refused(text):
    try:
        found = claim(text)
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert claim(found.text) == found and not math.isnan(found.range.low)
