"""Totals beside all else: shares of an array, precision, merging, reports, the command line."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from helpers_cli import call

import simstudy
from simstudy.errors import UserError
from simstudy.store import merging
from simstudy.store.results_folder import ResultsFolder

BELOW = {"n_clusters": 8, "cluster_size": 4, "icc": [0, 0.2], "x_icc": 0.3, "slope": 0}
STUDY = {"name": "kept", "seed": 5, "replications": 5000, "reference": "pooled",
         "scenarios": BELOW, "methods": ["pooled", "random_intercept"],
         "report": {"figures": []}, "store": "summary"}  # fmt: skip


def run(place, **changed):
    return simstudy.run(STUDY | changed, results=place, report=False, jobs=1, warn=lambda line: 0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run(tmp_path_factory.mktemp("whole"))


def contents(results) -> dict[str, list[str]]:
    """Name -> numbers, whatever footers say of where they were made."""
    files = (results.folder / "totals").iterdir()
    return {file.name: [repr(column.to_pylist()) for column in pq.read_table(file).columns]
            for file in files}  # fmt: skip


def test_shares_make_the_files_of_one_run(whole, tmp_path):
    (tmp_path / "study.yaml").write_text(json.dumps(STUDY))
    for number in (3, 1, 2):
        ran = call("run", tmp_path / "study.yaml", "--results", tmp_path, "--shard", f"{number}/3")
        assert ran.code == 0, ran.err
    assert run(tmp_path).n_fits == 0
    assert contents(simstudy.Results.open(tmp_path / "kept")) == contents(whole)


def test_a_scenario_stops_where_its_rows_would(tmp_path):
    rule = {"mcse": {"rejection_rate": 0.0028}, "min": 1000, "max": 20000}
    of_rows, of_totals = (run(tmp_path / store, replications=rule, store=store)
                          for store in ("rows", "summary"))  # fmt: skip
    numbers = [
        [found.study.n_reps(design.id) for design in found.study.designs]
        for found in (of_rows, of_totals, simstudy.Results.open(of_totals.folder))
    ]
    assert numbers[0] == numbers[1] == numbers[2] and len(set(numbers[0])) > 1
    mine, theirs = of_totals.summary_table(), of_rows.summary_table()
    needs_rows = "bias_eliminated_coverage"
    kept = [row for row in theirs.to_pylist() if row["measure"] != needs_rows]
    assert mine.to_pylist() == kept


def test_merged_results_have_all_totals(whole, tmp_path):
    one = run(tmp_path / "one", scenarios=BELOW | {"icc": [0]})
    other = run(tmp_path / "other", scenarios=BELOW | {"icc": [0.2]})
    into = ResultsFolder(tmp_path / "into")
    folders = [ResultsFolder(results.folder) for results in (one, other)]
    merged = merging.merge(folders, into)
    assert merged.n_copied == 2 and not merged.broken
    place = ResultsFolder(whole.folder)
    assert into.names("totals") == sorted(str(part) for folder in folders for part in folder.held())
    assert merging.merge([place, *folders], into).n_there == 4
    again = simstudy.Results.open(str(into))
    assert again.summary_table().equals(whole.summary_table())


def test_totals_of_other_data_are_not_merged(whole, tmp_path):
    other = run(tmp_path, reference=None)
    folders = [ResultsFolder(whole.folder), ResultsFolder(other.folder)]
    with pytest.raises(UserError, match="has other rows than"):
        merging.merge(folders, ResultsFolder(tmp_path / "into"))


@pytest.mark.slow
def test_figures_of_rows_are_named_and_not_drawn(tmp_path):
    said: list[str] = []
    report = {"figures": ["zip", "type1_error"]}
    results = simstudy.run(STUDY | {"report": report, "replications": 20}, results=tmp_path,
                           warn=said.append)  # fmt: skip
    drawn = {file.stem for file in (results.folder / "report" / "figures").iterdir()}
    assert drawn == {"type1_error"}
    assert [line for line in said if line.startswith("not drawn") and line.endswith(": zip")]
    text = " ".join((results.folder / "report" / "methods.md").read_text().split())
    assert "totals were stored and no rows" in text


def test_the_command_line_knows_totals(whole, tmp_path):
    ran = call("status", whole.folder)
    assert ran.code == 0 and "20,000 of 20,000" in ran.out
    scenario = whole.study.designs[0].id
    ran = call("replay", whole.folder, "--scenario", scenario, "--replication", 7)
    assert ran.code == 0 and "not stored (store: summary keeps totals)" in ran.out
    (tmp_path / "study.yaml").write_text(json.dumps(STUDY | {"store": {"sample": 10}}))
    ran = call("plan", tmp_path / "study.yaml", "--results", tmp_path)
    assert ran.code == 0 and "MB of totals and rows" in ran.out
