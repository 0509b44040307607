"""Room 3: what a user's methods leave beside their rows. Imports names, arrow, estimates.

`failures/` and `extras/` hold parts named like those of `estimates/`, where there is anything
to hold. They are written before the rows they belong to: what has rows is complete.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simstudy.estimates import Estimates, Failure
from simstudy.moments import Floats
from simstudy.store import arrow
from simstudy.store.files import replace_file
from simstudy.store.names import PartName, method_key, parse

FAILURES, EXTRAS = "failures", "extras"


class Failed(NamedTuple):
    """One failure and where it was."""

    scenario: str
    replication: int
    method: str
    failure: Failure


def write(
    study_folder: Path, part: PartName, methods: Sequence[str], estimates: Sequence[Estimates]
) -> None:
    """Write a part's failures and extras; nothing where there are none."""
    for name, table in (
        (FAILURES, _failures(part, methods, estimates)),
        (EXTRAS, _extras(part, methods, estimates)),
    ):
        if table.num_rows:
            sink = pa.BufferOutputStream()
            pq.write_table(table, sink, compression="zstd")
            replace_file(study_folder, study_folder / name / str(part), sink.getvalue())


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

    folder = study_folder / kind
    keys = {method_key(canonical) for canonical in methods}
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    parts = [part for part in map(parse, names) if part and keys & set(part.methods)]
    tables = [pq.read_table(folder / str(part)) for part in parts]
    if not tables:
        return None
    table = pa.concat_tables(tables)
    table = table.filter(pc.is_in(table.column("method"), value_set=pa.array(list(methods))))
    labels = [methods[name] for name in table.column("method").to_pylist()]
    at = table.column_names.index("method")
    return table.set_column(at, "method", arrow.texts(labels)) if table.num_rows else None
