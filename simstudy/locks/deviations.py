"""In what a study is not as it was planned, in words: a line each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from simstudy.errors import first_of
from simstudy.forms import flow
from simstudy.locks.plan import Levels, Plan, Planned
from simstudy.study.fields import is_default
from simstudy.study.grid import text_of

_NAMED = 6  # scenarios, or levels, that are named
_DIGEST = re.compile(r"digest=[0-9a-f]+")
_ALIKE = 0.6  # of two claims of which one is the other, changed
_INCIDENTAL = ("cpu", "git_commit")  # recorded; another is no deviation


def deviations(locked: Plan, now: Plan) -> list[str]:
    """What is otherwise now than in the plan that was locked; nothing where all is as it was."""
    return [*_settings(locked, now), *_methods(locked, now), *_scenarios(locked, now),
            *_files(locked, now), *_claims(locked.claims, now.claims)]  # fmt: skip


def other_versions(locked: Mapping[str, str], made: Iterable[Mapping[str, Any]]) -> list[str]:
    """Of software that made rows in other versions than were there when the study was locked.

    Parameters
    ----------
    locked : mapping
        Name -> version.
    made : iterable of mapping
        The same of every origin of rows.
    """
    origins, lines = list(made), []
    for name in (name for name in locked if name not in _INCIDENTAL):
        versions = dict.fromkeys(str(origin[name]) for origin in origins if origin.get(name))
        if {_decisive(name, v) for v in versions} - {_decisive(name, locked[name])}:
            lines.append(f"{name} {' and '.join(versions)} instead of {locked[name]}")
    return lines


def _decisive(name: str, version: str) -> str:
    """What of a version may change digits: of Python not its last number."""
    return version.rpartition(".")[0] if name == "python" else version


def _settings(locked: Plan, now: Plan) -> Iterator[str]:
    if locked.seed != now.seed:
        yield f"seed {now.seed} instead of {locked.seed}"
    if locked.alpha != now.alpha:
        yield f"alpha {_levels(now.alpha)} instead of {_levels(locked.alpha)}"
    if locked.replications != now.replications:
        then, n = locked.replications, now.replications
        more = ""
        if isinstance(then, int) and isinstance(n, int):
            more = f": {'fewer' if n < then else 'more'} than planned"
        yield f"replications {_replications(n)} instead of {_replications(then)}{more}"
    if locked.reference != now.reference:
        yield f"reference {now.reference or 'none'} instead of {locked.reference or 'none'}"
    if locked.grain != now.grain:
        usual = "the coarsest that suffices"
        yield f"grain {now.grain or usual} instead of {locked.grain or usual}"


def _levels(levels: Iterable[float]) -> str:
    return ", ".join(f"{level:g}" for level in levels)


def _replications(planned: int | Mapping[str, Any]) -> str:
    return f"{planned:,}" if isinstance(planned, int) else flow(dict(planned))


def _itself(name: str) -> str:
    """A method's name, whatever the file holds that it is in."""
    return _DIGEST.sub("digest=", name)


def _methods(locked: Plan, now: Plan) -> Iterator[str]:
    """What became of the methods, each known again by its name, its label, or what it is."""
    gone = {name: one for name, one in locked.methods.items() if name not in now.methods}
    new = {name: one for name, one in now.methods.items() if name not in locked.methods}
    pairs = [(locked.methods[name], now.methods[name])
             for name in locked.methods if name in now.methods]  # fmt: skip
    for same in (_same_function, _same_label, _same_kind):
        for then in list(gone.values()):
            found = [one for one in new.values() if same(then, one)]
            if len(found) == 1 and sum(same(one, found[0]) for one in gone.values()) == 1:
                pairs.append((gone.pop(then.name), new.pop(found[0].name)))
    for then, one in pairs:
        yield from _changes(then, one)
    yield from (f"method {name} was added" for name in new)
    yield from (f"method {name} was left out" for name in gone)


def _same_function(one: Planned, other: Planned) -> bool:
    return _itself(one.name) == _itself(other.name)


def _same_label(one: Planned, other: Planned) -> bool:
    return one.label == other.label


def _same_kind(one: Planned, other: Planned) -> bool:
    return one.name.partition("[")[0] == other.name.partition("[")[0]


def _changes(then: Planned, now: Planned) -> Iterator[str]:
    """In what a method is otherwise."""
    if _same_function(then, now) and then.name != now.name:
        yield f"the file of {now.label} has changed: {now.name} instead of {then.name}"
    elif then.name != now.name:
        yield f"method {now.name} instead of {then.name}"
    # a built-in method's estimand stands in its name
    elif then.estimand != now.estimand:
        yield f"{now.label} estimates {now.estimand} instead of {then.estimand}"
    if then.when != now.when:
        asked = f"where {now.when}" if now.when else "everywhere"
        planned = f"where {then.when}" if then.when else "everywhere"
        yield f"{now.label} is asked for {asked} instead of {planned}"
    if then.timeout != now.timeout:
        limits = (f"{s:g} s" if s else "none" for s in (now.timeout, then.timeout))
        yield f"{now.label}: timeout {' instead of '.join(limits)}"


