"""Sample sizes that other programs print, of designs that are ours."""

import pytest

from simstudy.answers.solve.solve import solve

pytestmark = pytest.mark.slow

TRIAL = {"x": "binary", "x_icc": 1, "icc": 0.1}
# (field, power, other fields, printed): two arms of equal clusters, J - 2 degrees of freedom
PRINTED = {
    # help of wp.crt2arm of WebPower: n 16.02558 for f .8, J 10, so 17 units are the fewest
    "webpower_n": ("cluster_size", 0.8, {"n_clusters": 10, "slope": 0.8}, 17),
    # the same page: power .5901684 with J 10, n 20, f .6
    "webpower_power": ("n_clusters", 0.59, {"cluster_size": 20, "slope": 0.6}, 10),
    # help of cpa.normal of clusterPower: 16 clusters a condition, power .801766
    "clusterpower": (
        "n_clusters", 0.8, {"cluster_size": 10, "slope": 1, "total_variance": 5}, 32,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PRINTED)
def test_a_printed_sample_size_comes_out(name, tmp_path):
    field, power, others, printed = PRINTED[name]
    study = {
        "name": name, "seed": 17, "replications": 1, "methods": ["cluster_means"],
        "scenarios": TRIAL | {"n_clusters": 10, "cluster_size": 20} | others,
    }  # fmt: skip
    (answer,) = solve(study, field, power=power, results=tmp_path, jobs=1).answers
    assert answer.ci_low <= printed <= answer.ci_high
    assert abs(answer.root - printed) <= 1
