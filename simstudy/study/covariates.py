"""The mapping `covariates` of a study file.

What stands in it are fields of their own, called ``baseline.slope`` or
``baseline.correlation.x.within``; a list is a factor like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from simstudy.errors import nearest
from simstudy.forms import shown
from simstudy.generators import components
from simstudy.generators.components import LEVELS, Level
from simstudy.generators.given import constant_within
from simstudy.generators.scenario import Correlation, Covariate, GivenX, Scenario
from simstudy.study import covariate_fields as known
from simstudy.study import fields, vocabulary
from simstudy.study.place import Place

FIELD = "covariates"


# --- what stands there ------------------------------------------------------------------------


def leaves(place: Place) -> Iterator[tuple[str, Place]]:
    """Fields of covariates by their names, and where the value or the list of each stands."""
    place.expect(dict, "a mapping of covariates; several are crossed as lists inside it")
    for name in place.value:
        _check_name(place, name)
        one = place[name]
        one.expect(dict, "icc, slope, ...")
        one.allow(known.SUMMARIES, known.WORDS)
        if not one.value:
            one.refuse(f"'icc' is missing ({known.SUMMARIES['icc']})")
        yield from _inner(name, one)


def _inner(name: str, place: Place) -> Iterator[tuple[str, Place]]:
    """What stands in a mapping, down to what is no mapping."""
    for key in place.value:
        inner, path = place[key], f"{name}.{key}"
        if isinstance(inner.value, dict) and key not in ("icc", "slope", "column"):
            if not inner.value:
                inner.refuse("is empty")
            yield from _inner(path, inner)
        else:
            yield path, inner


def misplaced(key: Any, value: Any) -> str:
    """What to write where a covariate stands among the fields of a scenario, or a field of it."""
    name, _, field = str(key).partition(".")
    if field.partition(".")[0] in known.SUMMARIES:
        inner = "..."
        for part in reversed([FIELD, name, *field.split(".")]):
            inner = f"{part}: {inner}" if part == FIELD else f"{{{part}: {inner}}}"
        return f"; write {inner}"
    if isinstance(value, dict) and value.keys() & known.SUMMARIES.keys():
        return f"; write {FIELD}: {{{name}: ...}}"
    return ""


def _check_name(place: Place, name: Any) -> None:
    if not isinstance(name, str) or not name.isidentifier():
        place.refuse(
            f"{shown(name)} cannot name a covariate; use letters, digits and '_'", str(name)
        )
    if name in known.RESERVED:
        place.refuse(f"'{name}' is taken: it means something else; use another name", name)


def names_of(given: Mapping[str, Place]) -> list[str]:
    """Names of the covariates of one combination of fields, in the order of the file."""
    return list(_names_of(tuple(given)))


@lru_cache(maxsize=16)  # all scenarios of a grid have the same fields
def _names_of(given: tuple[str, ...]) -> dict[str, None]:
    names = (key.partition(".")[0] for key in given if "." in key)
    return dict.fromkeys(name for name in names if name not in fields.FACTORED)


def columns_of(given: Mapping[str, Place]) -> dict[str, Place]:
    """Covariate -> where it names a column of the file of x."""
    columns = {}
    for name in names_of(given):
        fields_of = _Fields(given, name)
        place = fields_of.column()
        if place is not None:
            columns[name] = place
    return columns


class _Fields:
    """What one combination says about one covariate."""

    def __init__(self, given: Mapping[str, Place], name: str) -> None:
        self.name, self._given = name, given
        self.here = next(place for key, place in given.items() if key.startswith(f"{name}."))

    def get(self, key: str) -> Place | None:
        """Where a field stands."""
        return self._given.get(f"{self.name}.{key}")

    def column(self) -> Place | None:
        """Where the name of its column stands."""
        kind, column = self.get("type"), self.get("column")
        written = self.get("type.column")
        if kind is not None and isinstance(kind.value, dict):
            kind.allow(("column",), known.WORDS)
            if not kind.value:
                kind.refuse("is empty")
            written = kind["column"]
        if column is not None and (kind is not None or written is not None):
            column.refuse("stands beside type; give one")
        column = column or written
        if column is not None:
            column.expect(str, "the name of a column of the file of x")
        return column

    def correlations(self) -> Iterator[tuple[str, Level | None, Place]]:
        """Other predictor, level or None for both, and where that correlation stands."""
        prefix = f"{self.name}.correlation"
        for key, place in self._given.items():
            if key == prefix:
                place.expect(dict, "{x: r, OTHER: r}, r a number or {within: r, between: r}")
            if not key.startswith(f"{prefix}."):
                continue
            other, *level = key.removeprefix(f"{prefix}.").split(".")
            if not level and isinstance(place.value, dict):
                place.allow(LEVELS, known.LEVEL_WORDS)
                yield from ((other, one, place[one]) for one in LEVELS if one in place.value)
            elif not level:
                yield other, None, place
            elif level[0] in LEVELS and len(level) == 1:
                yield other, LEVELS[level[0] == "between"], place
            else:
                place.refuse(f"unknown key '{level[0]}'; known: within, between")


# --- what it means ----------------------------------------------------------------------------


def covariates(
    at: Place, given: Mapping[str, Place], files: Mapping[str, GivenX], plain: Scenario
) -> tuple[Covariate, ...]:
    """Covariates of one combination of fields.

    Parameters
    ----------
    at : Place
        Of the whole combination.
    given : mapping
        Field -> its value, where that stands.
    files : mapping
        Covariate -> its column of the file of x.
    plain : Scenario
        The same without them.
    """
    names = names_of(given)
    if not names:
        return ()
    fields_of = {name: _Fields(given, name) for name in names}
    own = plain.generator is not None
    made = {name: _covariate(at, fields_of[name], files.get(name), own) for name in names}
    pairs: dict[tuple[str, str], Correlation] = {}
    for name in names:
        for other, level, place in fields_of[name].correlations():
            _correlate(pairs, plain, made, (name, other), level, place)
    for (name, _), pair in sorted(pairs.items()):
        if pair.within is not None or pair.between is not None:
            made[name] = replace(made[name], correlations=(*made[name].correlations, pair))
    settled = tuple(made.values())
    _refuse_mixture(fields_of, plain, settled)
    _refuse_impossible(at, given, replace(plain, covariates=settled))
    return settled


def _covariate(at: Place, here: _Fields, file: GivenX | None, may_lack: bool) -> Covariate:
    slope_at, icc_at, kind_at = (here.get(key) for key in ("slope", "icc", "type"))
    slope = 0.0 if slope_at is None else float(known.NUMBERS["slope"].read(slope_at)) + 0.0
    if file is not None:
        if icc_at is not None:
            icc_at.refuse("does not go with a column (the file decides it)")
        return Covariate(here.name, None, slope, "file", given=file)
    kind = "normal" if kind_at is None else kind_at.value
    if kind_at is not None and (not isinstance(kind, str) or kind not in fields.COVARIATE_KINDS):
        hint = nearest(str(kind), [*fields.COVARIATE_KINDS, "{column: ...}"], vocabulary.X)
        kind_at.refuse(f"{shown(kind)} is not a type of covariate{hint}")
    if kind == "binary_blocked":
        if icc_at is not None:
            icc_at.refuse("does not go with type: binary_blocked (it is -1/(n - 1))")
        return Covariate(here.name, None, slope, kind)
    if icc_at is None and may_lack:
        return Covariate(here.name, None, slope, kind)
    if icc_at is None:
        at.refuse(f"'icc' of {here.name} is missing ({known.SUMMARIES['icc']})", FIELD, here.name)
    icc = float(known.NUMBERS["icc"].read(icc_at)) + 0.0
    if kind == "binary" and icc not in (0.0, 1.0):
        icc_at.refuse(f"{icc:g} is neither 0 nor 1, which type: binary needs")
    return Covariate(here.name, icc, slope, kind)


def _correlate(
    pairs: dict[tuple[str, str], Correlation],
    plain: Scenario,
    made: Mapping[str, Covariate],
    both: tuple[str, str],
    level: Level | None,
    place: Place,
) -> None:
    """Note what is said of two predictors, at one level or both, at the later of the names."""
    name, other = both
    if other == name or (other != "x" and other not in made):
        others = ["x", *(one for one in made if one != name)]
        place.refuse(f"'{other}' is no other predictor of the scenario{nearest(other, others)}")
    value = float(known.CORRELATION.read(place)) + 0.0
    for one in both:
        kind = plain.x if one == "x" else made[one].type
        if kind != "normal":
            place.refuse(f"{one} is not normal: it has no correlation but what its type decides")
    key = (name, other) if other == "x" else (max(both), min(both))
    before = pairs.get(key, Correlation(key[1]))
    for of in LEVELS if level is None else (level,):
        if getattr(before, of) is not None:
            place.refuse(f"the correlation of {name} and {other} stands here twice")
        icc = [plain.x_icc if one == "x" else made[one].icc for one in both]
        fixed = 0.0 if of == "between" else 1.0
        if fixed in icc:
            if level is not None:
                constant = both[icc.index(fixed)]
                place.refuse(f"{constant} does not vary {of} clusters; give one number, or leave "
                             f"out {of}")  # fmt: skip
            continue
        if other != "x" or value:
            before = (
                replace(before, within=value) if of == "within" else replace(before, between=value)
            )
    pairs[key] = before


def _refuse_mixture(
    fields_of: Mapping[str, _Fields], plain: Scenario, settled: tuple[Covariate, ...]
) -> None:
    """Refuse what is fixed and varies within clusters beside a binary one that is drawn there."""
    files = [plain.given, *(one.given for one in settled)]
    if plain.x == "time":
        fixed, instead = "x: time", "give it icc 1"
    elif all(file is None or constant_within(file) for file in files):
        return
    else:
        fixed, instead = "a file that varies there", "put it into the file, or give it icc 1"
    for one in settled:
        if components.varies_in_clusters(one.type, one.icc):
            fields_of[one.name].here.refuse(
                f"{one.name}: a binary covariate within clusters is not drawn beside {fixed}; "
                f"{instead}"
            )


def _refuse_impossible(at: Place, given: Mapping[str, Place], settled: Scenario) -> None:
    """Refuse correlations that no data have."""
    names = components.normal_names(settled)
    for level in LEVELS:
        varies = [k for k, share in enumerate(components.shares(settled, level)) if share > 0]
        matrix = components.correlations(settled, level)
        for n in range(2, len(varies) + 1):
            if not _positive([[matrix[k][m] for m in varies[:n]] for k in varies[:n]]):
                involved = [names[k] for k in varies[:n]]
                where = [
                    at,
                    *(
                        place
                        for key, place in given.items()
                        if ".correlation" in key and key.partition(".")[0] in involved
                    ),
                ]
                message = f"correlations {level} clusters of {', '.join(involved)} are those of no"
                where[-1].refuse(f"{message} data: not positive definite")


def _positive(matrix: list[list[float]]) -> bool:
    """Whether a correlation matrix is positive definite, beyond rounding."""
    return bool(np.linalg.eigvalsh(np.array(matrix))[0] > 1e-10)
