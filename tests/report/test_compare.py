"""Printed numbers beside ours: z by hand, z of honest numbers, and what is said of the rest."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from helpers_cli import assert_refused, call
from helpers_simulation import study

import simstudy
from simstudy.errors import UserError
from simstudy.measures.catalog import MEASURES, finish
from simstudy.measures.record import Cells
from simstudy.measures.totals import of_block
from simstudy.report.compare import compare
from simstudy.results import Results

GRID = {"n_clusters": 10, "cluster_size": 5, "icc": [0.1, 0.3], "x_icc": 1, "slope": 0}


def summary(rows) -> pa.Table:
    """A summary of rows (icc, method, measure, alpha, value, mcse, n_used)."""
    names = ("icc", "method", "measure", "alpha", "value", "mcse", "n_used")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    kinds = {name: pa.float64() for name in ("alpha", "value", "mcse")}
    return pa.table({name: pa.array(v, kinds.get(name)) for name, v in columns.items()})


def compared(tmp_path, rows, text):
    file = tmp_path / "printed.csv"
    file.write_text(text)
    return compare(summary(rows), str(file))


def test_z_by_hand(tmp_path):
    rows = [(0.1, "a", "empirical_se", None, 0.21, 0.004, 400),
            (0.1, "a", "coverage", 0.05, 0.93, math.sqrt(0.93 * 0.07 / 400), 400),
            (0.1, "a", "rejection_rate", 0.05, 0.0, 0.0, 400),
            (0.1, "a", "bias", None, 0.01, 0.003, 400)]  # fmt: skip
    found = compared(tmp_path, rows,
                     "icc,method,measure,printed,decimals,replications,mcse\n"
                     "0.1,a,empirical_se,0.2,3,1000,\n0.1,a,coverage,0.95,2,1600,\n"
                     "0.1,a,,0.01,,1000,\n0.1,a,bias,0.0,,,0.004\n0.10,a,bias,0.0,,,\n"
                     "0.1,a,rejection_rate,0.01,,,\n")  # fmt: skip
    both = (400 * 0.93 + 1600 * 0.95) / 2000
    rate = 1000 * 0.01 / 1400
    right = [
        0.01 / math.sqrt(0.004**2 * (1 + 0.4) + 1e-6 / 12),
        -0.02 / math.sqrt(both * (1 - both) * (1 / 400 + 1 / 1600) + 1e-4 / 12),
        -0.01 / math.sqrt(rate * (1 - rate) * (1 / 400 + 1 / 1000)),
        0.01 / 0.005,
        0.01 / 0.003,
        -0.01 / math.sqrt(0.01 * 0.99 / 400),
    ]
    assert [pair.z for pair in found] == pytest.approx(right, rel=1e-12)


HONEST = ("bias", "empirical_se", "mse", "model_se", "relative_error_model_se", "coverage",
          "rejection_rate", "mean_ci_width")  # fmt: skip


def test_z_of_honest_numbers_has_spread_one(tmp_path):
    """Ours of 400 replications, printed of 1,600, from the same law, 600 times."""
    rng = np.random.default_rng(11)

    def measured(n):
        b = rng.normal(0.3, 0.2, (600, n))
        s = 0.19 * np.sqrt(rng.chisquare(15, (600, n)) / 15)
        columns = {"estimate": b, "std_error": s, "df": np.full((600, n), 15.0),
                   "status": np.zeros((600, n), np.int8)}  # fmt: skip
        found = finish(Cells(of_block(columns, 0.3, (0.05,)), (0.05,), 0.3))
        return {c.measure: c.value for c in found}

    ours, theirs = measured(400), measured(1600)

    def z_of(scenarios):  # of few at a time: every line is looked up among all rows
        cells = [(m, k) for m in HONEST for k in scenarios]
        rows = [(float(k), "a", m, None, ours[m].value[k], ours[m].mcse[k], 400) for m, k in cells]
        lines = [f"{k},a,{m},{float(theirs[m].value[k])!r},1600" for m, k in cells]
        text = "\n".join(["icc,method,measure,printed,replications", *lines])
        z = [pair.z for pair in compared(tmp_path, rows, text)]
        return np.array(z).reshape(len(HONEST), len(scenarios))

    z = np.hstack([z_of(range(k, k + 50)) for k in range(0, 600, 50)])
    for name, of_one in zip(HONEST, z, strict=True):
        assert abs(of_one.mean()) < 4 / math.sqrt(600), name
        assert 0.9 < of_one.std() < 1.1, name  # 1 +- 3.5 / sqrt(2 * 600)
    assert MEASURES["coverage"].proportion and MEASURES["rejection_rate"].proportion


def test_cells_without_z_are_counted_and_said(tmp_path):
    results = run(tmp_path)
    text = "icc,method,measure,printed,replications\n0.1,pooled,rejection_rate,,1000\n"
    text += "0.1,pooled,coverage,0.9,1000\n0.1,dummy,coverage,0.9,1000\n0.3,dummy,bias,,\n"
    (tmp_path / "printed.csv").write_text(text)
    ran = call("compare", results.folder, tmp_path / "printed.csv")
    assert ran.code == 0
    assert "2 cells without z: no printed number" in ran.out
    assert "1 cell without z: no number here" in ran.out


def run(tmp_path, **more) -> Results:
    one = study(GRID, ["pooled", {"pooled": {"df": "wald", "label": "z"}}, "dummy"], 50, **more)
    return simstudy.run(one, results=tmp_path, jobs=1, report=False)


@pytest.mark.parametrize("label", ["z", "pooled[df=wald]"])
def test_methods_are_found_by_their_label_or_their_name(tmp_path, label):
    results = run(tmp_path)
    frame = results.summary
    cell = frame[(frame.icc == 0.3) & (frame.method == "z") & (frame.measure == "bias")]
    (tmp_path / "printed.csv").write_text(f"icc,method,measure,printed\n.30,{label},bias,0\n")
    (pair,) = compare(results.summary_table(), str(tmp_path / "printed.csv"))
    assert pair.ours == cell.value.item()
    assert pair.z == pytest.approx(cell.value.item() / cell.mcse.item())
    assert call("compare", results.folder, tmp_path / "printed.csv").code == 0


def test_the_level_of_the_file_is_the_one_that_is_compared(tmp_path):
    rows = [(0.1, "a", "coverage", 0.05, 0.95, 0.01, 400),
            (0.1, "a", "coverage", 0.01, 0.99, 0.01, 400)]  # fmt: skip
    text = "icc,method,measure,alpha,printed\n0.1,a,coverage,{},0.97\n"
    assert compared(tmp_path, rows, text.format(0.01))[0].ours == 0.99
    assert compared(tmp_path, rows, text.format(""))[0].ours == 0.95
    with pytest.raises(UserError, match=r"printed.csv:2: no coverage of .* at alpha 0.1 in"):
        compared(tmp_path, rows, text.format(0.1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("method,printed\npooled,0.05\n", r":2: 2 cells of the summary are .*in a column icc"),
        ("icc,printed\n0.1,0.05\n", r"3 cells .* column method"),
        ("icc,method,printed\n0.2,pooled,0.05\n", "no rejection_rate of icc 0.2, method pooled"),
        ("icc,method,measure,printed\n0.1,pooled,biass,0\n", "no measure 'biass'.*mean 'bias'"),
        ("icc,method,printed\n", "no rows"),
        ("rho,printed\n0.1,0.05\n", "no column 'rho'"),
        ("icc,method\n0.1,pooled\n", "no column 'printed'"),
    ],
)
def test_what_is_not_one_cell_of_the_summary_is_refused(tmp_path, text, message):
    results = run(tmp_path)
    with pytest.raises(UserError, match=message):
        (tmp_path / "printed.csv").write_text(text)
        compare(results.summary_table(), str(tmp_path / "printed.csv"))
    assert_refused(call("compare", results.folder, tmp_path / "printed.csv"))


def test_an_assertion_about_z_has_an_exit_code_of_its_own(tmp_path):
    results = run(tmp_path)
    (tmp_path / "printed.csv").write_text("icc,method,measure,printed\n0.1,dummy,bias,\n"
                                          "0.1,pooled,bias,99\n0.3,pooled,bias,0\n")  # fmt: skip
    ran = call("compare", results.folder, tmp_path / "printed.csv", "--max-z", 5)
    assert ran.code == 4 and "without z" in ran.out and "99" in ran.out
    assert ran.err.startswith("1 cell with |z| above 5, largest -")
    assert call("compare", results.folder, tmp_path / "printed.csv", "--max-z", 1e9).code == 0
    (tmp_path / "printed.csv").write_text("icc,method,measure,printed\n0.1,dummy,bias,\n")
    ran = call("compare", results.folder, tmp_path / "printed.csv", "--max-z", 5)
    assert (ran.code, ran.err) == (4, "no cell has a z that could be held against 5\n")
    for wrong in ("0", "-1", "nan", "inf", "x"):
        assert_refused(call("compare", results.folder, tmp_path / "printed.csv",
                            f"--max-z={wrong}"))  # fmt: skip
