"""``{use: "my_measures.py:f"}`` as a measure of a study.

With a `digest` beside it, as results folders keep it, the file is not looked at before the
measure is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simstudy.errors import nearest
from simstudy.own import files
from simstudy.own.declare import MEASURE
from simstudy.own.fit import account_of
from simstudy.own.settle import Importing, use_of
from simstudy.registry import OptionError, Use

_KEYS = ("use", "digest")
_BUILT_IN = "the measures that are built in are always there"


@dataclass(frozen=True, slots=True)
class OwnMeasure:
    """A measure of the user's own: plain data, no part of any name, digest or stored row."""

    use: Use

    @property
    def name(self) -> str:
        """What it is called in a summary: as its function is."""
        return self.use.function

    @property
    def function(self) -> Any:
        """The function, its file imported, or `UserError`."""
        return files.function_of(self.use, MEASURE)

    @property
    def account(self) -> str:
        """What it says that it is, in a line; empty where it says nothing."""
        return account_of(self.function)


def settle_measure(
    item: Any,
    folder: Path,
    trusted: bool = True,
    importing: Importing = lambda file, method: None,
) -> OwnMeasure:
    """Check one entry of `measures:`, or raise `UserError`.

    Parameters
    ----------
    item : mapping or callable
        use, and as stored its digest; from Python also the decorated function itself.
    folder, trusted, importing
        As of a method's (`settle`).
    """
    if callable(item):
        item = {"use": item}
    if not isinstance(item, Mapping) or "use" not in item:
        message = f'expected {{use: "file.py:function"}}, got {item!r:.60}; {_BUILT_IN}'
        raise OptionError("use", message)
    for key in item:
        if key not in _KEYS:
            raise OptionError(str(key), f"a measure has no option '{key}'{nearest(key, _KEYS)}")
    digest = item.get("digest")
    if digest is not None and (not isinstance(digest, str) or not digest.strip()):
        raise OptionError("digest", f"expected text, got {digest!r:.40}")
    if digest is None and not trusted:
        message = "the digest of its file is missing; nothing is imported to find it out"
        raise OptionError("use", f"{item['use']!r:.60}: {message}")
    use = replace(use_of(item["use"], folder, digest, MEASURE), trusted=trusted)
    found = OwnMeasure(use)
    if trusted and use.file:
        importing(use.file, f"the measure {found.name}")
    if digest is None:
        _ = found.function  # what is wrong with it is said before any work is done
    return found
