"""``simstudy report``."""

from __future__ import annotations

from argparse import Namespace

from simstudy.cli.run import say
from simstudy.results import Results


def main(options: Namespace) -> None:
    """Write figures and tables again, and print where they are."""
    for path in Results.open(options.results).report(say):
        print(path)
