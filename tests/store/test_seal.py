"""Format and sum in the footer of every parquet file of a results folder, and who heeds them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from helpers_cli import ROOT, assert_refused, call
from helpers_own import use, written

import simstudy
from simstudy.errors import UserError
from simstudy.store import parts, seal, summary_file
from simstudy.store.results_folder import ResultsFolder

pytestmark = pytest.mark.slow

GRID = {"n_clusters": 6, "cluster_size": 4, "icc": [0, 0.2], "x_icc": 0.5, "slope": 0}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished study with failures and extras; its figures are left out."""
    place = tmp_path_factory.mktemp("made")
    mine = written(place / "files").parent
    methods = ["pooled", use(mine, "ols"), use(mine, "fragile", limit=1.5)]
    content = {"name": "s", "seed": 3, "replications": 40, "scenarios": GRID, "methods": methods}
    simstudy.run(content | {"report": {"figures": []}}, jobs=1, results=place, warn=lambda line: 0)
    return place / "s"


@pytest.fixture
def folder(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "s"))


def tables(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "report" / "tables").iterdir()}


def test_every_parquet_file_has_a_format_and_a_sum_that_fits(made):
    files = [*made.glob("*/*.parquet"), *made.glob("*.parquet")]
    assert {file.parent.name for file in files} == {"s", "estimates", "extras", "failures"}
    for file in files:
        said = json.loads(pq.read_metadata(file).metadata[b"simstudy"])
        assert said["format"] == seal.FORMAT == 1
        assert seal.fits(file.read_bytes()) is True


@pytest.mark.parametrize("fits", [True, False])
@pytest.mark.parametrize("kind", ["estimates", "failures", "extras", "summary"])
def test_a_later_format_is_refused_by_its_number_and_left_alone(folder, kind, fits):
    """Whether its sum is one that this version can check or not."""
    for file in folder.glob(summary_file.SUMMARY if kind == "summary" else f"{kind}/*.parquet"):
        whole = file.read_bytes().replace(b'"format": 1', b'"format": 2')
        file.write_bytes(b"".join(seal.summed(whole)) if fits else whole)
    before = {file: file.read_bytes() for file in folder.rglob("*.parquet")}
    run = ("run", folder / "study.yaml", "--results", folder.parent, "--jobs", 1)
    commands = {"estimates": [("summarize", folder), run, ("report", folder)],
                "failures": [("report", folder)],
                "extras": [],
                "summary": [("report", folder), run]}  # fmt: skip
    for command in commands[kind]:
        line = assert_refused(call(*command))
        assert "is of format 2, written by" in line and "reads up to 1" in line
    if kind in ("failures", "extras"):
        with pytest.raises(UserError, match="is of format 2"):
            getattr(simstudy.Results.open(folder), kind)
    assert before == {file: file.read_bytes() for file in folder.rglob("*.parquet")}


