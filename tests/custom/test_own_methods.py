"""A user's own methods: by file and name, the same rows whatever the jobs, known by content."""

from __future__ import annotations

import collections
import inspect
import json
import random
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers_cli import ROOT, assert_refused, call, call_process, conforms, environment
from helpers_own import FILE, GRID, rows, run, study, use, written
from scipy import special

import simstudy
from simstudy import conformance
from simstudy.custom import answers, load
from simstudy.custom import call as own_call
from simstudy.errors import UserError
from simstudy.estimates import STATUSES
from simstudy.moments import Units
from simstudy.numerics.reduce import reduce
from simstudy.results import Results
from simstudy.runner import execute as execute_module
from simstudy.runner.execute import execute
from simstudy.runner.plan import plan
from simstudy.runner.provenance import provenance
from simstudy.runner.task import run_task
from simstudy.runner.work import work
from simstudy.store import failures, parts, seal, study_file
from simstudy.store.results_folder import ResultsFolder
from simstudy.summary.expected import expected
from simstudy.summary.study import summarize_study

pytestmark = pytest.mark.slow

NUMBERS = ("estimate", "std_error", "df", "p_value")
UNCONVERGED = "did not converge (converged is False)"
EVERY = ("ols", "means", "fragile", "bootstrap")


@pytest.fixture
def mine(tmp_path):
    return written(tmp_path / "files").parent


def columns(table):
    return {name: np.array(table.column(name).to_pylist(), float) for name in NUMBERS}


DESIGNS = {
    "equal": {},
    "unequal": {"cluster_size": {"uniform": [2, 9]}},
    "listed": {"cluster_size": {"sizes": [2, 7, 3, 3, 9, 1]}},
    "binary": {"x": "binary", "x_icc": 1},
    "blocked": {"x": "binary_blocked", "x_icc": None},
    "one size, cluster-level x": {"x_icc": 1, "cluster_size": 5, "contextual_effect": 0},
}


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("grain", [None, "rows"])
def test_the_data_frame_is_the_data_set_of_the_built_in_methods(tmp_path, mine, design, grain):
    """OLS on the frame is `pooled` on moments: 1e-9, since rows refine moments by rounding."""
    grid = {k: v for k, v in (GRID | {"cluster_size": 4} | DESIGNS[design]).items()
            if v is not None}  # fmt: skip
    more = {} if grain is None else {"grain": grain}
    run(study(["pooled", use(mine, "ols")], 40, grid, **more), tmp_path / "r")
    ours, theirs = (columns(rows(tmp_path / "r", name)) for name in ("pooled", "ols"))
    for name in NUMBERS:
        assert np.allclose(theirs[name], ours[name], rtol=1e-9, atol=1e-11), name


@pytest.mark.parametrize("grain", [None, "clusters", "rows"])
def test_moments_are_those_of_the_built_in_methods(tmp_path, mine, grain):
    more = {} if grain is None else {"grain": grain}
    run(study(["cluster_means", use(mine, "means")], 300, **more), tmp_path / "r")
    ours, theirs = (columns(rows(tmp_path / "r", name)) for name in ("cluster_means", "means"))
    for name in NUMBERS:
        assert np.allclose(theirs[name], ours[name], rtol=1e-11, atol=1e-13), name


def test_rows_are_the_same_on_two_jobs_and_in_any_order(tmp_path, mine):
    one = study(["pooled", *(use(mine, name) for name in EVERY)])
    first = run(one, tmp_path / "a")
    assert first.num_rows == 2 * 70 * 5
    assert first.equals(run(one, tmp_path / "b", jobs=2))
    study_file.prepare(one, ResultsFolder(tmp_path / "c"))
    tasks = plan(one, [])
    random.Random(3).shuffle(tasks)
    for task in tasks:
        work(task, ResultsFolder(tmp_path / "c"), provenance(one))
    assert first.equals(rows(tmp_path / "c"))
    for kind in ("failures", "extras"):
        names = sorted(p.name for p in (tmp_path / "a" / kind).iterdir())
        assert names == sorted(p.name for p in (tmp_path / "b" / kind).iterdir())


def test_more_replications_methods_and_levels_run_only_what_is_missing(tmp_path, mine):
    few = study([use(mine, "ols"), use(mine, "bootstrap")], 40, GRID | {"cluster_size": 4})
    more = study(["pooled", *(use(mine, name) for name in EVERY)], 90)
    execute(few, ResultsFolder(tmp_path / "a"), 1)
    stamps = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "a" / "estimates").iterdir()}
    assert execute(more, ResultsFolder(tmp_path / "a"), 1) == 2 * 90 * 5 - 2 * 40
    for name, stamp in stamps.items():
        assert (tmp_path / "a" / "estimates" / name).stat().st_mtime_ns == stamp
    assert rows(tmp_path / "a").equals(run(more, tmp_path / "b"))
    assert execute(more, ResultsFolder(tmp_path / "a"), 1) == 0


def test_own_methods_change_no_row_of_a_built_in_one(tmp_path, mine):
    alone = run(study(["pooled", "random_intercept"]), tmp_path / "a")
    both = study(["pooled", *(use(mine, name) for name in EVERY), "random_intercept"])
    run(both, tmp_path / "b")
    for name in ("pooled", "random_intercept"):
        assert rows(tmp_path / "b", name).equals(rows(tmp_path / "a", name))
    assert alone.num_rows == 280


def test_tasks_of_own_methods_are_short_and_come_last(mine):
    one = study([use(mine, "ols"), "pooled", use(mine, "means")], 10_000)
    tasks = plan(one, [])
    own = [not task.shared for task in tasks]
    assert own == sorted(own) and not own[0]
    lengths = {task.methods[0].name: set() for task in tasks if not task.shared}
    for task in tasks:
        assert task.shared or len(task.methods) == len(task.pieces) == 1
        if not task.shared:
            lengths[task.methods[0].name].add(task.last - task.first + 1)
    assert lengths == {"ols": {32, 10_000 % 32}, "means": {4096, 10_000 % 4096}}
    first = [task.pieces[0].id for task in tasks if not task.shared][:4]
    assert len(set(first)) == 2  # every scenario is soon begun


def test_a_declared_part_is_the_length_of_a_range(tmp_path, mine):
    text = FILE.replace("@simstudy.method\ndef ols", "@simstudy.method(part=7)\ndef ols")
    written(mine, text)
    run(study([use(mine, "ols")], 20), tmp_path / "r")
    spans = {(part.first, part.last) for part in ResultsFolder(tmp_path / "r").parts()}
    assert spans == {(1, 7), (8, 14), (15, 20)}