def _scenarios(locked: Plan, now: Plan) -> Iterator[str]:
    """Scenarios that were added, were left out, or have other levels or other data."""
    gone = {name: _given(of) for name, of in locked.scenarios.items() if name not in now.scenarios}
    new = {name: _given(of) for name, of in now.scenarios.items() if name not in locked.scenarios}
    redrawn = _redrawn(gone, new)
    if redrawn:
        what = _which(redrawn, [_given(of) for name, of in now.scenarios.items()
                                if name in locked.scenarios])  # fmt: skip
        yield f"the data of {_counted(len(redrawn))} come from a file that has changed: {what}"
    changed = _one_field(list(gone.values()), list(new.values()))
    if changed is not None:
        yield f"{changed} in {_counted(len(new))}"
        return
    for some, became, others in ((new, "added", locked), (gone, "left out", now)):
        if some:
            were = "was" if len(some) == 1 else "were"
            told = _which(list(some.values()), list(map(_given, others.scenarios.values())))
            yield f"{_counted(len(some))} {were} {became}: {told}"


def _given(levels: Levels) -> Levels:
    """Levels that are no defaults: what is written of these differs."""
    return {field: level for field, level in levels.items() if not is_default(field, level)}


def _counted(n: int) -> str:
    return f"{n:,} scenario" + ("" if n == 1 else "s")


def _redrawn(gone: dict[str, Levels], new: dict[str, Levels]) -> list[Levels]:
    """Take out of both what has the same levels under another id, and return it."""
    by_levels = {_key(of): name for name, of in new.items()}
    both = [(name, by_levels[_key(of)]) for name, of in gone.items() if _key(of) in by_levels]
    for name, _ in both:
        del gone[name]
    return [new.pop(name) for _, name in both]


def _key(levels: Levels) -> tuple[Any, ...]:
    return tuple(sorted(levels.items()))


def _one_field(gone: list[Levels], new: list[Levels]) -> str | None:
    """The change of one field from a level to another, if that is all there is."""
    if not gone or len(gone) != len(new):
        return None
    for field in dict.fromkeys(name for levels in (*new, *gone) for name in levels):
        before, after = ({levels.get(field) for levels in some} for some in (gone, new))
        if len(before) == len(after) == 1:
            rest = [{_key({k: v for k, v in levels.items() if k != field}) for levels in some}
                    for some in (gone, new)]  # fmt: skip
            if rest[0] == rest[1]:
                return f"{field} {_level(*after)} instead of {_level(*before)}"
    return None


def _level(level: Any) -> str:
    return "the default" if level is None else text_of(level)


def _which(some: list[Levels], others: list[Levels]) -> str:
    """By what scenarios are told from others: levels of one field, or each by its levels."""
    fields = list(dict.fromkeys(field for levels in (*some, *others) for field in levels))
    for field in fields:
        here, there = ({levels.get(field): None for levels in group} for group in (some, others))
        if others and here.keys().isdisjoint(there):
            return f"{field} {first_of([_level(level) for level in here], _NAMED)}"
    varies = [f for f in fields if len({levels.get(f) for levels in (*some, *others)}) > 1]
    named = [", ".join(f"{field} {_level(levels.get(field))}" for field in varies or fields)
             for levels in some[: _NAMED + 1]]  # fmt: skip
    return first_of([f"({name})" for name in named] + [""] * (len(some) - len(named)), _NAMED)


def _files(locked: Plan, now: Plan) -> Iterator[str]:
    """What became of files; those of scenarios that left or came with them say nothing more."""
    for name in dict.fromkeys([*locked.files, *now.files]):
        then, one = locked.files.get(name), now.files.get(name)
        if then and one and then != one:
            yield f"{name} has changed"
        elif name.startswith("measure ") and then != one:
            yield f"{name} was {'added' if one else 'left out'}"


def _claims(locked: tuple[str, ...], now: tuple[str, ...]) -> Iterator[str]:
    gone = [claim for claim in locked if claim not in now]
    for claim in (claim for claim in now if claim not in locked):
        alike = difflib.get_close_matches(claim, gone, 1, _ALIKE)
        if alike:
            gone.remove(alike[0])
            yield f'claim "{claim}" instead of "{alike[0]}"'
        else:
            yield f'claim "{claim}" was added'
    yield from (f'claim "{claim}" was left out' for claim in gone)
