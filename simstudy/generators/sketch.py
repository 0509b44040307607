"""A chunk of a world while it is drawn: what the parts of a design read and change.

A cell is what shares one SD of errors: at the grain of clusters a cluster, or each of its arms
where these differ; at that of units a unit. Arrays of clusters are (J, R) or (J, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simstudy.generators.gaussian import Treatment
from simstudy.generators.part import Stage, registered
from simstudy.generators.scenario import Scenario
from simstudy.moments import Array, Bools, Floats, Ints
from simstudy.numerics.segments import Segments

Open = Callable[..., np.random.Generator]


@dataclass
class Sketch:
    """What is drawn so far.

    Attributes
    ----------
    scenario : Scenario
    n_reps : int
    open : callable
        Part's stream -> random numbers of its own.
    planned, sizes : array of int
        Units of the clusters before and after what is lost; at units, that is in `kept`.
    treatment : Treatment or None
        x, unless it is normal.
    units : Segments, optional
        Where units are drawn: which one belongs where.
    split : bool
        Whether cells are the two arms of each cluster, the treated one first.
    component : callable
        The standardized cluster part of x, drawn when somebody asks for it.
    x : array or None
        x of every cell, where it is one number there.
    loadings : list of (float, array)
        Correlations of the cluster effects with standardized variables of clusters.
    slope_loadings : list of (float, array)
        The same of the clusters' slopes.
    effect_sd, error_sd : array or float
        By what the SDs of effects and errors are multiplied in every cell.
    kept : array of bool, optional
        Units that are not lost, where units are drawn.
    """

    scenario: Scenario
    n_reps: int
    open: Open
    planned: Ints
    sizes: Ints
    treatment: Treatment | None
    units: Segments | None = None
    split: bool = False
    component: Callable[[], Floats] | None = None
    x: Floats | None = None
    loadings: list[tuple[float, Floats]] = field(default_factory=list)
    slope_loadings: list[tuple[float, Floats]] = field(default_factory=list)
    effect_sd: Floats | float = 1.0
    error_sd: Floats | float = 1.0
    kept: Bools | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(J, R)."""
        return self.scenario.n_clusters, self.n_reps

    def run(self, stage: Stage) -> None:
        """Let every part do what it does at a stage, in the order of their names."""
        for name, value in self.scenario.parts:
            part = registered()[name]
            if part.stage == stage and part.apply is not None:
                part.apply(self, value)

    def spread(self, of_clusters: Array) -> Array:
        """Give every cell its cluster's value."""
        if self.units is not None:
            return self.units.spread(of_clusters)
        return np.repeat(of_clusters, 2, axis=0) if self.split else of_clusters

    def by_arm(self, ratio: float) -> Floats:
        """Multiples of an SD where variances have this ratio, treated over control.

        Their mean, by the nominal share treated, is that of the study.
        """
        assert self.x is not None
        return np.sqrt(variances_by_arm(self.scenario, ratio, self.x))


def arm_variances(scenario: Scenario, ratio: float) -> tuple[float, float]:
    """Variances of control and treated, relative to what they are on average."""
    share = scenario.treated_share
    if np.isinf(ratio):
        return 0.0, 1.0 / share
    control = 1.0 / (1.0 - share + share * ratio)
    return control, ratio * control


def variances_by_arm(scenario: Scenario, ratio: float, x: Floats) -> Floats:
    """That of the arm of each x, relative to what they are on average."""
    control, treated = arm_variances(scenario, ratio)
    return np.where(x > 0.5, treated, control)


def standardized(loadings: Sequence[tuple[float, Floats]], rest: Floats) -> Floats:
    """A variable of variance 1 with these correlations, `rest` what is left of it."""
    left = 1.0 - sum(correlation**2 for correlation, _ in loadings)
    total: Any = np.sqrt(max(left, 0.0)) * rest
    for correlation, other in loadings:
        total = total + correlation * other
    return np.asarray(total)
