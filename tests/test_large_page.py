"""The commands and the study of the page about a billion replications, with fewer of them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from helpers_cli import ROOT, call

import simstudy
from simstudy.plots import plots

PAGE = (ROOT / "docs" / "large.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    python -m simstudy (.*)$", PAGE, re.MULTILINE)


def test_the_page_is_true(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    Path("rare.yaml").write_text(block.replace("replications: 1000000000", "replications: 20000"))
    for line in COMMANDS:
        more = ["--jobs", 1, "--no-report"] if line.startswith("run ") else []
        ran = call(*shlex.split(line), *more)
        assert ran.code == 0, ran.err
    assert len(COMMANDS) == 4
    assert not list(Path("results/rare/estimates").iterdir())
    (file,) = Path("results/rare/totals").iterdir()
    assert file.stat().st_size < 20_000
    assert simstudy.Results.open("results/rare").study.sample == 0


def test_the_page_names_all_figures_of_rows():
    (row,) = re.findall(r"^\| the figures (.*?) \|", PAGE, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == {
        p.name for p in plots().values() if p.reads == "rows"
    }
