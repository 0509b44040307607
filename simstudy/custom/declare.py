"""``@simstudy.method``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, overload

from simstudy.entries import COMMON, GRAINS
from simstudy.errors import nearest
from simstudy.estimands import DEFAULT, ESTIMANDS, OTHER_NAMES

F = TypeVar("F", bound=Callable[..., Any])
MARK, MEASURE_MARK = "__simstudy__", "__simstudy_measure__"
RESERVED = ("use", "truth", "digest", "timeout", *COMMON)  # the study file's own words
PART = {"rows": 32, "clusters": 4096, "pooled": 4096}


class DeclarationError(ValueError):
    """A function cannot be a method as it is declared; says why in one line."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a decorator says of its function.

    Attributes
    ----------
    grain : {"rows", "clusters", "pooled"}
        rows: one data frame at a time; else all moments of a batch at once.
    part : int
        Replications of a stored range.
    estimand : str
        Name of what is estimated.
    """

    grain: str
    part: int
    estimand: str


@overload
def method(function: F) -> F: ...
@overload
def method(
    *,
    grain: str = "rows",
    part: int | None = None,
    estimand: str | None = None,
    truth: str | None = None,
) -> Any: ...
def method(
    function: Any = None,
    *,
    grain: str = "rows",
    part: int | None = None,
    estimand: str | None = None,
    truth: str | None = None,
) -> Any:
    """Make a function a method that a study file can name: ``{use: "my_methods.py:trimmed"}``.

    The function returns (estimate, std_error), then df and p_value if it has them, as a tuple
    or as a dict. A dict may hold `ci_low` and `ci_high`, an interval at the first alpha, which
    coverage and width then use, and `truth`, the true value in this data set; they go to
    `extras/`, as does whatever else it holds, and tau2 and sigma2 to their columns. Without df
    the test is normal; without a standard error the p_value stands alone. What it raises, a
    warning of non-convergence, NaN or another shape makes a `failed` row. A dict with
    `converged` (true or false, for moments an array as well) decides that itself, whatever is
    warned.

    Parameters
    ----------
    function : callable
        ``function(data, **options)``; options are numbers, text or truth values, by any name
        but use, label, estimand, null_value, when, truth, digest and timeout. With an argument
        `rng` (of a method on data frames) it gets a ``numpy.random.Generator`` of that
        replication.
    grain : {"rows", "clusters", "pooled"}
        rows: data is one replication's DataFrame with columns cluster, x and y, and group where
        there is a third level.
        clusters: data is the moments (`simstudy.moments.Clusters`) of R replications, the last
        axis, of J clusters: `n_clusters`; `sizes` of shape (J, 1) or (J, R); `mean_x` and
        `mean_y` of shape (J, R); and cross-products about the cluster means `within.xx`,
        `within.xy` and `within.yy` of shape (J, R). What all replications share may have one
        column. Where `clusters_per_group` is not 0, so many clusters in turn form a group.
        pooled: the same, or where equal sizes and normal x allow it
        `simstudy.moments.Pooled`: `n_clusters`, `cluster_size`, and `within` and `between`,
        pooled over clusters, of shape (R,). Every value returned is of shape (R,).
    part : int, optional
        Replications of a stored range (32 data frames or 4,096 replications of moments): the
        work that is lost with a killed worker, and computed again. Choose fewer where a range
        takes longer than a few seconds; `check` says how long.
    estimand : str, optional
        What is estimated, by default the slope: a name of `simstudy.estimands.ESTIMANDS`.
    truth : str, optional
        An older word for estimand.
    """
    if estimand is not None and truth is not None:
        raise DeclarationError("truth is an older word for estimand; give one of them")
    target = estimand or truth or DEFAULT

    def declare(function: F) -> F:
        _refuse_arguments(function, grain)
        setattr(function, MARK, Declared(grain, part or PART[grain], target))
        return function

    for name, value, known in (
        ("grain", grain, GRAINS),
        ("truth" if truth else "estimand", target, ESTIMANDS),
    ):
        if value not in known:
            raise DeclarationError(
                f"{name} {value!r:.40} is not known{nearest(value, known, OTHER_NAMES)}"
            )
    if part is not None and (not isinstance(part, int) or part < 1):
        raise DeclarationError(f"part {part!r:.40} is not a whole number from 1 up")
    return declare if function is None else declare(function)


def _refuse_arguments(function: Any, grain: str) -> None:
    """Refuse a function that cannot be called with data and then with options by name."""
    name = getattr(function, "__name__", "the method")
    parameters = list(inspect.signature(function).parameters.values())
    first = parameters[0] if parameters else None
    if first is None or first.kind in (first.KEYWORD_ONLY, first.VAR_KEYWORD):
        raise DeclarationError(f"{name} needs an argument for the data")
    if first.name == "rng":
        raise DeclarationError(f"{name} needs an argument for the data before rng")
    if grain != "rows" and draws(function):
        message = "rng is for methods on data frames: a batch has many replications"
        raise DeclarationError(f"{name}: {message}")
    for parameter in parameters[1:]:
        if parameter.name in RESERVED:
            message = f"{name}: '{parameter.name}' is a word of the study file's own"
            raise DeclarationError(f"{message}; give that option another name")


def declared(function: Any) -> Declared | None:
    """What was declared of a function; None where it is not decorated."""
    mark = getattr(function, MARK, None)
    return mark if isinstance(mark, Declared) else None


class Kind(NamedTuple):
    """What a `use:` can name: the decorator it must have, and whether a function has it."""

    decorator: str
    fits: Callable[[Any], bool]


METHOD = Kind("@simstudy.method", lambda function: declared(function) is not None)
MEASURE = Kind("@simstudy.measure", lambda function: getattr(function, MEASURE_MARK, None) is True)
FIGURE = Kind("def", inspect.isfunction)  # any function of a summary


def options_of(function: Any, n_given: int = 1) -> tuple[dict[str, Any], bool]:
    """A function's options with their defaults, and whether it takes any others as well.

    The first `n_given` arguments are none.
    """
    parameters = list(inspect.signature(function).parameters.values())[n_given:]
    named = {p.name: p.default for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD,
                                                               p.KEYWORD_ONLY)}  # fmt: skip
    named.pop("rng", None)
    return named, any(p.kind is p.VAR_KEYWORD for p in parameters)


def draws(function: Any) -> bool:
    """Whether a function asks for random numbers."""
    return "rng" in inspect.signature(function).parameters


def account_of(function: Any) -> str:
    """First line of a function's docstring; empty without one."""
    lines = (function.__doc__ or "").strip().splitlines()
    return lines[0].strip() if lines else ""
