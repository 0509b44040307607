"""Text as HTML that shows it and does nothing else."""

from __future__ import annotations

import html

from simstudy.errors import visible


def escaped(text: str) -> str:
    """Text that HTML shows as it is, in the direction in which it is written."""
    return html.escape(visible(text))


def preformatted(text: str) -> str:
    """Lines as a terminal shows them."""
    lines = "\n".join(map(escaped, text.splitlines()))
    return f'<pre style="line-height: 1.3">{lines}</pre>'
