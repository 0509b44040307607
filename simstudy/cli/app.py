"""Arguments, exit codes and the one place where errors become text."""

from __future__ import annotations

import argparse
import atexit
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

from simstudy import __version__
from simstudy.cli import guard
from simstudy.cli.terminal import Terminal
from simstudy.custom import doing
from simstudy.errors import (
    Interrupt,
    UnmetError,
    UserError,
    WorkError,
    brief,
    one_line,
    refuse_bytes,
)

DONE, FAILED, WRONG, UNMET, INTERRUPTED, TERMINATED = 0, 1, 2, 4, 130, 143
_KEPT = "finished ranges are kept, the same command goes on"


_ONCE = 1.0  # seconds in which two signals are one: a terminal's, and its echo from the guard
_PATIENCE = 1.0  # seconds that threads which a user's code left are waited for


class _Terminated(Interrupt):
    """SIGTERM: ends a command as Ctrl-C does."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG, one_line(f"{self.prog}: {message} (see {self.prog} --help)") + "\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            from simstudy.cli.vocabulary import unknown

            hint = unknown(action.dest, value, action.choices)
            raise argparse.ArgumentError(action, f"'{value}' is not known{hint}")

    def refuse_unknown(self, extra: list[str], verb: str) -> None:
        """End where arguments are left over that a verb does not take."""
        if extra:
            from simstudy.cli.vocabulary import unknown_flags

            flags = [flag for flag, _ in VERBS[verb][1] if flag.startswith("-")]
            self.prog = f"{self.prog} {verb}"
            self.error(unknown_flags(extra, [*flags, "--debug", "--help"]))


def _whole(text: str, least: int = 0) -> int:
    value = int(text) if text.isdecimal() else -1
    if value < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} up")
    return value


_jobs = partial(_whole, least=1)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _replications(text: str) -> int:
    value = _number(text)
    if not 1 <= value <= 1e12 or value != int(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(value)


def _positive(text: str) -> float:
    value = _number(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


_FORMATS = ("text", "csv", "json", "markdown", "latex")
_METHOD = "as in a study file: pooled, 'random_intercept: {df: wald}'"
_GIVE_UP = "leave a method of yours out after N failures in a row (200); 0: never"
_INSTEAD = "instead of the file's"
_TRUST = "import the files of the study's own methods and refit those too"
_PUBLISHED = (
    "CSV: columns of a cell (factors, method), printed and, if any, measure (rejection_rate), "
    "alpha (the first), decimals, and of the printed number replications or mcse"
)
_ESTIMATED = "results folder; or a table of estimates (CSV, parquet, .dta)"
_MEASURE = "only these; median_bias and mean_absolute_error are made when named here alone"
_WHERE = "only rows with FIELD OP VALUE and ..., such as 'icc > 0 and x_icc = 1'"
_DUMMIES = "show the coefficients of dummy's clusters, of more than two too"
_TARGET = "say how many replications this Monte Carlo SE needs"

Arguments = list[tuple[str, dict[str, Any]]]
_COLUMN = {"metavar": "COL"}
ESTIMATES: Arguments = [  # of anybody's estimates
    ("--estimate", _COLUMN | {"help": "estimates; one column a method: COL,COL"}),
    ("--std-error", _COLUMN | {"help": "standard errors, as many columns"}),
    ("--true", {"metavar": "VALUE|COL", "help": "true value"}),
    ("--method", _COLUMN | {"help": "methods (default: method)"}),
    ("--by", _COLUMN | {"action": "extend", "nargs": "+", "help": "groups"}),
    ("--df", _COLUMN | {"help": "degrees of freedom (default: a z test)"}),
    ("--p-value", _COLUMN),
    ("--ci-low", _COLUMN),
    ("--ci-high", _COLUMN),
    ("--replication", _COLUMN | {"help": "data sets (default: replication, or order of rows)"}),
    ("--reference", {"metavar": "METHOD", "help": "compare the others with this one"}),
    ("--alpha", {"action": "extend", "nargs": "+", "type": float, "metavar": "A"}),
    ("--null", {"type": float, "metavar": "V", "help": "what the tests are about (default: 0)"}),
    ("--converged", _COLUMN | {"help": "a fit that says false, 0 or no there counts as failed"}),
]
VERBS: dict[str, tuple[str, Arguments]] = {
    "run": (
        "run what is missing of a study, then summarise and draw it",
        [
            ("config", {"help": "study file (YAML)"}),
            ("--jobs", {"type": _jobs, "metavar": "N", "help": "worker processes (all cores)"}),
            ("--results", {"default": "results", "metavar": "DIR", "help": "parent folder"}),
            ("--replications", {"type": _replications, "metavar": "N", "help": _INSTEAD}),
            ("--fresh", {"action": "store_true", "help": "move earlier results aside, start over"}),
            ("--fail-fast", {"action": "store_true", "help": "stop where a method of yours fails"}),
            ("--give-up", {"type": _whole, "default": 200, "metavar": "N", "help": _GIVE_UP}),
            ("--no-report", {"action": "store_true", "help": "no figures and tables"}),
            ("--quiet", {"action": "store_true", "help": "print nothing but errors"}),
            ("--verbose", {"action": "store_true", "help": "a line for every range, on stderr"}),
        ],
    ),
    "plan": (
        "say what a study will take and what of it is there; write nothing",
        [
            ("config", {"help": "study file (YAML)"}),
            (
                "--mcse",
                {"action": "append", "default": [], "metavar": "MEASURE=VALUE", "help": _TARGET},
            ),
            ("--results", {"default": "results", "metavar": "DIR", "help": "parent folder"}),
        ],
    ),
    "show": (
        "draw one data set of a study: its units, effects and errors, and four fits",
        [
            ("config", {"help": "study file (YAML)"}),
            ("--scenario", {"metavar": "ID", "help": "by default the first"}),
            ("--replication", {"type": _replications, "default": 1, "metavar": "K"}),
            ("--figure", {"metavar": "FILE", "help": "by default NAME-ID.png in this folder"}),
        ],
    ),
    "summarize": (
        "performance measures of a results folder, or of anybody's estimates",
        [
            ("target", {"help": _ESTIMATED}),
            ("--format", {"choices": _FORMATS, "default": "text"}),
            ("--measure", {"action": "extend", "nargs": "+", "metavar": "M", "help": _MEASURE}),
            ("--where", {"metavar": "EXPR", "help": _WHERE}),
            ("--mcse", {"choices": ("robust", "normal"), "default": "robust"}),
            ("--wide", {"action": "store_true", "help": "csv, json: a column a method"}),
            ("--verdict", {"action": "store_true", "help": "mark Type I errors after Bradley"}),
            *ESTIMATES,
        ],
    ),
    "report": (
        "figures and tables again from the stored summary",
        [("results", {"help": "results folder of a study"})],
    ),
    "compare": (
        "a study's numbers beside printed ones",
        [
            ("results", {"help": "results folder of a study"}),
            ("published", {"help": _PUBLISHED}),
            ("--max-z", {"type": _positive, "metavar": "Z", "help": "exit 4 where a |z| is above"}),
        ],
    ),
    "fit": (
        "fit the methods to a real data set",
        [
            ("data", {"help": "CSV, parquet, .dta or another table"}),
            ("formula", {"help": "such as 'y ~ x + z + C(arm) + (1 | school)'"}),
            ("--method", {"action": "append", "metavar": "M", "help": _METHOD}),
            ("--json", {"action": "store_true", "help": "full precision, as JSON"}),
            ("--clusters", {"action": "store_true", "help": _DUMMIES}),
            ("--figure", {"metavar": "FILE", "help": "draw the data with four kinds of lines"}),
        ],
    ),
    "replay": (
        "make one replication again: its rows and all fits, beside what is stored",
        [
            ("results", {"help": "results folder of a study"}),
            ("--scenario", {"required": True, "metavar": "ID", "help": "as in scenarios.parquet"}),
            ("--replication", {"required": True, "type": _replications, "metavar": "K"}),
            ("--csv", {"metavar": "FILE", "help": "write the data set: cluster, x, covariates, y"}),
            ("--trust", {"action": "store_true", "help": _TRUST}),
            ("--method", {"action": "append", "metavar": "M", "help": _METHOD}),
            ("--json", {"action": "store_true", "help": "full precision, as JSON"}),
        ],
    ),
    "check": (
        "try your own methods, generators and measures and say what is wrong with them",
        [
            ("file", {"help": "FILE.py, or FILE.py:FUNCTION"}),
            ("--options", {"default": "", "metavar": "YAML", "help": "such as '{share: 0.2}'"}),
        ],
    ),
    "methods": ("the methods there are, with their options", []),
    "schema": ("JSON Schema of the study file", []),
    "init": (
        "write a commented starter NAME.yaml; never over a file",
        [
            ("name", {"help": "name of the study, of the method or of the generator"}),
            ("--method", {"action": "store_true", "help": "NAME.py: methods of your own"}),
            (
                "--generator",
                {
                    "action": "store_true",
                    "help": "NAME.py: a generator of data of your own, and NAME.yaml",
                },
            ),
        ],
    ),
}


def parser() -> _Parser:
    """The parser of every verb."""
    debug: dict[str, Any] = {"action": "store_true", "help": "show tracebacks"}
    debug["default"] = argparse.SUPPRESS
    top = _Parser(
        prog="simstudy",
        description="Design, run and publish Monte Carlo simulation studies about clustered data.",
    )
    top.add_argument("--debug", **debug)
    top.add_argument("--version", action="version", version=f"simstudy {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, (summary, arguments) in VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=summary)
        for flag, settings in arguments:
            verb.add_argument(flag, **settings)
        verb.add_argument("--debug", **debug)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns
    -------
    int
        0 done, 1 the work failed, 2 the input is wrong, 4 an assertion does not hold,
        130 interrupted, 143 terminated.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        known = parser()
        options, extra = known.parse_known_args(given)
        known.refuse_unknown(extra, options.verb)
    except BrokenPipeError:  # some versions of argparse say that nobody reads the help
        _hush()
        return DONE
    except SystemExit as stop:
        with _unheard():
            sys.stdout.flush()
        return stop.code if isinstance(stop.code, int) else WRONG
    try:
        with _unheard():
            module = import_module(f"simstudy.cli.{options.verb}")
            _refuse_bytes(options)
            shown, said = Terminal(sys.stdout), Terminal(sys.stderr, "\n\t\r")  # \\r: of a bar
            with redirect_stdout(shown), redirect_stderr(said):
                module.main(options)
            sys.stdout.flush()
        return DONE
    except BaseException as error:
        if getattr(options, "debug", False) and not isinstance(error, KeyboardInterrupt):
            raise
        return _say(error)


def _refuse_bytes(options: argparse.Namespace) -> None:
    """Refuse names that are not UTF-8: no parquet or YAML file can hold them."""
    for given in vars(options).values():
        for text in given if isinstance(given, list) else [given]:
            if isinstance(text, str):
                refuse_bytes(text)


@contextmanager
def _unheard() -> Iterator[None]:
    """End quietly where nobody reads on, such as ``head``."""
    try:
        yield
    except BrokenPipeError:
        _hush()


def _hush() -> None:
    """Write to nowhere from here on."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def entry() -> NoReturn:
    """Run the command line as a program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a name shows \\x..
            stream.reconfigure(errors="backslashreplace")
    os.environ["MPLBACKEND"] = "Agg"  # figures go to files, whatever is asked for
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)
    guard.enable()
    try:
        code = main()
    except BaseException:
        guard.over(FAILED)
        raise
    guard.over(code)
    if code in (INTERRUPTED, TERMINATED):
        for again in (signal.SIGINT, signal.SIGTERM):  # the end is under way
            signal.signal(again, signal.SIG_IGN)
        # where an import was interrupted, Python would end itself by SIGINT, not with this code
        _end(code)
    if others := _left_running():
        names = ", ".join(sorted(thread.name for thread in others))
        said = f"threads that a user's code started still run and end here: {names}"
        print(brief(said), file=sys.stderr)
        import multiprocessing

        for child in multiprocessing.active_children():  # nobody else would end workers now
            child.terminate()
        _end(code)
    sys.exit(code)


def _end(code: int) -> NoReturn:
    """End this process without waiting for its threads."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _left_running() -> list[threading.Thread]:
    """Threads of a user's code that Python would wait for, perhaps for ever."""
    until = time.monotonic() + _PATIENCE
    others = [thread for thread in doing.threads if not thread.daemon]
    for thread in others:
        thread.join(max(0.0, until - time.monotonic()))
    return [thread for thread in others if thread.is_alive()]


def _stop(number: int, frame: object) -> None:
    global _stopped
    if time.monotonic() - _stopped > _ONCE:
        _stopped = time.monotonic()
        raise _Terminated if number == signal.SIGTERM else Interrupt


_stopped = -_ONCE


def _say(error: BaseException) -> int:
    """One line on stderr, and the exit code."""
    if isinstance(error, _Terminated):
        text, code = f"terminated; {_KEPT}", TERMINATED
    elif isinstance(error, KeyboardInterrupt):
        text, code = f"interrupted; {_KEPT}", INTERRUPTED
    elif isinstance(error, UserError):
        text, code = str(error), WRONG
    elif isinstance(error, WorkError):
        text, code = str(error), FAILED
    elif isinstance(error, UnmetError):
        text, code = str(error), UNMET
    elif isinstance(error, OSError | MemoryError):
        text, code = f"failed: {str(error) or 'out of memory'}", FAILED
    elif isinstance(error, Exception):
        text, code = f"internal error: {type(error).__name__}: {error} (--debug shows more)", FAILED
    else:
        raise error
    print(one_line(text), file=sys.stderr)
    return code
