"""The words of a formula: everything that is none is refused before anybody reads it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from simstudy.errors import UserError

EXPECTED = "expected 'y ~ x + (1 | cluster)'"
_LONGEST = 10_000
_DEEPEST = 20
_WORDS = re.compile(
    r"""(?P<blank>\s+)
      | (?P<quoted>`[^`]*`)
      | (?P<text>"[^"]*"?|'[^']*'?)
      | (?P<braces>\{[^{}]*\}?)
      | (?P<name>(?:[^\W\d]|\.(?=[^\W\d]))[\w.]*)
      | (?P<number>\.?\d[\w.]*)
      | (?P<sign>\|\||\*\*|%in%|[~+:*()|^/,-])
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_DUNDER = re.compile(r"(?:^|\.)__")
_COLUMN_FIRST = "make a column of it first"
_RULES = ": columns are joined by '+', ':' and '*', unusual names stand in backticks"
_REFUSED = {  # kind of word, or the character itself -> what is wrong with it
    "text": "text in quotes is no term; a column with an unusual name goes in backticks",
    "braces": f"braces are not evaluated; {_COLUMN_FIRST}",
    "[": f"indexing is not evaluated; {_COLUMN_FIRST}",
    **dict.fromkeys("@$", "attributes are not read; a column with such a name goes in backticks"),
}


class Word(NamedTuple):
    """A name, a quoted name, a number or a sign, and where it stands in the formula."""

    kind: str
    text: str
    start: int
    end: int


def tokens(formula: str) -> list[Word]:
    """Cut a formula into its words.

    Raises
    ------
    UserError
        A character or a word that has no place in a formula, and parentheses that do not match.
    """
    if len(formula) > _LONGEST:
        refuse(formula, f"{len(formula):,} characters; a formula has at most {_LONGEST:,}")
    found = []
    for match in _WORDS.finditer(formula):
        kind, text = str(match.lastgroup), match[0]
        if kind == "blank":
            continue
        if reason := _reason(kind, text, formula[match.start() :]):
            refuse(formula, reason)
        found.append(Word(kind, text, match.start(), match.end()))
    _match_parentheses(formula, found)
    return found


def _reason(kind: str, text: str, rest: str) -> str | None:
    """What is wrong with a word, None where nothing is."""
    if text == "`":
        return f"'{shortened(rest)}': a backtick is not closed"
    if said := _REFUSED.get(text, _REFUSED.get(kind)):
        return f"'{shortened(text)}': {said}"
    if kind == "other":
        plain = unicodedata.normalize("NFKC", text).replace("\u2212", "-")
        meant = f"; write '{plain}'" if plain != text and _WORDS.fullmatch(plain) else ""
        shown = f"'{text}'" if text.isascii() else f"'{text}' (U+{ord(text):04X})"
        return f"{shown} is not part of a formula{meant or _RULES}"
    if text == "``":
        return "'``' is not a column name: the backticks are empty"
    if kind == "name" and not is_plain(text):
        what = "attributes and names" if "." in text else "names"
        said = f"{what} with two leading underscores are not read; a column's goes in backticks"
        if not _DUNDER.search(text):
            said = "letters that stand for others; a column of that name goes in backticks"
        return f"'{shortened(text)}': {said}"
    return None


def is_plain(name: str) -> bool:
    """Whether a column's name may stand in a formula without backticks."""
    match = _WORDS.fullmatch(name)
    if match is None or match.lastgroup != "name" or _DUNDER.search(name):
        return False
    return unicodedata.normalize("NFKC", name) == unicodedata.normalize("NFC", name)


def _match_parentheses(formula: str, words: Sequence[Word]) -> None:
    opened: list[Word] = []
    for word in words:
        if word.text == "(":
            opened.append(word)
        elif word.text == ")" and not opened:
            refuse(formula, "a ')' has no '('")
        elif word.text == ")":
            opened.pop()
        if len(opened) > _DEEPEST:
            refuse(formula, f"parentheses more than {_DEEPEST} deep; R needs none around a term")
    if opened:
        rest = formula[opened[-1].start :]
        refuse(formula, f"'{shortened(rest)}': a parenthesis is not closed")


def split(words: Sequence[Word], at: str) -> list[list[Word]]:
    """Pieces between the signs `at` that stand in no parentheses."""
    pieces: list[list[Word]] = [[]]
    depth = 0
    for word in words:
        depth += (word.text == "(") - (word.text == ")")
        if word.text == at and depth == 0:
            pieces.append([])
        else:
            pieces[-1].append(word)
    return pieces


def closing(words: Sequence[Word], start: int) -> int:
    """Place of the ')' that belongs to the '(' at `start`."""
    depth = 0
    for place in range(start, len(words)):
        depth += (words[place].text == "(") - (words[place].text == ")")
        if depth == 0:
            return place
    raise ValueError("no '(' there, or one that is not closed")


def written(formula: str, words: Sequence[Word]) -> str:
    """Words as they stand in the formula, shortened; empty for none."""
    return shortened(formula[words[0].start : words[-1].end]) if words else ""


def shortened(text: str, most: int = 60) -> str:
    """Text in one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 3] + "..."


def refuse(formula: str, message: str) -> NoReturn:
    """Raise `UserError` with the formula, shortened, as the place."""
    shown = formula if len(formula) <= 80 else formula[:77] + "..."
    raise UserError(message, path=f"formula '{shown}'")
