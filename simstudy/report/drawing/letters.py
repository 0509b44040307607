"""The letters of a figure's texts, as they are written, in a font that has them; and its bytes.

No text of ours is mathematics, and a label may hold any sign.
"""

from __future__ import annotations

import functools
import io
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ParamSpec

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

from simstudy.errors import visible

P = ParamSpec("P")


def literal(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """A function whose figures show texts as they are written, ``$`` and all."""

    @functools.wraps(draw)
    def drawn(*arguments: P.args, **named: P.kwargs) -> Figure:
        with matplotlib.rc_context({"text.parse_math": False}):
            figure = draw(*arguments, **named)
        provide(figure)
        return figure

    return drawn


def encode(figure: Figure, ending: str) -> bytes:
    """A figure as a PNG of 200 dpi, a PDF or an SVG, without a date so that runs compare.

    A PDF holds its text as TrueType, which journals ask for. What matplotlib takes from its
    settings alone is set while the file is written and put back.
    """
    for text in _texts(figure):
        _show_controls(text)
    provide(figure)
    metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(ending)
    settings: Any = {"svg.hashsalt": "simstudy", "pdf.fonttype": 42, "text.parse_math": False}
    stream = io.BytesIO()
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(stream, dpi=200, format=ending, metadata=metadata)
    return stream.getvalue()


def _texts(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if isinstance(text, Text)]


def _show_controls(text: Text) -> None:
    """Control characters as escapes, where a text has any but breaks of lines."""
    lines = text.get_text().split("\n")
    if not all(line.isprintable() for line in lines):
        text.set_text("\n".join(map(visible, lines)))


def provide(figure: Figure) -> None:
    """Give every text the fonts that have its letters, where this machine has any."""
    for text in _texts(figure):
        text.set_parse_math(False)
        fonts = [name for name, _ in _fonts_with(_strange(text.get_text()))]
        if fonts:
            text.set_fontfamily([*dict.fromkeys([*text.get_fontfamily(), *fonts])])


def lacking(figure: Figure) -> str:
    """Letters of a figure that no font here has, each once: they are drawn as boxes."""
    strange = frozenset[str]().union(*(_strange(text.get_text()) for text in _texts(figure)))
    drawable = frozenset[str]().union(*(letters for _, letters in _fonts_with(strange)))
    return "".join(sorted(strange - drawable))


def _strange(text: str) -> frozenset[str]:
    """Letters that the usual font does not have."""
    far = frozenset(c for c in text if ord(c) > 0x24F and c.isprintable())
    usual = font_manager.FontProperties()
    return far - _letters(str(font_manager.findfont(usual))) if far else far


@functools.lru_cache(maxsize=64)
def _letters(file: str) -> frozenset[str]:
    """Letters of a font."""
    try:
        return frozenset(map(chr, font_manager.get_font(file).get_charmap()))
    except (OSError, RuntimeError, ValueError):
        return frozenset()


@functools.lru_cache(maxsize=256)
def _fonts_with(letters: frozenset[str]) -> tuple[tuple[str, frozenset[str]], ...]:
    """Names of the fonts that have some letters, and which: as few as have all that any has."""
    fonts: list[tuple[str, frozenset[str]]] = []
    while letters:
        best = _best(letters)
        if best is not None:
            fonts.append(best)
            letters -= best[1]
        elif not _add_fonts():
            break
    return tuple(fonts)


def _best(letters: frozenset[str]) -> tuple[str, frozenset[str]] | None:
    """The font with most of some letters, and these."""
    fonts: dict[str, frozenset[str]] = {}
    for entry in font_manager.fontManager.ttflist:
        boxes = entry.name.startswith("Last Resort")  # for every letter there is
        if entry.style == "normal" and not boxes and entry.name not in fonts:
            fonts[entry.name] = letters & _letters(entry.fname)
    best = max(fonts.items(), key=lambda item: len(item[1]), default=None)
    return best if best is not None and best[1] else None


_added: list[str] = []


def _add_fonts() -> bool:
    """Make fonts known that were installed since matplotlib listed them; whether any were."""
    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    more = sorted(set(font_manager.findSystemFonts()) - known - set(_added))
    _added.extend(more)
    for file in more:
        with suppress(OSError, RuntimeError, ValueError):
            font_manager.fontManager.addfont(file)
    return bool(more)
