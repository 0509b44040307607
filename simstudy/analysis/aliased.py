"""Columns that say nothing the ones before them have not said, as lm and lmer find them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simstudy.moments import Floats

_TOLERANCE = 1e-7  # R's, of a column's own length
_ROUNDING = 2 * np.finfo(float).eps


def aliased(names: Sequence[str], matrix: Floats) -> dict[str, str]:
    """Columns of a matrix, (N, p), that depend on the intercept and the ones before: why.

    A column is kept if what the kept ones before leave of it is longer than 1e-7 of its own
    length about the mean, so that a shift of a column decides nothing.
    """
    centred, lengths = _about_means(matrix)
    # the triangle has the lengths and angles of the columns, and p rows
    left = np.asarray(np.linalg.qr(centred, mode="r")) if matrix.shape[1] else centred
    basis = np.zeros((left.shape[0], 0))
    kept: list[int] = []
    dropped: dict[str, str] = {}
    for place, name in enumerate(names):
        rest = left[:, place]
        for _ in range(2):  # once more, for what rounding left
            rest = rest - basis @ (basis.T @ rest)
        length = float(np.linalg.norm(rest))
        if lengths[place] == 0:
            dropped[name] = "constant"
        elif length <= _TOLERANCE:
            weights = np.linalg.lstsq(left[:, kept], left[:, place], rcond=None)[0]
            others = [names[k] for k, w in zip(kept, weights, strict=True) if abs(w) > 1e-6]
            dropped[name] = f"a linear combination of {_listed(others)}"
        else:
            basis = np.column_stack([basis, rest / length])
            kept.append(place)
    return dropped


def _about_means(matrix: Floats) -> tuple[Floats, Floats]:
    """Columns about their means, of length 1 each, and these lengths; 0 of constant ones."""
    largest = np.abs(matrix).max(axis=0, initial=0.0)
    scaled = np.ldexp(matrix, -np.frexp(largest)[1])
    about = scaled - scaled[:1]  # exactly 0 where all are the same
    about = about - about.mean(axis=0)
    lengths = np.sqrt((about * about).sum(axis=0))
    rounding = _ROUNDING * np.sqrt((scaled * scaled).sum(axis=0))
    lengths = np.where(lengths <= rounding, 0.0, lengths)
    return about / np.where(lengths == 0, 1.0, lengths), lengths


def _listed(names: Sequence[str], most: int = 4) -> str:
    shown = [*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])]
    first = "the intercept and " if len(shown) == 1 else "the intercept, "
    return first + (" and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:]))))
