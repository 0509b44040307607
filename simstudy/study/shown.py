"""How a study file says that results are shown: labels, tables, figures. It changes none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simstudy.forms import shown
from simstudy.registry import Method
from simstudy.study.code import Imports
from simstudy.study.figures import figures_of
from simstudy.study.grid import Design
from simstudy.study.labels import labels_of
from simstudy.study.place import Place
from simstudy.study.tables import USUAL, tables_of


def shown_of(
    top: Place,
    designs: tuple[Design, ...],
    methods: tuple[Method, ...],
    own_measures: Sequence[str],
    imports: Imports,
) -> dict[str, Any]:
    """Labels, tables, figures and page of a study file, by the attributes of `Study`."""
    report = top.get("report")
    tables = report.get("tables") if isinstance(report.value, dict) else None
    return {
        "page": has_page(report),
        "figures": figures_of(top, designs, methods, imports, own_measures),
        "labels": labels_of(top.get("labels"), designs, methods, own_measures),
        "tables": tables_of(tables, designs, methods, own_measures) if tables else USUAL,
    }


def has_page(report: Place) -> bool:
    """Whether the report has a page for browsers, as it has unless told otherwise."""
    page = report.value.get("page", True) if isinstance(report.value, dict) else True
    if not isinstance(page, bool):
        report.refuse(f"{shown(page)} is neither true nor false", "page")
    return page
