"""Exact answers without simulation, written down longhand from their formulas.

Quadratic forms in normal variables by one Imhof (1961, Biometrika 48:419-426) integral;
the random-intercept test by conditioning on the two sums of squares.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy import integrate, optimize, stats


def probability_positive(weights, dfs) -> float:
    """P(sum weights_i chi2(dfs_i) > 0)."""
    weights, dfs = np.asarray(weights, float), np.asarray(dfs, float)

    def integrand(u):
        angle = 0.5 * np.sum(dfs * np.arctan(weights * u))
        log_size = 0.25 * np.sum(dfs * np.log1p((weights * u) ** 2))
        return np.sin(angle) / u * np.exp(-log_size)

    total = 0.0
    edges = np.concatenate([[1e-12], np.geomspace(1e-3, 1e6, 60)])
    for low, high in itertools.pairwise(edges):
        total += integrate.quad(integrand, low, high, limit=400, epsabs=1e-12)[0]
    return 0.5 + total / np.pi


def naive_size(j, n, icc, alpha=0.05) -> float:
    """Size of the pooled t test on a cluster-level predictor, equal clusters."""
    n_obs, lam = j * n, 1 + (n - 1) * icc
    k = stats.f.isf(alpha, 1, n_obs - 2) / (n_obs - 2)
    return probability_positive([lam, -k * lam, -k * (1 - icc)], [1, j - 2, n_obs - j])


def naive_size_fixed_x(sizes, x, icc, alpha=0.05) -> float:
    """The same for unequal sizes and a fixed cluster-level x, by eigenvalues."""
    sizes, x = np.asarray(sizes, float), np.asarray(x, float)
    n_obs, j = sizes.sum(), sizes.size
    centred = np.sqrt(sizes) * (x - (sizes * x).sum() / n_obs)
    q0, q = np.sqrt(sizes / n_obs), centred / np.linalg.norm(centred)
    k = stats.f.isf(alpha, 1, n_obs - 2) / (n_obs - 2)
    root = np.diag(np.sqrt(1 - icc + sizes * icc))
    inner = np.outer(q, q) - k * (np.eye(j) - np.outer(q0, q0) - np.outer(q, q))
    weights = np.append(np.linalg.eigvalsh(root @ inner @ root), -k * (1 - icc))
    return probability_positive(weights, np.append(np.ones(j), n_obs - j))


def blocked_size(j, n, icc, alpha=0.05) -> float:
    """Size of the pooled t test when half of each cluster is treated."""
    n_obs = j * n
    k = stats.f.isf(alpha, 1, n_obs - 2) / (n_obs - 2)
    within, between = 1 - icc, 1 + (n - 1) * icc
    return probability_positive([within, -k * within, -k * between], [1, n_obs - j - 1, j - 1])


def naive_se_bias(j, n, icc) -> float:
    """Percent by which the root-mean-square SE of the pooled slope misses, cluster-level x."""
    n_obs, lam = j * n, 1 + (n - 1) * icc
    mean = ((j - 2) * lam + (n_obs - j) * (1 - icc)) / (n_obs - 2)
    return 100 * (np.sqrt(mean / lam) - 1)


def boundary_share(j, n, icc, slopes_within=0) -> float:
    """Share of REML fits with tau2 = 0, equal clusters, a between slope and perhaps a within."""
    ratio = (1 - icc) / (1 + (n - 1) * icc)
    return float(stats.f.cdf(ratio, j - 2, j * n - j - slopes_within))


def kenward_roger_size(j, n, icc, alpha=0.05, slopes_within=0) -> float:
    """Size of REML + Kenward-Roger, between slope: inside F(1, J - 2), else the pooled SE."""
    critical = stats.f.isf(alpha, 1, j - 2)
    return switching_size(j, n, icc, 1.0, critical, critical, slopes_within)


def switching_size(j, n, icc, least, critical, critical_pooled, slopes_within=0) -> float:
    """Size of t tests of the between slope with MSB where MSB/MSW > `least`, else all of SS.

    t^2 = X1 / (X_b / (J - 2)) against `critical`, or lam X1 over the mean of lam X_b and
    (1 - icc) X_w against `critical_pooled`; X_w has N - J - slopes_within df.
    """
    lam, inner = 1 + (n - 1) * icc, 1 - icc
    free = j * n - j - slopes_within
    within = stats.chi2(free)

    def given(b):
        edge = lam * b * free / (inner * (j - 2) * least)  # the test is MSB's iff X_w is below
        inside = stats.chi2.sf(critical * b / (j - 2), 1) * within.cdf(edge)
        outside = integrate.quad(
            lambda w: (
                stats.chi2.sf(critical_pooled * (lam * b + inner * w) / (lam * (free + j - 2)), 1)
                * within.pdf(w)
            ),
            edge,
            max(edge, within.isf(1e-13)),
            epsabs=1e-10,
        )[0]
        return (inside + outside) * stats.chi2.pdf(b, j - 2)

    edges = np.linspace(0, stats.chi2.isf(1e-12, j - 2), 9)
    return sum(
        integrate.quad(given, low, high, epsabs=1e-9, limit=200)[0]
        for low, high in itertools.pairwise(edges)
    )


def ratio_of_likelihood_ratio(j, n, value) -> float:
    """MSB / MSW at which the REML likelihood ratio of tau2 = 0 is `value`, cluster-level x."""
    n_obs = j * n

    def excess(f):
        pooled = (n_obs - 2) * np.log(((j - 2) * f + n_obs - j) / (n_obs - 2))
        return pooled - (j - 2) * np.log(f) - value

    return float(optimize.brentq(excess, 1.0, 1e6, xtol=1e-12))
