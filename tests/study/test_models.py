"""Which predictors are in a method's model, and of which the slope is estimated."""

from __future__ import annotations

import pytest

import simstudy
from simstudy.errors import UserError
from simstudy.store.names import method_key

GRID = {
    "n_clusters": 12,
    "cluster_size": 5,
    "icc": 0.2,
    "x": "binary",
    "x_icc": 1,
    "slope": 0.5,
    "covariates": {"baseline": {"icc": 0.3, "slope": [0, 0.8]}, "ses": {"icc": 1, "slope": 0.2}},
}


def load(*methods, **fields):
    top = {"name": "models", "seed": 3, "replications": 60, "methods": list(methods)}
    return simstudy.load(top | {"scenarios": GRID | fields})


def test_names_say_what_is_left_out():
    methods = load(
        "pooled",
        {"pooled": {"omit": ["ses", "baseline"], "se": "CR2"}},
        {"random_intercept": {"estimand": "baseline", "omit": "ses"}},
    ).methods
    assert [method.canonical for method in methods] == [
        "pooled",
        "pooled[se=CR2,omit=baseline+ses]",
        "random_intercept[estimand=baseline,omit=ses]",
    ]
    assert len({method_key(method.canonical) for method in methods}) == 3
    assert methods[0].omit == () and methods[2].omit == ("ses",)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"pooled": {"omit": ["basline"]}}, "'basline' is no covariate; did you mean 'baseline'?"),
        ({"pooled": {"omit": ["x"]}}, "'x' is no covariate"),
        ({"pooled": {"omit": ["ses", "ses"]}}, "expected a list of covariates, each once"),
        ({"pooled": {"omit": 3}}, "expected a list of covariates"),
        ({"pooled": {"omit": ["ses"], "estimand": "ses"}}, "ses is what is estimated"),
        ({"pooled": {"estimand": "sess"}}, "'sess' is no estimand; did you mean 'ses'?"),
        ({"within_between": {"effect": "between", "estimand": "ses"}},
         "within_between has no estimate of ses"),
        ("wild_bootstrap",
         "wild_bootstrap takes no covariates; write 'wild_bootstrap: {omit: [baseline, ses]}'"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused_in_one_line(item, message):
    with pytest.raises(UserError) as caught:
        load(item)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_covariate_that_a_scenario_lacks_is_no_estimand_there():
    plain = {key: value for key, value in GRID.items() if key != "covariates"}
    top = {"name": "models", "seed": 3, "replications": 60, "scenarios": [GRID, plain]}
    item = {"pooled": {"estimand": "ses"}}
    with pytest.raises(UserError, match="there is no ses where"):
        simstudy.load(top | {"methods": ["pooled", item]})
    with pytest.raises(UserError, match="'ses' is no covariate; there are none"):
        simstudy.load(top | {"scenarios": plain, "methods": [{"pooled": {"omit": ["ses"]}}]})
    assert simstudy.load(top | {"methods": ["pooled", {"pooled": {"omit": ["ses"]}}]}).methods


def test_a_stored_study_has_the_same_methods(tmp_path):
    item = {"random_intercept": {"estimand": "baseline", "omit": ["ses"], "label": "b"}}
    study = load("pooled", item, {"random_slope": {"correlated": False}}, x="normal", x_icc=0)
    results = simstudy.run(study, results=tmp_path, jobs=1, report=False)
    again = simstudy.load(tmp_path / "models" / "study.yaml")
    assert again.methods == study.methods
    assert again.methods[2].canonical == "random_slope[correlated=false]"
    summary = results.summary
    truth = summary[summary.method == "b"].groupby("baseline.slope").truth.first()
    assert truth.to_dict() == {0.0: 0.0, 0.8: 0.8}
