"""A study with groups of clusters, from its file to its tables: `level: 3` all the way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import simstudy
from simstudy.analysis.replay import replay
from simstudy.cli.app import main
from simstudy.errors import UserError
from simstudy.study.json_schema import schema
from simstudy.study.study import load

CONFIG = Path(__file__).parents[2] / "configs" / "third_level.yaml"
OWN = '''\
import numpy as np
import simstudy


@simstudy.method
def school_means(data):
    """The difference between means of groups."""
    assert data.cluster.nunique() == 12 and (data.groupby("cluster").group.nunique() == 1).all()
    means = data.groupby("group")[["x", "y"]].mean()
    return np.polyfit(means.x, means.y, 1)[0], 1.0


@simstudy.method(grain="clusters")
def per_group(moments):
    """How many clusters a group has."""
    many = np.full(moments.n_reps, float(moments.clusters_per_group))
    return many, np.ones(moments.n_reps)
'''
THIRD = {"clusters": 3, "icc": 0.1, "x_icc": 0.2}
DESIGN = {"n_clusters": 12, "cluster_size": 4, "icc": 0.25, "x_icc": 1, "slope": 0.5}


def _study(methods, scenarios=None) -> dict:
    head = {"name": "third", "seed": 1, "replications": 40}
    return head | {"scenarios": scenarios or DESIGN | {"third_level": THIRD}, "methods": methods}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("third")
    (folder / "own.py").write_text(OWN)
    methods = [
        {"cluster_means": {"level": 3, "label": "means"}},
        {"pooled": {"se": "CR1", "level": 3}},
        {"random_intercept": {"estimand": "tau2", "level": 3}},
        {"use": f"{folder}/own.py:school_means"},
        {"use": f"{folder}/own.py:per_group"},
    ]
    study = _study(methods) | {"report": {"figures": []}}
    return simstudy.run(study, results=folder, jobs=1)


def test_groups_reach_every_method(results):
    table = results.estimates.to_table().to_pandas()
    table["method"] = table.method.str.replace(r"\[(?!level).*", "", regex=True)
    rows = table.pivot(index="replication", columns="method", values="estimate")
    np.testing.assert_allclose(rows["school_means"], rows["cluster_means[level=3]"], rtol=1e-9)
    assert (rows["per_group"] == 3).all()


def test_a_replication_again_has_its_groups(results, tmp_path):
    scenario = results.summary.scenario.iloc[0]
    again = replay(results.folder, scenario, 7, trusted=True)
    assert [refit.verdict for refit in again.refits] == ["identical"] * 5
    fits = {fit.method.label: fit for fit in again.fits().fits}
    again.write_csv(tmp_path / "units.csv")
    units = pd.read_csv(tmp_path / "units.csv")
    assert list(units.columns) == ["cluster", "group", "x", "y"]
    assert (units.group == (units.cluster - 1) // 3 + 1).all() and units.group.max() == 4
    at_2 = [{"pooled": {"se": "CR1"}}, "cluster_means"]
    by_group = simstudy.fit(units, "y ~ x + (1 | group)", at_2)
    for fit, label in zip(by_group.fits, ("pooled[se=CR1,level=3]", "means"), strict=True):
        for key in ("estimate", "std_error", "p_value"):
            assert fit.slope[key] == pytest.approx(fits[label].slope[key], rel=1e-10)
            stored = next(r.stored for r in again.refits if r.method.label == label)
            assert fit.slope[key] == pytest.approx(stored[key], rel=1e-9)
    assert any("with 4 clusters" in line for line in again.fits().cautions)
    assert "groups:  group, 4" in str(again.fits()) and "groups:  cluster, 12" in str(again.fits())
    assert fits["means"].as_dict()["level"] == 3


def test_what_the_report_says(results):
    text = (results.folder / "report" / "methods.md").read_text()
    assert text.count("The clusters of this analysis are the groups.") == 3


def test_refused_without_groups():
    for methods, scenarios, message in (
        ([{"pooled": {"level": 3}}], DESIGN, "no groups of clusters where n_clusters 12"),
        (
            [{"pooled": {"level": 3}}, "dummy"],
            [DESIGN, DESIGN | {"third_level": THIRD}],
            r"write third_level: \{clusters: 5, icc: 0.05\}, or when: it is asked for",
        ),
        ([{"pooled": {"level": 4}}], None, r"expected 2 \(clusters\) or 3"),
        ([{"pooled": {"cluster": "group"}}], None, "write level: 3"),
        (["pooled"], DESIGN | {"covariates": {"group": {"icc": 0}}}, "covariates.group"),
        (["pooled"], DESIGN | {"level": 3}, r"write it at a method: pooled: \{level: 3\}"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            load(_study(methods, scenarios))
        assert "\n" not in str(caught.value)


def test_asked_for_where_there_are_groups():
    methods = [{"pooled": {"level": 3, "when": "third_level.clusters = 3"}}, "dummy"]
    both = load(_study(methods, [DESIGN, DESIGN | {"third_level": THIRD}]))
    assert [both.n_asked(method) for method in both.methods] == [1, 2]
    stored = both.methods[0].written(both.folder)
    assert stored["pooled"]["level"] == 3


def test_real_data_have_no_third_level(tmp_path, capsys):
    frame = pd.DataFrame({"x": [0, 1, 0, 1], "y": [1.0, 2, 3, 5], "school": list("aabb")})
    frame.to_csv(tmp_path / "d.csv", index=False)
    command = ["fit", str(tmp_path / "d.csv"), "y ~ x + (1 | school)", "--method"]
    assert main([*command, "pooled: {level: 3}"]) == 2
    assert "make the groups the clusters of the formula" in capsys.readouterr().err


def test_schema_and_list_know_the_level(capsys):
    assert json.dumps(schema()).count('"enum": [2, 3]') >= 9
    assert main(["methods"]) == 0
    assert "level: 3 takes its groups for clusters" in capsys.readouterr().out


def test_the_shipped_study_runs(tmp_path):
    """Ignoring schools is liberal where they are treated, conservative where classes are."""
    results = simstudy.run(CONFIG, results=tmp_path, replications=400, jobs=1, report=False)
    summary = results.summary
    rates = summary[summary.measure == "rejection_rate"].set_index(
        ["third_level.icc", "third_level.x_icc", "method"]
    )
    assert rates.loc[(0.15, 1, "class means"), "value"] > 0.1
    assert rates.loc[(0.15, 0, "class means"), "value"] < 0.03
    assert (0.15, 0, "school means") not in rates.index
    exact = summary[summary.theory_kind == "exact"]
    assert len(exact) >= 30 and (exact.z.abs().dropna() < 4.5).all()
