"""What labels are once they are read: numbers or text, their order, groups of rows."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as kinds

from simstudy.readers.arrays import joined, to_numpy
from simstudy.readers.columns import without_missing
from simstudy.readers.decimals import is_number

_WHOLE = re.compile(r"-?[1-9][0-9]*|0")


def as_written(labels: pa.ChunkedArray) -> pa.ChunkedArray:
    """Labels as whole numbers or doubles where all are written as such are, else as text."""
    words = labels.unique().drop_null().to_pylist()
    numbers = [_number(word) for word in words]
    if not words or None in numbers or len(set(numbers)) < len(words):
        return labels
    if all(is_whole(word) for word in words):
        return labels.cast(pa.int64())
    shown = [f"{number:g}" for number in numbers]
    usual = words in (shown, list(map(repr, numbers))) and len(set(shown)) == len(words)
    return labels.cast(pa.float64()) if usual else labels


def is_whole(word: str) -> bool:
    """Whether a word is a 64-bit integer as one writes it."""
    return bool(_WHOLE.fullmatch(word)) and -(2**63) <= int(word) < 2**63


def _number(word: str) -> float | None:
    try:
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def in_order(labels: list[Any]) -> list[int]:
    """Places of labels, sorted: as numbers where all are some, however written, else as text."""
    if not all(isinstance(label, str) for label in labels):
        return sorted(range(len(labels)), key=lambda i: labels[i])
    numbers = [_number(label) for label in labels]
    if None in numbers:
        return sorted(range(len(labels)), key=lambda i: labels[i])
    return sorted(range(len(labels)), key=lambda i: (numbers[i], labels[i]))


def levels(labels: pa.ChunkedArray) -> list[Any] | None:
    """Levels in their own order, of a dictionary; None of labels that have no order."""
    if not kinds.is_dictionary(labels.type):
        return None
    found = [level for chunk in labels.chunks for level in chunk.dictionary.to_pylist()]
    return [level for level in dict.fromkeys(found) if level is not None]


def clusters(labels: pa.ChunkedArray, *, own_order: bool) -> tuple[Any, list[Any], dict[str, int]]:
    """Number the clusters in the order of their labels; NA, an empty field and such are none.

    Parameters
    ----------
    own_order : bool
        Whether a dictionary's order counts; else, and without one, labels are sorted.

    Returns
    -------
    codes : array of int, one a row; -1 where the label is missing
    names : list of the labels
    missing : dict
        Word for a missing label -> rows that have it.
    """
    given = levels(labels) if own_order else None
    labels, missing = without_missing(labels)
    encoded = joined(labels).dictionary_encode()
    values = encoded.dictionary.to_pylist()
    if given is None:
        order = in_order(values)
    else:
        place = {level: i for i, level in enumerate(given)}
        order = sorted(range(len(values)), key=lambda i: place[values[i]])
    rank = np.empty(len(values) + 1, dtype=np.int64)
    rank[order] = np.arange(len(values))
    rank[-1] = -1
    codes = np.nan_to_num(to_numpy(encoded.indices), nan=len(values))
    return rank[codes.astype(np.int64)], [values[i] for i in order], missing


def words(labels: pa.ChunkedArray) -> tuple[Any, list[str]] | None:
    """Codes, -1 where missing, and the sorted words of text; None of numbers, however written."""
    if kinds.is_dictionary(labels.type):
        labels = labels.cast(labels.type.value_type)
    if not kinds.is_string(labels.type):
        return None
    codes, there, _ = clusters(labels, own_order=False)
    return None if not there or any(map(is_number, there)) else (codes, there)
