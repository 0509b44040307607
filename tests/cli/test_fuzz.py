"""Anything at all as a study, a formula or data: a result or one line of `UserError`."""

from __future__ import annotations

import copy
import json
import math

import numpy as np
import pandas as pd
import pytest
from helpers_cli import GOOD_STUDY, conforms
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from simstudy import Study, UserError, fit, load
from simstudy.analysis.fit import Fits
from simstudy.analysis.grammar import parse as parse_formula
from simstudy.analysis.terms import Random, Terms, Variable
from simstudy.estimates import STATUSES
from simstudy.store import study_file
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.json_schema import schema
from simstudy.study.yaml_lines import parse as parse_yaml
from simstudy.study.yaml_lines import read as read_yaml

pytestmark = pytest.mark.slow


def fuzz(examples):
    """The same examples on every run, as many as are said, however slow one is."""
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None,
                    suppress_health_check=[HealthCheck.too_slow])  # fmt: skip


def assert_one_line(error: UserError) -> None:
    message = str(error)
    assert message.strip()
    assert len(message.splitlines()) == 1, message


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


# (a) studies

EVERY_FIELD = """\
name: every.field-1
title: "with: colon"
aim: why
seed: 18446744073709551615
replications: 1e3
alpha: [0.01, 0.05]
grain: rows
report: {figures: []}
scenarios:
  - n_clusters: [4, 6]
    cluster_size: [5, {uniform: [2, 9]}, {poisson: 3}, {mean: 20, cv: 0.5}]
    icc: 0.1
    x_icc: [0, 0.5]
    slope: [0, 0.5]
    intercept: 10
    total_variance: 4
    contextual_effect: 0.2
  - cluster_size: {sizes: [3, 4, 5]}
    icc: 0.2
    x: binary_blocked
    slope: 0
  - {n_clusters: 4, cluster_size: 8, icc: 0, x: [binary], x_icc: 1, slope: -1}
methods:
  - pooled: {se: classical, df: wald}
  - dummy: {label: Größe}
  - random_intercept: {estimator: ml}
  - random_intercept:
      df: satterthwaite
      label: two lines
"""
STUDIES = (GOOD_STUDY, EVERY_FIELD)

WORDS = (
    "null true no ~ .nan .inf -.inf 1e999 -0 0x10 007 1_000 icc pooled x_icc wald file 2020-01-01 "
    "<< & * ! | > % @ [ ] { } : - # ? , \\ ' \""
)
words = st.sampled_from(WORDS.split())
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | words
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def flow(value):
    """A value as YAML on one line (JSON but for NaN and infinity)."""
    text = json.dumps(value)
    for json_word, yaml_word in (("-Infinity", "-.inf"), ("Infinity", ".inf"), ("NaN", ".nan")):
        text = text.replace(json_word, yaml_word)
    return text


@st.composite
def mutated_studies(draw):
    lines = draw(st.sampled_from(STUDIES)).splitlines()
    for _ in range(draw(st.integers(1, 3))):
        i = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(MUTATIONS))
        lines[i : i + 1] = what(draw, lines[i])
        if not lines:
            break
    return "\n".join(lines)


def _new_value(draw, line):
    return [line.partition(":")[0] + ": " + flow(draw(values))]


def _new_item(draw, line):
    return [line[: len(line) - len(line.lstrip())] + "- " + flow(draw(values))]


def _cut(draw, line):
    start = draw(st.integers(0, len(line)))
    return [line[:start] + line[draw(st.integers(start, len(line))) :]]


def _insert(draw, line):
    at = draw(st.integers(0, len(line)))
    return [line[:at] + draw(words | st.text(max_size=3)) + line[at:]]


MUTATIONS = (
    lambda draw, line: [],
    lambda draw, line: [line, line],
    lambda draw, line: [draw(st.text(max_size=30))],
    lambda draw, line: [line.lstrip()],
    lambda draw, line: ["  " + line],
    lambda draw, line: [line + " " + draw(words)],
    _new_value,
    _new_value,
    _new_item,
    _cut,
    _insert,
)


def loads(file):
    """Load a file; a `Study`, or None where it was refused in one line."""
    try:
        study = load(file)
    except UserError as error:
        assert_one_line(error)
        assert str(error).startswith(str(file))
        return None
    assert isinstance(study, Study)
    return study


