"""The page about figures: its study and its own figure, as they stand there."""

from __future__ import annotations

import re

import pytest
from helpers_cli import ROOT, call

from simstudy.plots import COMMON, OPTIONS, plots

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")


def test_the_study_of_the_page_draws_what_it_says(tmp_path, monkeypatch):
    (study,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (command,) = re.findall(r"(?m)^    python -m simstudy (.*)$", PAGE)
    (use,) = re.findall(r"(?m)^    figures: .*(\{use: .*\})\]$", PAGE)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shown.yaml").write_text(f"{study}    - {use}\n")
    (tmp_path / "my_figures.py").write_text(code)
    done = call(*command.split(), "--jobs", 1, "--replications", 40)
    assert done.code == 0, done.err
    drawn = {file.name for file in (tmp_path / "results/shown/report/figures").iterdir()}
    names = ("type1_error", "type1_error-2", "power", "heat_map", "forest", "zip", "coverage")
    assert drawn == {f"{name}.{ending}" for name in names for ending in ("png", "pdf")}


def test_every_option_of_every_figure_is_told():
    assert set(COMMON) | {name for plot in plots().values() for name in plot.takes} == set(OPTIONS)
    for name in (*plots(), *OPTIONS):
        assert f"`{name}`" in PAGE or f"`{name}: " in PAGE
