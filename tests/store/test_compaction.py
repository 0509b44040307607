"""Many parts into few: every row stays, whatever is interrupted."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pytest
from helpers_cli import assert_refused, call, listing
from helpers_own import rows, study, untimed, use, written

from simstudy.errors import UserError
from simstudy.generators.streams import BLOCK
from simstudy.results import Results
from simstudy.runner import same_bits
from simstudy.runner.execute import execute
from simstudy.runner.plan import plan
from simstudy.runner.provenance import provenance
from simstudy.runner.shards import n_missing
from simstudy.runner.task import run_task
from simstudy.runner.work import work
from simstudy.store import content, failures, footers, parts, study_file
from simstudy.store.at_work import RUN
from simstudy.store.compaction import COMPACTED, Join, compact, joins, nested
from simstudy.store.names import PartName, holders
from simstudy.store.processes import host
from simstudy.store.results_folder import BESIDE, ESTIMATES, FAILURES, WORK, ResultsFolder
from simstudy.study.study import Study

REPLICATIONS = 40


@pytest.fixture(scope="module")
def one(tmp_path_factory) -> Study:
    """Methods that fail, warn and give extras, and one that is built in."""
    mine = written(tmp_path_factory.mktemp("code")).parent
    warning = (mine / "mine.py").read_text() + (
        "\n\n@simstudy.method\ndef noisy(data):\n"
        '    warnings.warn(f"small {len(data)}")\n    return data.y.mean(), 1.0\n'
    )
    (mine / "mine.py").write_text(warning)
    own = [use(mine, "means"), use(mine, "fragile", limit=2.5), use(mine, "noisy")]
    return study(["pooled", *own], REPLICATIONS)


@pytest.fixture(scope="module")
def whole(one, tmp_path_factory) -> Said:
    """The study as a run leaves it."""
    folder = ResultsFolder(tmp_path_factory.mktemp("whole") / "own")
    execute(one, folder, 1)
    return said_by(one, folder)


@pytest.fixture(scope="module")
def in_pieces(one, tmp_path_factory) -> ResultsFolder:
    """The same in many small parts."""
    folder = ResultsFolder(tmp_path_factory.mktemp("pieces") / "own")
    cut(one, folder, np.random.default_rng(4))
    return folder


@pytest.fixture
def folder(in_pieces, tmp_path) -> ResultsFolder:
    """A copy of it."""
    shutil.copytree(in_pieces.files.path(), tmp_path / "own")
    return ResultsFolder(tmp_path / "own")


def cut(one: Study, folder: ResultsFolder, rng, overlaps: bool = False) -> None:
    """The same study in ranges of any length, in any order, some of them twice."""
    study_file.prepare(one, folder)
    pieces = []
    for wide in (task.only(1, REPLICATIONS) for task in plan(one, []) if task.first == 1):
        ends = sorted({*rng.choice(np.arange(1, REPLICATIONS), 3), REPLICATIONS})
        spans = zip([0, *ends], ends, strict=False)
        pieces += [wide.only(int(first) + 1, int(last)) for first, last in spans]
        if overlaps:
            pieces.append(wide.only(*sorted(map(int, rng.integers(1, REPLICATIONS + 1, 2)))))
    source = provenance(one)
    for k in rng.permutation(len(pieces)):
        work(pieces[k], folder, source | {"git_commit": f"c{k % 3}"})


class Said(NamedTuple):
    """All that a results folder says of a study, but for seconds and tracebacks."""

    rows: Any
    beside: list[Any]
    summary: Any


def said_by(one: Study, folder: ResultsFolder) -> Said:
    tables = [failures.read(one, folder, kind).to_pandas() for kind in BESIDE]
    keys = ["scenario", "method", "replication"]
    beside = [
        untimed(table).drop(columns="traceback", errors="ignore")
        .sort_values([*keys, *table.columns[3:4]]).reset_index(drop=True) for table in tables
    ]  # fmt: skip
    place = folder.files.path()
    return Said(rows(place), beside, Results(one, place).summary_table())


def same(one: Study, folder: ResultsFolder, whole: Said, raw: bool = True) -> None:
    """Rows, what lies beside them and the summary are those of an undivided run."""
    said = said_by(one, folder)
    assert said.rows.equals(whole.rows) or not raw
    assert all(left.equals(right) for left, right in zip(said.beside, whole.beside, strict=True))
    assert not n_missing(one, folder.parts())
    assert said.summary.equals(whole.summary)


@pytest.mark.parametrize("seed", range(2))
def test_rows_stay_however_ranges_were_cut(one, whole, tmp_path, seed):
    folder, rng = ResultsFolder(tmp_path / "own"), np.random.default_rng(seed)
    cut(one, folder, rng, overlaps=seed == 1)
    before = folder.parts()
    done = compact(one, folder)
    same(one, folder, whole, raw=seed != 1)
    after = folder.parts()
    assert not done.left_alone and done.n_aside == len(folder.names(f"{COMPACTED}/{ESTIMATES}"))
    assert {f"{p}" for p in before} <= {*map(str, after), *folder.names(f"{COMPACTED}/{ESTIMATES}")}
    if seed != 1:  # a part a method, in which all scenarios stand
        assert [len(part.scenarios) for part in after] == [2] * 4
    again = compact(one, folder)
    assert again.n_aside == 0 and folder.parts() == after


@pytest.mark.parametrize("step", [2, 4, 9])
def test_nothing_is_lost_or_counted_twice_where_it_is_interrupted(
    one, whole, folder, monkeypatch, step
):
    left = [step]

    def until(act):
        def stopped(self, *arguments):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return act(self, *arguments)

        return stopped

    with monkeypatch.context() as patch:
        for name in ("write", "move"):
            patch.setattr(ResultsFolder, name, until(getattr(ResultsFolder, name)))
        with pytest.raises(KeyboardInterrupt):
            compact(one, folder)
    same(one, folder, whole, raw=False)
    compact(one, folder)
    same(one, folder, whole)
    assert len(folder.parts()) == 4


def test_a_study_goes_on_where_its_parts_were_joined(one, whole, folder):
    compact(one, folder)
    part = next(part for part in folder.parts() if part.methods == ("pooled",))
    folder.remove(folder.of_part(part))
    (half,) = [task.only(3, 9) for task in plan(one, folder.parts())]
    work(half, folder, provenance(one))
    assert execute(one, folder, 1) == 2 * (REPLICATIONS - 7)
    same(one, folder, whole)
    compact(one, folder)
    same(one, folder, whole)


def test_what_is_broken_stays_and_what_is_left_joins(one, whole, folder):
    before = folder.parts()
    lost = next(part for part in before if part.first > 1 and part.last < REPLICATIONS)
    content = folder.read(folder.of_part(lost))
    folder.write(folder.of_part(lost), content[:400], bytes(8), content[408:])
    ran = call("compact", folder)
    assert ran.code == 1
    first, _ = ran.err.splitlines()
    assert f"{lost}: its bytes are not those that were written; left as it is" in first
    assert lost in folder.parts() and len(folder.parts()) <= 8
    ran = call("status", folder)
    assert ran.code == 3 and f"{lost}: its bytes are not" in ran.out
    folder.write(folder.of_part(lost), content)
    assert call("compact", folder).code == 0
    same(one, folder, whole)


def test_other_rows_of_the_same_replications_are_kept_and_told(one, whole, tmp_path):
    folder = ResultsFolder(tmp_path / "own")
    study_file.prepare(one, folder)
    task = plan(one, [])[0]
    work(task, folder, provenance(one))
    (part,) = folder.parts()
    rows_of = parts.read(folder, part, parts.Columns._fields, parts.Whose.of(one))
    inner = PartName(part.scenarios[:1], part.methods, 0, 3, 9)
    other = parts.Columns(*(rows_of[name][0, 0, 2:9] * 1 for name in parts.Columns._fields))
    other.estimate[0] += 1e-16 + abs(other.estimate[0]) * 1e-15
    footer = parts.footer(folder, part)
    parts.write(folder, inner, footer["methods"], [other], footer)
    ran = call("compact", folder)
    assert ran.code == 1 and f"has other rows than {part}" in ran.err
    assert len(folder.parts()) == 2


def test_the_footer_says_all_that_rows_come_from(one, folder):
    compact(one, folder)
    compact(one, folder)
    for part in folder.parts():
        footer = parts.footer(folder, part)
        origins = footers.origins(footer)
        assert {of["git_commit"] for of in origins} == {"c0", "c1", "c2"}
        assert len(origins) == 3 and all(of["seed"] == one.seed for of in origins)
        assert footer["keys"].keys() == {*part.scenarios}


def test_a_check_of_bits_computes_no_more_of_a_wide_part_than_a_range(one, folder, monkeypatch):
    compact(one, folder)
    tasks = []
    monkeypatch.setattr(same_bits, "run_task", lambda task: tasks.append(task) or run_task(task))
    elsewhere = provenance(one) | {"cpu": "another"}
    same_bits.refuse_other_bits(one, folder, folder.parts(), elsewhere)
    ranges = {task.key[2]: task.last for task in plan(one, []) if task.first == 1}
    assert [task.last for task in tasks] == [ranges[task.key[2]] for task in tasks]
    assert len(tasks) == 4 and min(task.last for task in tasks) < REPLICATIONS
    part = folder.parts()[0]
    whole = content.read(folder, part, parts.Whose.of(one))
    whole.rows["estimate"][:] += 1
    whole.write(folder)
    with pytest.raises(UserError, match="differs when computed again"):
        same_bits.refuse_other_bits(one, folder, folder.parts(), elsewhere)


def test_a_run_that_is_at_work_is_not_disturbed(folder):
    marker = f"{WORK}/{os.getppid()}-{host()}-{RUN}"
    folder.write(marker)
    before = listing(folder.files.path())
    assert "a run is at work here" in assert_refused(call("compact", folder))
    assert listing(folder.files.path()) == before
    folder.remove(marker)
    assert call("compact", folder).code == 0


def test_what_a_timeout_cut_stays_apart(one, tmp_path):
    folder = ResultsFolder(tmp_path / "own")
    study_file.prepare(one, folder)
    task = next(task for task in plan(one, []) if task.kind.startswith(use(tmp_path, "")["use"][:1])
                or "fragile" in task.kind)  # fmt: skip
    for first in range(1, REPLICATIONS, 10):
        said = {footers.TIMEOUT: 2.0} if first == 11 else {}
        work(task.only(first, first + 9), folder, provenance(one) | said)
    assert len(folder.parts(FAILURES)) == 4
    compact(one, folder)
    assert sorted((part.first, part.last) for part in folder.parts()) == [
        (1, 10),
        (11, 20),
        (21, 40),
    ]


# which parts join


def name(scenarios: str, first: int, last: int, methods: str = "m") -> PartName:
    return PartName(
        tuple(scenarios.split("+")), tuple(methods.split("+")), (first - 1) // BLOCK, first, last
    )


def test_many_thousands_become_tens():
    listed = [name(f"{s:08x}", 1 + 32 * k, 32 + 32 * k) for s in range(32) for k in range(1000)]
    found = joins(listed)
    assert len(found) == 8  # packs of four scenarios: 128,000 rows each
    assert Counter(part for join in found for part in join.members) == Counter(listed)
    assert all(join.whole.n_rows == sum(part.n_rows for part in join.members) for join in found)


def test_what_joins_has_neighbouring_spans_the_same_methods_and_a_bounded_size():
    a, b = "0" * 8, "1" * 8
    assert joins([name(a, 1, 4), name(a, 6, 9)]) == []
    assert joins([name(a, 1, 4, "m"), name(a, 5, 9, "n")]) == []
    assert joins([name(a, 1, 4), name(b, 5, 9)]) == []
    assert joins([name(a, 1, 1 << 17), name(a, (1 << 17) + 1, 1 << 18)]) == []
    (join,) = joins([name(a, 5, 9), name(b, 1, 9), name(a, 1, 4)])
    assert join == Join(name(f"{a}+{b}", 1, 9), (name(a, 1, 4), name(a, 5, 9), name(b, 1, 9)))


def test_a_part_is_held_by_one_that_has_all_of_it():
    a, b = "0" * 8, "1" * 8
    wide, inner, beside = name(f"{a}+{b}", 1, 9), name(b, 2, 9), name(b, 5, 12)
    assert list(nested([inner, beside, wide])) == [Join(wide, (inner,))]
    assert list(nested([name(a, 1, 4), name(a, 5, 9)])) == []
    assert holders([wide])[a, "m"] == [wide]
