"""The names of parts, which say what a part holds.

This is format. What is missing from a study is known from a directory listing alone.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

BLOCK_DIGITS, REPLICATION_DIGITS = 7, 10
PACK = 16  # scenarios of a part at most
_PATTERN = re.compile(
    r"(?P<scenarios>[0-9a-f]{8}(?:\+[0-9a-f]{8})*)_(?P<methods>[\w.-]+(?:\+[\w.-]+)*)"
    r"_b(?P<block>\d{7,})_(?P<first>\d{10,})-(?P<last>\d{10,})\.parquet"
)


@dataclass(frozen=True, slots=True)
class PartName:
    """Estimates of replications first..last (from 1) of some scenarios by some methods.

    Attributes
    ----------
    scenarios : tuple of str
        Ids; each has the same replications, in this order, for each method.
    methods : tuple of str
        `method_key` of the canonical names, in the order of the rows.
    block : int
        Number of the block that holds `first`.
    totals : bool
        Whether these are totals of the replications; else it is their rows.
    """

    scenarios: tuple[str, ...]
    methods: tuple[str, ...]
    block: int
    first: int
    last: int
    totals: bool = False

    def __str__(self) -> str:
        block = f"b{self.block:0{BLOCK_DIGITS}}"
        span = f"{self.first:0{REPLICATION_DIGITS}}-{self.last:0{REPLICATION_DIGITS}}"
        scenarios, methods = "+".join(self.scenarios), "+".join(self.methods)
        return f"{scenarios}_{methods}_{block}_{span}.parquet"

    @property
    def n_reps(self) -> int:
        """Replications of each scenario."""
        return self.last - self.first + 1

    @property
    def n_rows(self) -> int:
        """Rows: method after method, scenario after scenario, replication after replication."""
        return len(self.methods) * len(self.scenarios) * self.n_reps


def parse(name: str, totals: bool = False) -> PartName | None:
    """Read the name of a file of rows, or of totals; None if it is not a part's."""
    match = _PATTERN.fullmatch(name)
    if match is None:
        return None
    scenarios = tuple(match["scenarios"].split("+"))
    first, last = int(match["first"]), int(match["last"])
    if first < 1 or last < first:
        return None
    methods = tuple(match["methods"].split("+"))
    return PartName(scenarios, methods, int(match["block"]), first, last, totals)


def holders(parts: Iterable[PartName]) -> dict[tuple[str, str], list[PartName]]:
    """(scenario, method key) -> parts that hold rows of both, in the order given."""
    of_cell: dict[tuple[str, str], list[PartName]] = defaultdict(list)
    for part in parts:
        for scenario in part.scenarios:
            for method in part.methods:
                of_cell[scenario, method].append(part)
    return of_cell


@lru_cache(maxsize=256)
def method_key(canonical: str) -> str:
    """A method's canonical name as part of a file name: plain, or plain and 8 hex digits."""
    plain = re.sub(r"\W+", "_", canonical.partition("[")[0])[:32]
    if plain == canonical:
        return plain
    return f"{plain}-{hashlib.sha256(canonical.encode()).hexdigest()[:8]}"