@fuzz(150)
@given(st.text() | st.text(alphabet="abnt01.:-[]{}&*!#|>?%'\"\\ \n\t", max_size=60))
@example("? ? ?")
@example("&a [*a]")
@example("%YAML 2.0\n---\na")
@example("- &a !!float nope\n- *a")
@example('"\\uD800": 1')
@example("!!int x")
@example("a: 1\n...\nb: 2")
def test_any_text_as_a_study(folder, text):
    file = folder / "text.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert loads(file) is None


@fuzz(100)
@given(st.binary())
def test_any_bytes_as_a_study(folder, content):
    file = folder / "bytes.yaml"
    file.write_bytes(content)
    assert loads(file) is None


@fuzz(200)
@given(mutated_studies())
@example(GOOD_STUDY)
@example(EVERY_FIELD)
@example(GOOD_STUDY.replace("icc: [0.0, 0.1, 0.2]", "icc: [[0.1], [0.1]]"))
@example(GOOD_STUDY.replace("cluster_size: 5", "cluster_size: {mean: .inf, cv: .nan}"))
@example(GOOD_STUDY.replace("cluster_size: 5", "cluster_size: {uniform: [{}, []]}"))
@example(GOOD_STUDY.replace("slope: 0.0", "x: [[normal], {file: [1]}]\n  slope: 0"))
@example(GOOD_STUDY.replace("slope: 0.0", "x: {file: ., column: a, cluster: b}\n  slope: 0"))
@example(GOOD_STUDY.replace("- pooled", "- pooled: {se: {a: [1]}, df: [wald]}"))
@example(GOOD_STUDY.replace("- pooled", "- {[1, 2]: 3}"))
@example(GOOD_STUDY.replace("seed: 1", "grain: [rows]\nseed: 1"))
@example(GOOD_STUDY.replace("seed: 1", "grain: {rows: 1}\nseed: 1"))
@example(GOOD_STUDY.replace("seed: 1", "report: {figures: [[type1_error]]}\nseed: 1"))
def test_mutated_studies(folder, text):
    file = folder / "mutated.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    study = loads(file)
    if study is not None:
        assert conforms(read_yaml(file).data, schema())
        assert_written_again(study, folder)


def assert_written_again(study, folder):
    """The study.yaml of the results holds the same study."""
    text = study_file.text(study, ResultsFolder(folder))
    again = load(parse_yaml(text).data)
    assert [d.id for d in again.designs] == [d.id for d in study.designs]
    for field in ("name", "title", "aim", "seed", "replications", "alpha", "methods", "grain"):
        assert getattr(again, field) == getattr(study, field), field


def places(data, path=()):
    """Every place in nested data."""
    yield path
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from places(value, (*path, key))


@fuzz(200)
@given(st.data())
def test_any_value_anywhere_in_a_study_from_python(data):
    study = copy.deepcopy(parse_yaml(data.draw(st.sampled_from(STUDIES))).data)
    *path, last = data.draw(st.sampled_from([p for p in places(study) if p]))
    parent = study
    for key in path:
        parent = parent[key]
    parent[last] = data.draw(values)
    try:
        assert isinstance(load(study), Study)
    except UserError as error:
        assert_one_line(error)


@pytest.mark.parametrize(
    "icc",
    [np.float64(0.1), np.float32(0.1), np.array([0.1, 0.2]), [np.array([1, 2]), np.array([1, 2])],
     (0.1, 0.2), range(1), {0.1, 0.2}, 0.1j, b"0.1", object(), pd.NA, {1: 2}],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_yaml_cannot_hold(icc):
    data = parse_yaml(GOOD_STUDY).data
    data["scenarios"]["icc"] = icc
    try:
        assert isinstance(load(data), Study)
    except UserError as error:
        assert_one_line(error)
        assert "scenarios.icc" in str(error)


@pytest.mark.parametrize("place", ["top", "scenarios", "cluster_size", "methods", "options"])
@pytest.mark.parametrize("key", [3, None, (1, 2), True])
def test_keys_that_are_not_text(place, key):
    data = parse_yaml(GOOD_STUDY).data
    data["scenarios"]["cluster_size"] = {"uniform": [4, 5]}
    data["methods"][2] = {"random_intercept": {}}
    {
        "top": data,
        "scenarios": data["scenarios"],
        "cluster_size": data["scenarios"]["cluster_size"],
        "methods": data["methods"][2],
        "options": data["methods"][2]["random_intercept"],
    }[place][key] = 1
    with pytest.raises(UserError) as caught:
        load(data)
    assert_one_line(caught.value)


# (b) formulas and files of data

FORMULAS = (
    "y ~ x + (1 | g)",
    "`a b` ~ (1 | `c.d`) + 1 + `x`",
    "post.test ~ pre.test.c + (1|class.d)",
)


@st.composite
def mutated_formulas(draw):
    text = draw(st.sampled_from(FORMULAS))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 4)))
        new = draw(st.text(alphabet="yxg01`.~+-|()*: \x00\x01\n", max_size=3) | st.text(max_size=2))
        text = text[:at] + new + text[end:]
    return text


