"""Digests of rows of data that misbehave: what no change to the package may move.

``python tests/golden/worlds.py`` writes worlds.json again; a change of it belongs into
CHANGELOG.md with its reason. Every part of a design is there, in each of its forms and at each
grain at which it is drawn.
"""

from __future__ import annotations

import importlib.util
import json
import math
import tempfile
from pathlib import Path

import simstudy

HERE = Path(__file__).parent
_SPEC = importlib.util.spec_from_file_location("rows", HERE / "rows.py")
rows = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(rows)

NORMAL = {"n_clusters": 8, "cluster_size": 6, "icc": 0.2, "x_icc": 0.3, "slope": 0.4}
SIZES = NORMAL | {"cluster_size": {"uniform": [2, 9]}}
ARMS = SIZES | {"x": "binary", "x_icc": 1}
WITHIN = ARMS | {"x_icc": 0}
TIME = {name: value for name, value in SIZES.items() if name != "x_icc"} | {"x": "time"}
COVARIATES = {"z": {"icc": 0.2, "slope": 0.5, "correlation": {"x": 0.3}}}
CLUSTERS = [  # first drawn as moments of clusters
    *(NORMAL | {"cluster_effects": shape} for shape in (
        {"t": 5}, {"chi_square": 3}, {"lognormal": 1}, {"skew_normal": 5}, "uniform", "two_point",
        {"contaminated": {"share": 0.1, "scale": 3}})),
    NORMAL | {"x_icc": 1, "x_shape": {"chi_square": 3}},
    SIZES | {"endogeneity": 0.3, "informative_size": 0.5},
    SIZES | {"endogeneity": 0.3, "covariates": COVARIATES},
    SIZES | {"slope_sd": 0.2, "slope_correlation": 0.3, "informative_slope": 0.5},
    SIZES | {"error_variance": {"clusters": 0.5}},
    NORMAL | {"x_icc": 1, "error_variance": {"x": 0.5}},
    ARMS | {"treated": 0.25, "error_variance": {"arms": 4}, "cluster_variance": {"arms": 2}},
    WITHIN | {"treated": 0.25, "error_variance": {"arms": 4}},
    TIME | {"x": "binary_blocked", "cluster_variance": {"arms": math.inf}},
    SIZES | {"third_level": {"clusters": 4, "icc": 0.1, "x_icc": 0.2}},
    ARMS | {"third_level": {"clusters": 2, "icc": 0.1, "x_icc": 1}, "treated": 0.25},
    ARMS | {"third_level": {"clusters": 4, "icc": 0.1, "x_icc": 0}},
    SIZES | {"missing": {"units": 0.2}},
    WITHIN | {"missing": {"units": 0.2, "by": "x"}},
    SIZES | {"missing": {"units": 0.2, "by": "cluster"}},
    TIME | {"cluster_effects": {"t": 5}},
]  # fmt: skip
UNITS = [  # first drawn as units
    SIZES | {"errors": {"t": 5}},
    NORMAL | {"errors": {"contaminated": {"share": 0.1, "scale": 3}}, "covariates": COVARIATES},
    SIZES | {"x_shape": {"lognormal": 1}, "endogeneity": 0.3},
    SIZES | {"autocorrelation": 0.4},
    TIME | {"autocorrelation": 0.4, "slope_sd": 0.2},
    SIZES | {"error_variance": {"x": 0.5}},
    SIZES | {"missing": {"units": 0.2, "by": "x"}},
    ARMS | {"errors": {"chi_square": 3}, "cluster_variance": {"arms": 4},
            "third_level": {"clusters": 2, "icc": 0.1}, "missing": {"units": 0.2}},
]  # fmt: skip
STUDIES = {"clusters": CLUSTERS, "refined": CLUSTERS, "units": UNITS}
METHODS = [{"pooled": {"se": "CR1"}}, {"random_intercept": {"df": "wald"}}]


def study(name: str) -> simstudy.Study:
    """One of the studies; refined are clusters of which the units are drawn too."""
    head = {"name": name, "seed": 20261126, "replications": 160, "report": {"figures": []}}
    if name == "refined":
        head["grain"] = "rows"
    return simstudy.load(head | {"scenarios": STUDIES[name], "methods": METHODS})


def compute(parent: Path) -> dict[str, object]:
    """Run the studies and digest their rows."""
    studies = {}
    for name in STUDIES:
        simstudy.run(study(name), results=parent, report=False, jobs=1, warn=lambda line: None)
        studies[name] = rows.digests(parent / name)
    return {"stack": rows.stack(), "studies": studies}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as parent:
        text = json.dumps(compute(Path(parent)), indent=1, sort_keys=True)
    (HERE / "worlds.json").write_text(text + "\n", encoding="utf-8")
