"""Links, folders and pipes where files of a results folder should be."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from helpers_cli import assert_refused, call
from helpers_own import rows, written

import simstudy

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study file and its finished results, with failures and extras."""
    place = tmp_path_factory.mktemp("made")
    written(place)
    (place / "s.yaml").write_text(
        "name: s\nseed: 3\nreplications: 40\nscenarios: {n_clusters: 6, cluster_size: 4, "
        "icc: 0.2, x_icc: 0.5, slope: 0}\nmethods: [pooled, {use: 'mine.py:ols'}, "
        "{use: 'mine.py:fragile', limit: 1.5}]\nreport: {figures: []}\n"
    )
    assert call("run", place / "s.yaml", "--results", place, "--jobs", 1).code == 0
    return place


@pytest.fixture
def place(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "place"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


FOLDERS = ["estimates", "totals", "failures", "extras", "sources", "report", "report/figures",
           "report/tables", ".work", ".work/set-aside"]  # fmt: skip


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_leads_out_of_the_results_is_refused(place, tmp_path, name):
    outside = tmp_path / "outside"
    folder = place / "s" / name
    if folder.exists():
        shutil.move(folder, outside)
    outside.mkdir(exist_ok=True)
    (outside / "power.csv").write_text("mine")  # a name of a table that has no place any more
    (outside / "power.png").write_text("mine")
    (outside / "1-host-1-1").write_text("mine")  # and one like a temporary file's
    folder.symlink_to(outside)
    before = contents(outside)
    run = ("run", place / "s.yaml", "--results", place, "--jobs", 1)
    for command in (("report", place / "s"), (*run, "--replications", 80)):
        line = assert_refused(call(*command))
        assert f"{folder}" in line and f"leads out of the results, to {outside}" in line
    assert contents(outside) == before


def test_results_may_themselves_be_a_link(place, tmp_path):
    shutil.move(place / "s", tmp_path / "disk")
    (place / "s").symlink_to(tmp_path / "disk")
    run = ("run", place / "s.yaml", "--results", place, "--jobs", 1, "--replications", 80)
    assert call(*run).code == 0 and call("report", place / "s").code == 0
    assert (place / "s").is_symlink()


def first(folder: Path, pattern: str) -> Path:
    return sorted(folder.glob(pattern))[0]


FILES = ["estimates/*pooled*", "estimates/*ols*", "failures/*", "extras/*", "summary.parquet",
         "summary.csv", "scenarios.parquet", "study.yaml", "run.log.jsonl",
         "sources/accounts.json", "sources/mine*.py", "report/methods.md",
         "report/tables/rejection_rate.csv"]  # fmt: skip
INSTEAD = ["link", "dangling", "folder", "pipe"]


# what is done depends on one of the two at a time: a link for all, each of the others for four
PAIRS = [pair for k, name in enumerate(FILES)
         for pair in ((name, "link"), (name, INSTEAD[1 + k % 3]))]  # fmt: skip


@pytest.mark.parametrize(("name", "instead"), PAIRS)
def test_what_is_no_file_is_set_aside_and_the_command_completes(place, tmp_path, name, instead):
    folder = place / "s"
    file = first(folder, name)
    before, right = rows(folder), contents(folder)
    outside = tmp_path / "outside"
    shutil.move(file, outside)
    if instead == "folder":
        (file / "inside").mkdir(parents=True)
    elif instead == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to(outside if instead == "link" else tmp_path / "nowhere")
    kept = outside.read_bytes()
    run = ("run", place / "s.yaml", "--results", place, "--jobs", 1)
    more = ("--replications", 41) if name == "run.log.jsonl" else ()  # else it is not needed
    ran = call(*run, *more)
    assert ran.code == 0, ran
    assert file.is_file() and not file.is_symlink()
    if more:
        return
    assert rows(folder).equals(before)
    same = ("estimates", "failures", "extras", "sources", "report/tables", "study", "scenarios")
    for key, content in contents(folder).items():
        if key.startswith(same):
            assert content == right[key] or key.endswith(".parquet"), key
    assert outside.read_bytes() == kept and not (tmp_path / "nowhere").exists()
    aside = [path.name for path in (folder / ".work" / "set-aside").rglob("*")]
    assert any(path.startswith(file.name) for path in aside), aside
    assert call(*run).code == 0 and call("summarize", folder).code == 0
    assert simstudy.Results.open(folder).n_missing == 0


def test_a_report_completes_too(place):
    names = ("report/tables/rejection_rate.md", "report/methods.md")
    for name in names:
        (place / "s" / name).unlink()
        (place / "s" / name).mkdir()
    assert call("report", place / "s").code == 0
    assert all((place / "s" / name).is_file() for name in names)
