"""Parts of a Type I error, verdicts, jackknife and calibration of Monte Carlo errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers_simulation import rows_of, simulate, study
from scipy import stats
from test_measures import ESTIMATE, STD_ERROR, TRUTH, columns, measured

from simstudy.errors import UserError
from simstudy.measures.bradley import VERDICTS, verdict
from simstudy.measures.catalog import finish
from simstudy.measures.own import bootstrap_mcse
from simstudy.measures.record import Cells
from simstudy.measures.values import proportion
from simstudy.numerics.quantiles import critical_values
from simstudy.numerics.tails import critical_value
from simstudy.runner.execute import execute
from simstudy.store.results_folder import ResultsFolder
from simstudy.summary import parts
from simstudy.summary.study import summarize_study

pytestmark = pytest.mark.slow

PARTS = ("type1_error_from_bias", "type1_error_from_se", "type1_error_remainder")


def jackknife_mcse(measure, estimate, std_error=None, truth=0.0):
    """Jackknife MCSE of a measure, about its value in the full sample, in O(n).

    Parameters
    ----------
    measure : {"bias", "empirical_se", "mse", "rmse", "model_se", "relative_error_model_se"}
    estimate, std_error : arrays, shape (n,)
        Used rows, none missing; `std_error` where the measure needs it.
    truth : float

    Returns
    -------
    float
        sqrt((n - 1) / n sum (theta_(i) - theta)^2); NaN with fewer than three rows.
    """
    n = estimate.size
    if n < 3:
        return float("nan")
    error = estimate - truth
    variance = np.zeros(n) if std_error is None else std_error * std_error
    centred = error - error.mean()
    s2 = (centred * centred).sum() / (n - 1)
    s2_without = ((n - 1) * s2 - n / (n - 1) * centred * centred) / (n - 2)

    def without(values):
        return np.asarray((values.sum() - values) / (n - 1))

    def value(
        mean: np.ndarray, spread: np.ndarray, squares: np.ndarray, model: np.ndarray
    ) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            if measure == "relative_error_model_se":
                return np.asarray(100.0 * (np.sqrt(model / spread) - 1.0))
            if measure in ("bias", "mse"):
                return mean if measure == "bias" else squares
            of_square = {"empirical_se": spread, "rmse": squares, "model_se": model}
            return np.asarray(np.sqrt(of_square[measure]))

    square = error * error
    full = value(error.mean(), s2, square.mean(), variance.mean())
    left = value(without(error), s2_without, without(square), without(variance))
    return float(np.sqrt((n - 1) / n * ((left - full) ** 2).sum()))


def test_the_parts_of_a_type1_error():
    rows = measured(columns(ESTIMATE, STD_ERROR), 0.0)
    found = {part: rows[part, 0.05].value for part in PARTS}
    # measures.md, theta = 0: .4 = .05 + .1842411507 + .1581735444 + .0075853049
    assert found["type1_error_from_se"] == pytest.approx(0.1842411507, abs=1e-10)
    assert found["type1_error_from_bias"] == pytest.approx(0.1581735444, abs=1e-10)
    assert found["type1_error_remainder"] == pytest.approx(0.0075853049, abs=1e-10)
    total = 0.05 + sum(found.values())
    assert total == pytest.approx(rows["rejection_rate", 0.05].value, abs=1e-12)
    assert not any((part, 0.05) in measured(columns(ESTIMATE, STD_ERROR), 0.1) for part in PARTS)


@pytest.mark.parametrize("bias", [0.0, 0.15])
def test_errors_of_the_parts_against_the_spread_of_repeated_studies(bias):
    rng = np.random.default_rng(3)
    found = {part: [] for part in PARTS}
    for _ in range(500):
        t, s = rng.normal(bias, 0.25, 400), 0.2 * np.sqrt(rng.chisquare(6, 400) / 6)
        rows = measured(columns(t, s, rng.uniform(4, 9, 400)), 0.0)
        for part in PARTS:
            found[part].append((rows[part, 0.05].value, rows[part, 0.05].mcse))
    for part, pairs in found.items():
        values, mcses = np.array(pairs).T
        ratio = mcses.mean() / values.std(ddof=1)
        # the SD of 500 values is good to 3 %; a share of bias that is none is a chi-square,
        # whose error is taken a little too large
        flat = bias == 0 and part == "type1_error_from_bias"
        assert (1.0 < ratio < 1.5) if flat else ratio == pytest.approx(1.0, abs=0.1), (part, ratio)


def test_critical_values_are_those_of_the_t_distribution():
    df = np.concatenate([np.geomspace(0.3, 1e9, 4001), [1.0, 2.0, 3.0, 30.0, math.inf]])
    for alpha in (0.3, 0.05, 0.01, 1e-4):
        assert critical_values(df, alpha) == pytest.approx(critical_value(df, alpha), rel=1e-9)
    assert critical_values(np.array([4.0]), 0.05)[0] == pytest.approx(stats.t.isf(0.025, 4.0))


def test_bradleys_verdict():
    counts = np.array([500, 900, 100, 760, 0])
    rate = proportion(counts, np.array([10_000, 10_000, 10_000, 10_000, 0]))
    words = [*VERDICTS, None]

    said = [words[k] for k in verdict(rate.low, rate.high, 0.05)]
    assert said == ["robust", "liberal", "conservative", "undecided", None]
    assert words[verdict(*proportion(5, 100)[2:], 0.05)] == "undecided"


JACKKNIFED = {"empirical_se": 0.0402649552581, "relative_error_model_se": 17.0609062825}


@pytest.mark.parametrize(("measure", "mcse"), JACKKNIFED.items())
def test_jackknife_errors(measure, mcse):
    assert jackknife_mcse(measure, ESTIMATE, STD_ERROR) == pytest.approx(mcse, rel=1e-10)


@pytest.mark.parametrize("measure", ["bias", "mse", "rmse", "empirical_se", "model_se",
                                     "relative_error_model_se"])  # fmt: skip
def test_jackknife_in_one_go_is_that_of_leaving_rows_out(measure):
    def value(keep):
        data = columns(ESTIMATE[keep], STD_ERROR[keep])
        return measured(data, TRUTH)[measure, None].value

    left = np.array([value(np.arange(10) != i) for i in range(10)])
    full = value(np.arange(10) >= 0)
    longhand = math.sqrt(0.9 * ((left - full) ** 2).sum())
    assert jackknife_mcse(measure, ESTIMATE, STD_ERROR, TRUTH) == pytest.approx(longhand, rel=1e-9)
    assert math.isnan(jackknife_mcse(measure, ESTIMATE[:2], STD_ERROR[:2]))


def test_bootstrap_of_a_mean_is_its_standard_error():
    rows = {"estimate": np.random.default_rng(1).normal(0, 1, 400), "status": np.zeros(400)}
    found = bootstrap_mcse(lambda drawn: float(drawn["estimate"].mean()), rows, 1000)
    assert found == pytest.approx(rows["estimate"].std() / 20, rel=0.1)  # 1,000 draws: 2 %
    assert found == bootstrap_mcse(lambda drawn: float(drawn["estimate"].mean()), rows, 1000)


CALIBRATED = ("bias", "empirical_se", "mse", "rmse", "model_se", "relative_error_model_se",
              "coverage", "rejection_rate", "mean_ci_width")  # fmt: skip


@pytest.mark.parametrize("x_icc", [0, 1])
@pytest.mark.parametrize(("j", "tolerance"), [(5, 0.25), (10, 0.1), (30, 0.1)])
def test_robust_mcses_are_calibrated(j, x_icc, tolerance):
    """Over 1,000 small studies the mean MCSE is near the spread it stands for.

    Within 10 % from J = 10 up. With a cluster-level x and J = 5 the slope is t-like with few
    degrees of freedom: no fourth moment, and the MCSE is too small by up to a fifth.
    """
    scenario = {"n_clusters": j, "cluster_size": 5, "icc": 0.1, "x_icc": x_icc, "slope": 0}
    cut = 500
    one = study(scenario, ["pooled"], 1000 * cut)
    found = {}
    for measure, value, mcse in _repeated(one, cut):
        assert value.size == 1000
        if measure in CALIBRATED:
            found[measure] = mcse.mean() / value.std(ddof=1)
    for measure in CALIBRATED:
        assert found[measure] == pytest.approx(1.0, abs=tolerance), measure


def _repeated(one, cut):
    """Each measure over the studies that a long one is cut into."""
    from simstudy.measures.totals import COLUMNS, of_block
    from simstudy.runner.plan import plan
    from simstudy.runner.task import run_task

    pieces = [run_task(task)[0] for task in plan(one, [])]
    rows = {k: np.concatenate([getattr(piece, k) for piece in pieces]).reshape(-1, cut)
            for k in COLUMNS}  # fmt: skip
    for column in finish(Cells(of_block(rows, 0.0, (0.05,)), (0.05,), 0.0)):
        yield column.measure, column.value.value, column.value.mcse


def test_summaries_with_any_number_of_jobs_are_the_same_digits(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "_IN_PROCESS", 0)
    grid = {"n_clusters": [4, 6], "cluster_size": [3, {"uniform": [2, 5]}], "icc": 0.2,
            "x_icc": 0, "slope": 0}  # fmt: skip
    methods = ["pooled", {"pooled": {"se": "CR2", "label": "CR2"}}, "random_intercept"]
    one = study(grid, methods, 9000, reference="CR2")
    execute(one, ResultsFolder(tmp_path), 1)
    alone, shared = (summarize_study(one, ResultsFolder(tmp_path), jobs=jobs) for jobs in (1, 2))
    assert alone.equals(shared)


def test_a_study_names_its_reference_and_pairs_are_of_the_same_data(tmp_path):
    grid = {"n_clusters": 5, "cluster_size": 4, "icc": 0.2, "x_icc": 0.5, "slope": 0.3}
    one = study(grid, ["pooled", {"pooled": {"se": "CR2", "label": "CR2"}}, "dummy"], 6000,
                reference="CR2")  # fmt: skip
    execute(one, ResultsFolder(tmp_path), 1)
    frame = summarize_study(one, ResultsFolder(tmp_path)).to_pandas()
    frame = frame.set_index(["method", "measure"])
    for measure in ("difference_bias", "relative_precision"):
        assert ("CR2", measure) not in frame.index
        assert abs(frame.value["pooled", measure]) < 1e-10  # the same estimates
        assert frame.mcse["pooled", measure] < 1e-4
    rates = frame.value[:, "rejection_rate"]
    gap = frame.loc[("dummy", "difference_rejection_rate")]
    assert gap.value == pytest.approx(rates["dummy"] - rates["CR2"], abs=1e-12)
    apart = math.hypot(*(frame.mcse[m, "rejection_rate"] for m in ("dummy", "CR2")))
    assert gap.mcse < apart
    with pytest.raises(UserError, match="no method of the study; known: pooled"):
        study(grid, ["pooled", {"pooled": {"se": "CR2", "label": "CR2"}}], 10, reference="CR3")


def test_parts_cut_anywhere_pair_alike(tmp_path):
    """A first run that ends inside a block leaves ragged parts; pairs are the same digits."""
    grid = {"n_clusters": 5, "cluster_size": 4, "icc": 0.2, "x_icc": 0.5, "slope": 0.0}
    methods = ["pooled", "dummy"]
    for name, runs in (("once", (9000,)), ("twice", (5000, 9000))):
        for n in runs:
            one = study(grid, methods, n, reference="dummy")
            execute(one, ResultsFolder(tmp_path / name), 1)
    once, twice = (
        summarize_study(one, ResultsFolder(tmp_path / name)) for name in ("once", "twice")
    )
    assert once.equals(twice)


def test_simulated_sizes_keep_their_helpers():
    (totals,) = simulate({"n_clusters": 5, "cluster_size": 3, "icc": 0.1, "x_icc": 0, "slope": 0},
                         ["pooled"], 500)  # fmt: skip
    assert {row.measure for row in rows_of(finish(Cells(totals.totals, (0.05,), 0.0)))} >= set(
        PARTS
    )


def test_critical_values_beyond_all_doubles_are_no_numbers_and_no_warnings():
    df = np.where(np.arange(10) < 3, 0.004, 5.0)  # c^2 overflows below about .005
    rows = measured(columns(ESTIMATE, STD_ERROR, df), 0.0, cuts=(5,))
    for measure in ("mean_ci_width", *PARTS):
        assert math.isnan(rows[measure, 0.05].value) and math.isnan(rows[measure, 0.05].mcse)
    assert 0 <= rows["rejection_rate", 0.05].value <= 1
