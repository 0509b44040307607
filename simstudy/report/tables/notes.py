"""What is said below a table: what its marks are, and remarks on all of it."""

from __future__ import annotations

from simstudy.measures.bradley import BAND
from simstudy.report.pivot import Cell, Wide, cells_of, of_kind
from simstudy.report.tables.shown import ABSENT, Shown, plain_label
from simstudy.report.words import Words

NOTES = {
    "-": "no replication was estimable",
    "*": "not all replications were used (n_not_used counts the others)",
    "!": f"power of a test whose Type I error in the same design is above {BAND[1]:g} alpha",
    "L": f"liberal: Type I error above {BAND[1]:g} alpha (Bradley 1978)",
    "C": f"conservative: Type I error below {BAND[0]:g} alpha (Bradley 1978)",
    "U": "undecided: the Monte Carlo interval straddles a bound of Bradley's",
}
_NO_RESULT = "no replication had a result"  # of a method that failed: not the data's doing
_NO_SE = "no replication had a standard error or a test"
_NO_NUMBER = "no number: too few replications {}, or it is not defined there"
_NO_MCSE = "(-): one replication has no Monte Carlo SE"
_BOUNDED = "<, >: a rate of 0 or 1, by the far end of its 95 % Monte Carlo interval"
_UNCHECKED = "power is shown without its Type I error: some designs have no scenario where "
_KINDS = {True: "Type I error", False: "power", None: "neither, truth differs between data sets"}


def notes_of(
    table: Wide, rows: list[list[Shown]], numbers: list[Cell], words: Words
) -> dict[str, str]:
    """What is said below a table: mark -> text, and remarks on all of it."""
    shown = [cell for row in rows for cell in row]
    marks = set("".join(cell.marks for cell in shown))
    if dashes := sum(cell.value == "-" for cell in shown):
        marks.add("-")
    if any(cell.value == ABSENT for cell in shown):
        marks.add(ABSENT)
    known = NOTES | {ABSENT: table.absent}
    notes = {mark: text for mark, text in known.items() if mark in marks}
    if dashes:
        notes["-"] = _why(numbers, dashes)
    remarks = [_NO_MCSE] if any(cell.mcse == "-" for cell in shown) else []
    remarks += [_UNCHECKED + of_kind(table, False).null] if table.unchecked else []
    remarks += _kinds(table, words)
    remarks += [_BOUNDED] if any(cell.value[0] in "<>" for cell in shown if cell.value) else []
    remarks += [_fixed(table, words)] if table.fixed else []
    return notes | ({"": "\n".join(remarks)} if remarks else {})


def _kinds(table: Wide, words: Words) -> list[str]:
    """Which methods' rates are what, where these are not all the same for reasons of their own."""
    if table.measure != "rejection_rate":
        return []
    kinds: dict[frozenset[bool | None], list[str]] = {}
    for method in table.methods:
        of_method = (cells.get(method) for _, cells in table.rows)
        nulls = frozenset(c.aim.null for c in of_method if c and c.asked and not c.hidden)
        kinds.setdefault(nulls, []).append(plain_label(words.method(method)))
    all_nulls = {kind for nulls in kinds for kind in nulls}
    if len(kinds) == 1 and all_nulls != {None}:
        return []
    said = [
        f"{_KINDS[kind]}: {', '.join(methods)}"
        for nulls, methods in kinds.items()
        if len(nulls) == 1
        for kind in nulls
    ]
    known = any(cell.aim.estimand for cell in cells_of(table))  # anybody's may not say a truth
    return ["; ".join(said)] if said and (known or all_nulls != {None}) else []


def _why(cells: list[Cell], dashes: int) -> str:
    """Why there is no number where a dash stands."""
    none = [cell for cell in cells if cell.n_used == 0]
    had = "had a result" if any(cell.failed for cell in cells) else "were estimable"
    reasons = {
        NOTES["-"]: any(not cell.failed and not cell.no_se for cell in none),
        _NO_RESULT: any(cell.failed for cell in none),
        _NO_SE: any(cell.no_se and not cell.failed for cell in none),
        _NO_NUMBER.format(had): len(none) < dashes,
    }
    return ", or ".join(text for text, applies in reasons.items() if applies)


def _fixed(table: Wide, words: Words) -> str:
    return f"all scenarios: {plain_label(words.levels(table.fixed))}"
