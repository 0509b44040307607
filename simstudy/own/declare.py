"""Room 2: ``@simstudy.method``. Imports the registry alone, so that a user's file loads fast."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from simstudy.registry import GRAINS

F = TypeVar("F", bound=Callable[..., Any])
MARK = "__simstudy__"
PART = {"rows": 32, "clusters": 4096, "pooled": 4096}
TRUTHS = ("slope", "intercept", "contextual_effect", "icc", "total_variance", "tau2", "sigma2")


@dataclass(frozen=True, slots=True)
class Declared:
    """What a decorator says of its function.

    Attributes
    ----------
    grain : {"rows", "clusters", "pooled"}
        rows: one data frame at a time; else all moments of a batch at once.
    part : int
        Replications of a stored range.
    truth : str
        What of a scenario is estimated.
    """

    grain: str
    part: int
    truth: str


@overload
def method(function: F) -> F: ...
@overload
def method(*, grain: str = "rows", part: int | None = None, truth: str = "slope") -> Any: ...
def method(
    function: Any = None, *, grain: str = "rows", part: int | None = None, truth: str = "slope"
) -> Any:
    """Make a function a method that a study file can name: ``{use: "my_methods.py:trimmed"}``.

    The function returns (estimate, std_error), then df and p_value if it has them, as a tuple
    or as a dict; whatever else a dict holds goes to `extras/`, and tau2 and sigma2 to their
    columns. Without df the test is normal; without a standard error the p_value stands alone.
    What it raises, a warning of non-convergence, NaN or another shape makes a `failed` row.

    Parameters
    ----------
    function : callable
        ``function(data, **options)``; options are numbers, text or truth values. With an
        argument `rng` (of a method on data frames) it gets a ``numpy.random.Generator`` of that
        replication.
    grain : {"rows", "clusters", "pooled"}
        rows: data is one replication's DataFrame with columns cluster, x and y. clusters,
        pooled: data is `simstudy.moments.Clusters` (or, for pooled, `Pooled` where that is
        enough) of R replications, the last axis, and every value returned has shape (R,).
    part : int, optional
        Replications of a stored range (32 data frames or 4,096 replications of moments): what
        a killed worker loses. Fewer for a method that takes longer than 50 ms.
    truth : str
        The scenario's field that is estimated, the slope by default.
    """

    def declare(function: F) -> F:
        if grain != "rows" and draws(function):
            raise ValueError("rng is for methods on data frames: a batch has many replications")
        setattr(function, MARK, Declared(grain, part or PART[grain], truth))
        return function

    if grain not in GRAINS:
        raise ValueError(f"grain {grain!r} is none of {', '.join(GRAINS)}")
    if truth not in TRUTHS:
        raise ValueError(f"truth {truth!r} is none of {', '.join(TRUTHS)}")
    if part is not None and (not isinstance(part, int) or part < 1):
        raise ValueError(f"part {part!r} is not a whole number from 1 up")
    return declare if function is None else declare(function)


def declared(function: Any) -> Declared | None:
    """What was declared of a function; None where it is not decorated."""
    found = getattr(function, MARK, None)
    return found if isinstance(found, Declared) else None


def options_of(function: Any) -> tuple[dict[str, Any], bool]:
    """A function's options with their defaults, and whether it takes any others as well."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    named = {p.name: p.default for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD,
                                                               p.KEYWORD_ONLY)}  # fmt: skip
    named.pop("rng", None)
    return named, any(p.kind is p.VAR_KEYWORD for p in parameters)


def draws(function: Any) -> bool:
    """Whether a function asks for random numbers."""
    return "rng" in inspect.signature(function).parameters
