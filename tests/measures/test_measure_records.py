"""A measure is one record: whoever needs to know of it reads that."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from helpers_cli import call
from helpers_simulation import study

import simstudy
from simstudy.measures import catalog, record
from simstudy.measures.catalog import MEASURES
from simstudy.measures.names import asked
from simstudy.measures.own import REGISTERED
from simstudy.measures.record import ESTIMATED, Cells, Measure, Section
from simstudy.measures.values import Value, plain
from simstudy.report.methods_section.render import methods_section
from simstudy.store.results_folder import ResultsFolder
from simstudy.summary import expected
from simstudy.summary.parts import StoredRows


@pytest.fixture
def toy(monkeypatch):
    """A measure as its file would register it."""
    monkeypatch.setattr(record, "REGISTRY", dict(record.REGISTRY))

    @record.measure(
        Section.ESTIMATES, ESTIMATED, "Mean estimate", words="Mean of the estimates",
        formula=r"$\bar t$", mcse=r"$s/\sqrt n$", brief=True, synonyms=("average",),
    )  # fmt: skip
    def mean_estimate(cells: Cells) -> Value:
        bias = MEASURES["bias"].value(cells)
        return plain(bias.value + cells.level, bias.mcse)

    made = record.REGISTRY["mean_estimate"]
    monkeypatch.setitem(catalog.MEASURES, "mean_estimate", made)
    return made


def test_one_record_is_all_there_is_to_a_measure(toy: Measure, tmp_path):
    estimate = np.random.default_rng(1).normal(size=50)
    frame = pd.DataFrame({"b": estimate, "se": 1.0})
    frame.to_csv(tmp_path / "e.csv", index=False)
    line = ("summarize", tmp_path / "e.csv", "--estimate", "b", "--std-error", "se", "--true", "1")
    (row,) = json.loads(call(*line, "--measure", "mean_estimate", "--format", "json").out)
    assert row["value"] == pytest.approx(estimate.mean())
    assert row["mcse"] == pytest.approx(estimate.std(ddof=1) / np.sqrt(50))
    assert "Mean estimate" in call(*line).out  # among the few that are printed
    with pytest.raises(simstudy.UserError, match="did you mean 'mean_estimate'"):
        asked("mean_estimat", MEASURES)
    row = {"scenario": ["a"], "method": ["pooled"], "measure": [toy.name], "value": [1.0],
           "alpha": pa.nulls(1, pa.float64()), "mcse": [0.1], "n_used": [50],
           "n_not_used": [0]}  # fmt: skip
    grid = {"n_clusters": 4, "cluster_size": 3, "icc": 0.1, "x_icc": 0, "slope": 0}
    text = methods_section(study(grid, ["pooled"]), ResultsFolder(tmp_path), pa.table(row))
    assert r"| Mean of the estimates | $\bar t$ | $s/\sqrt n$ |" in text
    every = simstudy.summarize(frame, true=1, estimate="b", std_error="se").measure.tolist()
    assert every.index("mean_estimate") == every.index("rmse") + 1  # the last of its section


def test_a_measure_of_ones_own_is_the_same_record():
    @simstudy.measure
    def largest_error(rows, truth):
        return np.abs(rows["estimate"] - truth).max()

    try:
        made = REGISTERED["largest_error"]
        assert isinstance(made, Measure)
        assert (made.title, made.needs) == ("Largest error", {"rows"})
        rows = {"estimate": np.array([1.0, 4.0]), "status": np.zeros(2, np.int8)}
        assert made.value(rows, 1.5).value == 2.5
    finally:
        del REGISTERED["largest_error"]


def test_records_are_complete():
    for name, measure in MEASURES.items():
        assert measure.name == name and measure.title
        assert bool(measure.words) == bool(measure.formula) == bool(measure.mcse)
        assert measure.formula or "rows" in measure.needs


def test_a_measure_that_is_named_is_made_alone(tmp_path, monkeypatch):
    """Its theory alone, one pass over the rows, and the numbers of the whole summary."""
    config = {
        "name": "s", "seed": 3, "replications": 40, "methods": ["pooled", "dummy"],
        "scenarios": {"n_clusters": 5, "cluster_size": 4, "icc": [0, 0.2], "x_icc": 0.5,
                      "slope": 0},
    }  # fmt: skip
    results = simstudy.run(config, results=tmp_path, jobs=1, report=False)
    asked_of_theory, second = [], []
    answer, again = expected.answer, StoredRows.again
    monkeypatch.setattr(expected, "answer", lambda *a: asked_of_theory.append(a[3]) or answer(*a))
    monkeypatch.setattr(StoredRows, "again", lambda self: second.append(self) or again(self))
    whole = results.open(results.folder).summary_table().to_pandas()
    n_theory = len(asked_of_theory)
    assert len(second) == 1
    asked_of_theory.clear()
    alone = results.open(results.folder).summary_table(measures=["rejection_rate"]).to_pandas()
    assert set(asked_of_theory) == {"rejection_rate"} and len(asked_of_theory) < n_theory
    assert len(second) == 1
    assert set(alone.measure) == {"rejection_rate"}
    same = whole[whole.measure == "rejection_rate"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, same)
