"""A results folder that is another study's, or that somebody changes while a study runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers_cli import call, call_process
from helpers_own import written

import simstudy
from simstudy.errors import UserError, WorkError
from simstudy.results import Results
from simstudy.runner import persistence
from simstudy.runner.backends import loky
from simstudy.runner.work import work

pytestmark = pytest.mark.slow

GRID = {"n_clusters": [6, 8], "cluster_size": 5, "icc": [0.0, 0.2], "x_icc": 0.5, "slope": 0.0}
STUDY = {"name": "s", "seed": 3, "replications": 40, "scenarios": GRID,
         "methods": ["pooled", "dummy"]}  # fmt: skip


def run(folder: Path, more: dict | None = None, **options):
    """A run of the study and what it said."""
    said: list[str] = []
    found = simstudy.run(STUDY | (more or {}), results=folder, jobs=1, report=False,
                         warn=said.append, **options)  # fmt: skip
    return found, said


OTHERS = {
    "scenarios": {"scenarios": GRID | {"icc": [0.05, 0.1]}},
    "methods": {"methods": ["random_intercept", {"pooled": {"se": "CR2"}}]},
    "both": {"scenarios": GRID | {"slope": 1.0}, "methods": ["random_intercept"]},
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_study_of_the_same_name_is_refused(tmp_path, what):
    before, _ = run(tmp_path)
    kept = before.summary
    with pytest.raises(UserError, match=r"holds another study of this name.*--fresh"):
        run(tmp_path, OTHERS[what])
    assert Results.open(before.folder).summary.equals(kept)
    again, said = run(tmp_path, OTHERS[what], fresh=True)
    assert again.n_missing == 0 and "earlier results are in" in said[0]


@pytest.mark.parametrize("wrong", [{"jobs": 4, "backend": "serial"}, {"jobs": 0}])
def test_a_fresh_start_moves_nothing_where_its_options_are_refused(tmp_path, wrong):
    found, _ = run(tmp_path, {"replications": 4})
    with pytest.raises(UserError, match="jobs: "):
        simstudy.run(STUDY, results=tmp_path, fresh=True, **wrong)
    assert [path.name for path in tmp_path.iterdir()] == ["s"] and not found.n_missing


SAME = {
    "title and aim": {"title": "t", "aim": "a"},
    "alpha": {"alpha": [0.1, 0.01]},
    "labels": {"methods": [{"pooled": {"label": "p"}}, {"dummy": {"label": "d"}}]},
    "report": {"report": {"figures": []}},
    "more": {"replications": 50, "scenarios": GRID | {"icc": [0.0, 0.2, 0.4]}},
    "a method more": {"methods": ["pooled", "dummy", "random_intercept"]},
}


@pytest.mark.parametrize("what", SAME)
def test_what_is_no_other_study_goes_on_without_a_word(tmp_path, what):
    run(tmp_path)
    found, said = run(tmp_path, SAME[what])
    assert said == [] and found.n_missing == 0
    assert not (found.folder / ".work" / "set-aside").exists()


LEFT = {
    "a method": ({"methods": ["pooled"]}, "4 of the stored scenario x method pairs left the study"),
    "a level": ({"scenarios": GRID | {"icc": 0.0}}, "4 of the stored scenario x method pairs left"),
    "replications": ({"replications": 30}, "more replications are stored than 30"),
}


@pytest.mark.parametrize("what", LEFT)
def test_what_left_a_study_is_said_once_and_the_old_summary_kept(tmp_path, what):
    first, _ = run(tmp_path)
    summary = (first.folder / "summary.parquet").read_bytes()
    more, words = LEFT[what]
    _, said = run(tmp_path, more)
    (line,) = said
    place = first.folder / ".work" / "set-aside"
    assert line.startswith(f"{first.folder}: {words}") and line.endswith(f"is in {place}")
    assert (place / "summary.parquet").read_bytes() == summary
    assert run(tmp_path, more)[1] == []
    back, said = run(tmp_path)
    assert said == [] and back.n_fits == 0


def test_a_file_of_methods_that_changed_makes_no_other_study(tmp_path):
    text = "import simstudy\n@simstudy.method\ndef f(data):\n    return {}, 1.0\n"
    entry = {"methods": [{"use": f"{tmp_path / 'mine.py'}:f"}]}
    for value in (1.0, 2.0):
        written(tmp_path, text.format(value))
        found, _ = run(tmp_path, entry)
    assert found.n_missing == 0 and set(found.summary.query("measure == 'bias'").value) == {2.0}
    written(tmp_path, text.replace("def f", "def g").format(1.0))
    with pytest.raises(UserError, match="holds another study"):
        run(tmp_path, {"methods": [{"use": f"{tmp_path / 'mine.py'}:g"}]})


BIG = STUDY | {"replications": 9000, "methods": ["pooled", "dummy", "random_intercept"]}


def removed(folder):
    shutil.rmtree(folder)


def without_estimates(folder):
    shutil.rmtree(folder / "estimates")


def without_a_part(folder):
    min((folder / "estimates").iterdir()).unlink()


def another_studys(folder):
    shutil.rmtree(folder)
    simstudy.run(STUDY | {"seed": 4}, results=folder.parent / "other", jobs=1, report=False)
    shutil.copytree(folder.parent / "other" / "s", folder)


@pytest.mark.parametrize("fault", [removed, without_estimates, without_a_part, another_studys])
def test_rows_that_go_while_a_study_runs_are_missed(tmp_path, monkeypatch, fault):
    calls = []

    def disturbed(task, folder, source, *more):
        done = work(task, folder, source, *more)
        calls.append(task)
        if len(calls) == 4:
            fault(Path(str(folder)))
        return done

    monkeypatch.setattr(persistence, "work", disturbed)
    with pytest.raises(WorkError, match=r"fits are missing.*while the study ran") as caught:
        run(tmp_path, BIG)
    assert not (tmp_path / "s" / "summary.parquet").exists() or fault is another_studys
    monkeypatch.undo()
    if fault is another_studys:
        assert run(tmp_path, BIG, fresh=True)[0].n_missing == 0
        return
    n_lost = int(str(caught.value).split("s: ")[1].split(" of ")[0].replace(",", ""))
    again, _ = run(tmp_path, BIG)
    assert again.n_fits == n_lost > 0
    whole, _ = run(tmp_path / "whole", BIG)
    assert again.summary.equals(whole.summary)


@pytest.mark.parametrize("name", ["summary.parquet", "summary.csv", "study.yaml", "estimates"])
def test_what_goes_while_a_report_is_drawn_is_missed(tmp_path, monkeypatch, name):
    def report(self, warn):
        file = self.folder / name
        shutil.rmtree(file) if file.is_dir() else file.unlink()

    monkeypatch.setattr(Results, "report", report)
    with pytest.raises(WorkError, match="while the study ran"):
        simstudy.run(STUDY, results=tmp_path, jobs=1, warn=str)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ImportError("no sem")])
def test_without_semaphores_a_run_goes_on_in_one_process(tmp_path, monkeypatch, error):
    def refused():
        raise error

    monkeypatch.setattr(loky, "_try_semaphore", refused)
    said = []
    found = simstudy.run(BIG, results=tmp_path, jobs=2, report=False, warn=said.append)
    assert found.n_missing == 0
    (line,) = said
    assert line.startswith("worker processes cannot be started (") and "in one process" in line
    assert found.summary.equals(run(tmp_path / "one", BIG)[0].summary)


FULL = """
mount -t tmpfs -o size=64k{more} none /dev/shm || exit 77
exec 3>&2 2>/dev/null
head -c 60000 /dev/zero > /dev/shm/full
i=0; while echo x > /dev/shm/f$i && [ $i -lt 100 ]; do i=$((i+1)); done
exec {python} -m simstudy run {config} --results {results} --jobs 2 --no-report --quiet 2>&3
"""


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts")
@pytest.mark.parametrize("more", ["", ",ro"])
def test_a_full_or_read_only_dev_shm_is_one_line(tmp_path, more):
    config = tmp_path / "s.yaml"
    config.write_text(
        "name: s\nseed: 3\nreplications: 9000\nmethods: [pooled, dummy]\nscenarios: {n_clusters: "
        "[6, 8], cluster_size: 5, icc: 0, x_icc: 0.5, slope: 0}\n"
    )
    script = FULL.format(more=more, python=sys.executable, config=config, results=tmp_path)
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True,
                          timeout=60, check=False)  # fmt: skip
    if done.returncode in (77, 1) and ("unshare" in done.stderr or "mount" in done.stderr):
        pytest.skip("no mounts here")
    assert done.returncode == 0, done
    (line,) = done.stderr.splitlines()
    assert "worker processes cannot be started" in line
    assert Results.open(tmp_path / "s").n_missing == 0


def test_starters_have_seeds_of_their_own(tmp_path):
    for name in ("a", "b"):
        assert call_process("init", name, cwd=tmp_path).code == 0
    one, other = (simstudy.load(tmp_path / f"{name}.yaml") for name in ("a", "b"))
    assert one.seed != other.seed and call("plan", tmp_path / "a.yaml").code == 0
