"""store: summary keeps totals and no rows, and says the same to the last digit."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from helpers_cli import call
from helpers_own import written

import simstudy
from simstudy.errors import UserError
from simstudy.generators.streams import BLOCK
from simstudy.runner import work
from simstudy.runner.plan import plan
from simstudy.store import coverage, seal
from simstudy.store.results_folder import ResultsFolder

BELOW = {"n_clusters": 8, "cluster_size": 4, "x_icc": 0.3}
STUDY = {
    "name": "kept", "seed": 5, "replications": BLOCK + 1000, "alpha": [0.05, 0.01],
    "reference": "random_intercept", "report": {"figures": []},
    "scenarios": [
        BELOW | {"icc": [0, 0.2], "slope": [0, 0.3]},
        BELOW | {"x": "binary", "x_icc": 1, "icc": 0.2, "slope": 0, "slope_sd": 0.2,
                 "covariates": {"z": {"icc": 0.2, "slope": 0.5}}},
    ],
    "methods": [
        "pooled", "random_intercept", {"random_intercept": {"estimand": "icc"}},
        {"dummy": {"when": "x == normal"}}, {"random_slope": {"when": "x == binary"}},
        {"pooled": {"null_value": 0.3, "label": "about .3"}},
    ],
}  # fmt: skip
SMALL = STUDY | {"scenarios": BELOW | {"icc": 0.2, "slope": 0}, "methods": STUDY["methods"][:2]}
NEEDS_ROWS = "bias_eliminated_coverage"


OWN = """\
import simstudy


@simstudy.method
def mean(data):
    return {"estimate": data.y.mean(), "std_error": 1.0, "truth": float(data.x.mean())}
"""


def run(place: Path, study=SMALL, **changed):
    said: list[str] = []
    results = simstudy.run(study | changed, results=place, report=False, jobs=1, warn=said.append)
    return results, said


def without(table: pa.Table, measure: str = NEEDS_ROWS) -> pa.Table:
    return table.filter(pc.not_equal(table.column("measure"), measure))


def names(results, kind: str) -> list[str]:
    return ResultsFolder(results.folder).names(kind)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Rows of the small study, for twice the replications."""
    return run(tmp_path_factory.mktemp("rows"), replications=2 * BLOCK + 5)[0]


def summary_of(results, n: int) -> pa.Table:
    """What a study with fewer replications says."""
    study = results.study.fixed(n)
    return without(simstudy.Results(study, results.folder).summary_table())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return run(tmp_path_factory.mktemp("totals"), store="summary")[0]


@pytest.fixture
def place(made, tmp_path):
    """A copy of the small study's results in totals."""
    shutil.copytree(made.folder, tmp_path / "kept")
    return tmp_path


@pytest.mark.slow
def test_both_modes_say_the_same_to_the_last_digit(tmp_path):
    of_rows, _ = run(tmp_path / "rows", STUDY)
    of_totals, said = run(tmp_path / "totals", STUDY, store="summary")
    assert of_totals.summary_table().equals(without(of_rows.summary_table()))
    assert names(of_totals, "estimates") == [] and len(names(of_totals, "totals")) >= 4
    (line,) = [line for line in said if "not available" in line]
    assert line.endswith(f"keeps no rows: {NEEDS_ROWS}, extras of random_slope")


def test_totals_are_kept_and_no_rows(made, rows):
    assert names(made, "estimates") == names(made, "extras") == []
    assert made.n_missing == 0
    assert made.summary_table().equals(summary_of(rows, STUDY["replications"]))
    with pytest.raises(UserError, match="no rows here: store: summary"):
        _ = made.estimates


def test_a_last_block_that_is_not_whole_is_computed_again_when_the_study_grows(place, rows):
    more, _ = run(place, store="summary", replications=2 * BLOCK + 5)
    assert more.n_fits == 2 * (BLOCK + 5)
    assert len(names(more, "totals")) == 2  # nothing was deleted
    assert more.summary_table().equals(summary_of(rows, 2 * BLOCK + 5))
    fewer, _ = run(place, store="summary")
    assert fewer.n_fits == 0 and fewer.summary_table().equals(summary_of(rows, 5096))


