"""``simstudy report``."""

from __future__ import annotations

from argparse import Namespace

from simstudy.cli.run import say
from simstudy.results import Results


def main(options: Namespace) -> None:
    """Write figures and tables again, and print where they are."""
    found = Results.open(options.results, trusted=options.trust)
    for path in found.report(say):
        print(path)
    if (standing := found.standing) is not None:
        print(standing.line)
        for line in standing.warnings:
            say(line)
