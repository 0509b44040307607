"""A worksheet as a `Table`, where pandas can read it."""

from __future__ import annotations

import io
from importlib import import_module
from typing import Any

from simstudy.errors import UserError, brief
from simstudy.readers.framed import framed
from simstudy.readers.table import Table

_NEEDS = {"excel": ("openpyxl", "an Excel workbook (.xlsx)"),
          "ods": ("odf", "an OpenDocument spreadsheet (.ods)")}  # fmt: skip
_PACKAGES = {"odf": "odfpy"}


def workbook(source: str | io.BytesIO, kind: str, file: str) -> Table:
    """Read the one worksheet that is not empty; its first row is the header."""
    engine, what = _NEEDS[kind]
    try:
        import_module(engine)
    except ImportError:
        package = _PACKAGES.get(engine, engine)
        message = f"this is {what}; pip install {package}, or save it as CSV"
        raise UserError(message, file=file) from None
    import pandas as pd

    try:
        sheets: dict[str, Any] = pd.read_excel(
            source, sheet_name=None, dtype=object, keep_default_na=False, na_values=[""]
        )
    except Exception as error:  # a broken file fails in zipfile, openpyxl or pandas
        raise UserError(f"cannot be read: {brief(str(error))}", file=file) from None
    full = {name: sheet for name, sheet in sheets.items() if sheet.shape[1]}
    if len(full) != 1:
        listed = ", ".join(f"'{name}'" for name in list(full)[:5]) or "none with cells"
        message = f"{what[3:].split(' (')[0]} of {len(full)} sheets ({listed}); expected one"
        raise UserError(message, file=file)
    sheet = next(iter(full.values())).dropna(how="all")
    return framed(sheet.apply(_column), file)


def _column(cells: Any) -> Any:
    """Cells of one kind as they are, mixed ones as text: 1 is "1", whatever Excel stores."""
    there = cells.dropna()
    if all(isinstance(cell, int | float) for cell in there):
        return cells.astype("float64") if len(there) else cells
    if all(isinstance(cell, str) for cell in there):
        return cells
    return cells.map(_text, na_action="ignore")


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
