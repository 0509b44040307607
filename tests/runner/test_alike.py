"""Scenarios that are fitted in one go give what each gives alone."""

import numpy as np
import pytest

import simstudy
from simstudy.runner.task import Task, run_task

GRID = {"n_clusters": 10, "cluster_size": 6, "icc": 0.3, "slope": 0}


@pytest.mark.parametrize(
    "fields",
    [
        {"x": "binary", "x_icc": 1, "slope_sd": [0, 0.3]},
        {"x": "binary_blocked", "slope_sd": [0.3, 0]},
        {"x": "time", "slope_sd": [0, 0.3, 0.1]},
        {"x": "time", "cluster_effects": ["normal", {"t": 5}], "slope_sd": [0, 0.3]},
        {"x": "binary", "x_icc": 0, "slope": [0, 0.5], "slope_sd": [0, 0.3]},
    ],
    ids=str,
)
def test_together_as_alone(fields):
    study = simstudy.load({"name": "alike", "seed": 3, "replications": 40,
                           "scenarios": GRID | fields,
                           "methods": ["pooled", "random_intercept"]})  # fmt: skip
    together = run_task(Task(study.seed, study.designs, 1, 40, study.methods))
    alone = [run_task(Task(study.seed, (design,), 1, 40, study.methods))
             for design in study.designs]  # fmt: skip
    for k, estimates in enumerate(together):
        for name in ("estimate", "std_error"):
            parts = [getattr(of_one[k], name) for of_one in alone]
            np.testing.assert_array_equal(getattr(estimates, name), np.concatenate(parts))
