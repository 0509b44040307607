"""The law of normal predictors: variances and correlations of their components.

A normal predictor is the sum of a cluster component, of variance icc, and a unit component, of
variance 1 - icc. Correlations are those of the components of one kind; between two covariates
they are those that x brings about, unless given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from simstudy.generators.scenario import Covariate, Scenario
from simstudy.moments import Floats
from simstudy.numerics.elimination import divide

Level = Literal["within", "between"]
LEVELS: tuple[Level, Level] = ("within", "between")
Rows = list[list[Floats]]  # a lower triangle by rows; arrays broadcastable to each other


def by_name(covariates: Iterable[Covariate]) -> list[Covariate]:
    """In the order in which they are drawn, whatever that in the study file."""
    return sorted(covariates, key=lambda one: one.name)


def normal_covariates(scenario: Scenario) -> list[Covariate]:
    """Covariates that are drawn with the errors."""
    return by_name(one for one in scenario.covariates if one.type == "normal")


def given_covariates(scenario: Scenario) -> list[Covariate]:
    """Covariates whose values are fixed before the errors are drawn."""
    return by_name(one for one in scenario.covariates if one.type != "normal")


def varies_in_clusters(kind: str, icc: float | None) -> bool:
    """Whether a predictor is binary, and drawn for every unit."""
    return kind == "binary_blocked" or (kind == "binary" and icc == 0.0)


def normal_names(scenario: Scenario) -> list[str]:
    """Names of the normal predictors, in the order in which they are drawn."""
    of_x = ["x"] if scenario.x == "normal" else []
    return of_x + [one.name for one in normal_covariates(scenario)]


def shares(scenario: Scenario, level: Level) -> list[float]:
    """Variances of the components of the normal predictors."""
    of_x = [scenario.x_icc or 0.0] if scenario.x == "normal" else []
    icc = of_x + [one.icc or 0.0 for one in normal_covariates(scenario)]
    return icc if level == "between" else [1.0 - share for share in icc]


def correlations(scenario: Scenario, level: Level) -> list[list[float]]:
    """Correlations of the components of the normal predictors, in their order."""
    names = normal_names(scenario)
    said: dict[frozenset[str], float | None] = {
        frozenset((one.name, pair.other)): getattr(pair, level)
        for one in scenario.covariates
        for pair in one.correlations
    }

    def correlation(one: str, other: str) -> float:
        value = 1.0 if one == other else said.get(frozenset((one, other)))
        if value is not None:
            return value
        if "x" in (one, other):
            return 0.0
        return correlation("x", one) * correlation("x", other)

    return [[correlation(one, other) for other in names] for one in names]


def covariances(scenario: Scenario, level: Level) -> list[list[float]]:
    """Covariances of the components of the normal predictors, in their order."""
    sds = [math.sqrt(share) for share in shares(scenario, level)]
    rows = correlations(scenario, level)
    return [[value * sds[k] * sds[m] for m, value in enumerate(row)] for k, row in enumerate(rows)]


def root_of_units(scenario: Scenario) -> Rows:
    """Cholesky factor of the covariances of units about their cluster."""
    return cholesky([[np.asarray(v) for v in row] for row in covariances(scenario, "within")])


def root_of_means(scenario: Scenario, sizes: Floats | int) -> Rows:
    """Cholesky factor of the covariances of means of clusters of these sizes."""
    outer, inner = covariances(scenario, "between"), covariances(scenario, "within")
    return cholesky([
        [np.asarray(b + w / sizes) for b, w in zip(*rows, strict=True)]
        for rows in zip(outer, inner, strict=True)
    ])  # fmt: skip


def cholesky(matrix: Sequence[Sequence[Floats]]) -> Rows:
    """Lower triangle L with L L' the matrix, entry by entry; 0 along what has no variance."""
    rows: Rows = []
    for k, covariance in enumerate(matrix):
        row: list[Floats] = []
        for m in range(k + 1):
            left = covariance[m]
            for i in range(m):
                left = left - row[i] * (row if m == k else rows[m])[i]
            positive = np.sqrt(np.maximum(left, 0.0))
            row.append(np.asarray(positive if m == k else divide(left, rows[m][m])))
        rows.append(row)
    return rows
