"""Measures against the reference method, in the replications that both have."""

from __future__ import annotations

from typing import Any

import numpy as np

from simstudy.measures.record import (
    PAIRED,
    PAIRED_INTERVALS,
    PAIRED_TESTS,
    Cells,
    Section,
    measure,
)
from simstudy.measures.values import NAN, Value, mean_of, plain, ratio
from simstudy.moments import Ints


def _words(of: str, each: str) -> dict[str, Any]:
    return {
        "words": f"Difference in {of} from the reference method",
        "formula": f"mean of the differences within replications ({each})",
        "mcse": r"standard deviation of the differences over $\sqrt n$",
    }


@measure(
    Section.PAIRS, PAIRED, "Relative precision, %", decimals=1,
    words="Relative precision against the reference method, %",
    formula=r"$100\{(s_\mathrm{ref}/s)^2-1\}$",
    mcse=r"$200(s_\mathrm{ref}/s)^2\sqrt{(1-r^2)/(n-1)}$, $r$ the correlation of the estimates",
    synonyms=("relprec", "precision", "relative_efficiency"),
)  # fmt: skip
def relative_precision(cells: Cells) -> Value:
    """100 ((EmpSE_ref / EmpSE)^2 - 1), percent (White 2010; rho is that of the pairs)."""
    errors = cells.both.errors
    n, about = errors.n, errors.about
    own, other, both = about[2, 0, 0], about[0, 2, 0], about[1, 1, 0]
    gain = np.where(n > 1, ratio(other, own), NAN)
    gain = np.where(gain > 0, gain, NAN)
    rho = ratio(both, np.sqrt(own) * np.sqrt(other))
    spread = np.maximum(1.0 - rho * rho, 0.0)
    return plain(100.0 * (gain - 1.0), 200.0 * gain * np.sqrt(ratio(spread, n - 1)))


@measure(
    Section.PAIRS, PAIRED, "Difference in bias from the reference",
    **_words("bias", r"$t_i-t_{\mathrm{ref},i}$"),
)  # fmt: skip
def difference_bias(cells: Cells) -> Value:
    """Mean difference of the estimates' errors."""
    errors = cells.both.errors
    return mean_of(errors.means[2], errors.about[0, 0, 2], errors.n)


def _difference(more: Ints, less: Ints, n: Ints) -> Value:
    """Mean difference of two indicators that differ in `more` and `less` of n rows."""
    mean = ratio(more - less, n)
    return mean_of(mean, np.maximum(more + less - n * mean * mean, 0.0), n)


@measure(
    Section.PAIRS, PAIRED_INTERVALS, "Difference in coverage from the reference",
    per_alpha=True, of_indicators=True, **_words("coverage", "covered or not"),
)  # fmt: skip
def difference_coverage(cells: Cells, k: int) -> Value:
    """Difference in coverage."""
    both = cells.both
    return _difference(both.covers[:, k], both.covers_not[:, k], both.n_intervals)


@measure(
    Section.PAIRS, PAIRED_TESTS, "Difference in rejection rate from the reference",
    per_alpha=True, of_indicators=True, **_words("rejection rate", "rejected or not"),
)  # fmt: skip
def difference_rejection_rate(cells: Cells, k: int) -> Value:
    """Difference in rejection rate."""
    both = cells.both
    return _difference(both.rejects[:, k], both.rejects_not[:, k], both.n_tests)
