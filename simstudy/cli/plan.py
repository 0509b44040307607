"""``simstudy plan``."""

from __future__ import annotations

import math
import time
from argparse import Namespace
from collections import defaultdict

from simstudy.cli.run import say
from simstudy.errors import UserError, first_of
from simstudy.locks.places import of_config
from simstudy.locks.standing import against
from simstudy.measures.names import asked
from simstudy.measures.targets import always_reached
from simstudy.runner.pilot import pilot
from simstudy.runner.precision import FORECAST, Cell, Precision, expected, needed, precision
from simstudy.runner.progress import there
from simstudy.runner.progress_bar import duration
from simstudy.runner.provenance import provenance
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.files import described, dropped
from simstudy.study.grid import text_of
from simstudy.study.study import Study, load
from simstudy.summary.stopping import settled

_NAMED = 8  # scenarios that are named

# by whether rows are stored alone, and totals alone
_KINDS = {(True, False): "estimates", (False, True): "totals", (False, False): "totals and rows"}


def main(options: Namespace) -> None:
    """Print what a study will take, and what of it is there; write nothing."""
    targets = [_target(text) for text in options.mcse]
    study = load(options.config, importing=lambda file, method: print(
        f"imports {file} for {method}", flush=True))  # fmt: skip
    if not (study.measures or study.own_methods or study.generators):
        print("imports nothing: no method says `use:`")
    for line in dropped(study):
        say(line)
    spent = time.process_time()
    errors = precision(study)
    expects = study if study.precision is None else expected(study, errors.cells)
    found = pilot(expects, spent)
    print("\n".join(_head(expects)))
    for line in described(study):
        print(line)
    for line in _claimed(study):
        print(line)
    alone = f" ({duration(found.seconds_in_process)} in one process)" if found.jobs > 1 else ""
    where = f"with {found.jobs} jobs" if found.jobs > 1 else "in this process"
    print(f"expected time: {duration(found.seconds)} {where}{alone}, summary and figures included")
    print(f"disk: {found.megabytes:,.1f} MB of {_KINDS[study.sample is None, study.sample == 0]}")
    folder = ResultsFolder(options.results).below(study.name)
    folder.refuse_seed(folder.seed, study.seed)  # before what its rows say is taken for this study
    print("\n".join(there(settled(study, folder), folder)))
    lock = of_config(options.config)
    if lock is not None:
        stands = against(lock, study, folder, [provenance(study)])
        print(stands.line)
        for line in stands.warnings:
            say(line)
    most = "" if study.precision is None else "max "
    print(f"largest Monte Carlo SE with {most}{study.replications:,} replications, from a pilot of "
          f"{_cells(errors)} (up to, if the pilot is off):")  # fmt: skip
    root = math.sqrt(study.replications)
    for measure, cell in errors.worst.items():
        print(f"  {measure:<26} {cell.one / root:.4g} (up to {cell.most / root:.4g})")
    for measure, value in targets:
        print(_needed(errors, measure, value))


def _head(study: Study) -> list[str]:
    """How many scenarios, replications, methods and fits; by scenario where these differ."""
    size = f"{study.name}: {len(study.designs)} scenarios"
    methods = f"{len(study.methods)} methods"
    if study.precision is None:
        return [f"{size} x {study.replications} replications x {methods} = {_fits(study)}"]
    by_number: dict[int, list[str]] = defaultdict(list)
    for design in study.designs:
        by_number[study.n_reps(design.id)].append(design.id)
    lines = [
        f"  {n:,} replications in {len(ids):,}: {first_of(ids, _NAMED)}"
        for n, ids in sorted(by_number.items())
    ]
    goals = ", ".join(f"{one.name} {mcse:g}" for one, mcse in study.precision.targets)
    unknown = [one.name for one, _ in study.precision.targets if one.measure not in FORECAST]
    if unknown:
        lines.append(f"  no Monte Carlo SE of {', '.join(unknown)} is forecast: it may be more")
    fits = f"about {study.n_fits:,} fits expected, until Monte Carlo SEs are at {goals}:"
    return [f"{size} x {methods}, {fits}", *lines]


def _claimed(study: Study) -> list[str]:
    """A line a claim, and of how many cells it is."""
    if not study.claims:
        return []
    numbers = [len(one.designs(study)) * len(one.alphas(study)) for one in study.claims]
    return ["claims, judged by run:", *(
        f"  {one.text} ({n:,} cell{'' if n == 1 else 's'})"
        for one, n in zip(study.claims, numbers, strict=True)
    )]  # fmt: skip


def _cells(found: Precision) -> str:
    if found.n_tried < found.n_cells:
        return f"{found.n_tried:,} of {found.n_cells:,} cells"
    return f"all {found.n_cells:,} cells"


def _needed(found: Precision, measure: str, value: float) -> str:
    """How many replications a target takes, and where most are needed."""
    cell = found.worst.get(measure)
    if cell is None:
        return f"no Monte Carlo SE of {measure} could be forecast: no cell has an estimate of it"
    if not cell.most / value < 1e15:
        raise UserError(f"--mcse {measure}={value:g}: no number of replications reaches it")
    few, many = needed(cell.one, value), needed(cell.most, value)
    more = f" (up to {many:,}, if the pilot of {cell.n_reps:,} is off)" if many > few else ""
    return (
        f"for a Monte Carlo SE of {value:g} of {measure}: {few:,} replications{more}; most are "
        f"needed by {_where(cell)}"
    )


def _where(cell: Cell) -> str:
    levels = ", ".join(f"{key} {text_of(level)}" for key, level in cell.design.levels.items())
    level = "" if math.isnan(cell.alpha) else f" at alpha {cell.alpha:g}"
    return f"{cell.method.label} in scenario {cell.design.id} ({levels}){level}"


def _fits(study: Study) -> str:
    """How many fits are asked for, and how many `when:` leaves out."""
    every = len(study.designs) * study.replications * len(study.methods)
    more = every - study.n_fits
    return f"{study.n_fits:,} fits" + (f" ({more:,} more are not asked for)" if more else "")


def _target(text: str) -> tuple[str, float]:
    measure, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not (number > 0 and math.isfinite(number)):
        raise UserError(f"--mcse {text}: expected MEASURE=VALUE, such as rejection_rate=0.002")
    refusal = "--mcse: no Monte Carlo SE of '{}' is forecast"
    name = asked(measure.strip(), FORECAST, refusal).name
    if why := always_reached(name, number):
        raise UserError(f"--mcse {text}: {why}")
    return name, number