def test_an_edited_file_computes_anew_and_the_old_rows_are_ignored(tmp_path, mine):
    old = run(study([use(mine, "ols")], 30), tmp_path / "r")
    written(mine, FILE.replace('"estimate": slope,', '"estimate": slope + 1,'))
    edited = study([use(mine, "ols")], 30)
    assert execute(edited, ResultsFolder(tmp_path / "r"), 1, warn=lambda line: None) == 60
    both = rows(tmp_path / "r")
    assert both.num_rows == 120
    names = set(both.column("method").to_pylist())
    assert len(names) == 2 and all(n.startswith("ols[use=mine.py,digest=") for n in names)
    bias = [
        r
        for r in summarize_study(edited, ResultsFolder(tmp_path / "r")).to_pylist()
        if r["measure"] == "bias"
    ]
    mean = np.array(old.column("estimate").to_pylist()).reshape(2, 30).mean(axis=1)
    found = {r["scenario"]: r["value"] for r in bias}
    for scenario, value in zip(sorted(found), mean, strict=True):
        assert found[scenario] == pytest.approx(value + 1 - 0.3, abs=1e-12)


def test_line_endings_and_folders_are_no_part_of_a_method(tmp_path, mine):
    first = study([use(mine, "ols")]).methods[0]
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "mine.py").write_bytes(FILE.replace("\n", "\r\n").encode())
    assert study([use(other, "ols")]).methods[0].canonical == first.canonical
    written(other, FILE + "# a comment\n")
    assert study([use(other, "ols")]).methods[0].canonical != first.canonical


def test_stored_results_read_without_the_file_and_say_so_when_they_need_it(tmp_path, mine):
    file = tmp_path / "own.yaml"
    file.write_text(
        "name: own\nseed: 5\nreplications: 20\nscenarios: {n_clusters: 6, cluster_size: 4, "
        "icc: 0, x_icc: 0.5, slope: 0}\nmethods: [pooled, {use: 'files/mine.py:ols'}, "
        "{use: 'files/mine.py:bootstrap', draws: 5, label: b}]\n"
    )
    found = call("run", file, "--results", tmp_path / "deep" / "down", "--jobs", 1)
    assert found.code == 0, found
    folder = tmp_path / "deep" / "down" / "own"
    again = Results.open(folder)
    assert [m.canonical for m in again.study.methods] == [
        m.canonical for m in simstudy.load(file).methods
    ]
    assert execute(again.study, ResultsFolder(folder), 1) == 0
    before = call("summarize", folder, "--format", "csv")
    shutil.rmtree(mine)
    assert call("summarize", folder, "--format", "csv") == before
    command = ["run", folder / "study.yaml", "--results", folder.parent, "--replications", 40]
    assert "is not imported for a study.yaml of a results folder" in assert_refused(
        call_process(*command, cwd=tmp_path)
    )
    (folder.parent / "copy").mkdir()  # a study file like any other, and as deep
    command[1] = shutil.copy(folder / "study.yaml", folder.parent / "copy")
    assert "mine.py" in assert_refused(call_process(*command, cwd=tmp_path))
    written(mine, FILE + "# edited\n")
    said = assert_refused(call_process(*command, cwd=tmp_path))
    assert "has changed: its digest is" in said


REFUSED = {
    "no function": ({"use": "mine.py"}, "methods[0].use: expected 'file.py:function'"),
    "no python": ({"use": "mine.txt:ols"}, "expected 'file.py:function'"),
    "no text": ({"use": 3}, "expected 'file.py:function'"),
    "no file": ({"use": "none.py:ols"}, "none.py: No such file"),
    "no such function": ({"use": "mine.py:meanz"}, "no function 'meanz'; did you mean 'means'?"),
    "undecorated": ({"use": "mine.py:plain"}, "plain is not decorated with @simstudy.method"),
    "option": ({"use": "mine.py:fragile", "limt": 3}, "methods[0].limt: fragile has no option"),
    "no options": ({"use": "mine.py:ols", "k": 3}, "ols has no option 'k'; it has none"),
    "rng": ({"use": "mine.py:bootstrap", "rng": 3}, "bootstrap has no option 'rng'"),
    "a list": ({"use": "mine.py:fragile", "limit": [1]}, "expected a number, text or true/false"),
    "label": ({"use": "mine.py:ols", "label": 3}, "methods[0].label: expected text"),
    "truth": ({"use": "mine.py:ols", "truth": "slop"}, "did you mean 'slope'?"),
    "python": ({"use": "python:ols"}, "expected 'file.py:function'"),
    "no use": (
        "bad.py:ok",
        "methods[0]: unknown method 'bad.py:ok'; a method of your own is "
        'written {use: "bad.py:ok"}',
    ),
    "a file": ("bad.py", 'a method of your own is written {use: "bad.py:FUNCTION"}'),
    "a name": ("ok", 'one of your own is written {use: "FILE.py:ok"}'),
    "misspelt": ("poold", "unknown method 'poold'; did you mean 'pooled'?"),
    "usee": ({"usee": "mine.py:ols"}, "methods[0]: unknown key 'usee'; did you mean 'use'?"),
    "path": ({"path": "mine.py:ols", "label": "o"}, "unknown key 'path'; did you mean 'use'?"),
    "imported": ({"use": "mine.py:sqrt"}, "sqrt is imported from math; use the file in which"),
    "constant": ({"use": "mine.py:Line_"}, "Line_ is no function: it is of type int"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path, case):
    entry, message = REFUSED[case]
    written(tmp_path, FILE + "\n\nfrom math import sqrt\n\nLine_ = 3\n")
    file = tmp_path / "s.yaml"
    head = "name: s\nseed: 1\nreplications: 5\nscenarios: {n_clusters: 4, cluster_size: 3, icc: 0"
    file.write_text(f"{head}, x_icc: 0, slope: 0}}\nmethods:\n  - {json.dumps(entry)}\n")
    line = assert_refused(call("run", file, "--results", tmp_path))
    assert message in line and (str(file) in line or "mine.py" in line)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import simstudy\nx = (\n", "mine.py:2: cannot be imported: SyntaxError"),
        ("\n\nimport no_such_library\n", "mine.py:3: cannot be imported: ModuleNotFoundError"),
        ("raise SystemExit(3)\n", "mine.py:1: cannot be imported: SystemExit: 3"),
        ("print('loud')\n", "no function 'ols'; no function has @simstudy.method"),
        ("import simstudy\n@simstudy.method(grain='row')\ndef ols(d): ...\n", "grain 'row'"),
        (
            "import simstudy\n@simstudy.method(grain='cluster')\ndef ols(d): ...\n",
            "mine.py:2: grain 'cluster' is not known; did you mean 'clusters'?",
        ),
        (
            "import simstudy\n@simstudy.method\ndef ols(): ...\n",
            "mine.py:2: ols needs an argument for the data",
        ),
        ("import simstudy\n@simstudy.method\ndef ols(*, data): ...\n", "an argument for the data"),
        ("import simstudy\n@simstudy.method\ndef ols(rng, k=1): ...\n", "before rng"),
        (
            "import simstudy\n@simstudy.method\ndef ols(d, label='x'): ...\n",
            "ols: 'label' is a word of the study file's own; give that option another name",
        ),
        ("import simstudy\n@simstudy.method\ndef ols(d, *, digest): ...\n", "'digest' is a word"),
        ("raise ValueError('one\\ntwo' * 200)\n", "ValueError: one twoone two"),
        ("import simstudy\n@simstudy.method(part=0)\ndef ols(d): ...\n", "part 0"),
        ("import simstudy\n@simstudy.method(truth='t')\ndef ols(d): ...\n", "truth 't'"),
        ("import simstudy\n@simstudy.method(grain='clusters')\ndef ols(d, rng): ...\n", "rng"),
    ],
)
def test_a_file_that_cannot_be_imported_is_named_with_its_line(tmp_path, text, message):
    written(tmp_path, text)
    with pytest.raises(UserError) as caught:
        study([use(tmp_path, "ols")])
    said = str(caught.value)
    assert message in said and said.count("mine.py") == 1 and len(said) < 300 + len(str(tmp_path))
    assert "\n" not in said


