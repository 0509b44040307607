"""``simstudy plan``."""

from __future__ import annotations

import math
from argparse import Namespace

from simstudy.cli.bar import duration
from simstudy.cli.run import say
from simstudy.errors import UserError
from simstudy.measures.names import asked
from simstudy.runner.pilot import pilot
from simstudy.runner.precision import FORECAST, Cell, Precision, needed, precision
from simstudy.runner.progress import there
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.files import described, dropped
from simstudy.study.grid import text_of
from simstudy.study.study import Study, load


def main(options: Namespace) -> None:
    """Print what a study will take, and what of it is there; write nothing."""
    targets = [_target(text) for text in options.mcse]
    study = load(options.config, importing=lambda file, method: print(
        f"imports {file} for {method}", flush=True))  # fmt: skip
    if not (study.measures or study.own_methods or study.generators):
        print("imports nothing: no method says `use:`")
    for line in dropped(study):
        say(line)
    found = pilot(study)
    print(f"{study.name}: {len(study.designs)} scenarios x {study.replications} replications "
          f"x {len(study.methods)} methods = {_fits(study)}")  # fmt: skip
    for line in described(study):
        print(line)
    alone = f" ({duration(found.seconds_in_process)} in one process)" if found.jobs > 1 else ""
    where = f"with {found.jobs} jobs" if found.jobs > 1 else "in this process"
    print(f"expected time: {duration(found.seconds)} {where}{alone}, summary and figures included")
    print(f"disk: {found.megabytes:,.1f} MB of estimates")
    print("\n".join(there(study, ResultsFolder(options.results).below(study.name))))
    errors = precision(study)
    print(f"largest Monte Carlo SE with {study.replications:,} replications, from a pilot of "
          f"{_cells(errors)} (up to, if the pilot is off):")  # fmt: skip
    root = math.sqrt(study.replications)
    for measure, cell in errors.worst.items():
        print(f"  {measure:<26} {cell.one / root:.4g} (up to {cell.most / root:.4g})")
    for measure, value in targets:
        print(_needed(errors, measure, value))


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
    return asked(measure.strip(), FORECAST, refusal).name, number