def test_no_flipped_bit_of_a_stored_summary_is_ever_reported(folder):
    whole = (folder / summary_file.SUMMARY).read_bytes()
    right = tables(folder)
    for at in range(0, len(whole), len(whole) // 400):
        flipped = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        (folder / summary_file.SUMMARY).write_bytes(flipped)
        with pytest.raises(summary_file.BrokenSummaryError):
            summary_file.read_summary(ResultsFolder(folder))
    for at in range(0, len(whole), len(whole) // 8):
        flipped = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        (folder / summary_file.SUMMARY).write_bytes(flipped)
        ran = call("report", folder)
        assert ran.code == 0 and "made again from the rows" in ran.err, at
        assert tables(folder) == right
        assert summary_file.read_summary(ResultsFolder(folder)).sure


def edited(folder: Path) -> None:
    """As a hand would do it."""
    frame = pd.read_parquet(folder / summary_file.SUMMARY)
    frame.loc[frame.measure == "rejection_rate", "value"] = 0.05
    frame.to_parquet(folder / summary_file.SUMMARY)


def emptied(folder: Path) -> None:
    (folder / summary_file.SUMMARY).write_bytes(b"")


def a_folder(folder: Path) -> None:
    (folder / summary_file.SUMMARY).unlink()
    (folder / summary_file.SUMMARY / "inside").mkdir(parents=True)


def a_link(folder: Path) -> None:
    shutil.move(folder / summary_file.SUMMARY, folder.parent / "elsewhere")
    (folder / summary_file.SUMMARY).symlink_to(folder.parent / "elsewhere")


@pytest.mark.parametrize("harm", [edited, emptied, a_folder, a_link])
def test_a_summary_that_is_not_what_was_written_is_made_again(folder, harm):
    right, csv = tables(folder), (folder / "summary.csv").read_bytes()
    harm(folder)
    ran = call("report", folder)
    assert ran.code == 0 and len(ran.err.splitlines()) >= 1 and "made again" in ran.err, ran
    assert tables(folder) == right
    assert summary_file.read_summary(ResultsFolder(folder)).sure
    assert (folder / "summary.csv").read_bytes() == csv
    assert call("report", folder).err == ""


@pytest.mark.parametrize("harm", [emptied, a_folder])
def test_without_rows_it_is_one_line_and_no_number(folder, harm):
    shutil.rmtree(folder / "estimates")
    before = tables(folder)
    harm(folder)
    ran = call("report", folder)
    assert (ran.code, ran.out) == (1, "") and tables(folder) == before
    assert (
        ran.err
        == f"{folder / summary_file.SUMMARY}: is not what was written; run the study again\n"
    )


@pytest.mark.parametrize("name", ["summary.csv", "scenarios.parquet"])
def test_what_says_the_same_as_the_summary_is_written_again(folder, name):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole.replace(b"0", b"1"))
    shutil.rmtree(folder / "estimates")
    ran = call("report", folder)
    assert ran.code == 0 and ran.err == f"{folder / name}: is not what was written; written again\n"
    assert (folder / name).read_bytes() == whole


def test_a_summary_of_another_study_yaml_is_made_again(folder):
    file = folder / "study.yaml"
    file.write_text(file.read_text().replace("replications: 40", "replications: 20"))
    assert "made from another study.yaml" in call("report", folder).err
    assert set(pd.read_csv(folder / "summary.csv").n_used) <= set(range(21))


def first_version(place: Path) -> Path:
    """The results that are shipped, without the seconds that their figures take."""
    folder = Path(shutil.copytree(ROOT / "results" / "example-icc", place / "icc"))
    file = folder / "study.yaml"
    text = file.read_text(encoding="utf-8")
    asked = "  figures: [type1_error, se_bias, design_effect]\n"
    assert asked in text
    file.write_text(text.replace(asked, "  figures: []\n"), encoding="utf-8")
    return folder


def test_results_of_the_first_versions_stay_readable(tmp_path):
    """They have no sum: shown with a word where there are no rows to make it again from."""
    folder = first_version(tmp_path)
    before = (folder / summary_file.SUMMARY).read_bytes()
    ran = call("report", folder)
    assert ran.code == 0 and (folder / summary_file.SUMMARY).read_bytes() == before
    if seal.fits(before) is None:
        assert "has no sum" in ran.err and "shown as it is" in ran.err


def test_further_values_that_are_not_what_was_written_are_not_shown(folder):
    for kind in ("extras", "failures"):
        file = next((folder / kind).iterdir())
        whole = file.read_bytes()
        file.write_bytes(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
        with pytest.raises(parts.BrokenPartError, match=r"is not (what was written|a readable)"):
            getattr(simstudy.Results.open(folder), kind)


def test_a_summary_that_does_not_say_what_it_is_about_is_completed(tmp_path):
    """By the study, where there are no rows to make it again from: a Type I error stays one."""
    folder = first_version(tmp_path)
    table = pq.read_table(folder / summary_file.SUMMARY)
    names = [
        n for n in ("method_name", "estimand", "truth", "null_value") if n in table.column_names
    ]
    early = table.drop_columns(names).replace_schema_metadata(None)
    pq.write_table(early, folder / summary_file.SUMMARY)
    before = (folder / "report" / "tables" / "rejection_rate.csv").read_text()
    assert call("report", folder).code == 0
    assert (folder / "report" / "tables" / "rejection_rate.csv").read_text() == before
    assert "Type I error" in (folder / "report" / "tables" / "rejection_rate.md").read_text()
