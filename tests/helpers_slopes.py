"""Random slopes, longhand: triangles of clusters, n x n matrices, and random data sets."""

from __future__ import annotations

import numpy as np
from scipy import optimize

FACES = {True: {0: (), 1: (0, 1), 2: (0, 1, 2)}, False: {0: (), 2: (0, 2)}}


def triangle(z):
    """Upper triangle U, U'U = z'z; rows of a zero pivot are 0."""
    z = np.array(z, dtype=float)
    scale, size = np.sqrt((z**2).sum(axis=0)), z.shape[1]
    upper = np.zeros((size, size))
    for k in range(size):
        length = np.sqrt(z[:, k] @ z[:, k])
        if length <= 1e-10 * scale[k]:
            continue
        column = z[:, k] / length
        for m in range(k, size):
            upper[k, m] = column @ z[:, m]
            z[:, m] -= column * upper[k, m]
        upper[k, k] = length
    return upper


def rows_of(sets):
    """rows[k][l], arrays (J, R), of data sets (g, X, y) with as many clusters each."""
    clusters = [
        [triangle(np.column_stack([np.ones(len(y)), x, y])[g == j]) for j in np.unique(g)]
        for g, x, y in sets
    ]
    whole = np.array(clusters).transpose(2, 3, 1, 0)
    size = whole.shape[0]
    return [[np.ascontiguousarray(whole[k, m]) for m in range(k, size)] for k in range(size)]


def taken(rows, index):
    return [[values[:, index] for values in row] for row in rows]


def draw(rng, j, sizes, p, spread=(0.5, 0.5, 0.0), share=0.3, mean=0.0):
    """One set; `spread` are the SDs of intercepts and slopes and their correlation."""
    n = rng.integers(*sizes, j) if isinstance(sizes, tuple) else np.full(j, sizes)
    g = np.repeat(np.arange(j), n)
    x = np.sqrt(share) * rng.normal(size=(j, p))[g]
    x += np.sqrt(1 - share) * rng.normal(size=(g.size, p))
    x[:, 0] += mean
    u, z = rng.normal(size=(2, j))
    v = spread[2] * u + np.sqrt(1 - spread[2] ** 2) * z
    y = 1.0 + 0.3 * x.sum(axis=1) + rng.normal(size=g.size)
    return g, x, y + spread[0] * u[g] + spread[1] * v[g] * x[:, 0]


SPREADS = [(0.5, 0.5, 0.0), (0.0, 0.0, 0.0), (0.7, 0.0, 0.0), (0.4, 0.5, 1.0), (0.0, 0.6, 0.0)]


def several(seed, many, j, sizes, p, **more):
    """Sets with variances of every kind."""
    rng = np.random.default_rng(seed)
    return [draw(rng, j, sizes, p, SPREADS[k % len(SPREADS)], **more) for k in range(many)]


