"""What a study keeps of its replications: their rows, totals of them, or totals and some rows."""

from __future__ import annotations

from typing import Any

from simstudy import forms
from simstudy.errors import nearest
from simstudy.forms import Number
from simstudy.study.place import Place

ROWS, SUMMARY, SAMPLE = "rows", "summary", "sample"
_NUMBER = Number("rows that are stored of each method in each scenario", 1, 1e12, integer=True)
_WORDS = dict.fromkeys(("estimates", "all", "raw", "parts"), ROWS) | dict.fromkeys(
    ("totals", "sums", "measures", "none", "summaries"), SUMMARY
)


def sample_of(place: Place) -> int | None:
    """Rows that are stored of each method in each scenario beside totals; None: rows alone."""
    if isinstance(place.value, dict):
        place.allow((SAMPLE,), dict.fromkeys((ROWS, "first", "n", "keep"), SAMPLE))
        if SAMPLE not in place.value:
            place.refuse(f"'{SAMPLE}' is missing ({_NUMBER.summary})")
        return int(_NUMBER.read(place[SAMPLE]))
    if place.value not in (ROWS, SUMMARY):
        hint = nearest(place.value, (ROWS, SUMMARY), _WORDS)
        what = f"{ROWS}, {SUMMARY} or {{{SAMPLE}: K}}"
        place.refuse(f"expected {what}, got {forms.shown(place.value)}{hint}")
    return None if place.value == ROWS else 0


def written(sample: int | None) -> Any:
    """The same as it stands in a study file."""
    if sample is None:
        return ROWS
    return {SAMPLE: sample} if sample else SUMMARY


def shown(sample: int | None) -> str:
    """The same for people."""
    return f"{{{SAMPLE}: {sample}}}" if sample else str(written(sample))


def schema() -> dict[str, Any]:
    """JSON Schema of it."""
    sample = {"type": "object", "properties": {SAMPLE: _NUMBER.schema()},
              "required": [SAMPLE], "additionalProperties": False}  # fmt: skip
    return {"anyOf": [{"enum": [ROWS, SUMMARY]}, sample]}