def reads(text):
    """Read a formula; None where it was refused in one line."""
    try:
        formula = parse_formula(text)
    except UserError as error:
        assert_one_line(error)
        return None
    assert isinstance(formula, Terms)
    assert len(formula.columns) >= 3
    assert all(name for name in formula.columns)
    return formula


@fuzz(200)
@given(st.text() | st.text(alphabet="yxg01`.~+-|()*: \x00\x01", max_size=40))
@example("\x000\x00~\x000\x00")
@example("y ~ \x01 + (1 | g)")
@example("y ~ x + (1 | g)\x00")
@example("~" * 5000)
@example("y ~ " + "(" * 5000 + "1 | g)")
def test_any_text_as_a_formula(text):
    reads(text)


@fuzz(200)
@given(mutated_formulas())
@example("y ~ `\x00` + (1 | g)")
@example("`` ~ `` + (1 | ``)")
def test_mutated_formulas(text):
    formula = reads(text)
    if formula is not None:
        # what was read says the same when written plainly
        assert parse_formula(str(formula)) == formula


printable = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="`")
column_names = st.text(printable, min_size=1, max_size=6)


@fuzz(100)
@given(st.lists(column_names, min_size=3, max_size=3, unique=True))
def test_any_name_in_backticks(names):
    y, x, g = names
    line = Terms(y, ((Variable(x),),), Random(g))
    assert parse_formula(f"`{y}` ~ `{x}` + (1 | `{g}`)") == line


cells = st.sampled_from(
    ["1", "2", "0", "-1.5", "", "NA", "nan", "inf", "1e308", "1e-308", "a", "b", "true", '"', "?",
     "2020-01-01", "99999999999999999999", "1,2", "\u2028", "\x00", " "]
) | st.text(max_size=3)  # fmt: skip


@st.composite
def csv_files(draw):
    header = draw(
        st.sampled_from(["y,x,g", "y;x;g", "g,x,y", "y,x,g,", "y,x,x,g", "\ufeffy,x,g", "y\tx\tg"])
    )
    separator = draw(st.sampled_from([header[1] if header[1] in ",;\t" else ",", ",", ";"]))
    rows = draw(st.lists(st.lists(cells, min_size=3, max_size=3), max_size=6))
    lines = [header, *(separator.join(row) for row in rows)]
    text = draw(st.sampled_from(["\n", "\r\n", "\r"])).join(lines)
    return text.encode(draw(st.sampled_from(["utf-8", "utf-16"])), "surrogatepass")


def fits(data):
    """Fit a file; None where it was refused in one line."""
    try:
        found = fit(data, FORMULAS[0])
    except UserError as error:
        assert_one_line(error)
        return None
    assert isinstance(found, Fits)
    json.dumps(found.as_dict(), allow_nan=False)
    str(found)
    return found


@fuzz(200)
@given(csv_files())
@example(b"y,x,g\n1,2,\xff\n2,1,a\n")
@example(b"y,x,g\n1,\xff,a\n")
@example(b"y,x,g,\xff\n1,2,a,1\n")
@example(b"y,x,g\n" + b"1,2,a\n" * 3 + b"\x00")
def test_small_csv_files(folder, content):
    file = folder / "small.csv"
    file.write_bytes(content)
    fits(file)


@fuzz(150)
@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda tail: b"y,x,g\n1,2,a\n" + tail))
@example(b"\x89PNG\r\n\x1a\n")
@example("y,x,g\n1,2,a\n".encode("utf-16"))
def test_any_bytes_as_csv(folder, content):
    file = folder / "bytes.csv"
    file.write_bytes(content)
    fits(file)


@fuzz(50)
@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_as_parquet(folder, content, framed):
    file = folder / "bytes.parquet"
    file.write_bytes(b"PAR1" + content + b"PAR1" if framed else content)
    assert fits(file) is None


# (c) data: every status is legal, every number finite or null, and all of it prints

DF = ("wald", "residual", "between_within", "satterthwaite")
METHODS = (
    "pooled",
    {"pooled": {"df": "wald"}},
    "dummy",
    "random_intercept",
    *({"random_intercept": {"df": df}} for df in DF),
    {"random_intercept": {"estimator": "ml"}},
    {"random_intercept": {"estimator": "ml", "df": "satterthwaite"}},
)

