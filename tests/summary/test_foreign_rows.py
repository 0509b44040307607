"""Which rows of anybody's estimates count, and what is said of those that stand out."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from helpers_cli import call
from helpers_places import FAULTS

import simstudy

pytestmark = pytest.mark.slow

ROLES = {"estimate": "b", "std_error": "se", "true": 0.5}
WORDS = ("--estimate", "b", "--std-error", "se", "--true", "0.5")


def grid(n_reps: int = 30, seed: int = 1) -> pd.DataFrame:
    """Two methods in four cells of two factors, in the file's own order."""
    generator = np.random.Generator(np.random.Philox(seed))
    frame = pd.DataFrame(
        [
            (size, icc, rep, method)
            for size in ("small", "medium", "large")
            for icc in (0.0, 0.1 + 0.2)
            for rep in range(1, n_reps + 1)
            for method in ("B", "A")
        ],
        columns=["size", "icc", "rep", "method"],
    )
    frame["b"] = 0.5 + 0.2 * generator.standard_normal(len(frame))
    return frame.assign(se=0.2)


FRAME = grid()


def value(found: pd.DataFrame, measure: str = "bias") -> pd.DataFrame:
    return found[found.measure == measure].reset_index(drop=True)


# --- which rows


@pytest.mark.parametrize(
    "where, keep",
    [
        ("size = small", lambda f: f["size"] == "small"),
        ("icc = 0.3", lambda f: f.icc > 0),
        ("icc > 0 and size != large", lambda f: (f.icc > 0) & (f["size"] != "large")),
        ("method == A and rep <= 10", lambda f: (f.method == "A") & (f.rep <= 10)),
        ("b < 0.7", lambda f: f.b < 0.7),
    ],
)
@pytest.mark.parametrize("form", ["frame", "csv", "parquet"])
def test_only_rows_that_meet_a_condition(tmp_path, where, keep, form):
    data = FRAME
    if form == "csv":
        data = tmp_path / "e.csv"
        FRAME.to_csv(data, index=False)
    elif form == "parquet":
        data = tmp_path / "e.parquet"
        FRAME.to_parquet(data, row_group_size=50)
    given = ROLES | {"by": ["size", "icc"]}
    found = simstudy.summarize(data, **given, where=where)
    want = simstudy.summarize(FRAME[keep(FRAME)], **given)
    pd.testing.assert_frame_equal(found, want, rtol=1e-12)


def test_rows_that_are_left_out_may_hold_anything(tmp_path):
    frame = FRAME.astype({"se": object})
    frame.loc[3, "se"] = -1.0
    with pytest.raises(simstudy.UserError, match="is no std error"):
        simstudy.summarize(frame.astype({"se": float}), **ROLES, by=["size", "icc"])
    rep = frame.rep[3]
    found = simstudy.summarize(frame.astype({"se": float}), **ROLES, by=["size", "icc"],
                               where=f"rep != {rep}")  # fmt: skip
    assert (value(found).n_used == 29).all()


def test_labels_are_compared_as_written(tmp_path):
    (tmp_path / "e.csv").write_text(
        "arm,b,se\n" + "".join(f"{arm},{b},1\n" for arm in ("01", "1", "NA") for b in (1, 2, 4))
    )
    for where, by in (("arm = 01", "01"), ("arm = 1", "1"), ("arm = NA", "NA")):
        given = ROLES | {"by": "arm", "where": where}
        found = simstudy.summarize(tmp_path / "e.csv", **given)
        assert set(found.arm.astype(str)) == {by}
    other = simstudy.summarize(tmp_path / "e.csv", **ROLES, by="arm", where="arm != NA")
    assert set(other.arm) == {"01", "1"}


@pytest.mark.parametrize(
    "where, said",
    [
        ("siz = small", "where: unknown field 'siz'; did you mean 'size'?"),
        ("size = tiny", "no row is like that: size = tiny (size small, medium, large)"),
        ("size < 3", "size holds text, which has no order (it has small, medium, large)"),
        ("icc = high", "'high' is no number, and icc holds some (it has 0, 0.3)"),
        ("size", "where: after 'size' expected one of"),
        ("df.query('1') = 1", "where: unknown field 'df.query('1')'"),
        ("@size = 1", "where: unknown field '@size'"),
        ("", "where: is empty"),
    ],
)
def test_conditions_that_are_refused(tmp_path, where, said):
    FRAME.to_csv(tmp_path / "e.csv", index=False)
    ran = call("summarize", tmp_path / "e.csv", *WORDS, "--by", "size", "icc", "--where", where)
    assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1 and not ran.out


