"""What a results folder asks of the place where it lies.

All names are relative to the folder, with ``/`` between their parts. Two kinds of places answer:
`local_files` and `stored_objects`; nothing else in this package knows which it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

from simstudy.errors import KEPT, WorkError

WORK = ".work"  # temporary and set-aside files of a results folder
SET_ASIDE = f"{WORK}/set-aside"


class Entry(NamedTuple):
    """What a listing says of a file.

    Attributes
    ----------
    name : str
        Without the folder's.
    size, time : int
        In bytes, and of the last change in nanoseconds.
    plain : bool
        Whether it is a file, not a folder, a link or a pipe.
    """

    name: str
    size: int
    time: int
    plain: bool


class NotPlainError(OSError):
    """A link, a folder or a pipe in the place of a file."""

    def __init__(self) -> None:
        super().__init__("is a link or a folder, not a file")
        self.strerror = "is a link or a folder, not a file"


class Lines(ABC):
    """A file that lines are added to; a context that closes it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with suppress(*(() if kind is None else (WorkError,))):  # what ended the work says more
            self.close()

    @abstractmethod
    def add(self, line: bytes) -> None:
        """Add a line, its end included; `WorkError` where that cannot be."""

    @abstractmethod
    def close(self) -> None:
        """See to it that all lines are there."""


class Filesystem(ABC):
    """A folder and what is in it.

    Attributes
    ----------
    tick : int
        Nanoseconds by which the time of a file must be later for it to be the later one.
    """

    tick: int = 0

    @abstractmethod
    def path(self, name: str = "") -> Path | str:
        """A file, or the folder, for people and for Python: a URI where it is no path."""

    @abstractmethod
    def arrow(self, name: str) -> tuple[str, Any]:
        """A file as pyarrow names it, and its filesystem; None is this machine's."""

    @abstractmethod
    def below(self, name: str) -> Filesystem:
        """A folder in this one."""

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """What is in a folder, sorted; nothing where there is no such folder."""

    @abstractmethod
    def listed(self, folder: str) -> list[Entry]:
        """The same with sizes and times."""

    @abstractmethod
    def read(self, name: str, follow: bool = False) -> bytes:
        """All of a file; `FileNotFoundError` where there is none, or `NotPlainError`.

        A link is none, unless it is to be followed.
        """

    @abstractmethod
    def read_end(self, name: str, length: int) -> bytes:
        """The last so many bytes of a file, or all; errors as of `read`."""

    def ahead(self, names: Iterable[str]) -> Filesystem:
        """The same place for who will read these files whole, in this order."""
        return self

    @abstractmethod
    def write(self, name: str, pieces: tuple[Any, ...]) -> None:
        """Write bytes whole or not at all; `WorkError` where that cannot be."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether a plain file is there."""

    @abstractmethod
    def is_free(self, name: str) -> bool:
        """Whether nothing at all is there."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    @abstractmethod
    def move(self, name: str, to: str) -> None:
        """Give a file another name; `FileNotFoundError` where there is none."""

    @abstractmethod
    def lines(self, name: str) -> Lines:
        """A file to add lines to."""

    @abstractmethod
    def touch(self, name: str) -> None:
        """Have a file's time say that it is not what it was, where it may be without a write."""

    @abstractmethod
    def prepare(self, folders: tuple[str, ...]) -> None:
        """Make folders, or refuse a place where nothing can be written."""

    @abstractmethod
    def refuse_links(self, folders: tuple[str, ...]) -> None:
        """Refuse results of which a folder is a link that leads out of them."""

    @abstractmethod
    def move_away(self) -> str | None:
        """Move all of it to the next free NAME.1, NAME.2, ...; where to, None for nothing."""

    @abstractmethod
    def since(self) -> str | None:
        """What tells the time since which nothing that was written can have been lost."""

    @abstractmethod
    def anchored(self) -> Filesystem:
        """The same place, wherever the process goes."""

    def is_same(self, other: Filesystem) -> bool:
        """Whether another is the same place; what is shown of one leaves out which store it is."""
        return type(self) is type(other) and vars(self.anchored()) == vars(other.anchored())

    @abstractmethod
    def base(self) -> Path | None:
        """Folder to which names of the user's files are relative; None: they are absolute."""

    @abstractmethod
    def scratch(self) -> Path:
        """Folder for what processes of this machine tell each other."""


def cannot_write(shown: str, error: OSError) -> WorkError:
    """Say which file could not be written, and why; a full disk above all."""
    return WorkError(f"{shown}: cannot be written: {error.strerror or error}; {KEPT}")
