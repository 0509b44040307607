"""Stata and SPSS files: codes, and labels of the codes.

Both keep numbers and say in a label what a number means. Taken for numbers, such a column is
its codes; taken for labels, it is the labels, in the order of the codes.
"""

from __future__ import annotations

import io
from importlib import import_module
from typing import Any

from simstudy.errors import UserError, brief
from simstudy.readers.framed import framed
from simstudy.readers.table import Table


def stata(source: str | io.BytesIO, file: str) -> Table:
    """Read a Stata file of any version that pandas knows; .a to .z are missing."""
    import warnings

    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of encodings and of dates out of range
            with pd.read_stata(source, iterator=True) as reader:
                frame = reader.read(convert_categoricals=False)
                sets = reader.value_labels()
                used = dict(zip(frame.columns, reader._lbllist, strict=True))
    except Exception as error:  # a broken file fails in struct, numpy, pandas or codecs
        reason = brief(str(error)) or type(error).__name__
        message = f"cannot be read: a Stata file that is broken or of a newer version: {reason}"
        raise UserError(message, file=file) from None
    labels = {name: sets.get(used[name], {}) for name in frame.columns}
    return _coded(frame, labels, file)


def spss(source: str | io.BytesIO, file: str) -> Table:
    """Read an SPSS file where pyreadstat is installed."""
    try:
        pyreadstat = import_module("pyreadstat")
    except ImportError:
        message = "this is an SPSS file (.sav); pip install pyreadstat, or save it as CSV"
        raise UserError(message, file=file) from None
    if isinstance(source, io.BytesIO):
        raise UserError("this is an SPSS file (.sav) in an archive; unpack it first", file=file)
    try:
        frame, meta = pyreadstat.read_sav(source)
    except Exception as error:
        raise UserError(f"cannot be read: {brief(str(error))}", file=file) from None
    return _coded(frame, meta.variable_value_labels, file)


def _coded(frame: Any, labels: dict[str, dict[Any, str]], file: str) -> Table:
    coded = {
        place: {float(code): str(label) for code, label in labels[name].items()}
        for place, name in enumerate(frame.columns)
        if labels.get(name) and frame[name].dtype.kind in "iuf"
    }
    return framed(frame, file, coded)
