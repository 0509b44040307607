"""What claims are about that no row of a summary says.

Differences between two methods, and measures that are made when they are named alone. A run
keeps them beside its summary, so that who reads the folder needs no rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from simstudy.claims.pairs import Difference, differences
from simstudy.measures.catalog import record_of
from simstudy.measures.record import Section
from simstudy.measures.values import NAN
from simstudy.store.results_folder import ResultsFolder
from simstudy.store.summary_file import summary_mark
from simstudy.study.claims import Claim
from simstudy.study.grid import Design
from simstudy.study.study import Study
from simstudy.summary.current import mark_of_rows
from simstudy.summary.study import summarize_study

KEY = "beyond"  # in the mark of a summary


class About(NamedTuple):
    """What a number is of.

    Attributes
    ----------
    measure : str
    method : str
        Canonical name.
    against : str, optional
        That of the method which is subtracted.
    """

    measure: str
    method: str
    against: str | None


Beyond = Mapping[About, list[Difference]]


def about(claim: Claim) -> About:
    """What a claim's numbers are of."""
    return About(claim.asked.measure, claim.method, claim.against)


def _is_beyond(claim: Claim) -> bool:
    """Whether no row of a summary says what a claim is about."""
    record = record_of(claim.asked.measure)
    made_when_named = "rows" in record.needs and record.section is not Section.OWN
    return claim.against is not None or made_when_named


def beyond(study: Study, folder: ResultsFolder, jobs: int = 1) -> Beyond:
    """The numbers that are kept, or made again from what is stored."""
    kept = _kept(study, folder)
    return computed(study, folder, jobs) if kept is None else kept


def computed(study: Study, folder: ResultsFolder, jobs: int = 1) -> Beyond:
    """All such numbers, from the rows or totals that are stored."""
    wanted: dict[About, dict[str, Design]] = {}
    for claim in study.claims:
        if _is_beyond(claim):
            designs = {design.id: design for design in claim.designs(study)}
            wanted[about(claim)] = wanted.get(about(claim), {}) | designs
    return {
        of: list(_numbers(study, folder, of, list(designs.values()), jobs))
        for of, designs in wanted.items()
    }


def _numbers(
    study: Study, folder: ResultsFolder, of: About, designs: list[Design], jobs: int
) -> Iterator[Difference]:
    by_name = {method.canonical: method for method in study.methods}
    method = by_name[of.method]
    if of.against is not None:
        two = method, by_name[of.against]
        yield from differences(study, folder, two, designs, of.measure, jobs)
        return
    alone = replace(study, designs=tuple(designs), methods=(method,), reference=None)
    summary = summarize_study(alone, folder, jobs=jobs, measures=[of.measure])
    yield from map(Difference.of_row, summary.to_pylist())


def marked(study: Study, folder: ResultsFolder, jobs: int = 1) -> dict[str, Any]:
    """The numbers for the mark of a summary; nothing where nothing is claimed."""
    if not study.claims:
        return {}
    numbers = computed(study, folder, jobs)
    return {KEY: [[*of, [list(map(_plain, one)) for one in held]] for of, held in numbers.items()]}


def _plain(value: Any) -> Any:
    return None if value != value else value


def _kept(study: Study, folder: ResultsFolder) -> Beyond | None:
    """The numbers beside the stored summary of these rows; None where there are none."""
    mark = mark_of_rows(study, folder) if folder.held() else summary_mark(folder)
    try:
        held = {
            About(str(measure), str(method), against): [_difference(one) for one in listed]
            for measure, method, against, listed in mark[KEY]
        }
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    wanted = {about(claim) for claim in study.claims if _is_beyond(claim)}
    return held if wanted <= held.keys() else None


def _difference(one: Any) -> Difference:
    scenario, *numbers = one
    alpha, value, mcse = (NAN if number is None else float(number) for number in numbers[:3])
    counts = [int(number) for number in numbers[3:]]
    if min(counts) < 0 or mcse < 0 or math.isinf(value) or math.isinf(mcse):
        raise ValueError("no number that a summary has")
    return Difference(str(scenario), alpha, value, mcse, *counts)
