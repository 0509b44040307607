"""One result for all who ask the same of the same moments."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from simstudy.moments import Moments

F = TypeVar("F", bound=Callable[..., Any])


def shared(function: F) -> F:
    """Keep what a function of moments gave, as long as these moments live; a decorator.

    So estimands, terms and reference distributions of one model cost one optimization. Other
    arguments must be hashable and given by place.
    """
    held: WeakKeyDictionary[Moments, dict[Hashable, Any]] = WeakKeyDictionary()

    @wraps(function)
    def once(moments: Moments, *of: Hashable) -> Any:
        mine = held.setdefault(moments, {})
        if of not in mine:
            mine[of] = function(moments, *of)
        return mine[of]

    return once  # type: ignore[return-value]
