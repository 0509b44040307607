"""Figures as a study file asks for them: options, names, titles; a figure of one's own."""

from __future__ import annotations

import pytest
from helpers_figures import summary
from helpers_simulation import study

import simstudy
from simstudy.cli.app import main
from simstudy.custom.load import module_of
from simstudy.errors import UserError, WorkError
from simstudy.plots import plots
from simstudy.report.drawing import style
from simstudy.report.drawing.facets import facets
from simstudy.report.drawing.matrix import matrix
from simstudy.report.drawing.view import View
from simstudy.report.figure_files import Drawer
from simstudy.store.study_file import text
from simstudy.study.study import load

pytestmark = pytest.mark.slow

GRID = {"n_clusters": [4, 8, 40], "cluster_size": 3, "icc": [0, 0.1], "x_icc": 0.5, "slope": [0, 1]}
METHODS = ["pooled", "random_intercept"]
ASKED = [
    "type1_error",
    {"type1_error": {"x": "n_clusters", "scenario": "icc = 0.1", "methods": "pooled"}},
    {"power": {"target": 0.8, "width": 120, "title": "Enough?"}},
    {"heat_map": {"measure": "coverage"}},
]
OWN = """
from matplotlib.figure import Figure

def mine(summary):
    figure = Figure()
    figure.text(0.5, 0.5, f"{len(summary.scenario.unique())} scenarios")
    return figure

def broken(summary):
    raise ValueError("no")
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    asked = study(GRID, METHODS, 40, report={"figures": ASKED})
    return simstudy.run(asked, jobs=1, results=tmp_path_factory.mktemp("r"), report=False)


def figures(found):
    drawer = Drawer(found.study, found.place, found.summary_table())
    return [drawer.draw(drawing) for drawing in found.study.figures]


def test_two_figures_of_a_name_have_other_files_and_titles(found):
    assert [one.file for one in found.study.figures] == [
        "type1_error", "type1_error-2", "power", "heat_map"]  # fmt: skip
    titles = [" ".join(one.texts[0].get_text().split()) for one in figures(found)]
    assert titles == [
        "test: Type I error rate",
        "test: Type I error rate, x: clusters; where ICC of y = 0.1; Pooled OLS",
        "Enough?", "test: heat map, Coverage",
    ]  # fmt: skip


def test_scenarios_methods_and_axes_are_those_asked_for(found):
    _, second, power, _ = figures(found)
    (axes,) = second.axes
    notes = " ".join(second.texts[-1].get_text().split())
    assert "6 of 12 scenarios, those where ICC of y = 0.1. All scenarios: cluster size 3" in notes
    assert second.texts[1].get_text() == "Clusters (log scale)"
    assert {c.lines[0].get_color() for c in axes.containers} == {style.series(0)["color"]}
    assert power.get_figwidth() == pytest.approx(120 / 25.4)
    for panel in power.axes:
        level = [line.get_ydata() for line in panel.lines if line.get_linestyle() == "--"]
        assert [list(y) for y in level] == [[0.8, 0.8]]
    notes = " ".join(power.texts[-1].get_text().split())
    assert "size is not known" not in notes  # the Type I errors are in other scenarios


def test_where_of_a_power_knows_the_sizes_of_the_others(found):
    ids = {design.id for design in found.study.designs if design.levels["slope"] == 1}
    table = found.summary_table()
    some = matrix(table, "rejection_rate", view=View(scenarios=ids)).kind(null=False)
    every = matrix(table, "rejection_rate").kind(null=False)
    assert (some.cells["value"] == every.cells["value"]).all() and some.cells["sized"].all()
    assert some.fixed["slope"] == 1 and "slope" not in some.factors


def test_numbers_along_an_axis_stand_to_scale():
    table = summary({"icc": [0.0, 0.1, 0.4], "slope": [0.0]}, ["pooled"])
    found = matrix(table, "rejection_rate")
    assert facets(found).places.tolist() == pytest.approx([0.0, 0.5, 2.0])
    assert facets(found, categories=True).places.tolist() == [0.0, 1.0, 2.0]
    many = matrix(summary({"n_clusters": [4, 8, 32], "slope": [0.0]}, ["p"]), "rejection_rate")
    laid = facets(many)
    assert laid.log and laid.places.tolist() == pytest.approx([0.0, 2 / 3, 2.0])


def test_a_heat_map_and_a_forest_plot_show_every_value():
    table = summary({"icc": [0.0, 0.1], "x_icc": [0.0, 1.0], "slope": [0.0]}, ["pooled", "dummy"])
    values = matrix(table, "rejection_rate").cells["value"]
    heat = plots()["heat_map"].draw(table)
    for m, axes in enumerate(heat.axes[:2]):
        numbers = {text.get_position(): float(text.get_text()) for text in axes.texts}
        wanted = {(k, row): values[2 * k + row, m] for k in (0, 1) for row in (0, 1)}
        assert numbers == pytest.approx(wanted, abs=5e-4)
    (axes,) = plots()["forest"].draw(table).axes
    drawn = [container.lines[0].get_xdata().tolist() for container in axes.containers]
    assert drawn == values.T.tolist()
    labels = [
        label.get_text().replace("\N{NO-BREAK SPACE}", " ") for label in axes.get_yticklabels()
    ]
    assert labels[1] == "ICC of y 0, ICC of x 1"


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ({"power": {"traget": 0.8}}, "power has no option 'traget'; did you mean 'target'"),
        ({"se_bias": {"target": 0.8}}, "se_bias has no option 'target'; other figures have it"),
        ({"power": {"target": 80}}, r"80 is not in \(0, 1\)"),
        ({"power": {"x": "rho"}}, "'rho' is no factor of the study; did you mean 'icc'"),
        ({"power": {"width": 5}}, r"5 is not in \[60, 600\]"),
        ({"power": {"methods": ["poled"]}}, "'poled' is no method of the study; did you mean"),
        ({"power": {"scenario": "icc > 3"}}, r"no such scenario: icc > 3 \(icc 0, 0.1\)"),
        ({"power": {"title": ""}}, "expected text, got blanks"),
        ({"forest": {"measure": "covrage"}}, "did you mean 'coverage'"),
        ({"agreement": {"x": "icc"}}, "'icc' is no method of the study"),
        ({"power": {}, "zip": {}}, "expected one figure with its options"),
        ({"pwer": {"target": 0.8}}, "unknown figure 'pwer'; did you mean 'power'"),
    ],
)
def test_options_of_figures_that_cannot_be_are_refused(figure, message):
    with pytest.raises(UserError, match=rf"report\.figures\[0\].*{message}"):
        study(GRID, METHODS, report={"figures": [figure]})


def test_two_figures_cannot_have_one_title():
    twice = [{"power": {"title": "A"}}, {"se_bias": {"title": "A"}}]
    with pytest.raises(UserError, match="two figures have the title 'A'"):
        study(GRID, METHODS, report={"figures": twice})


def test_what_is_asked_for_is_stored_as_it_was_asked(found, tmp_path):
    (tmp_path / "study.yaml").write_text(text(found.study, found.place), encoding="utf-8")
    assert load(tmp_path / "study.yaml").figures == found.study.figures


def test_a_figure_of_ones_own_is_drawn_by_run_and_kept_by_report(tmp_path, capsys):
    (tmp_path / "own.py").write_text(OWN)
    use = f"{tmp_path}/own.py"
    one = study(GRID, ["pooled"], 10, report={"figures": [{"use": f"{use}:mine"}]})
    found = simstudy.run(one, jobs=1, results=tmp_path)
    files = [found.folder / "report" / "figures" / f"mine.{ending}" for ending in ("png", "pdf")]
    drawn = [file.read_bytes() for file in files]
    (tmp_path / "own.py").write_text("raise SystemExit('imported')")
    module_of.cache_clear()  # another process would not have it
    assert main(["report", str(found.folder)]) == 0
    assert "figures of your own stay as `run` drew them" in capsys.readouterr().err
    assert [file.read_bytes() for file in files] == drawn
    assert main(["report", "--trust", str(found.folder)]) == 1
    assert "has changed: its digest is" in capsys.readouterr().err
    (tmp_path / "own.py").write_text(OWN)
    broken = [{"use": f"{use}:broken"}, "se_bias"]
    with pytest.raises(WorkError, match="figure broken: ValueError: no"):
        simstudy.run(study(GRID, ["pooled"], 10, report={"figures": broken}), jobs=1,
                     results=tmp_path)  # fmt: skip
    assert (found.folder / "report" / "figures" / "se_bias.png").exists()