def test_a_syntax_error_elsewhere_is_not_placed_in_the_file_that_imports_it(tmp_path, monkeypatch):
    (tmp_path / "broken_elsewhere.py").write_text("\n\n\nx = (\n")
    monkeypatch.syspath_prepend(tmp_path)
    written(tmp_path, "import broken_elsewhere\n")
    with pytest.raises(UserError, match=r"mine\.py:1: .*\(broken_elsewhere\.py, line 4\)"):
        study([use(tmp_path, "ols")])


def test_a_needed_option_is_asked_for_and_twice_the_same_is_refused(tmp_path):
    written(tmp_path, FILE + "\n\n@simstudy.method\ndef needs(data, k):\n    return k, 1.0\n")
    with pytest.raises(UserError, match="needs needs a value for 'k'"):
        study([use(tmp_path, "needs")])
    with pytest.raises(UserError, match="is listed twice"):
        study([use(tmp_path, "needs", k=1), use(tmp_path, "needs", k=1)])
    one = study([use(tmp_path, "needs", k=k) for k in (1, "1", True, "a, b", 2.5)])
    assert len({method.canonical for method in one.methods}) == 5
    assert one.methods[0].label == "needs[k=1]"


def test_options_keep_their_kind_on_the_way_through_the_stored_study(tmp_path):
    text = FILE + (
        "\n\n@simstudy.method\ndef kinds(data, a, b, c, d):\n"
        "    assert (type(a), type(b), type(c), type(d)) == (int, float, str, bool)\n"
        "    return b, 1.0\n"
    )
    written(tmp_path, text)
    one = study([use(tmp_path, "kinds", a=3, b=1e-3, c="1e-3", d=False)], 3)
    run(one, tmp_path / "r")
    assert set(rows(tmp_path / "r").column("status").to_pylist()) == {"ok"}
    assert Results.open(tmp_path / "r").study.methods == one.methods


def test_nothing_is_imported_unless_the_study_says_use(tmp_path):
    """A file beside the study is run for `use:` alone, and `plan` and `schema` say it."""
    written(tmp_path, FILE + "\nopen(__file__ + '.ran', 'w').close()\n")
    head = "name: s\nseed: 1\nreplications: 5\nscenarios: {n_clusters: 4, cluster_size: 3, icc: 0"
    plain, used = tmp_path / "plain.yaml", tmp_path / "used.yaml"
    plain.write_text(f"{head}, x_icc: 0, slope: 0}}\nmethods: [pooled]\n")
    used.write_text(f"{head}, x_icc: 0, slope: 0}}\nmethods: [{{use: 'mine.py:ols'}}]\n")
    assert "imports nothing: no method says `use:`" in call("plan", plain).out
    assert call("run", plain, "--results", tmp_path, "--jobs", 1, "--no-report").code == 0
    assert not (tmp_path / "mine.py.ran").exists()
    assert f"imports {tmp_path / 'mine.py'} for ols" in call("plan", used).out
    assert (tmp_path / "mine.py.ran").exists()
    said = call("schema").out
    assert "nothing is imported" in said
    schema = json.loads(said)["properties"]["methods"]
    assert conforms([{"use": "a/b.py:f", "option": 3}], schema)
    assert not conforms([{"use": "b.txt:f"}], schema) and not conforms([{"option": 3}], schema)


RETURNED = {
    "pair": ((0.5, 0.25), ("ok", 0.5, 0.25, np.inf, 2 * special.ndtr(-2))),
    "triple": ((0.5, 0.25, 3), ("ok", 0.5, 0.25, 3.0, 2 * special.stdtr(3, -2))),
    "four": ((0.5, 0.25, 3, 0.125), ("ok", 0.5, 0.25, 3.0, 0.125)),
    "list": ([np.float32(0.5), np.int64(1)], ("ok", 0.5, 1.0, np.inf, 2 * special.ndtr(-0.5))),
    "array of one": (([0.5], [[0.25]]), ("ok", 0.5, 0.25, np.inf, 2 * special.ndtr(-2))),
    "dict": ({"estimate": 1, "p_value": 0.5}, ("ok", 1.0, None, None, 0.5)),
    "p and no error": ((1, np.nan, 5, 0.5), ("ok", 1.0, None, None, 0.5)),
    "None": ((1, None, None, 0.5), ("ok", 1.0, None, None, 0.5)),
    "estimate alone": ((1,), ("no_std_error", 1.0, None, None, None)),
    "infinite df": ((0.5, 0.25, np.inf), ("ok", 0.5, 0.25, np.inf, 2 * special.ndtr(-2))),
    "zero": ((0, 1.0), ("ok", 0.0, 1.0, np.inf, 1.0)),
    "masked array": ((np.ma.array([0.5], mask=[False]), 0.25),
                     ("ok", 0.5, 0.25, np.inf, 2 * special.ndtr(-2))),
    "converged": ({"estimate": 0, "std_error": 1, "converged": np.bool_(True)},
                  ("ok", 0.0, 1.0, np.inf, 1.0)),
    "not said": ({"estimate": 0, "std_error": 1, "converged": None}, ("ok", 0.0, 1.0, np.inf, 1.0)),
}  # fmt: skip