class Dense:
    """One data set with V = sigma2 (I + Z G Z') written out."""

    def __init__(self, g, x, y, *, reml, correlated=True):
        self.n_obs, self.y, self.reml, self.correlated = len(y), y, reml, correlated
        self.x = np.column_stack([np.ones(self.n_obs), x])
        one = (np.asarray(g)[:, None] == np.unique(g)).astype(float)
        slope = one * self.x[:, [1]]
        cross = one @ slope.T
        inner = [one @ one.T, cross + cross.T, slope @ slope.T]
        self.directions = [np.eye(self.n_obs), *(inner if correlated else inner[::2])]
        self.nu = self.n_obs - self.x.shape[1] if reml else self.n_obs

    def parameters(self, g):
        return [g[0, 0], g[0, 1], g[1, 1]] if self.correlated else [g[0, 0], g[1, 1]]

    def at(self, g, sigma2=1.0):
        """V^-1, Phi and P."""
        weights = [1.0, *self.parameters(g)]
        v = sigma2 * sum(w * d for w, d in zip(weights, self.directions, strict=True))
        inverse = np.linalg.inv(v)
        phi = np.linalg.inv(self.x.T @ inverse @ self.x)
        return inverse, phi, inverse - inverse @ self.x @ phi @ self.x.T @ inverse

    def deviance(self, g, sigma2):
        """-2 log L."""
        inverse, phi, p = self.at(g, sigma2)
        fixed = -np.linalg.slogdet(phi)[1] if self.reml else 0.0
        log_det = -np.linalg.slogdet(inverse)[1]
        return log_det + fixed + self.y @ p @ self.y + self.nu * np.log(2 * np.pi)

    def sigma2(self, g):
        return self.y @ self.at(g)[2] @ self.y / self.nu

    def criterion(self, g):
        return self.deviance(g, self.sigma2(g))

    def best(self, rng, starts=12):
        """Least criterion of searches from random starts, zero bounds nowhere."""

        def value(theta):
            root = np.array([[theta[0], 0.0], [theta[1], theta[2]]])
            if not self.correlated:
                root[1, 0] = 0.0
            return self.criterion(root @ root.T)

        found = [value(np.zeros(3))]
        for _ in range(starts):
            start = rng.normal(size=3) * np.exp(rng.uniform(-2, 1))
            found.append(optimize.minimize(value, start, method="BFGS").fun)
        return min(found)

    def estimate(self, g, contrast):
        inverse, phi, _ = self.at(g)
        return contrast @ phi @ self.x.T @ inverse @ self.y, contrast @ phi @ contrast

    def kenward_roger(self, g, contrast):
        """Adjusted variance and df of Kenward & Roger (1997), their own symbols."""
        v, phi, p = self.at(g, self.sigma2(g))
        x, parts = self.x, self.directions
        many = range(len(parts))
        pi = [-x.T @ v @ part @ v @ x for part in parts]
        q = [[x.T @ v @ a @ v @ b @ v @ x for b in parts] for a in parts]
        w = 2 * np.linalg.inv([[np.trace(p @ a @ p @ b) for b in parts] for a in parts])
        middle = sum(w[i, k] * (q[i][k] - pi[i] @ phi @ pi[k]) for i in many for k in many)
        adjusted = phi + 2 * phi @ middle @ phi
        theta = np.outer(contrast, contrast) / (contrast @ phi @ contrast)
        m = [theta @ phi @ part @ phi for part in pi]
        a1 = sum(w[i, k] * np.trace(m[i]) * np.trace(m[k]) for i in many for k in many)
        a2 = sum(w[i, k] * np.trace(m[i] @ m[k]) for i in many for k in many)
        assert np.isclose(a1, a2)
        return contrast @ adjusted @ contrast, 2 / a2

    def satterthwaite(self, root, free, contrast):
        """As lmerTest: all derivatives numerical, in the free entries of the root and sigma."""
        names = [(0, 0), (1, 0), (1, 1)]
        unit = np.sqrt(self.sigma2(root @ root.T))
        start = np.array([*(root[names[k]] for k in free), unit])

        def of(values):
            moved = root.copy()
            for k, value in zip(free, values, strict=False):
                moved[names[k]] = value
            return moved @ moved.T, values[-1] ** 2

        def variance(values):
            g, sigma2 = of(values)
            return contrast @ self.at(g, sigma2)[1] @ contrast

        def deviance(values):
            return self.deviance(*of(values))

        covariance = 2 * np.linalg.inv(_hessian(deviance, start))
        gradient = _gradient(variance, start)
        return 2 * variance(start) ** 2 / (gradient @ covariance @ gradient)


def _gradient(function, at, step=1e-5):
    steps = step * np.eye(at.size)
    return np.array([(function(at + s) - function(at - s)) / (2 * step) for s in steps])


def _hessian(function, at, step=2e-4):
    """Central differences, extrapolated once."""

    def plain(h):
        steps = h * np.eye(at.size)
        return np.array([[
            (function(at + s + t) - function(at + s - t) - function(at - s + t)
             + function(at - s - t)) / (4 * h * h) for t in steps] for s in steps])  # fmt: skip

    return (4 * plain(step) - plain(2 * step)) / 3


def covariance(fit, r=0):
    """G of one replication, over sigma2."""
    tau2, slope, cross = (part[r] / fit.sigma2[r] for part in fit.covariance)
    return np.array([[tau2, cross], [cross, slope]])
