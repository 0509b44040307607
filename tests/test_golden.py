"""What no change may move: rows, bit for bit, and a results folder of the first version."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import simstudy

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parent / "golden"
RECORDED = json.loads((GOLDEN / "rows.json").read_text(encoding="utf-8"))
KEYS = ["scenario", "method", "measure", "alpha"]
VALUES = ["value", "mcse", "ci_low", "ci_high", "n_used", "n_not_used", "theory", "z"]


def module(file: Path):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


rows = module(GOLDEN / "rows.py")
SAME_STACK = rows.stack() == RECORDED["stack"]


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    return rows.compute(tmp_path_factory.mktemp("golden"))["studies"]


@pytest.mark.parametrize("study", rows.STUDIES)
@pytest.mark.parametrize("kind", ["rounded", *(["exact"] if SAME_STACK else [])])
def test_rows_do_not_move(computed, study, kind):
    here, recorded = computed[study], RECORDED["studies"][study]
    assert here.keys() == recorded.keys()
    moved = [cell for cell in recorded if here[cell][kind] != recorded[cell][kind]]
    assert moved == []


@pytest.fixture
def folder(tmp_path):
    """A copy of the first version's results, beside the file of its own methods."""
    shutil.copy(GOLDEN / "golden_methods.py", tmp_path)
    shutil.copy(GOLDEN / "results.yaml", tmp_path)
    return Path(shutil.copytree(GOLDEN / "results-0.1.0", tmp_path / "results-0.1.0"))


def contents(folder: Path, *kinds: str) -> dict[str, bytes]:
    return {f"{kind}/{file.name}": file.read_bytes()
            for kind in kinds for file in (folder / kind).iterdir()}  # fmt: skip


def test_the_first_versions_results_open(folder):
    results = simstudy.Results.open(folder)
    assert results.n_missing == 0
    assert results.estimates.count_rows() == 2 * 4 * 64
    assert len(results.failures) == 9
    assert len(results.extras) == 2 * 64 - 9
    there, first = results.summary, pd.read_csv(folder / "summary.csv")
    pair = first.merge(there, on=KEYS, how="left", suffixes=("", "_now"))
    for name in VALUES:
        pd.testing.assert_series_equal(
            pair[name].astype(float), pair[f"{name}_now"].astype(float),
            rtol=1e-9, atol=1e-12, check_names=False,
        )  # fmt: skip


def test_the_first_versions_results_are_reported_without_a_fit(folder):
    before = contents(folder, "estimates", "extras", "failures")
    warned: list[str] = []
    results = simstudy.run(folder.parent / "results.yaml", results=folder.parent,
                           warn=warned.append)  # fmt: skip
    assert results.n_fits == 0
    assert contents(folder, "estimates", "extras", "failures") == before
    assert {file.name for file in results.report()} >= {"type1_error.png", "zip.png", "methods.md"}
    assert not [line for line in warned if "aside" in line or "anew" in line]


def test_a_summary_that_does_not_say_its_truths_is_reported_all_the_same(folder):
    written = pq.read_table(folder / "summary.parquet")
    assert "truth" not in written.column_names
    files = simstudy.Results.open(folder).report()
    text = (folder / "report" / "tables" / "rejection_rate.md").read_text(encoding="utf-8")
    assert "Type I error rate" in text and len(files) >= 10


@pytest.mark.skipif(not SAME_STACK, reason="other numpy, scipy or CPU than recorded")
def test_the_first_versions_results_are_extended(folder):
    before = contents(folder, "estimates", "extras", "failures")
    results = simstudy.run(folder.parent / "results.yaml", results=folder.parent, replications=96,
                           warn=lambda line: None)  # fmt: skip
    assert results.n_fits == 2 * 4 * 32
    after = contents(folder, "estimates", "extras", "failures")
    assert {name: after[name] for name in before} == before
    fresh = simstudy.run(folder.parent / "results.yaml", results=folder.parent / "fresh",
                         replications=96, warn=lambda line: None)  # fmt: skip
    assert rows.digests(fresh.folder) == rows.digests(folder)
