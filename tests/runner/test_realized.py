"""Realized features: drawn again by a run, beside the nominal ones, kept by all who read."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers_cli import ROOT, call

from simstudy import Results
from simstudy.report.worlds import nominal
from simstudy.results import run
from simstudy.runner.realized import realized
from simstudy.study.study import load

BASE = {"n_clusters": 20, "cluster_size": {"uniform": [4, 12]}, "icc": 0.2, "x_icc": 0.5,
        "slope": 0.4}  # fmt: skip
WORLDS = {
    "none, beside others": {"cluster_size": 8},
    "errors": {"errors": {"chi_square": 3}},
    "effects": {"cluster_effects": {"chi_square": 4}, "slope_sd": 0.5},
    "endogeneity": {"endogeneity": 0.4, "contextual_effect": 0.3},
    "x": {"x_shape": "uniform", "x_icc": 0.3},
    "variances": {"error_variance": {"clusters": 0.5}},
    "groups": {"third_level": {"clusters": 5, "icc": 0.1, "x_icc": 0.2}},
    "lost": {"missing": {"units": 0.4, "by": "cluster"}},
}
SHARE_OF_PAIRS = 4 / 19  # of the pairs of clusters those in one group


def design_of(**fields):
    head = {"name": "a", "seed": 6, "replications": 2000, "methods": ["pooled"]}
    (design,) = load(head | {"scenarios": BASE | fields}).designs
    return design


@pytest.mark.parametrize("world", WORLDS)
def test_worlds_are_what_they_are_meant_to_be(world):
    design = design_of(**WORLDS[world])
    expected = nominal(design.scenario)
    if world == "groups":  # the variance of clusters about their mean lacks what they share
        expected |= {"icc": np.nan, "x_icc": np.nan}
        of_groups = {"icc": (0.2, 0.1), "x_icc": (0.5, 0.2)}
        for name, (whole, group) in of_groups.items():
            between = whole - group * SHARE_OF_PAIRS
            expected[name] = between / (between + 1.0 - whole)
    if world == "lost":
        expected["n_clusters"] = 12.0
    found = realized(design, 6, 1000)
    assert math.isnan(found["skewness"].value) == (design.scenario.first_grain != "rows")
    for name, (value, mcse) in found.items():
        if mcse == 0.0:
            assert value == expected[name], name
        elif not math.isnan(value):
            assert mcse < 0.05 * max(expected[name], 1.0)
            assert abs(value - expected[name]) < 4 * mcse, (name, value, expected[name], mcse)


STUDY = """\
name: drawn
seed: 3
replications: 40
scenarios:
  - {n_clusters: 8, cluster_size: 5, icc: 0.2, x_icc: 0.5, slope: 0, errors: [normal, {t: 5}]}
  - {n_clusters: 8, cluster_size: 5, icc: 0.1, x_icc: 0.5, slope: 0, missing: {units: 0.6}}
methods: [pooled]
report: {figures: []}
"""


def columns(folder: Path) -> dict:
    return pq.read_table(folder / "scenarios.parquet").to_pydict()


def test_a_run_draws_and_who_reads_keeps(tmp_path, monkeypatch):
    (tmp_path / "drawn.yaml").write_text(STUDY)
    assert call("run", tmp_path / "drawn.yaml", "--results", tmp_path, "--quiet").code == 0
    folder = tmp_path / "drawn"
    first = columns(folder)
    icc, skewness = first["realized_icc"], first["realized_skewness"]
    assert None not in icc  # the plain scenario is what the others are held against
    assert [value is None for value in skewness] == [True, False, True]
    assert first["realized_n_clusters"][1] == 8 and first["realized_n_clusters"][2] < 8
    table = (folder / "report" / "tables" / "worlds.md").read_text()
    assert "Worlds as drawn" in table and "informative" in table
    drawing = []
    monkeypatch.setattr("simstudy.runner.realized.realized",
                        lambda design, seed, n: drawing.append(design.id) or {})  # fmt: skip
    (folder / "summary.parquet").unlink()
    assert call("run", tmp_path / "drawn.yaml", "--results", tmp_path, "--quiet").code == 0
    Results.open(folder).write_summary()
    (folder / "scenarios.parquet").unlink()
    assert call("report", folder).code == 0
    assert columns(folder) == first and not drawing
    (folder / "realized.parquet").write_bytes(b"PAR1")
    Results.open(folder).write_summary()
    assert columns(folder)["realized_icc"] == [None] * 3 and not drawing
    monkeypatch.undo()
    assert call("run", tmp_path / "drawn.yaml", "--results", tmp_path, "--quiet").code == 0
    assert columns(folder) == first
    more = call("run", tmp_path / "drawn.yaml", "--results", tmp_path, "--replications", 60)
    assert more.code == 0 and columns(folder)["realized_icc"][1] != icc[1]


def test_a_plain_study_has_no_such_columns(tmp_path):
    plain = {"name": "p", "seed": 1, "replications": 5, "methods": ["pooled"],
             "report": {"figures": []},
             "scenarios": {"n_clusters": 5, "cluster_size": 4, "icc": 0.1, "x_icc": 0,
                           "slope": 0}}  # fmt: skip
    folder = run(plain, results=tmp_path, jobs=1).folder
    assert not [name for name in columns(folder) if name.startswith("realized")]
    assert not (folder / "realized.parquet").exists()
    assert not (folder / "report" / "tables" / "worlds.md").exists()


def test_generators_of_ones_own_are_seen_through_their_true_slope(tmp_path):
    shutil.copy(ROOT / "configs" / "my_world.py", tmp_path)
    text = (ROOT / "configs" / "own_world.yaml").read_text()
    (tmp_path / "own.yaml").write_text(text.replace("slope: 0", "slope: 3"))
    skewed, *_, arms = load(tmp_path / "own.yaml").designs
    found = realized(skewed, 5, 150)
    assert abs(found["icc"].value - 0.3) < 4 * found["icc"].mcse < 0.3
    assert abs(found["skewness"].value) < 4 * found["skewness"].mcse < 1
    found = realized(arms, 5, 400)
    assert found["x_icc"] == pytest.approx((1.0, 0.0)) and math.isnan(found["skewness"].value)
    assert 0 < found["icc"].value < 0.1  # nine times the variance in an arm: icc is of the other
