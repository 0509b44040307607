"""Estimates of anybody's that were summarised wrong without a word; values from R and pandas."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from helpers_cli import assert_refused, call
from helpers_places import FAULTS
from hypothesis import given, settings
from hypothesis import strategies as st

import simstudy
from simstudy.readers import labels
from simstudy.readers.read import read
from simstudy.summary.replications import Replications

pytestmark = pytest.mark.slow

ROLES = {"estimate": "b", "std_error": "se", "true": 0.5}
WORDS = ["--estimate", "b", "--std-error", "se", "--true", "0.5"]
BASE = {"A": (-0.003394, 0.024806, 50), "B": (-0.026240, 0.028896, 50)}
OUTPUT = ["method", "truth", "null_value", "measure", "alpha", "value", "mcse", "ci_low",
          "ci_high", "n_used", "n_not_used", "verdict"]  # fmt: skip
ANY_NAME = [*OUTPUT, "scenario", "n_obs", "design_effect", "slope", "theory", "z", "estimate",
            "std_error", "status", "replication", "df", "p_value", "A_value", "by_value",
            "estimand", "method_name"]  # fmt: skip


def measures(found: pd.DataFrame, measure: str, *by: str) -> dict:
    """Method, or levels and method -> value, MCSE and n_used of a measure."""
    rows = found[found.measure == measure].set_index([*by, "method"])
    return {key: tuple(row) for key, row in rows[["value", "mcse", "n_used"]].iterrows()}


def assert_base(found: dict, names: tuple[str, str] = ("A", "B")) -> None:
    assert list(found) == list(names)
    for name, right in zip(names, BASE.values(), strict=True):
        assert found[name] == pytest.approx(right, abs=5e-7)


def table(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_the_file_that_the_others_were_made_from():
    assert_base(measures(simstudy.summarize(FAULTS / "base.csv", **ROLES), "bias"))


def test_a_column_called_scenario_is_a_group_like_any_other():
    ran = call("summarize", FAULTS / "by_scenario.csv", *WORDS, "--by", "scenario", "n",
               "--measure", "bias")  # fmt: skip
    rows = [line[-4:] for line in table(ran.out)[2:]]
    assert [(row[0], row[2]) for row in rows] == [
        ("0.067", "-0.085"), ("-0.041", "-0.080"), ("-0.024", "0.019"), ("-0.011", "0.040"),
    ]  # fmt: skip
    assert table(ran.out)[2][:3] == ["common", "exposure", "50"]
    assert "rare exposure" in ran.out


def renamed(tmp_path: Path, name: str) -> tuple[Path, str]:
    """by_ci_low.csv with another word above its groups, and above its methods where they clash."""
    how = "method" if name != "method" else "how"
    text = (FAULTS / "by_ci_low.csv").read_text().split("\n", 1)[1]
    file = tmp_path / "any.csv"
    file.write_text(f"{how},rep,b,se,{name}\n{text}")
    return file, how


@pytest.mark.parametrize("name", ANY_NAME)
@pytest.mark.parametrize("form", ["text", "csv", "json", "markdown", "latex"])
def test_any_name_is_free_as_a_group(tmp_path, name, form):
    def numbers(name: str) -> list[str]:
        file, how = renamed(tmp_path, name)
        ran = call("summarize", file, *WORDS, "--by", name, "--method", how, "--measure", "bias",
                   "--format", form)  # fmt: skip
        assert ran.code == 0
        return re.findall(r"(?<![\w.])\d*\.?\d+(?![\w.])", ran.out)

    assert numbers(name) == numbers("any")


@pytest.mark.parametrize("name", ANY_NAME)
def test_any_name_is_free_as_a_group_with_a_column_a_method(tmp_path, name):
    file, how = renamed(tmp_path, name)
    ran = call("summarize", file, *WORDS, "--by", name, "--method", how, "--measure", "bias",
               "--format", "csv", "--wide")  # fmt: skip
    rows = pd.read_csv(io.StringIO(ran.out))
    assert [*rows.iloc[:, 0]] == [10, 20]
    right = pd.read_csv(file).groupby([name, how]).b.mean().unstack() - 0.5
    assert [*rows.A_value.iloc[:2]] == pytest.approx([*right.A])
    assert not [column for column in rows.columns if column.endswith(".1")]


@pytest.mark.parametrize("name", ANY_NAME)
def test_any_name_is_free_as_a_group_of_a_frame(tmp_path, name):
    file, how = renamed(tmp_path, name)
    frame = pd.read_csv(file)
    found = simstudy.summarize(frame, **ROLES, by=[name], method=how)
    heading = found.columns[0]
    assert heading == (f"by_{name}" if name in OUTPUT else name)
    assert sorted(set(found[heading])) == [10, 20]
    right = frame.groupby([name, how]).b.mean() - 0.5
    got = measures(found, "bias", heading)
    assert {key: value[0] for key, value in got.items()} == pytest.approx(right.to_dict())


@pytest.mark.parametrize("name", ANY_NAME)
def test_any_name_is_free_as_the_column_of_methods(tmp_path, name):
    frame = pd.read_csv(FAULTS / "base.csv").rename(columns={"method": name})
    assert_base(measures(simstudy.summarize(frame, **ROLES, method=name), "bias"))


@pytest.mark.parametrize("label", ANY_NAME)
def test_any_label_is_free_as_a_method(tmp_path, label):
    text = (FAULTS / "base.csv").read_text().replace("\nA,", f"\n{label},")
    (tmp_path / "labels.csv").write_text(text)
    assert_base(measures(simstudy.summarize(tmp_path / "labels.csv", **ROLES), "bias"),
                (label, "B"))  # fmt: skip
    ran = call("summarize", tmp_path / "labels.csv", *WORDS, "--measure", "bias", "--format", "csv",
               "--wide")  # fmt: skip
    row = pd.read_csv(io.StringIO(ran.out)).iloc[0]
    assert row[f"{label}_value"] == pytest.approx(BASE["A"][0], abs=5e-7)
    assert row["B_mcse"] == pytest.approx(BASE["B"][1], abs=5e-7)


def test_what_a_group_is_called_below_is_said():
    ran = call("summarize", FAULTS / "by_ci_low.csv", *WORDS, "--by", "ci_low", "--format", "csv")
    assert "'ci_low' is called 'by_ci_low'" in ran.err
    rows = pd.read_csv(io.StringIO(ran.out))
    assert set(rows.by_ci_low) == {10, 20}
    assert (rows.ci_low < rows.value).any()


def test_groups_of_two_names_that_become_one_stay_two():
    frame = pd.read_csv(FAULTS / "by_ci_low.csv").rename(columns={"ci_low": "value"})
    frame["by_value"] = frame.value * 10
    found = simstudy.summarize(frame, **ROLES, by=["value", "by_value"])
    assert list(found.columns[:3]) == ["by_by_value", "by_value", "method"]
    assert (found.by_by_value * 10 == found.by_value).all()


def test_folders_named_after_a_column_are_read():
    assert_base(measures(simstudy.summarize(FAULTS / "hive", **ROLES), "bias"))


def test_folders_hold_labels_as_they_are_written(tmp_path):
    frame = pd.read_csv(FAULTS / "base.csv").assign(part="a b/c", cell=2)
    frame["method"] = frame.method.map({"A": "01", "B": "1"})
    frame.to_parquet(tmp_path, partition_cols=["method", "cell", "part"])
    assert_base(measures(simstudy.summarize(tmp_path, **ROLES), "bias"), ("01", "1"))
    found = simstudy.summarize(tmp_path, **ROLES, by=["cell", "part"])
    assert set(found.cell) == {2} and set(found.part) == {"a b/c"}


def test_a_folder_without_a_level_has_no_label(tmp_path):
    frame = pd.read_csv(FAULTS / "base.csv").assign(cell=[1.0, None] * 50)
    frame.to_parquet(tmp_path, partition_cols=["cell"])
    with pytest.raises(simstudy.UserError, match="row 1: column 'cell' is empty; write a label"):
        simstudy.summarize(tmp_path, **ROLES, by=["cell"])


@pytest.mark.parametrize("column", ["rep", "replication"])
def test_a_replication_that_occurs_twice_is_refused(tmp_path, column):
    text = (FAULTS / "duplicate_rows.csv").read_text().replace("rep", column, 1)
    (tmp_path / "twice.csv").write_text(text)
    more = ["--replication", "rep"] if column == "rep" else []
    line = assert_refused(call("summarize", tmp_path / "twice.csv", *WORDS, *more))
    assert "replication 1 of method 'A' occurs twice" in line
    pd.read_csv(tmp_path / "twice.csv").drop_duplicates().to_csv(tmp_path / "once.csv", index=False)
    found = simstudy.summarize(tmp_path / "once.csv", **ROLES, replication=column)
    assert measures(found, "bias")["A"] == pytest.approx((*BASE["A"][:1], 0.02481, 50), abs=5e-6)


@pytest.mark.parametrize(
    "ids",
    [
        [2**53, 2**53 + 1, 2**53 + 2],
        np.array([2**64 - 1, 2**64 - 2, 5], dtype=np.uint64),
        ["01", "1", "1.0"],
        [0.1, 0.2, 0.3],
        pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"]),
    ],
    ids=["beyond 2^53", "uint64", "text", "fractions", "dates"],
)
def test_replications_may_be_called_anything(ids):
    frame = pd.DataFrame({"b": [0.4, 0.5, 0.7], "se": 0.1, "id": ids})
    found = simstudy.summarize(frame, **ROLES, replication="id")
    assert measures(found, "bias")["estimate"][2] == 3
    with pytest.raises(simstudy.UserError, match="occurs twice"):
        simstudy.summarize(pd.concat([frame, frame[:1]]), **ROLES, replication="id")


def test_a_replication_without_a_label_is_refused():
    frame = pd.DataFrame({"b": [0.4, 0.5], "se": 0.1, "id": ["a", None]})
    with pytest.raises(simstudy.UserError, match="column 'id': a replication is missing"):
        simstudy.summarize(frame, **ROLES, replication="id")


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 30)), max_size=60),
    st.integers(1, 7),
)
@settings(max_examples=200, deadline=None)
def test_copies_are_found_in_any_order_and_any_batches(rows, size):
    seen = Replications("id", "data")
    for start in range(0, len(rows), size):
        group, number = np.array(rows[start : start + size], dtype=np.int64).T
        seen.add(group, seen.numbers(pa.chunked_array([pa.array(number)])))
    twice = seen.twice()
    assert (twice is not None) == (len(set(rows)) < len(rows))
    assert twice is None or rows.count(twice) > 1


def test_labels_are_text_as_written():
    found = simstudy.summarize(FAULTS / "leading_zero_methods.csv", **ROLES)
    assert_base(measures(found, "bias"), ("01", "1"))


@pytest.mark.parametrize(
    ("first", "second"),
    [("1", "1.0"), ("0.5", "0.50"), ("1e3", "1000"), ("12345678901234567890",
     "12345678901234567891"), ("9007199254740993", "9007199254740992"), ("+1", "1"),
     ("true", "True"), ("NA", "nan"), ("2024-01-01", "2024-1-1"), ("1", " 1")],
)  # fmt: skip
@pytest.mark.parametrize("role", ["method", "by"])
def test_labels_that_look_like_one_number_stay_apart(tmp_path, first, second, role):
    text = (FAULTS / "base.csv").read_text()
    text = text.replace("\nA,", f"\n{first},").replace("\nB,", f"\n{second},")
    (tmp_path / "labels.csv").write_text(text.replace("method,", "how,", 1))
    ran = call("summarize", tmp_path / "labels.csv", *WORDS, f"--{role}", "how", "--format", "csv",
               "--measure", "bias")  # fmt: skip
    heading = {"method": "method", "by": "how"}[role]
    rows = pd.read_csv(io.StringIO(ran.out), dtype={heading: str}, keep_default_na=False)
    assert set(rows[heading]) == {first, second}
    values = dict(zip(rows[heading], rows.value.astype(float), strict=True))
    assert values[first] == pytest.approx(BASE["A"][0], abs=5e-7)


def test_levels_that_are_numbers_stay_numbers(tmp_path):
    frame = pd.read_csv(FAULTS / "base.csv").assign(
        icc=[0.05, 0.1, 0.1, 0.05, 0] * 20, n=[100, 5] * 50
    )
    frame.to_csv(tmp_path / "numbers.csv", index=False)
    found = simstudy.summarize(tmp_path / "numbers.csv", **ROLES, by=["n", "icc"])
    assert found.n.dtype == np.int64 and found.icc.dtype == np.float64
    assert list(dict.fromkeys(found.n)) == [5, 100]


def test_a_column_of_labels_may_hold_the_truth_as_well(tmp_path):
    frame = pd.read_csv(FAULTS / "base.csv").assign(theta=["0.50", "1.0"] * 50)
    frame.to_csv(tmp_path / "truth.csv", index=False)
    given = ROLES | {"true": "theta"}
    found = measures(simstudy.summarize(tmp_path / "truth.csv", **given, by=["theta"]), "bias",
                     "theta")  # fmt: skip
    right = frame.b - frame.theta.astype(float)
    means = right.groupby([frame.theta, frame.method]).mean()
    assert {key: value[0] for key, value in found.items()} == pytest.approx(means.to_dict())


LABELS = st.lists(
    st.one_of(
        st.integers(-(10**25), 10**25).map(str),
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.from_regex(r"[-+]?0{0,2}[0-9]{1,4}(\.[0-9]{0,3})?(e[0-9])?", fullmatch=True),
        st.sampled_from(["NA", "None", "nan", "inf", "true", "1_000", "٣", "-0", "x"]),
    ),
    min_size=1, max_size=6, unique=True,
)  # fmt: skip


@given(LABELS)
@settings(max_examples=300, deadline=None)
def test_a_label_comes_back_as_it_was_written(words):
    column = labels.as_written(pa.chunked_array([pa.array(words, pa.string())]))
    assert len(column.unique()) == len(words)
    levels = column.to_pylist()
    if isinstance(levels[0], float):
        assert words in ([f"{level:g}" for level in levels], [repr(level) for level in levels])
    else:
        assert [str(level) for level in levels] == words
    order = [words[i] for i in labels.in_order(words)]
    assert sorted(order) == sorted(words)


def test_ids_of_twenty_digits_are_clusters_of_their_own():
    assert len(simstudy.fit(FAULTS / "bigid.csv", "y ~ x + (1 | g)").data.labels) == 8


@pytest.mark.parametrize("labels", [["01", "1", "2"], ["1", "1.0", "2"], ["9007199254740993",
                         "9007199254740992", "1"], ["0x1", "1", "2"]])  # fmt: skip
def test_cluster_labels_are_text_as_written(tmp_path, labels):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"y": rng.normal(size=12), "x": rng.normal(size=12), "g": labels * 4})
    frame.to_csv(tmp_path / "labels.csv", index=False)
    assert len(simstudy.fit(tmp_path / "labels.csv", "y ~ x + (1 | g)").data.labels) == 3


def test_big_ids_of_a_frame_stay_apart():
    frame = pd.read_csv(FAULTS / "base.csv")
    frame["method"] = np.where(frame.method == "A", 2**53, 2**53 + 1)
    names = str(2**53), str(2**53 + 1)
    assert_base(measures(simstudy.summarize(frame, **ROLES), "bias"), names)
    found = simstudy.summarize(frame, **ROLES, by=["method"])
    assert set(found.by_method) == {2**53, 2**53 + 1}


def test_a_column_is_what_it_is_taken_for(tmp_path):
    (tmp_path / "plain.csv").write_text("b,se,n\n0.4,0.1,01\n0.5,0.1,1\n")
    opened = read(tmp_path / "plain.csv")
    assert opened.names == ["b", "se", "n"]
    rows = opened.whole(["n"])
    assert rows.numbers("n").tolist() == [1, 1]
    assert rows.labels("n").to_pylist() == ["01", "1"]


@pytest.mark.parametrize("file", ["ci_and_some_se.csv", "one_method_no_se.csv"])
def test_bias_needs_no_standard_error(file):
    found = simstudy.summarize(FAULTS / file, **ROLES)
    assert_base(measures(found, "bias"))
    frame = pd.read_csv(FAULTS / file)
    for measure in ("empirical_se", "mse", "rmse"):
        assert {key: value[2] for key, value in measures(found, measure).items()} == {
            "A": 50, "B": 50,
        }  # fmt: skip
    with_se = frame[frame.se.notna()].groupby("method").size()
    for measure in ("model_se", "relative_error_model_se", "coverage", "rejection_rate"):
        got = {key: value[2] for key, value in measures(found, measure).items()}
        assert got == {name: with_se.get(name, 0) for name in "AB"}


def test_limits_need_no_standard_error():
    given = {"ci_low": "lo", "ci_high": "hi"}
    found = simstudy.summarize(FAULTS / "ci_and_some_se.csv", **ROLES, **given)
    assert measures(found, "coverage")["B"] == pytest.approx((0.94, 0.033586, 50), abs=5e-7)
    assert measures(found, "mean_ci_width")["B"][2] == 50
    assert measures(found, "bias_eliminated_coverage")["B"][2] == 50
    assert measures(found, "rejection_rate")["B"][2] == 45


def test_a_row_without_limits_has_no_interval():
    frame = pd.read_csv(FAULTS / "ci_and_some_se.csv")
    frame.loc[:4, "lo"] = np.nan
    given = {"ci_low": "lo", "ci_high": "hi", "alpha": [0.05, 0.01]}
    found = simstudy.summarize(frame, **ROLES, **given)
    covered = (frame.lo <= 0.5) & (frame.hi >= 0.5) & (frame.method == "A")
    of_a = found[(found.method == "A") & (found.measure == "coverage")]
    assert of_a[["alpha", "n_used"]].to_numpy().tolist() == [[0.05, 45]]
    assert of_a.value.item() == covered.sum() / 45
    assert measures(found[found.alpha == 0.05], "rejection_rate")["A"][2] == 50


def test_a_truth_of_each_replication():
    given = ROLES | {"true": "estimand"}
    found = simstudy.summarize(FAULTS / "random_estimand.csv", **given)
    frame = pd.read_csv(FAULTS / "random_estimand.csv")
    frame["error"] = frame.b - frame.estimand
    bias = measures(found, "bias")
    assert {name: round(value[0], 4) for name, value in bias.items()} == {"A": 0.0291, "B": 0.0062}
    for name, rows in frame.groupby("method"):
        e, low, high = rows.error, rows.b - 1.959964 * rows.se, rows.b + 1.959964 * rows.se
        relative = e / rows.estimand
        centred = (e - e.mean()).abs() <= 1.959964 * rows.se
        right = {"bias": (e.mean(), e.std() / 50**0.5),
                 "mse": ((e**2).mean(), (e**2).std() / 50**0.5),
                 "relative_bias": (relative.mean(), relative.std() / 50**0.5)}  # fmt: skip
        for measure, value in right.items():
            assert measures(found, measure)[name][:2] == pytest.approx(value, rel=1e-12)
        share = ((low <= rows.estimand) & (rows.estimand <= high)).mean()
        assert measures(found, "coverage")[name][0] == pytest.approx(share, abs=1e-15)
        assert measures(found, "bias_eliminated_coverage")[name][0] == centred.mean()
        assert measures(found, "empirical_se")[name][0] == pytest.approx(rows.b.std(), rel=1e-12)
    assert found.truth.isna().all() and found.verdict.isna().all()
    assert "type1_inflation" not in set(found.measure)


def test_a_truth_of_each_replication_in_every_shape(tmp_path):
    frame = pd.read_csv(FAULTS / "random_estimand.csv")
    given = ROLES | {"true": "estimand", "replication": "rep", "reference": "A"}
    long = simstudy.summarize(frame, **given)
    frame.to_parquet(tmp_path / "long.parquet", row_group_size=7)
    streamed = simstudy.summarize(tmp_path / "long.parquet", **given)
    pd.testing.assert_frame_equal(long, streamed, rtol=1e-12)
    same = frame.assign(estimand=frame.groupby("rep").estimand.transform("first"))
    wide = same.pivot(index=["rep", "estimand"], columns="method", values=["b", "se"])
    wide.columns = ["_".join(name) for name in wide.columns]
    found = simstudy.summarize(wide.reset_index(), true="estimand", estimate=["b_A", "b_B"],
                               std_error=["se_A", "se_B"])  # fmt: skip
    right = measures(simstudy.summarize(same, **ROLES | {"true": "estimand"}), "bias")
    got = measures(found, "bias")
    assert [*got.values()] == [pytest.approx(right[name], rel=1e-12) for name in "AB"]


def test_a_truth_is_needed_where_an_estimate_is_and_equal_to_rounding_is_equal():
    frame = pd.read_csv(FAULTS / "base.csv").assign(true=[0.3, 0.1 + 0.2] * 50)
    frame.loc[[0, 60], ["b", "se", "true"]] = np.nan
    found = simstudy.summarize(frame, **ROLES | {"true": "true"})
    assert set(found.truth) == {0.3}
    bias = measures(found, "bias")["A"]
    assert bias[0] == pytest.approx(frame.b[frame.method == "A"].mean() - 0.3, rel=1e-12)
    assert bias[2] == 49
    frame.loc[70, "true"] = np.nan
    with pytest.raises(simstudy.UserError, match=r"'true': .* method 'B' has an est"):
        simstudy.summarize(frame, **ROLES | {"true": "true"})


def test_a_relative_bias_is_not_defined_where_one_truth_is_zero():
    frame = pd.read_csv(FAULTS / "random_estimand.csv")
    frame.loc[3, "estimand"] = 0.0
    found = simstudy.summarize(frame, **ROLES | {"true": "estimand"})
    assert set(found[found.measure == "relative_bias"].method) == {"B"}


def test_groups_whose_truth_varies_and_others_side_by_side():
    frame = pd.read_csv(FAULTS / "random_estimand.csv")
    frame.loc[frame.method == "B", "estimand"] = 0.5
    found = simstudy.summarize(frame, **ROLES | {"true": "estimand"})
    whole = simstudy.summarize(FAULTS / "base.csv", **ROLES)
    one, other = (of[of.method == "B"].reset_index(drop=True) for of in (found, whole))
    pd.testing.assert_frame_equal(one, other)  # to the last digit
    assert measures(found, "bias")["A"][0] == pytest.approx(0.0291, abs=5e-5)


def test_a_dash_says_that_there_is_no_standard_error():
    ran = call("summarize", FAULTS / "one_method_no_se.csv", *WORDS)
    assert ran.out.count("- no replication had a standard error or a test") == 3
    assert "estimable" not in ran.out
