"""The LaTeX of the methods section as MathML, which browsers draw and read aloud by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

_LETTERS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "theta": "θ", "nu": "ν", "pi": "π",
    "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "ϕ", "chi": "χ", "omega": "ω", "Phi": "Φ",
    "exp": "exp",
}  # fmt: skip
_OPERATORS = {
    "sum": "∑", "sim": "∼", "pm": "±", "dots": "…", "le": "≤", "ge": "≥", "cdot": "⋅",
    "lfloor": "⌊", "rfloor": "⌋", "lvert": "|", "rvert": "|", "{": "{", "}": "}", "-": "−",
}  # fmt: skip
_SPACES = {"qquad": 2.0, "quad": 1.0, ",": 0.17, ";": 0.28, " ": 0.3}  # em
_ACCENTS = {"bar": "¯", "hat": "^"}
_STRETCHY = re.compile(r"[(){}|⌊⌋]")
_TOKEN = re.compile(
    r"\\(?P<words>text|mathrm|operatorname)\{(?P<inside>(?:\\.|[^{}])*)\}"
    r"|\\(?P<command>[a-zA-Z]+|.)|(?P<number>\d+(?:[.,]\d+)*)|(?P<one>\S)"
)
_FONTS = {"text": "mtext", "mathrm": "mi", "operatorname": "mi"}


class UnknownMathError(ValueError):
    """LaTeX that is not among what the methods section has."""


def mathml(tex: str, *, display: bool = False) -> str:
    """A formula without its dollar signs as a ``math`` element.

    Raises
    ------
    UnknownMathError
        A command is not known, or an argument is missing.
    """
    tokens = _Tokens(tex)
    body = "".join(_terms(tokens, until=None))
    where = ' display="block"' if display else ""
    return f"<math{where}><mrow>{body}</mrow></math>"


class _Tokens:
    """Tokens of a formula, of which one can be given back."""

    def __init__(self, tex: str) -> None:
        self._left = [match.groupdict() for match in _TOKEN.finditer(tex)][::-1]

    def next(self) -> dict[str, str | None] | None:
        return self._left.pop() if self._left else None

    def peek(self) -> str | None:
        return self._left[-1]["one"] if self._left else None

    def digit(self) -> str | None:
        """The first digit where a number follows: an argument without braces is one sign."""
        number = self._left[-1]["number"] if self._left else None
        if not number:
            return None
        rest = number[1:]
        self._left[-1]["number"] = rest
        if not rest:
            self._left.pop()
        return number[0]


def _terms(tokens: _Tokens, until: str | None) -> Iterator[str]:
    """Elements up to a closing brace, or to the end."""
    before: str | None = "("
    while (token := tokens.next()) is not None:
        if token["one"] == until and until is not None:
            return
        if token["one"] == "-" and before in ("(", ",", "="):
            yield '<mo form="prefix">−</mo>'  # a sign, which stands closer than the operator
        else:
            yield _scripted(_element(token, tokens), tokens)
        before = token["one"]
    if until is not None:
        raise UnknownMathError(f"no {until}")


def _scripted(base: str, tokens: _Tokens) -> str:
    """An element with the sub- and superscript that follow it."""
    scripts: dict[str, str] = {}
    while (mark := tokens.peek()) in ("_", "^"):
        tokens.next()
        scripts[str(mark)] = _argument(tokens)
    match scripts:
        case {"_": below, "^": above}:
            return f"<msubsup>{base}{below}{above}</msubsup>"
        case {"_": below}:
            return f"<msub>{base}{below}</msub>"
        case {"^": above}:
            return f"<msup>{base}{above}</msup>"
    return base


def _argument(tokens: _Tokens) -> str:
    """One element, or what is in braces."""
    if digit := tokens.digit():
        return f"<mn>{digit}</mn>"
    if (token := tokens.next()) is None:
        raise UnknownMathError("nothing follows")
    return _element(token, tokens)


def _element(token: dict[str, str | None], tokens: _Tokens) -> str:
    if words := token["words"]:
        text = re.sub(r"\\(.)", r"\1", token["inside"] or "")
        tag = _FONTS[words]
        # a text keeps the blanks at its ends, which MathML would take away
        text = re.sub("^ +| +$", "\N{NO-BREAK SPACE}", text) if tag == "mtext" else text
        return f"<{tag}>{escape(text)}</{tag}>"
    if command := token["command"]:
        return _command(command, tokens)
    if number := token["number"]:
        return f"<mn>{number}</mn>"
    sign = token["one"] or ""
    if sign == "{":
        return f"<mrow>{''.join(_terms(tokens, '}'))}</mrow>"
    if sign in "_^}&$~#":
        raise UnknownMathError(f"{sign} stands alone")
    return f"<mi>{sign}</mi>" if sign.isalpha() else _operator(_OPERATORS.get(sign, sign))


def _operator(sign: str) -> str:
    fixed = ' stretchy="false"' if _STRETCHY.fullmatch(sign) else ""
    return f"<mo{fixed}>{escape(sign)}</mo>"


def _command(name: str, tokens: _Tokens) -> str:
    if name in _LETTERS:
        upright = ' mathvariant="normal"' if name == "Phi" else ""
        return f"<mi{upright}>{_LETTERS[name]}</mi>"
    if name in _OPERATORS:
        return _operator(_OPERATORS[name])
    if name in _SPACES:
        return f'<mspace width="{_SPACES[name]}em"></mspace>'
    if name in _ACCENTS:
        return f'<mover accent="true">{_argument(tokens)}<mo>{_ACCENTS[name]}</mo></mover>'
    if name == "sqrt":
        return f"<msqrt>{_argument(tokens)}</msqrt>"
    if name == "frac":
        return f"<mfrac>{_argument(tokens)}{_argument(tokens)}</mfrac>"
    if name in "%_#&$":
        return f"<mtext>{escape(name)}</mtext>"
    raise UnknownMathError(f"\\{name}")
