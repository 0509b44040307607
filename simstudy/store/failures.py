"""What a user's methods leave beside their rows.

`failures/`, `extras/` and `warnings/` hold parts named like those of `estimates/`, where there
is anything to hold. They are written before the rows they belong to, whose footer holds their
digests: what has rows is complete, or is known not to be.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simstudy.estimates import Estimates, Failure
from simstudy.moments import Bools, Floats
from simstudy.store import arrow, parts, seal
from simstudy.store.filesystem import NotPlainError
from simstudy.store.names import PartName, method_key
from simstudy.store.results_folder import BESIDE, EXTRAS, FAILURES, WARNINGS, ResultsFolder
from simstudy.study.study import Study

_DIGITS = 16
_ABSENT = (FileNotFoundError, NotPlainError)
SECONDS = "seconds"  # of a fit, among the extras
_TIMED = "rows:"  # begins the digest of a file that holds them
_WHERE = [("scenario", pa.string()), ("replication", pa.int64()), ("method", pa.string())]
_SCHEMAS = {
    FAILURES: pa.schema([*_WHERE, ("message", pa.string()), ("traceback", pa.string())]),
    EXTRAS: pa.schema([*_WHERE, ("name", pa.string()), ("value", pa.float64())]),
    WARNINGS: pa.schema([*_WHERE, ("message", pa.string())]),
}


class Failed(NamedTuple):
    """One failure and where it was."""

    scenario: str
    replication: int
    method: str
    failure: Failure


def write(
    folder: ResultsFolder, part: PartName, methods: Sequence[str], estimates: Sequence[Estimates]
) -> dict[str, str]:
    """Write a part's failures, extras and warnings, where there are any; their digests."""
    return write_tables(folder, part, {
        FAILURES: _failures(part, methods, estimates),
        EXTRAS: _extras(part, methods, estimates),
        WARNINGS: _warnings(part, methods, estimates),
    })  # fmt: skip


def write_tables(
    folder: ResultsFolder, part: PartName, tables: Mapping[str, pa.Table]
) -> dict[str, str]:
    """Write what lies beside a part, as tables by kind; their digests."""
    digests = {}
    for name, table in tables.items():
        if table.num_rows:
            sink = pa.BufferOutputStream()
            marked = table.replace_schema_metadata(seal.footer({}))
            pq.write_table(marked, sink, compression="zstd")
            content = b"".join(seal.summed(sink.getvalue()))
            folder.write(folder.of_part(part, name), content)
            digests[name] = _digest(content, table)
    return digests


def verify(
    folder: ResultsFolder,
    part: PartName,
    kinds: Sequence[str] = BESIDE,
    footer: Mapping[str, Any] | None = None,
) -> None:
    """Raise `BrokenPartError` where a part's failures or extras are not those written with it.

    `footer` is the part's, where that was read already.
    """
    digests = _digests(folder, part) if footer is None else _said(footer)
    for kind in digests.keys() & set(kinds):
        name = folder.of_part(part, kind)
        file, content = folder.shown(name), b""
        with suppress(OSError):
            content = folder.read(name)
        seal.refuse_newer(file, content)
        _checked(file, content, digests[kind])


def of_part(folder: ResultsFolder, part: PartName, kind: str) -> pa.Table | None:
    """Failures or extras of a part, as written with its rows; None where it has none."""
    digest = _digests(folder, part).get(kind)
    if digest is None:
        return None
    name = folder.of_part(part, kind)
    return _checked(folder.shown(name), _there(folder, name), digest)


class Beside(NamedTuple):
    """A file that lies beside the rows of a part."""

    content: bytes
    table: pa.Table


def beside(folder: ResultsFolder, part: PartName, footer: Mapping[str, Any]) -> dict[str, Beside]:
    """All that lies beside a part, as its footer says; of earlier versions what is there."""
    digests, files = _said(footer), {}
    for kind in digests if footer.get("format") else BESIDE:
        name = folder.of_part(part, kind)
        file = folder.shown(name)
        if kind in digests:
            content = _there(folder, name)
            table = _checked(file, content, digests[kind])
        else:
            try:
                content = _readable(folder, name)
            except _ABSENT:
                continue
            table = _decoded(file, content)
        files[kind] = Beside(content, _in_form(file, kind, table))
    return files


def _in_form(file: str, kind: str, table: pa.Table) -> pa.Table:
    if table.schema.equals(_SCHEMAS[kind]):
        return table
    raise parts.BrokenPartError(file, "holds other columns")


