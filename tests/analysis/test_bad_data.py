"""`fit` on bad data and formulas: one line that names what is wrong; and on unusual good ones."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers_cli import TWO_CLASSROOMS, assert_refused, call, call_process, listing

import simstudy

FORMULA = "y ~ x + (1 | g)"
GOOD = "y,x,g\n1,2,a\n2,1,a\n4,3,a\n3,3,b\n5,6,b\n4,4,b\n7,5,c\n6,7,c\n9,8,c\n"

# name -> (content of the file, what the message must hold beside the file's name)
BAD_FILES: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "empty": (b"", ("empty",)),
    "only a blank line": (b"\n", ()),
    "header only": (b"y,x,g\n", ("no row",)),
    "a short line": (b"y,x,g\n1,2,a\n1,2\n", ("3 columns", "got 2")),
    "a long line": (b"y,x,g\n1,2,a\n1,2,3,4\n", ("3 columns", "got 4")),
    "an open quote": (b'y,x,g\n"1,2,a\n2,3,a\n', ("cannot be read",)),
    "every byte": (bytes(range(256)) * 4, ("cannot be read",)),
    "zeros": (bytes(100), ("cannot be read",)),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", ()),
    "missing predictor": (b"y,z,g\n1,2,a\n", ("'x'", "known: y, z, g")),
    "misspelt outcome": (b"yy,x,g\n1,2,a\n", ("'y'", "known: yy, x, g")),
    "other case": (b"Y,X,G\n1,2,a\n", ("'y'", "'Y'")),
    "missing cluster": (b"y,x,gg\n1,2,a\n", ("'g'", "gg")),
    "column twice": (b"y,x,x,g\n1,1,1,a\n", ("'x'", "two columns")),
    "text outcome": (b"y,x,g\nbad,1,a\ngood,2,b\n", ("'y'", "not numeric", "'bad'")),
    "one word among numbers": (b"y,x,g\n1,2,a\n2,?,b\n", ("'x'", "not numeric")),
    "infinite predictor": (b"y,x,g\n1,inf,a\n2,3,b\n", ("infinite", "predictor")),
    "infinite outcome": (b"y,x,g\n1,2,a\n-inf,3,b\n", ("infinite", "outcome")),
    "overflowing": (b"y,x,g\n1,2,a\n1e999,3,b\n", ("infinite",)),
    "all rows missing": (b"y,x,g\nNA,1,a\n1,,b\n1,2,\n", ("no row is complete",)),
    "all predictors missing": (b"y,x,g\n1,NA,a\n2,NA,b\n", ("column 'x': no value is there",)),
    "all clusters missing": (b"y,x,g\n1,2,\n2,3,NA\n", ("column 'g': no value is there",)),
    "two columns missing": (b"y,x,g\n,NA,a\n,NA,b\n", ("columns 'y' and 'x': no value",)),
    "separator unknown": (b"y/x/g\n1/2/a\n", ("'y'", "y/x/g")),
}

# formula -> what the message must hold beside the formula itself
BAD_FORMULAS: dict[str, tuple[str, ...]] = {
    "y ~ x^2 + (1 | g)": ("'x^2': powers are not fitted; make a column of it first",),
    "y ~ x ** 2 + (1 | g)": ("'x ** 2': powers are not fitted; make a column of it first",),
    "y ~ I(x^2) + (1 | g)": ("functions are not evaluated; make a column of it first",),
    "y ~ x + (0 + x | g)": ("random slope", "(1 | g)"),
    "y ~ x + (1 || g)": ("(1 || g)", "(1 | g)"),
    "y ~ x + (| g)": ("(1 | g)",),
    "y ~ x": ("no random intercept", "(1 | cluster)"),
    "y ~ x + (1 | g) + (1 | h)": ("one grouping factor",),
    "y ~ x + (1 | g / h)": ("g / h", "nesting"),
    "y ~ x + (1 | g:h)": ("g:h", "nesting"),
    "y ~ log(x) + (1 | g)": ("'log(x)'", "function"),
    "log(y) ~ x + (1 | g)": ("'log(y)'", "function"),
    "y ~ poly(x, 2) + (1 | g)": ("'poly(x, 2)'", "function"),
    "y ~ x + (1 | factor(g))": ("factor(g)", "function"),
    "y ~ 2x + (1 | g)": ("'2x'", "not a column name"),
    "y ~ . + (1 | g)": ("'.'",),
    "y x (1 | g)": ("y ~ x + (1 | cluster)",),
    "": ("y ~ x + (1 | cluster)",),
    "y ~ x ~ (1 | g)": ("y ~ x + (1 | cluster)",),
    "~ x + (1 | g)": ("outcome",),
    "y ~ ": ("y ~ x + (1 | cluster)",),
    "y ~ (1 | g)": ("no predictor",),
    "y ~ 1 + (1 | g)": ("no predictor",),
    "y ~ x + (1 | )": ("cluster is missing",),
    "y ~ 0 + x + (1 | g)": ("without intercept",),
    "y ~ x - 1 + (1 | g)": ("without intercept",),
    "y ~ x + + (1 | g)": ("missing", "'+'"),
    "y ~ x (1 | g)": ("'+'",),
    "y ~ x - (1 | g)": (),
    "y ~ x + 1 | g": ("(1 | ",),
    "y ~ `x + (1 | g)": ("`x",),
    "y ~ `` + (1 | g)": ("``",),
    "y ~ y + (1 | g)": ("three different columns",),
    "y ~ x + (1 | x)": ("three different columns",),
    "y ~ x + (1 | y)": ("three different columns",),
    "y ~ `x` + (1 | x)": ("three different columns",),
}

BAD_METHODS: dict[str, tuple[str, ...]] = {
    "pool": ("'pool'", "'pooled'"),
    "ols": ("'ols'", "'pooled'"),
    "bootstrap": ("'bootstrap'", "'wild_bootstrap'"),
    "pooled: {dff: wald}": ("'dff'", "'df'"),
    "random_intercept: {df: satterthwait}": ("satterthwait'", "'satterthwaite'"),
    "random_intercept: {estimator: ml, df: kenward_roger}": ("kenward_roger", "reml"),
    "pooled: {se: CR4}": ("'CR4'", "CR"),
    "dummy: {se: moulton}": ("'moulton'", "classical"),
    "pooled: {df: satterthwaite}": ("satterthwaite", "CR2"),
    "wild_bootstrap: {draws: 0}": ("draws", "'0'", "whole number"),
    "pooled: {df: wald, df: wald}": ("df", "twice"),
    "pooled: {label: 3}": ("label", "text"),
    "pooled: 3": ("{option: value}",),
    "{": ("not YAML",),
    "": ("method",),
    "[pooled, dummy]": ("method",),
    "!x pooled": ("!x", "not allowed"),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fit_text(folder, text, formula=FORMULA, *options, name="d.csv"):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return call("fit", name, formula, *options)


def numbers(text, folder, formula=FORMULA, **given):
    """Slopes of the three methods, through --json."""
    ran = fit_text(folder, text, formula, "--json", **given)
    assert ran.code == 0, ran
    fits = json.loads(ran.out)["fits"]
    return [one["terms"][-1]["estimate"] for one in fits]


# bad data


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file(here, name):
    content, phrases = BAD_FILES[name]
    message = assert_refused(fit_text(here, content))
    assert message.startswith(("d.csv: ", "d.csv:2: ", "d.csv:3: "))
    for phrase in phrases:
        assert phrase.lower() in message.lower(), message
    assert listing(here) == ["d.csv"]


def test_no_such_file(here):
    message = assert_refused(call("fit", "no.csv", FORMULA))
    assert message.startswith("no.csv: no such file")
    assert "CSV" in message


def test_a_folder(here):
    (here / "data").mkdir()
    message = assert_refused(call("fit", "data", FORMULA))
    assert message.startswith("data: no parquet file in this folder")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(50) + b"PAR1"])
def test_a_parquet_file_that_is_none(here, content):
    message = assert_refused(fit_text(here, content, name="d.parquet"))
    assert message.startswith("d.parquet: ")


def test_the_columns_are_those_of_the_formula(here):
    # a column that is not used may hold anything, even stand twice
    assert numbers(GOOD, here)[0] == pytest.approx(numbers(wider(GOOD), here)[0], rel=1e-12)


def wider(text):
    lines = text.splitlines()
    return "\n".join([lines[0] + ",w,w", *(line + ",inf,?" for line in lines[1:])])


@pytest.mark.parametrize(
    "labels",
    [
        pa.array([[1], [1], [2], [2]]),
        pa.array([{"a": 1}, {"a": 1}, {"a": 2}, {"a": 2}]),
    ],
    ids=["lists", "structs"],
)
def test_cluster_labels_that_are_no_labels(here, labels):
    pq.write_table(pa.table({"y": [1.0, 2, 3, 5], "x": [1.0, 3, 2, 4], "g": labels}), "d.parquet")
    assert "'g'" in assert_refused(call("fit", "d.parquet", FORMULA))


def test_bad_data_in_a_process_of_its_own(here):
    (here / "d.csv").write_text("y,x,g\n1,low,a\n")
    assert "'low'" in assert_refused(call_process("fit", "d.csv", FORMULA, cwd=here))


# bad formulas and methods


@pytest.mark.parametrize("formula", BAD_FORMULAS)
def test_bad_formula(here, formula):
    message = assert_refused(fit_text(here, GOOD, formula))
    # the formula is quoted first, so a phrase must stand after it
    said = message.rpartition(f"'{formula.strip()}': ")[2]
    assert said
    for phrase in BAD_FORMULAS[formula]:
        assert phrase in said, message


def test_a_bad_formula_is_found_before_the_data_are_read():
    assert "formula" in assert_refused(call("fit", "no.csv", "y ~ x"))


@pytest.mark.parametrize("method", BAD_METHODS)
def test_bad_method(here, method):
    message = assert_refused(fit_text(here, GOOD, FORMULA, "--method", method))
    assert message.startswith("--method ")
    said = message.partition(f"'{method}': ")[2]
    assert said, message
    for phrase in BAD_METHODS[method]:
        assert phrase in said, message


def test_a_method_given_twice(here):
    methods = ("--method", "pooled", "--method", "pooled: {df: residual}")
    assert "pooled is given twice" in assert_refused(fit_text(here, GOOD, FORMULA, *methods))


def test_two_methods_of_one_label(here):
    methods = ("--method", "pooled", "--method", "dummy: {label: pooled}")
    assert "label" in assert_refused(fit_text(here, GOOD, FORMULA, *methods))


# good formulas


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ (1 | g) + x",
        "y~x+(1|g)",
        "y ~ 1 + x + (1 | g)",
        "y ~ x + 1 + (1 | g)",
        "y ~ (1 | g) + 1 + x",
        "  y  ~  x  +  ( 1  |  g )  ",
        "`y` ~ `x` + (1 | `g`)",
        "y ~ x\n  + (1 | g)",
    ],
)
def test_one_model_in_other_words(here, formula):
    assert numbers(GOOD, here, formula) == numbers(GOOD, here)


@pytest.mark.parametrize(
    ("names", "formula"),
    [
        (("post.test", "pre.test.c", "class.d"), "post.test ~ pre.test.c + (1 | class.d)"),
        (("the score", "a b", "my class"), "`the score` ~ `a b` + (1 | `my class`)"),
        (("y + z", "log(x)", "a|b"), "`y + z` ~ `log(x)` + (1 | `a|b`)"),
        (("y ~ w", "x * z", "g:h"), "`y ~ w` ~ (1 | `g:h`) + `x * z`"),
        (("größe", "naïve", "学校"), "größe ~ naïve + (1 | 学校)"),
        (("1", "0", "(1 | g)"), "`1` ~ `0` + (1 | `(1 | g)`)"),
        (("_y", ".x", "g_1"), "_y ~ .x + (1 | g_1)"),
    ],
)
def test_names_of_columns(here, names, formula):
    text = GOOD.replace("y,x,g", ",".join(names))
    assert numbers(text, here, formula) == numbers(GOOD, here)


def test_names_are_printed_without_backticks(here):
    text = GOOD.replace("y,x,g", "y,a b,my class")
    ran = fit_text(here, text, "y ~ `a b` + (1 | `my class`)")
    assert "Number of obs: 9, groups:  my class, 3" in ran.out
    assert "`" not in ran.out.split("\n\n", 1)[1]


# good data in other forms


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.rstrip("\n"),
        lambda text: text + "\n\n",
        lambda text: "\ufeff" + text,
        lambda text: text.replace("a\n", '"a"\n'),
        lambda text: text.replace("1,2,a", "1.0,2e0,a"),
    ],
    ids=["semicolon", "tab", "crlf", "no last newline", "blank lines", "bom", "quoted", "floats"],
)
def test_csv_dialects(here, change):
    assert numbers(change(GOOD), here) == numbers(GOOD, here)


def as_frame():
    rows = [line.split(",") for line in GOOD.splitlines()[1:]]
    return pd.DataFrame({"y": [float(r[0]) for r in rows], "x": [float(r[1]) for r in rows],
                         "g": [r[2] for r in rows]})  # fmt: skip


def slopes(fits):
    return [one["terms"][-1]["estimate"] for one in fits.as_dict()["fits"]]


def test_parquet(here):
    as_frame().to_parquet("d.parquet")
    ran = call("fit", "d.parquet", FORMULA, "--json")
    fits = json.loads(ran.out)["fits"]
    assert [one["terms"][-1]["estimate"] for one in fits] == numbers(GOOD, here)


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame,
        lambda frame: frame.astype({"g": "category"}),
        lambda frame: frame.astype({"x": "int64", "y": "float32"}),
        lambda frame: frame.astype({"x": "Int64"}),
        lambda frame: frame.assign(g=frame["g"].map({"a": 3, "b": 1, "c": 2})),
        lambda frame: frame.assign(g=frame["g"].map({"a": 0.5, "b": -1.5, "c": 2.0})),
        lambda frame: frame.assign(g=pd.to_datetime("2020-01-01") + pd.to_timedelta(
            frame["g"].map({"a": 3, "b": 1, "c": 2}), unit="D")),
        lambda frame: frame.iloc[::-1],
        lambda frame: frame.set_index("g", drop=False),
        lambda frame: frame.assign(w=[object()] * 9),
    ],
    ids=["plain", "category", "small types", "nullable", "integer labels", "float labels", "dates",
         "reversed", "indexed", "other objects"],
)  # fmt: skip
def test_data_frames(here, change):
    found = slopes(simstudy.fit(change(as_frame()), FORMULA))
    assert found == pytest.approx(numbers(GOOD, here), rel=1e-12)


def test_a_data_frame_with_columns_of_one_name():
    frame = as_frame()
    frame.columns = ["y", "x", "g"]
    twice = pd.concat([frame, frame[["x"]]], axis=1)
    with pytest.raises(simstudy.UserError, match="'x'"):
        simstudy.fit(twice, FORMULA)


@pytest.mark.parametrize("data", [None, 3, [1, 2], {"y": [1], "x": [1], "g": [1]}, np.eye(3)])
def test_what_is_no_data_frame(data):
    with pytest.raises(simstudy.UserError):
        simstudy.fit(data, FORMULA)


def test_a_data_frame_of_mixed_objects_is_not_numeric():
    frame = as_frame().astype({"x": object})
    frame.loc[3, "x"] = "three"
    with pytest.raises(simstudy.UserError, match="x"):
        simstudy.fit(frame, FORMULA)


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (["2", "10"], ["2", "10"]),  # numbers sort as numbers
        (["b", "a"], ["a", "b"]),
        (["true", "false"], ["false", "true"]),
        (["1.5", "0.5"], ["0.5", "1.5"]),
        (["1", "b"], ["1", "b"]),
    ],
    ids=["numbers", "text", "booleans", "fractions", "mixed"],
)
def test_cluster_labels(here, labels, shown):
    values = [(1, 2), (2, 1), (4, 3), (3, 3), (5, 6), (4, 5)]
    rows = [f"{y},{x},{labels[i // 3]}" for i, (y, x) in enumerate(values)]
    fits = simstudy.fit(written(here, "\n".join(["y,x,g", *rows])), FORMULA)
    assert [str(label) for label in fits.data.labels] == shown
    lines = str(fits).split("Separate regressions", 1)[1].splitlines()[2:4]
    assert [line.split()[0] for line in lines] == shown


def written(folder, text):
    (folder / "d.csv").write_text(text)
    return folder / "d.csv"


def test_cluster_labels_that_are_not_utf8_are_refused_or_readable(here):
    ran = fit_text(here, GOOD.replace("a\n", "caf\xe9\n").encode("latin-1"))
    if ran.code:
        assert "UTF-8" in assert_refused(ran)
    else:
        assert "b'" not in ran.out  # not Python's way of writing bytes


# missing values

MISSING = "y,x,g\n,2,a\nNA,2,a\n3,,b\n3,NaN,b\n4,4,\n4,4,NA\n"


def test_rows_with_missing_values_are_dropped_and_counted(here):
    text = MISSING + GOOD.split("\n", 1)[1]
    ran = fit_text(here, text)
    assert ran.code == 0
    assert ran.err == "6 rows with missing values dropped (y: 2; x: 2; g: 2 (empty 1, 'NA' 1))\n"
    assert "Number of obs: 9, groups:  g, 3" in ran.out
    assert simstudy.fit("d.csv", FORMULA).data.n_dropped == 6
    assert numbers(text, here) == numbers(GOOD, here)


def test_one_row_with_missing_values(here):
    assert fit_text(here, GOOD + "NA,1,a\n").err == "1 row with missing values dropped (y: 1)\n"


def test_nothing_dropped_nothing_said(here):
    assert fit_text(here, GOOD).err == ""
    assert simstudy.fit("d.csv", FORMULA).data.n_dropped == 0


def test_missing_values_elsewhere_do_not_count(here):
    lines = GOOD.splitlines()
    text = "\n".join([lines[0] + ",w", *(line + "," for line in lines[1:])])
    assert fit_text(here, text).err == ""


def test_a_cluster_whose_rows_are_all_missing_is_no_cluster(here):
    fits = simstudy.fit(written(here, GOOD + "NA,1,d\n2,NA,d\n"), FORMULA)
    assert fits.data.labels == ["a", "b", "c"]
    assert fits.data.n_dropped == 2


def test_missing_values_of_a_data_frame():
    frame = as_frame().astype({"x": "Int64"})
    frame.loc[0, "y"] = np.nan
    frame.loc[4, "x"] = pd.NA
    frame.loc[8, "g"] = None
    fits = simstudy.fit(frame, FORMULA)
    assert (fits.data.n_dropped, fits.data.n_obs) == (3, 6)


def test_nan_is_missing_in_parquet_too(here):
    g = pa.array([1.0, 1.0, 2.0, 2.0, float("nan"), 2.0, 1.0])
    y = pa.array([1.0, 2.0, 3.0, 5.0, 4.0, float("nan"), 2.5])
    pq.write_table(pa.table({"y": y, "x": [1.0, 3, 2, 4, 5, 6, 7], "g": g}), "d.parquet")
    fits = simstudy.fit("d.parquet", FORMULA)
    assert fits.data.n_dropped == 2
    assert fits.data.labels == [1.0, 2.0]


# what cannot be fitted has a status (docs/statistics.md, section 8)


def statuses(folder, text, formula=FORMULA):
    fits = json.loads(fit_text(folder, text, formula, "--json").out)["fits"]
    return {one["method"]: (one["status"], one["message"]) for one in fits}


def test_one_cluster(here):
    found = statuses(here, "y,x,g\n1,2,a\n2,1,a\n4,3,a\n5,4,a\n")
    assert found["pooled"] == ("ok", None)
    assert found["dummy"] == ("ok", None)
    assert found["random_intercept"][0] == "not_estimable"


def test_x_constant_within_clusters(here):
    found = statuses(here, "y,x,g\n1,0,a\n2,0,a\n4,1,b\n3,1,b\n5,0,c\n7,0,c\n2,1,d\n3,1,d\n")
    assert found["dummy"] == ("not_estimable", "x is constant within clusters")
    assert found["pooled"][0] == "ok"
    assert found["random_intercept"][0] in ("ok", "boundary")


def test_x_constant(here):
    found = statuses(here, "y,x,g\n1,5,a\n2,5,a\n4,5,b\n3,5,b\n")
    assert {status for status, _ in found.values()} == {"not_estimable"}


def test_a_perfect_fit(here):
    found = statuses(here, "y,x,g\n2,1,a\n4,2,a\n6,3,b\n8,4,b\n10,5,c\n12,6,c\n")
    assert found == dict.fromkeys(found, ("not_estimable", "residual variance is zero"))


def test_too_few_rows(here):
    found = statuses(here, "y,x,g\n1,2,a\n2,3,b\n")
    assert found["pooled"] == ("not_estimable", "no residual degrees of freedom")
    assert {status for status, _ in found.values()} == {"not_estimable"}


def test_what_cannot_be_fitted_is_printed_beside_what_can(here):
    ran = fit_text(here, "y,x,g\n1,0,a\n2,0,a\n4,1,b\n3,1,b\n5,0,c\n7,0,c\n2,1,d\n3,1,d\n")
    assert ran.code == 0
    assert "not estimable: x is constant within clusters" in ran.out
    assert "Number of obs: 8, groups:  g, 4" in ran.out


def test_units_of_y_change_nothing_else():
    frame = pd.read_csv(TWO_CLASSROOMS)
    formula = "posttest ~ pretest + (1 | classroom)"
    plain = simstudy.fit(frame, formula).as_dict()["fits"]
    scaled = simstudy.fit(frame.assign(posttest=frame["posttest"] * 1e6), formula)
    for one, other in zip(plain, scaled.as_dict()["fits"], strict=True):
        a, b = one["terms"][-1], other["terms"][-1]
        assert b["estimate"] == pytest.approx(1e6 * a["estimate"], rel=1e-9)
        assert b["p_value"] == pytest.approx(a["p_value"], rel=1e-9)
