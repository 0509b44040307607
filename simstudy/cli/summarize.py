"""Room 6: ``simstudy summarize``."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simstudy.cli.run import say, terminal_width
from simstudy.cli.terminal import write_exactly
from simstudy.errors import UserError, nearest
from simstudy.measures.measures import MEASURES
from simstudy.measures.own import REGISTERED
from simstudy.measures.pairs import MEASURES as AGAINST_REFERENCE
from simstudy.report import tables
from simstudy.report.wide import wide
from simstudy.results import Results

COLUMNS = ("estimate", "std_error", "method", "by", "df", "p_value", "ci_low", "ci_high",
           "replication", "reference", "alpha", "null")  # fmt: skip
_SHOWN = ("bias", "empirical_se", "relative_error_model_se", "coverage", "rejection_rate")


def main(options: Namespace) -> None:
    """Print the measures of a results folder, or of anybody's estimates."""
    wanted = options.measure or []
    given = {name: getattr(options, name) for name in COLUMNS if getattr(options, name) is not None}
    ours = Path(options.target, "study.yaml").is_file()
    if ours or not (given or options.true or Path(options.target).is_file()):
        if given or options.true:
            raise UserError(
                "a results folder knows its columns and true values", file=options.target
            )
        found = Results.open(options.target)
        _refuse_unknown(wanted, [one.name for one in found.study.measures])
        summary = found.summary_table(options.mcse, missing=say)
        if missing := found.n_missing:
            print(f"{options.target}: {missing:,} fits are not there yet; "
                  "`run` computes what is missing", file=sys.stderr)  # fmt: skip
        if options.format == "text" and not wanted and not options.verdict:
            print(tables.headline(summary, width=terminal_width()))
            return
    else:
        _refuse_unknown(wanted, ())
        summary = _anybody(options, given)
        wanted = wanted or _usual(summary, options.format)
    if options.format in ("csv", "json"):
        rows = tables.by_method(_only(summary, wanted)) if options.wide else _only(summary, wanted)
        write_exactly(tables.as_rows(rows, options.format))
        return
    there = summary.column("measure").unique().to_pylist()
    for measure in wanted:
        if measure not in there:
            need = " (it needs a reference method)" if measure in AGAINST_REFERENCE else ""
            raise UserError(f"no row of {measure} here{need}", file=options.target)
    write = tables.FORMATS[options.format]
    texts = [
        write(tables.grid(wide(summary, measure, alpha), verdict=options.verdict))
        for measure in wanted or tables.HEADLINE
        for alpha in tables.alphas(summary, measure)
    ]
    print("\n\n".join(texts) if options.format == "text" else "\n".join(texts))


def _refuse_unknown(wanted: Sequence[str], own: Sequence[str]) -> None:
    """Refuse a measure that is neither built in nor the study's own."""
    known = [*MEASURES, *own, *REGISTERED]
    for measure in wanted:
        if measure not in known:
            raise UserError(f"unknown measure '{measure}'{nearest(measure, known)}")


def _anybody(options: Namespace, given: dict[str, Any]) -> Any:
    from simstudy.summaries.summarize import summarize_table

    if options.true is None:
        raise UserError("say the true value: --true VALUE or --true COL", file=options.target)
    if not Path(options.target).exists():
        raise UserError("no such file or folder", file=options.target)
    found = summarize_table(options.target, options.true, mcse=options.mcse, **given)
    for name, heading in zip(given.get("by", ()), found.column_names, strict=False):
        if name != heading:
            print(f"{options.target}: the column '{name}' is called '{heading}' below",
                  file=sys.stderr)  # fmt: skip
    if found.column("truth").null_count:
        print(f"{options.target}: the true value differs within a group; each estimate is held "
              "against its own", file=sys.stderr)  # fmt: skip
    return found


def _usual(summary: Any, form: str) -> list[str]:
    """Measures that are shown of anybody's estimates: all, or few as text."""
    there = summary.column("measure").unique().to_pylist()
    return [] if form in ("csv", "json") else [name for name in _SHOWN if name in there]


def _only(summary, wanted: list[str]):  # type: ignore[no-untyped-def]
    """Rows of the measures that are asked for."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not wanted:
        return summary
    return summary.filter(pc.is_in(summary.column("measure"), value_set=pa.array(wanted)))
