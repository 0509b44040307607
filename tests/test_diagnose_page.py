"""The page about diagnoses: its command, what it prints, and what it says of options."""

from __future__ import annotations

import re
import shlex

import pytest
from helpers_cli import ROOT, call

from simstudy.cli.verbs import VERBS

PAGE = (ROOT / "docs" / "diagnose.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e-?\d+)?|\.\d+")


def test_what_the_page_shows_is_what_is_printed(monkeypatch):
    """Word for word; numbers to what another machine may round otherwise."""
    monkeypatch.chdir(ROOT)
    (command,) = re.findall(r"(?m)^    python -m simstudy (.*)$", PAGE)
    ran = call(*shlex.split(command))
    assert ran.code == 0
    start = PAGE.index("    Formula: ")
    shown = re.sub(r"(?m)^    ", "", PAGE[start : PAGE.index("![Type I error", start)])
    both = [text.rstrip() for text in (ran.out, shown)]
    words = [" ".join(NUMBER.sub("#", text).split()) for text in both]
    assert words[0] == words[1]
    numbers = [[float(one.replace(",", "")) for one in NUMBER.findall(text)] for text in both]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.01, abs=0.011)


def test_the_page_names_every_option():
    flags = [flag for flag, _ in VERBS["diagnose"].arguments if flag.startswith("-")]
    assert [flag for flag in flags if flag not in PAGE] == []
