"""The random-slope method in a study: its ranks, extras and estimands; its numbers are tested
in tests/numerics."""

from __future__ import annotations

import numpy as np
import pytest

import simstudy
from simstudy.errors import UserError
from simstudy.registry import configure

pytestmark = pytest.mark.slow

SHARES = [f"share_rank{rank}" for rank in range(3)]
GRID = {"n_clusters": 8, "cluster_size": 6, "icc": 0.2, "x_icc": 0, "slope": 0,
        "slope_sd": [0, 0.5], "covariates": {"z": {"icc": 0.5, "slope": 0.3}}}  # fmt: skip
METHODS = ["pooled", "random_slope", {"random_slope": {"estimand": "z", "label": "z"}},
           {"random_slope": {"correlated": False, "label": "no covariance"}}]  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    top = {"name": "slopes", "seed": 1, "replications": 300, "methods": METHODS}
    folder = tmp_path_factory.mktemp("slopes")
    return simstudy.run(top | {"scenarios": GRID}, results=folder, jobs=1, report=False)


def test_every_fit_has_a_rank_and_they_are_counted(results):
    summary, extras = results.summary, results.extras
    ranks = extras[extras.name == "rank"]
    for (scenario, label), of_fit in ranks.groupby(["scenario", "method"]):
        assert sorted(of_fit.replication) == list(range(1, 301))
        here = summary[(summary.scenario == scenario) & (summary.method == label)]
        values = here.set_index("measure").value
        counts = [np.mean(of_fit.value == rank) for rank in range(3)]
        assert list(values[SHARES]) == pytest.approx(counts, abs=0)
        assert values["share_boundary"] == pytest.approx(counts[0] + counts[1])
    assert not set(summary[summary.method == "pooled"].measure) & set(SHARES)


def test_the_slope_of_x_varies_whatever_is_estimated(results):
    """One model, two coefficients: ranks and variances are the same."""
    extras = results.extras.pivot_table(
        index=["scenario", "replication", "name"], columns="method", values="value"
    )
    assert np.array_equal(extras["random_slope"], extras["z"])
    assert not np.array_equal(extras["random_slope"], extras["no covariance"])
    truth = results.summary.query("measure == 'bias'").groupby("method").truth.first()
    assert truth["z"] == 0.3 and truth["random_slope"] == 0


def test_lost_extras_are_made_again(results):
    folder = results.folder
    before = results.extras
    files = sorted((folder / "extras").glob("*.parquet"))
    assert files
    files[0].unlink()
    top = {"name": "slopes", "seed": 1, "replications": 300, "methods": METHODS}
    again = simstudy.run(top | {"scenarios": GRID}, results=folder.parent, jobs=1, report=False)
    assert again.extras.equals(before)


def test_a_fit_needs_what_its_options_say():
    with pytest.raises(UserError, match="kenward_roger needs estimator: reml"):
        configure("random_slope", {"estimator": "ml", "df": "kenward_roger"})
    with pytest.raises(UserError, match="write kenward_roger or satterthwaite"):
        configure("random_slope", {"df": "t"})
    assert configure("random_slope", {"correlated": True}).canonical == "random_slope"
