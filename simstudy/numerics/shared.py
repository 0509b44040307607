"""One result for all who ask the same of the same moments."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, TypeVar

from simstudy.moments import Moments

F = TypeVar("F", bound=Callable[..., Any])


def shared(function: F) -> F:
    """Keep what a function of moments gave, with these moments; a decorator.

    So estimands, terms and reference distributions of one model cost one optimization. Other
    arguments must be hashable and given by place.
    """

    @wraps(function)
    def once(moments: Moments, *of: Hashable) -> Any:
        held = moments.results
        key = function, *of
        if key not in held:
            held[key] = function(moments, *of)
        return held[key]

    return once  # type: ignore[return-value]
