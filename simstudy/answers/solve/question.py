"""What is asked: a measure, its target, and which way."""

from __future__ import annotations

import re
from dataclasses import dataclass

from simstudy.errors import UserError
from simstudy.measures.catalog import MEASURES
from simstudy.measures.names import Asked, asked

_TARGET = re.compile(r"\s*([\w.]+)\s*(<=|>=)\s*(\S+)\s*")
_SOUGHT = tuple(name for name, one in MEASURES.items() if not one.needs & {"rows", "pairs"})
_WAYS = {"power": True, "type1_error": False, "coverage": True}  # whether more is better


@dataclass(frozen=True, slots=True)
class Question:
    """What is to hold.

    Attributes
    ----------
    asked : Asked
    at_least : bool
        Whether the measure is to be at least, or at most, the target.
    target : float
    """

    asked: Asked
    at_least: bool
    target: float

    @property
    def rate(self) -> bool:
        """Whether the measure is a share of replications."""
        return MEASURES[self.asked.measure].proportion

    @property
    def text(self) -> str:
        """``power of at least 0.8``."""
        return f"{self.asked.name} of at {'least' if self.at_least else 'most'} {self.target:g}"


def question(
    power: float | None = None,
    type1_error: float | None = None,
    coverage: float | None = None,
    target: str | None = None,
) -> Question:
    """One of four ways to ask; `UserError` unless it is exactly one.

    Parameters
    ----------
    power, coverage : float, optional
        At least this.
    type1_error : float, optional
        At most this.
    target : str, optional
        ``MEASURE>=V`` or ``MEASURE<=V``.
    """
    short = {"power": power, "type1_error": type1_error, "coverage": coverage}
    given = {name: value for name, value in short.items() if value is not None}
    if len(given) + (target is not None) != 1:
        raise UserError("give one of --power P, --type1-error P, --coverage P and "
                        "--target 'MEASURE>=V'")  # fmt: skip
    if target is None:
        ((name, value),) = given.items()
        return _checked(name, _WAYS[name], value, f"--{name.replace('_', '-')}")
    found = _TARGET.fullmatch(target)
    if found is None:
        raise UserError(f"--target {target}: expected MEASURE>=V or MEASURE<=V, "
                        "such as 'coverage>=0.94'")  # fmt: skip
    name, way, text = found.groups()
    try:
        value = float(text)
    except ValueError:
        raise UserError(f"--target {target}: {text} is not a number") from None
    return _checked(name, way == ">=", value, f"--target {target}")


def _checked(name: str, at_least: bool, value: float, where: str) -> Question:
    found = asked(name, _SOUGHT, f"{where}: unknown measure '{{}}'")
    made = Question(found, at_least, value)
    if made.rate and not 0 < value < 1:
        percent = f"; write {value / 100:g}" if 1 < value < 100 else ""
        raise UserError(f"{where}: {value:g} is not in (0, 1){percent}")
    if value != value or abs(value) == float("inf"):
        raise UserError(f"{where}: {value:g} is not a number")
    return made
