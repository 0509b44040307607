"""The shapes that a distribution may have: a member is one entry of `FAMILIES`.

All have mean 0 and variance 1. How each is drawn is format: it does not change.
"""

from __future__ import annotations

import math

import numpy as np

from simstudy.forms import Number
from simstudy.generators.resampled import RESAMPLED
from simstudy.generators.shape_family import Family, Size
from simstudy.moments import Floats


def _none(*parameters: float) -> float:
    return 0.0


# --- normal, uniform, two_point ---------------------------------------------------------------


def _normal(rng: np.random.Generator, size: Size) -> Floats:
    return rng.standard_normal(size)


def _uniform(rng: np.random.Generator, size: Size) -> Floats:
    drawn = rng.random(size)
    drawn -= 0.5
    drawn *= math.sqrt(12.0)
    return drawn


def _two_point(rng: np.random.Generator, size: Size) -> Floats:
    return np.asarray(2.0 * rng.integers(0, 2, size, dtype=np.bool_) - 1.0)


# --- t, chi_square, lognormal -----------------------------------------------------------------


def _t(rng: np.random.Generator, size: Size, df: float) -> Floats:
    """Z sqrt((df - 2) / X) of a chi-square X, twice a gamma."""
    drawn = rng.standard_normal(size)
    gamma = rng.standard_gamma(0.5 * df, size)
    gamma *= 2.0 / (df - 2.0)
    drawn /= np.sqrt(gamma, out=gamma)
    return drawn


def _chi_square(rng: np.random.Generator, size: Size, df: float) -> Floats:
    drawn = rng.standard_gamma(0.5 * df, size)
    drawn -= 0.5 * df
    drawn /= math.sqrt(0.5 * df)
    return drawn


def _lognormal(rng: np.random.Generator, size: Size, sd: float) -> Floats:
    drawn = rng.standard_normal(size)
    drawn *= sd
    drawn -= 0.5 * sd * sd
    np.expm1(drawn, out=drawn)
    drawn /= math.sqrt(math.expm1(sd * sd))
    return drawn


def _skewness_of_lognormal(sd: float) -> float:
    return (math.exp(sd * sd) + 2.0) * math.sqrt(math.expm1(sd * sd))


def _kurtosis_of_lognormal(sd: float) -> float:
    """w^4 + 2 w^3 + 3 w^2 - 6 with w = exp(sd^2), without loss where that is near 1."""
    one, two, three, four = (math.expm1(k * sd * sd) for k in (1, 2, 3, 4))
    return four + 2.0 * three + 3.0 * two if one else 0.0


# --- skew_normal ------------------------------------------------------------------------------


def _skew_normal(rng: np.random.Generator, size: Size, alpha: float) -> Floats:
    """D |Z| + sqrt(1 - d^2) Z' about its mean, d = alpha / sqrt(1 + alpha^2)."""
    share, mean = _skewed_part(alpha)
    drawn = np.abs(rng.standard_normal(size))
    drawn *= share
    drawn += rng.standard_normal(size) / math.hypot(1.0, alpha)
    drawn -= mean
    drawn /= math.sqrt(1.0 - mean * mean)
    return drawn


def _skewed_part(alpha: float) -> tuple[float, float]:
    """The weight d of |Z|, and its mean."""
    share = alpha / math.hypot(1.0, alpha)
    return share, share * math.sqrt(2.0 / math.pi)


def _skewness_of_skew_normal(alpha: float) -> float:
    _, mean = _skewed_part(alpha)
    return (4.0 - math.pi) / 2.0 * (mean / math.sqrt(1.0 - mean * mean)) ** 3


def _kurtosis_of_skew_normal(alpha: float) -> float:
    _, mean = _skewed_part(alpha)
    return 2.0 * (math.pi - 3.0) * (mean * mean / (1.0 - mean * mean)) ** 2


# --- contaminated -----------------------------------------------------------------------------


def _contaminated(rng: np.random.Generator, size: Size, share: float, scale: float) -> Floats:
    outlying = rng.random(size) < share
    drawn = rng.standard_normal(size)
    usual = math.sqrt(1.0 - share + share * scale * scale)
    drawn *= np.where(outlying, scale / usual, 1.0 / usual)
    return drawn


def _kurtosis_of_contaminated(share: float, scale: float) -> float:
    fourth, second = (1.0 - share + share * scale**k for k in (4, 2))
    return 3.0 * (fourth / second**2 - 1.0)


# --- all of them ------------------------------------------------------------------------------

