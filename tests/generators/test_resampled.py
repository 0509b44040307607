"""Effects and errors drawn from a column of a file: what is read, drawn, refused and said."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from helpers_cli import assert_refused, call, conforms
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet
from scipy import stats

import simstudy
from simstudy.errors import UserError
from simstudy.generators import shapes
from simstudy.generators.resampled import standardized
from simstudy.generators.source import Source
from simstudy.generators.streams import ROWS
from simstudy.runner.plan import plan
from simstudy.runner.task import run_task
from simstudy.study.digest import canonical
from simstudy.study.files import described, dropped
from simstudy.study.json_schema import schema

VALUES = [3.0, 0.5, 1.0, 12.0, 2.0, 0.5, 4.5, 1.5, 7.0, 2.5]
OF_FILE = {"file": "r.csv", "column": "e"}
BASE = {"n_clusters": 6, "cluster_size": 4, "icc": 0.25, "x_icc": 0.5, "slope": 0.5}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("r.csv", VALUES)
    return tmp_path


def write(file, values):
    rows = "".join(f"{i},{value}\n" for i, value in enumerate(values))
    with open(file, "w", encoding="utf-8") as stream:
        stream.write("id,e\n" + rows)


def study(replications=60, **fields):
    return simstudy.load({"name": "s", "seed": 3, "replications": replications,
                          "methods": ["pooled"], "scenarios": BASE | fields,
                          "report": {"figures": []}})  # fmt: skip


def shape_of(**fields):
    (design,) = study(**fields).designs
    return design.scenario.part("errors")


# --- what is read


def test_values_are_standardized_and_their_moments_are_exact():
    shape = shape_of(errors=OF_FILE)
    (sample,) = shape.parameters
    expected = (np.sort(VALUES) - np.mean(VALUES)) / np.std(VALUES)
    np.testing.assert_allclose(sample.values, expected, rtol=1e-14)
    assert abs(sample.values.mean()) < 1e-16 and abs(np.mean(sample.values**2) - 1) < 1e-15
    assert shape.skewness == pytest.approx(stats.skew(VALUES), rel=1e-13)
    assert shape.kurtosis == pytest.approx(stats.kurtosis(VALUES), rel=1e-13)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=9)
       .filter(lambda values: min(values) < max(values)))  # fmt: skip
@example([1.0, 1.0 + 2.0**-52])
@example([1.7e308, -1.7e308, 1.0])
@example([0.0, 5e-324, 5e-324])
@example([1e15, 1e15 + 1, 1e15 + 7])
def test_any_numbers_are_standardized(values):
    found = standardized(np.sort(values))
    assert abs(math.fsum(found)) < 1e-14 * len(values)
    assert math.fsum(found**2) == pytest.approx(len(values), rel=1e-14)
    assert (np.diff(found) >= 0).all()


def test_a_world_is_its_values_wherever_they_are_and_in_whatever_order():
    one = study(errors=OF_FILE).designs[0]
    write("other.csv", VALUES[::-1])
    with open("german.csv", "w", encoding="utf-8") as stream:
        stream.write("e;n\n" + "".join(f"{v:.2f};1\n".replace(".", ",") for v in VALUES))
    parquet.write_table(pa.table({"col e": VALUES}), "r.parquet")
    with open("r.csv", "rb") as source, gzip.open("r.csv.gz", "wb") as packed:
        shutil.copyfileobj(source, packed)
    for file, column in (("other.csv", "e"), ("german.csv", "e"), ("r.parquet", "col e"),
                         ("r.csv.gz", "e")):  # fmt: skip
        same = study(errors={"file": file, "column": column}).designs[0]
        assert (same.id, same.key) == (one.id, one.key)
        assert same.level("errors") == f"{file}:{column}"
    write("r.csv", [*VALUES[:-1], 2.6])
    assert study(errors=OF_FILE).designs[0].id != one.id
    digest = hashlib.sha256(np.sort(VALUES).astype("<f8").tobytes()).hexdigest()
    assert json.loads(canonical(one.scenario))["errors"] == {"file": digest}


def test_rows_without_a_value_are_left_out_and_said():
    write("r.csv", [*VALUES[:4], "", "NA", *VALUES[4:]])
    one = study(errors=OF_FILE, cluster_effects=OF_FILE)
    (sample,) = set(shapes.samples(one.designs[0].scenario))
    assert sample.values.size == 10
    assert dropped(one) == ["r.csv:e: 2 rows with missing values dropped"]
    assert described(one) == ["r.csv:e: 10 values, skewness 1.48, excess kurtosis 1.16"]


def test_a_file_is_read_once_a_study(monkeypatch):
    from simstudy.readers import read as reader

    asked, plain = [], reader.read
    monkeypatch.setattr(reader, "read", lambda file: asked.append(file) or plain(file))
    few = study(errors=["normal", OF_FILE], cluster_effects=OF_FILE, icc=[0.1, 0.2, 0.3])
    assert len(few.designs) == 6 and asked == ["r.csv"]
    samples = [one for design in few.designs for one in shapes.samples(design.scenario)]
    assert len(samples) == 9 and len(set(map(id, samples))) == 1


# --- what is drawn


def test_a_draw_is_one_number_of_the_stream_and_every_value_as_likely_as_another():
    (sample,) = shape_of(errors=OF_FILE).parameters
    rng, again = (np.random.Generator(np.random.SFC64(5)) for _ in range(2))
    drawn = shapes.draw(rng, shape_of(errors=OF_FILE), (500, 400))
    place = np.floor(again.random((500, 400)) * len(VALUES)).astype(int)
    np.testing.assert_array_equal(drawn, sample.values[place])
    assert rng.random() == again.random()
    counts = np.unique_counts(drawn).counts  # of .5, which is there twice, twice as many
    expected = np.unique_counts(VALUES).counts * drawn.size / len(VALUES)
    assert stats.chisquare(counts, expected).pvalue > 1e-4


def test_units_are_sums_of_values_of_the_file_in_the_variances_that_are_stated():
    few = {"n_clusters": 2, "cluster_size": 2, "icc": 0.75, "total_variance": 8}
    (design,) = study(**few, errors=OF_FILE, cluster_effects=OF_FILE).designs
    units = Source(design.scenario, 3, design.key).moments(ROWS, 0)
    left = (units.y - 0.5 * units.x)[..., :400].ravel()
    standard = (np.array(VALUES) - np.mean(VALUES)) / np.std(VALUES)
    sums = np.add.outer(math.sqrt(6) * standard, math.sqrt(2) * standard).ravel()
    assert np.abs(left[:, None] - sums).min(axis=1).max() < 1e-12


def test_rows_do_not_move():
    ragged = {"cluster_size": {"uniform": [2, 6]}, "cluster_effects": OF_FILE, "x_shape": OF_FILE}
    one = study(50, errors=["normal", OF_FILE], **ragged)
    rows = np.concatenate([b.estimate.ravel() for task in plan(one, []) for b in run_task(task)])
    assert [design.id for design in one.designs] == ["1dd0b75e", "2fec1920"]
    first = [0.4773476117855444, 0.3251907348860918, 0.3617116558732971, 0.7179497907744117]
    np.testing.assert_allclose(rows[[0, 1, 49, -1]], first, rtol=1e-9)


# --- what is refused

REFUSED = {
    "no file": ("{file: no.csv, column: e}", "errors: no.csv: no such file; expected a table"),
    "no column": ("{file: r.csv, column: E1}", "r.csv: no column 'E1'; "),
    "words": ("{file: words.csv, column: e}", "words.csv:4: column 'e' is not numeric: it "),
    "nothing": ("{file: empty.csv, column: e}", "column 'e' holds no number; at least 2"),
    "one": ("{file: one.csv, column: e}", "column 'e' holds one number; at least 2"),
    "all alike": ("{file: same.csv, column: e}", "column 'e' does not vary"),
    "infinite": ("{file: endless.csv, column: e}", "column 'e' has infinite values"),
    "file alone": ("{file: r.csv}", "errors: 'column' is missing (a column of numbers in it)"),
    "column alone": ("{column: e}", "errors: 'file' is missing (a table, as CSV or parquet"),
    "other words": ("{path: r.csv, column: e}", "errors.path: unknown key; did you mean 'file'?"),
    "a cluster": ("{file: r.csv, column: e, cluster: g}", "cluster: unknown key; known: file, "),
    "a number": ("{file: r.csv, column: 7}", 'errors.column: expected text (a column of numbers '
                 'in it), got 7; write "7"'),
    "two shapes": ("{file: r.csv, column: e, t: 5}", "errors: expected one shape, got 3"),
    "a list": ("{file: [r.csv], column: e}", "expected one value, got a list; write [{file: "),
    "no mapping": ("r.csv", "write {file: r.csv, column: COLUMN}"),
    "as tables say it": ("r.csv:e", "write {file: r.csv, column: e}"),
    "no file either": ("skew.normal", "did you mean '{skew_normal: 5}'?"),
    "the name alone": ("file", "'file' needs file and column: {file: residuals.csv, column: e}"),
    "another's word": ("bootstrap", "did you mean '{file: residuals.csv, column: e}'?"),
    "another's key": ("{csv: r.csv}", "errors.csv: unknown shape; did you mean 'file'?"),
    "twice": ("[{file: r.csv, column: e}, {file: again.csv, column: e}]",
              "holds the same scenario twice (n_clusters 6, cluster_size 4, icc 0.25, x_icc 0.5, "
              "slope 0.5, errors again.csv:e)"),
    "one name of two": ("[{file: r.csv, column: e}, {file: deep/r.csv, column: e}]",
                        "scenarios: has two files that tables show as 'r.csv:e'; rename one"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_in_a_line(here, name):
    written, said = REFUSED[name]
    (here / "deep").mkdir()
    for file, values in {"words": [1, 2, "high"], "empty": ["", ""], "one": ["", 2, ""],
                         "same": [2, 2, 2], "endless": [1, 2, "inf"], "again": VALUES[::-1],
                         "deep/r": [1, 2, 3]}.items():  # fmt: skip
        write(f"{file}.csv", values)
    fields = "".join(f"  {name}: {value}\n" for name, value in BASE.items())
    (here / "s.yaml").write_text("name: s\nseed: 1\nreplications: 5\nmethods: [pooled]\n"
                                 f"scenarios:\n{fields}  errors: {written}\n")  # fmt: skip
    message = assert_refused(call("plan", "s.yaml"))
    assert said in message, message
    assert message.startswith("s.yaml:")


def test_where_other_shapes_are_refused_it_is():
    for fields in ({"autocorrelation": 0.4}, {"x": "binary", "x_icc": 1, "x_shape": OF_FILE}):
        with pytest.raises(UserError, match="normal"):
            study(**{"errors": OF_FILE} | fields)


def test_the_schema_takes_it():
    scenarios = schema()["properties"]["scenarios"]
    assert conforms(BASE | {"errors": ["normal", OF_FILE], "cluster_effects": OF_FILE}, scenarios)
    for wrong in ({"file": "r.csv"}, OF_FILE | {"cluster": "g"}, {"file": "", "column": "e"}):
        assert not conforms(BASE | {"errors": wrong}, scenarios)


# --- what is kept and said


def test_results_find_the_file_and_say_what_it_is(here):
    one = study(12, errors=["normal", {"t": 5}, OF_FILE], cluster_effects=OF_FILE)
    results = simstudy.run(one, jobs=1, results=here / "deep" / "results")
    folder = here / "deep" / "results" / "s"
    assert "{file: ../../../r.csv, column: e}" in (folder / "study.yaml").read_text()
    again = simstudy.load(folder / "study.yaml")
    for field in ("errors", "cluster_effects"):
        assert [d.levels[field] for d in again.designs] == [d.levels[field] for d in one.designs]
    assert [design.id for design in again.designs] == [d.id for d in one.designs]
    summary = results.summary
    assert set(summary.errors) == {"normal", "t 5", "r.csv:e"}
    ran = call("summarize", folder, "--where", "errors == r.csv:e", "--measure", "bias")
    assert ran.code == 0 and "r.csv:e" in ran.out
    said = (folder / "report" / "methods.md").read_text()
    account = ("had the distribution of the 10 values in the column `e` of the file `r.csv`, "
               "standardized and drawn with replacement (skewness 1.48, excess kurtosis 1.16), "
               "scaled to the variance")  # fmt: skip
    assert said.count(account) == 2
    assert "Where the distribution of errors was `r.csv:e`, the errors" in said
    assert "| normal; t 5; r.csv:e |" in said


def test_names_of_any_kind_are_shown_as_they_are():
    file, column = "a `b` $x$ @y _1_.csv", 'col "e" |*\u00e9'
    pa.csv.write_csv(pa.table({column: [1, 2, 4]}), file)
    shape = shape_of(errors={"file": file, "column": column})
    assert shapes.text(shape) == f"{file}:{column}"
    assert f"`{column}` of the file ``{file}``, " in shapes.words(shape)


def test_a_file_that_was_changed_is_named(here):
    simstudy.run(study(5, errors=OF_FILE), jobs=1, results=here, report=False)
    write("r.csv", [*VALUES[:-1], 99])
    for refused in (call("summarize", "s"), call("report", "s")):
        assert assert_refused(refused) == "s: no row is of its study (is r.csv:e as it was?)"
    with pytest.raises(UserError, match=r"holds another study .* \(is r.csv:e as it was\?\); --f"):
        simstudy.run(study(5, errors=OF_FILE), jobs=1, results=here, report=False)
    write("r.csv", VALUES)
    assert call("summarize", "s").code == 0