def test_rows_that_are_there_are_used(rows, tmp_path):
    shutil.copytree(rows.folder, tmp_path / "kept")
    same, _ = run(tmp_path, store="summary", replications=2 * BLOCK + 5)
    assert same.n_fits == 0
    assert same.summary_table().equals(rows.summary_table())  # with all that needs rows
    more, said = run(tmp_path, store="summary", replications=3 * BLOCK)
    assert more.n_fits == 2 * BLOCK and len(names(more, "totals")) == 1
    assert any(NEEDS_ROWS in line for line in said)
    expected, _ = run(tmp_path / "fresh", replications=3 * BLOCK)
    assert more.summary_table().equals(without(expected.summary_table()))


def test_rows_that_are_whole_are_read_beside_totals(place, rows):
    back, _ = run(place)
    again, said = run(place, store="summary")
    assert again.n_fits == 0 and not [line for line in said if "not available" in line]
    assert again.summary_table().equals(back.summary_table())
    other, _ = run(place, store="summary", alpha=[0.1])  # for which no totals were made
    assert other.n_fits == 0 and 0.1 in other.summary_table().column("alpha").to_pylist()


def test_rows_after_totals_are_computed(place, rows):
    back, _ = run(place)
    assert back.n_fits == 2 * (BLOCK + 1000) and len(names(back, "totals")) == 1
    assert without(back.summary_table()).equals(summary_of(rows, 5096))


def test_a_sample_is_rows_and_totals(tmp_path, rows):
    sample, said = run(tmp_path, store={"sample": 100}, replications=2 * BLOCK + 5)
    assert sample.estimates.count_rows() == 2 * 100 and len(names(sample, "totals")) == 1
    assert sample.summary_table().equals(summary_of(rows, 2 * BLOCK + 5))
    assert any(NEEDS_ROWS in line for line in said) and sample.n_missing == 0


def test_a_new_alpha_is_refused_and_an_old_one_is_not(place, rows):
    before = (place / "kept" / "study.yaml").read_bytes()
    with pytest.raises(UserError, match=r"alpha 0\.1 is not available .* alpha 0\.05 and 0\.01"):
        run(place, store="summary", alpha=[0.05, 0.1])
    assert (place / "kept" / "study.yaml").read_bytes() == before
    fewer, _ = run(place, store="summary", alpha=0.01)
    whole = summary_of(rows, 5096).to_pylist()
    expected = [row for row in whole if row["alpha"] in (None, 0.01)]
    assert fewer.summary_table().to_pylist() == expected


def test_pairs_with_a_method_that_was_no_reference_are_not_there(place):
    other, said = run(place, store="summary", reference="pooled")
    assert other.n_fits == 0
    assert any("pairs of random_intercept with pooled" in line for line in said)
    measures = other.summary_table().column("measure").to_pylist()
    assert "bias" in measures and "difference_bias" not in measures


def test_a_method_that_is_added_has_pairs(place, tmp_path):
    added = [*SMALL["methods"], "dummy"]
    more, said = run(place, store="summary", methods=added)
    assert more.n_fits == BLOCK + 1000 and not any("pairs of" in line for line in said)
    whole, _ = run(tmp_path / "whole", store="summary", methods=added)
    assert more.summary_table().equals(whole.summary_table())


def test_pairs_are_made_wherever_the_reference_is(tmp_path):
    """A method that is added later to scenarios some of which have the reference."""
    some = [{"random_intercept": {"when": "icc == 0"}}, "pooled"]
    changed = {"scenarios": BELOW | {"icc": [0, 0.2], "slope": 0}, "replications": 50}
    run(tmp_path, methods=some, store="summary", **changed)
    more, said = run(tmp_path, methods=[*some, "dummy"], store="summary", **changed)
    whole, _ = run(tmp_path / "rows", methods=[*some, "dummy"], **changed)
    assert more.summary_table().equals(without(whole.summary_table()))
    assert not [line for line in said if "pairs of" in line]


def test_own_methods_keep_their_rows(tmp_path, monkeypatch):
    written(tmp_path, OWN, "mine.py")
    monkeypatch.chdir(tmp_path)
    methods = [*SMALL["methods"], {"use": "mine.py:mean"}]
    found, said = run(tmp_path, store="summary", methods=methods, replications=50)
    assert found.estimates.count_rows() == 50 and found.n_missing == 0
    assert any("pairs of mean with random_intercept" in line for line in said)
    plain, _ = run(tmp_path / "rows", methods=methods, replications=50)
    (of_totals, of_rows) = (
        {(r["method"], r["measure"], r["alpha"]): r["value"] for r in x.summary_table().to_pylist()}
        for x in (found, plain)
    )
    assert of_totals.items() <= of_rows.items()
    assert ("mean", NEEDS_ROWS, 0.05) in of_totals and ("pooled", NEEDS_ROWS, 0.05) not in of_totals


