"""A data set as named columns, and as moments of its clusters."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from simstudy.analysis.terms import Random, Terms, Variable
from simstudy.moments import Clusters, Floats, Ints, Units
from simstudy.numerics.merge import group_of
from simstudy.numerics.reduce import reduce
from simstudy.registry import CLUSTERS

_ORDINARY = 64  # between 2^-64 and 2^64 every product that a fit forms is a number


@dataclass(frozen=True, eq=False)
class DataSet:
    """Complete cases of a data set, sorted by cluster, as y and named columns.

    Attributes
    ----------
    terms : Terms
        The formula.
    names : tuple of str
        Of the columns; the first is the one under test. The intercept is none of them.
    matrix : array, shape (N, p)
    y : array, shape (N,)
    labels : list
        Of the clusters, sorted.
    sizes : array of int, shape (J,)
    levels : dict
        Predictor that is levels -> their names, the reference first.
    dropped : dict
        Column that is not in the model -> why: "constant", "a linear combination of ...".
    empty_levels : dict
        Predictor -> its levels that no complete row has.
    n_dropped : int
        Rows with a missing value.
    missing : dict
        Column -> rows in which it is missing, in words: "4 ('NA' 3, empty 1)".
    clusters_per_group : int
        As in `Units`, with clusters that are numbered from 1; those without units have no label.
    """

    terms: Terms
    names: tuple[str, ...]
    matrix: Floats
    y: Floats
    labels: list[Any]
    sizes: Ints
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    empty_levels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    n_dropped: int = 0
    missing: dict[str, str] = field(default_factory=dict)
    clusters_per_group: int = 0

    @property
    def n_obs(self) -> int:
        """Number of units N."""
        return int(self.y.size)

    @property
    def x(self) -> Floats:
        """The column under test."""
        return self.matrix[:, 0]

    @property
    def random(self) -> Random:
        """What varies over clusters; a slope is that of the first column."""
        return self.terms.random

    @property
    def plain(self) -> bool:
        """Whether the model is a line: one column under its own name, and no random slope."""
        return self.terms.fixed == ((Variable(self.names[0]),),) and self.random.slope is None

    @property
    def coding(self) -> str:
        """What 0 and 1 of a lone predictor of words stand for, in words; empty for numbers."""
        words = self.levels.get(self.names[0])
        return "{} is 0, {} is 1".format(*words) if words else ""

    @property
    def remarks(self) -> list[str]:
        """What became of levels and columns, a line each."""
        lines = [f"{name}: {self.coding or f'{names[0]} is the reference'}"
                 for name, names in self.levels.items()]  # fmt: skip
        for name, empty in self.empty_levels.items():
            plural = "levels" if len(empty) > 1 else "level"
            lines.append(f"{name}: {plural} {', '.join(empty)} without a complete row dropped")
        lines += [f"{name} dropped: {reason}" for name, reason in self.dropped.items()]
        return lines

    @property
    def columns(self) -> dict[str, Floats]:
        """Columns in the order of moments: covariates, x, y."""
        x, *covariates = zip(self.names, self.matrix.T, strict=True)
        return dict([*covariates, x, (self.terms.outcome, self.y)])

    def without(self, omitted: Collection[str]) -> DataSet:
        """The same data without some columns."""
        if not omitted:
            return self
        kept = [place for place, name in enumerate(self.names) if name not in omitted]
        names = tuple(self.names[place] for place in kept)
        return replace(self, names=names, matrix=self.matrix[:, kept])

    def led_by(self, name: str) -> DataSet:
        """The same data with another column under test."""
        place = self.names.index(name)
        order = [place, *(k for k in range(len(self.names)) if k != place)]
        names = tuple(self.names[k] for k in order)
        return replace(self, names=names, matrix=self.matrix[:, order])

    def at(self, level: int) -> DataSet:
        """The same data, at level 3 with its groups for clusters."""
        if level == CLUSTERS:
            return self
        group = group_of(np.array(self.labels), self.clusters_per_group)
        labels, first = np.unique(group, return_index=True)
        sizes = np.add.reduceat(self.sizes, first)
        terms = self.terms._replace(random=self.random._replace(cluster="group"))
        return replace(self, terms=terms, labels=labels.tolist(), sizes=sizes, clusters_per_group=0)

    @cached_property
    def moments(self) -> Clusters:
        """Cluster moments about a point in the data, one replication, so that nothing cancels."""
        origin = {name: _inside(values) for name, values in self.columns.items()}
        about = {name: values - origin[name] for name, values in self.columns.items()}
        return replace(reduce(self._units(about, self.sizes)), origin=tuple(origin.values()))

    @cached_property
    def means(self) -> tuple[Floats, ...]:
        """Cluster means of the columns in the order of moments, shape (J,)."""
        shape, moments = (len(self.labels), 1), self.moments
        pairs = zip(moments.origin, moments.means, strict=True)
        return tuple(origin + np.broadcast_to(means, shape)[:, 0] for origin, means in pairs)

    @cached_property
    def units(self) -> tuple[int, ...]:
        """Powers of two to measure columns and y in: no fourth power overflows or vanishes."""
        return (*map(_exponent, self.matrix.T), _exponent(self.y))

    def measured(self, units: tuple[int, ...]) -> DataSet:
        """The same data in other units; powers of two, so that no digit changes."""
        if not any(units):
            return self
        *of_columns, of_y = (-power for power in units)
        return replace(self, matrix=np.ldexp(self.matrix, of_columns), y=np.ldexp(self.y, of_y))

    @cached_property
    def scaled(self) -> DataSet:
        """The same data in `units`."""
        return self.measured(self.units)

    def rows(self) -> Units:
        """The units as they are, as one replication, with x and y under these names."""
        *covariates, _, _ = columns = self.columns
        names, m = (*covariates, "x", "y"), self.clusters_per_group
        if not m:
            return replace(self._units(columns, self.sizes), names=names)
        sizes = np.zeros(m * group_of(self.labels[-1], m), dtype=np.int64)
        sizes[np.array(self.labels) - 1] = self.sizes  # those without units keep their places
        return replace(self._units(columns, sizes), names=names, clusters_per_group=m)

    def _units(self, columns: dict[str, Floats], sizes: Ints) -> Units:
        sizes = sizes.reshape(-1, 1)
        values = tuple(map(np.ascontiguousarray, columns.values()))
        if np.all(sizes == sizes[0]):
            values = tuple(v.reshape(sizes.size, -1).T[:, :, None] for v in values)
        return Units(sizes, values, tuple(columns))


def _exponent(values: Floats) -> int:
    """0 for what people measure; else that of the largest value."""
    exponent = int(np.frexp(np.abs(values).max())[1])
    return exponent if abs(exponent) > _ORDINARY else 0


def _inside(values: Floats) -> float:
    """Point inside the data from which sums are taken: their mean, or a constant."""
    with np.errstate(all="ignore"):
        return float(np.clip(values.mean(), values.min(), values.max()))
