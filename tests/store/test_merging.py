"""Results of one study from several folders in one, and what is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from helpers_cli import assert_refused, call, listing
from helpers_own import rows, study, use, written

from simstudy.results import Results
from simstudy.runner.execute import execute
from simstudy.runner.plan import plan
from simstudy.runner.provenance import provenance
from simstudy.runner.work import work
from simstudy.store import content, failures, parts, study_file
from simstudy.store.compaction import compact
from simstudy.store.results_folder import EXTRAS, FAILURES, ResultsFolder

HALF, ALL = 64, 128


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """`all/own`, and its halves `first/own` and `second/own` by replication."""
    home = tmp_path_factory.mktemp("made")
    mine = written(home).parent
    methods = ["pooled", use(mine, "means"), use(mine, "fragile", limit=2.5)]
    short, whole = study(methods, HALF), study(methods, ALL)
    execute(short, ResultsFolder(home / "first" / "own"), 1)
    second = ResultsFolder(home / "second" / "own")
    study_file.prepare(whole, second)
    for task in plan(whole, ResultsFolder(home / "first" / "own").parts()):
        work(task, second, provenance(whole) | {"cpu": "another"})
    shutil.copytree(home / "first", home / "all")
    execute(whole, ResultsFolder(home / "all" / "own"), 1)
    return home


@pytest.fixture
def home(made, tmp_path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(made, tmp_path / "home"))


def same(folder: Path, whole: Path) -> None:
    """Whether two folders hold the same rows, failures and summary."""
    assert rows(folder).equals(rows(whole))
    left, right = Results.open(folder), Results.open(whole)
    assert left.summary_table().equals(right.summary_table())
    keys = ["scenario", "method", "replication"]
    for beside in ("failures", "extras"):
        frames = [getattr(each, beside).sort_values(keys) for each in (left, right)]
        assert frames[0][keys].reset_index(drop=True).equals(frames[1][keys].reset_index(drop=True))
    assert left.n_missing == 0


def test_halves_of_a_study_become_all_of_it(home):
    ran = call("merge", home / "first/own", home / "second/own", "--into", home / "new/own")
    assert (ran.code, ran.err) == (0, "")
    assert f"study.yaml is that of {home}/second/own, 768 fits" in ran.out
    assert "768 of 768 fits are there; nothing is missing" in ran.out
    assert f"run CONFIG --results {home}/new" in ran.out
    same(home / "new/own", home / "all/own")
    assert listing(home / "new/own/sources") == ["accounts.json"] + [
        name for name in listing(home / "all/own/sources") if name.endswith(".py")
    ]
    again = call("merge", home / "first/own", home / "second/own", "--into", home / "new/own")
    assert again.code == 0 and again.out.startswith(f"{home}/new/own: 0 parts are copied")
    into = call("merge", home / "second/own", "--into", home / "first/own")
    assert into.code == 0
    same(home / "first/own", home / "all/own")


@pytest.mark.parametrize("step", [1, 9])
def test_an_interrupted_merge_is_completed_by_another(home, monkeypatch, step):
    left = [step]
    write = ResultsFolder.write

    def stopped(self, *arguments):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        write(self, *arguments)

    command = "merge", home / "first/own", home / "second/own", "--into", home / "new/own"
    with monkeypatch.context() as patch:
        patch.setattr(ResultsFolder, "write", stopped)
        assert call(*command).code == 130
    assert call(*command).code == 0
    same(home / "new/own", home / "all/own")


def test_folders_that_were_compacted_merge_as_well(home):
    first, everything = ResultsFolder(home / "first/own"), ResultsFolder(home / "all/own")
    compact(everything.study(), everything)
    n_parts = len(everything.parts())
    ran = call("merge", home / "all/own", home / "first/own", "--into", home / "new/own")
    assert ran.code == 0
    assert f"{n_parts} parts are copied, {len(first.parts())} were there or came twice" in ran.out
    same(home / "new/own", home / "all/own")


def change(folder: ResultsFolder, method: str, kind: str) -> str:
    """Make a part of a method with other rows, or with other things beside them."""
    part = next(part for part in folder.parts() if part.methods[0].startswith(method))
    whole = content.read(folder, part, parts.Whose({}))
    if kind == "rows":
        whole.rows["estimate"][0, 0, 0] *= 1 + 1e-15
    else:
        table = whole.beside[kind].to_pandas()
        last = table.columns[3] if kind == FAILURES else "value"
        table.loc[table.index[-1], last] = "other" if kind == FAILURES else 0.25
        if kind == EXTRAS:
            table["name"] = "largest"
        whole.beside[kind] = pa.Table.from_pandas(table, whole.beside[kind].schema)
    whole.write(folder)
    return str(part)


@pytest.mark.parametrize(
    ("method", "kind", "compacted"),
    [("pooled", "rows", False), ("means", "rows", True), ("fragile", FAILURES, False),
     ("means", EXTRAS, True)],
)  # fmt: skip
def test_other_rows_are_refused_and_nothing_is_written(home, method, kind, compacted):
    name = change(ResultsFolder(home / "first/own"), method, kind)
    if compacted:
        everything = ResultsFolder(home / "all/own")
        compact(everything.study(), everything)
    before = listing(home)
    both, other = ("all/own", "first/own"), ("all/own",)
    for given, into in ((both, "new/own"), (both, "second/own"), (other, "first/own")):
        ran = call("merge", *(home / folder for folder in given), "--into", home / into)
        line = assert_refused(ran)
        assert name in line and "has other rows than" in line and "nothing was written" in line
    assert listing(home) == before


def test_seconds_tracebacks_and_footers_do_not_count(home):
    first = ResultsFolder(home / "first/own")
    for part in first.parts():
        whole = content.read(first, part, parts.Whose({}))
        beside = {}
        for kind, table in whole.beside.items():
            frame = table.to_pandas()
            if kind == FAILURES:
                frame["traceback"] = "of another machine"
            else:
                frame.loc[frame["name"] == failures.SECONDS, "value"] = 3.25
            beside[kind] = pa.Table.from_pandas(frame, table.schema)
        footer = {**whole.footer, "git_commit": "another"}
        whole._replace(beside=beside, footer=footer).write(first)
    ran = call("merge", home / "all/own", home / "first/own", "--into", home / "new/own")
    assert (ran.code, ran.err) == (0, "")
    same(home / "new/own", home / "all/own")


def test_a_broken_part_is_told_and_taken_from_where_it_is_whole(home):
    second = ResultsFolder(home / "second/own")
    lost = second.parts()[0]
    rotten = second.read(second.of_part(lost))[:-40] + bytes(40)
    second.write(second.of_part(lost), rotten)
    command = "merge", home / "first/own", home / "second/own", "--into", home / "new/own"
    ran = call(*command)
    assert ran.code == 1 and f"{lost}: " in ran.err and "not merged" in ran.err
    assert "768 fits are there; " in ran.out and " are missing" in ran.out
    assert lost not in ResultsFolder(home / "new/own").parts()
    ran = call("merge", home / "second/own", home / "all/own", "--into", home / "new/own")
    assert ran.code == 1  # it is told, and whole all the same
    same(home / "new/own", home / "all/own")


def test_other_studies_and_places_are_refused(home, tmp_path):
    mine = written(tmp_path / "m").parent
    execute(study([use(mine, "means")], 8, seed=6), ResultsFolder(home / "seed/own"), 1)
    execute(study(["pooled"], 8, name="else"), ResultsFolder(home / "name/else"), 1)
    before = listing(home)
    for other, words in (("seed/own", "is of seed 6, and"), ("name/else", "is of name else, and"),
                         ("none", "no such folder"), ("seed", "no study.yaml here")):  # fmt: skip
        ran = call("merge", home / "first/own", home / other, "--into", home / "new/own")
        assert words in assert_refused(ran)
    (home / "torn/own").mkdir(parents=True)
    shutil.copytree(home / "first/own/estimates", home / "torn/own/estimates")
    ran = call("merge", home / "first/own", "--into", home / "torn/own")
    assert "without a study.yaml" in assert_refused(ran)
    shutil.rmtree(home / "torn")
    assert listing(home) == before


@pytest.mark.parametrize(("options", "said"), [
    ("", ""), ("?colour=geheim", " (and the URI's key and options, which are left out here)"),
])  # fmt: skip
def test_a_command_that_lacks_options_of_a_uri_says_so(home, options, said):
    ran = call("merge", home / "all/own", "--into", f"mock://{home}/own{options}")
    assert ran.code == 0 and ran.out.endswith(f"run CONFIG --results mock://{home}{said}\n"), ran


def test_nothing_is_merged_into_itself(home):
    for folder in (home / "all/own", home / "nowhere"):
        assert "into itself" in assert_refused(call("merge", folder, "--into", folder))


def test_what_a_folder_says_to_use_is_not_imported(home, tmp_path):
    for file in home.rglob("mine*.py"):
        file.write_text(f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()\n")
    stem = home / "first/own"
    lost = ResultsFolder(stem)
    lost.remove(lost.of_part(lost.parts()[0]))
    for verb, *more in (("merge", "--into", home / "new/own"), ("status",), ("compact",)):
        assert call(verb, stem, *more).code in (0, 3)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "said",
    [{"beside": {"../../beyond": "DIGEST"}}, {"beside": ["extras"]}, {"beside": {"extras": 7}},
     {"also": 7}, {"also": [7, []]}, {"packages": 3}],
)  # fmt: skip
def test_a_stranger_s_footer_leads_nowhere(home, said):
    first = ResultsFolder(home / "first/own")
    part = next(part for part in first.parts() if part.methods == ("pooled",))
    whole = content.read(first, part, parts.Whose({}))
    (home / "beyond").mkdir()
    some = min((home / "first/own/failures").iterdir()).read_bytes()
    (home / "beyond" / str(part)).write_bytes(some)  # a file of the form, as the footer says it
    digest = hashlib.sha256(some).hexdigest()[:16]
    said = json.loads(json.dumps(said).replace("DIGEST", digest))
    columns = parts.Columns(*(whole.rows[name].ravel() for name in parts.Columns._fields))
    parts.write(first, part, whole.footer["methods"], [columns], {**whole.footer, **said})
    before = listing(home)
    for verb, *more in (("status",), ("compact",), ("merge", "--into", home / "deep/er/new/own")):
        ran = call(verb, home / "first/own", *more)
        assert "internal error" not in ran.err
    new = [name for name in listing(home) if name not in before]
    outside = [name for name in new if not name.startswith(("deep/er/new/own/", "first/own/"))]
    assert outside in (["deep", "deep/er", "deep/er/new", "deep/er/new/own"], [])


def test_stores_of_one_name_are_two_places():
    """What is shown of a URI leaves out which store it is."""
    one, other = (ResultsFolder(f"s3://b/x?endpoint_override=http://127.0.0.1:{port}")
                  for port in (9, 10))  # fmt: skip
    assert str(one) == str(other) and not one.files.is_same(other.files)
