"""What a notebook shows: HTML of text alone, tables as asked, a bar where there is a kernel."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser

import pytest
from helpers_cli import ROOT

import simstudy
from simstudy.errors import UserError
from simstudy.runner.progress_bar import ProgressBar, usual_listener

pytestmark = pytest.mark.slow
PAGE = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)> & \u202e\"'"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    raw = {"name": "t", "title": HOSTILE, "seed": 1, "replications": 60,
           "scenarios": {"n_clusters": 6, "cluster_size": 10, "icc": [0, 0.3], "x_icc": [0, 1],
                         "slope": 0},
           "methods": ["pooled", {"random_intercept": {"label": HOSTILE}}],
           "labels": {"factors": {"icc": HOSTILE}}}  # fmt: skip
    return simstudy.run(raw, jobs=1, results=tmp_path_factory.mktemp("r"), report=False)


class Text(HTMLParser):
    """The tags and the text of a piece of HTML."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self.attributes = set(), [], set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.texts.append(data)


def test_results_and_tables_are_html_of_text_alone(results):
    for one in (results, results.table("coverage", columns="icc")):
        shown = Text(one._repr_html_())
        assert shown.tags <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "p", "small",
                              "br"}  # fmt: skip
        assert shown.attributes <= {"style", "scope", "colspan"}
        visible = "".join(shown.texts)
        assert "</td><script>alert(1)</script>" in visible and "\u202e" not in visible
    value = results.summary.query("measure == 'coverage' and method == 'pooled'").value.iloc[0]
    assert f"{value:.3f}".lstrip("0") in visible


def test_the_page_of_results_has_the_numbers_that_a_run_prints(results):
    from simstudy.report.tables import headline

    cells = r"(-?[\d.]+) +(\([\d.]+\))"
    printed = re.findall(cells, headline(results.summary_table(), width=200))
    shown = " ".join(Text(results._repr_html_()).texts).replace("−", "-")
    assert sorted(re.findall(cells, shown)) == sorted(printed) and len(printed) == 16


def test_tables_of_results_say_what_is_wrong_with_them(results):
    for given, said in (
        ({"measure": "biass"}, "unknown measure 'biass'"),
        ({"where": "icc > 4"}, "where: no row is like that"),
        ({"rows": "iccc"}, "no factor iccc"),
        ({"measure": "power"}, "no row of power"),
    ):
        with pytest.raises(UserError, match=said):
            results.table(**given)
    with pytest.raises(UserError, match="unknown format 'latx'; did you mean 'latex'"):
        results.table().to("latx")
    both = results.table(["bias", "coverage"], columns="measure")
    assert len(both.grids) == 1 and len(results.table(["bias", "coverage"]).grids) == 2
    median = results.table("median_bias")  # made when it is named
    assert "edian bias" in str(median)


def test_figures_are_drawn_one_by_one_and_with_options(results):
    figure = results.figure("type1_error", x="x_icc", title="Of my own", width=120)
    assert abs(figure.get_figwidth() * 25.4 - 120) < 0.5
    texts = [text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text"))]
    assert "Of my own" in texts and any(text.startswith("ICC of x") for text in texts)
    assert figure._repr_png_().startswith(b"\x89PNG")
    scenario = results.study.designs[0].id
    assert results.figure("p_values", scenario=scenario).axes
    for name, options, said in (
        ("zap", {}, "figure: unknown figure 'zap'"),
        (
            "power",
            {"x": "iccc"},
            "figure.power.x: 'iccc' is no factor of the study",
        ),
        ("zip", {"colour": "red"}, "zip has no option 'colour'"),
    ):
        with pytest.raises(UserError, match=said):
            results.figure(name, **options)


def test_fits_show_themselves():
    fits = simstudy.fit(
        ROOT / "tests/data/twoclassrooms.csv", "posttest ~ pretest + (1 | classroom)"
    )
    shown = Text(fits._repr_html_())
    assert shown.tags == {"pre"} and "".join(shown.texts) == str(fits)


class Bar:
    """What tqdm would be."""

    def __init__(self, **how):
        self.total, self.n, self.closed = how["total"], how["initial"], False

    def update(self, n):
        self.n += n

    def set_postfix_str(self, text, refresh):
        self.said = text

    def close(self):
        self.closed = True


def test_a_bar_counts_all_fits_and_closes(tmp_path):
    made = []

    def make(**how):
        made.append(Bar(**how))
        return made[-1]

    raw = {"name": "t", "seed": 1, "replications": 60, "methods": ["pooled", "dummy"],
           "scenarios": {"n_clusters": 6, "cluster_size": 10, "icc": 0, "x_icc": 0, "slope": 0},
           }  # fmt: skip
    simstudy.run(raw, jobs=1, results=tmp_path, report=False, listen=ProgressBar(make))
    (bar,) = made
    assert bar.closed and bar.n == bar.total == 120 and "1/1 scenarios" in bar.said


def test_a_kernel_gets_a_bar_and_a_script_none(monkeypatch):
    assert not isinstance(usual_listener(), ProgressBar)

    class ZMQInteractiveShell:
        pass

    class Module:
        get_ipython = staticmethod(ZMQInteractiveShell)

    monkeypatch.setitem(sys.modules, "IPython", Module)
    assert isinstance(usual_listener(), ProgressBar)


def test_the_page_does_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    names = {}
    for kind, block in re.findall(r"```(python|text)\n(.*?)```", PAGE, re.DOTALL):
        if kind == "python":
            capsys.readouterr()
            exec(compile(block, "page", "exec"), names)
        else:
            assert capsys.readouterr().out.strip() == block.strip()
    assert "<td" in names["table"]._repr_html_()
