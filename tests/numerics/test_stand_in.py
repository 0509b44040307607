"""Units that stand in for those of given moments have these moments."""

from __future__ import annotations

import numpy as np
from helpers_numerics import assert_close

from simstudy.moments import Units
from simstudy.numerics.reduce import reduce
from simstudy.numerics.stand_in import units_with


def test_moments_of_units_are_those_of_what_stands_in_for_them():
    rng = np.random.default_rng(4)
    for sizes in ([2, 1, 0, 6, 3, 9], [5, 5, 5]):
        column = np.array(sizes)[:, None]
        data = Units(column, tuple(rng.standard_normal((3, column.sum()))), ("z", "x", "y"))
        if len(set(sizes)) == 1:
            data = Units(column, tuple(rng.standard_normal((3, 5, 3, 1))), ("z", "x", "y"))
        data.columns[1][..., : 3 if data.y.ndim == 1 else None] = 2.0  # x is constant somewhere
        known = reduce(data)
        again = reduce(units_with(known))
        assert again.sizes.tolist() == known.sizes.tolist() and again.names == known.names
        for one, other in zip(again.means, known.means, strict=True):
            assert_close(one, other, 1e-12, 1e-12)
        for k in range(3):
            for m in range(3):
                assert_close(again.within.product(k, m), known.within.product(k, m), 1e-10, 1e-12)