_MEMBERS = (
    Family(
        "normal",
        summary="the normal distribution",
        draw=_normal,
        skewness=_none,
        kurtosis=_none,
        words=lambda: "a standard normal distribution",
        synonyms="gaussian gauss rnorm n standard_normal norm",
    ),
    Family(
        "t",
        summary="a t distribution; its degrees of freedom, above 4",
        draw=_t,
        skewness=_none,
        kurtosis=lambda df: 6.0 / (df - 4.0),
        words=lambda df: (
            rf"a $t$ distribution with $\nu = {df:g}$ degrees of freedom, divided by its "
            r"standard deviation $\sqrt{\nu / (\nu - 2)}$"
        ),
        parameters={"df": Number("degrees of freedom", 4, 1e6, low_open=True)},
        example={"t": 5},
        synonyms="student student_t students_t t_distribution rt heavy_tailed heavy_tails",
    ),
    Family(
        "chi_square",
        summary="a chi-square distribution; its degrees of freedom, 2 of an exponential one",
        draw=_chi_square,
        skewness=lambda df: math.sqrt(8.0 / df),
        kurtosis=lambda df: 12.0 / df,
        words=lambda df: (
            rf"a chi-square distribution with $\nu = {df:g}$ degrees of freedom, less "
            r"$\nu$ and divided by $\sqrt{2 \nu}$"
        ),
        parameters={"df": Number("degrees of freedom", 0.001, 1e6)},
        example={"chi_square": 3},
        synonyms="chisq chi2 chi_squared chisquare chisquared rchisq x2 skewed",
    ),
    Family(
        "lognormal",
        summary="a lognormal distribution; the SD of the logarithm",
        draw=_lognormal,
        skewness=_skewness_of_lognormal,
        kurtosis=_kurtosis_of_lognormal,
        words=lambda sd: (
            r"a lognormal distribution, $(e^{sZ - s^2/2} - 1) / \sqrt{e^{s^2} - 1}$ with "
            rf"$Z \sim N(0, 1)$ and $s = {sd:g}$"
        ),
        parameters={"sd": Number("standard deviation of the logarithm", 0.001, 10)},
        example={"lognormal": 1},
        synonyms="log_normal rlnorm lnorm galton",
    ),
    Family(
        "skew_normal",
        summary="a skew-normal distribution; its alpha, of either sign",
        draw=_skew_normal,
        skewness=_skewness_of_skew_normal,
        kurtosis=_kurtosis_of_skew_normal,
        words=lambda alpha: (
            rf"a skew-normal distribution with $\alpha = {alpha:g}$, "
            r"$\delta |Z_1| + \sqrt{1 - \delta^2}\, Z_2$ with $Z_1, Z_2 \sim N(0, 1)$ and "
            r"$\delta = \alpha / \sqrt{1 + \alpha^2}$, standardized"
        ),
        parameters={"alpha": Number("alpha")},
        example={"skew_normal": 5},
        synonyms="skewnormal sn rsn skewnorm azzalini skew_gaussian",
    ),
    Family(
        "uniform",
        summary="a uniform distribution",
        draw=_uniform,
        skewness=_none,
        kurtosis=lambda: -1.2,
        words=lambda: r"a uniform distribution from $-\sqrt 3$ to $\sqrt 3$",
        synonyms="runif unif flat rectangular",
    ),
    Family(
        "two_point",
        summary="-1 or 1, with probability 1/2 each",
        draw=_two_point,
        skewness=_none,
        kurtosis=lambda: -2.0,
        words=lambda: "a distribution of two points, $-1$ and $1$, with probability 1/2 each",
        synonyms="rademacher bernoulli binary two_points twopoint dichotomous sign coin",
    ),
    Family(
        "contaminated",
        summary="a normal distribution; a share of it has `scale` times the SD",
        draw=_contaminated,
        skewness=_none,
        kurtosis=_kurtosis_of_contaminated,
        words=lambda share, scale: (
            f"a normal distribution in which a share of {share:g} had {scale:g} "
            "times the standard deviation of the rest, with variance 1 in all"
        ),
        parameters={
            "share": Number("share with another SD", 0, 1, low_open=True, high_open=True),
            "scale": Number("their SD, over that of the others", 0, 1e6, low_open=True),
        },
        example={"contaminated": {"share": 0.1, "scale": 3}},
        synonyms="mixture outliers outlier contamination contaminated_normal normal_mixture "
        "scale_mixture mixed_normal tukey",
    ),
    RESAMPLED,
)
FAMILIES: dict[str, Family] = {family.name: family for family in _MEMBERS}
