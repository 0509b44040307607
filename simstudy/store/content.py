"""All that is stored of a part: its rows, what lies beside them, and what its footer says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simstudy.errors import brief
from simstudy.estimates import COMPONENTS, NUMBERS
from simstudy.moments import Array
from simstudy.store import failures, footers, parts
from simstudy.store.names import PartName, method_key
from simstudy.store.results_folder import EXTRAS, ResultsFolder

_COLUMNS = (*NUMBERS, "status", *COMPONENTS)
_OF_THE_RUN = {"traceback"}  # what two runs that make the same rows may write otherwise


class Content(NamedTuple):
    """A part in memory.

    Attributes
    ----------
    rows : mapping of arrays, shape (methods, scenarios, replications)
    beside : mapping
        Kind -> what lies beside the rows.
    footer : mapping
    """

    part: PartName
    rows: Mapping[str, Array]
    beside: Mapping[str, pa.Table]
    footer: Mapping[str, Any]

    def holds(self, other: Content) -> bool:
        """Whether the rows of another, which by its name are all here, are the same bit by bit."""
        part, inner = self.part, other.part
        at = np.ix_(
            np.array([part.methods.index(method) for method in inner.methods]),
            np.array([part.scenarios.index(scenario) for scenario in inner.scenarios]),
            np.arange(inner.first, inner.last + 1) - part.first,
        )
        return (
            all(np.array_equal(_bits(self.rows[k][at]), _bits(other.rows[k])) for k in _COLUMNS)
            and all(self.keys.get(name) == other.keys.get(name) for name in inner.scenarios)
            and _same_beside(self, other)
        )

    def is_same(self, other: Content) -> bool:
        """Whether another holds the same rows, and no others."""
        return self.holds(other) and other.holds(self)

    def write(self, folder: ResultsFolder) -> None:
        """Store it, its rows last."""
        digests = failures.write_tables(folder, self.part, self.beside)
        about = {name: said for name, said in self.footer.items() if name != "beside"}
        estimates = [
            parts.Columns(*(self.rows[name][k].ravel() for name in parts.Columns._fields))
            for k in range(len(self.part.methods))
        ]
        about |= {"beside": digests} if digests else {}
        parts.write(folder, self.part, self.footer["methods"], estimates, about)

    @property
    def keys(self) -> dict[str, str]:
        """Scenario id -> its 128-bit key."""
        return dict(self.footer.get("keys", {}))


def read(folder: ResultsFolder, part: PartName, whose: parts.Whose) -> Content:
    """All of a part; `BrokenPartError` where it is not what was written."""
    stored = parts.checked(folder, part, _COLUMNS, whose)
    try:
        rows = {name: stored.column(name, part) for name in _COLUMNS}
    except (ValueError, TypeError, LookupError) as error:
        file = folder.shown(folder.of_part(part))
        raise parts.BrokenPartError(file, f"is not a readable part ({brief(str(error))})") from None
    beside = failures.beside(folder, part, stored.footer)
    return Content(part, rows, {kind: of.table for kind, of in beside.items()}, stored.footer)


def joined(whole: PartName, members: Sequence[Content]) -> Content:
    """Parts of the same methods side by side; together they are the whole, each row once."""
    rows = {}
    for name in _COLUMNS:
        kind = members[0].rows[name].dtype
        values = np.empty((len(whole.methods), len(whole.scenarios), whole.n_reps), kind)
        for part, of, *_ in members:
            scenarios = [whole.scenarios.index(scenario) for scenario in part.scenarios]
            begin = part.first - whole.first
            values[:, scenarios, begin : begin + part.n_reps] = of[name]
        rows[name] = values
    kinds = dict.fromkeys(kind for member in members for kind in member.beside)
    beside = {
        kind: pa.concat_tables([of.beside[kind] for of in members if kind in of.beside])
        for kind in kinds
    }
    return Content(whole, rows, beside, _footer(members))


def _footer(members: Sequence[Content]) -> dict[str, Any]:
    """Where the rows come from: the first rows, and all others that come from elsewhere."""
    origins = [origin for member in members for origin in footers.origins(member.footer)]
    first, *others = {repr(origin): origin for origin in origins}.values()
    keys = {name: key for member in members for name, key in member.keys.items()}
    methods = list(members[0].footer["methods"])
    return {**first, **({footers.ALSO: others} if others else {}), "keys": keys, "methods": methods}


def _bits(values: Array) -> Array:
    """Doubles as whole numbers, all NaN alike."""
    if values.dtype.kind != "f":
        return values
    return np.where(np.isnan(values), np.nan, values).view(np.int64)


def _same_beside(whole: Content, member: Content) -> bool:
    """Whether the same lies beside the rows of a member; seconds and tracebacks do not count."""
    for kind in whole.beside.keys() | member.beside.keys():
        tables = [_only(content.beside.get(kind), member.part, kind) for content in (whole, member)]
        if tables[0] != tables[1]:
            return False
    return True


def _only(table: pa.Table | None, part: PartName, kind: str) -> list[tuple[Any, ...]]:
    """Rows of a part's own scenarios, methods and replications, in an order of their own."""
    if table is None or not table.num_rows:
        return []
    methods = {name for name in pc.unique(table["method"]).to_pylist()
               if name is not None and method_key(name) in part.methods}  # fmt: skip
    wanted = (
        (pc.field("replication") >= part.first)
        & (pc.field("replication") <= part.last)
        & pc.field("scenario").isin(list(part.scenarios))
        & pc.field("method").isin(sorted(methods))
    )
    if kind == EXTRAS:
        wanted = wanted & (pc.field("name") != failures.SECONDS)
    names = [name for name in table.column_names if name not in _OF_THE_RUN]
    columns = table.filter(wanted).select(names).to_pydict().values()
    return sorted(zip(*columns, strict=True), key=repr)
