"""Room 6: ``simstudy report``."""

from __future__ import annotations

import sys
from argparse import Namespace
from functools import partial

from simstudy.results import Results


def main(options: Namespace) -> None:
    """Write figures and tables again, and print where they are."""
    warn = partial(print, file=sys.stderr)
    for path in Results.open(options.results).report(warn):
        print(path)
