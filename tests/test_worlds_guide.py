"""The page on data that misbehave is true: what it writes is read, and refused as it says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import simstudy
from simstudy.errors import UserError
from simstudy.generators import shapes
from simstudy.generators.shape_families import FAMILIES
from simstudy.study.place import Place
from simstudy.study.yaml_lines import Document

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "worlds.md").read_text(encoding="utf-8")
BASE = {"n_clusters": 24, "cluster_size": 10, "icc": 0.25, "x_icc": 0.5, "slope": 0}


def _read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def _study(written: dict[str, Any], folder: Path) -> Any:
    """A study of what is written, be it whole or only fields of a scenario."""
    plain = {"name": "page", "seed": 1, "replications": 20, "methods": ["pooled"]}
    fields = BASE | written
    if written.get("x") == "time" and "autocorrelation" in written:
        del fields["x_icc"]
    (folder / "study.yaml").touch()
    YAML().dump(written if "scenarios" in written else plain | {"scenarios": fields},
                folder / "study.yaml")  # fmt: skip
    return simstudy.load(folder / "study.yaml")


def _rows(heading: str) -> list[list[str]]:
    """Cells of the first table below a heading."""
    _, _, below = PAGE.partition(f"\n{heading}\n")
    table = re.findall(r"(?m)^\|.*\|$", below.partition("\n## ")[0])
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table[2:]]


BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0][:30])
def test_what_it_writes_is_a_study(block: str, tmp_path: Path):
    (tmp_path / "my_world.py").write_bytes((ROOT / "configs" / "my_world.py").read_bytes())
    (tmp_path / "residuals.csv").write_text("u,e\n1,3\n4,0\n,1\n")
    written = _read(block)
    study = _study(written, tmp_path)
    fields = written.get("scenarios", written)
    levels = {name for design in study.designs for name in design.levels}
    assert fields.keys() - {"third_level", "data"} <= levels


def test_the_study_on_it_runs(tmp_path: Path):
    study = _study(_read(BLOCKS[0]) | {"replications": 20}, tmp_path)
    few = replace(study, designs=study.designs[:4], figures=())
    results = simstudy.run(few, jobs=1, results=tmp_path)
    assert set(results.summary.method) >= {"random_intercept", "pooled[se=CR2]"}
    assert set(results.summary.informative_size) == {0.0, 0.5}


@pytest.mark.parametrize("row", _rows("## What is refused"), ids=lambda row: row[0])
def test_what_is_refused_is_refused_in_these_words(row: list[str], tmp_path: Path):
    written, said = row
    with pytest.raises(UserError) as refused:
        _study(_read(written.strip("`")), tmp_path)
    assert said in str(refused.value)


def test_its_table_of_shapes_is_right():
    rows = _rows("## Shapes")
    assert [_read(row[0].strip("`")) for row in rows] == [
        family.example or family.name for family in FAMILIES.values()
    ]
    *with_numbers, of_file = rows
    assert of_file[2:] == ["its own", "its own"]
    for written, _, skewness, kurtosis in with_numbers:
        value = _read(written.strip("`"))
        shape = shapes.read(Place(Document({"errors": value}), ("errors",), value))
        assert (f"{shape.skewness:.3g}", f"{shape.kurtosis:.3g}") == (skewness, kurtosis)


def test_its_generator_is_the_file_it_names_and_its_links_lead_somewhere():
    shown = PAGE.split("```python\n")[1].split("```")[0]
    code = (ROOT / "configs" / "my_world.py").read_text(encoding="utf-8")
    assert shown.partition("@simstudy")[2].strip() in code
    links = re.findall(r"\]\((.*?)\)", PAGE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