@pytest.mark.parametrize("case", RETURNED)
def test_what_may_be_returned(case):
    returned, (status, *numbers) = RETURNED[case]
    found = answers.estimates(returned, 1, batch=False)
    assert STATUSES[found.status[0]] == status and found.failures[0] is None
    for name, number in zip(NUMBERS, numbers, strict=True):
        expected_number = np.nan if number is None else number
        np.testing.assert_allclose(getattr(found, name), [expected_number], rtol=1e-12)


class Stubborn:
    """As a tensor that will not be an array."""

    def __array__(self, *arguments, **more):
        raise RuntimeError("call detach() first")


WRONG = {
    "nothing": (None, "returned NoneType; expected estimate, std_error"),
    "a number": (0.5, "returned float"),
    "five": ((1, 2, 3, 0.4, 5), "returned 5 values"),
    "empty": ((), "returned 0 values"),
    "no estimate": ({"std_error": 1.0, "k": 2}, "is missing: got 'std_error', 'k'; expected"),
    "no name": ({}, "the estimate is missing: got an empty dict"),
    "no value": ((None, 1.0), "the estimate is None; expected"),
    "text": (("a", 1.0), "estimate is 'a', not a number"),
    "object": ((0.5, object()), "std_error is of type object, not a number"),
    "stubborn": ((Stubborn(), 1.0), "estimate is of type Stubborn, not a number"),
    "class": (collections.namedtuple("Line", "a b"), "returned type; expected estimate"),
    "converged": ({"estimate": 1.0, "converged": 3}, "converged is 3, not true or false"),
    "shape": (([1.0, 2.0], 1.0), "estimate has shape (2,), not (1,)"),
    "complex": ((1j, 1.0), "not a number"),
    "key": ({"estimate": 1.0, "std_error": 1.0, 3: 4}, "is not text"),
    "ragged": (([[1.0], [1.0, 2.0]], 1.0), "not a number"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_answer_says_why(case):
    returned, message = WRONG[case]
    with pytest.raises(answers.AnswerError) as caught:
        answers.estimates(returned, 1, batch=False)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ((np.nan, 1.0), "returned estimate nan"),
        ((np.inf, 1.0), "returned estimate inf"),
        ((0.5, np.nan), "returned std_error nan"),
        ((0.5, 0.0), "returned std_error 0"),
        ((0.5, -1.0, 3, 0.5), "returned a negative std_error, -1"),
        ((0.5, 1.0, 0), "returned df 0"),
        ((0.5, 1.0, np.nan), "returned df nan"),
        ((0.5, 1.0, 3, np.nan), "returned p_value nan"),
        ((0.5, 1.0, 3, 1.5), "returned p_value 1.5, above one"),
        ((np.ma.masked, 1.0), "returned estimate nan"),
        ((0.5, np.ma.array([2], mask=[True])), "returned std_error nan"),
        (([np.ma.masked], 1.0), "returned estimate nan"),
        ({"estimate": 0.5, "std_error": 1, "converged": False}, UNCONVERGED),
        ({"estimate": np.nan, "converged": 0}, UNCONVERGED),
        ({"converged": np.ma.masked}, UNCONVERGED),
    ],
)
def test_a_number_that_cannot_be_fails_and_leaves_no_number(returned, message, recwarn):
    found = answers.estimates(returned, 1, batch=False)
    assert STATUSES[found.status[0]] == "failed"
    assert found.failures[0].message == message and not recwarn
    assert all(np.isnan(getattr(found, name)[0]) for name in (*NUMBERS, "tau2", "sigma2"))


def test_a_batch_gives_whole_arrays_or_one_number_for_all():
    found = answers.estimates({"estimate": np.arange(3.0), "std_error": 1, "df": 4}, 3, batch=True)
    assert found.df.tolist() == [4.0] * 3 and found.estimate.tolist() == [0.0, 1.0, 2.0]
    for wrong in (np.zeros((2, 3)), np.zeros(2), 1.0):
        with pytest.raises(answers.AnswerError, match="estimate has shape"):
            answers.estimates((wrong, 1.0), 3, batch=True)


MISNAMED = [
    ({"est": 1, "std_error": 1}, "est", "estimate"),
    ({"Coef": 1, "std_error": 1}, "Coef", "estimate"),
    ({"slope": 1}, "slope", "estimate"),
    ({"estimate": 1, "SE": 1}, "SE", "std_error"),
    ({"estimate": 1, "Std. Error": 1}, "Std. Error", "std_error"),
    ({"estimate": 1, "bse": 1}, "bse", "std_error"),
    ({"estimate": 1, "std_error": 1, "df_resid": 3}, "df_resid", "df"),
    ({"estimate": 1, "std_error": 1, "df": 3, "pvalue": 0.5}, "pvalue", "p_value"),
    ({"estimate": 1, "P-Value": 0.5}, "P-Value", "p_value"),
]


@pytest.mark.parametrize(("returned", "key", "name"), MISNAMED)
def test_a_result_under_another_packages_name_is_not_taken_for_an_extra(returned, key, name):
    with pytest.raises(answers.AnswerError) as caught:
        answers.estimates(returned, 1, batch=False)
    assert str(caught.value) == f"'{key}' is no name of a result; did you mean '{name}'?"
    beside = {"estimate": 0.5, "std_error": 1.0, "df": 3, "p_value": 0.5} | {key: 7.0}
    found = answers.estimates(beside, 1, batch=False)
    assert found.extras[key] == 7 and found.estimate == 0.5 and STATUSES[found.status[0]] == "ok"


def test_check_says_that_a_name_is_wrong_or_a_test_is_missing(tmp_path):
    text = (
        "import simstudy\n@simstudy.method\ndef misnamed(data):\n"
        "    return {'estimate': 1.0, 'se': 1.0}\n"
        "@simstudy.method(truth='icc')\ndef sometimes(data):\n"
        "    return {'estimate': 1.0, 'se' if len(data) == 40 else 'std_error': 1.0}\n"
        "@simstudy.method(truth='icc')\ndef alone(data):\n    return {'estimate': 1.0, 'n': 3}\n"
    )
    file = written(tmp_path, text)
    for name in ("misnamed", "sometimes"):
        found = call("check", f"{file}:{name}")
        assert found.code == 1
        (line,) = [line for line in found.out.splitlines() if "WRONG" in line]
        assert "'se' is no name of a result; did you mean 'std_error'?" in line
    found = call("check", f"{file}:alone")
    assert found.code == 0 and found.out.count("no_std_error and have no test") == 1
    assert "no_std_error" not in call("check", f"{file}:sometimes").out


