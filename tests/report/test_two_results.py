"""Two results folders beside each other: what is the same row, and what is said of each."""

from __future__ import annotations

import io
import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers_cli import assert_refused, call
from helpers_simulation import study

import simstudy
from simstudy.report.two_summaries import matched
from simstudy.results import Results

GRID = {"n_clusters": 8, "cluster_size": 5, "icc": [0, 0.3], "x_icc": 1, "slope": 0}
METHODS = ["pooled", {"pooled": {"df": "wald", "label": "z"}}]


def run(folder: Path, grid=GRID, methods=METHODS, n_reps: int = 200, **more) -> Results:
    one = study(grid, methods, n_reps, **more)
    return simstudy.run(one, results=folder, jobs=1, report=False)


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> Results:
    """The study that the others are held against."""
    return run(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def anew(tmp_path_factory) -> Results:
    """Another seed, a level and a method more, other labels, and defaults that are written out."""
    grid = GRID | {"icc": [0, 0.3, 0.5], "intercept": 0.0, "total_variance": 1}
    methods = ["gee", "pooled", {"pooled": {"df": "wald", "label": "other"}}]
    return run(tmp_path_factory.mktemp("anew"), grid, methods, 300, seed=2)


def test_rows_are_matched_by_levels_and_names_and_z_is_theirs(first: Results, anew: Results):
    found = matched(first.summary_table(), anew.summary_table(), same_seed=False)
    one, other = first.summary, anew.summary
    assert found.only == (0, len(other) - len(one)) and found.n_redrawn == 0
    keys = ["icc", "method_name", "measure", "alpha"]
    joined = one.fillna({"alpha": -1}).merge(other.fillna({"alpha": -1}), on=keys)
    assert len(joined) == len(one) == len(found.pairs)
    x, y, measure = joined.value_x, joined.value_y, joined.measure
    p = ((200 * x + 300 * y) / 500).clip(0, 1)
    rates, others = measure == "rejection_rate", ["bias", "empirical_se", "mse", "mean_ci_width"]
    error = np.hypot(joined.mcse_x, joined.mcse_y)
    error[rates] = np.sqrt(p * (1 - p) * (1 / 200 + 1 / 300))[rates]
    by_hand, plain = (y - x) / error, rates | measure.isin(others)
    ours = np.array([pair.z for pair in found.pairs])
    assert plain.sum() == 20
    assert ours[plain] == pytest.approx(by_hand[plain].to_numpy(), rel=1e-12)


def test_a_world_is_itself_whatever_its_variance_is_called(tmp_path: Path, first: Results):
    other = run(tmp_path, GRID | {"icc": 0, "within_variance": 1.0}, seed=3)
    found = matched(first.summary_table(), other.summary_table(), same_seed=False)
    assert {pair.first["scenario"] for pair in found.pairs} == {other.study.designs[0].id}
    assert found.only == (len(found.pairs), 0)


def test_of_one_seed_there_is_no_z(tmp_path: Path, first: Results):
    """A shorter run shares all its data sets with the longer one; the same run is the same."""
    shorter = run(tmp_path, n_reps=100)
    ran = call("compare", first.folder, shorter.folder)
    assert ran.code == 0 and "replications 100 instead of 200: fewer than planned" in ran.out
    n_rows = len(first.summary)
    assert f"{n_rows} rows are of one seed" in ran.out and "mean z" not in ran.out
    assert call("compare", first.folder, shorter.folder, "--max-z", 9).code == 4
    again = call("compare", first.folder, first.folder, "--max-z", 0.001)
    assert again.code == 0 and "farthest apart" not in again.out
    assert re.search(r"(?m)^rejection_rate +4 +4 +0$", again.out)


def test_what_an_author_reads(first: Results, anew: Results):
    ran = call("compare", first.folder, f"file://{anew.folder}")
    assert (ran.code, ran.err) == (0, "")
    assert "  seed 2 instead of 20240417\n" in ran.out and "method gee was added" in ran.out
    assert re.search(r"(?m)^bias +4 ", ran.out) and re.search(r"\d+ other measures ", ran.out)
    told = json.loads(call("compare", first.folder, anew.folder, "--format", "json").out)
    z = [row["z"] for row in told if row["z"] is not None]
    shown = re.findall(r"(?m) (-?\d+\.\d\d)$", ran.out.partition("farthest apart")[2])
    assert abs(float(shown[0])) == pytest.approx(max(map(abs, z)), abs=0.005)
    text = call("compare", first.folder, anew.folder, "--format", "csv", "--measure", "bias").out
    frame = pd.read_csv(io.StringIO(text))
    assert list(frame.measure.unique()) == ["bias"] and len(frame) == 4
    assert frame.difference.to_numpy() == pytest.approx(frame.second - frame["first"])
    most = math.nextafter(max(map(abs, z)), 0)
    assert call("compare", first.folder, anew.folder, "--max-z", most).code == 4
    assert call("compare", first.folder, anew.folder, "--max-z", most * 1.01).code == 0


def test_what_cannot_be_compared_is_refused(tmp_path: Path, first: Results):
    (tmp_path / "printed.csv").write_text("icc,method,printed\n0.3,pooled,0.05\n")
    assert_refused(call("compare", first.folder, tmp_path / "printed.csv", "--format", "json"))
    assert_refused(call("compare", first.folder, first.folder, "--measure", "power"))
    assert_refused(call("compare", first.folder, first.folder, "--measure", "biass"))
    other = run(tmp_path, GRID | {"n_clusters": 9})
    assert_refused(call("compare", first.folder, other.folder))
