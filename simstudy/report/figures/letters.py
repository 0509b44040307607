"""The letters of a figure's texts: as they are written, in a font that has them.

No text of ours is mathematics, and a label may hold any sign.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import ParamSpec

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

P = ParamSpec("P")
_GLYPHS = "Glyph .* missing from"


def literal(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """A function whose figures show texts as they are written, ``$`` and all."""

    @functools.wraps(draw)
    def drawn(*arguments: P.args, **named: P.kwargs) -> Figure:
        with matplotlib.rc_context({"text.parse_math": False}):
            figure = draw(*arguments, **named)
        provide(figure)
        return figure

    return drawn


def provide(figure: Figure) -> None:
    """Give every text the fonts that have its letters, where this machine has any."""
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)
        fonts = [name for name, _ in _fonts_with(_strange(text.get_text()))]
        if fonts:
            text.set_fontfamily([*dict.fromkeys([*text.get_fontfamily(), *fonts])])


def lacking(figure: Figure) -> str:
    """Letters of a figure that no font here has, each once: they are drawn as boxes."""
    texts = [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]
    strange = frozenset[str]().union(*map(_strange, texts))
    there = frozenset[str]().union(*(letters for _, letters in _fonts_with(strange)))
    return "".join(sorted(strange - there))


@contextmanager
def unwarned() -> Iterator[None]:
    """Without a warning for each such letter and text."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_GLYPHS)
        yield


def _strange(text: str) -> frozenset[str]:
    """Letters that the usual font does not have."""
    far = {c for c in text if ord(c) > 0x24F and c.isprintable()}
    return frozenset(far) - _letters(_usual()) if far else frozenset()


def _usual() -> str:
    return str(font_manager.findfont(font_manager.FontProperties()))


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
    found: list[tuple[str, frozenset[str]]] = []
    while letters:
        best = _best(letters)
        if best is None:
            if not _add_fonts():
                break
            continue
        found.append(best)
        letters -= best[1]
    return tuple(found)


def _best(letters: frozenset[str]) -> tuple[str, frozenset[str]] | None:
    """The font with most of some letters, and these."""
    found: dict[str, frozenset[str]] = {}
    for entry in font_manager.fontManager.ttflist:
        boxes = entry.name.startswith("Last Resort")  # for every letter there is
        if entry.style == "normal" and not boxes and entry.name not in found:
            found[entry.name] = letters & _letters(entry.fname)
    best = max(found.items(), key=lambda item: len(item[1]), default=None)
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
