"""Arguments, exit codes and the one place where errors become text."""
# PYTHON_ARGCOMPLETE_OK

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
from importlib import import_module
from typing import Any, NoReturn

from simstudy import __version__
from simstudy.cli import guard
from simstudy.cli.terminal import Terminal
from simstudy.cli.verbs import VERBS
from simstudy.custom import doing
from simstudy.errors import (
    RANGES_KEPT,
    IncompleteError,
    Interrupt,
    UnmetError,
    UserError,
    WorkError,
    brief,
    one_line,
    refuse_bytes,
)

DONE, FAILED, WRONG, INCOMPLETE, UNMET, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 4, 130, 143


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

            flags = [flag for flag, _ in VERBS[verb].arguments if flag.startswith("-")]
            self.prog = f"{self.prog} {verb}"
            self.error(unknown_flags(extra, [*flags, "--debug", "--help"]))


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
    for name, verb in VERBS.items():
        examples = "\n".join(f"  simstudy {name} {rest}".rstrip() for rest in verb.examples)
        below = verbs.add_parser(
            name,
            help=verb.summary,
            description=verb.summary,
            epilog=f"examples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for flag, settings in verb.arguments:
            below.add_argument(flag, **settings)
        below.add_argument("--debug", **debug)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns
    -------
    int
        0 done, 1 the work failed, 2 the input is wrong, 3 results are not complete, 4 an assertion
        does not hold, 130 interrupted, 143 terminated.
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
        return _say(error, options.verb)


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
    if "_ARGCOMPLETE" in os.environ:  # set by a shell that asks how a line may go on
        _complete()
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


def _complete() -> NoReturn:
    try:
        from simstudy.cli.completion import complete
    except ImportError:  # without the extra there is nothing to say, and nowhere to say it
        _end(FAILED)
    complete(parser())
    _end(FAILED)


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
_GO_ON = ("run", "solve")  # verbs that store what they compute


def _say(error: BaseException, verb: str) -> int:
    """One line on stderr, and the exit code."""
    kept = f"; {RANGES_KEPT}" if verb in _GO_ON else ""
    if isinstance(error, _Terminated):
        text, code = f"terminated{kept}", TERMINATED
    elif isinstance(error, KeyboardInterrupt):
        text, code = f"interrupted{kept}", INTERRUPTED
    elif isinstance(error, UserError):
        text, code = str(error), WRONG
    elif isinstance(error, WorkError):
        text, code = str(error), FAILED
    elif isinstance(error, IncompleteError):
        text, code = str(error), INCOMPLETE
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
