"""Completion in a shell, by the protocol that argcomplete's shell functions speak."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers_cli import GOOD_STUDY, call_process, environment

import simstudy

pytestmark = pytest.mark.slow


def protocol(line: str, folder: Path) -> dict[str, str]:
    """What the shell's function puts into the environment."""
    line = f"simstudy {line}"
    return {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SHELL": "bash",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(folder / "answer"),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }


@pytest.fixture
def completed(tmp_path, monkeypatch):
    """What may follow a line, as the shell is told."""

    def ask(line: str) -> list[str]:
        for name, value in protocol(line, tmp_path).items():
            monkeypatch.setenv(name, value)
        assert call_process(cwd=tmp_path) == (0, "", "")
        return sorted((tmp_path / "answer").read_text(encoding="utf-8").split("\n"))

    return ask


def test_a_shell_is_answered_by_the_program_itself(tmp_path):
    asked = environment() | protocol("su", tmp_path)
    subprocess.run([sys.executable, "-m", "simstudy"], env=asked, check=True)
    assert (tmp_path / "answer").read_text(encoding="utf-8") == "summarize"


def test_verbs_options_and_the_words_of_a_study_are_completed(tmp_path, completed):
    (tmp_path / "study.yaml").write_text(GOOD_STUDY)
    (tmp_path / "other.csv").touch()
    assert completed("su") == ["summarize"]
    assert completed("run st") == ["study.yaml"]
    assert completed("run study.yaml --no") == ["--no-report"]
    assert completed("run study.yaml --backend l") == ["loky"]
    ids = sorted(design.id for design in simstudy.load(tmp_path / "study.yaml").designs)
    assert completed("show study.yaml --scenario ") == ids
    assert {"icc", "n_clusters", "x_icc"} < set(completed("solve study.yaml --for "))
    simstudy.run(tmp_path / "study.yaml", jobs=1, results=tmp_path / "results")
    assert completed("replay results/bad --scenario ") == ids
    assert completed("summarize results/bad --measure cov") == ["coverage"]


def test_no_code_of_a_study_runs_by_a_key(tmp_path, completed):
    (tmp_path / "mine.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    text = GOOD_STUDY + "  - {use: 'mine.py:mine'}\n"
    (tmp_path / "study.yaml").write_text(text)
    completed("show study.yaml --scenario ")
    assert not (tmp_path / "ran").exists()