FEW = st.sampled_from([0.0, 1.0, 2.0, -1.0, 3.0])
USUAL = (
    FEW,
    st.floats(-10, 10),
    FEW | st.sampled_from([1e70, -1e70, 1e50, 1e-50, 1e-70, 1e16, 1e8]),
    st.integers(0, 3).map(lambda k: 1e9 + k),
    st.floats(1, 2).map(lambda v: v * 1e70),
    st.floats(1, 2).map(lambda v: v * 1e-70),
)
EXTREME = (
    FEW,
    FEW | st.sampled_from([1e300, -1e300, 1.7e308, 1e155, 1e-155, 1e-300, 5e-324]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(1, 2).map(lambda v: v * 1e300),
    st.floats(1, 2).map(lambda v: v * 1e-300),
)


@st.composite
def data_frames(draw, kinds):
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    n = sum(sizes)
    column = {
        name: draw(st.lists(draw(st.sampled_from(kinds)), min_size=n, max_size=n)) for name in "yx"
    }
    if draw(st.booleans()):  # x that belongs to the cluster
        column["x"] = np.repeat(column["x"][: len(sizes)], sizes).tolist()
    if draw(st.booleans()) and draw(st.booleans()):  # a constant
        column["y"] = [column["y"][0]] * n
    return pd.DataFrame({**column, "g": np.repeat(np.arange(len(sizes)), sizes)})


def assert_sound(one):
    """A fit is what docs/statistics.md, section 8, allows."""
    assert one["status"] in STATUSES
    fitted = one["status"] in ("ok", "boundary")
    assert (one["message"] is None) == fitted
    slope = one["terms"][-1]
    if fitted:
        assert_tested(slope, wald=one["df"] == "wald")
    else:
        kept = {"estimate"} if one["status"] == "no_std_error" else set()
        assert {key for key, v in slope.items() if v is not None} - {"term"} <= kept
    if one["method"] == "random_intercept" and fitted:
        assert one["tau2"] >= 0
        assert one["sigma2"] > 0
        assert 0 <= one["icc"] < 1
        assert (one["tau2"] == 0) == (one["status"] == "boundary")


def assert_tested(slope, wald):
    assert slope["std_error"] > 0
    assert 0 <= slope["p_value"] <= 1
    assert slope["ci_low"] <= slope["estimate"] <= slope["ci_high"]
    assert (slope["df"] is None) == wald
    assert wald or slope["df"] > 0
    assert all(math.isfinite(v) for key, v in slope.items() if key != "term" and v is not None)


def frame(rows):
    return pd.DataFrame(rows, columns=["y", "x", "g"]).astype({"y": float, "x": float})


def check_fits(data):
    found = fit(data, FORMULAS[0], METHODS)
    document = found.as_dict()
    json.dumps(document, allow_nan=False)
    text = str(found)
    assert "nan" not in text
    assert "inf" not in text
    assert document["n_obs"] == len(data)
    assert document["n_clusters"] == data["g"].nunique()
    for one in document["fits"]:
        assert_sound(one)


@fuzz(120)
@given(data_frames(USUAL))
@example(frame([(1, 1, 0)]))
@example(frame([(1, 0, 0), (2, 1, 0), (4, 0, 1), (3, 1, 1)]))
@example(frame([(1, 0, 0), (2, 1, 0), (4, 0, 1), (3, 1, 1), (5, 2, 1), (5, 2, 2), (6, 1, 2)]))
def test_small_data(data):
    check_fits(data)


@fuzz(100)
@given(data_frames(EXTREME))
@example(frame([(1e300, 0, 0), (-1e300, 1, 0), (1e300, 0, 1), (3, 1, 1), (4, 5, 1)]))
@example(frame([(1e-300, 0, 0), (2e-300, 1, 0), (4e-300, 0, 1), (3e-300, 1, 1), (0, 2, 1)]))
@example(frame([(0, 0, 0), (0, 0, 1), (0, 0, 1), (0, 1.5482e154, 2)]))
@example(frame([(0, 1.7e308, 0), (1, -1.7e308, 0), (2, 0, 1), (3, 1, 1), (5, 2, 1)]))
@example(frame([(1.7e308, 0, 0), (1.7e308, 1, 0), (-1e308, 0, 1), (3, 1, 1), (5, 2, 1)]))
def test_small_data_of_extreme_size(data):
    # squares overflow above 1e154 and vanish below 1e-154
    check_fits(data)
