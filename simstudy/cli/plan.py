"""Room 6: ``simstudy plan``."""

from __future__ import annotations

import math
from argparse import Namespace

from simstudy.cli.run import say
from simstudy.errors import UserError, nearest
from simstudy.runner.pilot import FORECAST, pilot
from simstudy.study.files import described, dropped
from simstudy.study.study import load


def main(options: Namespace) -> None:
    """Print what a study will take; write nothing."""
    targets = [_target(text) for text in options.mcse]
    study = load(options.config, importing=_tell)
    if not (study.measures or any(method.use for method in study.methods)):
        print("imports nothing: no method says `use:`")
    for line in dropped(study):
        say(line)
    found = pilot(study)
    n_fits = len(study.designs) * study.replications * len(study.methods)
    print(f"{study.name}: {len(study.designs)} scenarios x {study.replications} replications "
          f"x {len(study.methods)} methods = {n_fits:,} fits")  # fmt: skip
    for line in described(study):
        print(line)
    alone = f" ({_time(found.seconds_in_process)} in one process)" if found.jobs > 1 else ""
    where = f"with {found.jobs} jobs" if found.jobs > 1 else "in this process"
    print(f"expected time: {_time(found.seconds)} {where}{alone}, summary and figures included")
    print(f"disk: {found.megabytes:,.1f} MB of estimates")
    print("largest Monte Carlo SE (rates: at the nominal level; the others: from a pilot run):")
    for measure, mcse in found.largest_mcse.items():
        print(f"  {measure:<24} {mcse:.4g}")
    for measure, value in targets:
        if measure not in found.largest_mcse:
            print(f"no Monte Carlo SE of {measure} could be forecast: nothing was estimable")
            continue
        factor = found.largest_mcse[measure] / value
        if not factor < 1e9:
            raise UserError(f"--mcse {measure}={value:g}: no number of replications reaches it")
        needed = math.ceil(study.replications * factor**2)
        print(f"for a Monte Carlo SE of {value:g} of {measure}: {needed:,} replications")


def _tell(file: str, method: str) -> None:
    """Say what is run as code, before it is."""
    print(f"imports {file} for {method}", flush=True)


def _target(text: str) -> tuple[str, float]:
    measure, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not (number > 0 and math.isfinite(number)):
        raise UserError(f"--mcse {text}: expected MEASURE=VALUE, such as rejection_rate=0.002")
    if measure.strip() not in FORECAST:
        hint = nearest(measure, FORECAST)
        raise UserError(f"--mcse: no Monte Carlo SE of '{measure}' is forecast{hint}")
    return measure.strip(), number


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
