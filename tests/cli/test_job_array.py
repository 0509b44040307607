"""The scripts of a job array, submitted to a scheduler that is none, and run as it would."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers_cli import ROOT, assert_refused, call, environment
from helpers_faults import Life, document, kill, same_rows, write_study

import simstudy
from simstudy.store.names import parse
from simstudy.study.study import load

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc"),
]
SBATCH = """\
#!/bin/bash
number=$(ls "$SPOOL" | grep -c sh$)
printf '%s ' "$@" > "$SPOOL/$number.arguments"
cat > "$SPOOL/$number.sh"
echo "$((100 + number));cluster"
"""


@pytest.fixture(scope="module")
def array(tmp_path_factory):
    """A study in a folder that a shell would stumble over, and the two jobs of its array."""
    folder = tmp_path_factory.mktemp("array") / 'it\'s a "study" of $HOME `x`'
    folder.mkdir()
    small = document(0, own=True) | {"replications": 1100, "report": {"figures": []}}
    small["scenarios"] = small["scenarios"] | {"x_icc": 0.5}
    write_study(folder, small).rename(folder / "my study.yaml")
    with contextlib.chdir(folder):
        printed = call("init", "--slurm", "my study.yaml", "--shards", "3")
    assert printed.code == 0 and printed.err == ""
    spool = folder.parent / "spool"
    spool.mkdir()
    fake = folder.parent / "sbatch"
    fake.write_text(SBATCH)
    fake.chmod(0o755)
    env = os.environ | {"PATH": f"{folder.parent}:{os.environ['PATH']}", "SPOOL": str(spool)}
    submitted = subprocess.run(["bash"], input=printed.out, env=env, cwd="/", text=True,
                               capture_output=True, timeout=60, check=True)  # fmt: skip
    assert submitted.stdout.startswith("submitted: job 100, 3 shares of f; and job 101")
    assert (spool / "0.arguments").read_text().split() == ["--parsable"]
    assert "--dependency=afterany:100 " in (spool / "1.arguments").read_text()
    assert "#SBATCH --array=1-3\n" in (spool / "0.sh").read_text()
    last = (spool / "1.sh").read_text()
    assert "array" not in last and "--shard" not in last
    (spool / "1.sh").write_text(last.replace(" --jobs", " --no-report --jobs"))  # tried elsewhere
    simstudy.run(folder / "my study.yaml", jobs=1, results=folder / "plain", report=False,
                 warn=lambda line: None)  # fmt: skip
    return folder, spool


@pytest.fixture
def job(array, monkeypatch):
    """Starts a job as SLURM would; in the folder that it was submitted from."""
    folder, spool = array
    shutil.rmtree(folder / "results", ignore_errors=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")

    def start(share: int = 0) -> Life:
        script = spool / ("0.sh" if share else "1.sh")
        if share:
            monkeypatch.setenv("SLURM_ARRAY_TASK_ID", str(share))
        else:
            monkeypatch.delenv("SLURM_ARRAY_TASK_ID", raising=False)
        return Life(script, folder, command=["bash", str(script)])

    return start


def computed(folder: Path) -> int:
    """Fits that all runs computed, by their logs."""
    events = [json.loads(line) for log in folder.glob("run.log*.jsonl")
              for line in log.read_text().splitlines()]  # fmt: skip
    return sum(event["replications"] * len(event["methods"]) for event in events
               if event["event"] == "range" and event["new"])  # fmt: skip


def done(life: Life) -> str:
    """What a job printed that ended well."""
    out, err = life.process.communicate(timeout=120)
    assert life.process.returncode == 0, err
    return out


def same_as_plain(folder: Path) -> None:
    """Results are a plain run's, and nothing else is left."""
    same_rows(folder / "results" / "f", folder / "plain" / "f")
    assert os.listdir(folder / "results" / "f" / ".work") == []


def test_jobs_one_after_another_and_one_that_was_lost(array, job):
    folder, _ = array
    for share in (2, 1):
        assert f"share {share} of 3" in done(job(share))
        assert not (folder / "results" / "f" / "summary.parquet").exists()
    assert "nothing is missing" not in done(job())  # the last job makes up for share 3
    same_as_plain(folder)
    assert computed(folder / "results" / "f") == load(folder / "my study.yaml").n_fits


