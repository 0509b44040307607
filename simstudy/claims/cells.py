"""The cells of a claim, with their numbers from a summary and what is kept beside it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from simstudy.claims.beyond import Beyond, about
from simstudy.claims.numbers import Numbers
from simstudy.claims.pairs import Difference
from simstudy.estimands import is_null
from simstudy.measures.catalog import record_of
from simstudy.measures.names import REJECTION
from simstudy.measures.values import NAN
from simstudy.moments import Ints
from simstudy.store import arrow
from simstudy.study import keeping
from simstudy.study.claims import Claim
from simstudy.study.grid import Design
from simstudy.study.study import Study

_KEYS = ("scenario", "alpha", "method_name")
_NUMBERS = ("value", "mcse", "n_used", "n_not_used")
_Row = dict[str, Any]


class Found(NamedTuple):
    """What a claim is about, a value a cell.

    Attributes
    ----------
    designs : list of Design
    numbers : Numbers
    n_not_used : array of int
    reasons : list of str
        Why there is no number; empty where there is one.
    """

    designs: list[Design]
    numbers: Numbers
    n_not_used: Ints
    reasons: list[str]


class Evidence:
    """What there is to hold claims against.

    Parameters
    ----------
    study : Study
    summary : pyarrow.Table
        As in summary.parquet.
    beyond : mapping
        Numbers that no row of it says.
    """

    def __init__(self, study: Study, summary: pa.Table, beyond: Beyond) -> None:
        self._study, self._summary = study, summary
        self._beyond = {of: {_key(one.scenario, one.alpha): one for one in held}
                        for of, held in beyond.items()}  # fmt: skip
        self._rows: dict[str, dict[tuple[Any, ...], _Row]] = {}

    def of(self, claim: Claim) -> Found:
        """Cells of a claim, and what is known of each."""
        cells = [(design, NAN if alpha is None else alpha)
                 for design in claim.designs(self._study) if self._is_about(claim, design)
                 for alpha in claim.alphas(self._study)]  # fmt: skip
        found = [self._number(claim, design, alpha) for design, alpha in cells]
        nothing = Difference("", NAN, NAN, NAN, 0, 0, 0)
        numbers = [tuple(one or nothing)[2:] for one in found]
        value, mcse, n_used, n_not_used, n_free = np.array(numbers, float).reshape(-1, 5).T
        alphas = np.array([alpha for _, alpha in cells], dtype=float)
        paired = claim.against is not None
        return Found(
            [design for design, _ in cells],
            Numbers(claim.asked.measure, paired, alphas, value, mcse, n_used, n_free),
            n_not_used.astype(np.int64),
            [self._why(claim, one) for one in found],
        )

    def _is_about(self, claim: Claim, design: Design) -> bool:
        """Whether a claim that depends on what is true is about a scenario, by the summary."""
        wanted = True if record_of(claim.asked.measure).where_null else claim.asked.null
        if wanted is None:
            return True
        rates = self._of_measure(REJECTION)
        for method in claim.methods(self._study):
            row = rates.get((design.id, self._study.alpha[0], method.canonical))
            if row is None:
                continue
            if row["truth"] is None or is_null(row["truth"], row["null_value"]) != wanted:
                return False
        return True

    def _number(self, claim: Claim, design: Design, alpha: float) -> Difference | None:
        key = _key(design.id, alpha)
        if about(claim) in self._beyond:
            return self._beyond[about(claim)].get(key)
        row = self._of_measure(claim.asked.measure).get((*key, claim.method))
        return None if row is None else Difference.of_row(row)

    def _why(self, claim: Claim, one: Difference | None) -> str:
        """Why there is no interval of a number."""
        if one is None and claim.against is not None and self._study.sample is not None:
            return f"store: {keeping.shown(self._study.sample)} keeps no such pairs of methods"
        if one is None:
            return "no row there"
        if one.n_used == 0:
            return "no replication was usable"
        if one.value != one.value:
            return "no number there"
        rate = record_of(claim.asked.measure).proportion and claim.against is None
        return "" if rate or one.mcse == one.mcse else "too few replications for a Monte Carlo SE"

    def _of_measure(self, measure: str) -> dict[tuple[Any, ...], _Row]:
        """Rows of a measure by scenario, method and alpha."""
        if measure not in self._rows:
            here = arrow.equal_to(self._summary.column("measure"), measure)
            names = [*_KEYS, *_NUMBERS, "truth", "null_value"]
            rows = self._summary.select(names).take(here).to_pylist()
            self._rows[measure] = {tuple(row[key] for key in _KEYS): row for row in rows}
        return self._rows[measure]


def _key(scenario: str, alpha: float) -> tuple[str, float | None]:
    return scenario, None if alpha != alpha else alpha
