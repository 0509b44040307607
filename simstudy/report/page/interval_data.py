"""Confidence intervals of one scenario for the page: a zip plot (Morris et al. 2019)."""

from __future__ import annotations

from typing import Any

import numpy as np

from simstudy.measures.values import Z95
from simstudy.moments import Array
from simstudy.report.drawing.rows import Sample
from simstudy.report.page.packed import short

_MOST = 400  # a method


def interval_data(sample: Sample) -> tuple[dict[str, Any], dict[str, Array]]:
    """What is said of the intervals of each method, and their ends less the truth.

    Nothing where no method has any.
    """
    start = sample.first_centile()
    methods = []
    arrays: dict[str, Array] = {}
    for k, (text, rows) in enumerate(sample.methods.items()):
        about: dict[str, Any] = {"text": text, "place": rows.target.place}
        covered = None if np.isnan(rows.truth) else rows.covers(sample.alpha)
        if covered is None or not covered.size:
            varies = "the truth differs between data sets"
            methods.append(about | {"why": varies if covered is None else rows.why_empty})
            continue
        share = float(covered.mean())
        half = float(Z95 * np.sqrt(share * (1 - share) / covered.size))
        methods.append(about | {"share": share, "half": half, "n": covered.size})
        ranked = rows.ranked(sample.alpha, start, _MOST)
        arrays[f"interval {k} covers"] = ranked.covers
        for name in ("low", "high", "centile"):
            arrays[f"interval {k} {name}"] = short(getattr(ranked, name))
    if not arrays:
        return {}, {}
    said = {
        "what": sample.what,
        "alpha": sample.alpha,
        "start": start,
        "reach": sample.reach(),
        "most": _MOST,
        "estimand": " / ".join(dict.fromkeys(r.target.words for r in sample.methods.values())),
        "methods": methods,
    }
    return {"intervals": said}, arrays
