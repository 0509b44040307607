"""The methods section of studies whose data misbehave: what it says is true of every scenario."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers_simulation import study

import simstudy

PLAIN = {"n_clusters": 8, "cluster_size": 6, "icc": 0.2, "x_icc": 0.3, "slope": 0}
ARMS = PLAIN | {"x": "binary", "x_icc": 1}
USUAL = r"u_j \sim N(0, \tau^2), \quad e_{ij} \sim N(0, \sigma^2),$$"
UNUSUAL = (
    "+ u_j + e_{ij},$$",
    r"with cluster effects $u_j$ of mean 0 and variance $\tau^2$ and errors $e_{ij}$ of mean 0 and "
    r"variance $\sigma^2$, where $\tau^2 = \rho\,\omega^2$",
    r"so that $\rho$ is the nominal intraclass correlation of the outcome given the predictor",
    "But for what is said below, effects and errors were normal, of these variances in all "
    "clusters, and independent of each other, of cluster sizes and of the predictor.",
)
JOINT = "drawn from their exact joint distribution instead of unit by unit (Bartlett, 1933; "


def section(scenarios, folder):
    one = study(scenarios, ["pooled"], 20, report={"figures": []})
    results = simstudy.run(one, jobs=1, results=folder, warn=lambda line: None)
    text = (results.folder / "report" / "methods.md").read_text(encoding="utf-8")
    return text[text.index("## Data-gen") : text.index("## Methods\n")]


# name -> (scenarios, what is said, what is not)
SAID: dict[str, tuple[object, tuple[str, ...], tuple[str, ...]]] = {
    "effects of one shape": (
        PLAIN | {"cluster_effects": {"chi_square": 3}},
        (*UNUSUAL, "\n\nThe cluster effects $u_j$ had a chi-square distribution with $\\nu = 3$",
         r"scaled to the variance $\tau^2$.", JOINT,
         "| distribution of cluster effects, $u_j$ | chi_square 3 |"),
        (USUAL, "Where the distribution", "scenarios the data were drawn unit by unit"),
    ),
    "errors of several shapes": (
        PLAIN | {"errors": ["normal", {"t": 5}, "uniform"]},
        (*UNUSUAL, "Where the distribution of errors was `t 5`, the errors $e_{ij}$ had a $t$",
         "Where the distribution of errors was `uniform`, the errors $e_{ij}$ had a uniform",
         JOINT, "In 2 of 3 scenarios the data were drawn unit by unit, because of the "
         "distribution of errors.", "| distribution of errors, $e_{ij}$ | normal; t 5; uniform |"),
        (USUAL, "`normal`"),
    ),
    "all by units": (
        {k: v for k, v in PLAIN.items() if k != "x_icc"} | {"x": "time", "autocorrelation": 0.4},
        (*UNUSUAL, "The errors were drawn anew in every replication, unit by unit.",
         r"$\operatorname{cor}(e_{ij}, e_{i+k,j}) = \phi^k$.",
         "The predictor was the order of the units in a cluster, $x_{ij} = (i - (n_j + 1)/2)/s$",
         r"| autocorrelation of errors, $\phi$ | 0.4 |"),
        (USUAL, "joint distribution", "Predictor and errors"),
    ),
    "x of another shape alone": (
        PLAIN | {"x_shape": "uniform", "x_icc": 1},
        (USUAL, "$$x_{ij} = \\sqrt{\\rho_x}\\, a_j + \\sqrt{1 - \\rho_x}\\, b_{ij},$$",
         "with $a_j$ and $b_{ij}$ of mean 0 and variance 1, normal and independent unless said "
         "otherwise", "The cluster part and the unit part of the predictor had a uniform"),
        (*UNUSUAL[1:], "a_j, b_{ij} \\sim N(0, 1)"),
    ),
    "arms": (
        ARMS | {"treated": [0.25, 0.5], "cluster_variance": [{"arms": 0}, {"arms": float("inf")}]},
        (*UNUSUAL, r"whole clusters: $\lfloor \pi J \rfloor$ clusters had $x_{ij} = 1$",
         "The share treated, $\\pi$, refers to units or, where whole",
         "Where the variance of cluster effects was `arms 0`, there were cluster effects in the "
         "control arm alone", "was `arms inf`, there were cluster effects in the treated arm alone",
         r"| share treated, $\pi$ | 0.25; 0.5 |"),
        (USUAL, "J/2", "1/2"),
    ),
    "treated alone": (
        ARMS | {"x_icc": [0, 1], "treated": 0.25},
        (USUAL, r"$\lfloor \pi J \rfloor$", "probability $\\pi$ and else"), (*UNUSUAL, "1/2"),
    ),
    "groups": (
        ARMS | {"third_level": {"clusters": [2, 4], "icc": [0, 0.1], "x_icc": [0, 1]}},
        (*UNUSUAL, "\n\nEvery $m$ consecutive clusters formed a group",
         "treatment of whole groups: $\\lfloor G/2 \\rfloor$ of the $G = J/m$ groups",
         "assigned within groups: $\\lfloor m/2 \\rfloor$ of the clusters of every group",
         "| clusters in a group, $m$ | 2; 4 |",
         "| intraclass correlation of groups, $r_3$ | 0; 0.1 |",
         "| the predictor's intraclass correlation of groups, $r_{3x}$ | 0; 1 |"),
        (USUAL, "J/2", "Where there was"),
    ),
    "sets, groups in one": (
        [PLAIN, PLAIN | {"third_level": {"clusters": 4, "icc": 0.1}},
         PLAIN | {"third_level": "none", "missing": {"units": 0.2}, "slope": 1}],
        (*UNUSUAL, "Where there was a grouping of clusters, every $m$",
         "Where the loss of units was `units 0.2`, every unit was lost with probability 0.2",
         "Clusters of which no unit was left were not analysed; $J$ and $n_j$ are the numbers",
         "| loss of units, $q$ | units 0.2 |", "$r_{3x}$ | 0 |"),
        (USUAL, "none |"),
    ),
    "what sizes tell": (
        PLAIN | {"cluster_size": {"uniform": [2, 9]}, "slope_sd": 0.2, "informative_slope": 0.5,
                 "informative_size": [0, 0.5]},
        (*UNUSUAL[:2], "the correlation $\\rho_{un}$ with the size $n_j$",
         "The slope of $x$ varied over clusters by $v_j$ of mean 0 and variance $\\sigma_v^2$",
         "and uncorrelated with $u_j$; what is left of $v_j$, given $u_j$ and the cluster size,",
         "| correlation of slope and cluster size, $\\rho_{vn}$ | 0.5 |",
         "| correlation of cluster effect and cluster size, $\\rho_{un}$ | 0; 0.5 |"),
        (USUAL, "v_j \\sim N", "Where "),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_what_is_said_is_true_of_every_scenario(name, tmp_path):
    scenarios, said, never = SAID[name]
    text = section(scenarios, tmp_path)
    for words in said:
        assert words in text, words
    for words in never:
        assert words not in text, words
    assert "  " not in text and r"\$" not in text and " ," not in text and " ." not in text


def test_a_default_that_is_written_says_nothing(tmp_path):
    written = PLAIN | {"errors": "normal", "third_level": "none", "missing": "none",
                       "autocorrelation": 0, "cluster_effects": "normal"}  # fmt: skip
    assert section(written, tmp_path / "a") == section(PLAIN, tmp_path / "b")


@simstudy.generator
def drawn(rng, scenario):
    cluster = np.repeat(np.arange(scenario.n_clusters), scenario.sizes(rng))
    x, y = rng.standard_normal((2, cluster.size))
    return pd.DataFrame({"cluster": cluster, "x": x, "y": y})


def test_a_generator_beside_a_world_has_none_of_its_parts(tmp_path):
    own = {"data": {"use": drawn}, "n_clusters": 6, "cluster_size": 3, "icc": 0.3, "slope": 0}
    text = section([PLAIN | {"errors": ["normal", {"t": 5}]}, own], tmp_path)
    assert "| distribution of errors, $e_{ij}$ | normal; t 5 |" in text
    assert text.count("| distribution of errors,") == 1
