"""What is there of a study, and what is missing.

Reads the names of files and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from simstudy.runner.cost import rough
from simstudy.runner.plan import gaps_of, n_of, plan
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study

_MOST = 8  # methods or scenarios that are named


def there(study: Study, folder: ResultsFolder) -> list[str]:
    """In a line or several: how many fits are there, and which are missing.

    Raises
    ------
    UserError
        Where the folder holds results of another seed.
    """
    listed = folder.parts()
    if not listed:
        return [f"{folder}: nothing is there yet"]
    folder.refuse_seed(folder.seed, study.seed)
    labels = {method.canonical: method.label for method in study.methods}
    lost = {
        (scenario, labels[method]): n_of(gaps)
        for (scenario, method), gaps in gaps_of(study, listed).items()
    }
    n_lost, n_fits = sum(lost.values()), sum(study.n_reps(scenario) for scenario, _ in lost)
    head = f"{folder}: {n_fits - n_lost:,} of {n_fits:,} fits are there"
    if not n_lost:
        return [f"{head}; nothing is missing"]
    share = rough(plan(study, listed)) / rough(plan(study, []))
    lines = [f"{head}; {n_lost:,} are missing, about {100 * share:.0f} % of the work:"]
    lines += [f"  {name}: {n}" for name, n in _shares(study, lost, 1).items()]
    some = _shares(study, lost, 0)
    if len(some) < len(study.designs):
        named = ", ".join(f"{name} ({n})" for name, n in list(some.items())[:_MOST])
        more = f" and {len(some) - _MOST} more" if len(some) > _MOST else ""
        lines.append(f"  in {len(some)} of {len(study.designs)} scenarios: {named}{more}")
    return lines


def _shares(study: Study, lost: Mapping[tuple[str, str], int], about: int) -> dict[str, str]:
    """Scenario (0) or method (1) -> how many fits of how many are missing, where any are."""
    n, of = Counter[str](), Counter[str]()
    for key, missed in lost.items():
        n[key[about]] += missed
        of[key[about]] += study.n_reps(key[0])
    return {name: f"{n[name]:,} of {of[name]:,}" for name in of if n[name]}
