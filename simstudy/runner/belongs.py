"""Whether a results folder is this study's, and holds all of it when a run ends.

Two studies are one where they share a scenario x method pair; a method or a generator of the
user's own is itself whatever its file holds by now.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from simstudy.errors import UserError, WorkError, first_of
from simstudy.runner.shards import Share, asked, n_missing
from simstudy.store import parts, study_file
from simstudy.store.coverage import whole
from simstudy.store.names import PartName, holders, method_key
from simstudy.store.results_folder import SCENARIOS, STUDY, SUMMARY, SUMMARY_CSV, ResultsFolder
from simstudy.store.totals_file import no_such_level
from simstudy.study.digest import digest
from simstudy.study.files import names
from simstudy.study.grid import Design
from simstudy.study.study import Study

_DIGEST = re.compile(r"digest=[0-9a-f]+")
_SUMMARY = (SUMMARY, SUMMARY_CSV, SCENARIOS)
Pair = tuple[str, str]  # a scenario's id, and a method's canonical name without its file's digest


def _itself(canonical: str) -> str:
    return _DIGEST.sub("digest=", canonical)


def _world(design: Design) -> str:
    """A scenario's id, whatever the file of its generator holds."""
    scenario = design.scenario
    if scenario.generator is None:
        return design.id
    return digest(replace(scenario, generator=replace(scenario.generator, digest="")))[0]


def _worlds(*studies: Study | None) -> dict[str, str]:
    """A scenario's id -> `_world` of it."""
    return {d.id: _world(d) for study in studies if study is not None for d in study.designs}


def _pairs(study: Study, *, asked: bool) -> set[Pair]:
    """Pairs that a study asks for, or all of its scenarios and methods."""
    return {
        (_world(design), _itself(method.canonical))
        for method in study.methods
        for design in study.designs
        if not asked or study.asks(design, method)
    }


def refuse_another(study: Study, folder: ResultsFolder, stored: list[PartName]) -> None:
    """Refuse a folder whose rows are all those of another seed, other scenarios or methods."""
    seed = folder.seed
    if seed is None:  # study.yaml was lost
        seed = next((footer.get("seed") for footer in parts.footers(folder, stored)), None)
    folder.refuse_seed(seed, study.seed)
    worlds = _worlds(_earlier(folder) if study.generators else None, study)
    scenarios = {design.id for design in study.designs}
    keys = {method_key(method.canonical) for method in study.methods}
    if not stored or any(
        not scenarios.isdisjoint(part.scenarios) and not keys.isdisjoint(part.methods)
        for part in stored
    ):
        return
    wanted = _pairs(study, asked=False)  # another condition makes no other study
    for part in stored:  # changed files of the user's own: footers know the methods' names
        drawn = [worlds[scenario] for scenario in part.scenarios if scenario in worlds]
        if drawn:
            names = map(_itself, (parts.footer(folder, part) or {}).get("methods", ()))
            if any((world, name) in wanted for name in names for world in drawn):
                return
    message = "holds another study of this name: none of its scenarios and methods is of this one"
    raise UserError(
        f"{message}{_changed(study)}; --fresh moves it aside, or give the study another name",
        file=str(folder),
    )


def refuse_other_content(study: Study, folder: ResultsFolder) -> None:
    """Refuse a stored study whose files hold other data now, so that no row is of it."""
    scenarios = {design.id for design in study.designs}
    if not (names(study) and (stored := folder.held())):
        return
    if all(scenarios.isdisjoint(part.scenarios) for part in stored):
        raise UserError(f"no row is of its study{_changed(study)}", file=str(folder))


def _changed(study: Study) -> str:
    """That its files may hold other data than they did."""
    return f" (is {first_of(names(study), 3)} as it was?)" if names(study) else ""


def refuse_other_levels(study: Study, folder: ResultsFolder, stored: list[PartName]) -> None:
    """Refuse levels of the tests for which totals were not made: they cannot be made from them."""
    if study.sample is None or folder.document.get("alpha") == list(study.alpha):
        return
    rows = holders(part for part in stored if not part.totals)
    read = [
        part for part in stored if part.totals and not all(
            whole(rows.get((scenario, method), ()), study.replications)
            for scenario in part.scenarios for method in part.methods
        )
    ]  # fmt: skip
    for footer in parts.footers(folder, read):
        lost = [alpha for alpha in study.alpha if alpha not in footer.get("alphas", ())]
        if lost:
            raise UserError(no_such_level(lost, footer.get("alphas", ())), file=str(folder))


def tell_what_left(
    study: Study, folder: ResultsFolder, listed: Iterable[PartName], warn: Callable[[str], None]
) -> None:
    """Say what is stored that the study no longer has, and set its old summary aside.

    Compared with the study as it was last run, so it is said once.
    """
    if study_file.is_as_run(study, folder):
        return
    earlier = _earlier(folder)
    if earlier is None:
        return
    stored, now = holders(listed), _pairs(study, asked=True)
    left = [
        (design.id, method)
        for design in earlier.designs
        for method in earlier.methods
        if earlier.asks(design, method)
        and (design.id, method_key(method.canonical)) in stored
        and (_world(design), _itself(method.canonical)) not in now
    ]
    last: dict[str, int] = defaultdict(int)
    for (scenario, _), held in stored.items():
        last[scenario] = max(last[scenario], *(part.last for part in held))
    ended = {scenario: stop.n_reps for scenario, stop in study.stops.items() if stop.by}
    n_over = sum(last[scenario] > n_reps for scenario, n_reps in ended.items())
    said = []
    if left:
        said.append(f"{len(left)} of the stored scenario x method pairs left the study")
    if study.replications < min(earlier.replications, max(last.values(), default=0)):
        said.append(f"more replications are stored than {study.replications:,}")
    elif n_over and study.precision != earlier.precision:
        said.append(f"more replications are stored of {n_over} scenarios than they stop at")
    if said:
        place = folder.set_aside(*_SUMMARY)
        kept = f", the earlier summary is in {place}" if place is not None else ""
        warn(f"{folder}: {' and '.join(said)}; their rows stay, unused{kept}")


def _earlier(folder: ResultsFolder) -> Study | None:
    """The study as it was last run in a folder."""
    try:
        return folder.study()
    except UserError:
        return None


def refuse_incomplete(
    study: Study, folder: ResultsFolder, n_left_out: int, share: Share | None = None
) -> None:
    """Refuse to end with rows missing that nothing gave up: somebody changed the folder."""
    n_lost = n_missing(study, folder.held(), share) - n_left_out
    if n_lost > 0:
        n_fits, _ = asked(study, share)
        raise WorkError(
            f"{folder}: {n_lost:,} of {n_fits:,} fits are missing, which were stored or were "
            "to be: the folder was changed while the study ran; the same command computes them"
        )


def refuse_changed(study: Study, folder: ResultsFolder) -> None:
    """Refuse to end where the folder became another study's, or lost what this run wrote."""
    if folder.seed != study.seed:
        raise WorkError(f"{folder.shown(STUDY)}: was changed or removed while the study ran")
    for name in _SUMMARY:
        if not folder.exists(name):
            raise WorkError(f"{folder.shown(name)}: was removed while the study ran")
