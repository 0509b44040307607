"""Many small cells in one test: a test of its own costs more than what it would check here."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any


def cells(name: str, values: Iterable[Any], ids: Callable[[Any], str] = str) -> Callable[..., Any]:
    """As ``pytest.mark.parametrize``, in one test: all cells are tried, those that fail named."""
    values = list(values)

    def decorate(check: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(check)
        others = [one for one in signature.parameters.values() if one.name != name]
        rest = signature.replace(parameters=others)

        @functools.wraps(check)
        def every(*args: Any, **more: Any) -> None:
            given = rest.bind(*args, **more).arguments
            failed = []
            for value in values:
                try:
                    check(**given, **{name: value})
                except Exception as error:
                    error.add_note(f"{name}: {ids(value)}")
                    failed.append(error)
            if failed:
                raise ExceptionGroup(f"{len(failed)} of {len(values)} cells", failed)

        every.__signature__ = rest  # what pytest is to fill in
        return every

    return decorate
