"""Parts of designs that are not crossed with each other, in one factor.

A study of several worlds, each with a part of its own, has a column a part, nearly all of them
at their default; what differs from the plain model is then told in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simstudy.generators.part import described
from simstudy.study.fields import is_default

WORLD = "world"
_PLAIN = "plain"


def gathered(scenarios: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Levels by factor, those of parts as one factor where that tells scenarios apart as well.

    Crossed factors stay: they have more combinations than there are levels to tell.
    """
    levels_of = {
        name: {levels[name] for levels in scenarios}
        for name in (scenarios[0] if scenarios else ())
        if described(name)
    }
    varying = [name for name, levels in levels_of.items() if len(levels) > 1]
    different = {tuple(levels[name] for name in varying) for levels in scenarios}
    alternatives = sum(len(levels_of[name]) - 1 for name in varying)
    if len(varying) < 2 or len(different) - 1 > alternatives:
        return list(scenarios)
    return [_told(levels, varying) for levels in scenarios]


def _told(levels: dict[str, Any], varying: list[str]) -> dict[str, Any]:
    unusual = {name: levels[name] for name in varying
               if levels[name] is not None and not is_default(name, levels[name])}  # fmt: skip
    texts = (f"{name} {level:g}" if isinstance(level, float) else f"{name} {level}"
             for name, level in unusual.items())  # fmt: skip
    world = {WORLD: ", ".join(texts) or _PLAIN}
    told: dict[str, Any] = {}
    for name, level in levels.items():
        told |= world if name in varying else {name: level}
    return told