def test_a_column_of_lists_has_no_levels():
    frame = FRAME.assign(odd=[[1, 2]] * len(FRAME))
    with pytest.raises(simstudy.UserError, match=r"'odd' holds lists \(list<.*>\), no labels"):
        simstudy.summarize(frame, **ROLES, by=["size", "icc"], where="odd = 1")


# --- fits that did not converge


@pytest.mark.parametrize(
    "yes, no",
    [(True, False), (1, 0), (1.0, 0.0), ("yes", "no"), ("TRUE", "FALSE"), ("t", "f"), (1, None)],
)
def test_fits_that_did_not_converge_have_failed(tmp_path, yes, no):
    lost = (FRAME.index % 7 == 3).tolist()
    frame = FRAME.assign(ok=[no if one else yes for one in lost])
    found = simstudy.summarize(frame, **ROLES, by=["size", "icc"], converged="ok")
    kept = simstudy.summarize(FRAME[~np.array(lost)], **ROLES, by=["size", "icc"])
    for measure in ("bias", "empirical_se", "coverage", "rejection_rate"):
        mine, theirs = value(found, measure), value(kept, measure)
        assert mine.value.tolist() == pytest.approx(theirs.value.tolist(), rel=1e-12)
        assert (mine.n_used == theirs.n_used).all() and mine.n_not_used.sum() == sum(lost)
    shares = value(found, "share_failed")
    assert (shares.value * 30).sum() == pytest.approx(sum(lost))
    frame.to_csv(tmp_path / "e.csv", index=False)
    ran = call("summarize", tmp_path / "e.csv", *WORDS, "--by", "size", "icc", "--converged", "ok",
               "--format", "json")  # fmt: skip
    got = [row["value"] for row in json.loads(ran.out) if row["measure"] == "bias"]
    assert got == pytest.approx(value(found).value.tolist(), rel=1e-12)


def test_a_truth_is_not_needed_where_a_fit_did_not_converge():
    frame = FRAME.assign(ok=1, truth=0.5)
    frame.loc[[3, 5], ["ok", "truth"]] = [0, np.nan]
    given = {"estimate": "b", "std_error": "se", "true": "truth", "by": ["size", "icc"]}
    found = simstudy.summarize(frame, **given, converged="ok")
    assert set(found.truth) == {0.5} and value(found).n_not_used.sum() == 2


def test_a_truth_is_missing_where_nothing_was_estimated():
    given = {"estimate": "b", "std_error": "se", "true": "true"}
    found = simstudy.summarize(FAULTS / "true_na_where_failed.csv", **given)
    frame = pd.read_csv(FAULTS / "true_na_where_failed.csv")
    want = (frame.b - frame.true).groupby(frame.method).agg(["mean", "count"])
    mine = value(found).set_index("method")
    assert (mine.value - want["mean"]).abs().max() < 1e-12 and (mine.n_used == want["count"]).all()
    assert set(found.truth) == {0.5} and mine.n_not_used.sum() == frame.b.isna().sum() > 0


def test_a_column_a_method_has_a_column_of_convergence_or_several():
    wide = FRAME.pivot(index=["size", "icc", "rep"], columns="method", values=["b", "se"])
    wide.columns = [f"{name}_{method}" for name, method in wide.columns]
    wide = wide.reset_index().assign(ok_A=1, ok_B=0)
    wide.loc[:9, "ok_B"] = 1
    given = {"estimate": ["b_A", "b_B"], "std_error": ["se_A", "se_B"], "true": 0.5}
    found = value(simstudy.summarize(wide, **given, converged=["ok_A", "ok_B"], by="size",
                                     where="size = large"))  # fmt: skip
    assert found.n_used.tolist() == [60, 10]
    found = value(simstudy.summarize(wide, **given, converged="ok_B", by="icc",
                                     where="size = large"))  # fmt: skip
    assert found.n_used.tolist() == [10, 10, 0, 0]
    with pytest.raises(simstudy.UserError, match="3 columns of converged for 2 of estimate"):
        simstudy.summarize(wide, **given, converged=["ok_A", "ok_B", "ok_A"])


