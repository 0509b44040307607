"""What is said of a study that is not as it was locked: exactly the change, and nothing else."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from simstudy.locks.deviations import deviations, other_versions
from simstudy.locks.lock import lock_of, text_of
from simstudy.locks.plan import Plan, plan_of
from simstudy.locks.read import lock_in
from simstudy.study.study import Study, load
from simstudy.study.yaml_lines import decoded

STUDY: dict[str, Any] = {
    "name": "planned",
    "seed": 7,
    "replications": 2000,
    "alpha": 0.05,
    "scenarios": [
        {"n_clusters": [10, 20], "cluster_size": {"uniform": [5, 35]}, "icc": [0, 0.1],
         "x_icc": [0, 1], "slope": 0},
        {"n_clusters": 30, "cluster_size": [5, 10], "icc": 0.2, "x": "binary", "x_icc": 1,
         "slope": 0, "errors": ["normal", {"t": 5}]},
    ],
    "methods": [
        "pooled",
        {"pooled": {"se": "CR1", "label": "robust"}},
        {"random_intercept": {"when": "icc > 0"}},
    ],
    "claims": ["type1_error of pooled > 0.06 where n_clusters = 20 and icc = 0.1 and x_icc = 1",
               "coverage of pooled between 0.9 and 1"],
}  # fmt: skip
CHANGES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "seed": ({"seed": 8}, ["seed 8 instead of 7"]),
    "alpha": ({"alpha": [0.05, 0.01]}, ["alpha 0.05, 0.01 instead of 0.05"]),
    "fewer": ({"replications": 500}, ["replications 500 instead of 2,000: fewer than planned"]),
    "more": ({"replications": 5000}, ["replications 5,000 instead of 2,000: more than planned"]),
    "rule": (
        {"replications": {"mcse": {"rejection_rate": 0.01}, "min": 500, "max": 9000}},
        ["replications {mcse: {rejection_rate: 0.01}, min: 500, max: 9000} instead of 2,000"],
    ),
    "reference": ({"reference": "robust"}, ["reference pooled[se=CR1] instead of none"]),
    "grain": ({"grain": "rows"}, ["grain rows instead of the coarsest that suffices"]),
    "level added": (
        {"scenarios.0.icc": [0, 0.1, 0.3]},
        ["4 scenarios were added: icc 0.3"],
    ),
    "level left out": (
        {"scenarios.0.icc": [0], "claims": ["coverage of pooled between 0.9 and 1"]},
        ["4 scenarios were left out: icc 0.1",
         f'claim "{STUDY["claims"][0]}" was left out'],
    ),
    "one scenario left out": (
        {"scenarios.1": STUDY["scenarios"][1] | {"cluster_size": 5, "errors": "normal"}},
        ["3 scenarios were left out: (n_clusters 30, cluster_size 5, icc 0.2, x_icc 1, "
         "x binary, errors t 5), (n_clusters 30, cluster_size 10, icc 0.2, x_icc 1, x binary, "
         "errors the default), (n_clusters 30, cluster_size 10, icc 0.2, x_icc 1, x binary, "
         "errors t 5)"],
    ),
    "slope": (
        {"scenarios.0.slope": 0.5,
         "claims": [STUDY["claims"][0].replace("type1_error", "power"), STUDY["claims"][1]]},
        ["slope 0.5 instead of 0 in 8 scenarios",
         f'claim "{STUDY["claims"][0].replace("type1_error", "power")}" instead of '
         f'"{STUDY["claims"][0]}"'],
    ),
    "world": (
        {"scenarios.1.cluster_effects": {"lognormal": 1}},
        ["cluster_effects lognormal 1 instead of the default in 4 scenarios"],
    ),
    "method added": ({"methods": [*STUDY["methods"], "gee"]}, ["method gee was added"]),
    "method left out": (
        {"methods": [STUDY["methods"][0], STUDY["methods"][2]]},
        ["method pooled[se=CR1] was left out"],
    ),
    "options, by the label": (
        {"methods.1": {"pooled": {"se": "CR2", "label": "robust"}}},
        ["method pooled[se=CR2] instead of pooled[se=CR1]"],
    ),
    "options, by what it is": (
        {"methods.2": {"random_intercept": {"df": "wald", "label": "z", "when": "icc > 0"}}},
        ["method random_intercept[df=wald] instead of random_intercept"],
    ),
    "when": (
        {"methods.2": "random_intercept"},
        ["random_intercept is asked for everywhere instead of where icc > 0"],
    ),
    "claim added": (
        {"claims": [*STUDY["claims"], "bias of pooled < 0.01"]},
        ['claim "bias of pooled < 0.01" was added'],
    ),
}  # fmt: skip
NO_CHANGES: dict[str, dict[str, Any]] = {
    "words": {"title": "Another", "aim": "Why?", "report": {"figures": ["zip"]}},
    "labels": {"methods.1": {"pooled": {"se": "CR1", "label": "CR1"}}},
    "order": {"methods": STUDY["methods"][::-1], "claims": STUDY["claims"][::-1]},
    "order of scenarios": {"scenarios": STUDY["scenarios"][::-1]},
    "defaults": {"scenarios.0.total_variance": 1, "scenarios.0.intercept": 0, "reference": None},
    "what is stored": {"store": "summary"},
    "the same world": {"scenarios.0.cluster_size": {"uniform": [5.0, 35.0]}},
}


def changed(changes: dict[str, Any]) -> Study:
    study = copy.deepcopy(STUDY)
    for path, value in changes.items():
        *outer, last = (int(part) if part.isdecimal() else part for part in path.split("."))
        place: Any = study
        for part in outer:
            place = place[part]
        place[last] = value
    return load(study)


def read_again(study: Study) -> Plan:
    """The plan of a study, from the lock that is written of it."""
    lock = lock_of(study, 0)
    again = lock_in(decoded(text_of(lock).encode(), "planned.lock.yaml"))
    assert again == lock
    return again.plan


@pytest.fixture(scope="module")
def locked() -> Plan:
    """The plan that the others are held against."""
    return read_again(load(STUDY))


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_said_and_nothing_else(change: str, locked: Plan):
    changes, lines = CHANGES[change]
    study = changed(changes)
    now = plan_of(study)
    assert deviations(locked, now) == lines
    assert now.digest != locked.digest
    assert read_again(study) == now


@pytest.mark.parametrize("change", NO_CHANGES)
def test_what_changes_no_number_is_no_deviation(change: str, locked: Plan):
    now = plan_of(changed(NO_CHANGES[change]))
    assert deviations(locked, now) == []
    assert now.digest == locked.digest


def test_several_changes_are_all_said(locked: Plan):
    names = ["seed", "fewer", "reference", "when", "level added", "claim added"]
    changes = {key: value for name in names for key, value in CHANGES[name][0].items()}
    assert deviations(locked, plan_of(changed(changes))) == [CHANGES[name][1][0] for name in names]


def test_versions_are_those_of_the_rows():
    locked = {"numpy": "2.4.1", "python": "3.11.7", "cpu": "x", "pandas": "3.0.0"}
    rows = [{"numpy": "2.4.1", "python": "3.11.9", "cpu": "y"},
            {"numpy": "2.5.0", "python": "3.11.7", "cpu": "x", "git_commit": "1"}]  # fmt: skip
    assert other_versions(locked, rows) == ["numpy 2.4.1 and 2.5.0 instead of 2.4.1"]
    assert other_versions(locked, rows[:1]) == []
    assert other_versions(locked, [{"python": "3.12.7"}]) == ["python 3.12.7 instead of 3.11.7"]


FILES = {
    "x.csv": "school,score,residual\n" + "".join(f"{k % 4},{k},{k * k}\n" for k in range(12)),
    "own.py": "import simstudy\n\n\n@simstudy.generator\ndef drawn(rng, scenario, shape=1):\n"
              "    return None\n\n\n@simstudy.measure\ndef largest(rows, truth):\n    return 1.0\n",
}  # fmt: skip
GRIDS = [
    {"n_clusters": [8, 9], "cluster_size": 3, "icc": 0.1, "x_icc": 1, "slope": 0,
     "errors": {"file": "x.csv", "column": "residual"}},
    {"x": {"file": "x.csv", "column": "score", "cluster": "school"}, "icc": [0, 0.1], "slope": 0},
    {"data": {"use": "own.py:drawn", "shape": [1, 2]}, "n_clusters": 7, "cluster_size": 3,
     "icc": 0.1, "slope": 0},
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "lines"),
    [
        ("x.csv", ",0\n", ",5\n",
         ["the data of 2 scenarios come from a file that has changed: n_clusters 8, 9"]),
        ("x.csv", "0,0,", "0,7,",
         ["the data of 2 scenarios come from a file that has changed: n_clusters 4",
          "x x.csv:score by school has changed"]),
        ("own.py", "None", "0",
         ["the data of 2 scenarios come from a file that has changed: n_clusters 7",
          "data own.py:drawn has changed", "measure own.py:largest has changed"]),
    ],
)  # fmt: skip
def test_files_are_known_by_their_content(file, old, new, lines, tmp_path, monkeypatch):
    study = STUDY | {"scenarios": GRIDS, "claims": [], "methods": ["pooled"],
                     "measures": [{"use": "own.py:largest"}]}  # fmt: skip
    plans = []
    for folder, changes in (("here", {}), ("elsewhere", {}), ("later", {file: (old, new)})):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        for name, text in FILES.items():
            Path(name).write_text(text.replace(*changes.get(name, ("", "")), 1))
        plans.append(plan_of(load(study)))
    here, elsewhere, later = plans
    assert deviations(here, elsewhere) == [] and here.digest == elsewhere.digest
    assert deviations(here, later) == lines and here.digest != later.digest
