"""A user's own measures: by file and name, computed by `run`, never imported by reading."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from helpers_cli import assert_refused, call, conforms
from helpers_own import written

import simstudy
from simstudy.custom import chance
from simstudy.estimates import Estimates, Outcome
from simstudy.measures.own import REGISTERED, ask
from simstudy.measures.rows import Answer
from simstudy.results import Results
from simstudy.study.json_schema import schema
from simstudy.study.study import load

pytestmark = pytest.mark.slow

FILE = '''\
import numpy as np

import simstudy

{imported}


class Panic(BaseException):
    pass


@simstudy.measure
def largest_error(rows, truth):
    """Largest error, up or down."""
    return np.max(np.abs(rows["estimate"] - truth))


@simstudy.measure
def half_up(rows, truth):
    """Fails where the mean is not above the truth."""
    if rows["estimate"].mean() <= truth:
        raise {error}
    rows["estimate"][:] = 0.0
    return 1.5, 0.25
'''
SCENARIOS = {"n_clusters": 8, "cluster_size": 5, "icc": [0, 0.2], "x_icc": 0.5, "slope": 0}
NAMES = ("largest_error", "half_up")


def file_in(folder: Path, error: str = "Panic('rust')", imported: str = "") -> Path:
    return written(folder, FILE.format(error=error, imported=imported), "own.py")


def document(folder: Path, names=NAMES, **more) -> dict:
    measures = [{"use": f"{folder / 'own.py'}:{name}"} for name in names]
    return {"name": "s", "seed": 7, "replications": 40, "scenarios": SCENARIOS,
            "methods": ["pooled", "dummy"], "measures": measures} | more  # fmt: skip


def run(one, folder: Path, **more) -> tuple[Results, list[str]]:
    said: list[str] = []
    more = {"report": False} | more
    return simstudy.run(one, jobs=1, results=folder, warn=said.append, **more), said


def numbers(found: Results, name: str):
    table = found.summary_table(missing=lambda line: None).to_pandas()
    return table[table.measure == name].set_index(["scenario", "method"])


def parts_of(folder: Path) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in (folder / "s" / "estimates").iterdir()}


def test_a_measure_has_the_value_that_its_rows_give(tmp_path):
    file_in(tmp_path)
    found, _ = run(document(tmp_path), tmp_path)
    rows = found.estimates.to_table().to_pandas()
    right = rows.estimate.abs().groupby([rows.scenario, rows.method]).max()
    got = numbers(found, "largest_error")
    assert len(got) == 4 and (got.mcse > 0).all() and (got.n_used == 40).all()
    assert got.value.to_dict() == right.to_dict()
    assert not REGISTERED  # a study's measures are no others'


def test_a_measure_that_fails_costs_its_own_numbers_and_nothing_else(tmp_path):
    """What it raises may be no Exception, and what it does to the rows stays with it."""
    file_in(tmp_path)
    found, said = run(document(tmp_path, ("half_up", "largest_error")), tmp_path)
    rows = found.estimates.to_table().to_pandas()
    up = rows.estimate.groupby([rows.scenario, rows.method]).mean() > 0
    assert 0 < up.sum() < 4
    got = numbers(found, "half_up").value
    assert {cell: value == 1.5 for cell, value in got.items()} == up.to_dict()
    assert got.isna().sum() == (~up).sum()
    (line,) = said
    assert line.startswith(f"the measure half_up failed in {(~up).sum()} of 4 cells")
    assert "Panic: rust" in line and "own.py" in line
    assert numbers(found, "largest_error").value.notna().all()
    plain, _ = run(document(tmp_path, ()), tmp_path / "plain")
    both = found.summary_table().to_pandas(), plain.summary_table().to_pandas()
    mine, others = (t[~t.measure.isin(NAMES)].reset_index(drop=True) for t in both)
    assert mine.equals(others)
    assert parts_of(tmp_path).keys() == parts_of(tmp_path / "plain").keys()  # in no name


def test_mending_a_measure_recomputes_the_summary_and_no_fit(tmp_path):
    file_in(tmp_path)
    before, _ = run(document(tmp_path), tmp_path)
    there = parts_of(tmp_path)
    again, _ = run(document(tmp_path), tmp_path)
    assert again.n_fits == 0 and parts_of(tmp_path) == there
    text = (tmp_path / "own.py").read_text().replace("np.max(np.abs(", "2.0 * np.max(np.abs(")
    (tmp_path / "own.py").write_text(text)
    after, _ = run(document(tmp_path), tmp_path)
    assert after.n_fits == 0 and parts_of(tmp_path) == there
    twice = 2.0 * numbers(before, "largest_error").value
    assert numbers(after, "largest_error").value.to_dict() == twice.to_dict()
    last, _ = run(document(tmp_path, ()), tmp_path)
    assert last.n_fits == 0 and numbers(last, "largest_error").empty


@pytest.mark.parametrize("there", [True, False])
def test_reading_shows_the_stored_numbers_and_imports_nothing(tmp_path, there):
    imported = f"open({str(tmp_path / 'imported')!r}, 'a').close()"
    file_in(tmp_path / "files", imported=imported)
    found, _ = run(document(tmp_path / "files"), tmp_path / "r")
    right = numbers(found, "largest_error")
    (tmp_path / "imported").unlink()
    if not there:
        shutil.rmtree(tmp_path / "files")
    copy = shutil.copytree(tmp_path / "r" / "s", tmp_path / "elsewhere")  # with other times
    for folder in (tmp_path / "r" / "s", copy):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            opened = Results.open(folder)
            for mcse in ("robust", "normal"):
                table = opened.summary_table(mcse).to_pandas()
                got = table[table.measure == "largest_error"].set_index(["scenario", "method"])
                assert got.equals(right)
        shown = call("summarize", folder, "--measure", "largest_error")
        assert shown.code == 0 and not shown.err
        assert f"{right.value.iloc[0]:.2f}"[:3] in shown.out
        assert call("report", folder).code == 0
        assert (folder / "report" / "tables" / "largest_error.csv").exists()
        text = (folder / "report" / "methods.md").read_text()
        assert "Largest error, up or down" in text and "own.py" in text
    assert not (tmp_path / "imported").exists()


def test_a_summary_made_again_without_the_file_leaves_them_out_and_says_so(tmp_path):
    file_in(tmp_path)
    config = tmp_path / "s.yaml"
    config.write_text(json.dumps(document(tmp_path)))
    assert call("run", config, "--results", tmp_path, "--no-report").code == 0
    right = numbers(Results.open(tmp_path / "s"), "largest_error")
    summary = tmp_path / "s" / "summary.parquet"
    content = bytearray(summary.read_bytes())
    content[len(content) // 2] ^= 1
    summary.write_bytes(content)
    refused = call("summarize", tmp_path / "s", "--measure", "largest_error")
    assert refused.code == 2 and "no row of largest_error" in refused.err
    assert "are left out: largest_error (own.py), half_up (own.py)" in refused.err
    with pytest.warns(UserWarning, match="left out: largest_error"):
        assert "bias" in set(Results.open(tmp_path / "s").summary.measure)
    again = call("report", tmp_path / "s")
    assert again.code == 0 and "left out: largest_error (own.py), half_up (own.py)" in again.err
    assert call("run", config, "--results", tmp_path, "--no-report").code == 0
    assert numbers(Results.open(tmp_path / "s"), "largest_error").equals(right)


def test_rows_that_came_after_the_summary_are_not_spoken_of_by_old_numbers(tmp_path):
    file_in(tmp_path)
    found, _ = run(document(tmp_path), tmp_path)
    part = min((tmp_path / "s" / "estimates").iterdir())
    shutil.move(part, tmp_path / part.name)
    with pytest.warns(UserWarning, match="left out"):
        table = Results.open(tmp_path / "s").summary
    assert not set(NAMES) & set(table.measure)
    assert set(NAMES) <= set(found.summary.measure)


def test_its_tables_come_and_go_with_it(tmp_path):
    file_in(tmp_path)
    run(document(tmp_path), tmp_path, report=True)
    tables = tmp_path / "s" / "report" / "tables"
    assert {f.name for f in tables.glob("largest*")} == {
        f"largest_error.{ending}" for ending in ("csv", "tex", "md")
    }
    run(document(tmp_path, ("half_up",)), tmp_path, report=True)
    assert not list(tables.glob("largest*")) and list(tables.glob("half_up.csv"))


REFUSED = {
    '[{use: "own.py:largest"}]': "did you mean 'largest_error'",
    '[{use: "own.py:Panic"}]': "not decorated with @simstudy.measure",
    '[{use: "none.py:f"}]': "No such file",
    "[coverage]": "the measures that are built in are always there",
    "largest_error": "expected a list",
    '[{use: "own.py:half_up", label: x}]': "a measure has no option 'label'",
    '[{use: "own.py:half_up"}, {use: "./own.py:half_up"}]': "two measures are called 'half_up'",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_measure_is_refused_in_its_place(tmp_path, text):
    file_in(tmp_path)
    config = tmp_path / "s.yaml"
    one = json.dumps(document(tmp_path) | {"measures": None})
    config.write_text(f"{one[:-1]}}}".replace('"measures": null', f'"measures": {text}'))
    line = assert_refused(call("run", config, "--results", tmp_path))
    assert REFUSED[text] in line and "measures" in line


@pytest.mark.parametrize("name", ["bias", "power", "type1_error"])
def test_a_taken_name_is_refused_before_any_work(tmp_path, name):
    text = f"import simstudy\n@simstudy.measure\ndef {name}(rows, truth):\n    return 1.0\n"
    written(tmp_path, text, "own.py")
    config = tmp_path / "s.yaml"
    config.write_text(json.dumps(document(tmp_path, (name,))))
    assert f"a measure cannot be called '{name}'" in assert_refused(call("run", config))


def test_plan_says_which_file_it_imports_and_the_schema_knows_measures(tmp_path):
    file_in(tmp_path)
    config = tmp_path / "s.yaml"
    config.write_text(json.dumps(document(tmp_path)))
    first = call("plan", config).out.splitlines()[0]
    assert first == f"imports {tmp_path / 'own.py'} for the measure largest_error"
    one = document(tmp_path)
    assert conforms(one, schema())
    assert not conforms(one | {"measures": [{"use": "own.py:f", "label": "x"}]}, schema())
    assert [m.name for m in load(one).measures] == list(NAMES)


def test_a_function_from_python_can_be_one(tmp_path):
    file_in(tmp_path)
    simstudy.measure(span)
    del REGISTERED["span"]
    found, _ = run(document(tmp_path, ()) | {"measures": [span]}, tmp_path)
    assert (numbers(found, "span").value > 0).all()
    opened = Results.open(tmp_path / "s").summary
    assert (opened[opened.measure == "span"].value > 0).all()


def span(rows, truth):
    return float(np.ptp(rows["estimate"]))


ROWS = {"estimate": np.array([0.1, 0.4, 0.5]), "status": np.zeros(3, np.int8)}
ANSWERS = {
    "nothing": (lambda rows, truth: None, "returned nothing (None)"),
    "text": (lambda rows, truth: "0.5", "returned a value of type str"),
    "an array": (lambda rows, truth: rows["estimate"], "returned an array of shape (3,)"),
    "three": (lambda rows, truth: (1, 2, 3), "returned 3 values"),
    "ragged": (lambda rows, truth: (rows["estimate"], 1.0), "returned 2 values"),
    "complex": (lambda rows, truth: 1j, "returned a value of type complex"),
    "a dict": (lambda rows, truth: {"value": 1}, "returned a value of type dict"),
    "negative": (lambda rows, truth: (1.0, -0.1), "a negative Monte Carlo SE, -0.1"),
    "exit": (lambda rows, truth: exit(0), "SystemExit"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_no_number_says_what_it_is(name):
    function, message = ANSWERS[name]
    found = ask(function, ROWS, 0.0)
    assert np.isnan(found.value) and message in found.failure.message


def test_numbers_of_any_kind_are_numbers():
    for value in (1, 1.0, True, np.float32(1), np.array(1.0)):
        assert ask(lambda rows, truth, value=value: value, ROWS, 0.0) == Answer(1.0, 0.0)
    for pair in ((1, 2), [1.0, 2.0], np.array([1.0, 2.0])):
        assert ask(lambda rows, truth, pair=pair: pair, ROWS, 0.0) == Answer(1.0, 2.0, True)
    bare = ask(lambda rows, truth: np.nan, ROWS, 0.0)
    assert np.isnan(bare.value) and bare.failure is None


def test_a_value_whose_bootstrap_fails_is_kept():
    def fussy(rows, truth):
        if len(set(rows["estimate"].tolist())) < 3:
            raise ValueError("copies")
        return 2.0

    found = ask(fussy, ROWS, 0.0)
    assert found.value == 2.0 and np.isnan(found.mcse)
    assert "in a bootstrap sample of the rows ValueError: copies" in found.failure.message


CHECKED = {
    "return np.quantile(rows['estimate'], 0.9)": (0, "bootstrapped Monte Carlo SE"),
    "return rows['estimate'] - truth": (1, "returned an array of shape (200,)"),
    "return float('nan')": (1, "no value for 200 ordinary rows: returns NaN"),
    "raise Panic('rust')": (1, "Panic: rust"),
    "return np.random.rand()": (1, "another value the second time"),
    "return rows['estimate'].mean(), 9.0": (0, "its own Monte Carlo SE is 9, and 0.016"),
    "return rows['estimate'].mean() / truth if np.ndim(truth) else 1 / truth": (
        0, "a truth of 0: ZeroDivisionError"),
    "return np.mean(rows['estimate']) + float(truth)": (0, "a truth in each row (an array): "),
    "return np.mean(rows['std_error'])": (0, "p-values without standard errors: NaN"),
    "return rows['estimate'].std(ddof=1)": (0, "one row: NaN"),
}  # fmt: skip


@pytest.mark.parametrize("body", CHECKED)
def test_check_tries_measures(tmp_path, body):
    text = FILE.split("@simstudy.measure")[0].format(imported="")
    file = written(tmp_path, f"{text}@simstudy.measure\ndef f(rows, truth):\n    {body}\n")
    code, message = CHECKED[body]
    found = call("check", file)
    assert found.code == code and message in found.out, found.out
    assert ("WRONG" in found.out) == (code == 1)
    assert found.out.startswith("f (a measure)\n")
    assert "is a measure, which has none" in call("check", file, "--options", "{k: 1}").err


DRAWS = '''\
import numpy as np

import simstudy


@simstudy.method
def resampled(data, rng, more=0.0, level=0.0):
    """Slope, its SE from clusters drawn again."""
    groups = [(g.x.to_numpy(), g.y.to_numpy()) for _, g in data.groupby("cluster")]

    def slope(chosen):
        x, y = (np.concatenate(v) for v in zip(*(groups[k] for k in chosen)))
        x = x - x.mean()
        return (x * y).sum() / (x * x).sum()

    n = len(groups)
    again = [slope(rng.integers(0, n, n)) for _ in range(15)]
    noise = 0.01 * again[0] + more * data.y.iloc[0] + level
    return slope(range(n)) + noise, np.std(again, ddof=1)
'''


def test_check_compares_what_draws_in_distribution(tmp_path):
    """A bootstrap draws other clusters when their order changes: no single fit is the same."""
    file = written(tmp_path, DRAWS)
    found = call("check", file)
    assert found.code == 0, found.out
    assert "the order of the clusters does not matter (in distribution" in found.out
    found = call("check", file, "--options", "{more: 0.2}")
    assert found.code == 1 and "WRONG  the order of the clusters matters (mean est" in found.out
    found = call("check", file, "--options", "{level: 1.0}")
    assert found.code == 1 and "WRONG  y -> 10 + 3 y should scale" in found.out


@pytest.mark.parametrize(
    ("shift", "spread", "apart"), [(0.0, 1.0, False), (0.0, 0.0, False), (1e-8, 0.0, False),
                                   (0.3, 0.0, True), (9.0, 1.0, True), (np.nan, 1.0, True)]
)  # fmt: skip
def test_chance_alone_is_no_difference(shift, spread, apart):
    def fits(about):
        def of(stream):
            estimate = 2.0 + about + spread * np.random.default_rng(stream).standard_normal(1)
            one = np.ones(1)
            return Estimates(estimate, one, one, one, np.array([Outcome.OK], np.int8))

        return of

    assert (chance.differ(fits(0.0), fits(shift)) is not None) is apart
