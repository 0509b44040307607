"""Room 0: columns of a CSV or parquet file as arrays. Imports errors; pyarrow when called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudy.errors import UserError, nearest

if TYPE_CHECKING:
    import pyarrow as pa


def read_table(file: str | Path) -> pa.Table:
    """Read a CSV (comma, semicolon or tab) or parquet file; an empty field or NA is missing."""
    import pyarrow as pa

    name = str(file)
    path = Path(file)
    if not path.is_file():
        reason = "is a directory" if path.is_dir() else "no such file"
        raise UserError(f"{reason}; expected a CSV or parquet file", file=name)
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            import pyarrow.parquet as pq

            return pq.read_table(path)
        table = _read_csv(path)
        _ = table.column_names  # names that are not text fail here
        return table
    except UnicodeDecodeError:
        raise UserError("cannot be read: not UTF-8 text", file=name) from None
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"cannot be read: {str(error).splitlines()[0]}", file=name) from None


def _read_csv(path: Path) -> pa.Table:
    from pyarrow import csv

    with path.open("rb") as stream:
        header = stream.readline(1_000_000).decode("utf-8-sig", "replace")
    delimiter = max(",;\t", key=header.count)
    options = csv.ConvertOptions(
        strings_can_be_null=True,
        null_values=["", "NA", "NaN", "nan", "N/A", "null", "NULL", "None", "."],
    )
    parse = csv.ParseOptions(delimiter=delimiter, newlines_in_values=False)
    return csv.read_csv(path, parse_options=parse, convert_options=options)


def column(table: pa.Table, name: str, file: str) -> pa.ChunkedArray:
    """One column by name, or `UserError` with the nearest one there is."""
    names = table.column_names
    if names.count(name) > 1:
        raise UserError(f"two columns are called '{name}'", file=file)
    if name not in names:
        raise UserError(f"no column '{name}'{nearest(name, names)}", file=file)
    return table.column(name)


def numbers(values: pa.ChunkedArray, name: str, file: str) -> Any:
    """A column as float64, NaN where missing, or `UserError` with the first text in it."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.types as kinds

    if kinds.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if kinds.is_null(values.type):
        return np.full(len(values), np.nan)
    if not (kinds.is_floating(values.type) or kinds.is_integer(values.type)
            or kinds.is_boolean(values.type) or kinds.is_decimal(values.type)):  # fmt: skip
        example = next((str(v) for v in values.to_pylist() if v is not None), "")
        raise UserError(f"column '{name}' is not numeric (it holds '{example[:40]}')", file=file)
    return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def group_by(labels: pa.ChunkedArray, name: str, file: str) -> tuple[Any, list[Any]]:
    """Number the clusters in the order of their sorted labels; NaN is missing.

    Returns
    -------
    codes : array of int, one a row; -1 where the label is missing
    names : list of the labels
    """
    import numpy as np
    import pyarrow.types as kinds

    if kinds.is_dictionary(labels.type):
        labels = labels.cast(labels.type.value_type)
    if kinds.is_nested(labels.type):
        raise UserError(f"column '{name}' holds {labels.type}, no cluster labels", file=file)
    if kinds.is_binary(labels.type) or kinds.is_large_binary(labels.type):
        raise UserError(f"column '{name}' is not UTF-8 text", file=file)
    if kinds.is_floating(labels.type):
        import pyarrow.compute as pc

        labels = pc.if_else(pc.is_nan(labels), None, labels)
    encoded = labels.combine_chunks().dictionary_encode()
    values = encoded.dictionary.to_pylist()
    order = sorted(range(len(values)), key=lambda i: values[i])
    rank = np.empty(len(values) + 1, dtype=np.int64)
    rank[order] = np.arange(len(values))
    rank[-1] = -1
    codes = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    return rank[codes.astype(np.int64)], [values[i] for i in order]