def test_components_have_columns_and_further_values_go_to_extras(tmp_path):
    text = (
        "import simstudy\n@simstudy.method\ndef f(data):\n"
        "    out = {'estimate': 1.0, 'std_error': 2.0, 'tau2': 0.5, 'sigma2': 0.25}\n"
        "    return out | ({'sign': True, 'n': len(data)} if data.y.mean() > 0 else {'n': 0})\n"
    )
    written(tmp_path, text)
    one = study([use(tmp_path, "f", label="mine"), "pooled"], 40)
    run(one, tmp_path / "r")
    stored = rows(tmp_path / "r", "f[")
    assert set(stored.column("tau2").to_pylist()) == {0.5}
    assert set(stored.column("sigma2").to_pylist()) == {0.25}
    extras = Results(one, tmp_path / "r").extras
    assert list(extras.columns) == ["scenario", "replication", "method", "name", "value"]
    assert set(extras.method) == {"mine"}
    n, sign = (extras[extras.name == name].set_index(["scenario", "replication"]).value
               for name in ("n", "sign"))  # fmt: skip
    assert len(n) == 80 and 0 < len(sign) < 80 and set(sign) == {1.0}
    assert set(n[n > 0].index) == set(sign.index)
    assert Results(study(["pooled"]), tmp_path / "r").extras.empty


def test_random_numbers_are_of_the_replication_and_of_nothing_else(tmp_path, mine):
    one = run(study([use(mine, "bootstrap", draws=5)], 50), tmp_path / "a")
    values = one.column("estimate").to_pylist()
    assert len(set(values)) == 100
    alone = study([use(mine, "bootstrap", draws=5), "pooled", use(mine, "ols")], 50)
    run(alone, tmp_path / "b", jobs=2)
    assert rows(tmp_path / "b", "bootstrap").equals(one)
    other = run(study([use(mine, "bootstrap", draws=6)], 50), tmp_path / "c")
    assert not set(other.column("estimate").to_pylist()) & set(values)


def test_the_truth_is_a_field_of_the_scenario(tmp_path):
    text = (
        "import simstudy\n@simstudy.method(truth='icc')\ndef f(data):\n    return 0.5, 1.0\n"
        "@simstudy.method\ndef g(data):\n    return 0.5, 1.0\n"
        "@simstudy.method\ndef h(data):\n    return 0.5, 1.0\n"
    )
    written(tmp_path, text)
    entries = [use(tmp_path, "f"), use(tmp_path, "g"),
               use(tmp_path, "h", truth="sigma2")]  # fmt: skip
    one = study(entries, 3, GRID | {"cluster_size": 4})
    run(one, tmp_path / "r")
    for known in (one, Results.open(tmp_path / "r").study):
        summary = summarize_study(known, ResultsFolder(tmp_path / "r")).to_pylist()
        bias = {row["method"]: row["value"] for row in summary if row["measure"] == "bias"}
        assert bias == pytest.approx({"f": 0.3, "g": 0.2, "h": -0.3})


def test_theory_of_a_built_in_method_is_not_told_of_a_namesake(tmp_path):
    written(tmp_path, FILE.replace("def ols", "def pooled"))
    grid = GRID | {"x_icc": 1, "cluster_size": 4, "slope": 0}
    one = study(["pooled", use(tmp_path, "pooled", label="mine")], 5, grid)
    run(one, tmp_path / "r")
    summary = summarize_study(one, ResultsFolder(tmp_path / "r")).to_pylist()
    told = {row["method"] for row in summary if row["theory"] is not None}
    assert told == {"pooled"} and expected is not None


def factory(k, inner=len):
    @simstudy.method
    def made(data, k=k, *, count=inner):
        return count(data) + k, 1.0

    return made


def test_defaults_are_part_of_what_a_function_from_python_is(tmp_path):
    one = study([{"use": factory(1), "label": "a"}, {"use": factory(2), "label": "b"}], 5)
    run(one, tmp_path / "r")
    a, b = (columns(rows(tmp_path / "r", m.canonical))["estimate"] for m in one.methods)
    np.testing.assert_array_equal(b - a, 1.0)
    again = study([{"use": factory(1), "label": "a"}])
    assert again.methods[0].canonical == one.methods[0].canonical
    canonical = {study([factory(1, how)]).methods[0].canonical for how in (len, max, np.size)}
    assert len(canonical) == 3
    with pytest.raises(UserError, match="has a default of type object; options are numbers"):
        study([factory(1, object())])


def test_a_function_without_source_has_one_identity_in_every_process():
    """Comprehensions and lambdas are code within code, which prints with its address."""
    code = (
        "import simstudy\nfrom simstudy.custom import identity\n"
        "text = 'def f(d, w=frozenset({{1, 2}})):\\n    return [(lambda v: v * {0})(v) for v in d "
        'if v in {{"a", "b", "c"}}], 1.0\'\n'
        "made = {{}}\nexec(text, made)\nprint(identity.of(made['f']).hex())"
    )
    found = [
        subprocess.run([sys.executable, "-c", code.format(k)], capture_output=True, text=True,
                       check=True, env={**environment(), "PYTHONHASHSEED": seed}).stdout
        for k, seed in ((2, "1"), (2, "2"), (3, "1"))
    ]  # fmt: skip
    assert len(found[0]) > 100 and found[0] == found[1] != found[2]


def test_functions_of_one_source_and_name_are_each_called_themselves():
    """Their globals differ, which their digests tell; each is called itself."""
    source = "@simstudy.method\ndef twin(data):\n    return K, 1.0\n"
    made = []
    for k in (1.0, 2.0):
        names = {"simstudy": simstudy, "K": k}
        exec(source, names)
        made.append(study([names["twin"]]).methods[0])
    assert made[0].source != made[1].source
    estimates = [method.entry.fit.args[0](None)[0] for method in made]
    assert estimates == [1.0, 2.0]


@simstudy.method
def given(data, add=0.0):
    """Given from Python."""
    return data.y.mean() + add, 1.0


def test_a_function_from_python_runs_in_workers_too(tmp_path):
    entries = ["pooled", given, {"use": given, "add": 1.0}]
    one = study(entries, 40)
    first = run(one, tmp_path / "a")
    assert first.equals(run(study(entries, 40), tmp_path / "b", jobs=2))
    table = rows(tmp_path / "a", "given[use=python,digest=")
    values = np.array(table.column("estimate").to_pylist()).reshape(2, 2, 40)
    by_name = table.column("method").to_pylist()[::40]
    assert by_name[0].endswith(",add=1.0]")
    np.testing.assert_allclose(values[:, 0] - values[:, 1], 1.0, rtol=1e-12)
    again = Results.open(tmp_path / "a")
    assert (
        again.summary_table().num_rows
        == summarize_study(one, ResultsFolder(tmp_path / "a")).num_rows
    )
    command = ("run", tmp_path / "a" / "study.yaml", "--replications", 50)
    said = assert_refused(call_process(*command, cwd=tmp_path))
    assert "given was given from Python" in said


