"""A lock from its text, which may come from anybody: nothing is taken that is not of its form."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from simstudy.entries import GRAINS
from simstudy.estimands import DEFAULT
from simstudy.forms import Number, shown
from simstudy.locks.lock import FORMAT, IDS, TIME, Crossing, Lock
from simstudy.locks.plan import Levels, Plan, Planned
from simstudy.study.fields import TOP_NUMBERS
from simstudy.study.place import Place
from simstudy.study.precision import replications_of
from simstudy.study.yaml_lines import Document

_COUNT = Number("a number of fits", 0, 1e18, integer=True)
_SECONDS = Number("seconds", 0)
_TOP = ("format", "study", "locked", "digest", "stored", "versions", "plan")
_METHOD = ("name", "label", "estimand", "when", "timeout")


def lock_in(document: Document) -> Lock:
    """The lock that a document is, or `UserError`: file, line, and what is wrong."""
    top = Place(document, (), document.data)
    top.expect(dict, "a lock (format, study, locked, ...)")
    written = top.get("format").value
    if isinstance(written, int) and written > FORMAT:
        top.refuse(f"{written} is of a later version of simstudy; this reads {FORMAT}", "format")
    _keys(top, _TOP)
    if type(written) is not int or written != FORMAT:
        top.refuse(f"expected {FORMAT}, got {shown(written)}", "format")
    plan, crossings = _plan(top["plan"])
    lock = Lock(
        study=_text(top["study"]),
        locked=_time(top["locked"]),
        versions=_texts(top["versions"]),
        stored=int(_COUNT.read(top["stored"])),
        plan=plan,
        crossings=crossings,
    )
    if top["digest"].value != plan.digest:
        what = "is not that of the plan below it: the lock was changed after it was written"
        top.refuse(f"{what}; put it back as it was, or lock the study anew", "digest")
    return lock


def _keys(place: Place, needed: tuple[str, ...], others: tuple[str, ...] = ()) -> None:
    place.expect(dict, f"a mapping of {', '.join(needed)}")
    place.allow((*needed, *others), {})
    for key in needed:
        if key not in place.value:
            place.refuse(f"'{key}' is missing")


def _text(place: Place) -> str:
    text: str = place.expect(str, "text")
    if not text.strip():
        place.refuse("is empty")
    return text


def _texts(place: Place) -> dict[str, str]:
    place.expect(dict, "a mapping of names to texts")
    return {key: _text(place[key]) for key in place.value}


def _time(place: Place) -> str:
    text = _text(place)
    with suppress(ValueError):
        if datetime.strptime(text, TIME).strftime(TIME) == text:
            return text
    place.refuse(f"expected a time such as 2026-11-27T02:21:59Z, got {shown(text)}")


def _plan(place: Place) -> tuple[Plan, tuple[Crossing, ...]]:
    _keys(place, ("seed", "alpha", "replications", "methods", "scenarios"),
          ("reference", "grain", "claims", "files"))  # fmt: skip
    crossings = tuple(_crossing(one) for one in _list(place["scenarios"]))
    scenarios: dict[str, Levels] = {}
    for one, crossing in zip(place["scenarios"].items(), crossings, strict=True):
        for name, levels in crossing.scenarios():
            if name in scenarios:
                one.refuse(f"scenario {name} stands there twice", IDS)
            scenarios[name] = levels
    methods: dict[str, Planned] = {}
    for one in _list(place["methods"]):
        method = _method(one)
        if method.name in methods:
            one.refuse(f"{shown(method.name)} stands there twice", "name")
        methods[method.name] = method
    n_reps, rule = replications_of(place["replications"])
    given = place.value
    plan = Plan(
        seed=int(TOP_NUMBERS["seed"].read(place["seed"])),
        alpha=tuple(float(TOP_NUMBERS["alpha"].read(one)) for one in _list(place["alpha"])),
        replications=n_reps if rule is None else rule.written,
        reference=_text(place["reference"]) if "reference" in given else None,
        grain=_grain(place["grain"]) if "grain" in given else None,
        methods=methods,
        scenarios=scenarios,
        files=_texts(place["files"]) if "files" in given else {},
        claims=tuple(map(_text, _list(place["claims"]))) if "claims" in given else (),
    )
    return plan, crossings


def _list(place: Place) -> list[Place]:
    place.expect(list, "a list")
    if not place.value:
        place.refuse("is an empty list")
    return place.items()


def _grain(place: Place) -> str:
    if place.value not in GRAINS:
        place.refuse(f"{shown(place.value)} is not a grain")
    return str(place.value)


def _method(place: Place) -> Planned:
    _keys(place, ("name",), _METHOD)
    given, name = place.value, _text(place["name"])
    readers: dict[str, Callable[[Place], Any]] = {
        "label": _text, "estimand": _text, "when": _text, "timeout": _SECONDS.read,
    }  # fmt: skip
    said = {key: read_one(place[key]) for key, read_one in readers.items() if key in given}
    return Planned(name, **{"label": name, "estimand": DEFAULT} | said)


def _crossing(place: Place) -> Crossing:
    place.expect(dict, "a mapping of fields to levels")
    if IDS not in place.value:
        place.refuse(f"'{IDS}' is missing")
    levels = {key: [_level(one) for one in place[key].levels()]
              for key in place.value if key != IDS}  # fmt: skip
    ids = _text(place[IDS]).split()
    wrong = [name for name in ids if not re.fullmatch("[0-9a-f]{8}", name)]
    if wrong:
        place.refuse(f"{shown(wrong[0])} is not the id of a scenario", IDS)
    n = math.prod(map(len, levels.values()))
    if n != len(ids):
        place.refuse(f"are {len(ids):,}, and the levels give {n:,} scenarios", IDS)
    return Crossing(levels, ids)


def _level(place: Place) -> float | int | str:
    value = place.value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        place.refuse(f"expected a number or text, got {shown(value)}")
    return value
