"""Two arms of equal clusters whose variances may differ, exactly.

The means of the clusters of arm a are independent with variance V_a; so the slope has the
variance D = sum_a V_a / m_a, and every test here the squared error sum_a c_a V_a X_a with X_a
independent chi2(m_a - 1). X_1 / (X_0 + X_1) is a beta variable independent of the sum, which is
chi2(J - 2): given it t^2 is in proportion to an F(1, J - 2), and its tail is averaged over it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simstudy.generators.predictor import arms_of
from simstudy.generators.scenario import Scenario
from simstudy.generators.sketch import arm_variances
from simstudy.moments import Floats
from simstudy.numerics.tails import critical_value
from simstudy.theory import means, omission, pooled
from simstudy.theory.law import Answer, Law, Options, critical, exactly
from simstudy.theory.quadrature import noncentrality, odds_nodes, two_sided
from simstudy.theory.robust import ROBUST, multiples, satterthwaite

PARTS = frozenset({"cluster_variance", "error_variance", "treated"})  # that a design may have


@dataclass(frozen=True)
class TwoArms:
    """The control and the treated clusters.

    Attributes
    ----------
    numbers : array, shape (2,)
        Clusters of each arm.
    variances : array, shape (2,)
        Of their means.
    """

    numbers: Floats
    variances: Floats

    @property
    def dfs(self) -> Floats:
        """Degrees of freedom within each arm."""
        return self.numbers - 1.0

    @property
    def of_slope(self) -> float:
        """Variance of the slope."""
        return float((self.variances / self.numbers).sum())

    def welch(self, share: Floats, alpha: float) -> Floats:
        """Critical value of Welch's test, given the share of the treated in X_0 + X_1."""
        parts = np.stack([1.0 - share, share], axis=-1) * self.variances / self.numbers / self.dfs
        df = parts.sum(axis=-1) ** 2 / (parts**2 / self.dfs).sum(axis=-1)
        return np.asarray(critical_value(df, alpha))

    def rejection(
        self, each: Floats, threshold: Callable[[Floats], Floats | float], shift: float
    ) -> Answer | None:
        """P(|t| > critical value) when the slope is `shift` off the tested one.

        Parameters
        ----------
        each : array, shape (2,)
            c_a.
        threshold : callable
            The share of the treated in X_0 + X_1 -> critical value of |t|.
        """
        shifted = noncentrality(shift**2 / self.of_slope)
        if shifted is None:
            return None
        control, treated = self.dfs.tolist()
        odds, weight = odds_nodes(treated, control)
        share, (low, high) = odds / (1.0 + odds), each * self.variances
        free = control + treated
        scale = np.sqrt(free * (low * (1.0 - share) + high * share) / self.of_slope)
        return exactly((two_sided(threshold(share) * scale, free, shifted) * weight).sum())

    def se_error(self, each: Floats) -> Answer:
        """Percent by which the root-mean-square standard error misses."""
        mean = float((each * self.variances * self.dfs).sum())
        return exactly(100.0 * (math.sqrt(mean / self.of_slope) - 1.0))


def _arms(scenario: Scenario) -> TwoArms | None:
    """The arms, where nothing else matters and each has two clusters or more."""
    n, level = scenario.equal_size, scenario.x == "binary" and scenario.x_icc == 1
    if not n or not level or scenario.covariates or scenario.slope_sd:
        return None
    of_effects, of_errors = map(scenario.part, ("cluster_variance", "error_variance"))
    ratios = [1.0 if value is None else value[1] for value in (of_effects, of_errors)]
    if of_errors is not None and of_errors[0] != "arms":
        return None
    j = scenario.n_clusters
    treated = int(arms_of(j, scenario.part("treated")).sum())
    tau2, sigma2 = (np.array(arm_variances(scenario, ratio)) for ratio in ratios)
    arms = TwoArms(
        np.array([j - treated, treated], dtype=float),
        scenario.tau2 * tau2 + scenario.sigma2 / n * sigma2,
    )
    return arms if arms.numbers.min() > 1 else None


def usable(scenario: Scenario) -> bool:
    """Whether there are two such arms."""
    return _arms(scenario) is not None


# --- cluster means


def _each_of_means(arms: TwoArms, options: Options) -> Floats:
    if options["df"] == "welch":
        return 1.0 / (arms.numbers * arms.dfs)
    return np.full(2, (1.0 / arms.numbers).sum() / arms.dfs.sum())


def _of_means(scenario: Scenario, options: Options, alpha: float, shift: float) -> Answer | None:
    arms = _arms(scenario)
    assert arms is not None
    each, df = _each_of_means(arms, options), options["df"]
    if df == "welch":
        return arms.rejection(each, lambda share: arms.welch(share, alpha), shift)
    threshold = critical(df, alpha, {"residual": arms.dfs.sum()})
    return arms.rejection(each, lambda share: threshold, shift)


def _se_of_means(scenario: Scenario, options: Options) -> Answer | None:
    arms = _arms(scenario)
    assert arms is not None
    return arms.se_error(_each_of_means(arms, options))


# --- pooled, cluster-robust


def _each_of_units(scenario: Scenario, arms: TwoArms, se: str) -> Floats | None:
    if se not in ROBUST or not pooled.unbiased(scenario):
        return None
    return multiples(arms.numbers, int(scenario.mean_n_obs), se)


def _of_units(scenario: Scenario, options: Options, alpha: float, shift: float) -> Answer | None:
    arms = _arms(scenario)
    assert arms is not None
    each = _each_of_units(scenario, arms, options["se"])
    if each is None:
        return None
    j = scenario.n_clusters
    rules = {"residual": scenario.mean_n_obs - 2, "clusters": j - 1.0}
    rules["satterthwaite"] = satterthwaite(each, arms.dfs)
    threshold = critical(options["df"], alpha, rules)
    return arms.rejection(each, lambda share: threshold, shift)


def _se_of_units(scenario: Scenario, options: Options) -> Answer | None:
    arms = _arms(scenario)
    assert arms is not None
    each = _each_of_units(scenario, arms, options["se"])
    return None if each is None else arms.se_error(each)


LAWS = {
    "cluster_means": Law(
        {"weights": ("equal", "size"), "df": ("residual", "wald", "welch")},
        omission.of_means,
        usable,
        means.bias,
        _of_means,
        _se_of_means,
        drift=means.drift,
    ),
    "pooled": Law(
        {"se": ROBUST, "df": ("residual", "wald", "clusters", "satterthwaite")},
        omission.of_all,
        usable,
        pooled.bias,
        _of_units,
        _se_of_units,
    ),
}
