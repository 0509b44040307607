"""Users' files as modules of this package, by name.

A module's name holds its file, so that a process which a method starts can import it too and
find the functions that were sent there.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

__path__: list[str] = []  # makes this a package; what is in it the finder below knows
_PREFIX = f"{__name__}."


def name_of(file: str, digest: str) -> str:
    """Name of the module of a file with this content."""
    return f"{_PREFIX}{digest}_{os.fsencode(file).hex()}"


def is_ours(names: dict[str, Any]) -> bool:
    """Whether a frame with these globals is this package's own, and no user's."""
    name = str(names.get("__name__", ""))
    return name.partition(".")[0] == __name__.partition(".")[0] and not name.startswith(_PREFIX)


def holds(function: Any) -> bool:
    """Whether a function stands in a user's file that was imported for a `use:`."""
    return str(getattr(function, "__module__", "")).startswith(_PREFIX)


class _Finder(MetaPathFinder, Loader):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_loader(name, self) if name.startswith(_PREFIX) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = ModuleType(spec.name)
        module.__file__ = os.fsdecode(bytes.fromhex(spec.name.rpartition("_")[2]))
        return module

    def exec_module(self, module: ModuleType) -> None:
        file = str(module.__file__)
        linecache.checkcache(file)
        exec(compile(Path(file).read_bytes(), file, "exec"), module.__dict__)


sys.meta_path.append(_Finder())
