"""What people bring in: inputs that went wrong, frames of every kind, and files drawn at random."""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers_cli import assert_refused, call
from helpers_places import FAULTS
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyarrow import feather

import simstudy
from simstudy import UserError
from simstudy.readers import table
from simstudy.readers.read import read

pytestmark = pytest.mark.slow

WORDS = ("--estimate", "b", "--std-error", "se", "--true", "0.5")
ROLES = {"estimate": "b", "std_error": "se", "true": 0.5}
BASE = {"A": (-0.003394, 0.024806), "B": (-0.026240, 0.028896)}
FORMULA = "y ~ x + (1 | g)"
FRAME = pd.read_csv(FAULTS / "base.csv")


def bias(found, *keys: str) -> dict:
    rows = found[found.measure == "bias"].to_dict("records")
    return {tuple(row[key] for key in (*keys, "method")): (row["value"], row["mcse"])
            for row in rows}  # fmt: skip


def assert_base(found, names: tuple[str, str] = ("A", "B")) -> None:
    got = bias(found)
    assert list(got) == [(name,) for name in names]
    for name, letter in zip(names, "AB", strict=True):
        assert got[(name,)] == pytest.approx(BASE[letter], abs=5e-7)


def slopes(data) -> list[float]:
    return [one["terms"][-1]["estimate"] for one in simstudy.fit(data, FORMULA).as_dict()["fits"]]


# inputs that went wrong


@pytest.mark.parametrize("name", ["est_comma.csv.gz", "semicolon_decimal_comma.csv",
                                  "header_blanks.csv", "drift_int", "hive"])  # fmt: skip
def test_estimates_are_those_of_base(name):
    found = simstudy.summarize(FAULTS / name, **ROLES)
    right = simstudy.summarize(read_plainly(FAULTS / name), **ROLES)
    pd.testing.assert_frame_equal(found, right)
    if name != "drift_int":
        assert_base(found)


def read_plainly(file: Path) -> pd.DataFrame:
    """The same numbers as pandas reads them when it is told how."""
    if file.name == "drift_int":
        return pd.concat([pd.read_parquet(one) for one in sorted(file.glob("*.parquet"))])
    if file.name == "semicolon_decimal_comma.csv":
        return pd.read_csv(file, sep=";", decimal=",")
    return FRAME


def test_names_may_hold_commas():
    found = simstudy.summarize(FAULTS / "header_commas.csv", estimate="b, log OR, pooled, all",
                               std_error="se, log OR, pooled, all", true=0.5)  # fmt: skip
    assert_base(found)
    ran = call("summarize", FAULTS / "header_commas.csv", "--estimate", "b, log OR, pooled, all",
               "--std-error", "se, log OR, pooled, all", "--true", "0.5")  # fmt: skip
    assert ran.code == 0


@pytest.mark.parametrize(("name", "labels"), [
    ("latin1.csv", ("Schätzer", "B")), ("method_named_NA.csv", ("NA", "none")),
    ("leading_zero_methods.csv", ("01", "1")),
])  # fmt: skip
def test_labels_are_text(name, labels):
    assert_base(simstudy.summarize(FAULTS / name, **ROLES), labels)


@pytest.mark.parametrize("word", ["NA", "None", "null", "NULL", "nan", "N/A", "-", ".", "#N/A"])
@pytest.mark.parametrize("role", ["method", "by"])
def test_words_for_missing_values_are_labels_in_summarize(tmp_path, word, role):
    text = (FAULTS / "base.csv").read_text().replace("\nA,", f"\n{word},")
    (tmp_path / "d.csv").write_text(text.replace("method", "how", 1))
    given = ROLES | ({"method": "how"} if role == "method" else {"by": ["how"]})
    found = simstudy.summarize(tmp_path / "d.csv", **given)
    assert set(found["method" if role == "method" else "how"]) == {word, "B"}


@pytest.mark.parametrize("kind", ["csv", "parquet", "dta", "frame", "nan"])
@pytest.mark.parametrize("role", ["method", "by"])
def test_an_empty_label_is_refused_with_its_row(tmp_path, kind, role):
    frame = FRAME.rename(columns={"method": "how"})
    frame.loc[2, "how"] = "" if kind == "dta" else None
    file = tmp_path / f"d.{kind}"
    where = "row 3"
    if kind == "csv":
        frame.to_csv(file, index=False)
        where = "d.csv:4"
    elif kind == "parquet":
        frame.to_parquet(file)
    elif kind == "dta":
        frame.to_stata(file, write_index=False)
    else:
        file = frame if kind == "frame" else frame.assign(how=[1.0, 2.0, math.nan, *[1.0] * 97])
    given = ROLES | ({"method": "how"} if role == "method" else {"by": ["how"]})
    with pytest.raises(UserError, match=f"{where}: column 'how' is empty; write a label"):
        simstudy.summarize(file, **given)