def test_a_function_from_python_must_stand_by_itself():
    with pytest.raises(UserError, match="is not decorated"):
        study([inspect.getsource, "pooled"])
    k = 3.0

    @simstudy.method
    def inner(data):
        return k, 1.0

    with pytest.raises(UserError, match="make them options"):
        study([inner])

    class Model:
        __name__ = "model"

        def __call__(self, data):
            return k, 1.0

    with pytest.raises(UserError, match="model has neither source nor code"):
        study([simstudy.method(Model())])


def test_a_pinned_grain_that_is_too_coarse_is_refused(mine):
    with pytest.raises(UserError, match=r"ols.* needs rows, finer than clusters"):
        study([use(mine, "ols")], grain="clusters")


def test_fit_takes_a_method_of_your_own(tmp_path, mine):
    file = tmp_path / "d.csv"
    file.write_text("g,u,v\n" + "".join(f"{i % 4},{i * i % 7},{i % 5}\n" for i in range(24)))
    entry = f"{{use: '{mine / 'mine.py'}:ols'}}"
    both = call("fit", file, "v ~ u + (1 | g)", "--method", "pooled", "--method", entry, "--json")
    ours, theirs = json.loads(both.out)["fits"]
    slope = next(term for term in ours["terms"] if term["term"] == "u")
    (mine_slope,) = theirs["terms"]
    assert theirs["status"] == "ok" and theirs["extras"] == {"largest": 4.0}
    for key, value in slope.items():
        assert key == "term" or mine_slope[key] == pytest.approx(value, rel=1e-10)
    entry = f"{{use: '{mine / 'mine.py'}:fragile'}}"
    said = call("fit", file, "v ~ u + (1 | g)", "--method", entry)
    assert said.code == 0 and "failed: ValueError: y is above 1.0" in said.out


GOOD_CHECK = ("ols", "means", "bootstrap")
WRONG_CHECK = {
    "state": ("global N\n    N += 1\n    return N, 1.0", "the second time"),
    "order": ("x = data.x - data.x.mean()\n    return data.y.iloc[0] - data.y.iloc[1], 1.0 * "
              "data.y.std()", "order of the clusters matters"),
    "scale": ("return 1 + data.y.std() * data.x.sum(), data.y.std()", "should scale estimate"),
    "error": ("return 1 / 0, 1.0", "ZeroDivisionError: division by zero"),
    "shape": ("return data.y, 1.0", "has shape"),
    "none": ("data.y.mean()", "returned NoneType"),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD_CHECK)
def test_check_finds_nothing_wrong_with_good_methods(mine, name):
    found = call("check", f"{mine / 'mine.py'}:{name}")
    assert "WRONG" not in found.out or name == "bootstrap"
    assert found.code == 0 or name == "bootstrap"
    assert "a killed worker loses" in found.out


@pytest.mark.parametrize("case", WRONG_CHECK)
def test_check_says_in_plain_words_what_is_wrong(tmp_path, case):
    body, message = WRONG_CHECK[case]
    text = f"import simstudy\nN = 0\n@simstudy.method\ndef f(data):\n    {body}\n"
    found = call("check", written(tmp_path, text))
    assert found.code == 1 and "something is wrong with f" in found.err
    assert any("WRONG" in line and message in line for line in found.out.splitlines()), found.out


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("s = m.mean_y.mean(axis=0)\n    return s - s.mean(), s.std() + 0 * s", "on the others"),
        ("m.mean_y[:] = 0\n    s = m.within.b.sum(axis=0)\n    return s, s * 0 + 1", "read-only"),
        ("return m.mean_y, 1.0", "fails on every data set: estimate has shape (8, 1), not (1,)"),
    ],
)
def test_check_looks_at_batches_of_moments(tmp_path, body, message):
    text = f"import simstudy\n@simstudy.method(grain='clusters')\ndef f(m):\n    {body}\n"
    found = call("check", written(tmp_path, text))
    assert found.code == 1
    assert any("WRONG" in line and message in line for line in found.out.splitlines()), found.out


def test_check_advises_shorter_ranges_for_a_slow_method(tmp_path):
    """It may wait for another program: the clock counts, not the processor."""
    text = "import simstudy, time\n@simstudy.method\ndef f(data):\n    time.sleep(0.07)\n"
    found = call("check", written(tmp_path, text + "    return 1.0, 1.0\n"))
    (line,) = [line for line in found.out.splitlines() if "a replication of 48 units" in line]
    assert re.search(r"part=(16|8|4|2|1) in the decorator cuts that", line)  # a busy machine: less
    lost = re.search(
        r"ranges of 32 replications a killed worker loses at most (.*) s of work", line
    )
    assert float(lost.group(1)) >= 0.07 * 32


@pytest.mark.parametrize(
    ("part", "call_length", "lost"), [(4096, 128, 4096), (7, 4, 12), (1, 1, 1)]
)
def test_what_check_says_of_moments_is_true_of_the_calls_of_a_study(
    tmp_path, monkeypatch, part, call_length, lost
):
    """A range may begin inside a call, and calls are whole: 8 to 14 is in 5-8, 9-12 and 13-16."""
    text = (
        f"import simstudy\n@simstudy.method(grain='clusters', part={part})\ndef f(m):\n"
        "    return (m.within.xy.sum(axis=0) + 1e-9) / m.within.yy.sum(axis=0), 1.0\n"
    )
    timed = {}
    monkeypatch.setattr(conformance, "_timed", lambda m, d, n: timed.setdefault(n, 1e-4))
    found = call("check", written(tmp_path, text))
    assert list(timed)[-1] == call_length
    (line,) = [line for line in found.out.splitlines() if "in calls of" in line]
    assert f"0.1 ms a replication of 48 units in calls of {call_length}; with" in line
    assert f"with ranges of {part:,} replication{'' if part == 1 else 's'} a killed" in line
    assert line.endswith(f" a killed worker loses at most {conformance._time(1e-4 * lost)} of work")
    one = study([use(tmp_path, "f")], 14, GRID | {"n_clusters": 8})
    calls = []
    seen = own_call.fit_moments
    monkeypatch.setattr(own_call, "fit_moments", lambda *a: calls.append(a[1].n_reps) or seen(*a))
    load._entry.cache_clear()
    for task in plan(one, []):
        del calls[:]
        run_task(task)
        assert set(calls) == {call_length} and sum(calls) <= max(lost, call_length)


