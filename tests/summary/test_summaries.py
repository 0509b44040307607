"""Anybody's estimates, in every shape, against longhand and against our own summary."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers_simulation import study
from scipy import stats

import simstudy
from simstudy.measures.own import REGISTERED
from simstudy.readers import table
from simstudy.readers.read import read
from simstudy.summary import add_up

pytestmark = pytest.mark.slow

KEYS = ["value", "mcse", "ci_low", "ci_high", "n_used", "n_not_used"]


def estimates(n=300, seed=5) -> pd.DataFrame:
    """Three methods in two cells, in the long form, with a df, a p and an interval each."""
    rng = np.random.default_rng(seed)
    frames = []
    for cell, truth in (("one", 0.0), ("two", 0.4)):
        common = rng.normal(truth, 0.2, n)
        for k, method in enumerate(("A", "B", "C")):
            t = common + rng.normal(0, 0.05 * k, n)
            s, df = rng.gamma(9, 0.02, n), rng.uniform(2, 40, n)
            half = stats.t.isf(0.025, df) * s
            frames.append(pd.DataFrame({
                "cell": cell, "rep": np.arange(n), "how": method, "b": t, "se": s, "nu": df,
                "p": 2 * stats.t.sf(abs(t) / s, df), "low": t - half, "high": t + half,
                "theta": truth}))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


FRAME = estimates()
ROLES = {"true": "theta", "estimate": "b", "std_error": "se", "method": "how", "by": ["cell"]}


def numbers(frame, **where):
    for name, value in where.items():
        frame = frame[frame[name] == value]
    return frame.set_index("measure")[KEYS]


def test_columns_are_those_of_a_summary_with_by_in_place_of_the_factors():
    found = simstudy.summarize(FRAME, **ROLES)
    names = ["cell", "method", "truth", "null_value", "measure", "alpha", "value", "mcse"]
    names += ["ci_low", "ci_high", "n_used", "n_not_used", "verdict"]
    assert list(found.columns) == names
    assert list(dict.fromkeys(zip(found.cell, found.method, strict=True))) == [
        (cell, method) for cell in ("one", "two") for method in "ABC"
    ]
    judged = found[found.verdict.notna()]
    assert set(judged.measure) == {"rejection_rate"} and set(judged.cell) == {"one"}


@pytest.mark.parametrize("given", [{"df": "nu"}, {"df": "nu", "p_value": "p"},
                                   {"df": "nu", "ci_low": "low", "ci_high": "high"}])  # fmt: skip
def test_own_df_p_values_and_intervals_say_the_same(given):
    found = numbers(simstudy.summarize(FRAME, **ROLES, **given), cell="two", method="B")
    mine = FRAME[(FRAME.cell == "two") & (FRAME.how == "B")]
    covered = (mine.low <= 0.4) & (mine.high >= 0.4)
    kept = (mine.low <= mine.b.mean()) & (mine.b.mean() <= mine.high)
    assert found.value["coverage"] == pytest.approx(covered.mean(), abs=1e-15)
    assert found.value["bias_eliminated_coverage"] == pytest.approx(kept.mean(), abs=1e-15)
    assert found.value["rejection_rate"] == pytest.approx((mine.p < 0.05).mean(), abs=1e-15)
    width = mine.high - mine.low  # 1e-8: interpolated t quantiles
    assert found.value["mean_ci_width"] == pytest.approx(width.mean(), rel=1e-8)
    assert found.mcse["mean_ci_width"] == pytest.approx(width.std() / np.sqrt(300), rel=1e-8)


def test_wide_and_long_forms_are_one():
    long = FRAME[FRAME.cell == "two"]
    wide = long.pivot(index="rep", columns="how", values=["b", "se"])
    wide.columns = [f"{name}_{how}" for name, how in wide.columns]
    got = simstudy.summarize(wide, true=0.4, estimate=["b_A", "b_B", "b_C"],
                             std_error="se_A,se_B,se_C", reference="b_A")  # fmt: skip
    want = simstudy.summarize(long, **(ROLES | {"by": []}), reference="A")
    assert got.method.str[2:].tolist() == want.method.tolist()
    pd.testing.assert_frame_equal(got[KEYS], want[KEYS])


def test_paired_differences_against_longhand_in_any_order_of_rows():
    mixed = FRAME.sample(frac=1, random_state=1).reset_index(drop=True)
    mixed = mixed.drop(mixed[(mixed.how == "C") & (mixed.rep < 20)].index)
    result = simstudy.summarize(mixed, **ROLES, df="nu", reference="A", replication="rep")
    found = numbers(result, cell="one", method="C")
    mine, other = (FRAME[(FRAME.cell == "one") & (FRAME.how == how) & (FRAME.rep >= 20)]
                   .set_index("rep") for how in "CA")  # fmt: skip
    rho = np.corrcoef(mine.b, other.b)[0, 1]
    gain = (other.b.std() / mine.b.std()) ** 2
    hit = (mine.p < 0.05).astype(float) - (other.p < 0.05)
    longhand = {
        "difference_bias": ((mine.b - other.b).mean(), (mine.b - other.b).sem()),
        "difference_rejection_rate": (hit.mean(), hit.sem()),
        "difference_coverage": (-hit.mean(), hit.sem()),  # truth 0
        "relative_precision": (100 * (gain - 1), 200 * gain * np.sqrt((1 - rho**2) / 279)),
    }
    for measure, (value, mcse) in longhand.items():
        assert found.value[measure] == pytest.approx(value, rel=1e-9, abs=1e-14), measure
        assert found.mcse[measure] == pytest.approx(mcse, rel=1e-9), measure
        assert found.n_used[measure] == 280
    assert "relative_precision" not in set(result[result.method == "A"].measure)


def test_missing_estimates_and_standard_errors_are_counted_not_used():
    frame = FRAME[(FRAME.cell == "two") & (FRAME.how == "A")].copy()
    frame.iloc[:5, frame.columns.get_loc("b")] = np.nan
    frame.iloc[5:8, frame.columns.get_loc("se")] = np.nan
    found = numbers(simstudy.summarize(frame, **ROLES))
    assert found.value["share_not_estimable"] == 5 / 300
    assert found.value["share_no_std_error"] == 3 / 300
    assert found.value["bias"] == pytest.approx(frame.b.mean() - 0.4, rel=1e-10)
    assert (found.n_not_used["bias"], found.n_not_used["coverage"]) == (5, 8)
    low, high = (found.value[f"rejection_rate_{end}_bound"] for end in ("lower", "upper"))
    hits = found.value["rejection_rate"] * 292
    assert (low, high) == pytest.approx((hits / 300, (hits + 8) / 300))


def test_p_values_alone_and_estimates_alone_have_no_rows_of_what_they_lack():
    only_p = simstudy.summarize(FRAME, true="theta", p_value="p", method="how", by="cell")
    assert {"rejection_rate", "type1_inflation"} <= set(only_p.measure)
    assert not {"bias", "model_se", "coverage", "mean_ci_width"} & set(only_p.measure)
    only_b = simstudy.summarize(FRAME, true="theta", estimate="b", method="how", by="cell")
    assert {"bias", "empirical_se", "mse"} <= set(only_b.measure)
    assert not {"rejection_rate", "model_se", "coverage"} & set(only_b.measure)


@pytest.mark.parametrize("kind", ["csv", "parquet", "folder", "dta"])
def test_files_say_what_frames_say(tmp_path, kind):
    file = tmp_path / f"estimates.{kind}"
    if kind == "csv":
        FRAME.to_csv(file, index=False)
    elif kind == "dta":
        FRAME.to_stata(file, write_index=False)
    elif kind == "parquet":
        FRAME.to_parquet(file)
    else:
        file.mkdir()
        for k in range(3):
            FRAME[k * 600 : (k + 1) * 600].to_parquet(file / f"{k}.parquet")
    got = simstudy.summarize(file, **ROLES, df="nu")
    want = simstudy.summarize(FRAME, **ROLES, df="nu")
    pd.testing.assert_frame_equal(got[KEYS], want[KEYS], rtol=1e-12)
    assert got.method.tolist() == want.method.tolist()


def test_batches_of_any_length_give_the_same_measures(monkeypatch):
    want = simstudy.summarize(FRAME, **ROLES, df="nu")
    monkeypatch.setattr(table, "BATCH", 97)
    monkeypatch.setattr(add_up, "_MOST", 5)
    got = simstudy.summarize(FRAME, **ROLES, df="nu")
    pd.testing.assert_frame_equal(got[KEYS], want[KEYS], rtol=1e-9)


def test_our_own_rows_need_no_names(tmp_path):
    one = study({"n_clusters": 5, "cluster_size": 3, "icc": [0, 0.2], "x_icc": 0, "slope": 0.0},
                ["pooled", "random_intercept"], 700)  # fmt: skip
    results = simstudy.run(one, jobs=1, results=tmp_path, report=False)
    want = results.summary
    got = simstudy.summarize(results.estimates.to_table().to_pandas(), true=0.0)
    keys = ["scenario", "method", "measure"]
    both = want.merge(got, on=keys, suffixes=("", "_frame"))
    assert len(both) == len(want) == len(got)
    for name in KEYS:
        assert both[name].tolist() == pytest.approx(both[f"{name}_frame"].tolist(), rel=1e-9,
                                                    abs=1e-12, nan_ok=True)  # fmt: skip


def test_a_measure_of_ones_own_brings_or_bootstraps_its_error():
    def median_error(rows, truth):
        return float(np.median(rows["estimate"]) - truth)

    def mean_error(rows, truth):
        error = rows["estimate"] - truth
        return error.mean(), error.std(ddof=1) / np.sqrt(error.size)

    try:
        simstudy.measure(median_error)
        simstudy.measure(mean_error)
        found = numbers(simstudy.summarize(FRAME, **ROLES), cell="two", method="A")
    finally:
        REGISTERED.clear()
    mine = FRAME[(FRAME.cell == "two") & (FRAME.how == "A")].b
    assert found.value["median_error"] == np.median(mine) - 0.4
    # the median of a normal sample: sqrt(pi / 2) sd / sqrt(n); 200 draws are good to 5 %
    assert found.mcse["median_error"] == pytest.approx(1.2533 * mine.sem(), rel=0.35)
    for name in ("value", "mcse"):
        assert found[name]["mean_error"] == pytest.approx(found[name]["bias"], rel=1e-10)
    with pytest.raises(simstudy.UserError, match="cannot be called 'bias'"):
        simstudy.measure(_named("bias"))


def _named(name):
    def function(rows, truth):
        return 0.0

    function.__name__ = name
    return function


@pytest.mark.parametrize(("change", "message"), [
    ({"estimate": "bb"}, "no column 'bb'; known: cell"),
    ({"true": "thetta"}, "did you mean 'theta'"),
    ({"true": float("nan")}, "not a finite number"),
    ({"reference": "D"}, "no method 'D'; known: A, B, C"),
    ({"alpha": 1.5}, "is not in"),
    ({"mcse": "norml"}, "did you mean 'normal'"),
    ({"estimate": "b,p"}, "1 column of std_error for 2"),
    ({"std_error": "how"}, "is not numeric"),
    ({"ci_low": "low"}, "needs both"),
    ({"by": "value"}, "no column 'value'"),
    ({"reference": "A", "replication": "cell"}, "occurs twice"),
])  # fmt: skip
def test_what_is_wrong_is_said_in_a_line(change, message):
    with pytest.raises(simstudy.UserError, match=message):
        simstudy.summarize(FRAME, **(ROLES | change))
    with pytest.raises(simstudy.UserError, match="no rows"):
        simstudy.summarize(FRAME[:0], **ROLES)
    with pytest.raises(simstudy.UserError, match="true value"):
        simstudy.summarize(FRAME)


def test_the_command_line_summarises_a_file(tmp_path):
    file = tmp_path / "estimates.csv"
    FRAME.to_csv(file, index=False)
    line = [sys.executable, "-m", "simstudy", "summarize", str(file), "--estimate", "b",
            "--std-error", "se", "--true", "theta", "--method", "how", "--by", "cell"]  # fmt: skip

    def call(*more):
        return subprocess.run([*line, *more], capture_output=True, text=True, check=False)

    rows = json.loads(call("--format", "json", "--reference", "A", "--alpha", "0.1", "0.01").stdout)
    want = simstudy.summarize(FRAME, **ROLES, reference="A", alpha=[0.1, 0.01])
    assert [row["value"] for row in rows] == pytest.approx(want.value.tolist(), nan_ok=True)
    text = call().stdout
    assert "Coverage (nominal 0.95) at alpha 0.05" in text and "SE bias, %" in text
    assert "two" in text and "  A " in text
    ran = call("--df", "nuu")
    assert ran.returncode == 2 and ran.stderr.count("\n") == 1 and "no column 'nuu'" in ran.stderr
    ran = call("--measure", "relative_precision")
    assert ran.returncode == 2 and "needs a reference" in ran.stderr


def test_parquet_is_read_in_batches(tmp_path):
    n = 400_000
    rows = pa.table({"estimate": np.arange(n) % 7.0, "std_error": np.ones(n)})
    pq.write_table(rows, tmp_path / "one.parquet")
    opened = read(tmp_path)
    sizes = [batch.num_rows for batch in opened.batches(["estimate"])]
    assert sum(sizes) == n and max(sizes) <= 1 << 17
