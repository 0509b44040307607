"""``report:`` of a study file: which figures are drawn."""

from __future__ import annotations

from simstudy.errors import nearest
from simstudy.estimands import is_null
from simstudy.forms import shown
from simstudy.plots import USUAL, other_names, plots
from simstudy.registry import Method
from simstudy.study import vocabulary
from simstudy.study.grid import Design
from simstudy.study.place import Place

_REPORT = dict.fromkeys(("plots", "figure", "graphs", "plot", "charts"), "figures")


def default_figures(designs: tuple[Design, ...], chosen: tuple[Method, ...]) -> tuple[str, ...]:
    """The figures that are usual for true or false nulls, for tests, and where designs vary."""
    aims = {(m.target, m.null_value) for m in chosen if m.tested}
    nulls = {
        bool(is_null(target.value(design.scenario), null_value))
        for target, null_value in aims
        for design in designs
    }
    effects = {round(d.design_effect, 9) for d in designs if d.scenario.generator is None}
    varies = len(effects) > 5
    conditions = (True in nulls, False in nulls, bool(aims), bool(aims) and varies)
    usual = [what for what, holds in zip(USUAL, conditions, strict=True) if holds]
    return tuple(p.name for what in usual for p in plots().values() if p.usual == what)


def figures_of(
    top: Place, designs: tuple[Design, ...], chosen: tuple[Method, ...]
) -> tuple[str, ...]:
    """The figures that `report:` names; by default those that are usual."""
    report = top.get("report")
    if report.value is not None:
        report.expect(dict, "figures: [...]")
        report.allow(("figures", "tables"), _REPORT)
    if not report.value or (set(report.value) == {"tables"}):
        return default_figures(designs, chosen)
    listed = report["figures"]
    listed.expect(list, "a list")
    for figure in listed.items():
        if not isinstance(figure.value, str) or figure.value not in plots():
            hint = nearest(figure.value, plots(), other_names() | vocabulary.FIGURES)
            figure.refuse(f"unknown figure {shown(figure.value)}{hint}")
    return tuple(dict.fromkeys(listed.value))