def test_check_does_not_blame_the_truth_for_a_failure(tmp_path):
    text = (
        "import simstudy\n@simstudy.method\ndef f(data):\n    x = data.x - data.x.mean()\n"
        "    if data.y.max() > 9:\n        raise ValueError('y is\\nlarge' + '!' * 999)\n"
        "    return (x * data.y).sum() / (x * x).sum(), data.y.std()\n"
    )
    found = call("check", written(tmp_path, text))
    (line,) = [line for line in found.out.splitlines() if "WRONG" in line]
    assert re.search(r"but data set \d of 3 with .* fails then: ValueError: y is large!", line)
    assert "truth" not in line and len(line) < 400


def test_check_does_not_mind_which_of_equivalent_data_sets_converge(tmp_path):
    text = (
        "import simstudy\n@simstudy.method\ndef f(data, wrong=0.0):\n"
        "    x = data.x - data.x.mean()\n    y, xx = data.y, (x * x).sum()\n"
        "    return {'estimate': (x * y).sum() / xx + wrong, 'std_error': y.std() / xx,\n"
        "            'converged': y.iloc[0] > y.iloc[-1]}\n"
    )
    found = call("check", written(tmp_path, text))
    assert found.code == 0 and "did not converge (converged is False)" in found.out
    assert "WRONG" in call("check", tmp_path / "mine.py", "--options", "{wrong: 9.0}").out


def test_check_refuses_what_it_cannot_try(tmp_path):
    written(tmp_path, FILE + "\n\n@simstudy.method\ndef needs(data, k):\n    return k, 1.0\n")
    file = tmp_path / "mine.py"
    assert "needs a value for 'k'" in assert_refused(call("check", f"{file}:needs"))
    assert "--options" in assert_refused(call("check", f"{file}:needs", "--options", "3"))
    assert call("check", f"{file}:needs", "--options", "{k: 1}").code == 1  # no slope
    assert "No such file" in assert_refused(call("check", tmp_path / "none.py"))
    written(tmp_path, "x = 3\n")
    assert "no function has @simstudy.method" in assert_refused(call("check", file))
    (tmp_path / "s.yaml").write_text("name: s\n")
    said = assert_refused(call("check", tmp_path / "s.yaml"))
    assert "is a study, not methods; try it with: python -m simstudy plan" in said


def test_the_template_passes_its_own_check_and_overwrites_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = call("init", "--method", "trimmed")
    assert said.code == 0 and "python -m simstudy check trimmed.py" in said.out
    found = call("check", "trimmed.py")
    assert found.code == 0 and "WRONG" not in found.out and found.out.count("right") == 9
    before = Path("trimmed.py").read_bytes()
    assert "is there already" in assert_refused(call("init", "trimmed", "--method"))
    assert Path("trimmed.py").read_bytes() == before
    assert "cannot name a method" in assert_refused(call("init", "a-b", "--method"))
    assert "cannot name a method" in assert_refused(call("init", "class", "--method"))
    for name in ("np", "numpy", "simstudy", "random", "len"):
        assert "would hide" in assert_refused(call("init", name, "--method"))
    assert [file.name for file in tmp_path.iterdir()] == ["trimmed.py"]


def test_products_of_moments_are_their_factors():
    """From the definition: sums about the mean, of data with a factor by hand."""
    x, y = np.array([1.0, 2.0, 4.0, 5.0]), np.array([2.0, 1.0, 7.0, 6.0])
    cells = reduce(Units(np.array([[4]]), (x.reshape(4, 1, 1), y.reshape(4, 1, 1)))).within
    x, y = x - x.mean(), y - y.mean()
    for name, product in (("xx", x * x), ("xy", x * y), ("yy", y * y)):
        np.testing.assert_allclose(getattr(cells, name), [[product.sum()]], rtol=1e-14)


def test_an_account_is_the_first_line_of_a_docstring_or_nothing(mine):
    said = {name: study([use(mine, name)]).methods[0].account() for name in ("ols", "means")}
    assert said == {"ols": "OLS by hand.", "means": "OLS on the cluster means."}
    bare = study([factory(3)]).methods[0]
    assert bare.account() == "" and bare.entry.summary == "made"


def test_names_of_options_and_extras_do_not_hide_what_fit_says(tmp_path):
    text = (
        "import simstudy\n@simstudy.method\ndef f(data, method='m', status='s', limit=1.0):\n"
        "    named = {'terms': 3.0, 'message': 4.0, 'tau2': 5.0}\n"
        "    return {'estimate': 1.0, 'std_error': 1.0, **named}\n"
    )
    written(tmp_path, text)
    file = tmp_path / "d.csv"
    file.write_text("g,u,v\n" + "".join(f"{i % 4},{i * i % 7},{i % 5}\n" for i in range(24)))
    entry = f"{{use: '{tmp_path / 'mine.py'}:f', method: a, status: b, limit: .inf, label: mine}}"
    said = call("fit", file, "v ~ u + (1 | g)", "--method", entry, "--json")
    (one,) = json.loads(said.out)["fits"]
    assert (one["method"], one["label"], one["status"], one["message"]) == ("f", "mine", "ok", None)
    assert one["options"] == {"method": "a", "status": "b", "limit": "inf"}
    assert one["extras"] == {"terms": 3.0, "message": 4.0} and one["tau2"] == 5.0
    assert [term["term"] for term in one["terms"]] == ["u"]
    said = call("fit", file, "v ~ u + (1 | g)", "--method", entry)
    fits = said.out.split("--- The options")[0]
    assert "Residual SD" not in fits and "Fixed effects" in fits


def test_the_readme_methods_run_on_two_workers(tmp_path):
    """statsmodels' cluster-robust error with t(J - 1) is our CR1S, to its rounding."""
    pytest.importorskip("statsmodels")
    lines = (ROOT / "configs" / "my_methods.py").read_text().split("\n\n\n")[1:]
    assert len(lines) == 2 and all(len(text.strip().splitlines()) <= 15 for text in lines)
    config = ROOT / "configs" / "own.yaml"
    done = call_process("run", config, "--jobs", 2, "--results", tmp_path, "--no-report",
                        "--replications", 40, cwd=tmp_path)  # fmt: skip
    assert done.code == 0, done
    stored = [columns(rows(tmp_path / "own", name)) for name in ("pooled", "robust", "own_slopes")]
    for name in NUMBERS:
        assert np.allclose(stored[1][name], stored[0][name], rtol=1e-8, atol=1e-12), name
    assert np.isfinite(stored[2]["p_value"]).all() and set(stored[2]["df"]) == {9.0}
    again = run(replace(simstudy.load(config), replications=40), tmp_path / "one")
    assert again.equals(rows(tmp_path / "own"))
    assert call("check", ROOT / "configs" / "my_methods.py").code == 0


