"""Room 3: writing and reading parts. Imports names, estimates and errors; pyarrow.

A part is written whole to `.work/` from memory and renamed, so `estimates/` never holds
half a part. No dictionary on doubles and no statistics: they cost more than simulating.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from simstudy.errors import WorkError
from simstudy.estimates import STATUSES, Estimates
from simstudy.moments import Array
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
    methods: Sequence[str],
    estimates: Sequence[Estimates],
    provenance: Mapping[str, Any],
) -> None:
    """Write one part, whole or not at all.

    Parameters
    ----------
    part : PartName
    methods : sequence of str
        Canonical names, in the order of `part.methods`.
    estimates : sequence of Estimates
        One a method; scenario after scenario, in the order of `part.scenarios`.
    provenance : mapping
        Goes to the footer, with what the part holds.
    """
    content = encode(part, methods, estimates, provenance)
    replace_file(study_folder, estimates_folder(study_folder) / str(part), content)


def encode(
    part: PartName,
    methods: Sequence[str],
    estimates: Sequence[Estimates],
    provenance: Mapping[str, Any],
) -> pa.Buffer:
    """A part's parquet file, in memory; see `write`."""
    footer = dict(provenance) | {"scenarios": list(part.scenarios), "methods": list(methods)}
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
        writer.write_table(_table(part, tuple(methods), estimates))
        writer.add_key_value_metadata({_FOOTER: json.dumps(footer, sort_keys=True).encode()})
    return sink.getvalue()


def _table(part: PartName, methods: tuple[str, ...], estimates: Sequence[Estimates]) -> pa.Table:
    n_scenarios, n_methods, per_method = len(part.scenarios), len(methods), part.n_reps
    rows = np.arange(n_methods * n_scenarios * per_method, dtype=np.int32)
    scenario = rows // per_method % n_scenarios if n_scenarios > 1 else np.zeros_like(rows)
    method = rows // (per_method * n_scenarios) if n_methods > 1 else np.zeros_like(rows)

    def column(name: str) -> Array:
        values = [getattr(found, name) for found in estimates]
        return values[0] if n_methods == 1 else np.concatenate(values)

    columns = [
        arrow.categories(scenario, part.scenarios),
        arrow.integers(np.tile(np.arange(part.first, part.last + 1), n_methods * n_scenarios)),
        arrow.categories(method, methods),
        *(arrow.doubles(column(name)) for name in ("estimate", "std_error", "df", "p_value")),
        arrow.categories(column("status"), STATUSES),
        *(_components([getattr(found, name) for found in estimates], rows.size)
          for name in ("tau2", "sigma2")),
    ]  # fmt: skip
    return pa.Table.from_arrays(columns, schema=_SCHEMA)


def _components(values: list[Array | None], n_rows: int) -> pa.Array:
    """Variance components; null for methods that have none."""
    if all(found is None for found in values):
        return pa.nulls(n_rows, pa.float64())
    none = np.full(n_rows // len(values), np.nan)
    return arrow.doubles(np.concatenate([none if found is None else found for found in values]))


def key_text(key: int) -> str:
    """A scenario's 128-bit key as a footer holds it."""
    return f"{key:032x}"


def read(
    study_folder: Path, part: PartName, columns: tuple[str, ...], keys: Mapping[str, int]
) -> dict[str, NDArray[Any]]:
    """Read columns of a part, each of shape (methods, scenarios, replications).

    `status` comes as an index into `STATUSES`, null as NaN.

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
    if table.num_rows != part.n_rows:
        message = f"holds {table.num_rows} rows, not {part.n_rows}"
        raise WorkError(f"{file}: {message}; move it, run again")
    for name in part.scenarios:
        if name in keys and stored.get(name) != key_text(keys[name]):
            raise WorkError(f"{file}: holds another scenario of the id {name}; move it, run again")
    shape = len(part.methods), len(part.scenarios), part.n_reps
    return {name: _array(table.column(name).combine_chunks()).reshape(shape) for name in columns}


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
