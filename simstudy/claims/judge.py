"""Claims held against results: supported, refuted or undecided.

A claim about all cells is supported where every interval is inside its range, refuted where one
is wholly outside; one about some cell the other way round. The intervals of a claim's cells hold
together with 95 %, so a verdict is wrong at most that often, however many cells there are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from simstudy.claims.beyond import beyond
from simstudy.claims.cells import Evidence, Found
from simstudy.claims.judged import Cell, Judged, Verdict
from simstudy.claims.numbers import replications
from simstudy.errors import first_of
from simstudy.moments import Floats
from simstudy.store.results_folder import ResultsFolder
from simstudy.store.summary_file import read_summary
from simstudy.study.claim_grammar import Range
from simstudy.study.claims import Claim
from simstudy.study.grid import Design, telling, text_of
from simstudy.study.study import Study
from simstudy.summary.current import summary_of_rows
from simstudy.summary.study import completed, summarize_study
from simstudy.where import cut

SUPPORTED, REFUTED, UNDECIDED = Verdict.SUPPORTED, Verdict.REFUTED, Verdict.UNDECIDED
_NO_CELL = "no row there has a truth that is known to be what the measure is about"
_NAMED = 3  # cells that are named


def judge(
    study: Study, folder: ResultsFolder, summary: pa.Table, jobs: int = 1
) -> tuple[Judged, ...]:
    """Every claim of a study, in the order of its file.

    Parameters
    ----------
    study : Study
    folder : ResultsFolder
        Its results: read where a claim is about what no row of the summary says.
    summary : pyarrow.Table
        As in summary.parquet.
    jobs : int
        Worker processes that read large results.
    """
    if not study.claims:
        return ()
    evidence = Evidence(study, summary, beyond(study, folder, jobs))
    return tuple(judged(claim, evidence.of(claim)) for claim in study.claims)


def judge_results(study: Study, folder: ResultsFolder, jobs: int = 1) -> tuple[Judged, ...]:
    """The same, by the stored summary if it is of the rows that are there, or by the rows."""
    if not study.claims:
        return ()
    if not folder.held():
        return judge(study, folder, completed(study, read_summary(folder).table))
    summary = summary_of_rows(study, folder)
    if summary is None:
        summary = summarize_study(study, folder, jobs=jobs)
    return judge(study, folder, summary, jobs)


def judged(claim: Claim, found: Found) -> Judged:
    """One claim by the numbers of its cells."""
    family = max(len(found.designs), 1)
    low, high = found.numbers.intervals(family)
    cells = _cells(claim, found, _told(found.designs), (low, high))
    verdict = _verdict(claim, cells)
    with np.errstate(invalid="ignore", divide="ignore"):
        margin = _margin(claim.range, found.numbers.value, low, high)
    if verdict is not UNDECIDED:
        return Judged(claim, verdict, "", cells, _nearest(claim, cells, margin))
    if not cells:
        return Judged(claim, verdict, _NO_CELL, cells, None)
    more = _more(claim, found, cells, family)
    reason = "; ".join(filter(None, (_without(cells), more.words)))
    deciding = cells[more.place] if more.place is not None else _nearest(claim, cells, margin)
    return Judged(claim, verdict, reason, cells, deciding, more.n_reps)


def _cells(
    claim: Claim, found: Found, told: Sequence[str], intervals: tuple[Floats, Floats]
) -> tuple[Cell, ...]:
    numbers = found.numbers
    columns = (found.designs, told, numbers.alpha, numbers.value, numbers.mcse, *intervals,
               numbers.n_used, found.n_not_used, found.reasons)  # fmt: skip
    cells = []
    for design, levels, alpha, value, mcse, low, high, n_used, n_not_used, reason in zip(
        *columns, strict=True
    ):
        holds, misses = claim.range.holds(low, high), claim.range.misses(low, high)
        verdict = SUPPORTED if holds else REFUTED if misses else UNDECIDED
        cells.append(
            Cell(design.id, levels, None if math.isnan(alpha) else float(alpha), float(value),
                 float(mcse), float(low), float(high), int(n_used), int(n_not_used), verdict,
                 reason)
        )  # fmt: skip
    return tuple(cells)


def _told(designs: Sequence[Design]) -> list[str]:
    """What tells each scenario of a claim from its others, in words."""
    fields = list(dict.fromkeys(field for design in designs for field in design.levels))
    levels = [{field: design.level(field) for field in fields} for design in designs]
    return [
        ", ".join(f"{field} {cut(text_of(x))}" for field, x in told.items() if x is not None)
        for told in telling(levels)
    ]


def _verdict(claim: Claim, cells: Sequence[Cell]) -> Verdict:
    decides, fails = (SUPPORTED, REFUTED) if claim.some else (REFUTED, SUPPORTED)
    verdicts = {cell.verdict for cell in cells}
    if decides in verdicts:
        return decides
    return fails if verdicts == {fails} else UNDECIDED


def _margin(bounds: Range, value: Floats, low: Floats, high: Floats) -> Floats:
    """How far inside its range each value is, in halves of its interval; below 0 outside."""
    inside = np.minimum(value - bounds.low, bounds.high - value)
    margin = inside / ((high - low) / 2.0)
    return np.where(np.isnan(margin), 0.0, margin)


def _nearest(claim: Claim, cells: Sequence[Cell], margin: Floats) -> Cell | None:
    """The cell that decides: the one farthest outside, or for some the one farthest inside."""
    known = [k for k, cell in enumerate(cells) if not cell.reason]
    choose = max if claim.some else min
    return cells[choose(known, key=lambda k: margin[k])] if known else None


class _More(NamedTuple):
    """What would decide: replications of a scenario, in words, and of which cell."""

    words: str
    n_reps: int | None
    place: int | None


def _more(claim: Claim, found: Found, cells: Sequence[Cell], family: int) -> _More:
    """How many replications would decide a claim, if all values stayed where they are.

    One cell with a value that speaks against a claim about all is enough, and the quickest counts;
    else all have to be inside, and the slowest does. Of a claim about some, the other way round.
    """
    open_cells = [k for k, c in enumerate(cells) if c.verdict is UNDECIDED and not c.reason]
    if not open_cells:
        return _More("", None, None)
    decides = [
        k for k in open_cells
        if claim.range.holds(cells[k].value, cells[k].value) is claim.some
    ]  # fmt: skip
    if not decides and _without(cells):
        return _More("", None, None)  # no number of replications gives these a row
    some = decides or open_cells
    numbers = found.numbers.take(np.array(some))
    which, needed = replications(numbers, claim.range, family, first=bool(decides))
    place = some[which]
    cell = cells[place]
    if not math.isfinite(needed):
        bound = min((claim.range.low, claim.range.high), key=lambda b: abs(b - cell.value))
        near = "on" if cell.value == bound else "all but on"
        words = f"no number of replications would decide: {cell.value:.4g} is {near} the bound"
        return _More(words, None, place)
    n_all = needed * (cell.n_used + cell.n_not_used) / cell.n_used
    n_reps = _round_up(n_all)
    return _More(f"about {n_reps:,} replications would decide, if {cell.value:.4g} stayed "
                 "what it is", n_reps, place)  # fmt: skip


def _round_up(number: float) -> int:
    """A whole number of two digits and noughts that is at least so large."""
    unit = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return math.ceil(number / unit) * unit


def _without(cells: Sequence[Cell]) -> str:
    """Which cells have no number, and why."""
    of_reason: dict[str, dict[str, None]] = {}
    for cell in cells:
        if cell.reason:
            of_reason.setdefault(cell.reason, {})[cell.levels] = None
    return "; ".join(
        f"{reason}: {first_of(['(' + levels + ')' for levels in told], _NAMED)}"
        if any(told) else reason
        for reason, told in of_reason.items()
    )  # fmt: skip
