"""Writing and reading parts.

A part is written whole from memory, so `estimates/` never holds half a part. No dictionary on
doubles and no statistics: they cost more than simulating.
A sum over the whole file stands in the footer: what a disk lost never passes for data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from simstudy.errors import WorkError
from simstudy.estimates import STATUSES, Estimates
from simstudy.moments import Array, Floats
from simstudy.store import arrow, seal
from simstudy.store.filesystem import NotPlainError
from simstudy.store.footers import of_our_form
from simstudy.store.names import PartName, method_key
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study

_END = 1 << 16  # bytes at the end of a part in which nearly every footer is
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


class BrokenPartError(WorkError):
    """A part that is not what its name says: truncated, foreign or corrupt."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}; run the study again, which computes it again")
        self.file = file
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:  # workers send it home
        return BrokenPartError, (self.file, self.reason)


class Columns(NamedTuple):
    """A method's rows as they are stored, `status` as an index into `STATUSES`."""

    estimate: Floats
    std_error: Floats
    df: Floats
    p_value: Floats
    status: NDArray[np.int8]
    tau2: Floats | None
    sigma2: Floats | None


class Stored(NamedTuple):
    """A part that was checked: its bytes, the columns that were asked for, and its footer."""

    content: bytes
    table: pa.Table
    footer: dict[str, Any]

    def column(self, name: str, part: PartName) -> NDArray[Any]:
        """Values of shape (methods, scenarios, replications)."""
        shape = len(part.methods), len(part.scenarios), part.n_reps
        return _array(self.table.column(name)).reshape(shape)


class Whose(NamedTuple):
    """The study that parts should belong to.

    Attributes
    ----------
    keys : mapping
        Scenario id -> 128-bit key: of two scenarios whose 8-digit ids are equal by chance,
        the rows of one are never taken for those of the other.
    seed : int, optional
    """

    keys: Mapping[str, int]
    seed: int | None = None

    @classmethod
    def of(cls, study: Study) -> Whose:
        """Make it from a study."""
        return cls({design.id: design.key for design in study.designs}, study.seed)


class Form(NamedTuple):
    """The columns of a file, how many rows it has by its name, and which columns are words."""

    columns: Sequence[str]
    n_rows: Callable[[PartName], int]
    words: Sequence[str] = ()


_FORM = Form(_SCHEMA.names, lambda part: part.n_rows, ("status",))


