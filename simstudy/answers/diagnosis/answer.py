"""How methods do in a simulated design, each number with its Monte Carlo error."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simstudy.analysis.fitted import Fit
from simstudy.answers.diagnosis.world import ALPHA, NULL, Level, World
from simstudy.estimates import Outcome
from simstudy.measures.bradley import VERDICTS, verdict
from simstudy.measures.values import proportion
from simstudy.moments import Bools, Ints
from simstudy.results import Results, run
from simstudy.store.arrow import joined, levels_of, to_numpy
from simstudy.study.study import Study, load

_USED = (Outcome.OK.status, Outcome.BOUNDARY.status)


class Number(NamedTuple):
    """A simulated number, its Monte Carlo SE and 95 % interval; NaN where there is none."""

    value: float
    mcse: float
    low: float
    high: float


_NONE = Number(math.nan, math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Answer:
    """One method at one level.

    Attributes
    ----------
    fit : Fit
        To the data.
    level : Level
    slope : float
        The true one where power is asked for.
    size : Number
        Rate at which the slope that is true is rejected at .05.
    se_bias : Number
        Percent by which the standard error misses the SD of the estimates.
    coverage : Number
        Of the 95 % interval.
    power : Number
        Rate at which a slope of 0 is rejected where it is `slope`.
    smaller_p : Number
        Share of p-values under a true null that are no larger than the data's own.
    """

    fit: Fit
    level: Level
    slope: float
    size: Number
    se_bias: Number
    coverage: Number
    power: Number
    smaller_p: Number

    @property
    def method(self) -> str:
        """Label of the method."""
        return self.fit.method.label

    @property
    def verdict(self) -> str:
        """Bradley's, of its size."""
        return (*VERDICTS, "")[int(verdict(self.size.low, self.size.high, ALPHA))]

    @property
    def holds(self) -> bool:
        """Whether it keeps to its level, as far as can be seen."""
        return self.verdict in ("robust", "conservative") or self.size.low <= ALPHA

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers; None where there is none."""
        numbers = {name: getattr(self, name) for name in MEASURES}
        return {
            "method": self.method,
            "icc": self.level.icc,
            "errors": "resampled" if self.level.resampled else "normal",
            "slope": self.slope,
            **{name: _finite(number.value) for name, number in numbers.items()},
            "mcse": {name: _finite(number.mcse) for name, number in numbers.items()},
            "verdict": self.verdict or None,
        }


MEASURES = ("size", "se_bias", "coverage", "power", "smaller_p")


def answers_of(world: World) -> list[Answer]:
    """Simulate a design in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="simstudy-") as folder:
        file = Path(folder) / "columns.csv"
        file.write_text(world.table(), encoding="utf-8")
        study = load(world.study(str(file), "diagnosis"))
        results = run(study, results=folder, report=False, jobs=1, warn=lambda line: None)
        return list(_answers(world, study, results))


def _answers(world: World, study: Study, results: Results) -> Iterator[Answer]:
    summary = _summary(results)
    smaller = _smaller(world, study, results)
    for level, design in zip(world.levels, study.designs, strict=True):
        for fit in world.fits:
            label = fit.method.label
            null = NULL.format(label) if world.slope else label

            def number(label: str, measure: str, scenario: str = design.id) -> Number:
                return summary.get((scenario, label, measure), _NONE)

            yield Answer(
                fit, level, world.slope,
                size=number(null, "rejection_rate"),
                se_bias=number(label, "relative_error_model_se"),
                coverage=number(label, "coverage"),
                power=number(label, "rejection_rate"),
                smaller_p=smaller[design.id, label],
            )  # fmt: skip


def _summary(results: Results) -> dict[tuple[str, str, str], Number]:
    """Scenario, label and measure -> what the summary says."""
    names = ("scenario", "method", "measure", "value", "mcse", "ci_low", "ci_high")
    columns = results.summary_table().select(names).to_pylist()
    return {
        (row["scenario"], row["method"], row["measure"]): Number(
            *(math.nan if row[name] is None else row[name] for name in names[3:])
        )
        for row in columns
    }


def _smaller(world: World, study: Study, results: Results) -> Mapping[tuple[str, str], Number]:
    """Scenario and label -> how often a true null has a p-value as small as the data's."""
    about = {method.label: method.canonical for method in study.methods}
    table = results.estimates.to_table(columns=["scenario", "method", "status", "p_value"])
    scenario, method, status = (levels_of(table.column(k)) for k in range(3))
    p_value = to_numpy(joined(table.column("p_value")))
    used = _is(status, *_USED)
    found = {}
    for fit in world.fits:
        label = fit.method.label
        canonical = about[NULL.format(label) if world.slope else label]
        for design in study.designs:
            mine = used & _is(method, canonical) & _is(scenario, design.id)
            found[design.id, label] = _share(p_value[mine] <= fit.slope["p_value"])
    return found


def _is(column: tuple[list[str], Ints], *words: str) -> Bools:
    """Rows of a column that hold one of these words."""
    levels, codes = column
    return np.asarray(np.isin(levels, words)[codes])


def _share(hits: Bools) -> Number:
    return Number(*(float(one) for one in proportion(int(hits.sum()), int(hits.size))))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