def _digests(folder: ResultsFolder, part: PartName) -> dict[str, str]:
    """Kind -> digest of what was written with a part's rows."""
    return _said(parts.footer(folder, part) or {})


def _said(footer: Mapping[str, Any]) -> dict[str, str]:
    """The same of a footer, in which a stranger may have written of other kinds."""
    said = footer.get("beside", {})
    return {kind: said[kind] for kind in BESIDE if kind in said}


def verify_all(study: Study, folder: ResultsFolder) -> None:
    """Raise `BrokenPartError` where anything beside rows of a user's methods was lost."""
    for part in _of(study, folder.parts()):
        verify(folder, part)


def asked(study: Study) -> set[tuple[str, str]]:
    """(scenario, method's key) of all that a study asks for."""
    return {
        (design.id, method_key(method.canonical))
        for method in study.methods
        for design in study.designs
        if study.asks(design, method)
    }


def _of(study: Study, listed: Iterable[PartName]) -> Iterator[PartName]:
    """Parts beside which rows of a study's own methods, or extras of ours, may stand."""
    with_more = {*study.own_methods, *(method for method in study.methods if method.extras)}
    if study.generators:
        with_more.update(study.methods)
    keys = {method_key(method.canonical) for method in with_more}
    return (part for part in listed if not keys.isdisjoint(part.methods))


def _digest(content: bytes, table: pa.Table) -> str:
    """Digest of a file; where it holds seconds, of its other rows, which alone can be made again.

    So two runs that make the same part write the same digest beside its rows.
    """
    timed = _seconds(table)
    if not timed.any():
        return hashlib.sha256(content).hexdigest()[:_DIGITS]
    others = table.take(arrow.integers(np.flatnonzero(~timed)))
    digest = hashlib.sha256()
    for name in others.column_names:
        levels, index = arrow.levels_of(others.column(name))
        digest.update(repr((name, levels)).encode() + np.ascontiguousarray(index, "<i8").tobytes())
    return _TIMED + digest.hexdigest()[:_DIGITS]


def _seconds(table: pa.Table) -> Bools:
    """Rows that say how long a fit took."""
    timed = np.zeros(table.num_rows, dtype=bool)
    if "name" in table.column_names:
        timed[arrow.to_numpy(arrow.equal_to(table.column("name"), SECONDS))] = True
    return timed


def _checked(file: str, content: bytes, digest: str) -> pa.Table:
    """Rows of a file; `BrokenPartError` where it is not what was written."""
    if digest.startswith(_TIMED):
        table = _decoded(file, content) if seal.fits(content) else None
        if table is not None and _digest(content, table) == digest:
            return table
    elif hashlib.sha256(content).hexdigest()[:_DIGITS] == digest:
        return _decoded(file, content)
    raise parts.BrokenPartError(file, "is not what was written with its rows")


def failed(
    part: PartName, methods: Sequence[str], estimates: Sequence[Estimates]
) -> Iterator[Failed]:
    """Failures among a part's rows, in the order of the rows."""
    for method, of_method in zip(methods, estimates, strict=True):
        failures = of_method.failures
        for row, failure in enumerate([] if failures is None else failures):
            if failure is not None:
                scenario, replication = divmod(row, part.n_reps)
                yield Failed(part.scenarios[scenario], part.first + replication, method, failure)


def first_failed(folder: ResultsFolder, part: PartName) -> Failed | None:
    """The first stored failure of a part; None where there is none."""
    rows = _opened(folder, folder.of_part(part, FAILURES))
    for row in () if rows is None else rows.slice(0, 1).to_pylist():
        where = row["scenario"], row["replication"], row["method"]
        return Failed(*where, Failure(row["message"], row["traceback"]))
    return None


def _failures(part: PartName, methods: Sequence[str], estimates: Sequence[Estimates]) -> pa.Table:
    rows = failed(part, methods, estimates)
    return _table(FAILURES, [(*where, *failure) for *where, failure in rows])


