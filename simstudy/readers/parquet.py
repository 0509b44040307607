"""Parquet files and folders of them, read as they are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.types as kinds

from simstudy.errors import UserError, brief
from simstudy.readers import table
from simstudy.readers.table import Piece, Table

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def folder(path: Path, file: str) -> Table:
    """Parquet files in a folder and in the folders within, those called key=value as columns."""
    try:
        inside = sorted(one for one in path.rglob("*") if one.is_file())
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", file=file) from None
    found = [one for one in inside if _is_parquet(one, one.relative_to(path))]
    if not found:
        raise UserError("no parquet file in this folder", file=file)
    keys = [_keys(one.relative_to(path)) for one in found]
    return _files([str(one) for one in found], keys, file)


def single(source: Any, file: str) -> Table:
    """One parquet file: its path, or its content in memory."""
    return _files([source], [{}], file)


def _is_parquet(one: Path, inside: Path) -> bool:
    if any(part.startswith((".", "_")) for part in inside.parts):
        return False
    if one.suffix.lower() in (".parquet", ".pq"):
        return True
    try:
        with one.open("rb") as stream:
            return stream.read(4) == b"PAR1"
    except OSError:
        return False


def _keys(inside: Path) -> dict[str, str | None]:
    """Columns that stand in the names of folders, as written there."""
    pairs = (part.partition("=") for part in inside.parts[:-1])
    return {unquote(key): None if value == _NO_VALUE else unquote(value)
            for key, mark, value in pairs if mark and key}  # fmt: skip


def _files(sources: list[Any], keys: list[dict[str, str | None]], file: str) -> Table:
    import pyarrow.parquet as pq

    schemas = []
    for source in sources:
        name = source if isinstance(source, str) else file
        try:
            schemas.append(_known(pq.read_schema(source), source))
        except (pa.ArrowException, OSError) as error:
            raise _broken(error, name) from None
    names = list(dict.fromkeys([name for schema in schemas for name in schema.names]
                               + [key for found in keys for key in found]))  # fmt: skip
    twice = [name for name in names if any(schema.names.count(name) > 1 for schema in schemas)]
    names += twice  # asked for, they are refused

    def pieces(places: Sequence[int]) -> Iterator[Piece]:
        wanted = [names[place] for place in places]
        kinds = [_common(name, schemas, keys, file) for name in wanted]
        for source, schema, known in zip(sources, schemas, keys, strict=True):
            name = source if isinstance(source, str) else file
            there = [one for one in wanted if one in schema.names]
            first = 0
            for batch in _read(source, there, name):
                columns = [_column(batch, one, kind, known)
                           for one, kind in zip(wanted, kinds, strict=True)]  # fmt: skip
                found = pa.table(columns, names=[str(place) for place in places])
                yield Piece(found, name, first)
                first += batch.num_rows

    written = frozenset(i for i, name in enumerate(names) if any(name in found for found in keys))
    return Table(file, names, pieces, written=written)


def _known(schema: pa.Schema, source: Any) -> pa.Schema:
    """Schema with pandas' own kinds known: periods are no whole numbers."""
    import pyarrow.parquet as pq

    kinds = (str((one.metadata or {}).get(b"ARROW:extension:name", b"")) for one in schema)
    if not any("pandas." in kind for kind in kinds):
        return schema
    import_module("pandas.core.arrays.arrow.extension_types")
    return pq.read_schema(source)


def _read(source: Any, names: list[str], file: str) -> Iterator[Any]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source, pre_buffer=False) as opened:
            yield from opened.iter_batches(batch_size=table.BATCH, columns=names)
    except (pa.ArrowException, OSError) as error:
        raise _broken(error, file) from None


def _broken(error: Exception, file: str) -> UserError:
    reason = brief(str(error).splitlines()[0] if str(error) else type(error).__name__)
    return UserError(f"cannot be read: {reason}", file=file)


def _common(
    name: str, schemas: list[pa.Schema], keys: list[dict[str, str | None]], file: str
) -> pa.DataType | None:
    """Type that holds a column of all files; None where each keeps its own, all being alike."""
    kinds = [schema.field(name).type for schema in schemas if name in schema.names]
    if any(name in found for found in keys):
        kinds.append(pa.string())
    different = list(dict.fromkeys(kinds))
    if len(different) == 1:
        return different[0]
    bare = list(dict.fromkeys(_bare(kind) for kind in different))
    try:
        return reduce(_wider, bare)
    except pa.ArrowException:
        message = f"column '{name}' is {bare[0]} in one file and {bare[1]} in another"
        raise UserError(message, file=file) from None


def _bare(kind: pa.DataType) -> pa.DataType:
    if kinds.is_dictionary(kind):
        kind = kind.value_type
    if str(kind) in ("large_string", "string_view"):
        return pa.string()
    return kind


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    both = (one, other)
    if any(map(kinds.is_floating, both)) and any(map(kinds.is_integer, both)):
        return pa.float64()
    fields = [pa.schema([("x", kind)]) for kind in both]
    return pa.unify_schemas(fields, promote_options="permissive").field(0).type


def _column(
    batch: pa.RecordBatch, name: str, kind: pa.DataType, known: dict[str, str | None]
) -> pa.ChunkedArray:
    if name in known:
        n, level = batch.num_rows, known[name]
        values = pa.nulls(n, pa.string()) if level is None else pa.repeat(level, n)
        return pa.chunked_array([values])
    if name not in batch.schema.names:
        return pa.chunked_array([pa.nulls(batch.num_rows, kind)])
    values = batch.column(name)
    return pa.chunked_array([values if values.type == kind else values.cast(kind)])
