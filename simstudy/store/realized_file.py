"""What the data of each scenario turned out to be like, as a run drew them again.

Reading results draws nothing: the numbers stand in a file of their own, and from there in
`scenarios.parquet`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from simstudy.numerics.features import Feature
from simstudy.store import arrow, seal, summary_file
from simstudy.store.results_folder import REALIZED, ResultsFolder


class Realized(NamedTuple):
    """Features of the first `n_reps` replications of a scenario."""

    n_reps: int
    features: dict[str, Feature]


def read(folder: ResultsFolder) -> dict[str, Realized]:
    """By scenario; nothing where there is no such file, or it is not what was written."""
    try:
        content = folder.read(REALIZED)
        seal.refuse_newer(folder.shown(REALIZED), content)
        rows = pq.read_table(pa.BufferReader(content)).to_pylist() if seal.fits(content) else []
    except (pa.ArrowException, OSError, ValueError):
        return {}
    found: dict[str, Realized] = {}
    for row in rows:
        of = found.setdefault(row["scenario"], Realized(row["replications"], {}))
        numbers = (float("nan") if row[name] is None else row[name] for name in Feature._fields)
        of.features[row["feature"]] = Feature(*numbers)
    return found


def write(folder: ResultsFolder, realized: Mapping[str, Realized]) -> None:
    """Write all of them, a row a scenario and feature."""
    rows = [
        (scenario, of.n_reps, name, *feature)
        for scenario, of in realized.items()
        for name, feature in of.features.items()
    ]
    scenarios, n_reps, names, values, errors = zip(*rows, strict=True)
    columns = {
        "scenario": arrow.texts(scenarios),
        "replications": arrow.integers(n_reps),
        "feature": arrow.texts(names),
        "value": arrow.doubles(values),
        "mcse": arrow.doubles(errors),
    }
    summary_file.write_table(folder, REALIZED, pa.table(columns))
