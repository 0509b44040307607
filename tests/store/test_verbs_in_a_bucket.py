"""`status`, `merge` and `compact` where results are objects."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers_cli import call

from simstudy.store.results_folder import ResultsFolder

pytestmark = pytest.mark.slow


def test_results_are_looked_at_joined_and_brought_home(object_store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("b.yaml").write_text(
        "name: b\nseed: 1\nreplications: 30\nmethods: [pooled]\n"
        "scenarios: {n_clusters: [4, 6], cluster_size: 3, icc: 0, x_icc: 0, slope: 0}\n"
    )
    away, stored, other = (
        object_store.uri(f"{tmp_path.name}/{name}") for name in ("away", "away/b", "other/b")
    )
    for replications in (10, 20):
        run = "run", "b.yaml", "--results", away, "--jobs", 1, "--no-report", "--quiet"
        assert call(*run, "--replications", replications).code == 0
    assert len(ResultsFolder(stored).parts()) == 2
    assert call("status", stored).code == 0
    assert call("compact", stored).code == 0
    assert [(part.first, part.last) for part in ResultsFolder(stored).parts()] == [(1, 20)]
    assert len(ResultsFolder(stored).names(".work/compacted/estimates")) == 2
    assert call("merge", stored, "--into", "home/b").code == 0
    run = "run", "b.yaml", "--results", "home", "--no-report", "--quiet", "--jobs", 1
    assert call(*run).code == 0
    assert call("merge", stored, "home/b", "--into", other).code == 0
    ran = call("status", other)
    assert ran.code == 0 and "60 of 60 fits are there" in ran.out
    part = ResultsFolder(other).parts()[0]
    ResultsFolder(other).write(f"estimates/{part}", b"PAR1")
    assert call("status", other).code == 3


def test_a_lock_goes_along_and_results_are_compared_from_afar(object_store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (
        "name: b\nseed: 1\nreplications: 30\nmethods: [pooled]\nreport: {figures: []}\n"
        "scenarios: {n_clusters: [4, 6], cluster_size: 3, icc: 0, x_icc: 0, slope: 0}\n"
    )
    Path("b.yaml").write_text(text)
    away, stored = (object_store.uri(f"{tmp_path.name}/{name}") for name in ("run", "run/b"))
    assert call("lock", "b.yaml", "--results", away).code == 0
    assert call("run", "b.yaml", "--results", away, "--jobs", 1).code == 0
    Path("b.yaml").write_text(text.replace("seed: 1", "seed: 2"))
    ran = call("run", "b.yaml", "--jobs", 1)
    assert ran.code == 0 and "seed 2 instead of 1" in ran.err
    Path("b.lock.yaml").unlink()
    reported = call("report", stored)
    assert (reported.code, reported.err) == (0, "")
    assert "before the first result: no deviation from the plan" in reported.out
    told = call("compare", "results/b", stored)
    assert told.code == 0 and "seed 1 instead of 2" in told.out and "mean z" in told.out
