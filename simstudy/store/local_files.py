"""A results folder on this machine.

Files are there whole or not at all: a file is written under a name of its own in `.work/` and
renamed. It is not synced: that costs a part more than computing it. What a power loss takes
from a part shows in its sum when it is read, and the part is computed again.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from simstudy.errors import UserError
from simstudy.store.filesystem import (
    SET_ASIDE,
    WORK,
    Entry,
    Filesystem,
    Lines,
    NotPlainError,
    cannot_write,
)
from simstudy.store.processes import own_name

_numbers = itertools.count()
_BINARY, _NO_LINK = (getattr(os, name, 0) for name in ("O_BINARY", "O_NOFOLLOW"))
_READING = os.O_RDONLY | _BINARY | getattr(os, "O_NONBLOCK", 0)  # of a pipe no waiting
_ADDING = os.O_RDWR | os.O_APPEND | os.O_CREAT | _BINARY | _NO_LINK


class LocalFiles(Filesystem):
    """Files of this machine, or of what it has mounted."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def path(self, name: str = "") -> Path:
        """A file's path."""
        return self.root / name

    def arrow(self, name: str) -> tuple[str, Any]:
        """A file's path again."""
        return self._path(name), None

    def below(self, name: str) -> LocalFiles:
        """A folder in this one."""
        return LocalFiles(self.root / name)

    def names(self, folder: str) -> list[str]:
        """What is in a folder, links and folders too."""
        try:
            return sorted(os.listdir(self._path(folder)))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def listed(self, folder: str) -> list[Entry]:
        """The same with sizes and times, of a link its own."""
        found = []
        try:
            with os.scandir(self._path(folder)) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):  # another process was quicker
                        said = entry.stat(follow_symlinks=False)
                        plain = stat.S_ISREG(said.st_mode)
                        found.append(Entry(entry.name, said.st_size, said.st_mtime_ns, plain))
        except OSError:
            return []
        return sorted(found)

    def read(self, name: str, follow: bool = False) -> bytes:
        """All of a file."""
        file = self._descriptor(name, follow)
        with os.fdopen(file, "rb", buffering=0) as stream:
            return stream.read()

    def read_end(self, name: str, length: int) -> bytes:
        """The last bytes of a file."""
        file = self._descriptor(name)
        with os.fdopen(file, "rb", buffering=0) as stream:
            stream.seek(max(0, os.fstat(file).st_size - length))
            return stream.read(length)

    def _descriptor(self, name: str, follow: bool = False) -> int:
        try:
            file = os.open(self._path(name), _READING if follow else _READING | _NO_LINK)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR):
                raise NotPlainError from None
            if error.errno == errno.ENOTDIR:  # a file where a folder should be: it holds nothing
                raise FileNotFoundError(errno.ENOENT, error.strerror, error.filename) from None
            raise
        if stat.S_ISREG(os.fstat(file).st_mode):
            return file
        os.close(file)
        raise NotPlainError

    def write(self, name: str, pieces: tuple[Any, ...]) -> None:
        """Write to `.work/` in one go and rename.

        A link or a folder in its place is set aside. `UserError` where a folder is a link that
        leads out of the results.
        """
        file, work = self.root / name, self.root / WORK
        temporary = work / f"{own_name()}-{threading.get_ident()}-{next(_numbers)}"
        self._refuse_outside(work, file.parent)
        try:
            work.mkdir(parents=True, exist_ok=True)
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary.unlink(missing_ok=True)
            with temporary.open("xb") as stream:
                for piece in pieces:
                    stream.write(piece)
            self._make_room(name)
            os.replace(temporary, file)
        except BaseException as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise cannot_write(str(file), error) from None
            raise

    def _make_room(self, name: str) -> None:
        """Move what is there instead of a file, a link or a folder, to `.work/set-aside/`."""
        if self.exists(name) or self.is_free(name):
            return
        place = target = f"{SET_ASIDE}/{name}"
        self._refuse_outside((self.root / place).parent)
        number = 1
        while not self.is_free(target):
            number += 1
            target = f"{place}.{number}"
        self.move(name, target)

    def exists(self, name: str) -> bool:
        """Whether a file is there, and neither a link nor a pipe."""
        try:
            return stat.S_ISREG(os.lstat(self._path(name)).st_mode)
        except (OSError, ValueError):
            return False

    def is_free(self, name: str) -> bool:
        """Whether nothing at all is there, not even a link that leads nowhere."""
        return not os.path.lexists(self._path(name))

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        (self.root / name).unlink(missing_ok=True)

    def move(self, name: str, to: str) -> None:
        """Rename a file, or a folder or link in the place of one."""
        target = self.root / to
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self.root / name, target)

    def lines(self, name: str) -> Lines:
        """A file to add lines to, each in one go."""
        return _LocalLines(self, name)

    def touch(self, name: str) -> None:
        """Set a file's time."""
        with suppress(OSError):
            os.utime(self._path(name))

    def prepare(self, folders: tuple[str, ...]) -> None:
        """Make folders."""
        try:
            for name in folders:
                (self.root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise cannot_write(str(self.root), error) from None
            raise UserError(f"cannot be written: {error.strerror}", file=str(self.root)) from None

    def refuse_links(self, folders: tuple[str, ...]) -> None:
        """Refuse results of which a folder is a link that leads out of them."""
        self._refuse_outside(*(self.root / name for name in folders))

    def _refuse_outside(self, *folders: Path) -> None:
        """Refuse to write or delete where a link leads out of the results."""
        home = os.path.realpath(self.root)
        for folder in folders:
            real = os.path.realpath(folder)
            if real != home and not real.startswith(home + os.sep):
                where = f"leads out of the results, to {real}, where"
                raise UserError(f"{where} nothing is written or deleted", file=str(folder))

    def move_away(self) -> str | None:
        """Rename the folder."""
        if not self.root.exists():
            return None
        number = 1
        while (target := self.root.with_name(f"{self.root.name}.{number}")).exists():
            number += 1
        try:
            os.rename(self.root, target)
        except OSError as error:
            raise UserError(f"cannot be moved: {error.strerror}", file=str(self.root)) from None
        return str(target)

    def since(self) -> str | None:
        """Tell this start of the machine from others: what was in memory may have been lost."""
        with suppress(OSError):
            return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return None

    def anchored(self) -> LocalFiles:
        """The same folder by its absolute path."""
        return LocalFiles(self.root.absolute())

    def base(self) -> Path:
        """The folder itself."""
        return self.root.resolve()

    def scratch(self) -> Path:
        """Its `.work/`."""
        return self.root / WORK


class _LocalLines(Lines):
    """Only added to, each line in one go, so that two runs at once keep it readable."""

    def __init__(self, files: LocalFiles, name: str) -> None:
        self._file = files._path(name)
        try:
            files._make_room(name)
            self._stream = os.open(self._file, _ADDING, 0o666)
            size = os.fstat(self._stream).st_size
            self._torn = size > 0 and self._last_byte(size) != b"\n"
        except OSError as error:
            raise cannot_write(self._file, error) from None

    def add(self, line: bytes) -> None:
        """Add one, after an end of its own where the last one was cut."""
        content = b"\n" + line if self._torn else line
        try:
            written = os.write(self._stream, content)
        except OSError as error:
            raise cannot_write(self._file, error) from None
        self._torn = written < len(content)

    def close(self) -> None:
        """Close the file."""
        os.close(self._stream)

    def _last_byte(self, size: int) -> bytes:
        os.lseek(self._stream, size - 1, os.SEEK_SET)
        return os.read(self._stream, 1)
