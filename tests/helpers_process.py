"""Commands in processes of their own, at a tenth of what Python's start and imports cost.

One process imports what commands import and then forks for each: what a command does to its
process, and whatever ends it, stays there. How Python itself starts is tested elsewhere.
"""

from __future__ import annotations

import json
import os
import pkgutil
import runpy
import selectors
import signal
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
_PREPARED = ("joblib", "jinja2", "numpy", "pandas", "pyarrow.parquet", "scipy.special")


def run(arguments: list[str], cwd: Path, timeout: float) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of ``python -m simstudy``."""
    server = _server()
    request = {"arguments": arguments, "cwd": str(cwd), "environment": dict(os.environ)}
    server.stdin.write(json.dumps(request) + "\n")
    server.stdin.flush()
    with selectors.DefaultSelector() as answers:
        answers.register(server.stdout, selectors.EVENT_READ)
        if not answers.select(timeout):
            os.killpg(server.pid, signal.SIGKILL)
            server.communicate()
            _server.cache_clear()
            raise subprocess.TimeoutExpired(["simstudy", *arguments], timeout)
    return tuple(json.loads(server.stdout.readline()))


@cache
def _server() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def _serve() -> None:
    """Answer requests, a line each, until nobody is there to ask."""
    folder = import_module("simstudy.cli").__path__
    verbs = [f"simstudy.cli.{module.name}" for module in pkgutil.iter_modules(folder)]
    for name in (*_PREPARED, *verbs):
        import_module(name)
    requests, answers = (os.fdopen(os.dup(number), mode) for number, mode in ((0, "r"), (1, "w")))
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)
    for line in requests:
        outputs = os.pipe(), os.pipe()
        child = os.fork()
        if not child:
            for (begin, end), number in zip(outputs, (1, 2), strict=True):
                os.dup2(end, number)
                os.close(begin)
                os.close(end)
            _become(**json.loads(line))
        for _, end in outputs:
            os.close(end)
        said = _read([begin for begin, _ in outputs])
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        answers.write(json.dumps([code, *said]) + "\n")
        answers.flush()


def _read(pipes: list[int]) -> list[str]:
    """What is written, until no process is left that could write."""
    said = dict.fromkeys(pipes, b"")
    with selectors.DefaultSelector() as open_pipes:
        for pipe in pipes:
            open_pipes.register(pipe, selectors.EVENT_READ)
        while open_pipes.get_map():
            for key, _ in open_pipes.select():
                content = os.read(key.fd, 2**16)
                said[key.fd] += content
                if not content:
                    open_pipes.unregister(key.fd)
                    os.close(key.fd)
    return [content.decode() for content in said.values()]


def _become(arguments: list[str], cwd: str, environment: dict[str, str]) -> NoReturn:
    """Be the command."""
    os.environ.clear()
    os.environ.update(environment, PYTHONPATH=str(ROOT))
    os.chdir(cwd)
    sys.path[0] = cwd
    sys.argv[1:] = arguments
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
    runpy.run_module("simstudy", run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    _serve()
