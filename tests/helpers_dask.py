"""A dask cluster of real processes, started by the commands of docs/dask.md."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from helpers_faults import ROOT, Life, members, running

PAGE = ROOT / "docs" / "dask.md"
_ADDRESS = "tcp://127.0.0.1:8786"
_WAIT = 60.0


def commands(address: str = _ADDRESS) -> list[list[str]]:
    """The page's commands for a laptop, in order, with another scheduler's address."""
    block = re.search(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    said = block[1].replace(_ADDRESS, address)
    return [shlex.split(line.removeprefix("$ ")) for line in said.splitlines() if line]


class Cluster:
    """A scheduler and two workers, which come back when they are killed; a context that ends it.

    Each lies in a session of its own. The workers see this package, and start in a folder of
    their own.
    """

    def __init__(self, folder: Path, allowed_failures: int = 3) -> None:
        self._folder = folder
        found = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "PATH": found,
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed_failures),
        }  # fmt: skip
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Cluster:
        file = self._folder / "scheduler.json"
        self.scheduler = self._start([*commands()[0], "--port", "0", "--scheduler-file", str(file)])
        self.until(lambda: file.is_file() and file.read_bytes().endswith(b"}"))
        self.address = json.loads(file.read_text(encoding="utf-8"))["address"]
        self._start([*commands(self.address)[1], "--local-directory", str(self._folder)])
        self.until(lambda: len(self.workers()) == 2)
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            for kind in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    os.killpg(process.pid, kind)
                    process.wait(5)
        self.until(lambda: not any(members(process.pid) for process in self._processes))

    def workers(self) -> list[int]:
        """Processes that do the work."""
        return running(members(self._processes[1].pid), b"spawn_main")

    def life(self, config: Path, results: Path) -> Life:
        """One run of a study that these workers do."""
        return _Life(self, config, results)

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        log = (self._folder / f"{len(self._processes)}.log").open("wb")
        self._processes.append(
            subprocess.Popen(
                command,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
                stdout=log,
                stderr=log,
            )
        )
        return self._processes[-1]

    @staticmethod
    def until(true: Callable[[], bool]) -> None:
        """Wait for something, and fail where it does not come."""
        end = time.monotonic() + _WAIT
        while not true():
            assert time.monotonic() < end, "it never came"
            time.sleep(0.05)


class _Life(Life):
    def __init__(self, cluster: Cluster, config: Path, results: Path) -> None:
        more = ["--backend", "dask", "--scheduler", cluster.address]
        super().__init__(config, results, more=more)
        self._cluster = cluster

    def workers(self) -> list[int]:
        """They are not the run's, and stay when it ends."""
        return self._cluster.workers()
