"""What a column must be from which a study takes its data."""

from __future__ import annotations

from typing import Any

import numpy as np

from simstudy.errors import UserError


def refuse_useless(values: Any, column: str, file: str) -> None:
    """Refuse numbers, none of them missing, that are not all finite, or all the same."""
    if not np.isfinite(values).all():
        raise UserError(f"column '{column}' has infinite values", file=file)
    if values.min() == values.max():
        raise UserError(f"column '{column}' does not vary", file=file)