def write(
    folder: ResultsFolder,
    part: PartName,
    methods: Sequence[str],
    estimates: Sequence[Estimates | Columns],
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
    pieces = seal.summed(encode(part, methods, estimates, provenance))
    folder.write(folder.of_part(part), *pieces)


def encode(
    part: PartName,
    methods: Sequence[str],
    estimates: Sequence[Estimates | Columns],
    provenance: Mapping[str, Any],
) -> pa.Buffer:
    """A part's parquet file, in memory, but for its sum; see `write`."""
    return in_file(_table(part, tuple(methods), estimates), _TEXT, part, methods, provenance)


def in_file(
    table: pa.Table,
    words: list[str],
    part: PartName,
    methods: Sequence[str],
    provenance: Mapping[str, Any],
) -> pa.Buffer:
    """A table as a part's parquet file, but for its sum; columns that are `words` repeat."""
    said = dict(provenance) | {
        "scenarios": list(part.scenarios),
        "methods": list(methods),
        "first": part.first,
        "last": part.last,
    }
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        table.schema,
        use_dictionary=words,
        write_statistics=False,
        compression="none",
        store_schema=False,  # text columns then open as plain text everywhere
        data_page_size=1 << 22,
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(seal.footer(said))
    return sink.getvalue()


def _table(
    part: PartName, methods: tuple[str, ...], estimates: Sequence[Estimates | Columns]
) -> pa.Table:
    n_scenarios, n_methods, per_method = len(part.scenarios), len(methods), part.n_reps
    rows = np.arange(n_methods * n_scenarios * per_method, dtype=np.int32)
    scenario = rows // per_method % n_scenarios if n_scenarios > 1 else np.zeros_like(rows)
    method = rows // (per_method * n_scenarios) if n_methods > 1 else np.zeros_like(rows)

    def column(name: str) -> Array:
        values = [getattr(of_method, name) for of_method in estimates]
        return values[0] if n_methods == 1 else np.concatenate(values)

    columns = [
        arrow.categories(scenario, part.scenarios),
        arrow.integers(np.tile(np.arange(part.first, part.last + 1), n_methods * n_scenarios)),
        arrow.categories(method, methods),
        *(arrow.doubles(column(name)) for name in ("estimate", "std_error", "df", "p_value")),
        arrow.categories(column("status"), STATUSES),
        *(_components([getattr(of_method, name) for of_method in estimates], rows.size)
          for name in ("tau2", "sigma2")),
    ]  # fmt: skip
    return pa.Table.from_arrays(columns, schema=_SCHEMA)


def _components(values: list[Array | None], n_rows: int) -> pa.Array:
    """Variance components; null for methods that have none."""
    if all(component is None for component in values):
        return pa.nulls(n_rows, pa.float64())
    none = np.full(n_rows // len(values), np.nan)
    return arrow.doubles(np.concatenate([none if v is None else v for v in values]))


def key_text(key: int) -> str:
    """A scenario's 128-bit key as a footer holds it."""
    return f"{key:032x}"


def read(
    folder: ResultsFolder, part: PartName, columns: tuple[str, ...], whose: Whose
) -> dict[str, NDArray[Any]]:
    """Read columns of a part, each of shape (methods, scenarios, replications).

    `status` comes as an index into `STATUSES`, null as NaN. `BrokenPartError` where the part is
    not what its name says.
    """
    stored = checked(folder, part, columns, whose)
    return {name: stored.column(name, part) for name in columns}


def checked(
    folder: ResultsFolder,
    part: PartName,
    columns: Sequence[str],
    whose: Whose,
    form: Form | None = None,
) -> Stored:
    """Read and check a part, or what else has a part's name; errors as of `read`."""
    form = form or _FORM
    name = folder.of_part(part)
    file = folder.shown(name)
    try:
        content = folder.read(name)
        seal.refuse_newer(file, content)
        fits = seal.fits(content)
        if fits is False:
            folder.files.touch(name)  # so that no stored summary is taken for that of this file
            raise BrokenPartError(file, "its bytes are not those that were written")
        source = pa.BufferReader(content)
        with pq.ParquetFile(source, read_dictionary=list(form.words)) as held:
            stored = of_our_form(seal.said(held.metadata.metadata))
            reason = _foreign(held, stored, part, whose, form)
            if fits is None and "first" in stored:
                reason = "its sum is not there"  # only earlier versions wrote none
            if reason:
                raise BrokenPartError(file, reason)
            return Stored(content, held.read(list(columns), use_threads=False), stored)
    except FileNotFoundError:
        raise BrokenPartError(file, "is gone") from None
    except NotPlainError as error:
        raise BrokenPartError(file, str(error)) from None
    except PermissionError as error:
        raise WorkError(f"{file}: cannot be read: {error.strerror}") from None
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise BrokenPartError(file, f"is not a readable part ({reason})") from None


def _foreign(
    held: pq.ParquetFile, stored: Mapping[str, Any], part: PartName, whose: Whose, form: Form
) -> str | None:
    """What in a part's footer contradicts its name or the study; None where nothing does."""
    if held.schema_arrow.names != list(form.columns):
        return "holds other columns"
    n_rows = form.n_rows(part)
    if held.metadata.num_rows != n_rows:
        return f"holds {held.metadata.num_rows} rows, not {n_rows}"
    if whose.seed is not None and stored.get("seed") != whose.seed:
        return f"comes from seed {stored.get('seed')}, not {whose.seed}"
    for name in part.scenarios:
        if name in whose.keys and stored.get("keys", {}).get(name) != key_text(whose.keys[name]):
            return f"holds another scenario of the id {name}"
    keys = [method_key(method) for method in stored.get("methods", ())]
    span = stored.get("first", part.first), stored.get("last", part.last)
    rows = stored.get("scenarios"), keys, span
    if rows != (list(part.scenarios), list(part.methods), (part.first, part.last)):
        return "holds other rows than its name says"
    return None


def _array(column: pa.ChunkedArray) -> NDArray[Any]:
    values = arrow.joined(column)
    if pa.types.is_dictionary(values.type):
        words = values.dictionary.to_pylist()
        code = np.array([STATUSES.index(word) for word in words], dtype=np.int8)
        return code[arrow.to_numpy(values.indices)]
    return arrow.to_numpy(values)


def footers(folder: ResultsFolder, listed: Iterable[PartName]) -> Iterator[dict[str, Any]]:
    """Provenance of those parts that have any, one after another."""
    return filter(None, (footer(folder, part) for part in listed))


def footer(folder: ResultsFolder, part: PartName) -> dict[str, Any] | None:
    """Provenance of a part; None where it has none."""
    name = folder.of_part(part)
    for read in (partial(folder.read_end, name, _END), partial(folder.read, name)):
        with suppress(pa.ArrowException, OSError, ValueError):
            stored = of_our_form(seal.said(pq.read_metadata(pa.BufferReader(read())).metadata))
            seal.refuse_later(folder.shown(name), stored)
            return stored or None
    return None
