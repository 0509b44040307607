"""Tables of "value (MCSE)", methods side by side: a file a format."""

from simstudy.report.tables.arrange import grids
from simstudy.report.tables.grid import grid
from simstudy.report.tables.headline import HEADLINE, headline
from simstudy.report.tables.html import as_html
from simstudy.report.tables.latex import as_latex
from simstudy.report.tables.look import NAMES, Look
from simstudy.report.tables.markdown import as_markdown
from simstudy.report.tables.rows import alphas, as_csv, as_rows, by_method
from simstudy.report.tables.text import as_text

FORMATS = {"text": as_text, "markdown": as_markdown, "latex": as_latex, "csv": as_csv,
           "html": as_html}  # fmt: skip

__all__ = ["FORMATS", "HEADLINE", "NAMES", "Look", "alphas", "as_csv", "as_html", "as_latex",
           "as_markdown", "as_rows", "as_text", "by_method", "grid", "grids",
           "headline"]  # fmt: skip