def test_ended_in_the_middle_it_goes_on(tmp_path, monkeypatch, made):
    done: list[object] = []

    def store(*arguments):
        if done:
            raise KeyboardInterrupt
        done.append(own(*arguments))

    own = work.store_totals
    monkeypatch.setattr(work, "store_totals", store)
    scenarios = BELOW | {"icc": 0.2, "slope": [0, 0.1]}
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, scenarios=scenarios, store="summary")
    monkeypatch.undo()
    rest, _ = run(tmp_path, scenarios=scenarios, store="summary")
    assert rest.n_fits == 2 * 5096 and len(names(rest, "totals")) == 2
    of_first = rest.summary_table()
    first = pc.equal(of_first.column("slope"), 0)
    assert of_first.filter(first).drop("slope").equals(made.summary_table().drop("slope"))


def test_a_broken_file_is_computed_again(place, made):
    (file,) = (place / "kept" / "totals").iterdir()
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    again, said = run(place, store="summary")
    assert any("computed again" in line for line in said)
    assert again.summary_table().equals(made.summary_table())


def forged(file: Path, **columns) -> None:
    """Write a file anew, with a sum that fits."""
    table = pq.read_table(file)
    said = seal.said(pq.read_metadata(file).metadata)
    for name, change in columns.items():
        if name in said:
            said[name] = change
            continue
        values = change(table.column(name).to_pylist())
        at = table.column_names.index(name)
        table = table.set_column(at, name, pa.array(values, table.schema.field(name).type))
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(seal.footer(said))
    file.write_bytes(b"".join(seal.summed(sink.getvalue())))


@pytest.mark.parametrize(
    "columns",
    [
        {"by_status": lambda rows: [[n + 1 for n in row] for row in rows]},
        {"rejected": lambda rows: [[-1 for _ in row] for row in rows]},
        {"of_error": lambda rows: [[np.nan for _ in row] for row in rows]},
        {"of_error": lambda rows: [row[:-1] for row in rows]},
        {"with_se": lambda rows: [None, *rows[1:]]},
        {"pairs_errors": lambda rows: [[-1.0 for _ in row] for row in rows]},
        {"seed": 6},
        {"alphas": [0.05]},
        {"alphas": "0.05"},
        {"keys": {}},
    ],
    ids=lambda columns: "+".join(columns),
)
def test_a_strangers_file_is_refused(place, columns):
    (file,) = (place / "kept" / "totals").iterdir()
    forged(file, **columns)
    (place / "kept" / "summary.parquet").unlink()
    ran = call("summarize", place / "kept")
    assert ran.code == 1 and ran.err.count("\n") == 1 and file.name in ran.err


def test_what_is_missing_by_names_alone(made):
    folder = ResultsFolder(made.folder)
    assert plan(made.study, folder.held()) == []
    (task,) = plan(made.study, [])
    assert (task.first, task.last, task.alphas) == (1, 5096, (0.05, 0.01))
    nodes = coverage.nodes_of(3 * BLOCK + 1, 13 * BLOCK + 7)
    found = [(node.level, node.number) for node in nodes]
    assert found == [(0, 3), (2, 1), (2, 2), (0, 12), (0, 13)]
    assert [node.first for node in nodes[1:]] == [node.last + 1 for node in nodes[:-1]]


def test_the_command_line_says_what_is_not_there(place):
    shown = call("summarize", place / "kept", "--measure", NEEDS_ROWS)
    assert shown.code == 2 and NEEDS_ROWS in shown.err and "not available" in shown.err
    assert call("replay", place / "kept", "--scenario", "x").code == 2


@pytest.mark.parametrize(
    ("store", "says"),
    [("totals", "summary"), ({"sample": 0}, "sample"), ({"first": 5}, "sample"), (3, "rows")],
)
def test_another_word_is_refused(store, says):
    with pytest.raises(UserError, match=says):
        simstudy.load(SMALL | {"store": store})
