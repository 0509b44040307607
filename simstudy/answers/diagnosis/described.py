"""What a design is like, in plain numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from simstudy.analysis.data import DataSet
from simstudy.analysis.fitted import fit_one
from simstudy.answers.diagnosis.variances import LEVEL
from simstudy.answers.diagnosis.world import World
from simstudy.generators.predictor import icc_of
from simstudy.generators.scenario import GivenX
from simstudy.study.methods import method_of


def described(world: World) -> dict[str, Any]:
    """What the design of a data set is like."""
    data = world.data
    return {
        "outcome": data.terms.outcome,
        "term": data.names[0],
        "cluster": data.random.cluster,
        "n_units": data.n_obs,
        "n_dropped": data.n_dropped,
        "n_clusters": int(data.sizes.size),
        "sizes": _sizes(data),
        "x_icc": {name: _icc(data, k) for k, name in enumerate(data.names)},
        **_levels(world),
        "slopes": _slopes(data),
        "residuals": world.residuals.as_dict(),
        "outcome_values": int(np.unique(data.y).size),
    }


def _sizes(data: DataSet) -> dict[str, float]:
    sizes = data.sizes
    mean = float(sizes.mean())
    spread = float(sizes.std()) / mean
    return {"min": int(sizes.min()), "mean": mean, "max": int(sizes.max()), "cv": spread}


def _icc(data: DataSet, column: int) -> float | None:
    """Of a predictor, by analysis of variance; None where each cluster has one unit."""
    icc = icc_of(GivenX(data.sizes, data.matrix[:, column], ""))
    return float(icc) if np.isfinite(icc) else None


def _levels(world: World) -> dict[str, Any]:
    """ICC, design effect and effective units at the estimate and both ends of its interval."""
    found: dict[str, Any] = {"icc": {}, "design_effect": {}, "effective_units": {}}
    for level in world.levels:
        for name in level.names:
            found["icc"][name] = level.icc
            found["design_effect"][name] = level.design_effect
            found["effective_units"][name] = world.data.n_obs / level.design_effect
    return found | {"icc_level": LEVEL if len(world.variances.thetas) > 1 else None}


def _slopes(data: DataSet) -> dict[str, Any] | None:
    """Slopes of x within and between clusters and their difference, where both can be told."""
    found = {}
    for effect in ("within", "between", "contextual"):
        fit = fit_one(data, method_of({"within_between": {"effect": effect}}))
        if fit.slope["p_value"] is None:
            return None
        keys = ("estimate", "std_error", "df", "p_value", "ci_low", "ci_high")
        found[effect] = {key: fit.slope[key] for key in keys}
    return found
