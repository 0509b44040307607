"""Totals are the same digits in any order of arrival and however they were cut."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simstudy.measures import totals, tree
from simstudy.measures.powers import Powers
from simstudy.moments import Floats

ALPHAS = (0.05, 0.01)
N_CELLS, LENGTHS = 3, [16] * 21 + [5]


def rows(n: int, seed: int) -> dict[str, Floats]:
    rng = np.random.default_rng(seed)
    columns = {"estimate": rng.normal(1e3, 1.0, (N_CELLS, n)), "df": np.full((N_CELLS, n), 7.0),
               "std_error": rng.gamma(2.0, 0.5, (N_CELLS, n)),
               "p_value": rng.random((N_CELLS, n))}  # fmt: skip
    return columns | {"status": (rng.random((N_CELLS, n)) < 0.2).astype(np.int8) * 2}


COLUMNS = [rows(n, seed) for seed, n in enumerate(LENGTHS)]
BLOCKS = [tree.of_blocks(np.arange(N_CELLS), number, totals.of_block(columns, 1e3, ALPHAS, 1e3))
          for number, columns in enumerate(COLUMNS)]  # fmt: skip


def numbers(found: totals.Totals) -> list[bytes]:
    out = []
    for field in fields(found):
        value = getattr(found, field.name)
        arrays = [*value.means, *value.about.values()] if isinstance(value, Powers) else [value]
        out += [np.ascontiguousarray(array).tobytes() for array in arrays]
    return out


EXPECTED = numbers(tree.merged(tree.joined(BLOCKS)).totals)


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, len(LENGTHS)), st.booleans())
def test_any_order_and_any_cut_give_the_same_digits(random, n_ranges, halfway):
    cuts = sorted({0, len(LENGTHS), *(random.randrange(len(LENGTHS)) for _ in range(n_ranges))})
    ranges = [tree.halves_merged(tree.joined(BLOCKS[first:last]))
              for first, last in pairwise(cuts)]  # fmt: skip
    random.shuffle(ranges)
    if halfway:
        some = tree.halves_merged(tree.joined(ranges[::2]))
        ranges = [some, *ranges[1::2]]
    assert numbers(tree.merged(tree.joined(ranges)).totals) == EXPECTED


def test_the_total_is_that_of_all_rows():
    whole = {name: np.concatenate([columns[name] for columns in COLUMNS], axis=1)
             for name in COLUMNS[0]}  # fmt: skip
    expected = totals.of_block(whole, 1e3, ALPHAS, 1e3)
    found = tree.merged(tree.joined(BLOCKS)).totals
    np.testing.assert_array_equal(found.by_status, expected.by_status)
    np.testing.assert_array_equal(found.rejected, expected.rejected)
    for name in ("of_error", "with_se", "of_se", "tests", "width"):
        one, other = getattr(found, name), getattr(expected, name)
        for order, values in other.about.items():
            np.testing.assert_allclose(one.about[order], values, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(one.means, other.means, rtol=1e-12)


def test_nodes_are_those_of_the_binary_tree():
    nodes = tree.halves_merged(tree.joined(BLOCKS[:7]))
    of_first = nodes.cell == 0
    assert nodes.level[of_first].tolist() == [2, 1, 0]
    assert nodes.first[of_first].tolist() == [0, 4, 6]
    apart = tree.halves_merged(tree.joined(BLOCKS[3:6]))  # 3 is alone, and so waits for 2
    assert apart.take(np.flatnonzero(apart.cell == 0)).level.tolist() == [0, 1]


def test_blocks_that_are_there_twice_are_refused():
    with pytest.raises(ValueError, match="twice"):
        tree.merged(tree.joined([*BLOCKS[:4], tree.halves_merged(tree.joined(BLOCKS[2:4]))]))
