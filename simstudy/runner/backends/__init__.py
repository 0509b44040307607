"""Where the work of a run is done, a file and a registration each.

A backend does calls and hands on their results as they come. Which there are is known from
their files alone: what they need is imported when they are opened.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from simstudy.errors import UserError, nearest

if TYPE_CHECKING:
    from simstudy.runner.backends._backend import Backend

USUAL = "loky"


def names() -> list[str]:
    """The backends there are."""
    return [module.name for module in iter_modules(__path__) if not module.name.startswith("_")]


def opened(name: str = USUAL, scheduler: str | None = None) -> Backend:
    """A backend, ready to work; a context that ends what it started.

    Parameters
    ----------
    name : str
    scheduler : str, optional
        Address of what deals out the work, for a backend that has such a thing.
    """
    from simstudy.runner.backends._backend import registered

    if name not in names():
        raise UserError(f"backend: '{name}' is not known{nearest(name, names())}")
    import_module(f"{__name__}.{name}")
    return registered(name)(scheduler)
