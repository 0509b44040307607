"""`measures:` of a study file."""

from __future__ import annotations

from pathlib import Path

from simstudy.errors import UserError
from simstudy.own.measures import OwnMeasure, settle_measure
from simstudy.own.settle import Importing
from simstudy.study import fields
from simstudy.study.yaml_lines import Document


def measures_of(
    document: Document, folder: Path, trusted: bool, importing: Importing
) -> tuple[OwnMeasure, ...]:
    """The user's own measures; `UserError` where one cannot be, or stands there twice."""
    listed = document.data.get("measures")
    if listed is None:
        return ()
    if not isinstance(listed, list):
        expected = 'expected a list such as [{use: "my_measures.py:function"}]'
        document.refuse(("measures",), f"{expected}, got {fields.shown(listed)}")
    found: list[OwnMeasure] = []
    for i, item in enumerate(listed):
        try:
            one = settle_measure(item, folder, trusted, importing)
        except UserError as error:
            document.refuse(("measures", i), getattr(error, "message", str(error)))
        if any(one.name == other.name for other in found):
            document.refuse(("measures", i), f"two measures are called '{one.name}'")
        found.append(one)
    return tuple(found)
