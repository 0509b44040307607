"""Whatever a person brings in, as a `Table`."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import pyarrow as pa

from simstudy.errors import UserError, brief
from simstudy.readers import parquet, stata
from simstudy.readers.decode import decode
from simstudy.readers.delimited import delimited
from simstudy.readers.framed import framed
from simstudy.readers.table import Table
from simstudy.readers.unpack import contents
from simstudy.readers.workbook import workbook


def read(data: Any) -> Table:
    """Open a file, a folder of parquet, or a frame.

    Parameters
    ----------
    data : str, Path, or a frame
        CSV and its kin, parquet, Feather, Stata, and where pandas can, Excel and SPSS, whatever
        their endings and compression; a DataFrame; anything with ``__arrow_c_stream__``.

    Raises
    ------
    UserError
        A kind that is not read, or a file that is broken.
    """
    if not isinstance(data, str | Path):
        return framed(data)
    path, file = Path(data), str(data)
    try:
        if path.is_dir():
            return parquet.folder(path, file)
        if not path.exists():
            raise UserError("no such file; expected a table, as CSV or parquet", file=file)
        if not path.is_file():
            raise UserError("no file; expected a table, as CSV or parquet", file=file)
    except (OSError, ValueError) as error:  # a name too long, or with a NUL in it
        raise UserError(f"cannot be read: {error}", file=file) from None
    kind, raw = contents(path, file)
    if raw is not None and kind == "text":
        return delimited(decode(raw, file), file)
    source = file if raw is None else io.BytesIO(raw)
    if kind == "parquet":
        return parquet.single(source, file)
    if kind == "arrow":
        return _feather(source, file)
    if kind == "stata":
        return stata.stata(source, file)
    return stata.spss(source, file) if kind == "spss" else workbook(source, kind, file)


def _feather(source: str | io.BytesIO, file: str) -> Table:
    from pyarrow import feather

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the first version of Feather, which is old
            return framed(feather.read_table(source), file)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"cannot be read: {brief(str(error))}", file=file) from None
