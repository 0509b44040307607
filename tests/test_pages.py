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

FEWER: dict[str, dict[str, str]] = {}
_LINK = re.compile(r"\]\(([^)#\s]+?)(?:#[^)]*)?\)")


@pytest.mark.parametrize("name", PAGES)
def test_its_blocks_work(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(
        "LOKY_MAX_CPU_COUNT", "1"
    )  # a study of a page is done before workers are there
    frame = pd.read_csv(ROOT / "tests" / "data" / "twoclassrooms.csv")
    reader = Reader(tmp_path, FEWER.get(name, {}), {"frame": frame})
    for block in blocks(PAGES[name].read_text(encoding="utf-8")):
        reader.do(block)


def test_every_link_leads_somewhere():
    lost = []
    for path in PAGES.values():
        for link in _LINK.findall(path.read_text(encoding="utf-8")):
            if ":" not in link and not (path.parent / Path(unquote(link))).exists():
                lost.append(f"{path.name}: {link}")
    assert not lost
