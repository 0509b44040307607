"""``simstudy report``."""

from __future__ import annotations

import sys
from argparse import Namespace

from simstudy.errors import one_line
from simstudy.results import Results


def main(options: Namespace) -> None:
    """Write figures and tables again, and print where they are."""
    for path in Results.open(options.results).report(
        lambda line: print(one_line(line), file=sys.stderr)
    ):
        print(path)
