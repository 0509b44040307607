"""What no change may move: rows of data that misbehave, every part in each of its forms."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from simstudy.generators.part import registered

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parent / "golden"
RECORDED = json.loads((GOLDEN / "worlds.json").read_text(encoding="utf-8"))
_SPEC = importlib.util.spec_from_file_location("worlds", GOLDEN / "worlds.py")
worlds = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(worlds)
SAME_STACK = worlds.rows.stack() == RECORDED["stack"]


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    return worlds.compute(tmp_path_factory.mktemp("golden"))["studies"]


@pytest.mark.parametrize("study", worlds.STUDIES)
@pytest.mark.parametrize("kind", ["rounded", *(["exact"] if SAME_STACK else [])])
def test_rows_of_worlds_do_not_move(computed, study, kind):
    here, recorded = computed[study], RECORDED["studies"][study]
    assert here.keys() == recorded.keys()
    moved = [cell for cell in recorded if here[cell][kind] != recorded[cell][kind]]
    assert moved == []


def test_every_part_is_there_at_the_grain_it_says():
    grains = {"clusters": "clusters", "refined": "clusters", "units": "rows"}
    parts = set()
    for name, grain in grains.items():
        for design in worlds.study(name).designs:
            assert design.scenario.first_grain == grain, design.levels
            parts |= {part for part, _ in design.scenario.parts}
    assert parts == registered().keys()
