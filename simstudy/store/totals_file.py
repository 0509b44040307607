"""Writing and reading files of totals.

`totals/` holds parts named like those of `estimates/`: method after method, scenario after
scenario a row for each node of the tree over blocks (`coverage.nodes_of`), and in it a list of
numbers for each field of `measures.Totals` (`measures.flat`), and of `measures.Pairs` against the
reference that the footer names. The footer has what that of a part has, and the alphas.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from simstudy.measures import flat
from simstudy.measures.pairs import Pairs
from simstudy.measures.totals import Totals
from simstudy.moments import Array
from simstudy.store import arrow, parts, seal
from simstudy.store.coverage import nodes_of
from simstudy.store.names import PartName
from simstudy.store.results_folder import ResultsFolder

_PAIRS = "pairs_"  # begins the columns against the reference
_WHERE = ("scenario", "method", "level", "number", "first", "last")


class Stored(NamedTuple):
    """Totals of a part, a row a method, scenario and node.

    Attributes
    ----------
    alphas : tuple of float
    reference : str, optional
        Canonical name of the method of `pairs`.
    """

    totals: Totals
    pairs: Pairs
    alphas: tuple[float, ...]
    reference: str | None

    def is_same(self, other: Stored) -> bool:
        """Whether another holds the same numbers bit by bit."""
        return (self.alphas, self.reference) == (other.alphas, other.reference) and all(
            mine.tobytes() == its.tobytes()
            for mine, its in zip(_flat(self).values(), _flat(other).values(), strict=True)
        )


def encode(
    part: PartName, methods: Sequence[str], stored: Stored, provenance: Mapping[str, Any]
) -> pa.Buffer:
    """A file of totals, in memory, but for its sum; parameters as of `parts.encode`."""
    nodes = nodes_of(part.first, part.last)
    each, n = len(nodes), len(nodes) * len(part.scenarios)
    table = {
        "scenario": arrow.texts([s for _ in methods for s in part.scenarios for _ in nodes]),
        "method": arrow.texts([method for method in methods for _ in range(n)]),
    }
    for k, name in enumerate(_WHERE[2:]):
        numbers = np.array([node[k] for node in nodes], dtype=np.int64)
        table[name] = arrow.integers(np.tile(numbers, len(methods) * n // each))
    table |= {name: _list(values) for name, values in _flat(stored).items()}
    about = {**provenance, "alphas": list(stored.alphas), "reference": stored.reference}
    return parts.in_file(pa.table(table), list(_WHERE[:2]), part, methods, about)


def write(
    folder: ResultsFolder,
    part: PartName,
    methods: Sequence[str],
    stored: Stored,
    provenance: Mapping[str, Any],
) -> None:
    """Write totals, whole or not at all."""
    folder.write(folder.of_part(part), *seal.summed(encode(part, methods, stored, provenance)))


def read(folder: ResultsFolder, part: PartName, whose: parts.Whose) -> Stored:
    """Read totals; `BrokenPartError` where the file is not what its name says."""
    _, table, said = parts.checked(folder, part, _form().columns, whose, _form())
    nodes = nodes_of(part.first, part.last)
    try:
        alphas = tuple(float(alpha) for alpha in said["alphas"])
        reference = said["reference"]
        if reference is not None and not isinstance(reference, str):
            raise ValueError("its reference is no text")
        like = flat.nothing(1, alphas)
        tables = {name: _array(table.column(name)) for name in table.column_names
                  if name not in _WHERE}  # fmt: skip
        own = flat.unflat(tables, like[0])
        both = flat.unflat({name.removeprefix(_PAIRS): values for name, values in tables.items()
                            if name.startswith(_PAIRS)}, like[1])  # fmt: skip
        n_cells = len(part.methods) * len(part.scenarios)
        n_reps = np.tile([node.last - node.first + 1 for node in nodes], n_cells)
        for found in (own, both):
            if reason := flat.wrong(found, n_reps):
                raise ValueError(reason)
    except (pa.ArrowException, ValueError, KeyError, TypeError, IndexError) as error:
        name = folder.shown(folder.of_part(part))
        raise parts.BrokenPartError(name, f"holds no totals ({error})") from None
    return Stored(own, both, alphas, reference)


def no_such_level(lost: Iterable[float], there: Iterable[float]) -> str:
    """What to say of levels for which no totals were made."""
    levels, others = (" and ".join(f"{alpha:g}" for alpha in alphas) for alphas in (lost, there))
    return (f"alpha {levels} is not available with store: summary, whose totals are for alpha "
            f"{others}; write that, or store: rows, or start over with --fresh")  # fmt: skip


def _flat(stored: Stored) -> dict[str, Array]:
    both = {f"{_PAIRS}{name}": values for name, values in flat.flat(stored.pairs).items()}
    return flat.flat(stored.totals) | both


def _rows(part: PartName) -> int:
    return len(part.methods) * len(part.scenarios) * len(nodes_of(part.first, part.last))


@lru_cache(maxsize=1)
def _form() -> parts.Form:
    some = Stored(*flat.nothing(1, (0.05,)), (0.05,), None)
    return parts.Form([*_WHERE, *_flat(some)], _rows)


def _list(values: Array) -> pa.Array:
    """Rows of a table as lists of its numbers."""
    whole = np.ascontiguousarray(values)
    kind = pa.from_numpy_dtype(whole.dtype)
    numbers = pa.Array.from_buffers(kind, whole.size, [None, pa.py_buffer(whole)])
    return pa.FixedSizeListArray.from_arrays(numbers, whole.shape[1])


def _array(column: pa.ChunkedArray) -> Array:
    """A table from lists, all of one length, without anything missing."""
    lists = arrow.joined(column)
    if not (pa.types.is_list(lists.type) or pa.types.is_fixed_size_list(lists.type)):
        raise ValueError("a column is no list")
    numbers = lists.flatten()
    if lists.null_count or numbers.null_count or numbers.type not in (pa.float64(), pa.int64()):
        raise ValueError("a number is missing")
    values = arrow.to_numpy(numbers)
    lengths = set(lists.value_lengths().to_pylist())
    if len(lengths) != 1 or math.prod((len(lists), *lengths)) != values.size:
        raise ValueError("lists of one column differ in length")
    return np.asarray(values).reshape(len(lists), -1)
