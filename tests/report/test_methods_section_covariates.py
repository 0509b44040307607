"""The methods section of studies with covariates, with slopes that vary, or with neither."""

from __future__ import annotations

import re

import pytest
from helpers_simulation import study

import simstudy
from simstudy.generators.part import registered
from simstudy.registry import configure, methods
from simstudy.report.methods_section.data import _FACTORS
from simstudy.report.methods_section.predictors import model_of, words_of
from simstudy.study import covariate_fields, fields

PLAIN = {"n_clusters": 8, "cluster_size": 6, "icc": 0.1, "x_icc": 0.3, "slope": 0}
TRIAL = PLAIN | {
    "x": "binary",
    "x_icc": 1,
    "covariates": {
        "base_line": {"icc": 0.2, "slope": [0, 0.8]},
        "ses": {"icc": 1, "slope": 0.3, "correlation": {"base_line": 0.4}},
    },
    "slope_sd": [0, 0.2],
}
CHOSEN = [
    "pooled",
    {"pooled": {"se": "CR1S"}},
    "cluster_means",
    {"random_intercept": {"omit": ["base_line"], "label": "unadjusted", "df": "residual"}},
    {"random_intercept": {"omit": ["base_line", "ses"], "df": "between_within"}},
    {"random_intercept": {"estimand": "base_line", "df": "between_within"}},
    {"dummy": {"estimand": "base_line"}},
    {"within_between": {"estimand": "base_line", "df": "residual"}},
]


def section(grid, chosen, tmp_path):
    one = study(grid, chosen, 20, report={"figures": []})
    results = simstudy.run(one, jobs=1, results=tmp_path, warn=lambda line: None)
    return (results.folder / "report" / "methods.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    return section(TRIAL, CHOSEN, tmp_path_factory.mktemp("results"))


@pytest.mark.parametrize(
    "words",
    [
        r"$$y_{ij} = \beta_0 + (\beta_1 + v_j) x_{ij} + \beta_{\text{base\_line}}\, "
        r"\text{base\_line}_{ij} + \beta_{\text{ses}}\, \text{ses}_{ij} + u_j + e_{ij},",
        "independent of each other and of the predictors,",
        "the intraclass correlation of the outcome given the predictors, at $x = 0$. Given $x$ "
        "alone, the intraclass correlation was ",
        r"The slope of $x$ varied over clusters by $v_j \sim N(0, \sigma_v^2)$, independent of "
        "the predictors, of $u_j$ and of $e_{ij}$.",
        "The covariates base_line and ses were normal with mean 0 and variance 1,",
        "lay between clusters: 0.2 of base_line and 1 of ses. The cluster components $a_{zj}$ "
        "had the correlation 0.4 (base_line and ses). All other components were independent",
        r"| standard deviation of the slope over clusters, $\sigma_v$ | 0; 0.2 |",
        r"| slope of base_line, $\beta_{\text{base\_line}}$ | 0; 0.8 |",
        r"| correlation of the components of ses and base_line, "
        r"$r_{\text{ses},\,\text{base\_line}}$ | 0.4 |",
        r"was the slope $\beta_1$, the mean of those of the clusters.",
        r"was the slope of base_line $\beta_{\text{base\_line}}$.",
        "**pooled.** Ordinary least squares regression of $y$ on $x$, base_line and ses over",
        "$N-4$ degrees of freedom",
        r"$\frac{J}{J-1}\frac{N-1}{N-4}$",
        "$J-4$ degrees of freedom",
        "$N-3$ degrees of freedom. Its model leaves out base_line.",
        "$N-J-1$ if $x$ varies within clusters and else $J-2$ (Pinheiro & Bates, 2000). Its "
        "model leaves out base_line and ses.",
        "$N-J-1$ if base_line varies within clusters and else $J-3$",
        "and a dummy variable for every cluster",
        "the cluster means of $x$, base_line and ses and, of those that vary within clusters, on "
        "the deviations from these means",
        "Its estimate is the within-cluster slope of base_line.",
        "$N-5$ degrees of freedom",
    ],
)
def test_a_trial_with_covariates_has_its_words(trial, words):
    assert words in trial


def test_formulas_are_whole_and_nothing_is_said_in_code(trial):
    assert trial.count("$") % 2 == 0 and trial.count("{") == trial.count("}")
    assert "None" not in trial and "\\$" not in trial and "  " not in trial
    assert "Here $p$ is" not in trial


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"covariates": {"z": {"icc": 0.1, "correlation": {"x": {"within": [0.3, 0]}}}}},
         "The unit components $b_{zij}$ had the correlation 0.3 or 0 ($x$ and z)."),
        ({"covariates": {"z": {"icc": 0.1, "correlation": {"x": 0.5}},
                         "w": {"icc": 0.1, "correlation": {"x": 0.5}}}},
         "0.5 ($x$ and w), 0.5 ($x$ and z) and 0.25 (w and z)."),
        ({"covariates": {"z": {"type": "binary", "icc": 1}}},
         r"The binary covariate z was 1 in $\lfloor J/2 \rfloor$ clusters"),
        ({"covariates": {"z": {"type": "binary", "icc": 0}, "w": {"type": "binary", "icc": 0}}},
         "The binary covariates z and w were 1 with probability 1/2"),
        ({"covariates": {"z": {"type": "binary_blocked"}}}, "covariate z was 1 in half of the"),
        ({"covariates": {"z": {"icc": 0.1}}}, r"| slope of z, $\beta_{\text{z}}$ | 0 |"),
        ({"slope_sd": 0.2, "slope_correlation": 0.4},
         r"and of $e_{ij}$, with the correlation $\rho_{uv}$ with $u_j$."),
    ],
    ids=str,
)  # fmt: skip
def test_every_kind_of_covariate_has_its_words(tmp_path, more, words):
    assert words in section(PLAIN | more, ["pooled"], tmp_path)


