"""Run.log.jsonl, a line of JSON for every range that was done.

Only added to, each line in one go, so that two runs at once keep it readable.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from simstudy.errors import WorkError
from simstudy.runner.events import Done, Event, Finished, Lost, Started, WentOn
from simstudy.store.files import cannot_write
from simstudy.store.results_folder import LOG, ResultsFolder


class RunLog:
    """The log of a results folder; a context that closes it."""

    def __init__(self, folder: ResultsFolder) -> None:
        self.file = folder / LOG
        follow_no_link = getattr(os, "O_NOFOLLOW", 0)
        try:
            folder.make_room(self.file)
            how = os.O_RDWR | os.O_APPEND | os.O_CREAT | follow_no_link
            self._stream = os.open(self.file, how, 0o666)
            size = os.fstat(self._stream).st_size
            self._torn = size > 0 and self._last_byte(size) != b"\n"
        except OSError as error:
            raise cannot_write(self.file, error) from None

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._stream)

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
        line = json.dumps({"event": event, "time": time, "pid": os.getpid()} | said) + "\n"
        line = "\n" + line if self._torn else line
        content = line.encode()
        try:
            written = os.write(self._stream, content)
        except OSError as error:
            raise cannot_write(self.file, error) from None
        self._torn = written < len(content)

    def _last_byte(self, size: int) -> bytes:
        os.lseek(self._stream, size - 1, os.SEEK_SET)
        return os.read(self._stream, 1)


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