def _warnings(part: PartName, methods: Sequence[str], estimates: Sequence[Estimates]) -> pa.Table:
    """A row a warning, at the first replication of the call that gave it.

    So a call that two ranges share, since one begins inside it, gives its warnings once.
    """
    rows = [
        (part.scenarios[row // part.n_reps], part.first + row % part.n_reps, method, message)
        for method, of_method in zip(methods, estimates, strict=True)
        for row, messages in enumerate([] if of_method.warned is None else of_method.warned)
        for message in messages or ()
    ]
    return _table(WARNINGS, rows)


def _table(kind: str, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    makers: dict[Any, Any] = {pa.string(): arrow.texts, pa.int64(): arrow.integers}
    columns = enumerate(_SCHEMAS[kind])
    return pa.table(
        {field.name: makers[field.type]([row[k] for row in rows]) for k, field in columns}
    )


def _extras(part: PartName, methods: Sequence[str], estimates: Sequence[Estimates]) -> pa.Table:
    scenario = np.repeat(np.arange(len(part.scenarios)), part.n_reps)
    replication = np.tile(np.arange(part.first, part.last + 1), len(part.scenarios))
    tables = [
        _extra(method, name, values, np.take(part.scenarios, scenario), replication)
        for method, of_method in zip(methods, estimates, strict=True)
        for name, values in _named(of_method)
    ]
    return pa.concat_tables(tables) if tables else pa.table({})


def _named(estimates: Estimates) -> Iterator[tuple[str, Floats]]:
    """Further values by name; seconds of its own are a method's own affair."""
    extras = estimates.extras or {}
    yield from extras.items()
    if estimates.seconds is not None and SECONDS not in extras:
        yield SECONDS, estimates.seconds


def _extra(method: str, name: str, values: Floats, scenario: Any, replication: Any) -> pa.Table:
    """One named value, a row a replication that has it."""
    valued = np.flatnonzero(~np.isnan(values))
    return pa.table(
        {
            "scenario": arrow.texts(scenario[valued].tolist()),
            "replication": arrow.integers(replication[valued]),
            "method": arrow.texts([method] * valued.size),
            "name": arrow.texts([name] * valued.size),
            "value": arrow.doubles(values[valued]),
        }
    )


def read(study: Study, folder: ResultsFolder, kind: str) -> pa.Table:
    """All rows of `failures`, `extras` or `warnings` that belong to a study.

    `method` holds labels. A replication that two parts hold comes once.
    """
    labels = {method.canonical: method.label for method in study.methods}
    ours = asked(study)
    done: dict[tuple[str, str], int] = defaultdict(int)
    tables = [_SCHEMAS[kind].empty_table()]
    last = {design.id: study.n_reps(design.id) for design in study.designs}
    wanted = (p for p in folder.parts() if any(p.first <= last.get(s, 0) for s in p.scenarios))
    for part in sorted(_of(study, wanted), key=lambda p: (p.first, -p.last)):
        held = list(product(part.scenarios, part.methods))
        rows = _opened(folder, folder.of_part(part, kind))
        verify(folder, part, (kind,))
        if rows is not None:
            after = {cell: done[cell] for cell in held if cell in ours}
            tables.append(_kept(rows, after, last))
        for cell in held:
            done[cell] = max(done[cell], part.last)
    table = pa.concat_tables(tables)
    named = [labels[name] for name in table.column("method").to_pylist()]
    at = table.column_names.index("method")
    return table.set_column(at, "method", arrow.texts(named))


def _kept(
    table: pa.Table, after: Mapping[tuple[str, str], int], last: Mapping[str, int]
) -> pa.Table:
    """Rows of these scenarios and methods, from the replication after each up to the last."""
    columns = (table.column(name).to_pylist() for name in ("scenario", "method", "replication"))
    keep = [
        after.get((scenario, method_key(method)), replication) < replication <= last[scenario]
        for scenario, method, replication in zip(*columns, strict=True)
    ]
    return table if all(keep) else table.filter(pa.array(keep, pa.bool_()))


def _opened(folder: ResultsFolder, name: str) -> pa.Table | None:
    """Rows of a file; None where there is none."""
    try:
        return _decoded(folder.shown(name), _readable(folder, name))
    except _ABSENT:
        return None


def _there(folder: ResultsFolder, name: str) -> bytes:
    """A file that is to be there."""
    try:
        return _readable(folder, name)
    except _ABSENT as error:
        reason = "is gone" if isinstance(error, FileNotFoundError) else str(error)
        raise parts.BrokenPartError(folder.shown(name), reason) from None


def _readable(folder: ResultsFolder, name: str) -> bytes:
    """A file of a format that is known here; `_ABSENT` where there is none."""
    file = folder.shown(name)
    try:
        content = folder.read(name)
    except _ABSENT:
        raise
    except OSError as error:
        raise parts.BrokenPartError(file, f"is not a readable part ({error.strerror})") from None
    seal.refuse_newer(file, content)
    return content


def _decoded(file: str, content: bytes) -> pa.Table:
    try:
        with pq.ParquetFile(pa.BufferReader(content)) as opened:  # a tenth of what read_table takes
            return opened.read(use_threads=False).replace_schema_metadata(None)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise parts.BrokenPartError(file, f"is not a readable part ({reason})") from None
