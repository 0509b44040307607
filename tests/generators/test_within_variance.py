"""The variance within clusters in the place of the total: the same worlds, other columns."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from helpers_cli import assert_refused, call, conforms
from helpers_simulation import study
from hypothesis import given, settings
from hypothesis import strategies as st

import simstudy
from simstudy.errors import UserError
from simstudy.results import Results
from simstudy.runner.execute import execute
from simstudy.store import study_file
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.json_schema import schema
from simstudy.study.scenarios import total_of
from simstudy.study.study import load
from simstudy.summary.study import scenario_table

GRID = {"n_clusters": 10, "cluster_size": 5, "icc": [0, 0.05, 0.1, 0.2], "x_icc": 1, "slope": 0}


@pytest.mark.parametrize(
    ("within", "icc", "total"),
    [(0.9, 0.1, 1), (0.57, 0.05, 0.6), (2.7, 0.1, 3), (16, 0.2, 20), (0.7, 0.3, 1),
     (1, 0, 1), (4, 0.2, 5.0), (0.019, 0.05, 0.02), (9.9, 0.01, 10), (1e-3, 0.5, 2e-3),
     (1e11, 0.9, 1e12), (16, 0.03, 16 / 0.97), (0.9, 0.02, 0.9 / 0.98), (1 / 3, 0.1, 1 / 3 / 0.9)],
)  # fmt: skip
def test_the_same_world_has_the_same_id(within, icc, total):
    (one,) = study(GRID | {"icc": icc, "within_variance": within}, ["pooled"]).designs
    (other,) = study(GRID | {"icc": icc, "total_variance": total}, ["pooled"]).designs
    assert (one.id, one.key, one.scenario) == (other.id, other.key, other.scenario)
    assert one.scenario.sigma2 == pytest.approx(within, rel=1e-15)


def test_the_default_variance_is_left_out_of_the_digest():
    (plain,) = study(GRID | {"icc": 0.1}, ["pooled"]).designs
    (one,) = study(GRID | {"icc": 0.1, "within_variance": 0.9}, ["pooled"]).designs
    assert one.id == plain.id


@given(st.integers(1, 10**6), st.integers(-6, 3), st.integers(0, 99), st.integers(0, 9))
@settings(max_examples=500, deadline=None)
def test_a_total_typed_by_hand_is_met_to_the_bit(digits, exponent, hundredths, thousandths):
    """total -> within, both decimals as typed -> total."""
    total, icc = f"{digits}e{exponent}", f"0.{hundredths:02}{thousandths}"
    within = Fraction(total) * (1 - Fraction(icc))
    typed = float(within)
    if Fraction(repr(typed)) == within:  # it can be typed
        assert total_of(typed, float(icc)) == float(total)
    assert total_of(float(total), float(icc)) == pytest.approx(float(total) / (1 - float(icc)))


def test_rows_are_those_of_the_total_variance_and_the_column_is_what_was_written(tmp_path):
    one = study(GRID | {"within_variance": [0.9, 1.8]}, ["pooled", "random_intercept"], 20)
    found = simstudy.run(one, results=tmp_path, jobs=1, report=False)
    table = scenario_table(one).to_pandas()
    assert "total_variance" not in table and "total_variance" not in found.summary
    assert sorted(set(table.within_variance)) == [0.9, 1.8]
    totals = [{"icc": icc, "total_variance": v / (1 - icc) if icc != 0.1 else v / 0.9}
              for icc in (0, 0.05, 0.1, 0.2) for v in (0.9, 1.8)]  # fmt: skip
    other = study([GRID | more for more in totals], ["pooled", "random_intercept"], 20)
    assert {d.id for d in one.designs} == {d.id for d in other.designs}
    assert execute(other, ResultsFolder(found.folder), 1) == 0


def test_a_grid_of_each_kind_has_both_columns_filled():
    both = study([GRID | {"icc": 0.2, "within_variance": 4},
                  GRID | {"icc": 0.2, "total_variance": 3}], ["pooled"])  # fmt: skip
    table = scenario_table(both).to_pandas()
    assert table.within_variance.tolist() == [4.0, 2.4]
    assert table.total_variance.tolist() == [5.0, 3.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"within_variance": 1, "total_variance": 2}, "within_variance: stands beside total_var"),
        ({"within_variance": 0}, r"within_variance: 0 is not in \(0, 1000000000000\]"),
        ({"within_variance": [1, -1]}, r"within_variance\[1\]: -1 is not in"),
        ({"within_variance": 1e12, "icc": 0.5}, "within_variance: makes total_variance 2e.12, whi"),
        ({"within_variance": "a"}, "within_variance: expected a number"),
        ({"sigma2": 1}, "did you mean 'within_variance'"),
        ({"within_varianc": 1}, "did you mean 'within_variance'"),
        ({"within_variance": [1, 1.0]}, "is listed twice"),
    ],
)
def test_what_cannot_be_is_refused(change, message):
    with pytest.raises(UserError, match=message):
        study(GRID | change, ["pooled"])


def test_both_at_once_exit_with_2_and_the_line(tmp_path):
    lines = ["name: s", "seed: 1", "replications: 5", "scenarios:", "  n_clusters: 4",
             "  cluster_size: 3", "  icc: 0.1", "  x_icc: 1", "  slope: 0", "  total_variance: 2",
             "  within_variance: [1, 2]", "methods: [pooled]"]  # fmt: skip
    (tmp_path / "s.yaml").write_text("\n".join(lines))
    line = assert_refused(call("plan", tmp_path / "s.yaml"))
    assert "s.yaml:11: scenarios.within_variance[0]: stands beside total_variance" in line


def test_the_stored_study_reads_as_the_same_study(tmp_path):
    one = study(GRID | {"within_variance": 0.9}, ["pooled"], 5)
    results = simstudy.run(one, results=tmp_path, jobs=1)
    again = ResultsFolder(results.folder).study()
    assert [d.id for d in again.designs] == [d.id for d in one.designs]
    assert [d.levels for d in again.designs] == [
        d.levels | {"intercept": 0.0, "contextual_effect": 0.0, "x": "normal"} for d in one.designs
    ]
    assert Results.open(results.folder).n_missing == 0
    folder = ResultsFolder(results.folder)
    assert study_file.text(again, folder) == study_file.text(one, folder)
    section = (results.folder / "report" / "methods.md").read_text(encoding="utf-8")
    assert r"$\tau^2 = \sigma^2 \rho / (1 - \rho)$" in section and r"\omega" not in section
    assert "| variance within clusters given the predictor, $\\sigma^2$ | 0.9 |" in section


def test_the_schema_knows_it():
    document = {"name": "s", "seed": 1, "replications": 5, "methods": ["pooled"],
                "scenarios": GRID | {"within_variance": [1, 2]}}  # fmt: skip
    assert conforms(document, json.loads(json.dumps(schema())))
    assert load(document).designs[0].levels["within_variance"] == 1
    wrong = document | {"scenarios": GRID | {"within_variance": 0}}
    assert not conforms(wrong, schema())
