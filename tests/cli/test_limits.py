"""Inputs beyond all measure: a right result, or one line soon."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import time
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers_cli import assert_refused, call, environment

from simstudy.numerics.tails import critical_value, two_sided
from simstudy.study import yaml_lines

pytestmark = pytest.mark.slow

STUDY = {
    "name": "s", "seed": 1, "replications": 20, "methods": ["pooled", "random_intercept"],
    "scenarios": {"n_clusters": 4, "cluster_size": 3, "icc": 0.1, "x_icc": 0.5, "slope": 0},
    "report": {"figures": ["type1_error", "p_values"]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {a: 1}\n" * 1_000_000, "too large for a study file"),
        ("- {a: 1}\n" * 10_000, "more than 10,000 values"),
        ("x: " + "[" * 25 + "]" * 25, "nested or repeated too deeply"),
    ],
    ids=["9 MB", "90 kB", "deep"],  # brackets beyond the parser: test_bad_studies
)
def test_an_oversized_study_file_is_refused_in_one_line(tmp_path, monkeypatch, text, message):
    for name in ("_MAX_NODES", "_LARGE"):  # the parser takes seconds to the limit that users have
        monkeypatch.setattr(yaml_lines, name, getattr(yaml_lines, name) // 10)
    file = tmp_path / "s.yaml"
    file.write_text(text)
    start = time.process_time()
    assert message in assert_refused(call("plan", file))
    assert time.process_time() - start < 3


ABSURD = [("alpha", 1 - 1e-17), ("replications", 1e18), ("seed", 10**30), ("icc", 1 - 1e-17),
          ("n_clusters", 1e9), ("cluster_size", 1e12), ("cluster_size", {"sizes": [1e12] * 4}),
          ("total_variance", 1e300), ("slope", 1e300)]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), ABSURD)
def test_a_number_out_of_range_is_one_line(tmp_path, key, value):
    content = STUDY | {key: value}
    if key not in STUDY and key != "alpha":
        content = STUDY | {"scenarios": STUDY["scenarios"] | {key: value}}
    (tmp_path / "s.yaml").write_text(json.dumps(content))
    message = assert_refused(call("plan", tmp_path / "s.yaml"))
    assert f"{key}" in message and "is not in" in message


def test_the_smallest_alpha_is_silent_and_right(tmp_path):
    (tmp_path / "s.yaml").write_text(json.dumps(STUDY | {"alpha": 1e-300}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ran = call("run", tmp_path / "s.yaml", "--results", tmp_path, "--jobs", 1)
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(call("summarize", tmp_path / "s", "--format", "json").out)
    rates = {row["value"] for row in found if row["measure"] == "rejection_rate"}
    assert rates == {0.0}
    assert {row["value"] for row in found if row["measure"] == "coverage"} == {1.0}
    assert len(list((tmp_path / "s" / "report" / "figures").iterdir())) == 4


@pytest.mark.parametrize("df", [1.0, 2.0, 3.0, 5.5, 10.0, 25.0, 60.0, 1e3, np.inf])
@pytest.mark.parametrize("alpha", [1e-300, 1e-200, 1e-100, 1e-20, 1e-8, 0.05, 0.999])
def test_critical_values_are_right_however_far_out(df, alpha):
    value = critical_value(np.array([df]), alpha)
    assert two_sided(value, np.array([df]))[0] == pytest.approx(alpha, rel=1e-12)


def test_matplotlib_is_not_asked_for_a_window(tmp_path):
    (tmp_path / "s.yaml").write_text(json.dumps(STUDY))
    command = [sys.executable, "-m", "simstudy", "run", "s.yaml", "--results", ".", "--quiet"]
    ran = subprocess.run(command, cwd=tmp_path, env=environment() | {"MPLBACKEND": "nonsense"},
                         capture_output=True, text=True, check=False)  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert (tmp_path / "s" / "report" / "figures" / "type1_error.png").is_file()


SUMMARIZE = ("--estimate", "b", "--std-error", "se", "--true", 0, "--by", "g", "--format", "json")


def test_a_million_groups_are_refused_soon(tmp_path):
    n = 1_000_000
    table = pa.table({"b": np.zeros(n), "se": np.ones(n), "g": np.arange(n)})
    pq.write_table(table, tmp_path / "e.parquet")
    start = time.process_time()
    message = assert_refused(call("summarize", tmp_path / "e.parquet", *SUMMARIZE))
    assert "more than 100,000 groups by g" in message and time.process_time() - start < 10


LEVELS = {
    "uint64": ([2**64 - 1, 2**63], [2**63, 2**64 - 1]),
    "date": ([datetime.date(2020, 1, 2), datetime.date(2020, 1, 1)], ["2020-01-01", "2020-01-02"]),
}


@pytest.mark.parametrize("kind", LEVELS)
def test_levels_of_any_plain_kind_are_groups(tmp_path, kind):
    levels, shown = LEVELS[kind]
    g = pa.array(levels * 50, pa.uint64() if kind == "uint64" else None)
    table = pa.table({"b": np.arange(100.0), "se": np.ones(100), "g": g})
    pq.write_table(table, tmp_path / "e.parquet")
    ran = call("summarize", tmp_path / "e.parquet", *SUMMARIZE, "--measure", "bias")
    assert ran.code == 0, ran
    assert [(row["g"], row["value"]) for row in json.loads(ran.out)] == [
        (shown[0], 50.0), (shown[1], 49.0)
    ]  # fmt: skip
