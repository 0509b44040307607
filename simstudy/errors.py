"""Room 0: the errors people read. Imports nothing of the package."""

from __future__ import annotations

import re
from collections.abc import Iterable

_JOINERS = "\u200c\u200d"  # letters of many scripts, and emoji, are joined by them
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|(?<![A-Za-z_])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


class Interrupt(KeyboardInterrupt):
    """Ctrl-C or a signal that ends: what a user's code raises by itself is none of it."""


class UserError(Exception):
    """The input is wrong: one line that says where, what, and what would be right.

    Parameters
    ----------
    message : str
        What is wrong and what would be right, in one line.
    file : str, optional
        The file at fault.
    line : int, optional
        The line of `file`, counted from 1.
    path : str, optional
        The place inside the input, such as ``scenarios.icc[2]``.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        path: str | None = None,
    ) -> None:
        where = file or ""
        if file and line is not None:
            where = f"{file}:{line}"
        parts = [part for part in (where, path, message) if part]
        super().__init__(one_line(": ".join(parts)))


class WorkError(Exception):
    """The input is right and the work failed all the same: one line, exit code 1."""


class UnmetError(Exception):
    """An assertion that was asked for does not hold: one line, exit code 4."""


def one_line(text: str) -> str:
    """Text without line breaks, control characters as escapes."""
    return visible(text).strip()


def visible(text: str) -> str:
    """Text in which control characters are seen as their escapes; breaks of lines are blanks."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    if character.isspace():
        return character if ord(character) > 0x9F and character not in "\u2028\u2029" else " "
    return character.encode("unicode_escape").decode("ascii")


def refuse_bytes(name: str) -> None:
    """Refuse the name of a file that is not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UserError("is not UTF-8; give it another name", file=name) from None


def brief(text: str, most: int = 200) -> str:
    """Text as one line of at most so many characters: a message that somebody else wrote."""
    line = one_line(" ".join(text.split()))
    return line if len(line) <= most else line[: most - 3].rstrip() + "..."


def without_numbers(text: str) -> str:
    """A message with ``#`` for its numbers: what differs by its numbers alone is the same."""
    return _NUMBER.sub("#", text)


def nearest(name: object, known: Iterable[str], synonyms: dict[str, str] | None = None) -> str:
    """Say which known name was probably meant: ``; did you mean 'icc'?``, or list them all."""
    import difflib

    known = list(known)
    synonyms = synonyms or {}
    folded = str(name).lower().replace("-", "_").replace(" ", "_")
    meant = synonyms.get(folded)
    if meant is None:
        close = difflib.get_close_matches(folded, [*known, *synonyms], n=1, cutoff=0.7)
        meant = synonyms.get(close[0], close[0]) if close else None
    if meant is not None:
        return f"; did you mean '{meant}'?"
    return "; known: " + ", ".join(word if word == word.strip() else f"'{word}'" for word in known)
