"""Text that pdflatex sets as it is."""

from __future__ import annotations

import re
import unicodedata

_SPECIAL = {
    "\\": r"\textbackslash{}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "[": "{[}", "]": "{]}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': "''", "–": "--", "—": "---", "−": "$-$", "×": r"$\times$", "±": r"$\pm$", "²": "$^2$",
    "³": "$^3$", "≤": r"$\leq$", "≥": r"$\geq$", "≠": r"$\neq$", "·": r"$\cdot$", "°": r"$^\circ$",
    "’": "'", "‘": "`", "“": "``", "”": "''", "„": ",,",
    "‚": ",", "…": r"\dots{}", "\u00a0": "~", "µ": r"$\mu$",
}  # fmt: skip

_ACCENTS = ("\u0300", "\u0301", "\u0302", "\u0303", "\u0308", "\u030a", "\u030c", "\u0327")


_WIDTHS = {".,;:'|!ijl[]": 0.56, "()ftrs-I": 0.78, "mwW%&": 1.6, "MOQGDHNUKRABCEVXYTPSL": 1.4}
_OF = {letter: width for letters, width in _WIDTHS.items() for letter in letters}
POINTS = 4.25  # a digit of \footnotesize, which is 1 wide


def width(text: str) -> float:
    """How wide text is printed, in digits: of Computer Modern, about."""
    named = sum(_character(letter).startswith("(U+") for letter in text)
    return sum(_OF.get(letter, 1.05 if letter.isalpha() else 1.0) for letter in text) + 8.0 * named


def escape(text: str) -> str:
    """Text that pdflatex sets as it is; what its fonts lack is named by its code."""
    escaped = "".join(map(_character, text))
    return re.sub(r"(?<=\d)-(?=\d)", "--", escaped)


def _character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isascii() and character.isprintable():
        return character
    plain = unicodedata.normalize("NFD", character)
    if (plain[0].isascii() and plain[1:] in _ACCENTS) or character in "ßæøœÆØŒåÅłŁ§¶£©":
        return character  # what utf8 input of LaTeX knows in any font encoding
    name = unicodedata.name(character, "").split()
    if name[:1] == ["GREEK"] and name[2:3] == ["LETTER"] and len(name) == 4:
        return f"${_greek(name[3].lower(), name[1] == 'CAPITAL')}$"
    return f"(U+{ord(character):04X})"


def _greek(letter: str, capital: bool) -> str:
    letter = {"lamda": "lambda"}.get(letter, letter)
    if not capital:
        return "o" if letter == "omicron" else "\\" + letter
    if letter in ("gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "upsilon", "phi",
                  "psi", "omega"):  # fmt: skip
        return "\\" + letter.capitalize()
    latin = {"rho": "P", "eta": "H", "chi": "X", "nu": "N", "mu": "M"}
    return rf"\mathrm{{{latin.get(letter, letter[0].upper())}}}"
