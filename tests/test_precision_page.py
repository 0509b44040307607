"""The page about stopping by precision: its commands, what it writes, and its measurement."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from helpers_cli import ROOT, call, environment
from ruamel.yaml import YAML

import simstudy

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "precision.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"(?m)^    python -m simstudy (.*)$", PAGE)
CONFIG = Path("configs", "precision.yaml")


def test_the_commands_of_the_page_work(tmp_path, monkeypatch):
    (tmp_path / CONFIG).parent.mkdir()
    text = (ROOT / CONFIG).read_text() + "report: {figures: []}\n"  # which other tests draw
    (tmp_path / CONFIG).write_text(text)
    monkeypatch.chdir(tmp_path)
    planned, ran = (call(*line.split()) for line in COMMANDS)
    assert (planned.code, planned.err, ran.code, ran.err) == (0, "", 0, "")
    said = re.findall(r"(?m)^  ([\d,]+) replications in \d: (.*)$", planned.out)
    forecast = {
        scenario: int(n.replace(",", "")) for n, ids in said for scenario in ids.split(", ")
    }
    table = pq.read_table("results/precision/scenarios.parquet").to_pydict()
    assert forecast == dict(zip(table["scenario"], table["replications"], strict=True))
    methods = Path("results/precision/report/methods.md").read_text()
    assert "Scenarios had between 4,000 and 16,000 replications, in all 28,000 data sets" in methods
    assert "at most 0.005 of the power and 0.004 of the Type I error rate, by every" in methods


def test_what_the_page_writes_is_read():
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    config = YAML(typ="safe", pure=True).load((ROOT / CONFIG).read_text())
    study = simstudy.load(config | YAML(typ="safe", pure=True).load(block))
    assert study.precision is not None and study.precision.least == 1000


def test_the_measurement_of_the_page_runs():
    command = [sys.executable, "benchmarks/stopping.py", "--studies", "250", "--most", "500"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True,
                          check=True)  # fmt: skip
    heads = [re.findall(r"(?m)^(\| [^|]*\| [\d ]*\|)", text) for text in (done.stdout, PAGE)]
    assert heads[0] and set(heads[0]) <= set(heads[1])
