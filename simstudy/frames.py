"""Room 0: columns of a CSV or parquet file as arrays. Imports errors; pyarrow when called."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudy.errors import UserError, nearest

if TYPE_CHECKING:
    import pyarrow as pa


MISSING = ("", "NA", "NaN", "nan", "N/A", "null", "NULL", "None", ".")  # words of a CSV file


def read_table(file: str | Path, labels: Collection[str] = (), named: bool = False) -> pa.Table:
    """Read a CSV (comma, semicolon or tab) or parquet file; an empty field or NA is missing.

    Parameters
    ----------
    labels : collection of str
        Columns of a CSV file that come as text, as written: 01 is not 1, and an id has more
        digits than a double. Those that are not there are left out.
    named : bool
        Whether NA and its like are names among those; an empty field never is.
    """
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
        table = _read_csv(path, labels, named)
        _ = table.column_names  # names that are not text fail here
        return table
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        reason = "not UTF-8 text" if "utf" in reason.lower() else reason
        raise UserError(f"cannot be read: {reason}", file=name) from None


def _read_csv(path: Path, labels: Collection[str], named: bool) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv

    with path.open("rb") as stream:
        header = stream.readline(1_000_000).decode("utf-8-sig", "replace")
    delimiter = max(",;\t", key=header.count)
    options = csv.ConvertOptions(
        null_values=list(MISSING), column_types=dict.fromkeys(labels, pa.string())
    )
    parse = csv.ParseOptions(delimiter=delimiter, newlines_in_values=False)
    table = csv.read_csv(path, parse_options=parse, convert_options=options)
    for i, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            words = MISSING[:1] if named and field.name in labels else MISSING
            table = table.set_column(i, field.name, _without(table.column(i), words))
    return table


def _without(texts: pa.ChunkedArray, words: Collection[str]) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pc.is_in(texts, pa.array(words, pa.string())), None, texts)


def as_written(labels: pa.ChunkedArray) -> pa.ChunkedArray:
    """Labels as whole numbers or doubles where all are written as such are, else as text."""
    import pyarrow as pa

    words = labels.unique().drop_null().to_pylist()
    numbers = [_number(word) for word in words]
    if not words or None in numbers or len(set(numbers)) < len(words):
        return labels
    if all(_is_whole(word) for word in words):
        return labels.cast(pa.int64())
    shown = [f"{number:g}" for number in numbers]
    usual = words in (shown, list(map(repr, numbers))) and len(set(shown)) == len(words)
    return labels.cast(pa.float64()) if usual else labels


def _is_whole(word: str) -> bool:
    """Whether a word that is a number is that of a 64-bit integer."""
    digits = word.removeprefix("-")
    return digits.isdecimal() and word == str(int(word)) and -(2**63) <= int(word) < 2**63


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
    if kinds.is_string(values.type):
        values = _as_numbers(values)
    if not (kinds.is_floating(values.type) or kinds.is_integer(values.type)
            or kinds.is_boolean(values.type) or kinds.is_decimal(values.type)):  # fmt: skip
        example = next((str(v) for v in values.to_pylist() if v is not None), "")
        raise UserError(f"column '{name}' is not numeric (it holds '{example[:40]}')", file=file)
    return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def predictor(values: pa.ChunkedArray, name: str, file: str) -> tuple[Any, tuple[str, ...]]:
    """A column as float64, NaN where missing; one of two words as 0 and 1.

    The first word in sorted order is 0, as R codes a factor.

    Returns
    -------
    values : array of float
    words : tuple of str
        What 0 and 1 stand for; empty for numbers.
    """
    import numpy as np
    import pyarrow.types as kinds

    kind = values.type.value_type if kinds.is_dictionary(values.type) else values.type
    if not (kinds.is_string(kind) or kinds.is_large_string(kind)):
        return numbers(values, name, file), ()
    codes, words = group_by(values, name, file)
    words = [word for word in words if word is not None]
    if not words or any(_number(word) is not None for word in words):
        return numbers(values, name, file), ()
    if len(words) != 2:
        listed = ", ".join(f"'{word[:40]}'" for word in words[:5]) + (
            ", ..." if len(words) > 5 else ""
        )
        many = f"{len(words)} words" if len(words) > 1 else "one word"
        message = f"column '{name}' holds {many} ({listed}); a predictor is numbers, or two words"
        raise UserError(message, file=file)
    return np.where(codes < 0, np.nan, codes).astype(float), tuple(words)


def _as_numbers(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Labels that are used as numbers as well; as they are where one is none."""
    import pyarrow as pa

    encoded = texts.combine_chunks().dictionary_encode()
    found = [_number(word) for word in encoded.dictionary.to_pylist()]
    if None in found:
        return texts
    return pa.chunked_array([pa.array(found, pa.float64()).take(encoded.indices)])


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
    order = in_order(values)
    rank = np.empty(len(values) + 1, dtype=np.int64)
    rank[order] = np.arange(len(values))
    rank[-1] = -1
    codes = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    return rank[codes.astype(np.int64)], [values[i] for i in order]
