"""``@simstudy.generator``."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from simstudy.custom.declare import DeclarationError, Kind
from simstudy.errors import nearest

F = TypeVar("F", bound=Callable[..., Any])
Truth = float | Mapping[str, float] | Callable[..., Any]
_MARK = "__simstudy_generator__"
_GRAINS = {"rows": 256, "clusters": 0}  # and replications of a stored range
RESERVED = ("use", "digest", "truth", "timeout")  # the study file's own words


@dataclass(frozen=True, slots=True)
class DeclaredGenerator:
    """What the decorator says of its function.

    Attributes
    ----------
    grain : {"rows", "clusters"}
        rows: one data frame of units at a time; clusters: moments of many replications.
    part : int
        Replications of a stored range; 0 as of built-in generators.
    truth : number, mapping of estimands to numbers, or callable, optional
        The true slope, or values by estimand; or ``truth(scenario, **options)`` that gives it.
    """

    grain: str
    part: int
    truth: Truth | None


@overload
def generator(function: F) -> F: ...
@overload
def generator(
    *, grain: str = "rows", truth: Truth | None = None, part: int | None = None
) -> Any: ...
def generator(
    function: Any = None,
    *,
    grain: str = "rows",
    truth: Truth | None = None,
    part: int | None = None,
) -> Any:
    """Make a function a generator that scenarios can name: ``data: {use: "my_world.py:skewed"}``.

    What it raises, what is not finite, and sizes that are not those asked for make `failed` rows
    of all methods in those replications, and no others.

    Parameters
    ----------
    function : callable
        ``function(rng, scenario, **options)``. `rng` is a ``numpy.random.Generator`` of that
        replication alone. `scenario` has the fields of the study file by their names:
        `n_clusters`, and where they are given `icc`, `x_icc`, `slope`, ..., and `tau2` and
        `sigma2`; ``scenario.sizes(rng)`` draws the cluster sizes, by `cluster_size`. Options are
        numbers, texts, truth values, or lists of them, by any name but use, digest, truth and
        timeout.
    grain : {"rows", "clusters"}
        rows: it returns the data frame of one replication, of any library, or a dict of
        columns: cluster, x, y, the covariates of the scenario, and with a third level, unless
        groups are consecutive clusters, group.
        clusters: it returns the moments of ``scenario.n_reps`` replications, R: a dict of
        `sizes`, shape (J,), (J, 1) or (J, R); `mean_x` and `mean_y`, shape (J, R); and
        cross-products about the cluster means `within.xx`, `within.xy`, `within.yy`, shape
        (J, R); or, as with covariates, `simstudy.moments.Clusters`. `rng` is that of all R.
    truth : number, mapping or callable, optional
        True value of the slope, by default the scenario's; a mapping says it of other estimands
        too, and a function is called with the scenario and, of the options, those that it takes.
        A data set may bring its own: ``frame.attrs["truth"]``, or the key `truth`.
    part : int, optional
        Replications of a stored range (256 data frames): what a killed worker loses.
    """

    def declare(function: F) -> F:
        _refuse_arguments(function)
        setattr(function, _MARK, DeclaredGenerator(grain, part or _GRAINS[grain], truth))
        return function

    if grain not in _GRAINS:
        raise DeclarationError(f"grain {grain!r:.40} is not known{nearest(grain, _GRAINS)}")
    if part is not None and (not isinstance(part, int) or part < 1):
        raise DeclarationError(f"part {part!r:.40} is not a whole number from 1 up")
    if truth is not None and not callable(truth) and not _is_truth(truth):
        raise DeclarationError(f"truth {truth!r:.40} is no number, mapping or function")
    return declare if function is None else declare(function)


def _is_truth(truth: Any) -> bool:
    values = truth.values() if isinstance(truth, Mapping) else [truth]
    return all(
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        for value in values
    )


def _refuse_arguments(function: Any) -> None:
    """Refuse a function that cannot be called with random numbers, a scenario and options."""
    name = getattr(function, "__name__", "the generator")
    parameters = list(inspect.signature(function).parameters.values())
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if len(parameters) < 2 or any(parameter.kind not in plain for parameter in parameters[:2]):
        raise DeclarationError(f"{name} needs two arguments before its options: rng and scenario")
    for parameter in parameters[2:]:
        if parameter.name in RESERVED:
            message = f"{name}: '{parameter.name}' is a word of the study file's own"
            raise DeclarationError(f"{message}; give that option another name")


def declared(function: Any) -> DeclaredGenerator | None:
    """What was declared of a function; None where it is not decorated so."""
    mark = getattr(function, _MARK, None)
    return mark if isinstance(mark, DeclaredGenerator) else None


GENERATOR = Kind("@simstudy.generator", lambda function: declared(function) is not None)
