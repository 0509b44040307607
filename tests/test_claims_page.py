"""The page about claims: its study, its command and what it says of both."""

from __future__ import annotations

import re

import pytest
from helpers_cli import ROOT, call

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")


def test_the_study_of_the_page_is_judged_as_it_says(tmp_path, monkeypatch):
    (study,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (said,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    (command,) = re.findall(r"(?m)^    python -m simstudy (.*)$", PAGE)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "judged.yaml").write_text(study)
    done = call(*command.split(), "--jobs", 1, "--no-report")
    assert said in done.out and done.code == 4
    assert done.err.splitlines()[-1] == "refuted: 1 of 5 claims: power of random_intercept >= 0.8"