def test_labels_of_stata_by_their_codes():
    by_order = simstudy.summarize(FAULTS / "labels_by_order.dta", **ROLES, method="m", by=["n"])
    assert list(bias(by_order, "n")) == [("small: 20", "CC"), ("small: 20", "MI"),
                                         ("large: 100", "CC"), ("large: 100", "MI")]  # fmt: skip
    assert_base(simstudy.summarize(FAULTS / "labels_by_order.dta", **ROLES, method="m"),
                ("CC", "MI"))  # fmt: skip
    assert_base(simstudy.summarize(FAULTS / "labels_partial.dta", **ROLES, method="m"),
                ("Complete case", "2"))  # fmt: skip
    repeated = simstudy.summarize(FAULTS / "labels_repeated.dta", **ROLES, method="m", by=["n3"])
    assert list(dict.fromkeys(repeated.n3)) == ["other (1)", "main", "other (3)"]
    assert_base(simstudy.summarize(FAULTS / "labels_repeated.dta", **ROLES, method="m"), ("1", "2"))


def test_codes_of_stata_are_numbers_where_numbers_are_wanted():
    codes = read(FAULTS / "labels_by_order.dta").whole(["n"])
    assert set(codes.numbers("n")) == {20, 100}
    assert set(codes.labels("n").to_pylist()) == {"small: 20", "large: 100"}
    ran = call("fit", FAULTS / "labels_by_order.dta", "b ~ se + (1 | n)", "--json")
    assert ran.code == 0 and json.loads(ran.out)["n_clusters"] == 2
    fits = simstudy.fit(FAULTS / "labels_by_order.dta", "b ~ n + (1 | m)", ["pooled"])
    assert fits.data.labels == ["CC", "MI"] and set(fits.data.x) == {20, 100}
    assert simstudy.fit(FAULTS / "labels_by_order.dta", "b ~ se + (1 | n)").data.labels == [
        "small: 20", "large: 100"]  # fmt: skip


@pytest.mark.parametrize("name", ["excel_de.csv", "gz0.csv.gz", "na0.csv"])
def test_data_sets_are_read(name):
    file = FAULTS / name
    frame = pd.read_csv(file, na_values=["n/a", "#N/A", " NA"], skipinitialspace=True,
                        **({"sep": ";", "decimal": ","} if "de" in name else {}))  # fmt: skip
    if name != "gz0.csv.gz":
        assert slopes(file) == pytest.approx(slopes(frame), rel=1e-13)
    else:
        assert all(math.isfinite(slope) for slope in slopes(file))


def test_the_row_and_the_culprit_are_named():
    line = assert_refused(call("fit", FAULTS / "footer.csv", FORMULA))
    assert line.endswith("footer.csv:58: column 'y' is not numeric: it holds 'Source: ministry'")
    assert bias(simstudy.summarize(FAULTS / "se_na_space.csv", **ROLES))[("A",)][0] == (
        pytest.approx(BASE["A"][0], abs=5e-3))  # fmt: skip
    with pytest.raises(UserError, match="row 51: column 'b' is not numeric: it holds 'bad'"):
        simstudy.summarize(FRAME.assign(b=["0.5"] * 50 + ["bad"] * 50), **ROLES)


@pytest.mark.parametrize(
    ("value", "hint"),
    [("\u22120.5", "minus sign as a hyphen"), ("5%", "the number without %")],
)
def test_what_to_write_instead_of_a_sign_is_said(value, hint):
    with pytest.raises(UserError, match=f"it holds '{value}'; write .*{hint}"):
        simstudy.summarize(FRAME.assign(b=["0.5"] * 50 + [value] * 50), **ROLES)


def test_the_line_of_a_row_counts_line_breaks_in_quotes_and_comments(tmp_path):
    text = '# one\n\nmethod,b,se\n"A\nB",1,1\n\nC,2,1\nD,x,1\n'
    (tmp_path / "d.csv").write_text(text)
    with pytest.raises(UserError, match=r"d\.csv:8: column 'b' is not numeric: it holds 'x'"):
        simstudy.summarize(tmp_path / "d.csv", **ROLES)


def test_names_are_compared_normalised():
    assert len(simstudy.fit(FAULTS / "nfd.csv", "y ~ größe + (1 | Schule)").fits) == 3
    frame = pd.read_csv(FAULTS / "nfd.csv")
    assert len(simstudy.fit(frame, "y ~ größe + (1 | Schule)").fits) == 3


