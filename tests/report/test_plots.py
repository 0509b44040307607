"""A figure is one file: what is known of it without drawing, and a toy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers_places import ROOT
from helpers_simulation import study

import simstudy
from simstudy.errors import UserError
from simstudy.plots import USUAL, other_names, plots
from simstudy.report import figures
from simstudy.study.json_schema import schema

GRID = {"n_clusters": 5, "cluster_size": 4, "icc": [0, 0.1], "x_icc": 0.5, "slope": 0}
RESULTS_PAGE = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
TOY = """
from matplotlib.figure import Figure

from simstudy.report.drawing.plot import plot


@plot("how many scenarios there are", reads="summary", synonyms=("count",))
def draw(summary, title="", alpha=None, view=None):
    figure = Figure()
    n = len(summary.column("scenario").unique())
    figure.text(0.5, 0.5, f"{title}: {n} of $x^2$")
    return figure
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """One file more among the figures."""
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "toy.py").write_text(TOY)
    monkeypatch.setattr(figures, "__path__", figures.__path__)
    figures.__path__.append(str(tmp_path / "figures"))
    plots.cache_clear()
    yield
    figures.__path__.pop()
    plots.cache_clear()
    sys.modules.pop("simstudy.report.figures.toy", None)


def test_every_file_among_the_figures_is_one():
    files = {file.stem for file in Path(figures.__file__).parent.glob("*.py")}
    assert files - {"__init__"} == set(plots())
    for plot in plots().values():
        assert plot.words and plot.reads in ("summary", "rows")
        assert callable(plot.draw)
        assert f"`{plot.name}`" in RESULTS_PAGE
    assert {plot.usual for plot in plots().values()} == {"", *USUAL}
    places = [plot.place for plot in plots().values()]
    assert places == sorted(set(places))


def test_a_figure_is_one_file(toy, tmp_path):
    assert list(plots())[-1] == "toy" and plots()["toy"].words == "how many scenarios there are"
    assert other_names()["count"] == "toy"
    assert "'toy'" in str(schema())
    with pytest.raises(UserError, match="did you mean 'toy'"):
        study(GRID, ["pooled"], report={"figures": ["count"]})
    asked = study(GRID, ["pooled"], 10, report={"figures": ["toy", "se_bias"]})
    found = simstudy.run(asked, jobs=1, results=tmp_path)
    folder = found.folder / "report" / "figures"
    assert {file.name for file in folder.iterdir()} == {
        "toy.png", "toy.pdf", "se_bias.png", "se_bias.pdf"}  # fmt: skip
    (text,) = plots()["toy"].draw(found.summary_table(), "Toy").texts
    assert text.get_text() == "Toy: 2 of $x^2$" and not text.get_parse_math()
    fewer = study(GRID, ["pooled"], 10, report={"figures": ["se_bias"]})
    simstudy.run(fewer, jobs=1, results=tmp_path)
    assert not (folder / "toy.png").exists() and (folder / "se_bias.png").exists()


def test_what_is_known_of_figures_needs_no_drawing():
    code = (
        "import sys, simstudy; from simstudy.plots import plots; "
        "from simstudy.study.json_schema import schema; "
        "given = {'name': 's', 'seed': 1, 'replications': 5, 'methods': ['pooled'], "
        "'scenarios': {'n_clusters': 5, 'cluster_size': 4, 'icc': 0, 'x_icc': 1, 'slope': 0}, "
        "'report': {'figures': list(plots())}}; "
        "simstudy.load(given); schema(); [plot.words for plot in plots().values()]; "
        "print([m for m in ('matplotlib', 'pyarrow', 'pandas') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
