"""Figures by what is on them: panels, points, lines, labels, places of the text; not pixels."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from helpers_figures import OF_ROWS, OF_SUMMARY, draw, estimates, sample, summary
from helpers_simulation import study
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex

import simstudy
from simstudy.errors import UserError
from simstudy.numerics.tails import critical_value
from simstudy.plots import plots
from simstudy.report import example_rows
from simstudy.report.drawing import style
from simstudy.report.drawing.ends import spread
from simstudy.report.drawing.facets import MOST_COLUMNS, MOST_ROWS, facets
from simstudy.report.drawing.letters import encode
from simstudy.report.drawing.matrix import matrix
from simstudy.report.drawing.missing import not_used, not_used_of
from simstudy.report.drawing.page import wrapped
from simstudy.report.drawing.scale import chosen_ticks, error_rate, se_bias
from simstudy.report.drawing.view import View
from simstudy.report.figures.zip import COVERS, MISSES
from simstudy.results import Results
from simstudy.runner.execute import execute
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.fields import named
from simstudy.summary.study import summarize_study

pytestmark = pytest.mark.slow

ONE = {"n_clusters": [10], "cluster_size": [20], "icc": [0.1], "x_icc": [1.0], "slope": [0.0]}
THREE = ONE | {"icc": [0.0, 0.1, 0.2]}
SIXTY = {"n_clusters": [10, 40], "cluster_size": [5, 30], "icc": [0.0, 0.01, 0.05, 0.1, 0.2],
         "x_icc": [0.0, 0.5, 1.0], "slope": [0.0]}  # fmt: skip
MANY = {"icc": [i / 110 for i in range(100)], "x_icc": [i / 99 for i in range(100)],
        "slope": [0.0]}  # fmt: skip
SLOPES = THREE | {"slope": [0.0, 0.2, 0.5]}
COVARIATES = THREE | {"name_of_a_covariate.correlation.x.within": [0.0, 0.6],
                      "slope_sd": [0.0, 0.3], "baseline.slope": [0.0, 0.8]}  # fmt: skip
OMITTING = ["pooled", "random_intercept[omit=baseline+name_of_a_covariate]",
            "random_intercept[estimand=name_of_a_covariate]"]  # fmt: skip
MIXED = THREE | {"cluster_size": ["5", "uniform 5-35", "sizes 8 10 86 120 4 3 17 40 22 9"]}
THREE_METHODS = ["pooled", "dummy", "random_intercept"]
TWELVE = ["pooled", "dummy", "random intercept, Kenward-Roger, REML (the default of this package)",
          *(f"pooled, CR{i} with Satterthwaite df" for i in range(9))]  # fmt: skip
CASES = {
    "one scenario, one method": (ONE, ["pooled"], {}),
    "one scenario, theory": (ONE, THREE_METHODS, {"theory": True}),
    "one scenario, twelve methods": (ONE, TWELVE, {}),
    "three scenarios, one method": (THREE, ["pooled"], {}),
    "three scenarios, theory": (THREE, THREE_METHODS, {"theory": True}),
    "three scenarios, twelve methods": (THREE, TWELVE, {}),
    "sixty scenarios": (SIXTY, THREE_METHODS, {"theory": True}),
    "sixty scenarios, twelve methods": (SIXTY, TWELVE, {}),
    "one replication": (THREE, THREE_METHODS, {"replications": 1}),
    "nothing estimable": (SIXTY, THREE_METHODS, {"used": 0.0}),
    "nothing estimable, one scenario": (ONE, THREE_METHODS, {"used": 0.0}),
    "slopes": (SLOPES, THREE_METHODS, {}),
    "long levels": (MIXED, THREE_METHODS, {}),
    "covariates": (COVARIATES, OMITTING, {}),
}
TITLE = "Type I error and SE bias when clustering is ignored"


@cache
def made(case: str) -> pa.Table:
    factors, methods, more = CASES[case]
    return summary(factors, methods, **more)


def texts_of(figure):
    """Every text that is seen, with its box in pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()  # lays out as drawing does
    found = [*figure.texts]
    for legend in figure.legends:
        found += legend.get_texts()
    for axes in figure.axes:
        if not axes.axison:
            continue
        found += [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if low <= tick.get_loc() <= high and tick.label1.get_visible():
                    found.append(tick.label1)
    shown = [text for text in found if text.get_text().strip() and text.get_visible()]
    return [(text.get_text(), *text.get_window_extent(renderer).extents) for text in shown]


def assert_readable(figure):
    """All text inside the page, none over another."""
    said, *edges = zip(*texts_of(figure), strict=True)
    left, low, right, high = map(np.array, edges)
    width, height = figure.bbox.width, figure.bbox.height
    outside = (left < -1) | (low < -1) | (right > width + 1) | (high > height + 1)
    assert not outside.any(), [said[k] for k in np.flatnonzero(outside)]
    wide = np.minimum.outer(right, right) - np.maximum.outer(left, left)
    tall = np.minimum.outer(high, high) - np.maximum.outer(low, low)
    over = np.argwhere(np.triu((wide > 1) & (tall > 2), 1))
    assert not over.size, [f"{said[i]!r} over {said[j]!r}" for i, j in over]


def lines_like(axes, **wanted):
    return [line for line in axes.lines if all(getattr(line, f"get_{k}")() == v
                                               for k, v in wanted.items())]  # fmt: skip


# with less on them than others of their kind
SPARSE = {"one scenario, one method", "three scenarios, one method", "one scenario, theory"}


@pytest.mark.parametrize("name", OF_SUMMARY)
@pytest.mark.parametrize("case", [case for case in CASES if case not in SPARSE])
def test_every_figure_of_every_summary_is_readable(case, name):
    figure = draw(name, made(case), TITLE)
    assert_readable(figure)
    assert any(TITLE.split()[0] in text.get_text() for text in figure.texts)


ESTIMATES = {
    "one method": (["pooled"], {}),
    "three methods": (THREE_METHODS, {"replications": 3000}),
    "twelve methods": (TWELVE, {}),
    "one replication": (THREE_METHODS, {"replications": 1}),
    "two replications": (THREE_METHODS, {"replications": 2}),
    "nothing estimable": (THREE_METHODS, {"status": "not_estimable"}),
    "no rows": (THREE_METHODS, {"replications": 0}),
    "a slope": (THREE_METHODS, {"true": 0.3}),
    "df below 1": (THREE_METHODS, {"df": 0.4}),
}


@pytest.mark.parametrize("name", OF_ROWS)
@pytest.mark.parametrize("case", ESTIMATES)
def test_every_figure_of_estimates_is_readable(case, name):
    methods, more = ESTIMATES[case]
    true = more.get("true", 0.0)
    what = "Scenario 0000000a: clusters 10, cluster size 20, ICC of y 0.1, slope 0"
    figure = draw(
        name,
        estimates(methods, **more),
        TITLE,
        true=true,
        labels={m: m for m in methods},
        what=what,
    )
    assert_readable(figure)


def test_ten_thousand_scenarios_keep_to_a_page():
    table = summary(MANY, ["pooled", "dummy"], replications=200, theory=True)
    for name in ("type1_error", "se_bias"):
        figure = draw(name, table, TITLE)
        assert len(figure.axes) <= MOST_ROWS * MOST_COLUMNS
        assert all(len(axes.get_xticks()) <= 10 for axes in figure.axes)
        assert "6 of 100 columns are shown" in " ".join(figure.texts[-1].get_text().split())
        assert_readable(figure)
    laid = facets(matrix(table, "rejection_rate"))
    assert [levels["x_icc"] for levels in laid.columns][:: MOST_COLUMNS - 1] == [0.0, 1.0]
    loops = draw("nested_loop", table)
    assert "400 of 10000 scenarios" in " ".join(loops.texts[-1].get_text().split())


def test_points_are_the_summary_and_bars_its_intervals():
    table = made("three scenarios, one method")
    (axes,) = draw("type1_error", table).axes
    (container,) = axes.containers
    points, _, (bars,) = container.lines
    found = matrix(table, "rejection_rate")
    assert points.get_ydata().tolist() == found.cells["value"][:, 0].tolist()
    ends = np.array(bars.get_segments())[:, :, 1]
    assert ends == pytest.approx(
        np.stack([found.cells["low"][:, 0], found.cells["high"][:, 0]], axis=1)
    )


def test_error_rates_have_bradleys_band_and_the_nominal_line():
    (axes,) = draw("type1_error", made("three scenarios, one method")).axes
    spans = {tuple(np.round(sorted({*patch.get_corners()[:, 1]}), 10)) for patch in axes.patches}
    assert spans == {(0.025, 0.075), (0.045, 0.055)}
    assert lines_like(axes, color=style.NOMINAL["color"])[0].get_ydata() == [0.05, 0.05]
    assert 0.05 in axes.get_yticks()


def test_se_bias_is_drawn_as_a_ratio():
    table = made("three scenarios, one method")
    (axes,) = draw("se_bias", table).axes
    assert axes.get_yscale() == "log"
    points = axes.containers[0].lines[0].get_ydata()
    assert points == pytest.approx(
        1 + matrix(table, "relative_error_model_se").cells["value"][:, 0] / 100
    )
    labels = [axes.yaxis.get_major_formatter()(tick) for tick in axes.get_yticks()]
    assert "0" in labels and "\N{MINUS SIGN}20" in labels


def test_theory_is_dashed_or_dotted_and_joined_points_are_neither():
    table = made("three scenarios, theory")
    (axes,) = draw("type1_error", table).axes
    found = matrix(table, "rejection_rate")
    for m, kind, look in ((0, "exact", style.EXACT), (1, "asymptotic", style.ASYMPTOTIC)):
        color = style.series(m)["color"]
        (line,) = lines_like(axes, color=color, linewidth=look["linewidth"], linestyle="--")[:1]
        assert line.get_ydata().tolist() == found.cells[kind][:, m].tolist()
    joined = [line.get_color() for line in lines_like(axes, linewidth=0.8, linestyle="-")]
    assert joined == [style.series(m)["color"] for m in (1, 2)]  # exact theory stands for a line
    labels = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert labels[:3] == ["simulated, joined", "theory, exact", "theory, many clusters"]


def test_figures_do_without_theory():
    table = made("three scenarios, theory").drop_columns(["theory", "theory_kind", "z"])
    (axes,) = draw("type1_error", table).axes
    labels = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert labels == ["nominal .05", "Bradley ±50 %", "±10 %"]
    nothing = made("three scenarios, theory")
    for name, kind in (("theory", pa.float64()), ("theory_kind", pa.string())):
        at = nothing.column_names.index(name)
        nothing = nothing.set_column(at, name, pa.nulls(nothing.num_rows, kind))
    (other,) = draw("type1_error", nothing).axes
    assert len(other.lines) == len(axes.lines)


def test_any_factor_can_run_along_the_axis():
    table = made("sixty scenarios")
    figure = draw("type1_error", table, view=View(x="cluster_size", panels=("icc",)))
    assert len(figure.axes) == 5 * 6  # icc across; clusters by ICC of x down
    ticks = [label.get_text() for label in figure.axes[-1].get_xticklabels()]
    assert ticks == ["5", "30"]
    with pytest.raises(UserError, match="no factor 'size'"):
        draw("type1_error", table, view=View(x="size"))


def test_another_alpha_is_another_figure():
    table = summary(THREE, ["pooled"], alphas=(0.05, 0.01))
    (axes,) = draw("type1_error", table, alpha=0.01).axes
    assert 0.01 in axes.get_yticks()
    assert lines_like(axes, color=style.NOMINAL["color"])[0].get_ydata() == [0.01, 0.01]


def test_one_scenario_has_its_methods_one_below_another():
    (axes,) = draw("type1_error", made("one scenario, theory")).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == THREE_METHODS
    top = draw("type1_error", made("nothing estimable, one scenario")).axes[0]
    assert [text.get_text() for text in top.texts] == ["not estimable"] * 3


def test_lines_of_one_panel_are_labelled_where_they_end():
    figure = draw("type1_error", made("three scenarios, theory"))
    (axes,) = figure.axes
    assert {text.get_text() for text in axes.texts} == set(THREE_METHODS)
    assert not {text.get_text() for text in figure.legends[0].get_texts()} & set(THREE_METHODS)


def test_facets_without_a_scenario_are_left_blank():
    table = made("sixty scenarios")
    import pyarrow.compute as pc

    drop = pc.and_(pc.equal(table["x_icc"], 0.5), pc.equal(table["n_clusters"], 10))
    figure = draw("type1_error", table.filter(pc.invert(drop)))
    assert sum(not axes.axison for axes in figure.axes) == 2


def test_a_method_that_is_missing_in_a_panel_is_named():
    table = made("sixty scenarios")
    frame_ = table.to_pandas()
    lost = (frame_.method == "dummy") & (frame_.x_icc == 1)
    frame_.loc[lost, ["value", "mcse", "ci_low", "ci_high"]] = np.nan
    frame_.loc[lost, "n_not_used"] = frame_.n_used
    frame_.loc[lost, "n_used"] = 0
    figure = draw("type1_error", pa.Table.from_pandas(frame_, preserve_index=False))
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert said.count("not estimable: dummy") == 4


def test_rates_of_nought_are_on_the_edge_and_the_note_says_so():
    table = summary(THREE, ["pooled"], rate=lambda levels, m: 0.0, replications=100)
    table = table.set_column(table.column_names.index("value"), "value",
                             pa.array(np.zeros(table.num_rows)))  # fmt: skip
    figure = draw("type1_error", table)
    assert figure.axes[0].containers[0].lines[0].get_ydata() == pytest.approx([0.0025] * 3)
    assert "Values below .0025 are drawn on the edge" in figure.texts[-1].get_text()


def test_the_curve_of_the_design_effect():
    table = made("sixty scenarios")
    figure = draw("design_effect", table)
    z = 1.959963984540054
    for axes, answer in zip(figure.axes, (
        lambda deff: math.erfc(z / math.sqrt(2 * deff)), lambda deff: deff**-0.5), strict=True
    ):  # fmt: skip
        (curve,) = lines_like(axes, color=style.INK)
        deff, y = curve.get_data()
        assert deff[0] < 1 and deff[-1] > 4.8
        assert y == pytest.approx([answer(d) for d in deff], rel=1e-12)
        assert len(axes.containers) == 3
        x = axes.containers[1].lines[0].get_xdata()  # the method in the middle is not moved
        assert x == pytest.approx(matrix(table, "bias").design_effect)


def test_nested_loops_are_in_order():
    table = made("sixty scenarios")
    top, bottom = draw("nested_loop", table).axes
    found = matrix(table, "rejection_rate")
    steps = [line for line in top.lines if line.get_drawstyle() == "steps-post"]
    for m, line in enumerate(steps):
        assert line.get_ydata()[:-1].tolist() == found.cells["value"][:, m].tolist()
    names = [text.get_text().strip() for text in bottom.texts]
    assert names[:2] == ["Clusters: 10, 40", "Cluster size: 5, 30"]
    assert names[2:] == ["ICC of y: 0, 0.01, 0.05, 0.1, 0.2", "ICC of x: 0, 0.5, 1"]
    jumps = [int((np.diff(line.get_ydata()) != 0).sum()) for line in bottom.lines]
    assert jumps == [1, 3, 19, 59]
    _, bottom = draw("nested_loop", table, view=View(panels=("x_icc",))).axes
    assert bottom.texts[0].get_text().strip() == "ICC of x: 0, 0.5, 1"
    assert int((np.diff(bottom.lines[0].get_ydata()) != 0).sum()) == 2


def test_power_of_an_inflated_test_is_hollow():
    """A size of .08 in 2,000 is above .075, its interval (.068 to .092) is not."""

    def rate(levels, m):
        size = (0.05, 0.08, 0.1)[m]
        return size if levels["slope"] == 0 else 0.6

    table = summary(SLOPES, THREE_METHODS, replications=2000, rate=rate)
    figure = draw("power", table)
    lines = [line for axes in figure.axes for line in axes.lines]
    hollow = [line for line in lines if line.get_markerfacecolor() == "white"]
    assert {line.get_color() for line in hollow} == {style.series(2)["color"]}
    assert sum(len(line.get_xdata()) for line in hollow) == 6
    assert "size inflated" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert "Type I error is above .075" in " ".join(figure.texts[-1].get_text().split())
    alone = draw("power", summary(THREE | {"slope": [0.5]}, THREE_METHODS))
    assert "size is not known there" in " ".join(alone.texts[-1].get_text().split())


def test_zip_colours_intervals_by_whether_they_cover():
    table = estimates(["pooled"], 300, seed=11)
    (axes,) = draw("zip", table).axes
    est, se = (table[name].to_numpy() for name in ("estimate", "std_error"))
    half = float(critical_value(20.0, 0.05)) * se
    covers = np.abs(est) <= half
    (bars,) = [c for c in axes.collections if isinstance(c, LineCollection)]
    colors = [to_hex(color).upper() for color in bars.get_colors()]
    assert colors.count(MISSES) == int((~covers).sum())
    assert set(colors) == {COVERS, MISSES}
    ends = np.array(bars.get_segments())
    worst = ends[-1, :, 0]
    k = int(np.argmax(np.abs(est) / se))
    assert worst == pytest.approx([est[k] - half[k], est[k] + half[k]])
    assert f"{covers.mean():.3f}".lstrip("0") in axes.texts[0].get_text()


def test_p_values_are_sizes_over_levels():
    table = estimates(["a", "b"], 2000)
    (axes,) = draw("p_values", table).axes
    for m, name in enumerate(("a", "b")):
        p = table["p_value"].to_numpy()[table["method"].to_numpy() == name]
        (line,) = lines_like(axes, color=style.series(m)["color"])
        levels, ratio = line.get_data()
        assert ratio == pytest.approx([np.mean(p < level) / level for level in levels])
    inside = axes.collections[0].get_paths()[0].get_extents()
    assert inside.y1 == pytest.approx(1 + 1.959964 * math.sqrt((1 - levels[0]) / levels[0] / 2000))


def test_agreement_compares_the_same_replications():
    table = estimates(["a", "b"], 200)
    backwards = table.take(pa.array(np.random.default_rng(1).permutation(400)))
    lost = backwards.to_pandas()
    lost.loc[(lost.method == "a") & (lost.replication <= 50), "status"] = "failed"
    part = pa.Table.from_pandas(lost, preserve_index=False)
    figure = draw("agreement", part, labels={"a": "one", "b": "other"})
    a, b = (table.filter(pa.compute.equal(table["method"], m)) for m in ("a", "b"))
    for column, name in enumerate(("estimate", "std_error")):
        x, y = (t[name].to_numpy()[50:] for t in (a, b))
        scatter = figure.axes[column].lines[-1]
        assert np.array_equal(np.column_stack(scatter.get_data()), np.column_stack([x, y]))
        blue = lines_like(figure.axes[2 + column], color=style.COLORS[1])
        half = 1.959964 * np.std(y - x, ddof=1)
        wanted = np.mean(y - x) + np.array([-half, 0, half])
        assert [line.get_ydata()[0] for line in blue] == pytest.approx(wanted, rel=1e-5)
    with pytest.raises(UserError, match="did you mean 'pooled'"):
        draw("agreement", estimates(["pooled", "dummy"], 5), method="poled")


def test_rows_come_from_the_scenarios_own_parts(tmp_path):
    grid = {"n_clusters": 5, "cluster_size": 4, "icc": [0, 0.3], "x_icc": [0.5, 1], "slope": [0, 1]}
    one = study(grid, ["pooled", "dummy"], 60)
    folder = ResultsFolder(tmp_path)
    execute(one, folder, 1)
    summary = summarize_study(one, folder)
    design = example_rows.chosen(one, summary)
    # dummy cannot be fitted at x_icc 1, so the largest design effect is not the first choice
    assert (design.levels["icc"], design.levels["x_icc"], design.levels["slope"]) == (0.3, 0.5, 0)
    stored = Results(one, tmp_path).estimates.to_table().to_pandas()
    stored = stored[stored.scenario == design.id]

    def agree(sample, n):
        for name, rows in sample.methods.items():
            method = {"Pooled OLS": "pooled", "Cluster dummies": "dummy"}[name]
            of_method = stored[(stored.method == method) & (stored.replication <= n)]
            assert rows.replication.tolist() == list(range(1, n + 1))
            assert np.array_equal(rows.estimate, of_method.sort_values("replication").estimate)

    sample = example_rows.sample_of(one, folder, summary, design)
    assert list(sample.methods) == ["Pooled OLS", "Cluster dummies"]
    agree(sample, 60)
    fewer = example_rows.sample_of(study(grid, ["dummy"], 25), folder, summary, design)
    assert list(fewer.methods) == ["Cluster dummies"]
    agree(fewer, 25)
    fewer = ResultsFolder(tmp_path / "fewer")
    execute(study(grid, ["pooled", "dummy"], 40), fewer, 1)
    for part in (tmp_path / "fewer" / "estimates").iterdir():  # they overlap: a row counts once
        shutil.copy(part, tmp_path / "estimates")
    agree(example_rows.sample_of(one, folder, summary, design), 60)
    note = plots()["agreement"].draw(sample).texts[-1].get_text()
    assert "60 replications that both" in " ".join(note.split())
    elsewhere = example_rows.example(one, ResultsFolder(tmp_path / "elsewhere"), summary)
    assert list(elsewhere.methods) == ["Pooled OLS", "Cluster dummies"]
    assert_readable(plots()["zip"].draw(elsewhere))


@pytest.mark.parametrize(
    ("grid", "wanted"),
    [
        ({"slope": 0, "icc": 0.1}, ("type1_error", "se_bias")),
        ({"slope": 0.5, "icc": 0.1}, ("power", "se_bias")),
        ({"slope": [0, 0.5], "icc": 0.1}, ("type1_error", "power", "se_bias")),
        ({"slope": 0, "icc": [0, 0.1, 0.2, 0.3, 0.4]}, ("type1_error", "se_bias")),
        (
            {"slope": 0, "icc": [0, 0.1, 0.2, 0.3, 0.4, 0.5]},
            ("type1_error", "se_bias", "design_effect"),
        ),
    ],
    ids=["null", "power only", "both", "few design effects", "design effects"],
)  # fmt: skip
def test_default_figures_follow_the_design(grid, wanted):
    common = {"n_clusters": 5, "cluster_size": 4, "x_icc": 1}
    assert names_of(study(common | grid, ["pooled"])) == wanted
    for report in ({}, {"figures": None}):
        if report:
            with pytest.raises(UserError, match="expected a list"):
                study(common | grid, ["pooled"], report=report)
        else:
            assert names_of(study(common | grid, ["pooled"], report=report)) == wanted


def test_the_study_file_chooses():
    grid = {"n_clusters": 5, "cluster_size": 4, "x_icc": 1, "icc": 0.1, "slope": 0}
    chosen = study(grid, ["pooled"], report={"figures": ["zip", "nested_loop", "zip"]})
    assert names_of(chosen) == ("zip", "nested_loop")
    with pytest.raises(UserError, match="did you mean 'nested_loop'"):
        study(grid, ["pooled"], report={"figures": ["nestedloop"]})


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_the_same_figure_is_the_same_bytes(ending):
    import matplotlib

    settings = dict(matplotlib.rcParams)
    table = made("three scenarios, theory")
    one, two = (encode(draw("type1_error", table, TITLE), ending) for _ in range(2))
    assert one == two and len(one) > 5000
    assert b"CreationDate" not in one and b"<dc:date>" not in one
    assert dict(matplotlib.rcParams) == settings


def test_pyplot_is_never_touched():
    code = (
        "import sys; sys.path.insert(0, 'tests'); from helpers_figures import *; "
        "from simstudy.report.drawing.letters import encode; "
        "encode(draw('type1_error', summary({'icc': [0, .1], 'slope': [0.0]}, ['a'])), 'png'); "
        "encode(draw('zip', estimates(['a'])), 'pdf'); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_labels_are_spread_no_more_than_they_need():
    at = spread(np.array([0.1, 0.5, 0.52, 0.9]), 0.1)
    assert at == pytest.approx([0.1, 0.46, 0.56, 0.9])
    crowd = spread(np.full(5, 0.98), 0.1)
    assert np.diff(crowd) == pytest.approx([0.1] * 4) and crowd[-1] == pytest.approx(1.0)
    assert spread(np.full(30, 0.5), 0.1)[0] == pytest.approx(0.0)  # no room: down to the foot


@pytest.mark.parametrize(("low", "high"), [(0.04, 0.07), (0.02, 0.4), (0.0025, 1.0)])
def test_ticks_have_the_nominal_level_and_do_not_crowd(low, high):
    ticks = chosen_ticks(error_rate(0.05), low, high)
    assert 0.05 in ticks and 3 <= len(ticks) <= 10
    assert np.diff(np.log(ticks)).min() > np.log(high / low) / 12
    assert 1.0 in chosen_ticks(se_bias(), 0.5, 1.1)


def test_agreement_is_with_the_reference_under_its_label(tmp_path):
    listed = ["pooled", "wild_bootstrap", {"random_intercept": {"label": "a mixed model"}}]
    common = {"n_clusters": 5, "cluster_size": 4, "icc": 0.1, "x_icc": 0.5, "slope": 0}
    one = study(common, listed, 20, reference="random_intercept", report={"figures": ["agreement"]})
    found = simstudy.run(one, jobs=1, results=tmp_path)
    assert (found.folder / "report" / "figures" / "agreement.png").stat().st_size > 5000
    example = example_rows.example(one, ResultsFolder(found.folder), found.summary_table())
    assert example.reference == "a mixed model"
    figure = plots()["agreement"].draw(example)
    assert figure.axes[0].get_xlabel() == "estimate, a mixed model"
    assert figure.axes[0].get_ylabel() == "estimate, Pooled OLS"  # not the one without an SE


def names_of(one):
    return tuple(figure.file for figure in one.figures)


def note_of(figure):
    """The note below a figure, as one line."""
    return " ".join(figure.texts[-1].get_text().split())


def losses(levels, m):
    """The second method fails mostly where the ICC is largest, the third always."""
    return (0, 976 if levels["icc"] == 0.2 else 100, 1000)[m]


@pytest.mark.parametrize("name", OF_SUMMARY)
@pytest.mark.parametrize("factors", [ONE, SIXTY, SLOPES], ids=["1", "60", "slopes"])
def test_replications_that_were_not_used_are_said_of_their_method(factors, name):
    if name == "power" and len(factors["slope"]) == 1:
        factors = factors | {"slope": [0.2]}
    table = summary(factors, THREE_METHODS, failed=losses)
    figure = draw(name, table, TITLE)
    assert_readable(figure)
    part = {1: "90 % (900 of 1,000)", 3: "61 % (least 24 of 1,000)", 5: "72 % (least 24 of 1,000)"}
    wanted = part[len(factors["icc"])]
    assert f"Not all replications used: dummy {wanted}, random_intercept 0 %." in note_of(figure)
    said = [text for text, *_ in texts_of(figure)]
    assert not any("estimable" in text for text in said)
    where = "no result" if len(factors["icc"]) == 1 else "no result: random_intercept"
    where = {"heat_map": "no result", "forest": "no result: random_intercept"}.get(name, where)
    if name not in ("design_effect", "nested_loop"):
        assert where in [" ".join(text.split()) for text in said]


def test_what_is_not_estimable_and_what_failed_are_told_apart():
    def lost(levels, m):
        return 1000 * (m == 3 or (m == 1 and levels["x_icc"] == 1))

    grid = THREE | {"x_icc": [0.5, 1.0]}
    table = summary(grid, [*THREE_METHODS, "own"], failed=lost)
    frame_ = table.to_pandas()
    frame_.loc[(frame_.method == "dummy") & (frame_.measure == "share_failed"), "value"] = 0.0
    table = pa.Table.from_pandas(frame_, preserve_index=False)
    figure = draw("type1_error", table)
    assert_readable(figure)
    said = [" ".join(text.get_text().split("\n")) for axes in figure.axes for text in axes.texts]
    assert [text for text in said if ":" in text] == [
        "no result: own", "not estimable: dummy no result: own"]  # fmt: skip
    assert "Not all replications used: own 0 %." in note_of(figure)  # dummy's gap has its word
    assert not_used(matrix(made("nothing estimable"), "rejection_rate")) == ""


def test_a_method_that_was_given_up_has_fewer_replications_than_the_others():
    table = summary(THREE, ["pooled", "own"], failed=lambda levels, m: 300 * m)
    frame_ = table.to_pandas()
    gone = (frame_.method == "own") & (frame_.icc > 0)  # never begun
    frame_.loc[gone, ["value", "mcse", "ci_low", "ci_high"]] = np.nan
    frame_.loc[gone, ["n_used", "n_not_used"]] = 0
    found = matrix(pa.Table.from_pandas(frame_, preserve_index=False), "rejection_rate")
    note = not_used(found)
    assert " ".join(note.split()).endswith("used: own 23 % (least 0 of 1,000)")


def test_at_most_three_methods_are_named_and_no_share_is_rounded_away():
    lost = (1, 999, 500, 200, 300)
    names = [f"m{k}" for k in range(5)]
    table = summary(THREE, names, failed=lambda levels, m: lost[m])
    note = not_used(matrix(table, "rejection_rate"))
    assert " ".join(note.split()) == (
        "Not all replications used: m0 over 99 % (least 999 of 1,000), m1 under 1 % (least 1 of "
        "1,000), m2 50 % (least 500 of 1,000) and 2 more"
    )
    assert_readable(draw("type1_error", summary(THREE, TWELVE, failed=lambda levels, m: m), TITLE))


@pytest.mark.parametrize("name", OF_ROWS)
def test_figures_of_estimates_say_what_failed(name):
    table = estimates([*THREE_METHODS, "own"], 200).to_pandas()
    few = (table.method == "dummy") & (table.replication <= 150)
    table.loc[few | (table.method == "own"), "status"] = "failed"
    table = table[(table.method != "own") | (table.replication <= 120)]  # given up on
    part = pa.Table.from_pandas(table, preserve_index=False)
    more = {"method": "dummy"} if name == "agreement" else {}
    figure = draw(name, part, TITLE, **more)
    assert_readable(figure)
    said = [text for text, *_ in texts_of(figure)]
    assert not any("estimable" in text for text in said)
    if name == "agreement":
        assert "50 of 200 replications that both methods have" in note_of(figure)
        return
    assert "Not all replications used: dummy 25 % (50 of 200), own 0 %." in note_of(figure)
    assert {"zip": "no result", "p_values": "own: no result"}[name] in said
    note = not_used_of(sample(part, labels={"pooled": "pooled", "own": "mine"}))
    assert note.endswith("mine 0\N{NO-BREAK SPACE}%")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("random_intercept[omit=baseline+ses]", ["random_intercept", "[omit=baseline+ses]"]),
        ("dummy[estimand=baseline]", ["dummy[estimand=baseline]"]),
        ("plain words that do not fit into a line", ["plain words that do not fit", "into a line"]),
        ("a[df=satterthwaite,estimand=contextual_effect]",
         ["a[df=satterthwaite,estimand=", "contextual_effect]"]),
        ("x" * 40, ["x" * 28, "x" * 12]),
    ],
)  # fmt: skip
def test_long_labels_break_at_their_brackets(text, lines):
    assert wrapped(text, 1.75, style.TICK) == lines


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        ("baseline.slope", "slope of baseline"),
        ("ses.icc", "ICC of ses"),
        ("ses.correlation.baseline", "cor(ses, baseline)"),
        ("ses.correlation.x.within", "cor(ses, x) within"),
        ("n.obs", "n.obs"),
        ("slope_sd", "SD of the slope"),
    ],
)
def test_factors_of_covariates_have_names(factor, words):
    assert named(factor) == words


@pytest.mark.parametrize("name", ["type1_error", "se_bias"])
def test_long_names_of_factors_head_panels_whole(name):
    said = " ".join(
        text.replace("\n", " ") for text, *_ in texts_of(draw(name, made("covariates")))
    )
    assert "within = 0.6" in said and "Slope of baseline = 0.8" in said and "…" not in said
