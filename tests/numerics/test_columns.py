"""The triangle of columns in another order: the same cross-products, and no row made up."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from simstudy.numerics.columns import triangle


def _columns(kind: str, rng: np.random.Generator) -> list[list[np.ndarray]]:
    """Four columns of a triangle with five rows, of 200 sets."""
    drawn = [[rng.standard_normal(200) for _ in range(k + 2)] for k in range(4)]
    some = rng.random(200) < 0.4
    if kind == "empty":
        drawn[1] = [np.where(some, 0.0, entry) for entry in drawn[1]]
    if kind == "two empty":
        drawn[0] = [np.zeros(200) for _ in drawn[0]]
        drawn[2] = [np.where(some, 0.0, entry) for entry in drawn[2]]
    if kind == "few rows":  # two directions for four columns
        drawn = [[e if i < 2 else np.zeros(200) for i, e in enumerate(c)] for c in drawn]
    return drawn


@pytest.mark.parametrize("kind", ["full", "empty", "two empty", "few rows"])
def test_every_order(kind):
    columns = _columns(kind, np.random.default_rng(6))
    tall = np.array([[*c, *[np.zeros(200)] * (5 - len(c))] for c in columns])
    for order in itertools.permutations(range(4)):
        found = triangle([columns[k] for k in order])
        for (i, k), (j, m) in itertools.combinations_with_replacement(enumerate(order), 2):
            expected = (tall[k] * tall[m]).sum(axis=0)
            assert np.abs(found.product(i, j) - expected).max() < 1e-13
        for row in found.rows[:-1]:
            assert np.all(row[0] >= 0)
            assert all(np.all(entry[row[0] == 0] == 0) for entry in row[1:])
        place = {k: i for i, k in enumerate(order)}
        if kind == "two empty":
            assert np.all(found.rows[place[0]][0] == 0) if place[0] < 3 else True
        if kind == "few rows":
            assert np.all(found.rows[2][0] == 0) and np.all(found.r == 0)
