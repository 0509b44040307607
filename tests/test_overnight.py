"""The commands of the page about a night on a laptop, as they stand there."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

from helpers_cli import ROOT, call

PAGE = (ROOT / "docs" / "overnight.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (.*python -m simstudy .*)$", PAGE, re.MULTILINE)
STUDY = """\
name: night
seed: 1
replications: 200
scenarios: {n_clusters: [4, 6], cluster_size: 3, icc: 0.1, x_icc: 0, slope: 0}
methods: [pooled, dummy]
"""


def test_the_commands_of_the_page_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("night.yaml").write_text(STUDY)
    for line in COMMANDS:
        if " merge " in line:  # the night, and some of it from elsewhere
            shutil.copytree("results", "laptop")
            shutil.copytree("results", "desktop")
            for part in sorted(Path("laptop/night/estimates").iterdir())[1:]:
                part.unlink()
        arguments = shlex.split(line.partition(" > ")[0].partition("-m simstudy ")[2])
        assert call(*arguments).code == 0, line
    assert len(COMMANDS) == 9
    assert len(list(Path("results/night/estimates").iterdir())) == 1
