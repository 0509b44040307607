"""Room 6: ``simstudy summarize``."""

from __future__ import annotations

import io
import json
import sys
from argparse import Namespace

from simstudy.cli.run import terminal_width
from simstudy.errors import UserError, nearest
from simstudy.measures.measures import MEASURES
from simstudy.report import tables
from simstudy.report.wide import wide
from simstudy.results import Results


def main(options: Namespace) -> None:
    """Print the measures of a results folder."""
    wanted = options.measure or []
    for measure in wanted:
        if measure not in MEASURES:
            raise UserError(f"unknown measure '{measure}'{nearest(measure, MEASURES)}")
    summary = Results.open(options.target).summary_table(options.mcse)
    if options.format == "text" and not wanted:
        print(tables.headline(summary, width=terminal_width()))
        return
    if options.format in ("csv", "json"):
        _print_rows(summary, wanted, options.format)
        return
    write = tables.FORMATS[options.format]
    for measure in wanted or tables.HEADLINE:
        for alpha in _alphas(summary, measure):
            print(write(tables.grid(wide(summary, measure, alpha))))


def _alphas(summary, measure: str) -> list[float | None]:  # type: ignore[no-untyped-def]
    import pyarrow.compute as pc

    column = summary.filter(pc.equal(summary.column("measure"), measure)).column("alpha")
    return column.unique().to_pylist()


def _print_rows(summary, wanted: list[str], form: str) -> None:  # type: ignore[no-untyped-def]
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    if wanted:
        keep = pc.is_in(summary.column("measure"), value_set=pa.array(wanted))
        summary = summary.filter(keep)
    if form == "json":
        print(json.dumps(summary.to_pylist(), indent=1, allow_nan=False))
        return
    stream = io.BytesIO()
    csv.write_csv(summary, stream, csv.WriteOptions(quoting_style="needed"))
    sys.stdout.write(stream.getvalue().decode())
