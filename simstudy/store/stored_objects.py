"""A results folder in an object store, or on any other filesystem that pyarrow knows by a URI.

What is written is encoded in memory and sent whole: an object is the one or the other, never
half of one. There is no renaming and no adding to a file, and folders are only in names.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import pyarrow as pa

from simstudy.errors import KEPT, UserError, WorkError, brief
from simstudy.store import stores
from simstudy.store.filesystem import WORK, Entry, Filesystem, Lines, NotPlainError
from simstudy.store.processes import own_name

if TYPE_CHECKING:
    from pyarrow import fs

_SECOND = 1_000_000_000  # stores tell times in seconds
_PAUSES = (1.0, 2.0, 4.0, 8.0)  # seconds before what once worked is tried again
_AT_ONCE = 16  # objects that are copied side by side
_AHEAD = 4  # objects that are on their way while one is worked on
_EVERY = 30.0  # seconds after which lines are sent


class StoredObjects(Filesystem):
    """What lies below a URI such as ``s3://bucket/results/icc?region=eu-central-1``.

    A key or a password in it is neither shown nor stored.
    """

    tick = _SECOND

    def __init__(self, uri: str) -> None:
        stores.shown(uri)
        self._uri = uri

    def path(self, name: str = "") -> str:
        """The URI without user and options."""
        shown = stores.shown(self._uri)
        return f"{shown}/{name}" if name else shown

    def arrow(self, name: str) -> tuple[str, Any]:
        """Its path in a filesystem that this process opened itself."""
        files, root = stores.opened(os.getpid(), self._uri)
        return (f"{root}/{name}" if name else root), files

    def below(self, name: str) -> StoredObjects:
        """The same with a longer path."""
        place = urlsplit(self._uri)
        path = f"{place.path.rstrip('/')}/{name}"
        return StoredObjects(urlunsplit(place._replace(path=path)))

    def _asked(self, name: str, ask: Callable[[fs.FileSystem, str], Any]) -> Any:
        """Ask the store something of a file, again where it may answer later."""
        path, files = self.arrow(name)
        for pause in (*_PAUSES, None):
            try:
                return ask(files, path)
            except FileNotFoundError:
                raise
            except pa.ArrowException as error:  # it was not asked at all
                raise UserError(brief(str(error)), file=self.path(name)) from None
            except OSError as error:
                if "Not a regular file" in str(error):
                    raise NotPlainError from None
                if pause is None or stores.is_refusal(error):
                    raise WorkError(f"{self.path(name)}: {stores.reason(error)}") from None
                time.sleep(pause)

    def names(self, folder: str) -> list[str]:
        """What is in a folder; one listing."""
        return [entry.name for entry in self.listed(folder)]

    def listed(self, folder: str) -> list[Entry]:
        """The same with sizes and times, which the listing has."""
        from pyarrow.fs import FileSelector, FileType

        def ask(files: fs.FileSystem, path: str) -> list[fs.FileInfo]:
            return files.get_file_info(FileSelector(path, allow_not_found=True))

        return sorted(
            Entry(info.base_name, info.size or 0, info.mtime_ns or 0, info.type == FileType.File)
            for info in self._asked(folder, ask)
        )

    def read(self, name: str, follow: bool = False) -> bytes:
        """All of an object."""

        def ask(files: fs.FileSystem, path: str) -> bytes:
            with files.open_input_file(path) as stream:
                return stream.read()

        return self._asked(name, ask)

    def read_end(self, name: str, length: int) -> bytes:
        """The last bytes of an object."""

        def ask(files: fs.FileSystem, path: str) -> bytes:
            with files.open_input_file(path) as stream:
                return stream.read_at(min(length, stream.size()), max(0, stream.size() - length))

        return self._asked(name, ask)

    def ahead(self, names: Iterable[str]) -> Filesystem:
        """One that has asked for the next few of these objects when one is read."""
        return _ReadAhead(self._uri, names)

    def write(self, name: str, pieces: tuple[Any, ...]) -> None:
        """Send an object in one go."""
        content = b"".join(pieces)  # before anything is opened: what is opened is published
        temporary = self.arrow(f"{WORK}/{own_name()}-{threading.get_ident()}")[0]

        def ask(files: fs.FileSystem, path: str) -> None:
            whole = files.type_name in stores.SENT_WHOLE
            for place in () if whole else (path, temporary):
                files.create_dir(place.rpartition("/")[0], recursive=True)
            with files.open_output_stream(path if whole else temporary) as stream:
                stream.write(content)
            if not whole:
                files.move(temporary, path)

        try:
            self._asked(name, ask)
        except WorkError as error:
            raise WorkError(f"{error}; {KEPT}") from None

    def exists(self, name: str) -> bool:
        """Whether there is an object of this name."""
        with suppress(FileNotFoundError, NotPlainError):
            self._asked(name, lambda files, path: files.open_input_file(path).close())
            return True
        return False

    def is_free(self, name: str) -> bool:
        """Whether there is no object of this name, and none below it."""
        from pyarrow.fs import FileType

        kind = self._asked(name, lambda files, path: files.get_file_info(path).type)
        return bool(kind == FileType.NotFound)

    def remove(self, name: str) -> None:
        """Delete an object, if it is there."""
        with suppress(FileNotFoundError):
            self._asked(name, lambda files, path: files.delete_file(path))

    def move(self, name: str, to: str) -> None:
        """Copy an object and delete it."""
        self._copy(name, self.arrow(to)[0])
        self.remove(name)

    def _copy(self, name: str, target: str) -> None:
        def ask(files: fs.FileSystem, path: str) -> None:
            if files.get_file_info(path).type.name == "NotFound":
                raise FileNotFoundError(path)
            if files.type_name not in stores.SENT_WHOLE:
                files.create_dir(target.rpartition("/")[0], recursive=True)
            files.copy_file(path, target)

        self._asked(name, ask)

    def lines(self, name: str) -> Lines:
        """Lines that are kept here and sent from time to time."""
        return _StoredLines(self, name)

    def touch(self, name: str) -> None:
        """Do nothing: an object has other bytes only by a write, which its time tells."""

    def prepare(self, folders: tuple[str, ...]) -> None:
        """See whether there is such a store; there are no folders to make."""
        self.arrow("")

    def refuse_links(self, folders: tuple[str, ...]) -> None:
        """Do nothing: there are no links."""

    def move_away(self) -> str | None:
        """Copy all objects, then delete those that were copied: an end in between loses none."""
        names = self._all()
        if not names:
            return None
        number, place = 1, urlsplit(self._uri)
        while True:
            path = f"{place.path.rstrip('/')}.{number}"
            target = StoredObjects(urlunsplit(place._replace(path=path)))
            if not target._all():
                break
            number += 1
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda name: self._copy(name, target.arrow(name)[0]), names))
            list(pool.map(self.remove, names))
        return target.path()

    def _all(self) -> list[str]:
        """Names of all objects."""
        from pyarrow.fs import FileSelector, FileType

        def ask(files: fs.FileSystem, path: str) -> list[str]:
            selected = FileSelector(path, allow_not_found=True, recursive=True)
            return [
                info.path[len(path) + 1 :]
                for info in files.get_file_info(selected)
                if info.type == FileType.File
            ]

        return self._asked("", ask)

    def since(self) -> str | None:
        """Nothing that a store has taken is lost, whatever becomes of this machine."""
        return "stored"

    def anchored(self) -> StoredObjects:
        """The same."""
        return self

    def base(self) -> Path | None:
        """No folder: files of the user's stay on the user's machine."""
        return None

    def scratch(self) -> Path:
        """A folder of this user's alone among the temporary ones of this machine."""
        user = os.getuid() if hasattr(os, "getuid") else 0
        key = hashlib.sha256(self.path().encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"simstudy-{user}-{key}"
        folder.mkdir(mode=0o700, exist_ok=True)
        said = os.lstat(folder)
        if not stat.S_ISDIR(said.st_mode) or said.st_uid != user:
            raise WorkError(f"{folder}: is not a folder of this user's")
        return folder


class _ReadAhead(StoredObjects):
    """Objects that are read in a known order: others are on their way while one is worked on."""

    def __init__(self, uri: str, names: Iterable[str]) -> None:
        super().__init__(uri)
        self._names = iter(names)
        self._pool = ThreadPoolExecutor(_AHEAD)
        self._coming: dict[str, Future[bytes]] = {}

    def read(self, name: str, follow: bool = False) -> bytes:
        """All of an object."""
        while name in self._coming and next(iter(self._coming)) != name:
            del self._coming[next(iter(self._coming))]  # passed over
        found = self._coming.pop(name, None)
        for following in islice(self._names, _AHEAD - len(self._coming)):
            if following != name:
                self._coming[following] = self._pool.submit(super().read, following)
        return super().read(name) if found is None else found.result()


class _StoredLines(Lines):
    """Lines that are sent with those that are there, by this run or another."""

    def __init__(self, files: StoredObjects, name: str) -> None:
        self._files, self._name = files, name
        self._kept: list[bytes] = []
        self._sent = -_EVERY

    def add(self, line: bytes) -> None:
        """Keep a line; send what is kept if that was not done lately."""
        self._kept.append(line)
        if time.monotonic() - self._sent >= _EVERY:
            self._send()

    def close(self) -> None:
        """Send what is kept."""
        if self._kept:
            self._send()

    def _send(self) -> None:
        before = b""
        with suppress(FileNotFoundError):
            before = self._files.read(self._name)
        torn = b"\n" if before and not before.endswith(b"\n") else b""
        self._files.write(self._name, (before, torn, *self._kept))
        self._kept.clear()
        self._sent = time.monotonic()
