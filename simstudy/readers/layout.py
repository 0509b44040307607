"""How the lines of a text are a table: separator, header, row names.

The separator is found by trying: each candidate cuts the first lines, and the one counts that
gives every line as many fields as the header has.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from simstudy.errors import UserError
from simstudy.readers.decimals import is_number

SEPARATORS = "\t;|, "  # of equal fit and as many fields, the first
_SAMPLE = 1 << 16  # characters that are tried
_EXCEL_SAYS = re.compile(r"\Asep=(.)\r?\n", re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_AT_ENDS = re.compile(r" +(?=[\r\n])|(?<=[\r\n]) +")
_RUNS = re.compile(r'("(?:[^"]|"")*")|[ \t]+')


class Layout(NamedTuple):
    """How to cut a text into fields.

    Attributes
    ----------
    separator : str
    names : list of str
        Of the columns, as written; "" has none (R's row names).
    body : str
        The lines below the header.
    first_line : int
        Line of the file at which `body` begins.
    sample : list of list of str
        The first records of the body.
    """

    separator: str
    names: list[str]
    body: str
    first_line: int
    sample: list[list[str]]


class _Trial(NamedTuple):
    """The first lines of a text as a separator cuts them, and whether quotes lead them."""

    separator: str
    records: list[list[str]]
    quoted: bool


def layout(text: str, file: str) -> Layout:
    """Find the separator, the header and the columns of a text."""
    skipped, text, comment, said = _front(text)
    if not text.strip():
        raise UserError("the file has no header and no rows", file=file)
    whole = len(text) <= _SAMPLE
    sample = text if whole else text[:_SAMPLE]
    led = _led_by_quotes(sample)
    marks = SEPARATORS if said is None else [said]
    tried = [_Trial(mark, _records(sample, mark, whole), led) for mark in marks]
    best = max(tried, key=_fit)
    separator, records = best.separator, best.records
    if len(records[0]) < 2 and not _has_row_names(best):
        separator = next(mark for mark in "\x1f\x1e\x1d\x02\x03" if mark not in text)
        records = _records(sample, separator, whole)
    if separator == " ":
        text = _single_blanks(text)
    n_lines, body = _cut_header(text, separator)
    names, rows = records[0], records[1:]
    named = _has_row_names(_Trial(separator, records, led))
    if comment is not None and (header := _commented(comment, separator, records)) is not None:
        names, rows, body, n_lines = header, records, text, 0
    body = _without_empty_rows(body, separator)
    names = ["", *names] if named else _all_names(names, rows, file, skipped + 1)
    return Layout(separator, names, body, skipped + n_lines + 1, rows)


def _front(text: str) -> tuple[int, str, str | None, str | None]:
    """Lines before the header: how many, the rest, the last comment, Excel's `sep=;`."""
    skipped, comment, said = 0, None, None
    if match := _EXCEL_SAYS.match(text):
        skipped, said, text = 1, match.group(1), text[match.end() :]
    while True:
        end = re.search(r"\r\n|\r|\n", text)
        line = text[: end.start()] if end else text
        if end is None or not (line.startswith("#") or not line.strip()):
            return skipped, text, comment, said
        comment = line if line.startswith("#") else comment
        skipped, text = skipped + 1, text[end.end() :]


def records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Records of a text, each with the line at which it begins, counted from 1."""
    reader = csv.reader(lines(text), delimiter=separator)
    line = 1
    for record in reader:
        if record:
            yield line, record
        line = reader.line_num + 1


def _records(sample: str, separator: str, whole: bool) -> list[list[str]]:
    text = _single_blanks(sample) if separator == " " else sample
    try:
        found = [record for _, record in itertools.islice(records(text, separator), 1000)]
    except csv.Error:  # a field of more than 131,072 characters
        return [[text[:80]]]
    return found if whole or len(found) < 2 else found[:-1]


def _single_blanks(text: str) -> str:
    """Text in which one blank stands between fields, and none at the ends of a line."""
    if "  " in text or "\t" in text:
        text = _RUNS.sub(lambda match: match.group(1) or " ", text)
    if any(pair in text for pair in ("\n ", "\r ", " \n", " \r")):
        text = _AT_ENDS.sub("", text)
    return text.strip(" ")


def _led_by_quotes(sample: str) -> bool:
    """Whether each line below the header begins with a quote, as row names of R do."""
    _, *below = [line for line in lines(sample) if line.strip()]
    return bool(below) and all(line.startswith('"') for line in below[:1000])


def _fit(trial: _Trial) -> tuple[float, int, int]:
    """How well a separator fits: share of the rows that do, fields, place in the list."""
    separator, found, _ = trial
    n, rows = len(found[0]), found[1:]
    if _has_row_names(trial):
        return 1.0, n + 1, -SEPARATORS.find(separator)
    if n < 2:
        return 0.0, 0, 0
    good = sum(len(row) == n or (len(row) == n + 1 and row[-1] == "") for row in rows)
    if separator == " " and good < len(rows):
        return 0.0, 0, 0  # words with blanks between them are no table
    if rows and not good and all(len(row) == 1 for row in rows):
        return 0.0, 0, 0
    return (good / len(rows) if rows else 0.5), n, -SEPARATORS.find(separator)


def _has_row_names(trial: _Trial) -> bool:
    """Whether the header is one short in every row, as R's write.table leaves it.

    Row names are unique. What a decimal comma or a blank within a label looks like as well is
    not taken for one: with commas they are R's 1, 2, 3 in quotes, with blanks one of the two.
    """
    separator, found, quoted = trial
    n, rows = len(found[0]), found[1:]
    if not rows or any(len(row) != n + 1 for row in rows) or all(row[-1] == "" for row in rows):
        return False
    first = [row[0].strip() for row in rows]
    if len(set(first)) < len(first):
        return False
    counted = first == [str(i + 1) for i in range(len(first))]
    if separator == ",":
        return quoted and counted
    if separator == " " or n == 1:
        return quoted or (counted and n > 1 and len(first) > 2)
    return quoted or counted or not any(is_number(name) for name in first)


def _commented(comment: str, separator: str, found: list[list[str]]) -> list[str] | None:
    """Names in a last comment, as numpy.savetxt writes them, if numbers are right below it."""
    line = comment.lstrip("#").strip()
    names = _records(line, separator, whole=True)[0] if line else []
    fits = len(names) == len(found[0]) and not any(is_number(name) for name in names)
    return names if fits and any(is_number(word) for word in found[0]) else None


def _cut_header(text: str, separator: str) -> tuple[int, str]:
    """Lines of the header (its names may hold line breaks), and the text below."""
    ends: list[int] = []
    reader = csv.reader(lines(text, ends), delimiter=separator)
    next(reader)
    return reader.line_num, text[ends[-1] :]


def lines(text: str, ends: list[int] | None = None) -> Iterator[str]:
    """Lines of a text with their ends, of any system; where each ends is added to `ends`."""
    for match in _LINE.finditer(text):
        if ends is not None:
            ends.append(match.end())
        yield match.group()


def _without_empty_rows(body: str, separator: str) -> str:
    """Text without the lines at its end that hold nothing but separators."""
    kept = body.rstrip("\r\n")
    while kept:
        at = max(kept.rfind("\n"), kept.rfind("\r")) + 1
        if kept[at:].strip(separator + " \t"):
            break
        kept = kept[:at].rstrip("\r\n")
    return kept + "\n" if kept else ""


def _all_names(names: list[str], rows: list[list[str]], file: str, line: int) -> list[str]:
    """Names of as many columns as the rows have, the last perhaps none."""
    n = len(names)
    longer = [row for row in rows if len(row) == n + 1]
    if 2 * len(longer) <= len(rows) or any(row[-1] for row in longer):
        return names
    first = [row[0] for row in longer]
    if len(set(first)) == len(first) and not any("." in word for word in first):
        message = f"the header has {n} names and the rows one field more, the last one empty"
        raise UserError(f"{message}: are the first ones row names?", file=file, line=line)
    return [*names, ""]
