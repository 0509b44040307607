"""One data set of a study looked at: what was drawn, and what four analyses make of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simstudy.analysis.data import DataSet
from simstudy.analysis.drawn import draws_moments, lone_errors, stand_in
from simstudy.analysis.fitted import Fit, fit_one
from simstudy.analysis.law import means, share_of_mean
from simstudy.analysis.lines import Lines, texts_of
from simstudy.errors import UserError, nearest
from simstudy.moments import Clusters, Floats
from simstudy.numerics.batches import units
from simstudy.numerics.features import Feature, features_of, sums_of
from simstudy.numerics.stand_in import units_with
from simstudy.registry import GROUPS, configure
from simstudy.study.grid import Design
from simstudy.study.study import Study

METHODS = ("pooled", "dummy", "cluster_means", "random_intercept")


@dataclass(frozen=True, slots=True)
class Shown:
    """A data set, its errors and its fits.

    Attributes
    ----------
    data : DataSet
        Of a user's generator that draws moments, units that stand in.
    errors : array, shape (N,)
        Of the units: y without its fixed part; NaN where that is not known.
    slope : float
        The true one of x; NaN where that is not known.
    features : dict
        What it is like; see `features_of`.
    fits : list of Fit
        One of `METHODS` each.
    """

    design: Design
    replication: int
    data: DataSet
    errors: Floats
    slope: float
    features: dict[str, Feature]
    fits: list[Fit]

    @property
    def means_only(self) -> bool:
        """Whether units stand in for those that nobody has: only their moments are drawn."""
        return draws_moments(self.design)

    @property
    def of_clusters(self) -> Floats:
        """Mean error of each cluster, shape (J,)."""
        return means(self.errors, self.data.sizes)

    @property
    def of_units(self) -> Floats:
        """Errors about the mean of their cluster, at the variance that they have about 0.

        Empty where nobody has them.
        """
        if self.means_only:
            return np.empty(0)
        sizes = self.data.sizes
        left = self.errors - np.repeat(self.of_clusters, sizes)
        share = np.repeat(share_of_mean(self.design.scenario, sizes), sizes)
        several = np.repeat(sizes > 1, sizes)
        return left[several] / np.sqrt(1.0 - share[several])

    @property
    def of_groups(self) -> Floats:
        """Mean error of each group; empty without a third level."""
        if not self.data.clusters_per_group:
            return np.empty(0)
        return means(self.errors, self.data.at(GROUPS).sizes)

    @property
    def lines(self) -> list[Lines]:
        """What each method draws through the data; through the point of means where x has company.

        The intercept of a line for all clusters, or one a cluster.
        """
        texts, (*_, x, y) = texts_of(self.fits), self.data.means
        lines = []
        for fit, text in zip(self.fits, texts, strict=True):
            slope = np.nan if fit.slope["estimate"] is None else float(fit.slope["estimate"])
            if fit.method.entry.own_intercepts:
                level = y - slope * x
            elif fit.intercept is not None and len(self.data.names) == 1:
                level = np.array([fit.intercept])
            else:
                level = np.array([self.data.y.mean() - slope * self.data.x.mean()])
            lines.append(Lines(fit.method.label, level, np.full_like(level, slope), text))
        return lines


def show(study: Study, scenario: str | None = None, replication: int = 1) -> Shown:
    """Draw one data set and fit it.

    Parameters
    ----------
    study : Study
    scenario : str, optional
        Its id; by default the first.
    replication : int
        From 1; it need not be one of the study's.
    """
    known = {design.id: design for design in study.designs}
    if scenario is not None and scenario not in known:
        hint = nearest(scenario, known) if len(known) <= 20 else "; see `plan` or scenarios.parquet"
        raise UserError(f"no scenario '{scenario}'{hint}")
    design = study.designs[0] if scenario is None else known[scenario]
    data, errors = stand_in(study, design, replication), lone_errors(study, design, replication)
    fits = [fit_one(data, configure(name)) for name in METHODS]
    features = features_of(sums_of(errors.data))
    of_units = units_with(errors.data) if isinstance(errors.data, Clusters) else errors.data
    slope = float(errors.slope[0])
    return Shown(design, replication, data, units(of_units)[-1], slope, features, fits)
