"""N x N matrices, longhand: the oracle of the random-intercept models."""

from __future__ import annotations

import helpers_numerics as h
import numpy as np
import pytest
from scipy import optimize


class Dense:
    """One data set with V = sigma2 I + tau2 ZZ' written out; x may hold several columns."""

    def __init__(self, sizes, x, y):
        self.n_obs = len(y)
        z = (h.labels(sizes)[:, None] == np.arange(len(sizes))).astype(float)
        self.x, self.y = np.column_stack([np.ones(self.n_obs), x]), y
        self.directions = [np.eye(self.n_obs), z @ z.T]

    def at(self, sigma2, tau2):
        v = np.linalg.inv(sigma2 * self.directions[0] + tau2 * self.directions[1])
        phi = np.linalg.inv(self.x.T @ v @ self.x)
        p = v - v @ self.x @ phi @ self.x.T @ v
        return v, phi, p

    def criterion(self, psi, restricted):
        """lme4's, sigma2 profiled out."""
        v, phi, p = self.at(1.0, psi)
        nu = self.n_obs - self.x.shape[1] if restricted else self.n_obs
        log_det = -np.linalg.slogdet(v)[1]
        fixed = -np.linalg.slogdet(phi)[1] if restricted else 0.0
        rss = self.y @ p @ self.y
        return log_det + fixed + nu * (1 + np.log(2 * np.pi * rss / nu))

    def best(self, restricted):
        """The numerically minimised criterion over psi, 0 included."""
        steps = np.linspace(-12, 12, 97)
        values = [self.criterion(np.exp(s), restricted) for s in steps]
        k = int(np.clip(np.argmin(values), 1, len(steps) - 2))
        found = optimize.minimize_scalar(
            lambda s: self.criterion(np.exp(s), restricted),
            bounds=(steps[k - 1], steps[k + 1]),
            method="bounded",
            options={"xatol": 1e-10},
        )
        zero = self.criterion(0.0, restricted)
        return (0.0, zero) if zero <= found.fun else (float(np.exp(found.x)), found.fun)

    def kenward_roger(self, sigma2, tau2, contrast):
        """Kenward & Roger (1997), their own symbols, one contrast."""
        v, phi, p = self.at(sigma2, tau2)
        x, g = self.x, self.directions
        pi = [-x.T @ v @ gi @ v @ x for gi in g]
        q = [[x.T @ v @ gi @ v @ gj @ v @ x for gj in g] for gi in g]
        info = np.array([[np.trace(p @ gi @ p @ gj) for gj in g] for gi in g])
        w = 2 * np.linalg.inv(info)
        pairs = [(i, j) for i in range(2) for j in range(2)]
        middle = sum(w[i, j] * (q[i][j] - pi[i] @ phi @ pi[j]) for i, j in pairs)
        adjusted = phi + 2 * phi @ middle @ phi
        theta = np.outer(contrast, contrast) / (contrast @ phi @ contrast)
        m = [theta @ phi @ part @ phi for part in pi]
        a1 = sum(w[i, j] * np.trace(m[i]) * np.trace(m[j]) for i, j in pairs)
        a2 = sum(w[i, j] * np.trace(m[i] @ m[j]) for i, j in pairs)
        b = (a1 + 6 * a2) / 2
        gg = (2 * a1 - 5 * a2) / (3 * a2)
        c = np.array([gg, 1 - gg, 3 - gg]) / (3 + 2 * (1 - gg))
        mean = 1 / (1 - a2)
        spread = 2 * (1 + c[0] * b) / ((1 - c[1] * b) ** 2 * (1 - c[2] * b))
        ratio = spread / (2 * mean**2)
        df = 4 + 3 / (ratio - 1)
        assert df / (mean * (df - 2)) == pytest.approx(1.0, rel=1e-6)  # the F scaling
        return np.sqrt(contrast @ adjusted @ contrast), df

    def satterthwaite(self, sigma2, tau2, contrast, restricted):
        """2 v^2 / var(v) with the observed information of the (profiled) likelihood."""
        v, phi, p = self.at(sigma2, tau2)
        inner = p if restricted else v
        g = self.directions

        def second(gi, gj):
            quadratic = self.y @ p @ gi @ p @ gj @ p @ self.y
            return quadratic - np.trace(inner @ gi @ inner @ gj) / 2

        covariance = np.linalg.inv([[second(gi, gj) for gj in g] for gi in g])
        root = v @ self.x @ phi @ contrast
        gradient = np.array([root @ gi @ root for gi in g])
        variance = contrast @ phi @ contrast
        return 2 * variance**2 / (gradient @ covariance @ gradient)
