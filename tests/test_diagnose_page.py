"""The page about diagnoses says what every option is for."""

from __future__ import annotations

from helpers_cli import ROOT

from simstudy.cli.verbs import VERBS

PAGE = (ROOT / "docs" / "diagnose.md").read_text(encoding="utf-8")


def test_the_page_names_every_option():
    flags = [flag for flag, _ in VERBS["diagnose"].arguments if flag.startswith("-")]
    assert [flag for flag in flags if flag not in PAGE] == []
