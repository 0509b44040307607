"""What is there and what is read of it agree, whatever rows and totals lie in a folder."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simstudy.generators.streams import BLOCK
from simstudy.store import coverage
from simstudy.store.names import PartName

MOST = 20  # blocks


def part(first: int, last: int, totals: bool) -> PartName:
    return PartName(("00000000",), ("pooled",), (first - 1) // BLOCK, first, last, totals)


ends = st.integers(1, MOST * BLOCK) | st.integers(1, MOST).map(lambda k: k * BLOCK)
spans = st.tuples(st.integers(0, MOST - 1), ends).map(lambda of: (of[0] * BLOCK + 1, of[1]))
files = st.lists(spans.filter(lambda span: span[0] <= span[1]), max_size=6)


@settings(max_examples=40, deadline=None)
@given(files, files, ends)
def test_what_is_not_missing_is_read_once(of_rows, of_totals, n_reps):
    rows = [part(*span, False) for span in of_rows]
    totals = [part(*span, True) for span in of_totals]
    gaps = coverage.missing_totals(rows, totals, n_reps)
    use = coverage.use(rows, totals, n_reps)
    read = np.zeros(n_reps + 1, dtype=int)
    read[1 : use.n_rows + 1] += 1
    for file, place in use.nodes:
        node = coverage.nodes_of(file.first, file.last)[place]
        read[node.first : node.last + 1] += 1
    assert read.max() <= 1
    if coverage.whole(rows, n_reps):
        assert use == coverage.Use(n_reps, ())
    assert gaps or read[1:].all()  # and where all is read nothing is missing
    assert not (read[1:].all() and gaps)
    for first, last in gaps:
        assert first % BLOCK == 1 and (last % BLOCK == 0 or last == n_reps)


def test_a_last_block_serves_its_own_number_only():
    totals = [part(1, 5000, True)]
    assert coverage.missing_totals([], totals, 5000) == []
    assert coverage.missing_totals([], totals, 5001) == [(BLOCK + 1, 5001)]
    assert coverage.missing_totals([], totals, 4999) == [(BLOCK + 1, 4999)]
    assert coverage.missing_totals([], totals, BLOCK) == []
    assert coverage.missing_totals([part(1, 5001, False)], totals, 5001) == []
    assert coverage.use([part(1, 9000, False)], totals, 9000) == coverage.Use(9000, ())


def test_a_name_that_begins_within_a_block_holds_nothing():
    assert coverage.missing_totals([], [part(2, BLOCK, True)], BLOCK) == [(1, BLOCK)]
