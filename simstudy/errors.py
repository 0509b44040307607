"""The errors people read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

RANGES_KEPT = "finished ranges are kept, the same command goes on"
KEPT = "what is finished is kept, the same command goes on"
_ALIKE = 0.69  # of two words that may be the same one, misspelt
_LONG = 6  # letters from which a part of a word, or a synonym, is no accident
_NEGATED = re.compile(r"(?:non|not|no|un|in|dis|a)_?(.{4,})")
_OPPOSITES = (
    ("within", "between"), ("fixed", "random"), ("lower", "upper"), ("low", "high"),
    ("ml", "reml"), ("min", "max"), ("type1", "type2"), ("type_1", "type_2"), ("model", "robust"),
    ("with", "without"), ("first", "last"), ("symmetric", "asymmetric"),
    ("exact", "inexact"), ("unit", "cluster"), ("units", "clusters"), ("under", "over"),
)  # fmt: skip

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


class IncompleteError(Exception):
    """Results that were looked at are not complete: one line, exit code 3."""


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


def code(text: str) -> str:
    """Text as Markdown code, whatever is in it."""
    text = visible(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    edge = " " if "`" in (text[:1], text[-1:]) else ""
    return f"{fence}{edge}{text}{edge}{fence}"


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


def first_of(items: Sequence[str], most: int) -> str:
    """Some of many in a list, and how many more there are."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def without_numbers(text: str) -> str:
    """A message with ``#`` for its numbers: what differs by its numbers alone is the same."""
    return _NUMBER.sub("#", text)


def nearest(name: object, known: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str:
    """Say which word was probably meant: ``; did you mean 'icc'?``, or list all there are.

    Parameters
    ----------
    name : object
        What was written.
    known : iterable of str
        The words that may stand there: no other is ever named.
    synonyms : mapping, optional
        Other words, in small letters with ``_`` (or as they are, where the case tells) -> the
        known one, or several words that say what is written instead (``write pooled: {se: CR2}``).
        What is neither is passed over.
    """
    known = list(known)
    meant = _meant(str(name), known, synonyms or {})
    if meant in known:
        return f"; did you mean '{meant}'?"
    if meant is not None:
        return f"; {meant}"
    return "; known: " + ", ".join(word if word == word.strip() else f"'{word}'" for word in known)


def meanings(advice: Mapping[str, str] | None = None, /, **meant: str) -> dict[str, str]:
    """Other people's words -> what is written here, or the advice that several words give.

    Both are given the other way round: what is meant, and the words for it in one text.
    """
    return {word: to for to, text in {**meant, **(advice or {})}.items() for word in text.split()}


def folded(word: str) -> str:
    """A word as words are compared: in small letters, ``_`` for blanks and hyphens."""
    plain = unicodedata.normalize("NFC", word).strip().lower()
    return re.sub(r"[\s-]+", "_", plain).strip("_")


def _meant(name: str, known: list[str], synonyms: Mapping[str, str]) -> str | None:
    """The known word or the advice behind a word, by its letters if it is no synonym."""
    word = folded(name)
    words = {folded(other): other for other in reversed(known) if other != name}
    legal = {other: to for other, to in synonyms.items() if to in known or " " in to}
    for text, meaning in ((name, legal), (word, words), (word, legal)):
        if text in meaning:
            return meaning[text]
    alike = {other: to for other, to in legal.items() if len(other) >= _LONG} | words
    best, nearness = None, _ALIKE
    for other, to in alike.items():
        likeness = _likeness(word, other)
        if likeness > nearness and not (_opposite(word, other) or _opposite(word, folded(to))):
            best, nearness = to, likeness
    return best


def _likeness(word: str, other: str) -> float:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, word, other).ratio()


def _opposite(word: str, other: str) -> bool:
    """Whether two words that look alike say opposite things: unpooled, pooled; upper, lower."""
    for pair in _OPPOSITES:
        for has, lacks in (pair, pair[::-1]):
            if _holds(word, has) and _holds(other, lacks) and not _holds(other, has):
                return True
    return any(
        (negated := _NEGATED.fullmatch(first)) is not None
        and _likeness(negated[1], second) > _likeness(first, second)
        for first, second in ((word, other), (other, word))
    )


def _holds(word: str, part: str) -> bool:
    """Whether a word has a part: anywhere if it is long, else as one of its pieces."""
    return part in (word if len(part) >= _LONG else word.split("_"))
