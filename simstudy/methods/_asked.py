"""From a fit to what is asked of it, an estimand and its test.

What a null value does is done here, once for all methods: a test of b = b0 with a standard
error is that of b - b0, whatever model was chosen on the way; one without is that of the
slope of y - b0 x. Estimates of variances come without a test.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from simstudy.entries import Entry, Words
from simstudy.estimands import Estimand
from simstudy.estimates import Estimates, Outcome
from simstudy.methods import _assemble
from simstudy.moments import Floats, Moments, Pooled

_SHOWN = (Outcome.OK, Outcome.BOUNDARY, Outcome.NO_STD_ERROR)


def fit_asked(
    entry: Entry,
    options: dict[str, Any],
    target: Estimand,
    null: float,
    moments: Moments,
    term: str | None,
    words: Words | None,
) -> Estimates:
    """Fit a method of this package.

    Parameters
    ----------
    entry : Entry
    options : dict
    target : Estimand
    null : float
        What the test is about.
    moments : Pooled or Clusters
    term : {"slope", "intercept"}, optional
        Instead of the estimand.
    words : callable, optional
        Random words by replication, for a method that draws.
    """
    options = {**options, "term": term or target.term}
    if entry.draws:
        options["words"] = words
    if null and entry.tests_only:
        estimates = entry.fit(_tilted(moments, -null), **options)
        return replace(estimates, estimate=estimates.estimate + null)
    estimates = entry.fit(moments, **options)
    if term is None and target.of_variances is not None:
        return _without_test(estimates, target.of_variances(estimates.tau2, estimates.sigma2))
    if not null:
        return estimates
    about = estimates.estimate - null
    return replace(estimates, p_value=_assemble.p_values(about, estimates.std_error, estimates.df))


def _tilted(moments: Moments, by: float) -> Moments:
    """Moments of (x, y + by x)."""
    within = moments.within.tilted(by)
    if isinstance(moments, Pooled):
        return replace(moments, within=within, between=moments.between.tilted(by))
    return replace(
        moments, within=within, means=(*moments.means[:-1], moments.mean_y + by * moments.mean_x)
    )


def _without_test(estimates: Estimates, estimate: Floats) -> Estimates:
    """Rows of an estimate that has no standard error."""
    none = np.full_like(estimate, np.nan)
    estimable = np.isin(estimates.outcome, _SHOWN) & np.isfinite(estimate)
    outcome = np.where(estimable, np.int8(Outcome.NO_STD_ERROR), estimates.outcome)
    lost = np.isin(outcome, _SHOWN) & ~estimable
    outcome = np.where(lost, Outcome.NON_FINITE, outcome).astype(np.int8)
    kept = np.where(estimable, estimate, np.nan)
    return Estimates(kept, none, none, none, outcome, estimates.tau2, estimates.sigma2)