@pytest.mark.parametrize(
    "words, said",
    [
        ([1, 2], "column 'ok': 2 is neither yes nor no"),
        (["yes", "maybe"], "'maybe' is neither yes nor no"),
        ([0, 0], "column 'ok': no row says that it converged (0 and false say that it did not)"),
        ([1, -1], "-1 is neither yes nor no"),
    ],
)
def test_convergence_that_is_refused(tmp_path, words, said):
    frame = FRAME.assign(ok=words * (len(FRAME) // 2))
    frame.to_csv(tmp_path / "e.csv", index=False)
    ran = call("summarize", tmp_path / "e.csv", *WORDS, "--by", "size", "--converged", "ok")
    assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1
    ran = call("summarize", tmp_path / "e.csv", *WORDS, "--by", "size", "--converged", "okay")
    assert ran.code == 2 and "no column 'okay'; " in ran.err


# --- a group that was forgotten


def test_columns_that_repeat_where_by_is_forgotten_are_named(tmp_path):
    FRAME.to_csv(tmp_path / "e.csv", index=False)
    ran = call("summarize", tmp_path / "e.csv", *WORDS, "--measure", "bias")
    assert ran.code == 0 and ran.err.count("\n") == 1
    assert "'size', 'icc': levels that repeat within each method are summarised as one" in ran.err
    assert "by size icc they are kept apart" in ran.err
    ran = call("summarize", tmp_path / "e.csv", *WORDS, "--by", "size", "icc")
    assert ran.err == ""
    ran = call("summarize", tmp_path / "e.csv", *WORDS, "--where", "size = small and icc = 0")
    assert ran.err == ""


def test_the_file_with_two_groups_names_both():
    ran = call("summarize", FAULTS / "by_scenario.csv", *WORDS, "--measure", "bias")
    assert "'scenario', 'n': levels that repeat" in ran.err


@pytest.mark.parametrize("file", ["base.csv", "ci_and_some_se.csv", "one_method_no_se.csv"])
def test_files_without_a_forgotten_group_are_left_alone(file):
    assert call("summarize", FAULTS / file, *WORDS, "--measure", "bias").err == ""


@pytest.mark.parametrize(
    "more",
    [
        {"converged": lambda i: i % 10 != 0},
        {"seed": lambda i: i},
        {"seconds": lambda i: 0.1 * (i % 59)},
        {"design": lambda i: "one"},
        {"note": lambda i: "x" if i == 7 else None},
        {"ids": lambda i: f"id{i % 90}"},
    ],
)
def test_columns_that_are_no_groups_are_not_named(more):
    frame = FRAME[(FRAME["size"] == "small") & (FRAME.icc == 0)].drop(columns=["size", "icc"])
    frame = pd.concat([frame] * 3, ignore_index=True)
    frame["b"] += np.arange(len(frame)) * 1e-6
    for name, of in more.items():
        frame[name] = [of(i) for i in range(len(frame))]
    warned: list[str] = []
    simstudy.summarize(frame, **ROLES, warn=warned.append)
    assert warned == []


def test_replications_that_occur_twice_name_what_tells_them_apart(tmp_path):
    FRAME.to_csv(tmp_path / "e.csv", index=False)
    line = ("summarize", tmp_path / "e.csv", *WORDS, "--replication", "rep")
    ran = call(*line)
    assert ran.code == 2 and ran.err.count("\n") == 1
    assert "replication 1 of method 'B' occurs twice; by size icc they are told apart" in ran.err
    ran = call(*line, "--by", "icc")
    assert "by icc size they are told apart" in ran.err
    assert call(*line, "--by", "icc", "size").code == 0
    twice = pd.concat([FRAME, FRAME.iloc[[4]]])
    with pytest.raises(simstudy.UserError, match="by more columns, or drop the copies"):
        simstudy.summarize(twice, **ROLES, by=["size", "icc"], replication="rep")


# --- the order of levels


def test_methods_stand_in_one_order_in_all_groups(tmp_path):
    FRAME.iloc[1:].to_parquet(tmp_path / "e.parquet", row_group_size=61)
    found = value(simstudy.summarize(tmp_path / "e.parquet", **ROLES, by=["size", "icc"]))
    assert found.method.tolist() == ["A", "B"] * 6
    assert found["size"].drop_duplicates().tolist() == ["large", "medium", "small"]


def test_levels_that_are_numbers_as_text_ascend(tmp_path):
    frame = FRAME.assign(n=FRAME["size"].map({"small": "10", "medium": "5", "large": "030"}))
    frame.to_csv(tmp_path / "e.csv", index=False)
    found = value(simstudy.summarize(tmp_path / "e.csv", **ROLES, by=["n", "icc"]))
    assert found.n.astype(str).drop_duplicates().tolist() == ["5", "10", "030"]


# --- estimates far out


def test_one_diverged_estimate_is_named_and_costs_no_other_cell_its_digits():
    ran = call("summarize", FAULTS / "diverged_1e15.csv", *WORDS, "--measure", "bias")
    assert ran.code == 0 and ran.err.count("\n") == 1
    frame = pd.read_csv(FAULTS / "diverged_1e15.csv")
    row = int(np.flatnonzero(frame.b.abs() > 1e10)[0])
    assert f"{frame.method[row]}: 1 of 50 estimates is extreme" in ran.err
    assert f"{frame.b[row]:.4g} in row {row + 1}, " in ran.err
    lines = ran.out.splitlines()
    assert "-0.003 (0.025)" in lines[2] and "5.0e13 (5.0e13)" in lines[2]


@pytest.mark.parametrize("others", [1, 2, 5])
def test_most_may_diverge_and_one_has_its_digits_still(others):
    frame = pd.concat([FRAME[FRAME.method == "A"].assign(method=f"D{k}") for k in range(others)])
    frame.loc[frame.rep == 3, "b"] = 7e14
    both = pd.concat([FRAME[FRAME.method == "A"], frame])
    ran = call_frame(both)
    assert "-0.00" in ran or "0.00" in ran or "0.01" in ran
    assert "0 (0)" not in ran and "00000" not in ran


def call_frame(frame: pd.DataFrame) -> str:
    from simstudy.report import tables
    from simstudy.report.pivot import wide
    from simstudy.summary.anybody import summarize_table

    found = summarize_table(frame, **ROLES)
    return tables.as_text(tables.grid(wide(found, "bias")))


def test_errors_of_many_sizes_have_two_digits_each():
    frames = []
    for k, spread in enumerate((1e-6, 1e-3, 0.2, 30.0, 4e3)):
        one = FRAME[FRAME.method == "A"].assign(method=f"s{k}")
        frames.append(one.assign(b=0.5 + (one.b - 0.5) / 0.2 * spread))
    cells = call_frame(pd.concat(frames)).splitlines()[2].split()
    errors = [cell.strip("()") for cell in cells if cell.startswith("(")]
    assert len(errors) == 5 and all(float(error) > 0 for error in errors)
    digits = [len(error.replace(".", "").lstrip("0")) for error in errors]
    assert min(digits) >= 1 and max(digits) <= 4


def test_extreme_estimates_are_counted_and_their_rows_named(tmp_path):
    frame = FRAME.copy()
    rows = [10, 44, 100, 102, 104, 200]
    frame.loc[rows, "b"] = [50.0, -90.0, 1e6, 1e7, 1e8, 1e9]
    frame.to_csv(tmp_path / "e.csv", index=False)
    ran = call("summarize", tmp_path / "e.csv", *WORDS, "--by", "size", "icc", "--measure", "bias")
    (line,) = ran.err.splitlines()
    assert "B: 6 of 180 estimates are extreme (over 10 robust SDs from the median): 1e+09" in line
    assert "in row 201, " in line and "then row 105, row 103, row 101, row 45, ..." in line
    whole = simstudy.summarize(frame, **ROLES, by=["size", "icc"], warn=lambda said: None)
    assert value(whole).n_used.sum() == len(frame)  # they are used as they are
    warned: list[str] = []
    simstudy.summarize(frame, **ROLES, by=["size", "icc"], where="b < 10 and b > -10",
                       warn=warned.append)  # fmt: skip
    assert warned == []
    later: list[str] = []
    simstudy.summarize(frame, **ROLES, by=["size", "icc"], where="rep > 6", warn=later.append)
    assert "in row 201, " in later[0] and ", row 45" in later[0]  # rows are those of the file


def test_a_column_a_method_names_the_method_and_the_row():
    wide = FRAME.pivot(index=["size", "icc", "rep"], columns="method", values=["b", "se"])
    wide.columns = [f"{name}_{method}" for name, method in wide.columns]
    wide = wide.reset_index()
    wide.loc[17, "b_B"] = 1e12
    warned: list[str] = []
    simstudy.summarize(wide, true=0.5, estimate=["b_A", "b_B"], std_error=["se_A", "se_B"],
                       by=["size", "icc"], warn=warned.append)  # fmt: skip
    (line,) = warned
    assert line.startswith("b_B: 1 of 180 estimates is extreme") and "in row 18, " in line


@pytest.mark.parametrize("n", [5, 12, 200, 9000])
def test_usual_estimates_are_not_extreme(n):
    generator = np.random.Generator(np.random.Philox(n))
    warned: list[str] = []
    frame = pd.DataFrame({"g": np.repeat(np.arange(40), n), "b": generator.standard_normal(40 * n)})
    simstudy.summarize(frame, true=0.0, estimate="b", by="g", warn=warned.append)
    assert warned == []
    frame.loc[3, "b"] = 1e15
    simstudy.summarize(frame, true=0.0, estimate="b", by="g", warn=warned.append)
    assert "1e+15 in row 4, " in warned[0]


def test_of_estimates_that_are_all_the_same_none_is_extreme():
    frame = pd.DataFrame({"b": [1.0] * 30 + [2.0], "se": 1.0})
    warned: list[str] = []
    simstudy.summarize(frame, **ROLES, warn=warned.append)
    assert warned == []


def test_from_python_a_warning_says_it():
    with pytest.warns(UserWarning, match="B: 1 of 50 estimates is extreme"):
        simstudy.summarize(FAULTS / "diverged_1e15.csv", **ROLES)


# --- many groups


@pytest.mark.parametrize("role", ["by", "method"])
@pytest.mark.parametrize("batch", [5_000, 150_000])
def test_a_level_a_row_is_no_group(tmp_path, role, batch):
    n = 1_000_000 if batch > 100_000 else 150_000
    frame = pd.DataFrame({"g": np.arange(n), "b": 1.0, "se": 1.0})
    frame.to_parquet(tmp_path / "e.parquet", row_group_size=batch)
    flag = f"--{role}"
    ran = call("summarize", tmp_path / "e.parquet", *WORDS, flag, "g")
    assert ran.code == 2 and ran.err.count("\n") == 1
    assert "more than 100,000 groups by g; does one of them number the rows?" in ran.err


DIVERGES = """
import simstudy

@simstudy.method
def sometimes(data):
    wild = data.y.iloc[0] > 2.4
    return (1e15 if wild else data.y.mean()), 1.0
"""


def test_extreme_estimates_of_methods_of_ones_own_are_said_when_a_study_runs(tmp_path):
    (tmp_path / "m.py").write_text(DIVERGES)
    study = {
        "name": "s", "seed": 2, "replications": 200,
        "scenarios": {"n_clusters": 4, "cluster_size": 5, "icc": [0, 0.1], "x_icc": 0, "slope": 0},
        "methods": ["pooled", {"use": str(tmp_path / "m.py") + ":sometimes"}],
    }  # fmt: skip
    said: list[str] = []
    results = simstudy.run(study, results=tmp_path, report=False, warn=said.append)
    rows = results.estimates.to_table().to_pandas()
    wild = rows[rows.estimate == 1e15]
    assert 0 < len(wild) < 20
    (line,) = [line for line in said if "extreme" in line]
    assert line.startswith(f"sometimes: {len(wild)} of 400 estimates ")
    scenario, replication = wild.scenario.iloc[0], wild.replication.iloc[0]
    places = set(zip(wild.scenario, wild.replication, strict=True))
    named = [place for place in places if f"scenario {place[0]}, replication {place[1]} (" in line]
    assert len(named) == 1 and "1e+15 in scenario" in line
    shown = call("replay", results.folder, "--scenario", scenario, "--replication",
                 str(replication), "--trust")  # fmt: skip
    assert "1e+15" in shown.out or "1000000000000000.0" in shown.out
    part = next(p for p in (results.folder / "estimates").iterdir() if "0000000001" in p.name
                and "sometimes" in p.name and scenario in p.name)  # fmt: skip
    part.unlink()  # what is stored begins later, and is named by its own number still
    again = simstudy.Results.open(results.folder)
    later: list[str] = []
    again.summary_table(warn=later.append)
    (line,) = [line for line in later if "extreme" in line]
    left = wild[(wild.scenario != scenario) | (wild.replication > 32)]
    assert f"sometimes: {len(left)} of 368 estimates " in line
    at = line.partition("replication ")[2].partition(" ")[0]
    assert int(at) in set(left.replication)
