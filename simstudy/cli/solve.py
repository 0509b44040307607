"""``simstudy solve``."""

from __future__ import annotations

from argparse import Namespace

from simstudy.answers.solve.files import written
from simstudy.answers.solve.solve import as_json, solve
from simstudy.cli.bar import Bar
from simstudy.cli.run import say, terminal_width
from simstudy.report.tables.text import as_text


def main(options: Namespace) -> None:
    """Print from where a target holds, by scenario and method, and draw the curves."""
    found = solve(
        options.config,
        getattr(options, "for"),
        power=options.power,
        type1_error=options.type1_error,
        coverage=options.coverage,
        target=options.target,
        method=options.method,
        range=options.range,
        tolerance=options.tolerance,
        results=options.results,
        jobs=options.jobs,
        fresh=options.fresh,
        listen=Bar(),
        warn=say,
    )
    files = written(found)
    if options.json:
        print(as_json(found), end="")
        return
    print(as_text(found.table(), terminal_width()))
    if files:
        print("\n" + "\n".join(files))
