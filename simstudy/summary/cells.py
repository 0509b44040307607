"""The cells of a study: its methods in its scenarios, numbered scenario by scenario."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import TypeVar

import numpy as np

from simstudy.moments import Ints
from simstudy.registry import Method
from simstudy.study.grid import Design
from simstudy.study.study import Study

T = TypeVar("T")


class StudyCells:
    """Cells of a study; here alone numbers of cells are made and taken apart.

    Attributes
    ----------
    pairs : list of (Design, Method)
        In the order of their numbers.
    """

    def __init__(self, study: Study) -> None:
        self._shape = len(study.designs), len(study.methods)
        self.pairs: list[tuple[Design, Method]] = list(product(study.designs, study.methods))

    def split(self, cells: Ints) -> tuple[Ints, Ints]:
        """Places of their scenarios and methods."""
        scenario, method = np.unravel_index(cells, self._shape)
        return scenario, method

    def same_scenario(self, method: int) -> Ints:
        """Cell of a method in the scenario of each cell."""
        scenario, _ = self.split(np.arange(len(self.pairs)))
        return scenario * self._shape[1] + method

    def of_each(self, function: Callable[[Design, Method], T]) -> list[T]:
        """A value a cell."""
        return [function(design, method) for design, method in self.pairs]
