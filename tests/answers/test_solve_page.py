"""The page about solving: its command, and what it says that this prints."""

import re
import subprocess
import sys

import pytest
from helpers_cli import ROOT, call, environment

PAGE = (ROOT / "docs" / "solve.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_command_of_the_page_prints_what_it_shows(tmp_path):
    (command,) = re.findall(r"(?m)^    python -m simstudy (solve .*)$", PAGE)
    (table,) = re.findall(r"(?m)^    n_clusters for(?:.*\n)(?:    .*\n)*", PAGE)
    words = command.replace("configs/", f"{ROOT}/configs/").split()
    ran = call(*words, "--results", tmp_path)
    assert ran.code == 0
    assert ran.out.split("\n\n")[0] == "\n".join(line[4:] for line in table.splitlines())


def test_the_options_of_the_page_are_those_of_the_verb():
    shown = call("solve", "--help").out
    for flag in set(re.findall(r"`(--[a-z-]+)", PAGE)):
        assert flag in shown


@pytest.mark.slow
def test_the_measurement_of_the_page_runs():
    """12 of the 60 designs once: 95 % within one cluster leave fewer than 9 once in 2,000."""
    command = [sys.executable, "benchmarks/solving.py", "--seeds", "1", "--slopes", "1"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True,
                          check=True)  # fmt: skip
    _, roots, within, covered, *_ = map(float, re.findall(r"[\d.]+", done.stdout.splitlines()[-1]))
    assert roots == 12 and within >= 9 and covered >= 9
