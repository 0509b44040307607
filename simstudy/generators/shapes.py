"""Shapes of distributions, of mean 0 and variance 1, as a study file writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simstudy.errors import meanings, nearest
from simstudy.forms import Place, shown
from simstudy.generators import resampled
from simstudy.generators.resampled import Sample
from simstudy.generators.scenario import Scenario
from simstudy.generators.shape_families import FAMILIES
from simstudy.generators.shape_family import Family
from simstudy.moments import Floats

_KINDS = {
    "write {chi_square: 2}, which is an exponential distribution": "exponential exp rexp expon",
    "write {chi_square: 2k} for a gamma distribution of shape k": "gamma rgamma",
    "write {t: 5}: the variance of the one with 1 degree of freedom is infinite": "cauchy",
    "write {contaminated: {share: 0.1, scale: 3}}: Laplace's is not there": "laplace "
        "double_exponential",
    "write {lognormal: 1} or {chi_square: 3}": "skew weibull pareto beta poisson",
}  # fmt: skip
_SYNONYMS = {family.name: family.synonyms for family in FAMILIES.values()}
WORDS = meanings(_KINDS, **_SYNONYMS)  # where parameters follow


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a distribution.

    Attributes
    ----------
    name : str
        Of `FAMILIES`.
    parameters : tuple
        Numbers in the order of `Family.parameters`; of a column of a file, its `Sample`.
    """

    name: str
    parameters: tuple[Any, ...] = ()

    @property
    def family(self) -> Family:
        """What it is a member of."""
        return FAMILIES[self.name]

    @property
    def skewness(self) -> float:
        """Third moment."""
        return self.family.skewness(*self.parameters)

    @property
    def kurtosis(self) -> float:
        """Fourth moment, less 3 (excess)."""
        return self.family.kurtosis(*self.parameters)


NORMAL = Shape("normal")


def draw(rng: np.random.Generator, shape: Shape, size: tuple[int, ...]) -> Floats:
    """Draw an array of independent variates with mean 0 and variance 1."""
    return shape.family.draw(rng, size, *shape.parameters)


def read(place: Place) -> Shape:
    """Read ``normal``, ``{t: 5}`` or ``{contaminated: {share: 0.1, scale: 3}}``.

    Raises
    ------
    UserError
        Where it is no shape, or a parameter is out of its range.
    """
    if isinstance(place.value, dict):
        return _with_parameters(place)
    if not isinstance(place.value, str):
        names = ", ".join(family.written for family in FAMILIES.values())
        place.refuse(f"expected a shape ({names}), got {shown(place.value)}")
    family = FAMILIES.get(place.value)
    if family is None:
        hint = resampled.instead(place.value) or nearest(place.value, _ALONE, _WORDS_ALONE)
        place.refuse(f"'{place.value}' is not a shape{hint}")
    if family.parameters:
        place.refuse(f"'{family.name}' needs {' and '.join(family.parameters)}: {family.written}")
    return Shape(family.name)


def _with_parameters(place: Place) -> Shape:
    for name, family in FAMILIES.items():
        if not place.value.keys().isdisjoint(family.keys):
            return Shape(name, family.read(place))
    place.allow(FAMILIES, WORDS, "shape")
    place.refuse("expected one shape, got 0")


_ALONE = [family.written for family in FAMILIES.values()]
_WORDS_ALONE = meanings(_KINDS, **{FAMILIES[name].written: f"{text} {name}" if
    FAMILIES[name].parameters else text for name, text in _SYNONYMS.items()})  # fmt: skip


def samples(scenario: Scenario) -> list[Sample]:
    """The columns of files from which parts of a scenario are drawn."""
    shapes = [value for _, value in scenario.parts if isinstance(value, Shape)]
    return [one for shape in shapes for one in shape.parameters if isinstance(one, Sample)]


def canonical(shape: Shape) -> Any:
    """What stands for the shape in digests."""
    return shape.family.canonical(*shape.parameters)


def text(shape: Shape) -> str:
    """The shape as tables show it."""
    return shape.family.text(*shape.parameters)


def words(shape: Shape) -> str:
    """The shape as a noun phrase with its formula, skewness and excess kurtosis."""
    phrase = shape.family.words(*shape.parameters)
    if shape == NORMAL:
        return phrase
    return f"{phrase} (skewness {shape.skewness:.3g}, excess kurtosis {shape.kurtosis:.3g})"


def schema() -> dict[str, Any]:
    """JSON Schema of a shape."""
    return {"anyOf": [{"description": family.summary, **family.schema()}
                      for family in FAMILIES.values()]}  # fmt: skip
