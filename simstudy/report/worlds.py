"""The table of worlds as they were drawn: realized features beside nominal ones."""

from __future__ import annotations

import math
from collections.abc import Mapping

from simstudy.generators.scenario import Scenario
from simstudy.numerics.features import FEATURES, Feature
from simstudy.report.pivot import Cell, decimals, level_text, number
from simstudy.report.tables.grid import Grid
from simstudy.report.tables.look import NAMES
from simstudy.report.tables.shown import Shown, plain_label
from simstudy.report.words import Words
from simstudy.store.realized_file import Realized
from simstudy.study.study import Study
from simstudy.summary.study import factors

NAME = "worlds"
WORDS = {
    "icc": "ICC of the errors",
    "x_icc": "ICC of x",
    "size_cv": "CV of the sizes",
    "skewness": "skewness of the errors",
    "n_clusters": "clusters",
}
_HOW = (
    "Realized: of data drawn again, the first replications, at most 2,000. An ICC is "
    "mean(t2) / (mean(t2) + mean(MSW)), t2 = (MSB - MSW) / n0 not truncated, of the errors, "
    "what slopes differ by left out: where sizes are informative, errors follow each other or "
    "clusters form groups, this is not the nominal one. The skewness is that of errors about the "
    "mean of their cluster"
)


def worlds(study: Study, realized: Mapping[str, Realized], words: Words = NAMES) -> Grid | None:
    """A row a scenario with realized features, nominal and realized ones in turn; None of none."""
    designs = [design for design in study.designs if design.id in realized]
    of_each = [{name: _cell(realized[design.id].features.get(name)) for name in FEATURES}
               for design in designs]  # fmt: skip
    names = [name for name in FEATURES if any(not math.isnan(of[name].value) for of in of_each)]
    if all(of["n_clusters"].value == d.scenario.n_clusters
           for d, of in zip(designs, of_each, strict=True)):  # fmt: skip
        names = [name for name in names if name != "n_clusters"]
    if not names:
        return None
    places = {name: decimals([of[name] for of in of_each], 4) for name in names}
    cells = []
    for design, of in zip(designs, of_each, strict=True):
        meant = nominal(design.scenario)
        cells.append([shown for name in names for shown in (
            Shown(_text(meant[name])), _shown(of[name], places[name]))])  # fmt: skip
    levels = {name: [plain_label(words.level(name, design.level(name))) for design in designs]
              for name in factors(study)}  # fmt: skip
    varying = [name for name, texts in levels.items() if len(set(texts)) > 1] or list(levels)[:1]
    fixed = [
        f"{words.factor(name)} {texts[0]}" for name, texts in levels.items() if name not in varying
    ]
    notes = _HOW + (f"\nall scenarios: {', '.join(fixed)}" if fixed else "")
    heads = [head for name in names for head in (WORDS[name], f"{WORDS[name]}, realized")]
    rows = [list(row) for row in zip(*(levels[name] for name in varying), strict=True)]
    headings = [plain_label(words.heading(name)) for name in varying]
    return Grid(NAME, "Worlds as drawn", headings, heads, rows, cells, {"": notes})


def nominal(scenario: Scenario) -> dict[str, float]:
    """What each feature was meant to be; NaN where that is not known."""
    own = scenario.generator is not None
    return {
        "icc": scenario.icc,
        "x_icc": math.nan if scenario.x_icc is None else scenario.x_icc,
        "size_cv": scenario.size.sd / scenario.size.mean,
        "skewness": math.nan if own else scenario.part("errors").skewness,
        "n_clusters": float(scenario.n_clusters),
    }


def _cell(feature: Feature | None) -> Cell:
    value, mcse = feature or Feature(math.nan, math.nan)
    return Cell(value, mcse, 1, 0)


def _shown(cell: Cell, places: int) -> Shown:
    if math.isnan(cell.value):
        return Shown("-")
    return Shown(number(cell.value, places), number(cell.mcse, places))


def _text(value: float) -> str:
    return "-" if math.isnan(value) else level_text(round(value, 4))
