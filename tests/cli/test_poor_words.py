"""Inputs that went through, or were refused, without the words that help."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from helpers_cli import call
from helpers_places import FAULTS
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

import simstudy
from simstudy.analysis.alone import alone
from simstudy.analysis.data import DataSet
from simstudy.analysis.grammar import parse as parse_formula
from simstudy.analysis.terms import Random, Terms, Variable
from simstudy.cli.bar import Bar
from simstudy.errors import UserError
from simstudy.registry import configure
from simstudy.report.drawing import letters
from simstudy.report.drawing.letters import encode
from simstudy.report.drawing.page import told_apart
from simstudy.report.tables.headline import headline
from simstudy.runner.events import Done, Started
from simstudy.runner.plan import plan
from simstudy.study.study import load
from simstudy.summary.anybody import summarize

pytestmark = pytest.mark.slow

TRUE = {"estimate": "b", "std_error": "se", "true": 0.5}
LINE = Terms("y", ((Variable("x"),),), Random("g"))


def data_set(clusters: list[list[float]]) -> DataSet:
    sizes = np.array([len(c) for c in clusters])
    x = np.concatenate(clusters)
    return DataSet(LINE, ("x",), x[:, None], x * 1.0, list("abcdefg"[: len(sizes)]), sizes)


# one treated cluster


@pytest.mark.parametrize("se", ["CR0", "CR1", "CR1S", "CR2", "CR3"])
def test_one_treated_cluster_is_said_for_every_robust_error(se):
    fits = simstudy.fit(FAULTS / "onetreated.csv", "y ~ x + (1 | g)", [{"pooled": {"se": se}}])
    (one,) = fits.fits
    assert one.status == ("no_std_error" if se in ("CR2", "CR3") else "ok")
    assert "x varies by cluster 'g00' alone" in (one.message or "")
    assert "x varies by cluster 'g00' alone" in str(fits)


def test_one_treated_cluster_says_nothing_of_other_methods():
    methods = ["pooled", "random_intercept", "cluster_means", {"gee": {"se": "model"}}]
    fits = simstudy.fit(FAULTS / "onetreated.csv", "y ~ x + (1 | g)", methods)
    assert all(one.message is None for one in fits.fits)
    robust = simstudy.fit(FAULTS / "onetreated.csv", "y ~ x + (1 | g)", ["gee", "wild_bootstrap"])
    assert all("cluster 'g00' alone" in (one.message or "") for one in robust.fits)


@pytest.mark.parametrize(
    ("clusters", "within", "label"),
    [
        ([[1, 1], [0, 0], [0, 0]], False, "a"),
        ([[0, 0], [0, 0], [1, 1, 1]], False, "c"),
        ([[0, 0], [0, 0], [0, 2]], False, "c"),  # varies in one cluster, the others alike
        ([[0, 0], [0, 0], [0, 2]], True, "c"),
        ([[0, 0], [1, 1], [0, 2]], True, "c"),
        ([[0, 0], [1, 1], [0, 2]], False, None),
        ([[1, 1], [1, 1], [0, 0], [0, 0]], False, None),
        ([[1, 1], [0, 0]], False, None),  # two clusters: too few to be one alone
        ([[1, 1], [2, 2], [0, 0]], False, None),
        ([[0, 1], [0, 1]], False, None),
        ([[3, 3], [3, 3]], False, None),
        ([[1, 1], [0, 0], [0, 0]], True, None),
    ],
)
def test_the_one_cluster_that_carries_x(clusters, within, label):
    assert alone(data_set(clusters), within=within) == label


# estimates of others that cannot be


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("ci_reversed.csv", {"ci_low": "lo", "ci_high": "hi"},
         "row 1, columns 'lo' and 'hi': the lower limit 0.977564 is above the upper one, 0.160636; "
         "they may be the wrong way round"),
        ("p_percent.csv", {"p_value": "p"},
         "row 1, column 'p': 120 is no p-value, which is from 0 to 1; are these percent?"),
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused_with_their_row(name, more, said):
    with pytest.raises(UserError) as caught:
        summarize(FAULTS / name, **TRUE, **more)
    assert str(caught.value) == f"{FAULTS / name}: {said}"


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("p", 1.2, "row 7, column 'p': 1.2 is no p-value, which is from 0 to 1"),
        ("p", -0.01, "row 7, column 'p': -0.01 is no p-value, which is from 0 to 1"),
        ("se", -1.0, "row 7, column 'se': -1 is no std error"),
        ("lo", 9.0, "row 7, columns 'lo' and 'hi': the lower limit 9 is above the upper one, 1"),
        ("df", 0.0, "row 7, column 'df': 0 is no df"),
    ],
)
def test_the_row_is_that_of_the_culprit(column, value, said):
    frame = pd.DataFrame({"b": np.linspace(0, 1, 20), "se": 0.3, "p": 0.5, "lo": 0.0, "hi": 1.0,
                          "df": 9.0})  # fmt: skip
    frame.loc[6, column] = value
    roles = {"p": {"p_value": "p"}, "lo": {"ci_low": "lo", "ci_high": "hi"}, "df": {"df": "df"}}
    with pytest.raises(UserError) as caught:
        summarize(frame, **TRUE, **roles.get(column, {}))
    assert str(caught.value).endswith(said)
    frame.loc[6, column] = np.nan
    summarize(frame, **TRUE, **roles.get(column, {}))  # a missing one is no such number


@pytest.mark.parametrize("role", ["ci_low", "ci_high", "p_value", "std_error"])
def test_methods_side_by_side_do_not_share_an_interval_or_a_test(role):
    columns = {"estimate": "b_A,b_B", "std_error": "se_A,se_B", "true": 0.5}
    both = {"ci_low": "lo_A,lo_B", "ci_high": "hi_A,hi_B"}
    summarize(FAULTS / "wide_ci.csv", **columns, **both)
    one = {role: "hi_A"}
    with pytest.raises(UserError, match=f"1 column of {role} for 2 of estimate"):
        summarize(FAULTS / "wide_ci.csv", **(columns | both | one))


# formulas


@pytest.mark.parametrize(
    "text",
    ["y ~ (x) + (1 | g)", "y ~ x + x + (1 | g)", "(y) ~ x + (1 | g)", "y ~ ((x)) + ((1 | g))",
     "y ~ (x) + x + 1 + ( (1 | g) )"],
)  # fmt: skip
def test_parentheses_and_repeats_are_read_as_r_reads_them(text):
    assert parse_formula(text) == LINE


# p-values of 0


def test_no_p_value_of_zero_is_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.tile(np.linspace(-2, 2, 6), 30)
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(30), 6)
    pd.DataFrame({"y": 9 * x + 0.1 * rng.standard_normal(180), "x": x, "g": g}).to_csv(
        "d.csv", index=False
    )
    for method in ("wild_bootstrap", "wild_bootstrap: {p: equal_tailed}", "pooled"):
        ran = call("fit", "d.csv", "y ~ x + (1 | g)", "--method", method)
        assert ran.code == 0 and "<" in ran.out
    Path("z.yaml").write_text(
        "name: z\nseed: 3\nreplications: 2\nmethods: [wild_bootstrap, pooled]\n"
        "scenarios: {n_clusters: 30, cluster_size: 20, icc: 0, x_icc: 0, slope: 5}\n"
    )
    call("run", "z.yaml", "--no-report", "--quiet")
    scenario = pd.read_parquet("results/z/scenarios.parquet").scenario[0]
    ran = call("replay", "results/z", "--scenario", scenario, "--replication", "1")
    stored = pd.concat(map(pd.read_parquet, Path("results/z/estimates").glob("*.parquet")))
    assert (stored.p_value == 0).any()
    assert ran.code == 0 and "<0.0025" in ran.out and " 0.0 " not in ran.out


def test_how_ties_count_is_said():
    accounts = {
        p: configure("wild_bootstrap", {"p": p}).account() for p in ("symmetric", "equal_tailed")
    }
    assert "ties with the observed one included" in accounts["symmetric"]
    assert "ties with the observed one counted half in either tail" in accounts["equal_tailed"]
    assert "draws that tie" in call("methods").out


# figures


def test_labels_are_text_and_no_mathematics(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(FAULTS / "mathy2.yaml", "mathy2.yaml")
    ran = call("run", "mathy2.yaml", "--quiet", "--jobs", "1")
    assert (ran.code, ran.err) == (0, "")
    assert Path("results/mathy2/report/figures/type1_error.pdf").stat().st_size > 1000


def test_a_figure_of_ours_draws_no_mathematics_wherever_it_is_saved(tmp_path):
    @letters.literal
    def draw() -> Figure:
        figure = Figure()
        axes = figure.subplots()
        axes.set_title("a $\\frac{$ b")
        axes.set_xticks([0.0, 1.0], ["$x_1_2$", "5 $ to 6 $"])
        axes.legend(axes.plot([0, 1], label="$\\bad{$"), ["$\\bad{$"])
        return figure

    figure = draw()
    figure.savefig(tmp_path / "a.png")  # as its user would
    assert encode(figure, "svg").startswith(b"<?xml")
    assert matplotlib.rcParams["text.parse_math"] is True  # as it was


def test_letters_that_no_font_has_are_said_once(tmp_path, monkeypatch, recwarn):
    monkeypatch.chdir(tmp_path)
    usual = [e for e in font_manager.fontManager.ttflist if e.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", usual)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    letters._fonts_with.cache_clear()
    Path("c.yaml").write_text(
        "name: c\ntitle: 聚类\nseed: 3\nreplications: 20\n"
        "scenarios: {n_clusters: 5, cluster_size: 4, icc: [0, 0.2], x_icc: 0, slope: 0}\n"
        "methods:\n  - pooled: {label: 忽略}\n  - dummy: {label: 'α and ü'}\n"
        "report: {figures: [type1_error, se_bias]}\n",
        encoding="utf-8",
    )
    ran = call("run", "c.yaml", "--quiet", "--jobs", "1")
    letters._fonts_with.cache_clear()
    assert ran.code == 0
    assert (
        ran.err == "no font on this machine has 忽略类聚: these letters are boxes in the figures\n"
    )
    assert not [w for w in recwarn if "Glyph" in str(w.message)]


def test_a_font_that_has_the_letters_is_used():
    figure = Figure()
    text = figure.text(0, 0, "a \N{MATHEMATICAL FRAKTUR CAPITAL X}")
    letters.provide(figure)
    assert isinstance(text, Text)
    found = text.get_fontfamily()
    assert found[0] == "sans-serif" and len(found) == 2  # STIX comes with matplotlib
    assert letters.lacking(figure) == ""


def test_titles_of_panels_differ_where_labels_do():
    names = [method.label for method in load(FAULTS / "zip_title_cut.yaml").methods]
    cut = [name[:26] for name in names]
    assert cut[0] == cut[1]
    found = told_apart(names, lambda name: name[:26])
    assert len(set(found)) == len(names)
    assert found[0].endswith("clusters") and found[1].endswith("Satterthwaite")
    assert told_apart(["a", "b"], str) == ["a", "b"]


# the terminal


@pytest.mark.parametrize("columns", [0, 1, 9, 10, 80])
def test_the_bar_shows_at_any_width(columns, monkeypatch, capsys):
    stream = SimpleNamespace(text="")

    class Terminal:
        encoding = "utf-8"

        def write(self, text: str) -> int:
            stream.text += text
            return len(text)

        def flush(self) -> None: ...

        def isatty(self) -> bool:
            return True

        def fileno(self) -> int:
            return 2

    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setattr(os, "get_terminal_size", lambda fd: os.terminal_size((columns, columns)))
    grid = {"n_clusters": [4, 5], "cluster_size": 3, "icc": 0.1, "x_icc": 0.5, "slope": 0}
    one = load({"name": "bar", "seed": 1, "replications": 500, "scenarios": grid,
                "methods": ["pooled"]})  # fmt: skip
    bar, tasks = Bar(), plan(one, [])
    bar(Started(Path(), tasks, 2, {}))
    for task in tasks:
        bar(Done(task, 1.0))
    shown = stream.text
    assert "2 jobs" in shown
    if columns < 10:
        assert "1.00k" in shown or "/1" in shown


def test_the_terminal_says_which_scenarios_it_shows(tmp_path):
    study = {
        "name": "many", "seed": 1, "replications": 20, "methods": ["pooled", "dummy"],
        "scenarios": {"n_clusters": [4, 6, 8], "cluster_size": [3, 5],
                      "icc": [0.0, 0.1, 0.2, 0.3, 0.4], "x_icc": [0.0, 0.5], "slope": 0},
    }  # fmt: skip
    found = simstudy.run(study, results=tmp_path, report=False, jobs=1)
    text = " ".join(headline(found.summary_table()).split())
    assert "12 of 60 scenarios are shown, of n_clusters 4; icc 0, 0.2 and 0.4; all of" in text
    little = " ".join(headline(found.summary_table(), most_lines=12).split())
    assert " of 60 scenarios are shown, of n_clusters 4" in little


def test_failures_are_counted_by_their_message_without_numbers(tmp_path):
    (tmp_path / "neg.py").write_text(
        "import simstudy\n@simstudy.method\ndef neg(data):\n"
        "    m = float(data.y.mean())\n"
        "    return m, -abs(m) - 0.001 if m < 0 else 1.0\n"
    )
    (tmp_path / "neg.yaml").write_text(
        "name: neg\nseed: 1\nreplications: 60\n"
        "scenarios: {n_clusters: 5, cluster_size: 4, icc: [0, 0.2], x_icc: 0, slope: 0}\n"
        'methods: [pooled, {use: "neg.py:neg"}]\n'
    )
    said: list[str] = []
    found = simstudy.run(
        tmp_path / "neg.yaml", results=tmp_path, jobs=1, give_up=0, warn=said.append
    )
    n = len(found.failures)
    assert 20 < n < 100
    (line,) = [line for line in said if "failed" in line]
    assert line.startswith(
        f"neg: {n} of 120 fits failed, {n} with: returned a negative std_error, # (all in"
    )
    section = (found.folder / "report" / "methods.md").read_text(encoding="utf-8")
    assert (
        f"failed in {n} of 120 fits, each time with `returned a negative std_error, #`" in section
    )
