"""How many units clusters have, as a study file writes it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from simstudy.errors import meanings
from simstudy.forms import Fields, Place, flow, nested, numbers_of
from simstudy.generators.size_families import CV_WORDS, FAMILIES, SizeFamily, Values
from simstudy.moments import Ints

KEYS = tuple(key for family in FAMILIES.values() for key in family.keys)
WORDS = meanings(
    {
        **CV_WORDS,
        "write {uniform: [5, 35]}": "range min max low high between from runif",
        "write {mean: 20, cv: 0.5}: a gamma distribution of the sizes": "gamma negbin "
            "negative_binomial",
        "write {lognormal: {mean: 20, cv: 0.5}}, of the sizes themselves": "meanlog sdlog",
    },
    **{key: text for family in FAMILIES.values() for key, text in family.synonyms.items()},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SizeRule:
    """How many units a cluster has.

    Attributes
    ----------
    kind : str
        Of `FAMILIES`: one number; one number a cluster; or drawn anew in every replication.
    values : tuple of float
        fixed: (n,); listed: n_1..n_J; uniform: (low, high), both included; poisson: (mean
        before conditioning on >= 1,); geometric: (mean,); gamma, lognormal: (mean, coefficient
        of variation); sample: the sizes that are drawn from.
    """

    kind: str
    values: Values

    @property
    def family(self) -> SizeFamily:
        """What it is a member of."""
        return FAMILIES[self.kind]

    @property
    def random(self) -> bool:
        """Whether sizes are drawn anew in every replication."""
        return self.family.draw is not None

    @property
    def mean(self) -> float:
        """Expected size of a cluster."""
        return self.family.mean(self.values)

    @property
    def variance(self) -> float:
        """Variance of a cluster's size, as it is drawn; of a list, over the list."""
        return _variance(self)

    @property
    def sd(self) -> float:
        """Standard deviation of a cluster's size, as it is drawn."""
        return math.sqrt(self.variance)

    @property
    def mean_square(self) -> float:
        """Expected square of a cluster's size."""
        square = self.family.square
        return self.mean**2 + self.variance if square is None else square(self.values)

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest size that a cluster can have."""
        return self.family.ends(self.values)

    def draw(self, rng: np.random.Generator, shape: tuple[int, int]) -> Ints:
        """Draw sizes, where they are random."""
        assert self.family.draw is not None
        return self.family.draw(rng, shape, *self.values)


@lru_cache(maxsize=1024)
def _variance(rule: SizeRule) -> float:
    return rule.family.variance(rule.values)


def read(place: Place) -> SizeRule:
    """Read a rule in any of its forms.

    Raises
    ------
    UserError
        Where it is none, or has no data.
    """
    given = None
    if isinstance(place.value, dict):
        place.allow(KEYS, WORDS)
        given = set(place.value)
    family = next((one for one in FAMILIES.values() if given == (set(one.keys) or None)), None)
    if family is None:
        *forms, last = (one.pattern for one in FAMILIES.values())
        place.refuse(f"expected {', '.join(forms)} or {last}")
    inner = place[family.keys[0]] if len(family.keys) == 1 else place
    values = numbers_of(family.form.read(inner))
    if family.check is not None:
        family.check(inner, values)
    return SizeRule(family.kind, tuple(sorted(values)) if family.kind == "sample" else values)


def canonical(rule: SizeRule) -> Any:
    """The rule as a study file writes it, numbers as doubles: it stands in digests."""
    keys = rule.family.keys
    content = nested(rule.family.form, tuple(map(float, rule.values)))
    return {keys[0]: content} if len(keys) == 1 else content


def choices() -> list[str]:
    """One rule of every family, as a study file writes it."""
    return [flow(family.example) for family in FAMILIES.values()]


def schema() -> dict[str, Any]:
    """JSON Schema of a rule."""
    forms = []
    for family in FAMILIES.values():
        form = family.form
        if len(family.keys) == 1:
            form = Fields(family.kind, {family.keys[0]: form})
        forms.append(form.schema())
    return {"anyOf": forms}
