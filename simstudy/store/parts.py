"""Room 3: writing and reading parts. Imports names, estimates and errors; pyarrow.

A part is written whole to `.work/` from memory and renamed, so `estimates/` never holds
half a part. No dictionary on doubles and no statistics: they cost more than simulating.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from simstudy.errors import WorkError
from simstudy.estimates import STATUSES, Estimates
from simstudy.store import arrow
from simstudy.store.files import replace_file
from simstudy.store.names import PartName, parse

_TEXT = ["scenario", "method", "status"]
_SCHEMA = pa.schema(
    [
        ("scenario", pa.dictionary(pa.int32(), pa.string())),
        ("replication", pa.int64()),
        ("method", pa.dictionary(pa.int32(), pa.string())),
        ("estimate", pa.float64()),
        ("std_error", pa.float64()),
        ("df", pa.float64()),
        ("p_value", pa.float64()),
        ("status", pa.dictionary(pa.int8(), pa.string())),
        ("tau2", pa.float64()),
        ("sigma2", pa.float64()),
    ]
)
_FOOTER = b"simstudy"
_KEPT = 8  # parts in memory while a study is summarised


def estimates_folder(study_folder: Path) -> Path:
    """Where parts stand."""
    return study_folder / "estimates"


def listing(study_folder: Path) -> list[PartName]:
    """Parts that are there, in the order of their names."""
    folder = estimates_folder(study_folder)
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    return [part for part in map(parse, names) if part is not None]


def write(
    study_folder: Path,
    part: PartName,
    method: str,
    estimates: Estimates,
    provenance: Mapping[str, Any],
) -> None:
    """Write one part, whole or not at all.

    Parameters
    ----------
    part : PartName
    method : str
        Canonical name.
    estimates : Estimates
        Scenario after scenario, in the order of `part.scenarios`.
    provenance : mapping
        Goes to the footer, with what the part holds.
    """
    content = encode(part, method, estimates, provenance)
    replace_file(study_folder, estimates_folder(study_folder) / str(part), content)


def encode(
    part: PartName, method: str, estimates: Estimates, provenance: Mapping[str, Any]
) -> pa.Buffer:
    """A part's parquet file, in memory; see `write`."""
    table = _table(part, method, estimates)
    footer = dict(provenance) | {"scenarios": list(part.scenarios), "method": method}
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        _SCHEMA,
        use_dictionary=_TEXT,
        write_statistics=False,
        compression="none",
        store_schema=False,  # text columns then open as plain text everywhere
        data_page_size=1 << 22,
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({_FOOTER: json.dumps(footer, sort_keys=True).encode()})
    return sink.getvalue()


def _table(part: PartName, method: str, estimates: Estimates) -> pa.Table:
    n_reps = part.last - part.first + 1
    n_rows = n_reps * len(part.scenarios)
    replication = np.arange(part.first, part.last + 1)
    scenario = np.repeat(np.arange(len(part.scenarios), dtype=np.int32), n_reps)

    columns = [
        arrow.categories(scenario, part.scenarios),
        arrow.integers(np.tile(replication, len(part.scenarios))),
        arrow.categories(np.zeros(n_rows, dtype=np.int32), (method,)),
        arrow.doubles(estimates.estimate),
        arrow.doubles(estimates.std_error),
        arrow.doubles(estimates.df),
        arrow.doubles(estimates.p_value),
        arrow.categories(estimates.status, STATUSES),
        *(
            pa.nulls(n_rows, pa.float64()) if values is None else arrow.doubles(values)
            for values in (estimates.tau2, estimates.sigma2)
        ),
    ]
    return pa.Table.from_arrays(columns, schema=_SCHEMA)


def key_text(key: int) -> str:
    """A scenario's 128-bit key as a footer holds it."""
    return f"{key:032x}"


def read(
    study_folder: Path, part: PartName, columns: tuple[str, ...], keys: Mapping[str, int]
) -> dict[str, NDArray[Any]]:
    """Read columns of a part; `status` as an index into `STATUSES`, nulls as NaN.

    `keys` are those of the study's scenarios: of two scenarios whose 8-digit ids are equal
    by chance, the rows of one are never taken for those of the other.
    """
    file = estimates_folder(study_folder) / str(part)
    try:
        with pq.ParquetFile(file, read_dictionary=["status"]) as opened:
            table = opened.read(list(columns), use_threads=False)
            stored = _footer(opened.metadata).get("keys", {})
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise WorkError(f"{file}: not a readable part ({reason}); move it, run again") from None
    expected = (part.last - part.first + 1) * len(part.scenarios)
    if table.num_rows != expected:
        raise WorkError(f"{file}: holds {table.num_rows} rows, not {expected}; move it, run again")
    for name in part.scenarios:
        if name in keys and stored.get(name) != key_text(keys[name]):
            raise WorkError(f"{file}: holds another scenario of the id {name}; move it, run again")
    return {name: _array(table.column(name).combine_chunks()) for name in columns}


def _array(values: Any) -> NDArray[Any]:
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    if pa.types.is_dictionary(values.type):
        words = values.dictionary.to_pylist()
        code = np.array([STATUSES.index(word) for word in words], dtype=np.int8)
        return code[arrow.to_numpy(values.indices)]
    return arrow.to_numpy(values)


def footer(study_folder: Path, part: PartName) -> dict[str, Any]:
    """Provenance of a part."""
    file = estimates_folder(study_folder) / str(part)
    try:
        return _footer(pq.read_metadata(file))
    except (pa.ArrowException, OSError, ValueError):
        raise WorkError(f"{file}: not a readable part; move it, run again") from None


def _footer(metadata: Any) -> dict[str, Any]:
    return json.loads((metadata.metadata or {}).get(_FOOTER, b"{}"))


class Reader:
    """Reads rows of one scenario and method; keeps recent parts, which scenarios share."""

    def __init__(
        self, study_folder: Path, columns: tuple[str, ...], keys: Mapping[str, int]
    ) -> None:
        self._read = lru_cache(_KEPT)(lambda part: read(study_folder, part, columns, keys))

    def rows(
        self, parts: list[PartName], scenario: str, last: int
    ) -> Iterator[dict[str, NDArray[Any]]]:
        """Rows of `scenario` in order of replication, from parts of one method, up to `last`."""
        done = 0
        for part in sorted(parts, key=lambda p: (p.first, -p.last)):
            if part.last <= done or part.first > last:
                continue
            length = part.last - part.first + 1
            start = part.scenarios.index(scenario) * length
            skip = max(0, done + 1 - part.first)
            stop = min(length, last - part.first + 1)
            whole = self._read(part)
            yield {k: v[start + skip : start + stop] for k, v in whole.items()}
            done = part.last
