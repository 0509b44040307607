"""``simstudy summarize``."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from simstudy.cli.run import say, terminal_width
from simstudy.cli.terminal import write_exactly
from simstudy.cli.verbs import ESTIMATES
from simstudy.errors import UserError
from simstudy.measures.catalog import MEASURES, record_of
from simstudy.measures.names import Asked, asked, needed
from simstudy.measures.own import REGISTERED
from simstudy.report import tables
from simstudy.report.pivot import REASONS, wide
from simstudy.report.words import words_of
from simstudy.results import Results
from simstudy.store.results_folder import STUDY, ResultsFolder, is_uri
from simstudy.summary.table import only_asked, only_where
from simstudy.where import parse

_WORDS = ("markdown", "latex")  # read by people: the others keep the names of data
COLUMNS = [flag[2:].replace("-", "_") for flag, _ in ESTIMATES if flag != "--true"]


def main(options: Namespace) -> None:
    """Print the measures of a results folder, or of anybody's estimates."""
    given = {name: getattr(options, name) for name in COLUMNS if getattr(options, name) is not None}
    place, file = ResultsFolder(options.target), Path(options.target)
    ours = is_uri(options.target) or place.exists(STUDY)
    look = tables.Look(tables.NAMES, tuple(options.rows), tuple(options.columns), options.interval,
                       options.verdict)  # fmt: skip
    if ours or not (given or options.true or file.is_file()):
        results, summary, wanted = _of_study(options, given, place)
        if options.format == "text" and not wanted and look == tables.Look():
            counted = results.study.precision is not None
            print(tables.headline(summary, width=terminal_width(), counted=counted))
            return
        look = replace(look, words=words_of(results.study)) if options.format in _WORDS else look
    else:
        wanted = _wanted(options, ())
        summary = _anybody(options, given, [request.measure for request in wanted])
        wanted = wanted or _usual(summary, options.format)
    if options.format in ("csv", "json"):
        _write_rows(options, only_asked(summary, wanted), look)
        return
    for request in wanted:
        if not only_asked(summary, [request]).num_rows:
            raise UserError(f"no row of {request.name} here{needed(request)}", file=str(place))
    shown = wanted or [asked(name, tables.HEADLINE) for name in tables.HEADLINE]
    wides = [wide(summary, request.measure, a, request.null)
             for request in shown for a in tables.alphas(summary, request.measure)]  # fmt: skip
    texts = [tables.FORMATS[options.format](grid) for grid in tables.grids(wides, look)]
    print("\n\n".join(texts) if options.format == "text" else "\n".join(texts))


def _write_rows(options: Namespace, rows: Any, look: tables.Look) -> None:
    """Numbers at full precision, which have no rows and columns of their own choice."""
    if not look.usual or look.interval:
        raise UserError("--rows, --columns, --interval: of text, markdown and latex; "
                        "csv and json have every number in full")  # fmt: skip
    write_exactly(tables.as_rows(tables.by_method(rows) if options.wide else rows, options.format))


def _of_study(
    options: Namespace, given: dict[str, Any], place: ResultsFolder
) -> tuple[Results, Any, list[Asked]]:
    """The results of a folder, its summary, and what is asked of it."""
    if given or options.true:
        raise UserError("a results folder knows its columns and true values", file=str(place))
    results = Results.open(options.target)
    wanted = _wanted(options, [measure.name for measure in results.study.measures])
    names = {request.measure for request in wanted}
    if options.format not in ("csv", "json"):
        names |= {*REASONS} if names else set()
    summary = results.summary_table(options.mcse, measures=names, missing=say)
    try:
        summary = summary if options.where is None else only_where(summary, parse(options.where))
    except UserError as error:
        raise UserError(f"--where: {error}", file=str(place)) from None
    if missing := results.n_missing:
        print(f"{place}: {missing:,} fits are not there yet; "
              "`run` computes what is missing", file=sys.stderr)  # fmt: skip
    return results, summary, wanted


def _wanted(options: Namespace, own: Iterable[str]) -> list[Asked]:
    """Measures that are asked for, of those built in, the study's own and this session's."""
    known = (*MEASURES, *own, *REGISTERED)
    return [asked(measure, known) for measure in options.measure or ()]


def _anybody(options: Namespace, given: dict[str, Any], measures: list[str]) -> Any:
    from simstudy.summary.anybody import summarize_table

    if options.true is None:
        raise UserError("say the true value: --true VALUE or --true COL", file=options.target)
    if not Path(options.target).exists():
        raise UserError("no such file or folder", file=options.target)
    summary = summarize_table(
        options.target, options.true, mcse=options.mcse, where=options.where,
        measure=measures, warn=lambda line: say(f"{options.target}: {line}"), **given,
    )  # fmt: skip
    for name, heading in zip(given.get("by", ()), summary.column_names, strict=False):
        if name != heading:
            print(f"{options.target}: the column '{name}' is called '{heading}' below",
                  file=sys.stderr)  # fmt: skip
    if summary.column("truth").null_count:
        print(f"{options.target}: the true value differs within a group; each estimate is held "
              "against its own", file=sys.stderr)  # fmt: skip
    return summary


def _usual(summary: Any, form: str) -> list[Asked]:
    """Measures that are shown of anybody's estimates: all, or few as text."""
    measures = summary.column("measure").unique().to_pylist()
    few = [asked(name, measures) for name in measures if record_of(name).brief]
    return [] if form in ("csv", "json") else few
