"""Tables of value (MCSE): marks, rounding, widths, formats, speed."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from helpers_simulation import study

import simstudy
from simstudy.cli.app import main
from simstudy.errors import UserError
from simstudy.measures.catalog import record_of
from simstudy.measures.values import proportion
from simstudy.report import tables
from simstudy.report.pivot import Cell, wide
from simstudy.report.table_files import selection, table_files
from simstudy.report.tables import latex
from simstudy.report.tables.shown import Writing
from simstudy.results import Results

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


def compiled(tmp_path, grids):
    """What pdflatex says of tables in one document; without pdflatex a skip, or in CI a failure."""
    if shutil.which("pdflatex") is None:
        assert os.environ.get("SIMSTUDY_LATEX") != "required", "CI installs pdflatex"
        pytest.skip("pdflatex is not installed (texlive-latex-recommended, texlive-science)")
    bodies = [tables.as_latex(grid) for grid in grids]
    packages = {p for body in bodies for p in re.search(r"{(.*)}", body)[1].split(",")}
    head = rf"\documentclass{{article}}\usepackage{{{','.join(sorted(packages))}}}"
    text = rf"{head}\begin{{document}}{''.join(bodies)}\end{{document}}"
    (tmp_path / "t.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    for _ in bodies[:2]:  # long tables know their widths the second time
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    log = done.stdout.decode("latin-1")
    assert done.returncode == 0, log[-2000:]
    return log, bodies


def test_latex_of_every_shape_compiles_and_fits_its_page(tmp_path):
    hostile = [r"50 % & more_of #1 {}~^ \input{/etc/passwd}", r"$x_1^2$ \write18{id}",
               "τ² — „ä“ 学 \u202e", "many words in a label " * 4]  # fmt: skip
    twelve = [f"Random intercept, variant {k}" for k in range(12)]

    def made(labels, n, value=0.05):
        return summary([((k / 100, s), m, value, 0.002, k % 3) for k in range(n) for s in (0.0, 0.3)
                        for m in labels])  # fmt: skip

    of = {"few": made("ab", 2), "hostile": made(hostile, 6), "turned": made(twelve[:8], 4),
          "long": made(twelve[:8], 15), "blocks": made(twelve, 15)}  # fmt: skip
    grids = [tables.grid(wide(table, "rejection_rate")) for table in of.values()]
    bias = [((k / 100, s), m, 0.01, 0.02) for k in range(2) for s in (0.0, 0.3) for m in "ab"]
    wides = [wide(of["few"], "rejection_rate"), wide(summary(bias, "bias"), "bias")]
    look = tables.Look(rows=("icc",), columns=("slope", "measure"), interval=True)
    grids += tables.grids(wides, look)
    grids = [grid._replace(name=f"t{k}") for k, grid in enumerate(grids)]
    log, bodies = compiled(tmp_path, grids)
    assert "Overfull" not in log and "LaTeX Warning" not in log
    begins = [
        re.search(r"\\begin{(sidewaystable|landscape|longtable|table)}", b)[1] for b in bodies
    ]
    assert begins == ["table", "table", "sidewaystable", "landscape", "longtable", "table"]
    assert r"\cmidrule(lr)" in bodies[-1] and "Further methods" in bodies[4]


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


def test_rows_and_columns_stand_as_asked_and_lose_no_number():
    table = wide(summary(LIBERAL), "rejection_rate")
    usual = tables.grid(table)
    for rows, columns, heads in (
        (("slope", "icc"), (), ["a", "b"]),
        ((), ("slope",), ["slope 0, a", "slope 0, b", "slope 0.3, a", "slope 0.3, b"]),
        (("method",), ("icc", "slope"), ["icc 0, slope 0", "icc 0, slope 0.3", "icc 0.2, slope 0",
                                         "icc 0.2, slope 0.3"]),
        (("method", "icc", "slope"), (), ["value"]),
    ):  # fmt: skip
        (shown,) = tables.grids([table], tables.Look(rows=rows, columns=columns))
        assert shown.headings == heads
        assert shown.factors[: len(rows)] == list(rows)
        cells = sorted(cell.text for row in shown.cells for cell in row)
        assert cells == sorted(cell.text for row in usual.cells for cell in row)
    (shown,) = tables.grids([table], tables.Look(rows=("method",), columns=("icc", "slope")))
    assert shown.levels == [["a"], ["b"]]
    assert [c.value for c in shown.cells[1]] == [".075", ".600", "-", ".400"]


def test_measures_across_are_one_table_and_an_unknown_factor_is_refused():
    bias = [(levels, m, 0.01, 0.02) for levels, m, *_ in LIBERAL if m == "a"]
    wides = [wide(summary(LIBERAL), "rejection_rate"), wide(summary(bias, "bias"), "bias")]
    (shown,) = tables.grids(wides, tables.Look(columns=("measure",)))
    assert len(shown.headings) == 3 and shown.cells[0][2].text == "0.010 (0.020)"
    (shown,) = tables.grids(wides, tables.Look(rows=("method",), columns=("measure",)))
    assert shown.cells[-1][1].text == "" and "no such measure" in shown.notes[""]
    with pytest.raises(UserError, match="no factor slop here; did you mean 'slope'"):
        tables.grids(wides, tables.Look(rows=("slop",)))


def test_a_rate_that_never_varied_is_shown_by_the_end_of_its_interval():
    rates = np.array([0, 1, 1999, 2000])
    value, mcse, low, high = proportion(rates, np.full(4, 2000))
    cells = [Cell(*(float(x[k]) for x in (value, mcse)), 2000, 0, float(low[k]), float(high[k]))
             for k in range(4)]  # fmt: skip
    assert low[3] > 0.998 and 0.0019 < high[0] < 0.002  # Wilson: 1.96^2 / (2000 + 1.96^2)
    writing = Writing(record_of("coverage"), 3)
    shown = [writing.cell(cell).text for cell in cells]
    assert shown == ["<.002", ".0005 (.0005)", ".9995 (.0005)", ">.998"]
    data = [writing._replace(bounded=False).cell(cell).text for cell in cells]
    assert data[::3] == [".000 (.000)", "1.000 (.000)"]
    inside = [writing._replace(interval=True).cell(cell).text for cell in cells]
    assert inside[::3] == [".000 [.000, .002]", "1.000 [.998, 1.000]"]


REPORT = {"tables": {"measures": ["bias", "type1_error"], "rows": ["method"], "columns": ["icc"],
                     "where": "x_icc = 1", "interval": True}}  # fmt: skip


def test_a_study_says_what_its_tables_are(tmp_path):
    grid = {"n_clusters": 6, "cluster_size": 10, "icc": [0.1, 0.4], "x_icc": [0, 1], "slope": 0}
    one = study(grid, ["pooled", "random_intercept"], 100)
    raw = {"name": "t", "seed": 1, "replications": 100, "scenarios": grid,
           "methods": ["pooled", "random_intercept"],
           "report": REPORT, "labels": {"levels": {"icc": {"0.4": "strong & sure"}}}}  # fmt: skip
    assert simstudy.load(raw).figures == one.figures  # tables alone are asked for
    raw["report"] = {**REPORT, "figures": []}
    found = simstudy.run(raw, jobs=1, results=tmp_path)
    names = {path.name for path in Path(found.folder, "report/tables").iterdir()}
    stems = {"bias", "type1_error"}
    assert names == {f"{stem}.{end}" for stem in stems for end in ("csv", "md", "tex")}
    head, *rows = (Path(found.folder) / "report/tables/bias.csv").read_text().splitlines()
    assert head == "method,icc 0.1,icc 0.4" and len(rows) == 2 and "[" in rows[0]
    text = (Path(found.folder) / "report/tables/bias.md").read_text()
    assert "| Method | ICC of y = 0.1 | strong & sure |" in text and "Pooled OLS" in text
    assert r"strong \& sure" in (Path(found.folder) / "report/tables/bias.tex").read_text()
    again = Results.open(found.folder).study
    assert again.tables == found.study.tables


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rows": ["iccc"]}, "no factor 'iccc'; did you mean 'icc'"),
        ({"columns": "icc"}, "expected a list"),
        ({"rows": ["icc"], "columns": ["icc"]}, "cannot be both"),
        ({"measures": ["biass"]}, "unknown measure"),
        ({"where": "icc > 3"}, "nothing is like that"),
        ({"interval": "yes"}, "expected true or false"),
        ({"cols": []}, "columns"),
    ],
)
def test_tables_that_cannot_be_are_refused_where_they_are_said(given, said):
    raw = {"name": "t", "seed": 1, "replications": 100, "methods": ["pooled"],
           "scenarios": {"n_clusters": 6, "cluster_size": 10, "icc": 0.1, "x_icc": 0, "slope": 0},
           "report": {"tables": given}}  # fmt: skip
    with pytest.raises(UserError, match=said):
        simstudy.load(raw)
