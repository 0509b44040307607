"""Factors, methods and measures down and across as asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from simstudy.errors import UserError, nearest
from simstudy.report.gathered import WORLD
from simstudy.report.pivot import Wide, cells_of, level_text
from simstudy.report.tables.grid import ERROR, INTERVAL, Grid, cells_in_words, grid, title
from simstudy.report.tables.look import MEASURE, METHOD, NAMES, Look
from simstudy.report.tables.notes import notes_of
from simstudy.report.tables.shown import Shown, plain_label

_EMPTY = "where nothing stands there is no such scenario, or no such measure of the method"
Levels = dict[str, Any]  # by factor, `method` and `measure`


def grids(tables: Sequence[Wide], look: Look) -> list[Grid]:
    """Tables in words: one of all measures where these are down or across, else one each."""
    if look.usual:
        return [grid(table, look) for table in tables]
    if MEASURE in (*look.rows, *look.columns):
        return [arranged(tables, look)] if tables else []
    return [arranged([table], look) for table in tables]


class _Axis(NamedTuple):
    """What stands down, or across: names, and what there is of them, in order."""

    names: list[str]
    keys: list[tuple[Any, ...]]


def arranged(tables: Sequence[Wide], look: Look) -> Grid:
    """One table of some measures, with rows and columns as asked."""
    places = _placed(tables, look)
    cells = dict[tuple[Any, ...], Shown]()
    met: list[Levels] = []
    in_words = [cells_in_words(table, look) for table in tables]
    for k, (table, of_table) in enumerate(zip(tables, in_words, strict=True)):
        for (levels, _), row in zip(table.rows, of_table, strict=True):
            for method, shown in zip(table.methods, row, strict=True):
                met.append(levels | {METHOD: method, MEASURE: k})
                cells[_key(met[-1], (*places[0], *places[1]))] = shown
    if len(cells) < len(met):
        raise UserError("these rows and columns do not tell all numbers apart")
    ranks = {name: _ranks(at[name] for at in met) for name in (*places[0], *places[1])}
    down, across = (_axis(names, met, ranks) for names in places)
    shown_cells = [[cells.get((*row, *column), Shown("")) for column in across.keys]
                   for row in down.keys]  # fmt: skip
    heads = [_headings(across.names, key, tables, look) for key in across.keys]
    titles = [title(table, look.words) for table in tables]
    return Grid(
        tables[0].measure if len(tables) == 1 else "measures",
        "; ".join(dict.fromkeys(titles)),
        [_name(name, look) for name in down.names],
        [head[-1] for head in heads] if across.names else ["value"],
        [[_text(name, at, tables, look) for name, at in zip(down.names, key, strict=True)]
         for key in down.keys],
        shown_cells,
        _notes(tables, in_words, look, shown_cells),
        INTERVAL if look.interval else ERROR,
        [head[:-1] for head in heads] if len(across.names) > 1 else (),
    )  # fmt: skip


def _placed(tables: Sequence[Wide], look: Look) -> tuple[list[str], list[str]]:
    """Names down and across; what is in neither stands where it usually does."""
    factors = list(dict.fromkeys(name for table in tables for name in table.factors))
    fixed = {name for table in tables for name in table.fixed} - {*factors}
    rows, columns = (
        [one for one in _resolved(names, factors, fixed) if one not in fixed]
        for names in (look.rows, look.columns)
    )
    if both := [name for name in rows if name in columns]:
        raise UserError(f"rows, columns: {both[0]} cannot be both in rows and in columns")
    rest = [name for name in factors if name not in (*rows, *columns)]
    methods = [METHOD] if METHOD not in (*rows, *columns) else []
    measures = [MEASURE] if len(tables) > 1 and MEASURE not in (*rows, *columns) else []
    return [*rows, *rest], [*columns, *measures, *methods]


def _resolved(names: Iterable[str], factors: list[str], fixed: set[str]) -> list[str]:
    """Names as these tables have them: parts that are not crossed are one factor."""
    known = [*factors, *fixed, METHOD, MEASURE]
    out = []
    for name in names:
        here = WORLD if name not in known and WORLD in factors else name
        if here not in known:
            raise UserError(f"rows, columns: no factor {name} here{nearest(name, known)}")
        out.append(here)
    return list(dict.fromkeys(out))


def _key(levels: Levels, names: Iterable[str]) -> tuple[Any, ...]:
    return tuple(levels[name] for name in names)


def _ranks(levels: Iterable[Any]) -> dict[Any, int]:
    """Place of every level in the order in which levels were met."""
    return {level: k for k, level in enumerate(dict.fromkeys(levels))}


def _axis(names: list[str], met: list[Levels], ranks: dict[str, dict[Any, int]]) -> _Axis:
    """What there is, each of the names in its own order."""
    there = dict.fromkeys(_key(levels, names) for levels in met)

    def order(key: tuple[Any, ...]) -> list[int]:
        return [ranks[name][at] for name, at in zip(names, key, strict=True)]

    return _Axis(names, sorted(there, key=order))


def _name(name: str, look: Look) -> str:
    if name in (METHOD, MEASURE):
        return name if look.words is NAMES else name.capitalize()
    return plain_label(look.words.heading(name))


def _text(name: str, at: Any, tables: Sequence[Wide], look: Look) -> str:
    """A level, a method or a measure."""
    if name == MEASURE:
        brief = [title(table, look.words, brief=True) for table in tables]
        return brief[at] if brief.count(brief[at]) == 1 else title(tables[at], look.words)
    return plain_label(look.words.method(at) if name == METHOD else look.words.level(name, at))


def _headings(
    names: list[str], key: tuple[Any, ...], tables: Sequence[Wide], look: Look
) -> tuple[str, ...]:
    """What stands over a column; a level says of which factor it is, unless it has a label."""
    texts = []
    for name, at in zip(names, key, strict=True):
        text = _text(name, at, tables, look)
        bare = name not in (METHOD, MEASURE) and text == plain_label(level_text(at))
        texts.append(plain_label(look.words.equations({name: at})) if bare else text)
    return tuple(texts)


def _notes(
    tables: Sequence[Wide],
    in_words: Sequence[list[list[Shown]]],
    look: Look,
    cells: list[list[Shown]],
) -> dict[str, str]:
    """The notes of all tables, and what empty cells are."""
    each = [notes_of(table, of_table, cells_of(table), look.words)
            for table, of_table in zip(tables, in_words, strict=True)]  # fmt: skip
    marks = {mark: text for notes in each for mark, text in notes.items() if mark}
    remarks = [line for notes in each for line in notes.get("", "").splitlines()]
    remarks += [_EMPTY] if any(not cell.value for row in cells for cell in row) else []
    lines = "\n".join(dict.fromkeys(remarks))
    return marks | ({"": lines} if lines else {})
