"""``simstudy diagnose``."""

from __future__ import annotations

import json
import sys
from argparse import Namespace

from simstudy.answers.diagnosis.diagnosis import diagnose
from simstudy.cli.figures import refuse_figure


def main(options: Namespace) -> None:
    """Say how wrong one analysis is: design, fits, answers, words; or JSON."""
    if options.figure is not None:
        refuse_figure(options.figure)
    found = diagnose(
        options.data, options.formula,
        term=options.term, replications=options.replications, seed=options.seed,
    )  # fmt: skip
    beside = sys.stderr if options.json else sys.stdout
    print(json.dumps(found.as_dict(), indent=1, allow_nan=False) if options.json else found)