def test_jobs_at_once_of_which_one_is_killed_and_submitted_again(array, job):
    folder, _ = array
    results = folder / "results" / "f"
    log = results / "run.log.2of3.jsonl"
    jobs = [job(share) for share in (1, 2, 3)]
    while jobs[1].process.poll() is None and not (log.exists() and '"range"' in log.read_text()):
        time.sleep(0.01)
    assert kill(jobs[1].process.pid)
    jobs[1].end()
    assert [done(jobs[k]).count("share") for k in (0, 2)] == [1, 1]
    n_there = sum(parse(name).n_rows for name in os.listdir(results / "estimates"))
    n_fits = load(folder / "my study.yaml").n_fits
    assert n_there < n_fits
    assert f"{n_fits - n_there:,} computed now" in done(job(2))
    assert "nothing is missing: no fit was computed" in done(job())
    same_as_plain(folder)
    assert computed(results) <= n_fits  # what was under way is in no log


def test_what_is_asked_of_init_is_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_study(tmp_path, document())
    for wrong in ([], ["--slurm", "f.yaml"], ["--shards", "3"], ["x", "--shards", "3"],
                  ["x", "--slurm", "f.yaml", "--shards", "3"],
                  ["--slurm", "f.yaml", "--shards", "0"],
                  ["--slurm", "missing.yaml", "--shards", "3"]):  # fmt: skip
        assert_refused(call("init", *wrong))
    many = call("init", "--slurm", "f.yaml", "--shards", "9999")
    assert many.code == 0 and "share 9999 of 9999 is empty" in many.err
    assert sorted(os.listdir(tmp_path)) == ["f.yaml", "mine.py"]


GIVEN = {
    "SGE": {"SGE_TASK_ID": "2", "NSLOTS": "1"},
    "PBS": {"PBS_ARRAY_INDEX": "3", "PBS_O_WORKDIR": "."},
    "LSF": {"LSB_JOBINDEX": "4"},
}
PYTHON = """\
#!/bin/bash
[ -z "$GIVEN" ] && exec "$REAL" "$@"
shift 2
printf '%s\n' "$@" > given
"""


def test_scripts_of_the_guide_do_what_it_says(tmp_path, monkeypatch):
    text = (ROOT / "docs" / "slurm.md").read_text()
    blocks = {section.split("\n")[0]: re.findall(r"```bash\n(.*?)```", section, re.DOTALL)
              for section in text.split("\n## ")}  # fmt: skip
    assert {name for name, found in blocks.items() if found} == {"SLURM", *GIVEN}
    small = document(own=True) | {"name": "icc", "replications": 40, "report": {"figures": []}}
    write_study(tmp_path, small).rename(tmp_path / "icc.yaml")
    for name, script in (("sbatch", SBATCH), ("python", PYTHON)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "spool").mkdir()
    monkeypatch.chdir(tmp_path)
    env = environment() | {"SPOOL": str(tmp_path / "spool"), "REAL": sys.executable}
    env["PATH"] = f"{tmp_path}:{env['PATH']}"
    for name, found in blocks.items():
        for block in found:
            given = GIVEN.get(name, {})
            env["GIVEN"] = name if given else ""
            subprocess.run(["bash", "-euc", block], check=True, timeout=120, env=env | given)
            if given:
                with monkeypatch.context() as of_job:
                    for variable, value in given.items():
                        of_job.setenv(variable, value)
                    assert call(*Path("given").read_text().split()).code == 0
    logs = sorted(path.name for path in (tmp_path / "results" / "icc").glob("run.log*"))
    assert logs == [f"run.log.{k}of20.jsonl" for k in (2, 3, 4)]
    assert "--array=1-20" in (tmp_path / "spool" / "0.sh").read_text()
    indented = [line.partition("#")[0].split()[3:] for line in text.splitlines()
                if line.startswith("    python -m simstudy")]  # fmt: skip
    assert [call(*command).code for command in indented] == [0, 0]
    assert (tmp_path / "results" / "icc" / "summary.csv").is_file()
