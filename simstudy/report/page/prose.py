"""Paragraphs of the methods section as HTML.

It is Markdown of few forms, all of which `simstudy.report` writes itself: headings, lists, tables,
formulas, and within a line bold, italic, code, formulas and escapes. Every text is escaped here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from itertools import groupby
from typing import NamedTuple

from simstudy.report.page.mathml import UnknownMathError, mathml

_INLINE = re.compile(
    r"\\(?P<escaped>[^\w\s])"
    r"|(?P<fence>`+)(?!`)(?P<code>.+?)(?<!`)(?P=fence)(?!`)"
    r"|\$(?P<math>(?:\\.|[^$\\])+)\$"
    r"|\*\*(?P<bold>(?:\\.|[^\\])+?)\*\*"
    r"|\*(?P<italic>(?:\\.|[^\\*])+?)\*",
    re.DOTALL,
)
_CELL = re.compile(r"\|((?:\\.|[^|\\])*)(?=\|)")
_ITEM, _HEADING = "- ", "## "


class Chapter(NamedTuple):
    """A heading, its anchor in the page, and HTML."""

    title: str
    anchor: str
    body: str


def chapters(paragraphs: Iterable[str]) -> list[Chapter]:
    """Chapters of a text from its paragraphs; what stands before the first heading is left out."""
    found: list[tuple[str, list[str]]] = []
    for paragraph in paragraphs:
        if paragraph.startswith(_HEADING):
            found.append((paragraph.removeprefix(_HEADING), []))
        elif found:
            found[-1][1].append(paragraph)
    return [Chapter(title, anchor(title), html(body)) for title, body in found]


def anchor(title: str) -> str:
    """Where a heading is in the page."""
    return re.sub(r"\W+", "-", title.lower()).strip("-")


def html(paragraphs: Iterable[str]) -> str:
    """Paragraphs as HTML, items that follow each other as one list."""
    out = []
    for listed, group in groupby(paragraphs, key=lambda text: text.startswith(_ITEM)):
        if listed:
            items = (f"<li>{inline(text.removeprefix(_ITEM))}</li>" for text in group)
            out.append(f"<ul>{''.join(items)}</ul>")
        else:
            out += map(_block, group)
    return "\n".join(out)


def _block(text: str) -> str:
    if text.startswith("$$") and text.endswith("$$"):
        return _scrolling("equation", "Equation", _math(text.strip("$"), display=True))
    if text.startswith("|"):
        return _scrolling("table", "Table", _table(text.splitlines()))
    return f"<p>{inline(text)}</p>"


def _scrolling(kind: str, label: str, content: str) -> str:
    """What may be wider than a phone scrolls by itself, by keyboard too."""
    said = f'role="group" aria-label="{label}" tabindex="0"'
    return f'<div class="wide {kind}" {said}>{content}</div>'


def _table(lines: list[str]) -> str:
    head, rule, *rows = (_CELL.findall(line) for line in lines)
    looks = [' class="number"' if cell.strip().endswith(":") else "" for cell in rule]

    def row(cells: list[str], tag: str) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        made = (f"<{tag}{look}{scope}>{inline(cell.strip())}</{tag}>"
                for look, cell in zip(looks, cells, strict=True))  # fmt: skip
        return f"<tr>{''.join(made)}</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    return f"<table><thead>{row(head, 'th')}</thead><tbody>{body}</tbody></table>"


def inline(text: str) -> str:
    """What stands within a line."""
    done, out = 0, []
    for found in _INLINE.finditer(text):
        out += [escape(text[done : found.start()]), _span(found.groupdict())]
        done = found.end()
    return "".join([*out, escape(text[done:])])


def _span(found: dict[str, str | None]) -> str:
    if (sign := found["escaped"]) is not None:
        return escape(sign)
    if (code := found["code"]) is not None:
        edged = code.startswith(" ") and code.endswith(" ") and code.strip()
        return f"<code>{escape(code[1:-1] if edged else code)}</code>"
    if (tex := found["math"]) is not None:
        return _math(tex)
    if (bold := found["bold"]) is not None:
        return f"<strong>{inline(bold)}</strong>"
    return f"<em>{inline(found['italic'] or '')}</em>"


def _math(tex: str, *, display: bool = False) -> str:
    """A formula, or its source where that is not understood."""
    try:
        return mathml(tex, display=display)
    except UnknownMathError:
        return f"<code>{escape(tex)}</code>"
