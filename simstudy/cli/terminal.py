"""Output on which what other people wrote is seen and never obeyed."""

from __future__ import annotations

import io
import re
import shutil
import sys
from typing import Any

from simstudy.errors import visible


class Terminal(io.TextIOBase):
    """A stream that shows control characters as escapes, but for some that it keeps."""

    def __init__(self, stream: Any, kept: str = "\n\t") -> None:
        self.stream = stream
        self._pieces = re.compile(f"([{kept}])")

    def write(self, text: str) -> int:
        """Write text, escaped."""
        pieces = self._pieces.split(text)  # every second one is kept
        pieces[::2] = map(visible, pieces[::2])
        self.stream.write("".join(pieces))
        return len(text)

    def flush(self) -> None:
        """Flush the stream itself."""
        self.stream.flush()

    def isatty(self) -> bool:
        """Whether people read it."""
        return bool(self.stream.isatty())

    def fileno(self) -> int:
        """The stream's own number."""
        return int(self.stream.fileno())


def write_exactly(text: str) -> None:
    """Write data for other programs as they are, unless they go to a terminal."""
    out: Any = sys.stdout
    exact = isinstance(out, Terminal) and not out.isatty()
    (out.stream if exact else out).write(text)


def redraw(text: str) -> None:
    """Show this text, and nothing else, on a terminal; what does not fit is left out."""
    size, out = shutil.get_terminal_size(), sys.stdout
    raw = out.stream if isinstance(out, Terminal) else out
    raw.write("\x1b[H\x1b[J")  # to the upper left corner, and clear what follows
    print("\n".join(line[: size.columns] for line in text.splitlines()[: size.lines - 1]))
    out.flush()
