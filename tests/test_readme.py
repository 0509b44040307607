"""The README is true: its example is the file it names, and prints what it says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import simstudy
from simstudy.cli.app import main
from simstudy.cli.verbs import VERBS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OWN_CODE = (ROOT / "docs" / "own-code.md").read_text(encoding="utf-8")


def test_the_example_is_the_file_it_names():
    block = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert block is not None
    shown = YAML(typ="safe", pure=True).load(block.group(1))
    assert shown == YAML(typ="safe", pure=True).load((ROOT / "configs" / "smoke.yaml").read_text())


def test_the_example_prints_what_the_readme_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(ROOT / "configs" / "smoke.yaml"), "--jobs", "1"]) == 0
    printed = capsys.readouterr().out.rstrip().splitlines()
    shown = README.split("    $ python -m simstudy run configs/smoke.yaml\n")[1]
    lines = [line.removeprefix("    ") for line in shown.split("\n\nThe rows with")[0].split("\n")]
    assert printed == lines


def test_the_methods_of_ones_own_are_the_file_they_name():
    shown = OWN_CODE.split("`configs/my_methods.py`:\n\n```python\n")[1].split("```")[0]
    assert shown == (ROOT / "configs" / "my_methods.py").read_text(encoding="utf-8")
    block = OWN_CODE.split("its path relative to that:\n\n```yaml\n")[1].split("```")[0]
    yaml = YAML(typ="safe", pure=True)
    config = yaml.load((ROOT / "configs" / "own.yaml").read_text(encoding="utf-8"))
    assert yaml.load(block)["methods"] == config["methods"]


def test_the_generators_of_ones_own_are_those_of_the_file_they_name():
    below = OWN_CODE.split("and one that returns moments\nof many:\n\n")[1].split("```python\n")[1]
    shown = below.split("```")[0]
    file = (ROOT / "configs" / "my_world.py").read_text(encoding="utf-8")
    assert file.endswith("import simstudy\n\n\n" + shown)
    block = OWN_CODE.split("options being factors like any other:\n\n```yaml\n")[1].split("```")[0]
    yaml = YAML(typ="safe", pure=True)
    config = yaml.load((ROOT / "configs" / "own_world.yaml").read_text(encoding="utf-8"))
    assert yaml.load(block)["scenarios"] == config["scenarios"][0]


def test_the_study_of_the_page_on_covariates_runs(tmp_path):
    page = (ROOT / "docs" / "covariates.md").read_text(encoding="utf-8")
    block = page.split("```yaml\n")[1].split("```")[0]
    study = YAML(typ="safe", pure=True).load(block)
    results = simstudy.run(study | {"replications": 20}, jobs=1, results=tmp_path)
    labels = set(results.summary.method)
    assert labels == {m if isinstance(m, str) else next(iter(m.values())).get("label", "")
                      for m in study["methods"]} - {""} | {"pooled[se=CR2]"}  # fmt: skip
    for field in ("baseline.slope", "ses.correlation.x.between", "girl.type", "slope_sd"):
        assert field in results.summary.columns
    assert [
        link for link in re.findall(r"\]\((.*?)\)", page) if not (ROOT / "docs" / link).exists()
    ] == []


def test_the_trial_that_is_shipped_runs(tmp_path):
    study = simstudy.load(ROOT / "configs" / "trial_baseline.yaml")
    assert {d.scenario.covariates[0].slope for d in study.designs} == {0, 0.5, 0.8}
    few = replace(study, replications=400, designs=study.designs[-3:], figures=())
    results = simstudy.run(few, jobs=1, results=tmp_path).summary
    power = (
        results[results.measure == "rejection_rate"].set_index(["method", "baseline.slope"]).value
    )
    assert abs(power["adjusted", 0.8] - power["adjusted", 0]) < 0.1
    assert power["unadjusted", 0.8] < power["adjusted", 0.8] - 0.2


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_is_in_the_readme(verb):
    assert f"`{verb}" in README
    assert f"`{verb}" in (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


def test_the_readme_is_read_in_a_sitting_and_leads_to_pages_that_are_there():
    assert len(README.splitlines()) < 200
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        links = re.findall(r"\]\(([^)#:\s]+)\)", page.read_text(encoding="utf-8"))
        assert [link for link in links if not (page.parent / link).exists()] == [], page


def test_the_lecture_is_in_the_tests_data():
    assert (ROOT / "tests" / "data" / "twoclassrooms.csv").is_file()
    assert (ROOT / "docs" / "type1_error.png").stat().st_size > 50_000
