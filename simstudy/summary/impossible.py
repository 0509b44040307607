"""Numbers that no estimate can have, refused with their row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simstudy.errors import UserError
from simstudy.moments import Array, Bools, Ints


def refuse_impossible(
    found: Mapping[str, Array], columns: Mapping[str, str], file: str, row: Ints
) -> None:
    """Refuse standard errors below 0, df of 0, p-values off [0, 1] and limits the wrong way round.

    Parameters
    ----------
    found : mapping
        Role (std_error, df, p_value, ci_low, ci_high) -> numbers.
    columns : mapping
        Role -> name of its column, of those that were given.
    row : array of int
        Numbers of the rows, counted from 0.
    """
    wrong = {
        "std_error": (found["std_error"] < 0, "is no std error"),
        "df": (found["df"] <= 0, "is no df"),
    }
    if "p_value" in columns:
        p = found["p_value"]
        percent = "; are these percent?" if (p > 2).any() else ""
        wrong["p_value"] = (p < 0) | (p > 1), f"is no p-value, which is from 0 to 1{percent}"
    for role, (bad, said) in wrong.items():
        if bad.any():
            place = f"row {row[_first(bad)] + 1}, column '{columns[role]}'"
            raise UserError(f"{place}: {found[role][bad][0]:g} {said}", file=file)
    if {"ci_low", "ci_high"} <= columns.keys():
        low, high = found["ci_low"], found["ci_high"]
        if (bad := low > high).any():
            k = _first(bad)
            names = f"columns '{columns['ci_low']}' and '{columns['ci_high']}'"
            swapped = bool((low >= high)[np.isfinite(low) & np.isfinite(high)].all())
            hint = "; they may be the wrong way round" if swapped else ""
            message = f"the lower limit {low[k]:g} is above the upper one, {high[k]:g}{hint}"
            raise UserError(f"row {row[k] + 1}, {names}: {message}", file=file)


def _first(bad: Bools) -> int:
    """Place of the first row."""
    return int(np.flatnonzero(bad)[0])
