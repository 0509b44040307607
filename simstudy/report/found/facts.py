"""What is said of what a study found, before it is put in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from simstudy.measures.bradley import BAND
from simstudy.report.found.cells import MethodCells, cells_by_method
from simstudy.report.found.lost import Lost, lost
from simstudy.report.found.power import powers
from simstudy.report.found.size import Size, sizes
from simstudy.report.found.spread import Spread, complement, spread
from simstudy.report.pivot import Wide, wide
from simstudy.report.tables import alphas
from simstudy.study.study import Study

if TYPE_CHECKING:
    import pyarrow as pa

_RATE, _DIFFERENCE = "rejection_rate", "difference_rejection_rate"
_SE, _COVERAGE, _BIAS = "relative_error_model_se", "coverage", "bias"


class OfMethod(NamedTuple):
    """What was found of one method; None where there is nothing to find.

    Attributes
    ----------
    label : str
    lost : Lost
    size : Size or None
    se_bias : Spread or None
    coverage : Spread or None
        None also where it is one minus the Type I error rate.
    bias : Spread or None
    """

    label: str
    lost: Lost
    size: Size | None
    se_bias: Spread | None
    coverage: Spread | None
    bias: Spread | None


def found_facts(study: Study | None, summary: pa.Table) -> dict[str, Any]:
    """Name in the templates -> fact, those of the first alpha in full.

    Parameters
    ----------
    study : Study, optional
        None of anybody's estimates.
    summary : pyarrow.Table
        As in summary.parquet, or with columns of a user's before `method`.
    """
    rates = [wide(summary, _RATE, alpha) for alpha in alphas(summary, _RATE)]
    first, *others = [(table, *sizes(table)) for table in rates]
    table, size, errors, n_errors = first
    bias = wide(summary, _BIAS)
    tables = {
        _SE: wide(summary, _SE),
        _BIAS: bias,
        _COVERAGE: wide(summary, _COVERAGE, table.alpha),
    }
    of = {name: cells_by_method(one) for name, one in tables.items()}
    same = {m for m, cells in of[_COVERAGE].items() if complement(cells, errors.get(m))}
    labels = summary.column("method").unique().to_pylist()
    methods = [
        OfMethod(
            label, lost(table if label in table.methods else bias, label), size.get(label),
            _spread(of[_SE], label, 0.0),
            None if label in same else _spread(of[_COVERAGE], label, 1.0 - table.alpha),
            _spread(of[_BIAS], label, 0.0),
        )
        for label in labels
    ]  # fmt: skip
    liberal = {label for label, one in size.items() if one.liberal.n}
    return {
        "found": methods,
        "found_alpha": table.alpha,
        "found_band": [edge * table.alpha for edge in BAND],
        "n_errors": n_errors,
        "complements": bool(same) and same == set(of[_COVERAGE]),
        "n_unbiased": _n_unbiased(methods, of[_BIAS].values()),
        "estimates": bool(n_errors or any(of.values()) or cells_by_method(table)),
        "powers": powers(table, wide(summary, _DIFFERENCE, table.alpha), liberal),
        "held": {label for label, one in size.items() if one.held},
        "above": {label for label, one in size.items() if one.above and not one.held},
        "other_alphas": [_judged(at.alpha, judged) for at, judged, _, n in others if n],
        "of_many_truths": [m for m in table.methods if _of_many_truths(table, m)],
        "medians": any(
            len(cells.rows) > 2 for one in (errors, *of.values()) for cells in one.values()
        ),
        "stopped": study is not None and study.precision is not None,
    }


def _spread(of: dict[str, MethodCells], label: str, target: float) -> Spread | None:
    return spread(of[label], target) if label in of else None


def _n_unbiased(methods: Iterable[OfMethod], biases: Iterable[MethodCells]) -> int:
    """Biases of methods with tests, where none is shown to be any; of others each is told."""
    told = any((method.bias and method.bias.off.n) or not method.size for method in methods)
    return 0 if told else sum(map(len, biases))


def _judged(alpha: float, size: dict[str, Size]) -> dict[str, Any]:
    """What is said of a level besides the first."""
    return {
        "alpha": alpha,
        "liberal": [(label, one.liberal, one.highest) for label, one in size.items()
                    if one.liberal.n],
        "conservative": [(label, one.conservative, one.lowest) for label, one in size.items()
                         if one.conservative.n],
        "undecided": sum(one.undecided.n for one in size.values()),
        "n": sum(one.n for one in size.values()),
    }  # fmt: skip


def _of_many_truths(table: Wide, method: str) -> bool:
    cells = (cells.get(method) for _, cells in table.rows)
    return any(cell is not None and cell.asked and cell.aim.null is None for cell in cells)
