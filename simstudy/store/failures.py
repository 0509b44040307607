"""What a user's methods leave beside their rows.

`failures/`, `extras/` and `warnings/` hold parts named like those of `estimates/`, where there
is anything to hold. They are written before the rows they belong to, whose footer holds their
digests: what has rows is complete, or is known not to be.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simstudy.estimates import Estimates, Failure
from simstudy.moments import Bools, Floats
from simstudy.store import arrow, parts, seal
from simstudy.store.files import is_plain
from simstudy.store.names import PartName, method_key
from simstudy.store.results_folder import BESIDE, EXTRAS, FAILURES, WARNINGS, ResultsFolder
from simstudy.study.study import Study

_DIGITS = 16
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
    digests = {}
    for name, table in (
        (FAILURES, _failures(part, methods, estimates)),
        (EXTRAS, _extras(part, methods, estimates)),
        (WARNINGS, _warnings(part, methods, estimates)),
    ):
        if table.num_rows:
            sink = pa.BufferOutputStream()
            marked = table.replace_schema_metadata(seal.footer({}))
            pq.write_table(marked, sink, compression="zstd")
            content = b"".join(seal.summed(sink.getvalue()))
            folder.write(folder.of_part(part, name), content)
            digests[name] = _digest(content, table)
    return digests


def verify(folder: ResultsFolder, part: PartName, kinds: Sequence[str] = BESIDE) -> None:
    """Raise `BrokenPartError` where a part's failures or extras are not those written with it."""
    written = (parts.footer(folder, part) or {}).get("beside") or {}
    for kind in written.keys() & set(kinds):
        file, digest = folder.of_part(part, kind), written[kind]
        content = file.read_bytes() if is_plain(file) else b""
        seal.refuse_newer(file, content)
        _checked(file, content, digest)


def of_part(folder: ResultsFolder, part: PartName, kind: str) -> pa.Table | None:
    """Failures or extras of a part, as written with its rows; None where it has none."""
    digest = ((parts.footer(folder, part) or {}).get("beside") or {}).get(kind)
    if digest is None:
        return None
    file = folder.of_part(part, kind)
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise parts.BrokenPartError(file, "is gone") from None
    return _checked(file, content, digest)


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


def _of(study: Study, there: Iterable[PartName]) -> Iterator[PartName]:
    """Parts that hold rows of a study's own methods."""
    keys = {method_key(method.canonical) for method in study.own_methods}
    return (part for part in there if not keys.isdisjoint(part.methods))


def _digest(content: bytes, table: pa.Table) -> str:
    """Digest of a file; where it holds seconds, of its other rows, which alone can be made again.

    So two runs that make the same part write the same digest beside its rows.
    """
    timed = _seconds(table)
    if not timed.any():
        return hashlib.sha256(content).hexdigest()[:_DIGITS]
    others = table.take(arrow.integers(np.flatnonzero(~timed)))
    found = hashlib.sha256()
    for name in others.column_names:
        levels, index = arrow.levels_of(others.column(name))
        found.update(repr((name, levels)).encode() + np.ascontiguousarray(index, "<i8").tobytes())
    return _TIMED + found.hexdigest()[:_DIGITS]


def _seconds(table: pa.Table) -> Bools:
    """Rows that say how long a fit took."""
    if "name" not in table.column_names:
        return np.zeros(table.num_rows, dtype=bool)
    found = np.zeros(table.num_rows, dtype=bool)
    found[arrow.to_numpy(arrow.equal_to(table.column("name"), SECONDS))] = True
    return found


def _checked(file: Path, content: bytes, digest: str) -> pa.Table:
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
    for method, found in zip(methods, estimates, strict=True):
        failures = [] if found.failures is None else found.failures.tolist()
        for row, failure in enumerate(failures):
            if failure is not None:
                scenario, replication = divmod(row, part.n_reps)
                yield Failed(part.scenarios[scenario], part.first + replication, method, failure)


def first_failed(folder: ResultsFolder, part: PartName) -> Failed | None:
    """The first stored failure of a part; None where there is none."""
    file = folder.of_part(part, FAILURES)
    for row in _opened(file).slice(0, 1).to_pylist() if is_plain(file) else ():
        where = row["scenario"], row["replication"], row["method"]
        return Failed(*where, Failure(row["message"], row["traceback"]))
    return None


