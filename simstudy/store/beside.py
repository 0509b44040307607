"""Room 3: what a user's methods leave beside their rows. Imports parts, arrow, estimates.

`failures/` and `extras/` hold parts named like those of `estimates/`, where there is anything
to hold. They are written before the rows they belong to, whose footer holds their digests:
what has rows is complete, or is known not to be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simstudy.estimates import Estimates, Failure
from simstudy.moments import Floats
from simstudy.store import arrow, parts
from simstudy.store.files import replace_file
from simstudy.store.names import PartName, method_key

KINDS = FAILURES, EXTRAS = "failures", "extras"
_DIGITS = 16


class Failed(NamedTuple):
    """One failure and where it was."""

    scenario: str
    replication: int
    method: str
    failure: Failure


def write(
    study_folder: Path, part: PartName, methods: Sequence[str], estimates: Sequence[Estimates]
) -> dict[str, str]:
    """Write a part's failures and extras, nothing where there are none; their digests."""
    digests = {}
    for name, table in (
        (FAILURES, _failures(part, methods, estimates)),
        (EXTRAS, _extras(part, methods, estimates)),
    ):
        if table.num_rows:
            sink = pa.BufferOutputStream()
            pq.write_table(table, sink, compression="zstd")
            content = sink.getvalue()
            replace_file(study_folder, study_folder / name / str(part), content)
            digests[name] = _digest(content)
    return digests


def verify(study_folder: Path, part: PartName) -> None:
    """Raise `BrokenPartError` where a part's failures or extras are not those written with it."""
    for kind, digest in ((parts.footer(study_folder, part) or {}).get("beside") or {}).items():
        file = study_folder / kind / str(part)
        if not file.is_file() or _digest(file.read_bytes()) != digest:
            raise parts.BrokenPartError(file, "is not what was written with its rows")


def _digest(content: Any) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


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


def _extras(part: PartName, methods: Sequence[str], estimates: Sequence[Estimates]) -> pa.Table:
    scenario = np.repeat(np.arange(len(part.scenarios)), part.n_reps)
    replication = np.tile(np.arange(part.first, part.last + 1), len(part.scenarios))
    tables = [
        _extra(method, name, values, np.take(part.scenarios, scenario), replication)
        for method, found in zip(methods, estimates, strict=True)
        for name, values in (found.extras or {}).items()
    ]
    return pa.concat_tables(tables) if tables else pa.table({})


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


def read(study_folder: Path, kind: str, methods: Mapping[str, str]) -> pa.Table | None:
    """All rows of `failures` or `extras` of some methods; None where there are none.

    Parameters
    ----------
    kind : {"failures", "extras"}
    methods : mapping
        Canonical name -> label, which `method` holds in the table.
    """
    import pyarrow.compute as pc

    keys = {method_key(canonical) for canonical in methods}
    files = [study_folder / kind / str(part) for part in parts.listing(study_folder)
             if keys & set(part.methods)]  # fmt: skip
    tables = [_opened(file) for file in files if file.is_file()]
    if not tables:
        return None
    table = pa.concat_tables(tables)
    table = table.filter(pc.is_in(table.column("method"), value_set=pa.array(list(methods))))
    labels = [methods[name] for name in table.column("method").to_pylist()]
    at = table.column_names.index("method")
    return table.set_column(at, "method", arrow.texts(labels)) if table.num_rows else None


def _opened(file: Path) -> pa.Table:
    try:
        return pq.read_table(pa.BufferReader(file.read_bytes()))
    except (pa.ArrowException, OSError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise parts.BrokenPartError(file, f"is not a readable part ({reason})") from None
