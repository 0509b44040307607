"""The rules of how many units clusters have: a member is one entry of `FAMILIES`.

How each draws is format: it does not change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simstudy.errors import meanings
from simstudy.forms import Fields, Form, Number, Place, Several
from simstudy.generators import rounding
from simstudy.moments import Ints

Values = tuple[float, ...]
SIZE = Number("units a cluster, n", low=1, high=1_000_000_000, integer=True)


@dataclass(frozen=True, slots=True)
class SizeFamily:
    """Rules of one kind, which differ by their values.

    Attributes
    ----------
    kind : str
    form : Form
        How the values are written: behind the one key, else as a whole.
    mean, variance : callable
        Values -> those of a cluster's size, of the rule as it is drawn.
    ends : callable
        Values -> the smallest and the largest size; inf if there is none.
    account : str
        A sentence for a methods section, with ``{}`` for the values.
    each : callable
        Values -> how they stand in that sentence.
    keys : tuple of str
        With which it is written; none of a number alone.
    pattern : str
        How they are written.
    example : object
        One of them, as a study file writes it.
    draw : callable, optional
        ``draw(rng, shape, *values)``; None where sizes are the same in every replication.
    check : callable, optional
        ``check(place, values)`` refuses what the form alone does not.
    square : callable, optional
        Values -> the mean square, where that is a number less rounded than from the others.
    synonyms : mapping
        Of each key: other people's words, blanks between them.
    """

    kind: str
    form: Form
    mean: Callable[[Values], float]
    variance: Callable[[Values], float]
    ends: Callable[[Values], tuple[float, float]]
    account: str
    each: Callable[[Values], str]
    keys: tuple[str, ...]
    pattern: str
    example: Any
    draw: Callable[..., Ints] | None = None
    check: Callable[[Place, Values], None] | None = None
    square: Callable[[Values], float] | None = None
    synonyms: Mapping[str, str] = field(default_factory=dict, hash=False)


# --- lists of sizes ---------------------------------------------------------------------------


def _mean_of_list(sizes: Values) -> float:
    return sum(sizes) / len(sizes)


def _variance_of_list(sizes: Values) -> float:
    mean = _mean_of_list(sizes)
    return sum((n - mean) ** 2 for n in sizes) / len(sizes)


def _square_of_list(sizes: Values) -> float:
    return sum(n * n for n in sizes) / len(sizes)


def _ends_of_list(sizes: Values) -> tuple[float, float]:
    return min(sizes), max(sizes)


def _joined(sizes: Values) -> str:
    return "({})".format(", ".join(f"{n:g}" for n in sizes))


def _sample(rng: np.random.Generator, shape: tuple[int, int], *sizes: float) -> Ints:
    return np.asarray(sizes, dtype=np.int64)[rng.integers(0, len(sizes), shape)]


# --- uniform, poisson, geometric --------------------------------------------------------------


def _uniform(rng: np.random.Generator, shape: tuple[int, int], low: float, high: float) -> Ints:
    return rng.integers(int(low), int(high), shape, endpoint=True)


def _variance_of_uniform(ends: Values) -> float:
    low, high = ends
    return ((high - low + 1) ** 2 - 1) / 12


def _check_ends(place: Place, ends: Values) -> None:
    if ends[0] > ends[1]:
        place.refuse(f"{ends[0]} is above {ends[1]}; expected [low, high]")


def _poisson(rng: np.random.Generator, shape: tuple[int, int], mean: float) -> Ints:
    """Poisson conditional on >= 1, exactly and without rejection.

    Given at least one event of a unit-rate process on (0, mean), the first one is at
    t = -log(1 - u (1 - exp(-mean))); the others are Poisson(mean - t).
    """
    first = -np.log1p(rng.random(shape) * np.expm1(-mean))
    return 1 + rng.poisson(np.maximum(mean - first, 0.0))


def _mean_of_poisson(values: Values) -> float:
    return values[0] / -float(np.expm1(-values[0]))


def _variance_of_poisson(values: Values) -> float:
    mean = _mean_of_poisson(values)
    return max(mean * (1.0 + values[0] - mean), 0.0)


def _geometric(rng: np.random.Generator, shape: tuple[int, int], mean: float) -> Ints:
    """One plus the whole part of an exponential variate, which is geometric."""
    rate = -math.log1p(-1.0 / mean)
    return 1 + (rng.standard_exponential(shape) / rate).astype(np.int64)


# --- gamma and lognormal, of a mean and a CV --------------------------------------------------

_MEAN = Number("mean cluster size", 1, 1e6, low_open=True)
_CV = Number("coefficient of variation of the cluster size", 0, 10, low_open=True)
_OF_CV = {"mean": "average mu m mean_size", "cv": "coefficient_of_variation"}
CV_WORDS = {"write cv, the standard deviation over the mean": "sd variance std"}
_MEAN_CV = Fields("mean and cv", {"mean": _MEAN, "cv": _CV}, meanings(CV_WORDS, **_OF_CV))


def _gamma(rng: np.random.Generator, shape: tuple[int, int], mean: float, cv: float) -> Ints:
    gamma, scale = rounding.gamma_shape(mean, cv)
    return rounding.rounded(rng, scale * rng.standard_gamma(gamma, shape))


def _variance_of_gamma(values: Values) -> float:
    shape, scale = rounding.gamma_shape(*values)
    return shape * scale * scale + rounding.added_to_gamma(shape, scale)


def _lognormal(rng: np.random.Generator, shape: tuple[int, int], mean: float, cv: float) -> Ints:
    """One plus a lognormal variate, rounded at random as the gamma one is.

    The mean is exact; so is the CV, but for sizes that hardly vary by one unit: see `rounding`.
    """
    mu, sd = rounding.lognormal_shape(mean, cv)
    return rounding.rounded(rng, np.exp(mu + sd * rng.standard_normal(shape)))


def _variance_of_lognormal(values: Values) -> float:
    mean, cv = values
    added = rounding.added_to_lognormal(*rounding.lognormal_shape(mean, cv))
    return (mean * cv) ** 2 - rounding.ADDED + added


def _check_cv(place: Place, values: Values) -> None:
    mean, cv = values
    if mean * cv < 0.5:
        hint = f"cluster_size: {round(mean)}"
        place.refuse(f"{cv:g} of a mean of {mean:g} is less than half a unit; {hint}", "cv")


def _mean_and_cv(values: Values, of_variate: Sequence[float], names: str) -> str:
    mean, cv = values
    first, second = names.split(", ")
    numbers = f"{first} {of_variate[0]:.6g}, {second} {of_variate[1]:.6g}"
    return f"mean {mean:g} and coefficient of variation {cv:g} ({numbers})"


# --- all of them ------------------------------------------------------------------------------

_ROUNDED = "rounded up with a probability equal to its fractional part and else down: {}."
_MEMBERS = (
    SizeFamily(
        "fixed",
        form=SIZE,
        mean=_mean_of_list,
        variance=lambda values: 0.0,
        ends=_ends_of_list,
        account="Where the cluster size is one number ({}), all clusters had that many units.",
        each=lambda values: f"{values[0]:g}",
        keys=(),
        pattern="a number",
        example=20,
    ),
    SizeFamily(
        "uniform",
        form=Several("[low, high]", SIZE, 2, 2),
        mean=_mean_of_list,
        variance=_variance_of_uniform,
        ends=lambda values: (values[0], values[1]),
        account="Uniform cluster sizes were whole numbers from {}, both ends included, with equal "
        "probability.",
        each=lambda values: f"{values[0]:g} to {values[1]:g}",
        keys=("uniform",),
        pattern="{uniform: [a, b]}",
        example={"uniform": [5, 35]},
        draw=_uniform,
        check=_check_ends,
    ),
    SizeFamily(
        "poisson",
        form=Number("mean before conditioning", 0, 1e6, low_open=True),
        mean=_mean_of_poisson,
        variance=_variance_of_poisson,
        ends=lambda values: (1, math.inf),
        account="Poisson cluster sizes had mean {} before conditioning on at least one unit.",
        each=lambda values: f"{values[0]:g}",
        keys=("poisson",),
        pattern="{poisson: m}",
        example={"poisson": 20},
        draw=_poisson,
        square=lambda values: _mean_of_poisson(values) * (1.0 + values[0]),
        synonyms={"poisson": "lambda rate rpois"},
    ),
    SizeFamily(
        "gamma",
        form=_MEAN_CV,
        mean=lambda values: values[0],
        variance=_variance_of_gamma,
        ends=lambda values: (1, math.inf),
        account="Cluster sizes of given mean and coefficient of variation were one plus a gamma "
        "variate, " + _ROUNDED,
        each=lambda values: _mean_and_cv(values, rounding.gamma_shape(*values), "shape, scale"),
        keys=("mean", "cv"),
        pattern="{mean: m, cv: c}",
        example={"mean": 20, "cv": 0.5},
        draw=_gamma,
        check=_check_cv,
        synonyms=_OF_CV,
    ),
    SizeFamily(
        "listed",
        form=Several("a list of at least 2 sizes, one of each cluster", SIZE, 2),
        mean=_mean_of_list,
        variance=_variance_of_list,
        ends=_ends_of_list,
        account="Listed cluster sizes were the same in every replication: {}.",
        each=_joined,
        keys=("sizes",),
        pattern="{sizes: [...]}",
        example={"sizes": [8, 10, 86]},
        square=_square_of_list,
        synonyms={"sizes": "list values given fixed n"},
    ),
    SizeFamily(
        "geometric",
        form=_MEAN,
        mean=lambda values: values[0],
        variance=lambda values: values[0] * (values[0] - 1.0),
        ends=lambda values: (1, math.inf),
        account="Geometric cluster sizes, from 1 up, had mean {}.",
        each=lambda values: f"{values[0]:g}",
        keys=("geometric",),
        pattern="{geometric: m}",
        example={"geometric": 20},
        draw=_geometric,
        synonyms={"geometric": "geom rgeom exponential"},
    ),
    SizeFamily(
        "lognormal",
        form=_MEAN_CV,
        mean=lambda values: values[0],
        variance=_variance_of_lognormal,
        ends=lambda values: (1, math.inf),
        account="Lognormal cluster sizes were one plus a lognormal variate, " + _ROUNDED,
        each=lambda values: _mean_and_cv(
            values, rounding.lognormal_shape(*values), "mean of the logarithm, its SD"
        ),
        keys=("lognormal",),
        pattern="{lognormal: {mean: m, cv: c}}",
        example={"lognormal": {"mean": 20, "cv": 0.5}},
        draw=_lognormal,
        check=_check_cv,
        synonyms={"lognormal": "log_normal rlnorm lnorm"},
    ),
    SizeFamily(
        "sample",
        form=Several("a list of at least 2 sizes to draw from", SIZE, 2),
        mean=_mean_of_list,
        variance=_variance_of_list,
        ends=_ends_of_list,
        account="Sampled cluster sizes were drawn with replacement from {}.",
        each=_joined,
        keys=("sample",),
        pattern="{sample: [...]}",
        example={"sample": [8, 10, 86]},
        draw=_sample,
        square=_square_of_list,
        synonyms={"sample": "empirical resample observed bootstrap draw_from choice pool"},
    ),
)
FAMILIES: dict[str, SizeFamily] = {family.kind: family for family in _MEMBERS}