def _failures(part: PartName, methods: Sequence[str], estimates: Sequence[Estimates]) -> pa.Table:
    rows = list(failed(part, methods, estimates))
    return pa.table(
        {
            "scenario": arrow.texts([row.scenario for row in rows]),
            "replication": arrow.integers([row.replication for row in rows]),
            "method": arrow.texts([row.method for row in rows]),
            "message": arrow.texts([row.failure.message for row in rows]),
            "traceback": arrow.texts([row.failure.traceback for row in rows]),
        }
    )


def _warnings(part: PartName, methods: Sequence[str], estimates: Sequence[Estimates]) -> pa.Table:
    """A row a warning, at the first replication of the call that gave it.

    So a call that two ranges share, since one begins inside it, gives its warnings once.
    """
    rows = [
        (*divmod(row, part.n_reps), method, message)
        for method, found in zip(methods, estimates, strict=True)
        for row, told in enumerate([] if found.warned is None else found.warned.tolist())
        for message in told or ()
    ]
    return pa.table(
        {
            "scenario": arrow.texts([part.scenarios[scenario] for scenario, *_ in rows]),
            "replication": arrow.integers([part.first + k for _, k, *_ in rows]),
            "method": arrow.texts([method for *_, method, _ in rows]),
            "message": arrow.texts([message for *_, message in rows]),
        }
    )


def _extras(part: PartName, methods: Sequence[str], estimates: Sequence[Estimates]) -> pa.Table:
    scenario = np.repeat(np.arange(len(part.scenarios)), part.n_reps)
    replication = np.tile(np.arange(part.first, part.last + 1), len(part.scenarios))
    tables = [
        _extra(method, name, values, np.take(part.scenarios, scenario), replication)
        for method, found in zip(methods, estimates, strict=True)
        for name, values in _named(found)
    ]
    return pa.concat_tables(tables) if tables else pa.table({})


def _named(found: Estimates) -> Iterator[tuple[str, Floats]]:
    """Further values by name; seconds of its own are a method's own affair."""
    extras = found.extras or {}
    yield from extras.items()
    if found.seconds is not None and SECONDS not in extras:
        yield SECONDS, found.seconds


def _extra(method: str, name: str, values: Floats, scenario: Any, replication: Any) -> pa.Table:
    """One named value, a row a replication that has it."""
    there = np.flatnonzero(~np.isnan(values))
    return pa.table(
        {
            "scenario": arrow.texts(scenario[there].tolist()),
            "replication": arrow.integers(replication[there]),
            "method": arrow.texts([method] * there.size),
            "name": arrow.texts([name] * there.size),
            "value": arrow.doubles(values[there]),
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
    wanted = (p for p in folder.parts() if p.first <= study.replications)
    for part in sorted(_of(study, wanted), key=lambda p: (p.first, -p.last)):
        held = list(product(part.scenarios, part.methods))
        file = folder.of_part(part, kind)
        found = _opened(file) if is_plain(file) else None
        verify(folder, part, (kind,))
        if found is not None:
            after = {both: done[both] for both in held if both in ours}
            tables.append(_kept(found, after, study.replications))
        for both in held:
            done[both] = max(done[both], part.last)
    table = pa.concat_tables(tables)
    named = [labels[name] for name in table.column("method").to_pylist()]
    at = table.column_names.index("method")
    return table.set_column(at, "method", arrow.texts(named))


def _kept(table: pa.Table, after: Mapping[tuple[str, str], int], last: int) -> pa.Table:
    """Rows of these scenarios and methods, from the replication after each up to the last."""
    columns = (table.column(name).to_pylist() for name in ("scenario", "method", "replication"))
    keep = [
        after.get((scenario, method_key(method)), last) < replication <= last
        for scenario, method, replication in zip(*columns, strict=True)
    ]
    return table if all(keep) else table.filter(pa.array(keep, pa.bool_()))


def _opened(file: Path) -> pa.Table:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise parts.BrokenPartError(file, f"is not a readable part ({error.strerror})") from None
    seal.refuse_newer(file, content)
    return _decoded(file, content)


def _decoded(file: Path, content: bytes) -> pa.Table:
    try:
        return pq.read_table(pa.BufferReader(content)).replace_schema_metadata(None)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise parts.BrokenPartError(file, f"is not a readable part ({reason})") from None