def test_missing_clusters_are_dropped_and_named():
    ran = call("fit", FAULTS / "none_label.csv", FORMULA)
    assert ran.err == "8 rows with missing values dropped (g: 8 ('None' 8))\n"
    text = (FAULTS / "none_label.csv").read_text().replace("None", "NA", 3).replace("None", "", 2)
    frame = pd.read_csv(io.StringIO(text), keep_default_na=False)
    fits = simstudy.fit(frame, FORMULA)
    assert fits.data.missing == {"g": "8 ('NA' 3, empty 2, 'None' 3)"}
    assert fits.data.n_dropped == 8


# frames


@pytest.mark.parametrize("change", [
    lambda f: f.convert_dtypes(),
    lambda f: f.convert_dtypes(dtype_backend="pyarrow"),
    lambda f: f.astype({"b": "float64", "method": object}),
    lambda f: f.astype({"method": "string", "b": "Float64"}),
    lambda f: f.astype({"method": "category"}),
    lambda f: f.astype({"b": object}),
    lambda f: f.assign(b=f.b.map(str)),
    lambda f: f.assign(b=f.b.map(lambda v: Decimal(str(v)))),
    lambda f: f.astype({"b": pd.SparseDtype(float)}),
    lambda f: f.set_index("method"),
    lambda f: f.set_index(["method", "rep"]),
    lambda f: f.set_index("method", drop=False),
    lambda f: f.rename(columns={"rep": 7}),
    lambda f: f.rename(columns={"rep": None}),
    lambda f: f.rename(columns={"rep": pd.Timestamp("2024-01-01")}),
    lambda f: f.iloc[::-1].iloc[::-1],
    lambda f: pa.table(f),
    lambda f: pa.RecordBatch.from_pandas(f),
    lambda f: Streams(pa.table(f)),
    lambda f: Streams(pa.table(f.astype({"method": "category"}))),
    lambda f: pa.table(f).to_reader(),
])  # fmt: skip
def test_frames_of_every_kind(change):
    assert_base(simstudy.summarize(change(FRAME), **ROLES))
    direct = simstudy.fit(change(FRAME), "b ~ se + (1 | method)").as_dict()
    assert direct == simstudy.fit(FRAME, "b ~ se + (1 | method)").as_dict()


DAY = pd.Timestamp("2024-01-01")


class Streams:
    """A frame of which one knows only that it speaks Arrow, as polars' do."""

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows

    def __arrow_c_stream__(self, requested_schema=None):
        return self._rows.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize(("name", "as_name"), [(3, "3"), (2.5, "2.5"), (("b", "mean"), "b_mean"),
                         (("b", ""), "b"), (DAY, str(DAY))])  # fmt: skip
def test_names_that_are_no_text(name, as_name):
    frame = FRAME.copy()
    columns = pd.Index([name if one == "b" else one for one in frame], tupleize_cols=False)
    frame.columns = columns
    assert_base(simstudy.summarize(frame, true=0.5, estimate=as_name, std_error="se"))
    fits = simstudy.fit(frame, f"`{as_name}` ~ se + (1 | method)")
    assert fits.data.terms.outcome == as_name


def test_columns_of_several_levels_are_joined():
    frame = FRAME.copy()
    frame.columns = pd.MultiIndex.from_tuples([("method", ""), ("rep", ""), ("b", "x"), ("se", 1)])
    assert_base(simstudy.summarize(frame, true=0.5, estimate="b_x", std_error="se_1"))


PERIODS = pd.PeriodIndex(["2024-02", "2024-10", "2024-01", "2024-02", "2024-10"] * 20, freq="M")
LEVELS = pd.Categorical(["mid", "low", "high", "mid", "low"] * 20, ["low", "mid", "high"])


@pytest.mark.parametrize(("levels", "order"), [
    (LEVELS, ["low", "mid", "high"]),
    (pd.Categorical([3, 10, 1, 3, 10] * 20, [10, 3, 1]), [10, 3, 1]),
    (PERIODS, ["2024-01", "2024-02", "2024-10"]),
    (pd.Categorical(PERIODS), ["2024-01", "2024-02", "2024-10"]),
    (pd.cut([5, 50, 500, 5, 50] * 20, [0, 10, 100, 1000]), ["(0, 10]", "(10, 100]",
                                                           "(100, 1000]"]),
    (pd.array([3, 10, 1, 3, 10] * 20, dtype="Int64"), [1, 3, 10]),
    (pd.array([True, False, True, True, False] * 20, dtype="boolean"), [False, True]),
    (["b", "a", "c", "b", "a"] * 20, ["a", "b", "c"]),
])  # fmt: skip
def test_levels_stand_in_their_own_order(levels, order):
    frame = FRAME.assign(cell=levels)
    found = simstudy.summarize(frame, **ROLES, by=["cell"])
    assert list(dict.fromkeys(found.cell)) == order
    assert simstudy.fit(frame, "b ~ se + (1 | cell)").data.labels == order


