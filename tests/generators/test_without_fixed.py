"""The errors of data sets are what their fixed part leaves of y, whatever the design."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simstudy.generators import streams
from simstudy.generators.source import Source
from simstudy.generators.without_fixed import without_fixed_part
from simstudy.moments import Units
from simstudy.numerics.batches import cut, cut_rows
from simstudy.numerics.reduce import reduce
from simstudy.numerics.without_line import without_line
from simstudy.study.study import load

DESIGNS = {
    "plain": {"contextual_effect": 0.3},
    "sizes": {"cluster_size": {"uniform": [1, 9]}, "contextual_effect": 0.3},
    "binary": {"x": "binary", "x_icc": 0},
    "covariate": {"covariates": {"z": {"icc": 0.3, "slope": -0.6}}},
    "shape": {"errors": {"chi_square": 3}, "contextual_effect": 0.3},
    "groups": {"third_level": {"clusters": 2, "icc": 0.05}},
    "lost": {"missing": {"units": 0.3}},
    "endogeneity": {"endogeneity": 0.3, "covariates": {"z": {"icc": 0.3, "slope": -0.6}}},
}
BASE = {"n_clusters": 6, "cluster_size": 5, "icc": 0.2, "x_icc": 0.5, "slope": 0.7, "intercept": 2}


def scenario_of(**fields):
    head = {"name": "a", "seed": 4, "replications": 10, "methods": ["pooled"]}
    (design,) = load(head | {"scenarios": BASE | fields}).designs
    return design.scenario


@pytest.mark.parametrize("name", DESIGNS)
def test_errors_are_what_the_line_leaves_of_y(name):
    scenario = scenario_of(**DESIGNS[name])
    slopes = [*(one.slope for one in scenario.covariates), scenario.slope]
    for grain in (streams.CLUSTERS, streams.ROWS):
        data, errors = (
            Source(one, 4, 1).moments(grain, 0) for one in (scenario, without_fixed_part(scenario))
        )
        if isinstance(data, Units):
            data, errors = (reduce(cut_rows(one, 0, 9)) for one in (data, errors))
        left, errors = (cut(one, 0, 9) for one in (without_line(data, slopes), errors))
        held = left.sizes > 0
        fixed = scenario.intercept + scenario.contextual_effect * left.mean_x
        np.testing.assert_allclose(left.mean_x, errors.mean_x, rtol=1e-12)
        gap = np.where(held, left.mean_y - fixed - errors.mean_y, 0.0)
        assert np.abs(gap).max() < 1e-12
        for one, other in zip(left.within.column(-1), errors.within.column(-1), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_slopes_that_vary_are_no_part_of_the_errors():
    scenario = scenario_of(slope_sd=0.8, cluster_effects={"t": 5})
    plain = replace(scenario, slope_sd=0.0)
    found, expected = (Source(of, 4, 1).moments(streams.CLUSTERS, 0)
                       for of in map(without_fixed_part, (scenario, plain)))  # fmt: skip
    np.testing.assert_array_equal(found.mean_y, expected.mean_y)