def test_the_decorator_imports_nothing_heavy():
    code = "import simstudy, sys; simstudy.method; print('pandas' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_rows_beside_failures_do_not_depend_on_where_ranges_end(tmp_path):
    """numpy adds up a lone column in another order than one of many: a call's own are fixed."""
    text = (
        "import numpy as np\nimport simstudy\n@simstudy.method(grain='clusters', part=384)\n"
        "def f(m):\n    w = m.within\n    s = (w.a * w.b).sum(axis=0) / (w.a**2).sum(axis=0)\n"
        "    if s.max() > 0.6: raise ValueError('steep')\n    return s, np.ones_like(s)\n"
    )
    written(tmp_path, text)
    grid = GRID | {"n_clusters": 24}
    for replications in (141, 250, 364, 700):
        run(study([use(tmp_path, "f")], replications, grid), tmp_path / "grown")
    grown, whole = (
        rows(tmp_path / "grown"),
        run(study([use(tmp_path, "f")], 700, grid), tmp_path / "whole"),
    )
    done = {(r["scenario"], r["replication"]): (r["estimate"], r["p_value"], r["status"])
            for r in grown.to_pylist()}  # fmt: skip
    assert 10 < sum(status == "failed" for *_, status in done.values()) < 200
    assert done == {(r["scenario"], r["replication"]): (r["estimate"], r["p_value"], r["status"])
                    for r in whole.to_pylist()}  # fmt: skip


def test_another_version_of_what_a_file_imports_is_told_by_its_bits(tmp_path, monkeypatch):
    text = (
        "import os\nimport pandas\nimport simstudy\n@simstudy.method\ndef f(data):\n"
        "    return data.y.mean() + float(os.environ.get('SHIFT', 0)), 1.0\n"
    )
    written(tmp_path, text)
    one, two, three = (study(["pooled", use(tmp_path, "f")], n) for n in (20, 24, 30))
    run(one, tmp_path / "r")

    def with_pandas(version):
        changed = {"packages": {"pandas": version}}
        monkeypatch.setattr(execute_module, "provenance", lambda s: provenance(s) | changed)

    with_pandas("98.0")
    run(two, tmp_path / "r")
    with_pandas("99.0")
    monkeypatch.setenv("SHIFT", "1e-9")
    said = r"pandas 98.0 \(here: pandas 99.0\), and f\[use=mine.*differs.*--fresh"
    with pytest.raises(UserError, match=said):
        run(three, tmp_path / "r")
    monkeypatch.delenv("SHIFT")
    assert run(three, tmp_path / "r").equals(run(three, tmp_path / "whole"))


def test_every_fit_says_what_it_took(tmp_path):
    text = """
import time
import simstudy

@simstudy.method
def slow(data, wait=0.0):
    time.sleep(wait)
    if data.y.max() > 2.2:
        raise ValueError("y")
    return data.y.mean(), 1.0

@simstudy.method(grain="clusters")
def batch(moments):
    time.sleep(0.05)
    return moments.mean_y.mean(axis=0), 1.0 + 0 * moments.mean_y.mean(axis=0)

@simstudy.method
def own(data):
    return {"estimate": 1.0, "std_error": 1.0, "seconds": 7.0}
"""
    written(tmp_path, text)
    one = study([use(tmp_path, "slow", wait=0.004), use(tmp_path, "batch"), use(tmp_path, "own"),
                 "pooled"], 20)  # fmt: skip
    run(one, tmp_path / "r")
    found = Results(one, tmp_path / "r")
    extras = found.extras
    assert set(extras.name) == {"seconds"} and len(extras) == 3 * 2 * 20
    label = extras.method.str.split("[").str[0]
    slow, batch, own = (extras.value[label == name] for name in ("slow", "batch", "own"))
    assert len(found.failures) > 0 and (slow >= 0.004).all() and (slow < 2).all()
    assert (batch > 0).all() and (batch < 0.05).all()  # a call's share
    assert set(own) == {7.0}  # a method's own word is its own


def test_seconds_are_outside_the_promise_of_identical_bits(tmp_path, mine):
    one = study([use(mine, "ols"), use(mine, "fragile"), use(mine, "means")], 40)
    run(one, tmp_path / "a")
    run(one, tmp_path / "b")
    first, second = (Results(one, tmp_path / name) for name in "ab")
    extras = first.extras.merge(second.extras, on=["scenario", "replication", "method", "name"])
    same = extras.value_x == extras.value_y
    assert len(extras) == len(first.extras) == len(second.extras)
    assert same[extras.name != "seconds"].all() and not same[extras.name == "seconds"].all()
    for file in (tmp_path / "a" / "estimates").iterdir():  # footers hold the digests of extras
        assert file.read_bytes() == (tmp_path / "b" / "estimates" / file.name).read_bytes()
    for file in (tmp_path / "b" / "extras").iterdir():  # as another run at once would leave them
        shutil.copy(file, tmp_path / "a" / "extras")
    failures.verify_all(one, ResultsFolder(tmp_path / "a"))
    assert execute(one, ResultsFolder(tmp_path / "a"), 1) == 0
    results = simstudy.run(one, results=tmp_path / "c", report=False, warn=lambda line: None)
    again = simstudy.run(one, results=tmp_path / "c", report=False, warn=lambda line: None)
    assert again.n_fits == 0 and again.summary.equals(results.summary)
    for name in ("ols", "means"):
        file = next(p for p in (tmp_path / "a" / "extras").iterdir() if name in p.name)
        whole = bytearray(file.read_bytes())
        whole[len(whole) // 3] ^= 1
        file.write_bytes(bytes(whole))
        with pytest.raises(parts.BrokenPartError, match="not what was written with its rows"):
            failures.verify_all(one, ResultsFolder(tmp_path / "a"))
        shutil.copy(tmp_path / "b" / "extras" / file.name, file)


def test_other_values_than_those_of_the_rows_are_found_whatever_the_seconds(tmp_path, mine):
    one = study([use(mine, "ols")], 40)
    run(one, tmp_path / "a")
    file = min((tmp_path / "a" / "extras").iterdir())
    table = pq.read_table(file)
    value = table.column("value").to_numpy().copy()
    value[0] += 1.0
    changed = table.set_column(4, "value", pa.array(value))
    sink = pa.BufferOutputStream()
    pq.write_table(changed.replace_schema_metadata(seal.footer({})), sink)
    file.write_bytes(b"".join(seal.summed(sink.getvalue())))
    assert table.column("name")[0].as_py() != "seconds"
    with pytest.raises(parts.BrokenPartError, match="not what was written with its rows"):
        failures.verify_all(one, ResultsFolder(tmp_path / "a"))
