"""Terms of a model with several predictors, one grouping factor, at most one random slope."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from simstudy.analysis.tokens import is_plain


class Variable(NamedTuple):
    """A column as a predictor: ``x``, or its values as levels, ``C(x)``."""

    column: str
    categorical: bool = False

    def __str__(self) -> str:
        """The name as it stands in those of coefficients: without backticks."""
        return f"C({self.column})" if self.categorical else self.column


Term = tuple[Variable, ...]


class Random(NamedTuple):
    """What varies over clusters.

    Attributes
    ----------
    cluster : str
        Column of the labels.
    slope : str or None
        Column whose slope varies beside the intercept.
    correlated : bool
        False of ``(x || cluster)``.
    """

    cluster: str
    slope: str | None = None
    correlated: bool = True

    @property
    def shown(self) -> str:
        """The term without backticks."""
        return self._written(str)

    def __str__(self) -> str:
        return self._written(quoted)

    def _written(self, name: Callable[[str], str]) -> str:
        inner = "1" if self.slope is None else f"1 + {name(self.slope)}"
        return f"({inner} {'|' if self.correlated else '||'} {name(self.cluster)})"


class Terms(NamedTuple):
    """A formula in R's order: main effects before interactions, each term once.

    Within a term the variables stand as they first do in the formula. The intercept is
    always there and not among them.
    """

    outcome: str
    fixed: tuple[Term, ...]
    random: Random

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Every predictor once, in order."""
        return tuple(dict.fromkeys(variable for term in self.fixed for variable in term))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read: the outcome's, the predictors', the cluster's."""
        predictors = (variable.column for variable in self.variables)
        return tuple(dict.fromkeys((self.outcome, *predictors, self.random.cluster)))

    @property
    def shown(self) -> str:
        """The formula with the names that coefficients have: without backticks."""
        fixed = [":".join(map(str, term)) for term in self.fixed]
        return f"{self.outcome} ~ {' + '.join([*fixed, self.random.shown])}"

    def __str__(self) -> str:
        """The formula as it may be written again."""
        fixed = [":".join(map(source, term)) for term in self.fixed]
        return f"{quoted(self.outcome)} ~ {' + '.join([*fixed, str(self.random)])}"


def quoted(column: str) -> str:
    """A column's name as a formula has it: in backticks where it is no plain name."""
    return column if is_plain(column) else f"`{column}`"


def source(variable: Variable) -> str:
    """A predictor as a formula has it."""
    name = quoted(variable.column)
    return f"C({name})" if variable.categorical else name
