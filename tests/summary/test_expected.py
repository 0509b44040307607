"""Theory beside the summary, and printed tables beside simulations of their designs."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_places import ROOT
from helpers_simulation import study

import simstudy
from simstudy.errors import UserError
from simstudy.measures.values import Column, Value
from simstudy.report.compare import compare
from simstudy.results import Results
from simstudy.runner.execute import execute
from simstudy.store.results_folder import ResultsFolder
from simstudy.summary.cells import StudyCells
from simstudy.summary.expected import Expected, far
from simstudy.summary.study import summarize_study

pytestmark = pytest.mark.slow

CONFIGS = ROOT / "configs" / "published"
GRID = {"n_clusters": 10, "cluster_size": 10, "icc": 0.2, "x_icc": [0.5, 1], "slope": 0}


def cell(frame, method, measure, x_icc):
    (row,) = frame[(frame.method == method) & (frame.measure == measure)
                   & (frame.x_icc == x_icc)].to_dict("records")  # fmt: skip
    return row


def test_the_summary_carries_theory_its_kind_and_z(tmp_path):
    one, said = study(GRID, ["pooled", "dummy", "gee"], 2000), []
    execute(one, ResultsFolder(tmp_path), 1)
    frame = summarize_study(one, ResultsFolder(tmp_path), warn=said.append).to_pandas()
    size = cell(frame, "pooled", "rejection_rate", 1)
    assert size["theory"] == pytest.approx(0.24813, abs=5e-6)  # Imhof
    assert size["theory_kind"] == "exact"
    assert size["z"] == pytest.approx((size["value"] - size["theory"]) / size["mcse"], rel=1e-12)
    inflation = cell(frame, "pooled", "type1_inflation", 1)
    assert inflation["theory"] == pytest.approx(size["theory"] / 0.05, rel=1e-12)
    assert cell(frame, "pooled", "coverage", 1)["theory"] == 1 - size["theory"]
    nothing = frame[(frame.method == "gee") | (frame.value.isna())]
    assert nothing[["theory", "theory_kind", "z"]].isna().all().all()
    assert said == []  # a correct run is not warned of


def test_asymptotic_answers_have_no_z(tmp_path):
    uneven = GRID | {"cluster_size": {"uniform": [5, 15]}}
    one = study(uneven, ["pooled"], 300)
    execute(one, ResultsFolder(tmp_path), 1)
    frame = summarize_study(one, ResultsFolder(tmp_path)).to_pandas()
    rows = frame[frame.theory_kind == "asymptotic"]
    assert len(rows) and rows.z.isna().all()


def columns_of(value, mcse, n_used):
    pair = (np.array([value]), np.array([mcse]), np.array([0.0]), np.array([1.0]))
    count = np.array([n_used])
    return [Column("rejection_rate", 0.05, Value(*pair), count, 0 * count, count > 0)]


@pytest.mark.parametrize(
    ("value", "exact", "n_used", "told"),
    [(0.30, 0.25, 10_000, True), (0.255, 0.25, 10_000, False), (0.01, 0.05, 100, False),
     (0.001, 0.0045, 1000, False)],
    ids=["far", "near", "few replications", "few rejections"],
)  # fmt: skip
def test_a_number_far_from_an_exact_answer_is_told(value, exact, n_used, told):
    one = study(GRID | {"x_icc": 1}, ["pooled"], n_used)
    mcse = float(np.sqrt(value * (1 - value) / n_used))
    z = np.array([[(value - exact) / mcse]])
    theory = Expected(np.array([[exact]]), np.array([[0]]), z)
    lines = far(StudyCells(one), columns_of(value, mcse, n_used), theory)
    assert bool(lines) == told
    assert all(one.designs[0].id in line and "rejection_rate" in line for line in lines)


def test_the_truth_of_within_between_is_its_own_effect(tmp_path):
    grid = GRID | {"x_icc": 0.5, "slope": 0.3, "contextual_effect": 0.4, "n_clusters": 40}
    effects = {"within": 0.3, "between": 0.7, "contextual": 0.4}
    listed = [{"within_between": {"effect": effect}} for effect in effects]
    one = study(grid, listed, 2000)
    (design,) = one.designs
    assert [m.truth(design.scenario) for m in one.methods] == pytest.approx([*effects.values()])
    execute(one, ResultsFolder(tmp_path), 1)
    frame = summarize_study(one, ResultsFolder(tmp_path)).to_pandas()
    bias, covered = (frame[frame.measure == m] for m in ("bias", "coverage"))
    assert (bias.value.abs() < 4 * bias.mcse).all()
    assert ((covered.value - 0.95).abs() < 4 * covered.mcse).all()


def test_barcikowski_comes_out_again_to_the_printed_digits(tmp_path):
    found = simstudy.run(CONFIGS / "barcikowski1981.yaml", results=tmp_path, replications=20_000,
                         report=False)  # fmt: skip
    pairs = compare(found.summary_table(), str(CONFIGS / "barcikowski1981.csv"))
    assert len(pairs) == 16
    for pair in pairs:
        assert round(pair.theory, 2) == pair.printed
        assert abs(pair.ours - pair.theory) < 4 * pair.mcse


def test_cameron_gelbach_and_miller_come_out_again(tmp_path):
    found = simstudy.run(CONFIGS / "cameron2008_table2.yaml", results=tmp_path,
                         replications=4000, report=False)  # fmt: skip
    pairs = compare(found.summary_table(), str(CONFIGS / "cameron2008_table2.csv"))
    z = np.array([pair.z for pair in pairs])
    assert len(z) == 30 and abs(z.mean()) < 0.5 and z.std(ddof=1) < 1.5


def test_a_printed_cell_that_is_not_in_the_study_is_named(tmp_path):
    one = study(GRID, ["pooled"], 10)
    execute(one, ResultsFolder(tmp_path / "s"), 1)
    summary = Results(one, tmp_path / "s").summary_table()
    file = tmp_path / "printed.csv"
    file.write_text("x_icc,printed\n0.5,0.1\n0.7,0.2\n")
    with pytest.raises(UserError, match=r"printed\.csv:3: no rejection_rate of x_icc 0\.7"):
        compare(summary, str(file))
    file.write_text("xicc,printed\n0.5,0.1\n")
    with pytest.raises(UserError, match="did you mean 'x_icc'"):
        compare(summary, str(file))


def test_a_grid_over_iccs_at_one_variance_within_clusters_comes_out_again(tmp_path):
    """Power, bias, spread, and the cluster variance with its error, by a z of 275 cells."""
    found = simstudy.run(CONFIGS / "goldfeld2019.yaml", results=tmp_path, replications=1000,
                         report=False, warn=lambda line: None)  # fmt: skip
    pairs = compare(found.summary_table(), str(CONFIGS / "goldfeld2019.csv"))
    assert len(pairs) == 275 and not any(pair.missing for pair in pairs)
    for measure in ("rejection_rate", "bias", "empirical_se", "rmse"):
        z = np.array([pair.z for pair in pairs if pair.measure == measure])
        assert abs(z.mean()) < 0.6 and 0.7 < z.std(ddof=1) < 1.3


@pytest.mark.parametrize(
    ("name", "cells", "replications"),
    [("vanhove2019", 56, 1500), ("kleinschmidt2014", 21, 1000), ("goldstein2025", 2, 2000)],
)
def test_covariates_and_slopes_that_vary_come_out_again(tmp_path, name, cells, replications):
    """Power and level with a pretest and without it; false positives where slopes are left out."""
    found = simstudy.run(CONFIGS / f"{name}.yaml", results=tmp_path, replications=replications,
                         report=False, warn=lambda line: None)  # fmt: skip
    pairs = compare(found.summary_table(), str(CONFIGS / f"{name}.csv"))
    assert len(pairs) == cells and not any(pair.missing for pair in pairs)
    z = np.array([pair.z for pair in pairs])
    assert abs(z.mean()) < 1 and abs(z).max() < 4
