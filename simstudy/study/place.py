"""A value of a study file and where it stands, so that what is wrong is said there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from simstudy.errors import UserError, nearest
from simstudy.forms import T, shown
from simstudy.study.yaml_lines import Document, Path_


@dataclass(frozen=True, slots=True)
class Place:
    """A value of a document, and the path to it."""

    document: Document
    path: Path_
    value: Any

    def __getitem__(self, key: str | int) -> Place:
        """What stands within: by its key, or by its number in a list."""
        return Place(self.document, (*self.path, key), self.value[key])

    def get(self, key: str, default: Any = None) -> Place:
        """What stands within by its key, or a default as if it stood there."""
        return Place(self.document, (*self.path, key), self.value.get(key, default))

    def items(self) -> list[Place]:
        """The values of a list."""
        return [self[i] for i in range(len(self.value))]

    def refuse(self, message: str, *inner: str | int) -> NoReturn:
        """Raise `UserError` that names this place, or one within."""
        self.document.refuse((*self.path, *inner), message)

    def expect(self, kind: type, what: str) -> Any:
        """The value, which must be of a kind."""
        if not isinstance(self.value, kind):
            self.refuse(f"expected {what}, got {shown(self.value)}")
        return self.value

    def allow(
        self,
        known: Iterable[str],
        words: Mapping[str, str],
        what: str = "key",
        hint: Callable[[object, Iterable[str], Mapping[str, str]], str] = nearest,
    ) -> None:
        """Refuse keys that are not known; `hint` says from `words` what one may have meant."""
        for key in self.value:
            if key not in known:
                name = key if self.path else str(key)  # at the top a number is no place in a list
                self.refuse(f"unknown {what}{hint(key, known, words)}", name)

    def of_file(self, file: str, make: Callable[..., T], *rest: str) -> T:
        """What ``make(path, *rest)`` makes of a file that is named here, made once a document.

        The path is relative to the study file; what is wrong with the file is refused here.
        """
        held, path = self.document.held, str(Path(self.document.file or "").parent / file)
        try:
            if (key := (make, path, *rest)) not in held:
                held[key] = make(path, *rest)
        except UserError as error:
            self.refuse(str(error))
        made: T = held[key]
        return made

    def levels(self) -> list[Place]:
        """The value, or if it is a list the values in it: at least one."""
        if not isinstance(self.value, list):
            return [self]
        if not self.value:
            self.refuse("is an empty list")
        return self.items()


def refuse_equal(levels: list[Place]) -> None:
    """Refuse a level that is listed twice."""
    for i, level in enumerate(levels):
        if any(level.value == other.value for other in levels[:i]):
            level.refuse(f"{shown(level.value)} is listed twice")
