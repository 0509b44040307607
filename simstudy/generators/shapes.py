"""Shapes of distributions, of mean 0 and variance 1, as a study file writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simstudy.errors import meanings, nearest
from simstudy.forms import Fields, Place, flow, nested, numbers_of, shown
from simstudy.generators.shape_families import FAMILIES, Family
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
    parameters : tuple of float
        In the order of `Family.parameters`.
    """

    name: str
    parameters: tuple[float, ...] = ()

    @property
    def family(self) -> Family:
        """What it is a member of."""
        return FAMILIES[self.name]

    @property
    def named(self) -> Mapping[str, float]:
        """The parameters by their names."""
        return dict(zip(self.family.parameters, self.parameters, strict=True))

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
        names = ", ".join(_written(family) for family in FAMILIES.values())
        place.refuse(f"expected a shape ({names}), got {shown(place.value)}")
    family = FAMILIES.get(place.value)
    if family is None:
        place.refuse(f"'{place.value}' is not a shape{nearest(place.value, _ALONE, _WORDS_ALONE)}")
    if family.parameters:
        place.refuse(f"'{family.name}' needs {' and '.join(family.parameters)}: {_written(family)}")
    return Shape(family.name)


def _with_parameters(place: Place) -> Shape:
    place.allow(FAMILIES, WORDS, "shape")
    if len(place.value) != 1:
        place.refuse(f"expected one shape, got {len(place.value)}")
    (name,) = place.value
    form = FAMILIES[name].form
    if form is None:
        place.refuse(f"{name} has no parameter; write {name}")
    return Shape(name, tuple(value + 0.0 for value in numbers_of(form.read(place[name]))))


def _written(family: Family) -> str:
    """An example, as it stands in a study file."""
    return flow(family.name if family.example is None else family.example)


_ALONE = [_written(family) for family in FAMILIES.values()]
_WORDS_ALONE = meanings(_KINDS, **{_written(FAMILIES[name]): f"{text} {name}" if
    FAMILIES[name].parameters else text for name, text in _SYNONYMS.items()})  # fmt: skip


def canonical(shape: Shape) -> Any:
    """The shape as a study file writes it, numbers as doubles: it stands in digests."""
    if not shape.parameters:
        return shape.name
    return {shape.name: nested(shape.family.form, shape.parameters)}


def text(shape: Shape) -> str:
    """The shape as tables show it: ``t 5``, ``contaminated share 0.1, scale 3``."""
    named = shape.named
    numbers = {name: repr(value).removesuffix(".0") for name, value in named.items()}
    if len(numbers) > 1:
        return f"{shape.name} " + ", ".join(f"{name} {n}" for name, n in numbers.items())
    return " ".join([shape.name, *numbers.values()])


def words(shape: Shape) -> str:
    """The shape as a noun phrase with its formula, skewness and excess kurtosis."""
    phrase = shape.family.words(*shape.parameters)
    if shape == NORMAL:
        return phrase
    return f"{phrase} (skewness {shape.skewness:.3g}, excess kurtosis {shape.kurtosis:.3g})"


def schema() -> dict[str, Any]:
    """JSON Schema of a shape."""
    shapes = []
    for name, family in FAMILIES.items():
        form = family.form
        written = {"const": name} if form is None else Fields("", {name: form}).schema()
        shapes.append({"description": family.summary, **written})
    return {"anyOf": shapes}
