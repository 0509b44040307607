"""The summary, its tables and its figure: what a reader gets."""

from __future__ import annotations

import csv
import math

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers_figures import draw
from helpers_simulation import merge, study

import simstudy
from simstudy.measures.catalog import finish
from simstudy.measures.record import Cells
from simstudy.measures.totals import of_block
from simstudy.report import tables
from simstudy.report.pivot import decimals, number, thin, wide
from simstudy.runner.execute import execute
from simstudy.store.results_folder import ResultsFolder
from simstudy.summary.study import scenario_table, summarize_study

pytestmark = pytest.mark.slow

GRID = {"n_clusters": [4, 6], "cluster_size": [3, {"uniform": [2, 5]}], "icc": [0, 0.1, 0.3],
        "x_icc": [0, 1], "slope": 0}  # fmt: skip
METHODS = ["pooled", "dummy", {"random_intercept": {"label": "random intercept (KR)"}}]
COLUMNS = ["scenario", "n_clusters", "cluster_size", "icc", "x_icc", "slope", "n_obs",
           "design_effect", "method", "method_name", "estimand", "truth", "null_value",
           "measure", "alpha", "value", "mcse", "ci_low", "ci_high",
           "n_used", "n_not_used", "theory", "theory_kind", "z", "verdict"]  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    one = study(GRID, METHODS, 500, alpha=[0.05, 0.01], title="A title")
    return simstudy.run(one, jobs=1, results=tmp_path_factory.mktemp("results"))


def test_layout_on_disk(results):
    folder = results.folder
    top = {p.name for p in folder.iterdir()}
    assert top == {"study.yaml", "scenarios.parquet", "estimates", "summary.parquet",
                   "summary.csv", "report", "run.log.jsonl", ".work"}  # fmt: skip
    figures = {p.name for p in (folder / "report" / "figures").iterdir()}
    drawn = {"type1_error", "se_bias"}
    assert figures == {f"{name}.{ending}" for name in drawn for ending in ("png", "pdf")}
    endings = {p.suffix for p in (folder / "report" / "tables").iterdir()}
    assert endings == {".csv", ".tex", ".md"}


