"""The commands of the page about a night on a laptop, as they stand there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers_cli import ROOT, environment

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "overnight.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (.*python -m simstudy .*)$", PAGE, re.MULTILINE)
STUDY = """\
name: night
seed: 1
replications: 200
scenarios: {n_clusters: [4, 6], cluster_size: 3, icc: 0.1, x_icc: 0, slope: 0}
methods: [pooled, dummy]
"""


def test_the_commands_of_the_page_work(tmp_path):
    (tmp_path / "night.yaml").write_text(STUDY)
    for line in COMMANDS:
        if " merge " in line:  # the night, and some of it from elsewhere
            shutil.copytree(tmp_path / "results", tmp_path / "laptop")
            shutil.copytree(tmp_path / "results", tmp_path / "desktop")
            for part in sorted((tmp_path / "laptop/night/estimates").iterdir())[1:]:
                part.unlink()
        line = line.removesuffix(" &")  # its end is waited for
        done = subprocess.run(line, shell=True, cwd=tmp_path, env=environment(), check=False)
        assert done.returncode == 0, line
    assert len(COMMANDS) == 9
    assert "200" in Path(tmp_path / "results/night/study.yaml").read_text()
