"""Users' files as modules of this package, by name.

A module's name holds its file, so that a process which a method starts can import it too and
find the functions that were sent there.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

__path__: list[str] = []  # makes this a package; what is in it the finder below knows
_PREFIX = f"{__name__}."
_brought: dict[str, bytes] = {}


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


def bring(files: Mapping[str, bytes]) -> None:
    """Take the content of files, by digest, that may not lie where this process is."""
    _brought.update(files)


def brought(digest: str) -> bytes | None:
    """The content that was brought of a file, if any was."""
    return _brought.get(digest)


def _digest(name: str) -> str:
    return name.removeprefix(_PREFIX).partition("_")[0]


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
        file, content = str(module.__file__), brought(_digest(module.__name__))
        linecache.checkcache(file)
        if content is None:
            content = Path(file).read_bytes()
        else:  # for tracebacks; without a time nobody looks for the file
            lines = content.decode("utf-8", "replace").splitlines(keepends=True)
            linecache.cache[file] = len(content), None, lines, file
        exec(compile(content, file, "exec"), module.__dict__)


sys.meta_path.append(_Finder())
