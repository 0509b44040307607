"""Where the work of a run is done, a file and a registration each.

A backend does calls and hands on their results as they come. Which backends there are is known
from their files alone: what they need is imported when they are used.
"""

from importlib import import_module
from pkgutil import iter_modules

from simstudy.errors import UserError, nearest
from simstudy.runner.backends._backend import Backend, registered

USUAL = "loky"


def names() -> list[str]:
    """The backends there are."""
    return [module.name for module in iter_modules(__path__) if not module.name.startswith("_")]


def opened(name: str = USUAL, scheduler: str | None = None) -> Backend:
    """A backend, ready to work; a context that ends it.

    Parameters
    ----------
    name : str
    scheduler : str, optional
        Address of what deals out the work, for a backend that has such a thing.
    """
    if name not in names():
        raise UserError(f"backend: '{name}' is not known{nearest(name, names())}")
    import_module(f"{__name__}.{name}")
    return registered(name)(scheduler)
