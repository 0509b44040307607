"""Run.log.jsonl, a line of JSON for every range that was done.

Only added to: two runs at once keep it readable.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from simstudy.errors import WorkError
from simstudy.runner.events import Done, Event, Finished, Lost, Started, WentOn
from simstudy.store.results_folder import LOG, ResultsFolder


class RunLog:
    """A log of a results folder; a context that closes it."""

    def __init__(self, folder: ResultsFolder, name: str = LOG) -> None:
        self._lines = folder.lines(name)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *error: object) -> None:
        self._lines.__exit__(*error)

    @contextmanager
    def until_stopped(self) -> Iterator[None]:
        """Say so where what is done here is interrupted or fails."""
        try:
            yield
        except BaseException as error:
            with suppress(WorkError):  # a full disk, above all
                self._write("stopped", reason=type(error).__name__)
            raise

    def hear(self, event: Event) -> None:
        """Add what happened."""
        match event:
            case Started(_, tasks, jobs, source):
                self._write("start", jobs=jobs, ranges=len(tasks), fits=event.n_fits, **source)
            case WentOn(tasks):
                self._write("more", ranges=len(tasks), fits=event.n_fits)
            case Done():
                self._write("range", **_range(event))
            case Lost(reason, again, _):
                self._write("lost", reason=reason, again=again)
            case Finished(n_fits, n_left_out, seconds):
                self._write("end", seconds=seconds, fits=n_fits, left_out=n_left_out)

    def _write(self, event: str, **said: Any) -> None:
        """Add one line: what happened, when, in which process."""
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"event": event, "time": time, "pid": os.getpid()} | said)
        self._lines.add(line.encode() + b"\n")


class Logs:
    """All logs of a folder, those of shares too, as they grow; what they say anybody may have said.

    Parameters
    ----------
    folder : ResultsFolder
    """

    def __init__(self, folder: ResultsFolder) -> None:
        self._folder = folder
        self._read: Counter[str] = Counter()  # bytes of each

    def new(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The lines that are whole and were not told yet, each with the name of its log."""
        begin, end = LOG.split("jsonl")[0], ".jsonl"  # of a share: run.log.1of8.jsonl
        for name, size, *_ in self._folder.listed(""):
            grown = size > self._read[name]
            if not (grown and name.startswith(begin) and name.endswith(end)):
                continue
            with suppress(OSError):
                new = self._folder.read(name)[self._read[name] :]
                new = new[: new.rfind(b"\n") + 1]
                self._read[name] += len(new)
                for line in new.splitlines():
                    with suppress(ValueError, RecursionError):
                        entry = json.loads(line)
                        if isinstance(entry, dict):
                            yield name, entry


def _range(done: Done) -> dict[str, Any]:
    task = done.task
    return {
        "first": task.first,
        "last": task.last,
        "replications": task.n_reps * len(task.pieces),
        "scenarios": [piece.id for piece in task.pieces],
        "methods": [method.canonical for method in task.methods],
        "worker": done.worker,
        "seconds": done.seconds,
        "new": done.new,
    } | ({} if done.failed is None else {"failed": int(done.failed.sum())})
