"""Room 6: ``simstudy summarize``."""

from __future__ import annotations

import io
import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from simstudy.cli.run import terminal_width
from simstudy.errors import UserError, nearest
from simstudy.measures.measures import MEASURES
from simstudy.report import tables
from simstudy.report.wide import wide
from simstudy.results import Results

COLUMNS = ("estimate", "std_error", "method", "by", "df", "p_value", "ci_low", "ci_high",
           "replication", "reference", "alpha")  # fmt: skip
_SHOWN = ("bias", "empirical_se", *tables.HEADLINE[1:], "coverage", *tables.HEADLINE[:1])


def main(options: Namespace) -> None:
    """Print the measures of a results folder, or of anybody's estimates."""
    wanted = options.measure or []
    for measure in wanted:
        if measure not in MEASURES:
            raise UserError(f"unknown measure '{measure}'{nearest(measure, MEASURES)}")
    given = {name: getattr(options, name) for name in COLUMNS if getattr(options, name) is not None}
    ours = Path(options.target, "study.yaml").is_file()
    if ours or not (given or options.true or Path(options.target).is_file()):
        if given or options.true:
            raise UserError(
                "a results folder knows its columns and true values", file=options.target
            )
        summary = Results.open(options.target).summary_table(options.mcse)
        if options.format == "text" and not wanted:
            print(tables.headline(summary, width=terminal_width()))
            return
    else:
        summary = _anybody(options, given)
        wanted = wanted or _usual(summary, options.format)
    if options.format in ("csv", "json"):
        _print_rows(summary, wanted, options.format)
        return
    if not ours:
        summary = _as_study(summary)
    write = tables.FORMATS[options.format]
    texts = [
        write(tables.grid(wide(summary, measure, alpha)))
        for measure in wanted or tables.HEADLINE
        for alpha in _alphas(summary, measure)
    ]
    print("\n\n".join(texts) if options.format == "text" else "\n".join(texts))


def _anybody(options: Namespace, given: dict[str, Any]) -> Any:
    from simstudy.summaries.summarize import summarize_table

    if options.true is None:
        raise UserError("say the true value: --true VALUE or --true COL", file=options.target)
    if not Path(options.target).exists():
        raise UserError("no such file or folder", file=options.target)
    return summarize_table(options.target, options.true, mcse=options.mcse, **given)


def _usual(summary: Any, form: str) -> list[str]:
    """Measures that are shown of anybody's estimates: all, or few as text."""
    there = summary.column("measure").unique().to_pylist()
    return [] if form in ("csv", "json") else [name for name in _SHOWN if name in there]


def _as_study(summary: Any) -> Any:
    """Groups as scenarios, for tables."""
    import pyarrow as pa

    names = summary.column_names[: summary.column_names.index("method")]
    rows = zip(*(summary.column(name).to_pylist() for name in names), strict=True)
    ids = [repr(row) for row in rows] if names else [""] * summary.num_rows
    columns = {"scenario": pa.array(ids), **{n: summary.column(n) for n in names}}
    for name in ("n_obs", "design_effect"):
        columns[name] = pa.nulls(summary.num_rows, pa.float64())
    rest = summary.column_names[len(names) :]
    return pa.table(columns | {name: summary.column(name) for name in rest})


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
