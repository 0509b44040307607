"""A results folder from a stranger: reading it runs none of its code and touches nothing else.

docs/security.md says what is promised; this is how it is tested.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from helpers_cli import call, call_process
from helpers_own import written
from helpers_places import ROOT

import simstudy
from simstudy.errors import UserError
from simstudy.store import results_folder

pytestmark = pytest.mark.slow

TRAP = '''\
import simstudy

open(__file__ + ".ran", "a").write("ran\\n")


@simstudy.method
def ols(data):
    """Says what it does, {html} and all."""
    return data.y.mean(), 1.0
'''
CONFIG = """\
name: trap
seed: 5
replications: 4
scenarios: {n_clusters: 6, cluster_size: 4, icc: [0, 0.1], x_icc: 0.5, slope: 0}
methods: [pooled, {use: 'files/trap.py:ols'}]
report: {figures: [zip]}
"""
DONE = "trap/study.yaml"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished study, whose file leaves a trace whenever it is imported."""
    place = tmp_path_factory.mktemp("made")
    written(place / "files", TRAP, "trap.py")
    (place / "trap.yaml").write_text(CONFIG)
    ran = call_process("run", "trap.yaml", "--results", ".", "--jobs", 1, cwd=place)
    assert ran.code == 0, ran
    (place / "files" / "trap.py.ran").unlink()
    (place / "printed.csv").write_text("icc,method,printed,decimals\n0,pooled,.05,2\n")
    return place


@pytest.fixture
def place(made, tmp_path):
    """A copy of it, which a test may break."""
    return Path(shutil.copytree(made, tmp_path / "place"))


def traces(place: Path) -> list[str]:
    """Files that were imported, and whatever else code of the folder's has written."""
    return [path.name for path in place.rglob("*") if path.name.endswith(".ran")]


def only(place: Path, *names: str) -> None:
    """Leave nothing of the folder but these."""
    for path in (place / "trap").iterdir():
        if path.name not in names:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def edit(place: Path, old: str, new: str) -> None:
    file = place / DONE
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def without_digest(place: Path) -> None:
    digest = results_folder.ResultsFolder(place / "trap").study().methods[1].source.digest
    edit(place, f" digest: {digest},", "")


def linked(place: Path) -> None:
    (place / "elsewhere").mkdir()
    target = place / "elsewhere" / "other.yaml"
    shutil.move(place / DONE, target)
    (place / DONE).symlink_to(target)


VARIANTS = {
    "as it was run": lambda place: None,
    "without a digest": without_digest,
    "an absolute path": lambda place: edit(place, "../files", str(place / "files")),
    "a file inside": lambda place: (
        shutil.copy(place / "files" / "trap.py", place / "trap"),
        edit(place, "../files/", ""),
    ),
    "a tag": lambda place: edit(
        place, "title: ''", f"title: !!python/object/apply:os.system ['touch {place}/t.ran']"
    ),
    "linked": linked,
    "no rows": lambda place: shutil.rmtree(place / "trap" / "estimates"),
    "study.yaml alone": lambda place: only(place, "study.yaml", "summary.csv"),
}

REFUSED = ("without a digest", "a tag")  # every command says so in one line


def commands(folder: Path, scenario: str):
    one = ("replay", folder, "--scenario", scenario, "--replication", 2)
    yield from (
        ("summarize", folder),
        ("summarize", folder, "--format", "json"),
        ("summarize", folder, "--format", "csv", "--wide"),
        ("summarize", folder / "estimates", "--estimate", "estimate", "--std-error", "std_error",
         "--true", 0),
        ("report", folder),
        ("compare", folder, folder.parent / "printed.csv"),
        one,
        (*one, "--json"),
        (*one, "--method", "ols", "--csv", folder.parent / "d.csv"),
        ("plan", folder / "study.yaml"),
        ("run", folder / "study.yaml", "--results", folder.parent, "--jobs", 1),
        ("run", folder / "study.yaml", "--results", folder.parent, "--jobs", 1,
         "--replications", 8),
        ("run", folder / "study.yaml", "--results", folder.parent / "new", "--jobs", 1),
    )  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_command_imports_a_file_of_a_results_folder(place, variant):
    scenario = results_folder.ResultsFolder(place / "trap").study().designs[0].id
    if variant != "as it was run":  # a drawing takes half a second, and asks for no file
        edit(place, "figures: [zip]", "figures: []")
    VARIANTS[variant](place)
    codes = []
    for command in commands(place / "trap", scenario):
        ran = call(*command)
        codes.append((*command[:2], ran.code))
        assert ran.code in (0, 1, 2), (command, ran)
        assert "internal error" not in ran.err and "Traceback" not in ran.out + ran.err, ran
        assert ran.code == 0 or len(ran.err.splitlines()) == 1, (command, ran)
        assert traces(place) == [], command
    assert call_process("report", "trap", cwd=place).code in (0, 1, 2)
    if variant in REFUSED:
        assert {code for verb, target, code in codes if target == place / "trap"} == {2}
    assert traces(place) == []