@pytest.mark.parametrize(("levels", "order"), [
    (LEVELS, ["low", "mid", "high"]),
    (PERIODS, ["2024-01", "2024-02", "2024-10"]),
    (pd.Categorical(pd.cut([5, 50, 500, 5, 50] * 20, [0, 10, 100, 1000]).astype(str)),
     ["(0, 10]", "(10, 100]", "(100, 1000]"]),
])  # fmt: skip
def test_levels_of_parquet_stand_in_the_order_that_was_stored(tmp_path, levels, order):
    FRAME.assign(cell=levels).to_parquet(tmp_path / "d.parquet")
    code = (
        "import sys, simstudy; found = simstudy.summarize(sys.argv[1], estimate='b', "
        "std_error='se', true=0.5, by=['cell']); print(*dict.fromkeys(found.cell), sep='|')"
    )  # in a process that has not seen pandas yet
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path / "d.parquet")],
                         capture_output=True, text=True, check=True)  # fmt: skip
    assert ran.stdout.strip().split("|") == order


def test_methods_of_a_categorical_stand_in_its_order():
    frame = FRAME.assign(method=pd.Categorical(FRAME.method, ["B", "A"]))
    assert list(bias(simstudy.summarize(frame, **ROLES))) == [("B",), ("A",)]


@pytest.mark.parametrize("data", [FRAME, pa.table(FRAME), Streams(pa.table(FRAME))])
def test_a_misspelt_column_is_suggested(data):
    with pytest.raises(UserError, match=r"data: no column 'methd'; did you mean 'method'\?"):
        simstudy.summarize(data, **ROLES, method="methd")
    with pytest.raises(UserError, match=r"data: no column 'methd'; did you mean 'method'\?"):
        simstudy.fit(data, "b ~ se + (1 | methd)")


@pytest.mark.parametrize("name", ["ORC", "BZh9", "RDX", "Rar!", "cpandas", "(dp)", "MATLAB 5.0",
                                  "$FL2", "PAR1", "ARROW1", "GIF8", "%PDF", "[g]", "{g}", "<g>",
                                  "iq", "ID", "SQLite format 3", "Obj", "7z", "PK"])  # fmt: skip
def test_a_header_that_looks_like_another_kind_of_file_is_text(tmp_path, name):
    (tmp_path / "d.csv").write_text(f"{name},v\na,1\n")
    assert read(tmp_path / "d.csv").whole([name]).labels(name).to_pylist() == ["a"]


def test_of_many_columns_the_first_are_listed():
    frame = pd.DataFrame({f"v{i}": [1.0] for i in range(3000)})
    with pytest.raises(UserError, match=r"no column 'outcome'; known: v0, .*v19, \.\.\. \(3,000"):
        read(frame).whole(["outcome"])


class Lazy:
    def collect(self):
        raise AssertionError


@pytest.mark.parametrize(("data", "message"), [
    ({"b": [1.0]}, "expected a data frame or the name of a file, got dict"),
    (FRAME.b, "expected a data frame"),
    (None, "got NoneType"),
    (Lazy(), r"a lazy frame; give what its collect\(\) returns"),
    (FRAME.assign(b=[1.0, "x"] * 50), "row 2: .*'x'|holds float and str"),
    (FRAME.assign(b=1j), "column 'b' holds complex"),
    (FRAME.assign(b=pd.Timestamp("2024-01-01")), "column 'b' holds dates"),
    (FRAME.assign(b=pd.Timedelta("1s")), "column 'b' holds times"),
    (FRAME.assign(b=[[1.0]] * 100), "column 'b' holds lists"),
    (FRAME.assign(method=[[1.0]] * 100), "column 'method' holds lists"),
    (FRAME.assign(method=[1, "1"] * 50), "column 'method' holds int and str"),
    (FRAME.rename(columns={"rep": "b"}), "two columns are called 'b'"),
])  # fmt: skip
def test_frames_that_are_refused(data, message):
    with pytest.raises(UserError, match=message) as caught:
        simstudy.summarize(data, **ROLES)
    assert "\n" not in str(caught.value)


# files and frames drawn at random

DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
ROWS = st.lists(st.tuples(TEXTS, DOUBLES), min_size=1, max_size=12)
EVERY = settings(max_examples=150, deadline=None,
                 suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip


def same(file, rows, names=("g", "v")) -> None:
    opened = read(file).whole([*names])
    assert opened.labels(names[0]).to_pylist() == [label for label, _ in rows]
    got = opened.numbers(names[1]).view(np.int64).tolist()
    assert got == np.array([value for _, value in rows]).view(np.int64).tolist()


@given(ROWS, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n"]),
       st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.sampled_from([0, 1, 2]),
       st.sampled_from([1, 3, 1 << 17]))  # fmt: skip
@example([("NA", 0.1), ("", 1e300), ("01", -0.0), ("1", 5e-324)], ",", "\n", "utf-8", 1, 2)
@EVERY
def test_labels_and_doubles_of_a_text_come_back(tmp_path, rows, sep, eol, encoding, quoting, size):
    frame = pd.DataFrame(rows, columns=["g", "v"]).assign(z="w")
    file = tmp_path / "d.csv"
    frame.to_csv(file, sep=sep, lineterminator=eol, encoding=encoding, quoting=quoting, index=False)
    before, table.BATCH = table.BATCH, size
    try:
        same(file, rows)
    finally:
        table.BATCH = before


@given(ROWS, st.sampled_from([";", "\t", "|"]))
@EVERY
def test_decimal_commas_come_back_or_are_refused(tmp_path, rows, sep):
    frame = pd.DataFrame(rows, columns=["g", "v"])
    file = tmp_path / "d.csv"
    frame.to_csv(file, sep=sep, decimal=",", index=False)
    try:
        same(file, rows)
    except UserError as error:
        assert "decimal comma or a thousands separator" in str(error)


@given(st.lists(st.tuples(st.one_of(st.none(), TEXTS), st.one_of(st.none(), DOUBLES)), min_size=1,
                max_size=12),
       st.sampled_from(["parquet", "feather", "frame", "arrow", "category"]))  # fmt: skip
@EVERY
def test_labels_and_doubles_of_a_typed_table_come_back(tmp_path, rows, kind):
    labels, values = ([row[k] for row in rows] for k in (0, 1))
    whole = pa.table({"g": pa.array(labels, pa.string()), "v": pa.array(values, pa.float64())})
    data = tmp_path / "d"
    if kind == "parquet":
        pq.write_table(whole, data)
    elif kind == "feather":
        feather.write_feather(whole, str(data))
    else:
        data = {"frame": whole.to_pandas(), "arrow": Streams(whole),
                "category": whole.to_pandas().astype({"g": "category"})}[kind]  # fmt: skip
    opened = read(data).whole(["g", "v"])
    found = opened.labels("g")
    if pa.types.is_dictionary(found.type):
        found = found.cast(pa.string())
    assert found.to_pylist() == labels
    want = np.array([math.nan if value is None else value for value in values])
    assert np.array_equal(opened.numbers("v"), want, equal_nan=True)


@given(st.one_of(st.binary(max_size=300),
                 st.text('ab,;\t| "\n\r.0123456789-eNA#', max_size=120).map(str.encode),
                 st.tuples(st.sampled_from([b"PAR1", b"ARROW1", b"PK\x03\x04", b"\x1f\x8b", b"BZh9",
                                            b"<stata_dta>", b"\x72\x01\x01\x00", b"\xff\xfe",
                                            b"\x80\x04", b"X\n\x00\x00\x00", b"$FL2"]),
                           st.binary(max_size=200)).map(b"".join)))  # fmt: skip
@EVERY
def test_any_bytes_are_read_or_refused_in_a_line(tmp_path, raw):
    file = tmp_path / "d.csv"
    file.write_bytes(raw)
    for command in (("summarize", file, *WORDS), ("fit", file, FORMULA)):
        ran = call(*command)
        assert ran.code in (0, 2)
        if ran.code == 2:
            assert ran.err.count("\n") == 1 and ran.err[:-1].isprintable() and len(ran.err) < 900


def test_reading_needs_no_pandas(tmp_path):
    FRAME.to_csv(tmp_path / "d.csv", sep=";", decimal=",", index=False)
    FRAME.to_parquet(tmp_path / "d.parquet")
    code = (
        "import sys; from simstudy.readers.read import read\n"
        "for name in ('d.csv', 'd.parquet'):\n"
        "    rows = read(name).whole(['method', 'b']); rows.numbers('b'); rows.labels('method')\n"
        "print('pandas' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                         cwd=tmp_path)  # fmt: skip
    assert ran.stdout.strip() == "False"
