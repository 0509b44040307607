"""Cells in one test: all are tried, and those that fail are named."""

from __future__ import annotations

import inspect

import pytest
from helpers_cells import cells


def test_every_cell_is_tried_and_those_that_fail_are_named():
    tried = []

    @cells("letter", "ab", ids=str.upper)
    @cells("number", [1, 2, 3])
    def check(number, given, letter):
        tried.append((letter, number))
        assert given != (letter, number)

    assert list(inspect.signature(check).parameters) == ["given"]
    check(("c", 1))
    assert tried == [(letter, number) for letter in "ab" for number in (1, 2, 3)]
    tried.clear()
    with pytest.raises(ExceptionGroup, match="1 of 2 cells") as caught:
        check(given=("a", 2))
    assert len(tried) == 6
    (of_letter,) = caught.value.exceptions
    (of_number,) = of_letter.exceptions
    assert (of_letter.__notes__, of_number.__notes__) == (["letter: A"], ["number: 2"])
