"""Every block of the documentation works, and prints what it says."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from helpers_cli import ROOT
from helpers_pages import PAGES, Reader, blocks

pytestmark = pytest.mark.slow

ELSEWHERE = {  # what needs a server, a scheduler, files or fewer replications
    "README": "test_readme.py",
    "bucket": "test_bucket_page.py",
    "dask": "helpers_dask.py",
    "large": "test_large_page.py",
    "overnight": "test_overnight.py",
    "precision": "test_precision_page.py",
    "preregistration": "locks/test_lock_verb.py",
    "slurm": "cli/test_job_array.py",
    "solve": "answers/test_solve_page.py",
}
_LINK = re.compile(r"\]\(([^)#\s]+?)(?:#[^)]*)?\)")


@pytest.mark.parametrize("name", sorted(PAGES.keys() - ELSEWHERE.keys()))
def test_its_blocks_work(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(
        "LOKY_MAX_CPU_COUNT", "1"
    )  # a study of a page is done before workers are there
    frame = pd.read_csv(ROOT / "tests" / "data" / "twoclassrooms.csv")
    reader = Reader(tmp_path, {"frame": frame})
    for block in blocks(PAGES[name].read_text(encoding="utf-8")):
        reader.do(block)


def test_every_link_leads_somewhere():
    lost = []
    for path in PAGES.values():
        for link in _LINK.findall(path.read_text(encoding="utf-8")):
            if ":" not in link and not (path.parent / Path(unquote(link))).exists():
                lost.append(f"{path.name}: {link}")
    assert not lost


@pytest.mark.parametrize("name", ELSEWHERE)
def test_its_blocks_are_run_elsewhere(name):
    test = (ROOT / "tests" / ELSEWHERE[name]).read_text(encoding="utf-8")
    assert f"{name}.md" in test
