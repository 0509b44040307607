"""Methods of one's own in studies with covariates: all columns by name, and whose slope it is."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from helpers_cli import call
from helpers_simulation import study

import simstudy
from simstudy.errors import UserError

FILE = '''\
import numpy as np

import simstudy


@simstudy.method
def lines(data, term="x"):
    """Least squares on all columns."""
    assert list(data.columns) == ["cluster", "x", "base", "ses", "y"], list(data.columns)
    names = list(data.columns[1:-1])
    columns = np.column_stack([np.ones(len(data)), data[names]])
    inverse = np.linalg.inv(columns.T @ columns)
    slopes = inverse @ columns.T @ data.y
    df = len(data) - len(names) - 1
    errors = np.sqrt(((data.y - columns @ slopes) ** 2).sum() / df * inverse.diagonal())
    k = 1 + names.index(term)
    return {"estimate": slopes[k], "std_error": errors[k], "df": df}


@simstudy.method(grain="clusters")
def moments(given, term="base"):
    """The within slope of one column, from moments by name."""
    assert given.names == ("base", "ses", "x", "y"), given.names
    k, within = given.names.index(term), given.within
    yy, xy, xx = (within.product(*pair).sum(axis=0) for pair in ((-1, -1), (k, -1), (k, k)))
    df = given.n_obs - given.n_clusters - 1
    slope = xy / xx
    return slope, np.sqrt((yy - slope * xy) / df / xx), np.full(slope.shape, df)
'''
GRID = {
    "n_clusters": 6,
    "cluster_size": 7,
    "icc": 0.1,
    "x": "binary",
    "x_icc": 1,
    "slope": 0.2,
    "covariates": {
        "base": {"icc": 0.2, "slope": [0, 0.8]},
        "ses": {"icc": 1, "slope": 0.3, "correlation": {"base": 0.4}},
    },
}


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "mine.py").write_text(FILE)
    return str(tmp_path / "mine.py")


@pytest.fixture
def results(tmp_path, mine):
    methods = [
        "pooled",
        {"pooled": {"estimand": "base"}},
        {"dummy": {"estimand": "base"}},
        {"use": f"{mine}:lines"},
        {"use": f"{mine}:lines", "term": "base", "estimand": "base"},
        {"use": f"{mine}:moments", "estimand": "base"},
    ]
    one = study(GRID, methods, 30, report={"figures": []})
    return simstudy.run(one, jobs=1, results=tmp_path)


def test_frames_and_moments_hold_all_columns(results):
    rows = results.estimates.to_table().to_pandas()
    assert set(rows.status) == {"ok"}
    wide = rows.pivot_table(index=["scenario", "replication"], columns="method",
                            values=["estimate", "std_error", "df"])  # fmt: skip
    for kind in ("estimate", "std_error", "df"):
        columns = {name.partition("[")[0] + ("base" if "base" in name else ""): values
                   for name, values in wide[kind].items()}  # fmt: skip
        for ours, own in (("pooled", "lines"), ("pooledbase", "linesbase"),
                          ("dummybase", "moments")):  # fmt: skip
            np.testing.assert_allclose(columns[own], columns[ours], rtol=1e-9)


def test_the_truth_is_the_slope_of_the_covariate(results):
    rows = results.summary
    truths = rows[rows.method_name.str.startswith("moments")].groupby("base.slope").truth.unique()
    assert {key: list(values) for key, values in truths.items()} == {0: [0], 0.8: [0.8]}


def test_replay_names_the_columns_and_whose_slope_it_is(results, tmp_path):
    scenario = results.study.designs[1].id
    where = ("--scenario", scenario, "--replication", "3")
    ran = call("replay", results.folder, *where, "--trust", "--csv", tmp_path / "data.csv")
    assert ran.code == 0 and " different" not in ran.out, ran
    own = ran.out.split("--- lines[term=base]: ")[1].split("---")[0]
    assert "\nbase " in own and "\nx " not in own
    with (tmp_path / "data.csv").open() as stream:
        head, *rows = csv.reader(stream)
    assert head == ["cluster", "x", "base", "ses", "y"] and len(rows) == 42
    fitted = call("fit", tmp_path / "data.csv", "y ~ x + base + ses + (1 | cluster)")
    pooled = ran.out.split("--- pooled: ")[1].split("---")[0]
    assert pooled in fitted.out


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"estimand": "bas"}, "did you mean 'base'?"),
        ({"truth": "sex"}, "'sex' is no estimand"),
        ({"estimand": "base", "when": "n_clusters = 4"}, "there is no base where"),
    ],
)
def test_an_estimand_that_is_no_covariate_is_refused(mine, item, words):
    grids = [GRID, {key: value for key, value in GRID.items() if key != "covariates"}]
    grids[1] = grids[1] | {"n_clusters": 4}
    with pytest.raises(UserError, match=words.replace("?", r"\?")):
        study(grids, ["pooled", {"use": f"{mine}:lines", **item}], 30)
