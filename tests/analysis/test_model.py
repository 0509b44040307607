"""Columns of a formula: R's, what it drops, and what tables hold."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from helpers_cli import ROOT, TWO_CLASSROOMS, environment
from hypothesis import given, settings
from hypothesis import strategies as st

from simstudy.analysis.aliased import aliased
from simstudy.analysis.coding import MOST
from simstudy.analysis.grammar import parse
from simstudy.analysis.model import model
from simstudy.errors import UserError

REFERENCE = ROOT / "tests" / "reference"
ANSWERS = json.loads((REFERENCE / "terms" / "answers.json").read_text())
TABLES = pd.read_csv(
    REFERENCE / "terms" / "data.csv", keep_default_na=False, na_values=["", "NA"],
    float_precision="round_trip",
)  # fmt: skip


def of(data, formula):
    return model(data, parse(formula))


def as_r(name):
    """A column as R calls it: C(k)[T.2] is factor(k)2, a[u] is au."""
    return re.sub(r"\[(?:T\.)?([^]]*)\]", r"\1", name).replace("C(", "factor(")


# what R makes of thirty random tables


def table_of(answer):
    rows = TABLES[TABLES.id == answer["id"]]
    return rows.assign(a=pd.Categorical(rows.a, answer["levels"]))


def columns_of(answer):
    values = {name: np.array(column[0].split(), dtype=float)
              for name, column in zip(answer["names"], answer["columns"], strict=True)}  # fmt: skip
    return values, set(answer["aliased"])


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: f"{a['id']} {a['formula']}")
def test_columns_and_dropped_ones_are_those_of_lm_and_lmer(answer):
    found = of(table_of(answer), f"y ~ {answer['formula']} + (1 | g)")
    values, gone = columns_of(answer)
    kept = [name for name in answer["names"] if name not in gone]
    assert [as_r(name) for name in found.names] == kept
    assert {as_r(name) for name in found.dropped} == gone
    for place, name in enumerate(kept):
        assert found.matrix[:, place].tolist() == values[name].tolist()


def test_the_tables_hold_what_they_are_to_hold():
    assert len(ANSWERS) == 30 and sum(bool(answer["aliased"]) for answer in ANSWERS) >= 10
    assert sum(bool(of(table_of(a), f"y ~ {a['formula']} + (1 | g)").empty_levels)
               for a in ANSWERS) >= 5  # fmt: skip
    assert sum(of(table_of(a), f"y ~ {a['formula']} + (1 | g)").n_dropped > 0
               for a in ANSWERS) >= 15  # fmt: skip


@pytest.mark.parametrize("formula", [
    "x + a", "x * a", "a * b * x", "C(k) * b + x", "z + x:a", "a + a:b", "C(k):x", "b:x + b",
])  # fmt: skip
def test_names_are_those_of_formulaic(formula):
    from formulaic import model_matrix

    data = table_of(ANSWERS[0]).dropna(subset=["x", "z", "a", "b", "k", "y", "g"])
    right = model_matrix(formula, data.assign(k=data.k.astype(int)))
    found = of(data, f"y ~ {formula} + (1 | g)")
    assert found.names == tuple(right.columns[1:])
    in_order = right.iloc[np.argsort(data.g.to_numpy(), kind="stable")].to_numpy()[:, 1:]
    assert np.array_equal(found.matrix, in_order)


# columns that depend on others


def dropped(**columns):
    matrix = np.column_stack(list(columns.values())).astype(float)
    return aliased(list(columns), matrix)


def test_dropped_columns_say_on_what_they_depend():
    rng = np.random.default_rng(1)
    x, z, u, v, w = rng.normal(size=(5, 40))
    assert dropped(x=x, one=np.full(40, 0.1), z=z, s=2 * x - z + 3, t=u, d=5 - 2 * x) == {
        "one": "constant",
        "s": "a linear combination of the intercept, x and z",
        "d": "a linear combination of the intercept and x",
    }
    assert dropped(x=x, z=z, u=u, v=v, w=w, s=x + z + u + v + w) == {
        "s": "a linear combination of the intercept, x, z, u, v and 1 more"
    }
    assert dropped(x=x, zero=np.zeros(40), again=x) == {
        "zero": "constant", "again": "a linear combination of the intercept and x"
    }  # fmt: skip
    assert dropped(x=x) == {}


@pytest.mark.parametrize("shift", [0.0, 1e3, -1e8])
@pytest.mark.parametrize("scale", [1.0, 1e-150, 1e150, -3.0])
def test_neither_shift_nor_scale_of_a_column_decides(shift, scale):
    rng = np.random.default_rng(2)
    x, z, e = rng.normal(size=(3, 50))
    columns = {"x": x, "z": z, "near": x + z + 1e-5 * e, "same": x - z, "one": np.ones(50)}
    moved = {name: scale * (values + shift) for name, values in columns.items()}
    if shift == -1e8:
        del moved["near"]  # no digit of it is left
    assert list(dropped(**moved)) == ["same", "one"]
    assert list(dropped(**(columns | {"x": moved["x"]}))) == ["same", "one"]


def test_a_product_that_is_constant_but_for_rounding_is_constant():
    x = np.arange(1.0, 50.0)
    assert dropped(x=x, one=(1 / x) * x * 49) == {"one": "constant"}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(-2, 2), min_size=6, max_size=6), min_size=1, max_size=8))
def test_what_is_kept_has_full_rank(rows):
    matrix = np.array(rows, dtype=float).T
    gone = aliased([f"c{k}" for k in range(matrix.shape[1])], matrix)
    whole = np.column_stack([np.ones(6), matrix])
    kept = [k for k in range(matrix.shape[1]) if f"c{k}" not in gone]
    rank = np.linalg.matrix_rank(whole[:, [0, *(k + 1 for k in kept)]])
    assert rank == 1 + len(kept) == np.linalg.matrix_rank(whole)


# what tables hold

RNG = np.random.default_rng(3)
FRAME = pd.DataFrame({
    "g": list("abcdef") * 8, "y": RNG.normal(size=48), "x": RNG.normal(size=48),
    "arm": ["p", "q", "r", "q"] * 12, "two": ["new", "old", "old"] * 16,
    "k": [10, 2, 1, 2] * 12,
})  # fmt: skip


def test_a_model_of_numbers_is_its_columns():
    found = of(FRAME, "y ~ x + k + (1 | g)")
    assert found.names == ("x", "k") and found.labels == list("abcdef")
    assert found.sizes.tolist() == [8] * 6 and found.n_obs == 48
    by_cluster = FRAME.sort_values("g", kind="stable")
    assert np.array_equal(found.matrix, by_cluster[["x", "k"]])
    assert np.array_equal(found.y, by_cluster.y)
    assert not (found.dropped or found.levels or found.remarks or found.missing)
    assert found.random == ("g", None, True)


def test_text_is_levels_and_the_first_word_is_the_reference():
    found = of(FRAME, "y ~ arm + x:two + (1 | g)")
    assert found.names == ("arm[T.q]", "arm[T.r]", "x:two[new]", "x:two[old]")
    assert found.levels == {"arm": ("p", "q", "r"), "two": ("new", "old")}
    assert found.remarks == ["arm: p is the reference", "two: new is the reference"]


def test_a_lone_predictor_of_two_words_is_0_and_1_under_its_name():
    found = of(FRAME, "y ~ two + (1 | g)")
    assert found.names == ("two",) and set(found.matrix.ravel()) == {0.0, 1.0}
    assert found.levels == {"two": ("new", "old")}
    assert of(FRAME, "y ~ C(two) + (1 | g)").names == ("C(two)[T.old]",)
    assert of(FRAME, "y ~ two + x + (1 | g)").names == ("two[T.old]", "x")
    assert of(FRAME, "y ~ arm + (1 | g)").names == ("arm[T.q]", "arm[T.r]")


@pytest.mark.parametrize("k", [
    FRAME.k, FRAME.k.astype(float), FRAME.k.astype(str), FRAME.k.astype("Int64"),
])  # fmt: skip
def test_numbers_as_levels_stand_in_their_order(k):
    found = of(FRAME.assign(k=k), "y ~ x + C(k) + (1 | g)")
    assert found.names == ("x", "C(k)[T.2]", "C(k)[T.10]")


def test_numbers_in_a_file_as_levels(tmp_path):
    FRAME.to_csv(tmp_path / "d.csv", index=False)
    found = of(tmp_path / "d.csv", "y ~ x * C(k) + arm + (1 | g)")
    right = of(FRAME, "y ~ x * C(k) + arm + (1 | g)")
    assert found.names == right.names and np.array_equal(found.matrix, right.matrix)


@pytest.mark.parametrize(("cells", "names"), [
    (["1", "10", "2", "NA"], ("C(k)[T.2]", "C(k)[T.10]")),
    (["1.0", "10.0", "2.5", ""], ("C(k)[T.2.5]", "C(k)[T.10]")),
    (["01", "02", "2", "."], ("C(k)[T.02]", "C(k)[T.2]")),
    (["a", "1", "B", "NA"], ("C(k)[T.B]", "C(k)[T.a]")),
])  # fmt: skip
def test_levels_in_a_file_are_named_as_r_names_them(tmp_path, cells, names):
    FRAME.assign(k=cells * 12).to_csv(tmp_path / "d.csv", index=False)
    found = of(tmp_path / "d.csv", "y ~ x + C(k) + (1 | g)")
    assert found.names[1:] == names and found.missing == {"k": "12"}


def test_doubles_as_levels_are_told_apart():
    k = np.where(FRAME.k == 2, 0.1 + 0.2, 0.3)
    found = of(FRAME.assign(k=k), "y ~ x + C(k) + (1 | g)")
    assert found.names == ("x", "C(k)[T.0.30000000000000004]")


def test_a_categorical_has_its_own_order_and_its_empty_levels_are_said():
    arm = pd.Categorical(FRAME.arm, ["r", "none", "q", "p"])
    found = of(FRAME.assign(arm=arm), "y ~ x + arm + (1 | g)")
    assert found.names == ("x", "arm[T.q]", "arm[T.p]")
    assert found.empty_levels == {"arm": ("none",)}
    assert found.remarks[1] == "arm: level none without a complete row dropped"


def test_levels_of_incomplete_rows_alone_are_empty():
    frame = FRAME.assign(x=FRAME.x.where(FRAME.arm != "p"))
    found = of(frame, "y ~ x + arm + (1 | g)")
    assert found.names == ("x", "arm[T.r]") and found.levels == {"arm": ("q", "r")}
    assert found.empty_levels == {"arm": ("p",)} and found.missing == {"x": "12"}
    assert found.n_dropped == 12 and found.n_obs == 36


def test_codes_of_stata_are_numbers_and_their_labels_are_levels(tmp_path):
    file = tmp_path / "d.dta"
    FRAME.assign(k=pd.Categorical(FRAME.arm, ["r", "q", "p"])).to_stata(file, write_index=False)
    assert of(file, "y ~ k + x + (1 | g)").names == ("k", "x")
    found = of(file, "y ~ x + C(k) + (1 | g)")
    assert found.names == ("x", "C(k)[T.q]", "C(k)[T.p]")


def test_truth_values_are_numbers():
    found = of(FRAME.assign(old=FRAME.two == "old"), "y ~ old + x + (1 | g)")
    assert found.names == ("old", "x") and set(found.matrix[:, 0]) == {0.0, 1.0}


def test_missing_values_are_dropped_and_counted():
    frame = FRAME.astype({"arm": object, "g": object})
    frame.loc[[1, 2], "x"] = np.nan
    frame.loc[[2, 3], "arm"] = None
    frame.loc[4, "g"] = "NA"
    frame.loc[5, "y"] = np.nan
    found = of(frame, "y ~ x * arm + C(arm) + (1 | g)")
    assert found.n_dropped == 5 and found.n_obs == 43
    assert found.missing == {"y": "1", "x": "2", "arm": "2", "g": "1 ('NA' 1)"}
    whole = of(frame.drop(index=[1, 2, 3, 4, 5]), "y ~ x * arm + C(arm) + (1 | g)")
    assert found.names == whole.names and np.array_equal(found.matrix, whole.matrix)


def test_only_named_columns_are_read():
    frame = FRAME.assign(odd=[{1}, object()] * 24, empty=None)
    assert of(frame, "y ~ x + arm + (1 | g)").n_obs == 48


BAD = {
    "y ~ x + nosuch + (1 | g)": "no column 'nosuch'",
    "y ~ x + one + (1 | g)": "column 'one' holds one word ('a'); a predictor is numbers",
    "y ~ x + mixed + (1 | g)": "column 'mixed' is not numeric",
    "y ~ x + day + (1 | g)": "column 'day' holds dates",
    "y ~ x + lists + (1 | g)": "column 'lists' holds lists",
    "y ~ x + C(lists) + (1 | g)": "column 'lists' holds lists",
    "y ~ x + infinite + (1 | g)": "infinite values",
    "y ~ x + empty + (1 | g)": "column 'empty': no value is there",
    "y ~ x + C(empty) + (1 | g)": "column 'empty': no value is there",
    "y ~ x + huge:x2 + (1 | g)": "'huge:x2' is too large for a double",
    "y ~ seven + x + (1 | g)": "'seven', the term under test, is constant; put another one first",
    "arm ~ x + k + (1 | g)": "column 'arm' is not numeric",
    "y ~ arm + (arm | g)": "a random slope is for a column of numbers; 'arm' holds 3 words",
    "y ~ two + x + (two || g)": "'||' is for a column of numbers; 'two' holds 2 words",
    "y ~ arm + `arm[T.q]` + (1 | g)": "two columns of the model would be called 'arm[T.q]'",
}


@pytest.mark.parametrize("formula", BAD)
def test_what_no_model_can_be_made_of_is_refused_in_one_line(formula):
    frame = FRAME.assign(one="a", mixed=["1", "b"] * 24, day=pd.Timestamp("2020-01-01"),
                         lists=[[1], [2]] * 24, infinite=np.inf, empty=None, huge=1e300, seven=7.0,
                         x2=1e300 * FRAME.x, **{"arm[T.q]": FRAME.x})  # fmt: skip
    with pytest.raises(UserError) as refused:
        of(frame, formula)
    assert BAD[formula] in str(refused.value) and "\n" not in str(refused.value)


def test_too_many_columns_are_refused_before_they_are_made():
    n = MOST + 10
    frame = pd.DataFrame({"g": np.arange(2 * n) % 9, "y": 1.0, "x": np.arange(2 * n) % 7,
                          "id": np.arange(2 * n) % n})  # fmt: skip
    with pytest.raises(UserError, match=r"more than 100 columns \('C\(id\)' alone has"):
        of(frame, "y ~ x + C(id) + (1 | g)")


def test_a_random_slope_of_two_words_is_one_column():
    found = of(FRAME, "y ~ two + x + (two | g)")
    assert found.names[0] == "two[T.old]" and found.random == ("g", "two", True)
    assert of(FRAME, "y ~ x + arm + (x || g)").random == ("g", "x", False)


def test_a_lone_constant_stays_for_the_methods_to_say():
    assert of(FRAME.assign(x=1.0), "y ~ x + (1 | g)").names == ("x",)


def test_an_order_of_rows_changes_nothing_but_the_rows():
    for one, other in pairwise([FRAME, FRAME.sample(frac=1, random_state=1)]):
        a, b = (of(frame, "y ~ x * arm + C(k) + (1 | g)") for frame in (one, other))
        assert a.names == b.names and a.dropped == b.dropped
        assert np.allclose(a.matrix.sum(axis=0), b.matrix.sum(axis=0))


@pytest.mark.parametrize("arguments", [
    ("--help",), ("fit", "--help"),
    ("fit", str(TWO_CLASSROOMS), "posttest ~ pretest.c + (1 | classroom.d)"),
])  # fmt: skip
def test_pandas_is_not_imported(arguments):
    code = (
        "import sys, contextlib, io\nfrom simstudy.cli.app import main\n"
        f"with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): "
        f"main({list(arguments)})\n"
        "print([m for m in ('formulaic', 'pandas') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True,
                         text=True, check=True)  # fmt: skip
    assert ran.stdout.strip() == "[]"
