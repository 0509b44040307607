"""All fields of a scenario together, of any value: a study, or one line; what loads also runs."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
import pytest
from helpers_cli import conforms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simstudy import Study, UserError, load
from simstudy.estimates import STATUSES
from simstudy.generators.part import registered
from simstudy.generators.shape_families import FAMILIES
from simstudy.generators.size_families import FAMILIES as SIZES
from simstudy.report.methods_section.data import data_facts
from simstudy.runner.plan import plan
from simstudy.runner.task import run_task
from simstudy.store import study_file
from simstudy.store.results_folder import ResultsFolder
from simstudy.study import fields
from simstudy.study.json_schema import schema
from simstudy.study.yaml_lines import parse

pytestmark = pytest.mark.slow

METHODS = [
    "pooled",
    {"pooled": {"se": "CR2"}},
    "random_intercept",
    {"cluster_means": {"df": "welch"}},
]
WHOLE = schema()


def fuzz(examples):
    """The same examples on every run, however slow one is."""
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None,
                    suppress_health_check=list(HealthCheck))  # fmt: skip


# --- values that mean something somewhere

SHARES = [0, 0.05, 0.2, 0.3, 0.5, 0.8, 1]
CORRELATIONS = [-0.6, -0.2, 0, 0.3, 0.5]
POSITIVE = [0.25, 0.5, 1, 4, 9]
WAITING = Path(__file__).parents[1] / "data" / "waiting.csv"
OF_FILE = {"file": str(WAITING), "column": "minutes"}
SHAPES = [OF_FILE if family.name == "file" else family.example or family.name
          for family in FAMILIES.values()]  # fmt: skip
ARMS = [{"arms": k} for k in POSITIVE]
RIGHT = {
    "n_clusters": [2, 3, 4, 6, 8, 12],
    "cluster_size": [1, 2, 5, {"uniform": [1, 4]}, *(family.example for family in SIZES.values())],
    "icc": [0, 0.2, 0.3, 0.5, 0.8],
    "x_icc": SHARES,
    "slope": [0, 0.5],
    "intercept": CORRELATIONS,
    "total_variance": POSITIVE,
    "within_variance": POSITIVE,
    "contextual_effect": CORRELATIONS,
    "x": fields.X_KINDS,
    "slope_sd": [0, 0.2],
    "slope_correlation": CORRELATIONS,
    "covariates": [
        {"z": {"icc": 0.2, "slope": 0.5}}, {"z": {"icc": 0, "correlation": {"x": 0.3}}},
        {"z": {"type": "binary", "icc": 1}, "w": {"type": "binary_blocked"}},
    ],
    "treated": [0.05, 0.3, 0.5, 0.9],
    "autocorrelation": [-0.5, 0, 0.4, 0.9],
    "endogeneity": CORRELATIONS,
    "informative_size": CORRELATIONS,
    "informative_slope": CORRELATIONS,
    "cluster_effects": SHAPES,
    "errors": SHAPES,
    "x_shape": SHAPES,
    "cluster_variance": ["none", *ARMS, {"arms": 0}, {"arms": math.inf}],
    "error_variance": ["none", *ARMS, {"clusters": 0.5}, {"x": 0.5}, {"x": -1}],
    "third_level": ["none", *({"clusters": m, "icc": icc, "x_icc": x_icc} for m in (2, 3, 4)
                              for icc in (0, 0.1, 0.3) for x_icc in (0, 0.2, 1))],
    "missing": ["none", *({"units": q, "by": by} for q in SHARES
                          for by in ("none", "x", "cluster"))],
}  # fmt: skip
NEEDED = ("n_clusters", "cluster_size", "icc", "slope", "x_icc")
RARE = ("within_variance", "contextual_effect", "slope_correlation", "covariates", "x")
OTHERS = [*sorted(RIGHT.keys() - {*NEEDED, *RARE}) * 3, *RARE]
BASES = [
    {}, {"x_icc": 0.5}, {"x": "binary", "x_icc": 1}, {"x": "binary", "x_icc": 0}, {"x": "time"},
    {"slope_sd": 0.2, "cluster_size": {"uniform": [1, 5]}, "x_icc": 0.3},
    {"x": "binary", "x_icc": 1, "cluster_size": {"uniform": [1, 5]}},
]  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.floats() | st.sampled_from(
        ["none", "normal", "t", "50%", "x", "arms", "", "minutes", str(WAITING)]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["t", "arms", "clusters", "x", "units", "by", "icc", "x_icc", "a", "file",
                         "column"]), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


@st.composite
def scenarios(draw):
    """Some fields with values that mean something somewhere, each as likely as another."""
    chance = random.Random(draw(st.integers(0, 2**32 - 1)))
    given = {name: chance.choice(RIGHT[name]) for name in NEEDED} | chance.choice(BASES)
    others = [*chance.sample(OTHERS, chance.randrange(4)), chance.choice([*registered()])]
    given |= {name: chance.choice(RIGHT[name]) for name in others}
    if given.get("x", "normal") not in ("normal", "binary"):
        del given["x_icc"]
    return given


def loaded(scenario):
    """A study of these scenarios; None where they are refused, in one line that names a place."""
    document = {"name": "a", "seed": 3, "replications": 9, "scenarios": scenario,
                "methods": METHODS}  # fmt: skip
    try:
        study = load(document)
    except UserError as error:
        message = str(error)
        assert len(message.splitlines()) == 1
        assert message.startswith(("scenarios", "methods")), message
        return None
    assert isinstance(study, Study)
    assert conforms(document, WHOLE)
    return study


def test_every_field_is_drawn():
    assert set(RIGHT) == set(fields.SCENARIO_FIELDS) - {"data"}


@fuzz(300)
@given(scenarios(), st.sampled_from([*registered(), *NEEDED, "x"]), anything)
def test_any_value_beside_others(scenario, name, value):
    study = loaded(scenario | {name: value})
    if study is not None:
        assert_the_same_when_written(study)


@fuzz(200)
@given(scenarios())
def test_what_is_loaded_runs(scenario):
    study = loaded(scenario)
    if study is None or study.designs[0].n_obs > 400:
        return
    assert_the_same_when_written(study)
    for task in plan(study, []):
        for found in run_task(task):
            assert set(found.status) <= set(range(len(STATUSES)))
            fitted = found.status == STATUSES.index("ok")
            assert np.isfinite(found.estimate[fitted]).all()
            assert not np.isinf(found.std_error).any()


def assert_the_same_when_written(study):
    """The methods section has facts of it, and study.yaml holds the very same scenarios."""
    assert data_facts(study, {})["grids"]
    text = study_file.text(study, ResultsFolder(study.folder))
    assert [d.id for d in load(parse(text).data).designs] == [d.id for d in study.designs]
