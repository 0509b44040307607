"""Room 6: arguments, exit codes and the one place where errors become text.

Imports errors alone; a verb's file is imported when that verb is called, so that help and
a wrong argument cost nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from simstudy import __version__
from simstudy.errors import UserError, WorkError

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _jobs(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return value


def _replications(text: str) -> int:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= 1e12 or value != int(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(value)


def parser() -> argparse.ArgumentParser:
    """The parser of every verb."""
    common = _Parser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show tracebacks")
    top = _Parser(
        prog="simstudy",
        description="Design, run and publish Monte Carlo simulation studies about clustered data.",
        parents=[common],
    )
    top.add_argument("--version", action="version", version=f"simstudy {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)

    def verb(name: str, summary: str) -> argparse.ArgumentParser:
        found = verbs.add_parser(name, help=summary, description=summary, parents=[common])
        return found

    run = verb("run", "run what is missing of a study, then summarise and draw it")
    run.add_argument("config", help="study file (YAML)")
    run.add_argument(
        "--jobs", type=_jobs, metavar="N", help="worker processes (default: all cores)"
    )
    run.add_argument("--results", default="results", metavar="DIR", help="parent folder of results")
    run.add_argument(
        "--replications", type=_replications, metavar="N", help="instead of the file's"
    )
    run.add_argument("--no-report", action="store_true", help="no figures and tables")
    run.add_argument("--quiet", action="store_true", help="print nothing but errors")

    plan = verb("plan", "say what a study will take; write nothing")
    plan.add_argument("config", help="study file (YAML)")
    plan.add_argument("--mcse", action="append", default=[], metavar="MEASURE=VALUE",
                      help="say how many replications this Monte Carlo SE needs")  # fmt: skip

    summarize = verb("summarize", "performance measures of a results folder")
    summarize.add_argument("target", help="results folder of a study")
    formats = ("text", "csv", "json", "markdown", "latex")
    summarize.add_argument("--format", choices=formats, default="text")
    summarize.add_argument("--measure", action="append", metavar="M", help="only this measure")
    summarize.add_argument("--mcse", choices=("robust", "normal"), default="robust")

    report = verb("report", "figures and tables again from the stored summary")
    report.add_argument("results", help="results folder of a study")

    fit = verb("fit", "fit the methods to a real data set")
    fit.add_argument("data", help="CSV or parquet file")
    fit.add_argument("formula", help="such as 'y ~ x + (1 | school)'")
    fit.add_argument("--method", action="append", metavar="M",
                     help="as in a study file: pooled, 'random_intercept: {df: wald}'")  # fmt: skip
    fit.add_argument("--json", action="store_true", help="full precision, as JSON")

    verb("methods", "the methods there are, with their options")
    verb("schema", "JSON Schema of the study file")
    init = verb("init", "write a commented starter NAME.yaml; never over a file")
    init.add_argument("name", help="name of the study")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns
    -------
    int
        0 done, 1 the work failed, 2 the input is wrong, 130 interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = parser().parse_args(given)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else WRONG
    try:
        module = import_module(f"simstudy.cli.{options.verb}")
        module.main(options)
        sys.stdout.flush()
        return DONE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except BaseException as error:
        if options.debug and not isinstance(error, KeyboardInterrupt):
            raise
        return _say(error)


def _say(error: BaseException) -> int:
    """One line on stderr, and the exit code."""
    if isinstance(error, KeyboardInterrupt):
        text, code = "interrupted; finished ranges are kept, the same command goes on", INTERRUPTED
    elif isinstance(error, UserError):
        text, code = str(error), WRONG
    elif isinstance(error, WorkError):
        text, code = str(error), FAILED
    elif isinstance(error, OSError | MemoryError):
        text, code = f"failed: {error or 'out of memory'}", FAILED
    elif isinstance(error, Exception):
        text, code = f"internal error: {type(error).__name__}: {error} (--debug shows more)", FAILED
    else:
        raise error
    print(" ".join(text.split()), file=sys.stderr)
    return code
