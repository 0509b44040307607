"""How a study file says that results are shown: labels, tables, figures. It changes none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    """Labels, tables and figures of a study file, by the attributes of `Study`."""
    report = top.get("report")
    tables = report.get("tables") if isinstance(report.value, dict) else None
    return {
        "figures": figures_of(top, designs, methods, imports, own_measures),
        "labels": labels_of(top.get("labels"), designs, methods, own_measures),
        "tables": tables_of(tables, designs, methods, own_measures) if tables else USUAL,
    }
