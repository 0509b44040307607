"""One column as numbers or as labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from simstudy.readers.arrays import joined, to_numpy
from simstudy.readers.decimals import IS_MISSING, Style, parse


class Unusable(Exception):  # noqa: N818
    """A column whose kind is of no use here, in words: "lists", "dates"."""


def numbers(values: pa.ChunkedArray, others: Style) -> Any:
    """A column as float64, NaN where missing; raises `Unusable` or `Unreadable`."""
    values = _plain(values)
    if kinds.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind = values.type
    if kinds.is_null(kind):
        return np.full(len(values), np.nan)
    if kinds.is_decimal(kind):  # by their digits: Arrow's own cast rounds twice
        values = values.cast(pa.string())
    elif not (kinds.is_floating(kind) or kinds.is_integer(kind) or kinds.is_boolean(kind)):
        values = _text(values)
    if kinds.is_string(values.type):
        values = parse(joined(values), others)
    return to_numpy(joined(values.cast(pa.float64(), safe=False)))


def labels(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as labels: text, whole numbers, doubles, truth values or times.

    An array of a dictionary type has levels of its own, in the order of the dictionary.
    """
    values = _plain(values)
    kind = values.type
    if kinds.is_dictionary(kind):
        chunks = [
            pa.DictionaryArray.from_arrays(
                chunk.indices, labels(pa.chunked_array([chunk.dictionary])).combine_chunks()
            )
            for chunk in values.chunks
        ]
        return pa.chunked_array(chunks, chunks[0].type if chunks else kind)
    if kinds.is_floating(kind):
        return pc.if_else(pc.is_nan(values), pa.nulls(len(values), kind), values)
    if kinds.is_decimal(kind):
        return values.cast(pa.string())
    usable = (kinds.is_integer(kind) or kinds.is_boolean(kind) or kinds.is_temporal(kind)
              or kinds.is_null(kind))  # fmt: skip
    return values if usable else _text(values)


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values without an extension type or run-end encoding around them."""
    kind = values.type.value_type if kinds.is_dictionary(values.type) else values.type
    if str(kind).startswith("extension<pandas."):
        return _of_pandas(values)
    if isinstance(values.type, pa.BaseExtensionType):
        values = pa.chunked_array([chunk.storage for chunk in values.chunks],
                                  values.type.storage_type)  # fmt: skip
    return pc.run_end_decode(values) if kinds.is_run_end_encoded(values.type) else values


def _of_pandas(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Periods and intervals as text, in their order."""
    return pa.chunked_array([dictionary(values.to_pandas().astype("category").cat)])


def dictionary(values: Any) -> pa.DictionaryArray:
    """A categorical in the order of its levels, periods and intervals as text."""
    import pandas as pd

    levels = values.categories
    if isinstance(levels.dtype, pd.PeriodDtype | pd.IntervalDtype):
        levels = [str(level) for level in levels]
    codes = values.codes.to_numpy()
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(levels))


def _text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text of any width, or bytes that are UTF-8, as text; else `Unusable`."""
    kind = str(values.type)
    if kind in ("string", "large_string", "string_view", "utf8_view"):
        return values.cast(pa.string())
    if "binary" in kind:
        try:
            return values.cast(pa.binary()).cast(pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise Unusable("bytes that are no UTF-8 text") from None
    raise Unusable(_in_words(values.type))


def _in_words(kind: pa.DataType) -> str:
    if kinds.is_struct(kind) or kinds.is_map(kind):
        return f"records ({kind})"
    if kinds.is_nested(kind):
        return f"lists ({kind})"
    if kinds.is_duration(kind) or kinds.is_time(kind):
        return f"times ({kind})"
    return f"dates ({kind})" if kinds.is_temporal(kind) else f"values of type {kind}"


def with_names(codes: pa.ChunkedArray, names: Mapping[float, str]) -> pa.ChunkedArray:
    """Codes by their labels, as a dictionary in the order of the codes.

    A code without a label is its own; a label of several codes is told apart by them.
    """
    encoded = codes.combine_chunks().dictionary_encode()
    there = encoded.dictionary.to_pylist()
    every = sorted({*there, *(code for code in names if names[code])})
    shown = [names.get(code) or _shown(code) for code in every]
    levels = [f"{label} ({_shown(code)})" if shown.count(label) > 1 else label
              for code, label in zip(every, shown, strict=True)]  # fmt: skip
    place = {code: i for i, code in enumerate(every)}
    index = pa.array([place[code] for code in there], pa.int32()).take(encoded.indices)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(index, pa.array(levels, pa.string()))])


def _shown(code: float) -> str:
    return str(int(code)) if code == int(code) else repr(code)


def without_layout(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Fields without the blank beside each separator, where every one has it."""
    empty = pc.match_substring_regex(texts, "^$")
    if pc.all(pc.or_(pc.starts_with(texts, " "), empty)).as_py():
        texts = pc.utf8_slice_codeunits(texts, 1)
    if pc.all(pc.or_(pc.ends_with(texts, " "), empty)).as_py():
        texts = pc.utf8_slice_codeunits(texts, 0, -1)
    return texts


def without_missing(labels: pa.ChunkedArray) -> tuple[pa.ChunkedArray, dict[str, int]]:
    """Labels, as values, less the words for missing ones, and how often each stood there."""
    text = labels
    if kinds.is_dictionary(labels.type):
        text = labels.cast(labels.type.value_type)
    if not kinds.is_string(text.type):
        n = text.null_count
        return text, {"": n} if n else {}
    there = pc.match_substring_regex(pc.utf8_trim_whitespace(text), IS_MISSING)
    there = pc.and_kleene(there, there.is_valid())
    found = pc.value_counts(text.filter(pc.or_(there, text.is_null()))).to_pylist()
    words: dict[str, int] = {}
    for one in found:
        word = (one["values"] or "").strip()
        words[word] = words.get(word, 0) + one["counts"]
    return pc.if_else(there, pa.nulls(len(text), text.type), text), words
