"""What is there of a study, and what is missing, from the names of its parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from simstudy.errors import UserError, first_of
from simstudy.runner.cost import rough
from simstudy.runner.plan import gaps_of, n_of, plan
from simstudy.store.names import PartName
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study

_MOST = 8  # methods or scenarios that are named
Cell = tuple[str, str]  # a scenario's id, a method's label
SCENARIO, METHOD = 0, 1


class Count(NamedTuple):
    """Fits that a study asks for, and how many of them are missing.

    Attributes
    ----------
    broken : int
        Those of the missing ones that broken parts should hold.
    """

    asked: int
    missing: int
    broken: int

    @property
    def there(self) -> int:
        """Fits that are there."""
        return self.asked - self.missing


def counts(
    study: Study, listed: Collection[PartName], broken: Collection[PartName] = ()
) -> dict[Cell, Count]:
    """What is there of everything that a study asks for.

    Parameters
    ----------
    listed, broken : collections of PartName
        All parts; those whose rows are not to be had.
    """
    labels = {method.canonical: method.label for method in study.methods}
    named = gaps_of(study, listed)
    gaps = gaps_of(study, [part for part in listed if part not in broken]) if broken else named
    return {
        (scenario, labels[method]): Count(
            study.n_reps(scenario), n_of(spans), n_of(spans) - n_of(named[scenario, method])
        )
        for (scenario, method), spans in gaps.items()
    }


def total(of: Iterable[Count]) -> Count:
    """All of them together."""
    return Count(*map(sum, zip(*of, strict=True)))


def by(what: int, of: Mapping[Cell, Count]) -> dict[str, Count]:
    """The same by `SCENARIO` or by `METHOD`."""
    groups: dict[str, list[Count]] = defaultdict(list)
    for cell, count in of.items():
        groups[cell[what]].append(count)
    return {name: total(group) for name, group in groups.items()}


def there(study: Study, folder: ResultsFolder) -> list[str]:
    """In a line or several: how many fits are there, and which are missing."""
    listed = folder.held()
    if not listed:
        return [f"{folder}: nothing is there yet"]
    of = counts(study, listed)
    whole = total(of.values())
    head = f"{folder}: {whole.there:,} of {whole.asked:,} fits are there"
    if not whole.missing:
        return [f"{head}; nothing is missing"]
    lines = [f"{head}; {whole.missing:,} are missing{_share(study, listed)}:"]
    lines += [f"  {name}: {n}" for name, n in _shares(by(METHOD, of)).items()]
    some = _shares(by(SCENARIO, of))
    if len(some) < len(study.designs):
        named = first_of([f"{name} ({n})" for name, n in some.items()], _MOST)
        lines.append(f"  in {len(some)} of {len(study.designs)} scenarios: {named}")
    return lines


def _share(study: Study, listed: Collection[PartName]) -> str:
    """How much of the work is missing; nothing where the user's files are not to be imported."""
    try:
        share = rough(plan(study, listed)) / rough(plan(study, []))
    except UserError:
        return ""
    return f", about {100 * share:.0f} % of the work"


def _shares(of: Mapping[str, Count]) -> dict[str, str]:
    """How many fits of how many are missing, where any are."""
    return {
        name: f"{count.missing:,} of {count.asked:,}" for name, count in of.items() if count.missing
    }