def test_summary_columns_and_csv(results):
    frame = results.summary
    assert list(frame.columns) == COLUMNS
    with (results.folder / "summary.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == COLUMNS and len(rows) == len(frame)
    assert float(rows[0]["value"]) == frame.value[0]  # full precision survives the CSV
    assert pq.read_table(results.folder / "summary.parquet").num_rows == len(frame)


def test_scenarios_table(results):
    table = pq.read_table(results.folder / "scenarios.parquet").to_pandas()
    assert list(table.columns) == COLUMNS[:8]
    assert len(table) == 24
    deff = table[(table.cluster_size == "3") & (table.icc == 0.3) & (table.x_icc == 1)]
    assert deff.design_effect.tolist() == pytest.approx([1.6, 1.6])
    uniform = table[(table.cluster_size != "3") & (table.icc == 0.3) & (table.x_icc == 1)]
    # uniform 2-5: E n^2 / E n = 13.5 / 3.5
    assert uniform.design_effect.tolist() == pytest.approx([1 + (13.5 / 3.5 - 1) * 0.3] * 2)
    assert uniform.n_obs.tolist() == [14.0, 21.0]


def test_summary_of_rows_is_the_merged_totals_of_their_blocks(tmp_path):
    one = study(GRID | {"n_clusters": 4, "cluster_size": 3, "icc": 0.1, "x_icc": 0},
                ["pooled"], 10_000)  # fmt: skip
    execute(one, ResultsFolder(tmp_path), 1)
    frame = summarize_study(one, ResultsFolder(tmp_path)).to_pandas()
    part = next((tmp_path / "estimates").iterdir())
    table = pq.read_table(part).to_pandas()
    rows = {k: table[k].to_numpy() for k in ("estimate", "std_error", "df", "p_value")}
    rows["status"] = np.zeros(10_000, dtype=np.int8)
    blocks = [
        of_block({k: v[i : i + 4096] for k, v in rows.items()}, 0.0, (0.05,))
        for i in range(0, 10_000, 4096)
    ]
    found = finish(Cells(merge(blocks), (0.05,), 0.0))
    wanted = [column.value.value[0] for column in found if column.defined[0]]
    frame = frame[frame.measure != "bias_eliminated_coverage"]
    assert frame.value.tolist() == wanted  # digit for digit


def test_every_method_of_every_scenario_has_every_row(results):
    frame = results.summary
    assert set(frame.method) == {"pooled", "dummy", "random intercept (KR)"}
    counts = frame.groupby(["scenario", "method"]).size()
    assert counts.nunique() == 1 and len(counts) == 24 * 3
    dummy = frame[(frame.method == "dummy") & (frame.x_icc == 1)]
    assert dummy[dummy.measure == "rejection_rate"].value.isna().all()
    assert (dummy[dummy.measure == "share_not_estimable"].value == 1).all()
    assert (dummy[dummy.measure == "bias"].n_not_used == 500).all()


def test_a_number_is_never_without_its_mcse(results):
    frame = results.summary
    assert (frame.value.isna() == frame.mcse.isna()).all()
    assert frame[frame.mcse.notna()].mcse.ge(0).all()


def test_alpha_is_null_for_measures_without_one(results):
    frame = results.summary
    with_alpha = {"coverage", "bias_eliminated_coverage", "mean_ci_width", "rejection_rate",
                  "rejection_rate_lower_bound", "rejection_rate_upper_bound", "type1_inflation",
                  "type1_error_from_bias", "type1_error_from_se",
                  "type1_error_remainder"}  # fmt: skip
    assert set(frame[frame.alpha.notna()].measure) == with_alpha
    assert set(frame[frame.measure == "coverage"].alpha) == {0.05, 0.01}


def test_results_open_again_and_report_again(results):
    again = simstudy.Results.open(results.folder)
    assert again.summary.equals(results.summary)
    assert all(path.is_file() for path in again.report())
    assert again.estimates.count_rows() == 24 * 3 * 500
    with pytest.raises(simstudy.UserError, match=r"no study\.yaml"):
        simstudy.Results.open(results.folder / "report")


@pytest.mark.parametrize("width", [60, 100, 200])
@pytest.mark.parametrize("n_methods", [1, 4])
def test_the_printed_table_has_at_most_forty_lines(tmp_path, width, n_methods):
    many = {"n_clusters": list(range(2, 62)), "cluster_size": 3, "icc": 0.1, "x_icc": 0,
            "slope": 0}  # fmt: skip
    methods = ["pooled", "dummy", "random_intercept", {"random_intercept": {"df": "wald"}}]
    one = study(many, methods[:n_methods], 20)
    execute(one, ResultsFolder(tmp_path), 1)
    text = tables.headline(summarize_study(one, ResultsFolder(tmp_path)), width=width)
    assert len(text.splitlines()) <= 35  # title and paths make it 40
    assert "of 60 scenarios are shown" in text


def test_a_table_says_value_and_error_and_marks_what_is_missing(results):
    text = tables.headline(results.summary_table(), width=200)
    assert "Rejection rate at alpha 0.05" in text and "SE bias, %" in text
    assert "- no replication was estimable" in text
    assert " (.0" in text and "random intercept (KR)" in text


def test_markdown_and_latex(results):
    table = tables.grid(wide(results.summary_table(), "rejection_rate", 0.01))
    markdown, latex = tables.as_markdown(table), tables.as_latex(table)
    assert markdown.count("|\n") == 2 + 24
    assert sum(line.endswith(r" \\") for line in latex.splitlines()) == 1 + 24
    assert r"n\_clusters" in latex and r"\toprule" in latex and "_clusters" not in latex.replace(
        r"\_clusters", "")  # fmt: skip


def test_thinning_keeps_the_ends_and_the_last_factors(results):
    table = wide(results.summary_table(), "rejection_rate")
    for most in range(1, 24):
        kept = thin(table, most)
        assert 1 <= len(kept.rows) <= most
    kept = thin(table, 6)
    assert {row[0]["icc"] for row in kept.rows} == {0.0, 0.1, 0.3}
    assert {row[0]["x_icc"] for row in kept.rows} == {0.0, 1.0}


def test_numbers_are_written_as_papers_do():
    assert number(0.0512, 3, leading_zero=False) == ".051"
    assert number(-0.0512, 3, leading_zero=False) == "-.051"
    assert number(1.0, 3, leading_zero=False) == "1.000"
    assert number(-0.0001, 2) == "0.00"
    assert number(math.nan, 3) == "-"
    assert decimals([], 3) == 3


def test_figure_has_a_facet_for_every_x_icc_and_cluster_size(results):
    figure = draw("type1_error", results.summary_table(), "A title")
    assert len(figure.axes) == 2 * 4  # x_icc across; clusters by cluster size down
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[:3] == ["pooled", "dummy", "random intercept (KR)"]
    assert {"theory, exact", "nominal .05"} <= set(labels)
    assert figure.texts[0].get_text() == "A title"
    assert all(axes.get_yscale() == "log" for axes in figure.axes)


SMALL_STUDIES = {
    "one scenario": {"n_clusters": 3, "cluster_size": 2, "icc": 0, "x_icc": 0, "slope": 0},
    "nothing estimable": {"n_clusters": 2, "cluster_size": 1, "icc": 0, "x_icc": 0, "slope": 0},
    "power only": {"n_clusters": 5, "cluster_size": 2, "icc": 0.1, "x_icc": 0, "slope": 0.5},
    "no x_icc": {"n_clusters": 5, "cluster_size": 2, "icc": 0.1, "slope": 0,
                 "x": "binary_blocked"},
}  # fmt: skip


@pytest.mark.parametrize(("name", "replications"), [
    ("one scenario", 1), ("one scenario", 50), ("nothing estimable", 2),
    ("power only", 1), ("power only", 2), ("no x_icc", 50),
])  # fmt: skip
def test_small_and_empty_studies_report_something_sensible(tmp_path, name, replications):
    grid = SMALL_STUDIES[name]
    one = study(grid, ["pooled"] if name == "one scenario" else METHODS, replications)
    found = simstudy.run(one, jobs=1, results=tmp_path)
    first = "power" if grid["slope"] else "type1_error"
    for name in (first, "se_bias"):
        assert (found.folder / "report" / "figures" / f"{name}.png").stat().st_size > 5000
    assert tables.headline(found.summary_table())


def test_scenario_levels_of_mixed_kinds_are_text():
    table = scenario_table(study(GRID, METHODS)).to_pydict()
    assert set(table["cluster_size"]) == {"3", "uniform 2-5"}
    assert set(table["n_clusters"]) == {4, 6}


def test_python_interface(tmp_path):
    found = simstudy.run(
        {"name": "py", "seed": 1, "replications": 20, "methods": ["pooled"],
         "scenarios": {"n_clusters": 3, "cluster_size": 4, "icc": 0, "x_icc": 0, "slope": 0}},
        results=tmp_path, report=False,
    )  # fmt: skip
    assert found.folder == tmp_path / "py"
    assert not (found.folder / "report").exists()
    assert set(found.summary.method) == {"pooled"}
    assert found.estimates.to_table().num_rows == 20