def test_a_column_of_the_file_of_x_has_its_words(tmp_path):
    lines = [f"{k % 7},{'mf'[k % 2]},{k // 4}" for k in range(24)]
    (tmp_path / "x.csv").write_text("score,sex,school\n" + "\n".join(lines) + "\n")
    x = {"file": str(tmp_path / "x.csv"), "column": "score", "cluster": "school"}
    grid = {"x": x, "icc": 0.1, "slope": 0, "covariates": {"girl": {"column": "sex"}}}
    text = section(grid, ["pooled"], tmp_path)
    assert "The covariate girl was another column of the data file of the predictor" in text
    assert "It was coded 0 for f and 1 for m." in text and "The errors were drawn anew" in text
    assert r"| column of girl, $\text{girl}$ | sex |" in text


def test_degrees_of_freedom_that_differ_between_scenarios_are_said_with_p_and_q(tmp_path):
    grids = [PLAIN, PLAIN | {"covariates": {"a": {"icc": 0.2}}, "x_icc": 1}]
    chosen = ["pooled", "dummy", {"random_intercept": {"df": "between_within"}},
              {"pooled": {"estimand": "a", "when": "a.icc = 0.2"}}]  # fmt: skip
    text = section(grids, chosen, tmp_path)
    assert "of $y$ on $x$ and what the scenario has of a over" in text
    assert "$N-1-p$" in text and "$N-J-q$" in text and "else $J-1-p+q$" in text
    assert "Here $p$ is the number of predictors in the model of a scenario, and $q$ of" in text
    assert "$N-3$" in text  # of a's slope, which is asked for in one scenario


@pytest.mark.parametrize(
    "name", [name for name in methods() if configure(name).refuse_covariates(["ses"]) is None]
)
def test_every_method_names_the_predictors_of_its_model(name):
    one = study(TRIAL, [name, {name: {"omit": ["ses"]}}], 20)
    whole, part = (method.account(model_of(one, method)) for method in one.methods)
    assert whole != part
    if name != "pretest":  # it says which of two models
        assert "$x$, base_line and ses" in whole and "$x$ and base_line " in part


def test_nothing_is_said_where_there_is_none(tmp_path):
    text = section(PLAIN, ["pooled"], tmp_path)
    for word in ("ovariate", "predictors", "v_j", r"\sigma_v", "leaves out", "$p$ is the"):
        assert word not in text, word


def test_counts_are_those_of_the_models():
    one = study(TRIAL, CHOSEN, 20)
    counts = {m.label: model_of(one, m) for m in one.methods}
    assert (counts["pooled"].columns, counts["pooled"].within) == ("4", "1")
    assert counts["unadjusted"].columns == "3" and counts["unadjusted"].within == "0"
    assert counts["unadjusted"].several


def test_every_field_has_words():
    assert {*_FACTORS, *registered()} == set(fields.SCENARIO_FIELDS) - {"covariates"}
    assert not _FACTORS.keys() & registered().keys()
    symbols = set()
    for key in covariate_fields.SUMMARIES:
        for path in [key] if key != "correlation" else [key, f"{key}.x", f"{key}.x.within"]:
            words, symbol = words_of(f"z.{path}")
            assert "z" in words and re.fullmatch(r"[^$]+", symbol)
            symbols.add((words, symbol))
    assert len(symbols) == len(covariate_fields.SUMMARIES) + 2
