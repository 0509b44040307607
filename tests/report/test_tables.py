"""Tables of value (MCSE): marks, rounding, widths, formats, speed."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import time

import numpy as np
import pyarrow as pa
import pytest
from helpers_simulation import study

import simstudy
from simstudy.cli.app import main
from simstudy.report import tables
from simstudy.report.pivot import wide
from simstudy.report.table_files import selection, table_files
from simstudy.report.tables import latex

pytestmark = pytest.mark.slow


def summary(cells, measure="rejection_rate", alpha=0.05, factors=("icc", "slope")):
    """A summary of (levels, method, value, mcse, n_not_used) or less, with the later columns."""
    rows = []
    for levels, method, value, mcse, *rest in cells:
        none = value is None
        rows.append(
            dict(zip(factors, levels, strict=True))
            | {"n_obs": 10, "design_effect": 1.5, "method": method, "estimand": "slope",
               "truth": dict(zip(factors, levels, strict=True)).get("slope"),
               "null_value": 0.0, "measure": measure, "alpha": alpha, "value": value, "mcse": mcse,
               "ci_low": None if none else value - 1.96 * mcse,
               "ci_high": None if none else value + 1.96 * mcse,
               "n_used": 0 if none else 100, "n_not_used": rest[0] if rest else 0,
               "theory": 0.123456, "theory_kind": "exact", "z": 9.87, "verdict": "odd"}
        )  # fmt: skip
    return pa.Table.from_pylist(rows)


LIBERAL = [
    ((0.0, 0.0), "a", 0.05, 0.002), ((0.0, 0.0), "b", 0.075, 0.002),
    ((0.0, 0.3), "a", 0.50, 0.005), ((0.0, 0.3), "b", 0.60, 0.005),
    ((0.2, 0.0), "a", 0.20, 0.004), ((0.2, 0.0), "b", None, None, 100),
    ((0.2, 0.3), "a", 0.70, 0.005), ((0.2, 0.3), "b", 0.40, 0.005, 7),
]  # fmt: skip


def cell(table, row, method, measure="rejection_rate"):
    shown = tables.grid(wide(table, measure))
    return shown.cells[row][shown.methods.index(method)].text


def test_power_of_an_inflated_test_is_marked_and_others_are_not():
    table = summary(LIBERAL)
    assert cell(table, 3, "a") == ".700 (.005)!"
    assert cell(table, 1, "a") == ".500 (.005)"
    assert cell(table, 1, "b") == ".600 (.005)"  # .075 straddles 1.5 alpha
    assert cell(table, 2, "a") == ".200 (.004)"  # a size, not a power
    assert cell(table, 3, "b") == ".400 (.005)*"  # no size to judge it by
    notes = tables.grid(wide(table, "rejection_rate")).notes
    assert set(notes) == {"-", "*", "!", ""} and "1.5 alpha" in notes["!"]
    assert "without its Type I error" in notes[""]


def test_the_mark_holds_exactly_from_the_bound_of_the_interval():
    for low, mark in ((0.0751, "!"), (0.0749, "")):
        size = ((0.0, 0.0), "a", low + 1.96 * 0.002, 0.002)
        found = cell(summary([size, ((0.0, 0.3), "a", 0.5, 0.005)]), 1, "a")
        assert found == f".500 (.005){mark}"


def test_power_tables_keep_their_marks():
    found = dict(selection(summary(LIBERAL)))
    assert list(found) == ["rejection_rate", "power"]
    power = tables.grid(found["power"]())
    assert len(power.cells) == 2 and power.cells[1][0].text == ".700 (.005)!"


@pytest.mark.parametrize("form", ["text", "markdown", "latex"])
def test_every_format_explains_every_mark(form):
    text = tables.FORMATS[form](tables.grid(wide(summary(LIBERAL), "rejection_rate")))
    mark = {"text": "!", "markdown": "†", "latex": r"\dagger"}[form]
    assert text.count(mark) == 2  # in its cell and in its note
    assert "no replication was estimable" in text and "not all replications were used" in text


def test_verdict_marks_sizes_after_bradley():
    sizes = {"robust": 0.05, "liberal": 0.09, "conservative": 0.01, "open": 0.075}
    cells = [((0.0, 0.0), method, size, 0.002) for method, size in sizes.items()]
    shown = tables.grid(wide(summary(cells), "rejection_rate"), tables.Look(verdict=True))
    assert [c.marks for c in shown.cells[0]] == ["", "L", "C", "U"]


@pytest.mark.parametrize(
    ("value", "mcse", "shown"),
    [
        (0.05123, 0.0022, "0.051 (0.002)"),
        (0.05123, 0.00022, "0.0512 (0.0002)"),
        (12.3456, 1.23, "12.3 (1.2)"),
        (-0.0001, 0.05, "0.000 (0.050)"),
        (1234.5, 56.0, "1234 (56)"),
    ],
)
def test_decimals_follow_the_monte_carlo_error(value, mcse, shown):
    assert (
        cell(summary([((0.0, 0.0), "a", value, mcse)], "my_measure"), 0, "a", "my_measure") == shown
    )


def test_later_columns_disturb_nothing():
    text = tables.headline(summary(LIBERAL))
    for word in ("0.123", "exact", "9.87", "odd", "1.5 ("):
        assert word not in text


@pytest.mark.parametrize("n_methods", [1, 3, 12])
@pytest.mark.parametrize("width", [60, 100])
def test_text_fits_the_width_and_loses_no_method(n_methods, width):
    labels = [f"a long label of method number {k}, in words" for k in range(n_methods)]
    cells = [((icc, 0.0), m, 0.05, 0.002) for icc in (0.0, 0.1) for m in labels]
    text = tables.as_text(tables.grid(wide(summary(cells), "rejection_rate")), width)
    assert max(map(len, text.splitlines())) <= width
    assert text.count(".050 (.002)") == 2 * n_methods
    for label in labels:
        assert re.search(r"\s+".join(label.split()), text) or str(label.split()[6][0]) in text


def test_nothing_to_show_is_said():
    none = summary(LIBERAL, "bias", None)
    for form in ("text", "markdown"):
        text = tables.FORMATS[form](tables.grid(wide(none, "coverage")))
        assert "no rows" in text.lower()
    assert tables.alphas(none, "bias") == [None] and tables.alphas(none, "coverage") == [None]


def test_csv_has_every_level_in_every_row():
    rows = list(csv.reader(io.StringIO(tables.as_csv(
        tables.grid(wide(summary(LIBERAL), "rejection_rate"))))))  # fmt: skip
    assert rows[0] == ["icc", "slope", "a", "b"]
    assert [row[:2] for row in rows[1:]] == [["0", "0"], ["0", "0.3"], ["0.2", "0"], ["0.2", "0.3"]]
    assert rows[3] == ["0.2", "0", ".200 (.004)", "-"]


def test_wide_rows_hold_every_number_in_full():
    table = tables.by_method(summary(LIBERAL))
    assert table.column_names == ["icc", "slope", "n_obs", "design_effect", "measure", "alpha",
                                  "a_value", "a_mcse", "b_value", "b_mcse"]  # fmt: skip
    assert table.column("a_value").to_pylist() == [0.05, 0.5, 0.2, 0.7]
    assert table.column("b_value").to_pylist() == [0.075, 0.6, None, 0.4]
    assert json.loads(tables.as_rows(table, "json"))[2]["b_mcse"] is None


def test_latex_escapes_what_is_special():
    for text, wanted in {
        "a_b": r"a\_b", "50 %": r"50 \%", "x & y": r"x \& y", "$1": r"\$1", "#": r"\#",
        "{}": r"\{\}", "\\": r"\textbackslash{}", "τ²": r"$\tau$$^2$", "5-35": "5--35",
        "[x]": "{[}x{]}", "学": "(U+5B66)", "Mächler": "Mächler",
    }.items():  # fmt: skip
        assert latex.escape(text) == wanted


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("n_rows", [4, 60])
def test_latex_compiles(tmp_path, n_rows):
    labels = [
        "pooled[se=CR2]",
        "50 % & more_of #1 {}~^",
        "τ² — „ä“ \\ $",
        "many words in a label " * 4,
    ]
    cells = [((k / 100, s), m, 0.05, 0.002, 3) for k in range(n_rows // 2) for s in (0.0, 0.3)
             for m in labels]  # fmt: skip
    body = tables.as_latex(tables.grid(wide(summary(cells), "rejection_rate")))
    assert (r"\begin{longtable}" in body) == (n_rows > 40)
    packages = r"\usepackage[utf8]{inputenc}\usepackage{booktabs}\usepackage{longtable}"
    document = rf"\documentclass{{article}}{packages}\begin{{document}}{body}\end{{document}}"
    (tmp_path / "t.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    log = done.stdout.decode("latin-1")
    assert done.returncode == 0, log[-2000:]
    assert "Overfull" not in log


def test_ten_thousand_scenarios_take_less_than_a_second_a_table():
    n, methods = 10_000, ("a", "b", "c")
    rows = n * len(methods)
    scenario = np.repeat(np.arange(n), len(methods))
    value = np.random.default_rng(1).uniform(0.01, 0.1, rows)
    table = pa.table({
        "scenario": [f"{k:08x}" for k in scenario], "n_clusters": scenario // 100,
        "icc": scenario % 100 / 100, "n_obs": scenario, "design_effect": value,
        "method": list(methods) * n, "measure": ["rejection_rate"] * rows,
        "alpha": np.full(rows, 0.05), "value": value, "mcse": value / 10, "ci_low": value * 0.8,
        "ci_high": value * 1.2, "n_used": np.full(rows, 100), "n_not_used": np.zeros(rows, int),
    })  # fmt: skip
    for form in tables.FORMATS.values():
        start = time.process_time()
        assert len(form(tables.grid(wide(table, "rejection_rate"))).splitlines()) > n
        assert time.process_time() - start < 4.0  # a loaded machine is no machine of one's own
    assert len(tables.headline(table).splitlines()) <= 34


def test_absent_measures_are_skipped_and_second_alphas_named():
    both = pa.concat_tables([summary(LIBERAL), summary(LIBERAL, alpha=0.01)])
    names = {name for names, _ in table_files(both) for name in names}
    stems = ("rejection_rate", "power", "rejection_rate_alpha0.01", "power_alpha0.01")
    assert names == {f"tables/{stem}.{end}" for stem in stems for end in ("csv", "tex", "md")}


def test_summarize_wide_and_verdict(tmp_path, capsys):
    grid = {"n_clusters": 6, "cluster_size": 20, "icc": 0.4, "x_icc": [0, 1], "slope": 0}
    one = study(grid, ["pooled", "dummy"], 400)
    found = simstudy.run(one, jobs=1, results=tmp_path, report=False)
    target = str(found.folder)
    assert main(["summarize", target, "--wide", "--format", "csv", "--measure", "bias"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    frame = found.summary[found.summary.measure == "bias"]
    ours = frame[frame.method == "pooled"].value.tolist()
    assert [float(row["pooled_value"]) for row in rows] == ours and rows[1]["dummy_mcse"] == ""
    assert main(["summarize", target, "--verdict", "--measure", "rejection_rate"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"\(\.\d+\)L", text) and "L liberal" in text


def with_failures(cells, shares):
    """A summary with the share of fits that failed, by (levels, method)."""
    failed = [(levels, method, share, 0.0) for (levels, method), share in shares.items()]
    both = [summary(cells), summary(failed, "share_failed", None)]
    return pa.concat_tables(both, promote_options="default")


def test_what_failed_is_not_called_not_estimable():
    there = ((0.0, 0.0), "a", 0.05, 0.002)
    lost = ((0.0, 0.0), "b", None, None, 100)
    never = ((0.0, 0.0), "c", None, None, 0)  # given up on: no row at all
    for cells, shares, said in (
        ([there, lost], {((0.0, 0.0), "b"): 0.0}, "no replication was estimable"),
        ([there, lost], {((0.0, 0.0), "b"): 1.0}, "no replication had a result"),
        ([there, never], {((0.0, 0.0), "a"): 0.0}, "no replication had a result"),
        ([there, lost, never], {((0.0, 0.0), "b"): 0.0},
         "no replication was estimable, or no replication had a result"),
        ([there, lost, ((0.2, 0.0), "a", 0.05, 0.002)],
         {((0.0, 0.0), "b"): 1.0, ((0.2, 0.0), "b"): 0.0},
         "no replication had a result, or no number: too few replications had a result, or it is "
         "not defined there"),
    ):  # fmt: skip
        notes = tables.grid(wide(with_failures(cells, shares), "rejection_rate")).notes
        assert notes["-"] == said
    elsewhere = {((0.2, 0.0), "b"): 1.0, ((0.0, 0.0), "a"): 1.0}
    found = wide(with_failures([there, lost], elsewhere), "rejection_rate")
    assert [c.failed for c in found.rows[0][1].values()] == [True, False]