@pytest.mark.parametrize("left", ["totals", "run.log.1of2.jsonl"])
def test_a_folder_of_totals_or_of_a_share_is_known_by_them(place, left):
    (place / "trap" / "totals").mkdir()
    (place / "trap" / "run.log.1of2.jsonl").touch()
    only(place, "study.yaml", left)
    assert call("plan", place / DONE).code == 2
    assert traces(place) == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_nor_does_python_when_it_opens_one(place, variant):
    VARIANTS[variant](place)
    try:
        found = simstudy.Results.open(place / "trap")
    except UserError:
        assert variant in REFUSED
        return
    assert "ols" in str(found.summary.method.unique())
    assert len(found.failures) == 0 and set(found.extras.name) <= {"seconds"}
    with pytest.raises(UserError, match="is not imported for a study"):
        found.study.methods[1].fit(None)
    with pytest.raises(UserError, match="is not imported"):
        simstudy.run(found.study, results=place / "new", jobs=1)
    with pytest.raises(UserError, match="is not imported"):
        simstudy.run(place / DONE, results=place / "newer", jobs=1)
    assert traces(place) == []


def test_finished_results_are_read_and_reported_all_the_same(place):
    """What the report needs of the file is stored: docstring, source, packages."""
    folder = place / "trap"
    shutil.rmtree(folder / "report")
    shutil.rmtree(place / "files")
    assert call("report", folder).code == 0
    text = (folder / "report" / "methods.md").read_text(encoding="utf-8")
    assert "- **ols.** Says what it does, {html} and all. The authors' own function `ols`" in text
    assert "The authors' own functions used pandas" in text
    (source,) = (folder / "sources").glob("trap-*.py")
    assert source.read_text() == TRAP
    ran = call("run", folder / "study.yaml", "--results", place, "--jobs", 1)
    assert ran.code == 0 and "nothing is missing" in ran.out


def test_replay_shows_the_stored_row_and_refits_only_with_trust(place):
    folder = place / "trap"
    scenario = results_folder.ResultsFolder(folder).study().designs[1].id
    one = ("replay", folder, "--scenario", scenario, "--replication", 3)
    said = call(*one)
    assert said.code == 0, said
    (line,) = [line for line in said.out.splitlines() if line.startswith("ols")]
    assert str(place / "files" / "trap.py") in line and "--trust" in line and "stored" in line
    assert sum(line.endswith("identical") for line in said.out.splitlines()) == 1  # pooled
    fits = {fit["label"]: fit for fit in json.loads(call(*one, "--json").out)["fits"]}
    assert fits["ols"]["stored"]["std_error"] == 1.0 and fits["ols"]["refitted"] is None
    assert traces(place) == []
    said = call(*one, "--trust")
    assert said.code == 0 and traces(place) == ["trap.py.ran"]
    assert sum(line.endswith("identical") for line in said.out.splitlines()) == 2


def test_plan_names_a_file_before_it_imports_it(place):
    """Even one that ends the process at once."""
    (place / "files" / "trap.py").write_text("import os\nos._exit(7)\n")
    ran = call_process("plan", "trap.yaml", cwd=place)
    assert ran.out == f"imports {place / 'files' / 'trap.py'} for ols\n"


def test_a_copy_of_the_study_outside_is_a_study_file_again(place):
    (place / "mine").mkdir()
    shutil.copy(place / DONE, place / "mine")
    ran = call("run", place / "mine" / "study.yaml", "--results", place / "new", "--jobs", 1)
    assert ran.code == 0 and traces(place) == ["trap.py.ran"]


WRONG = ["", "[]", '{"accounts": 3}', '{"accounts": {"a": {}}}', "\0", "[" * 100_000]


@pytest.mark.parametrize("content", WRONG)
def test_what_is_stored_of_a_file_is_data_that_may_be_wrong(place, content):
    folder = place / "trap"
    (folder / "sources" / "accounts.json").write_text(content)
    assert call("report", folder).code == 0
    text = (folder / "report" / "methods.md").read_text(encoding="utf-8")
    assert "- **ols.** The authors' own function `ols`" in text


def test_what_docs_security_promises_is_tested_by_the_files_it_names():
    root = ROOT
    text = (root / "docs" / "security.md").read_text(encoding="utf-8")
    named = {name for name in text.replace("`", " ").split() if name.startswith("tests/")}
    assert len(named) == 4 and all((root / name).is_file() for name in named)
    assert "docs/security.md" in (root / "README.md").read_text(encoding="utf-8")
    for folder in results_folder.FOLDERS:
        assert f"`{folder}`" in text or folder == results_folder.SET_ASIDE, folder
