"""How methods do in a simulated design, each number with its Monte Carlo error."""

from __future__ import annotations

import math
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simstudy.analysis.fitted import Fit
from simstudy.answers.diagnosis.world import ALPHA, Level, World
from simstudy.errors import UserError
from simstudy.estimates import STATUSES, Outcome
from simstudy.measures.bradley import VERDICTS, verdict
from simstudy.measures.values import proportion
from simstudy.results import Results, run
from simstudy.store import parts
from simstudy.store.names import method_key
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study, load

_USED = [STATUSES.index(outcome.status) for outcome in (Outcome.OK, Outcome.BOUNDARY)]


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
        try:
            study = load(world.study(str(file), "diagnosis"))
        except UserError as error:  # numbers beyond all that a study file takes
            said = f"this design cannot be simulated as it is measured: {error}"
            raise UserError(f"{said}; measure in other units") from None
        results = run(study, results=folder, report=False, jobs=1, warn=lambda line: None)
        smaller = _smaller(world, study, ResultsFolder(folder).below(study.name))
        return list(_answers(world, study, _summary(results), smaller))


def _answers(
    world: World,
    study: Study,
    summary: Mapping[tuple[str, str, str], Number],
    smaller: Mapping[tuple[str, str], Number],
) -> Iterator[Answer]:
    for level, design in zip(world.levels, study.designs, strict=True):
        for fit in world.fits:
            label = fit.method.label
            cells = {
                "size": (world.null_label(label), "rejection_rate"),
                "se_bias": (label, "relative_error_model_se"),
                "coverage": (label, "coverage"),
                "power": (label, "rejection_rate"),
            }
            numbers = {name: summary.get((design.id, *cell), _NONE) for name, cell in cells.items()}
            numbers["smaller_p"] = smaller.get((design.id, label), _NONE)
            yield Answer(fit, level, world.slope, **numbers)


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


def _smaller(world: World, study: Study, folder: ResultsFolder) -> Mapping[tuple[str, str], Number]:
    """Scenario and label -> how often a true null has a p-value as small as the data's."""
    label_of = {method.label: method_key(method.canonical) for method in study.methods}
    asked = {
        label_of[world.null_label(fit.method.label)]: (fit.method.label, fit.slope["p_value"])
        for fit in world.fits
    }
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for part in folder.parts():
        held = parts.read(folder, part, ("p_value", "status"), parts.Whose.of(study))
        used = np.isin(held["status"], _USED)
        for m, key in enumerate(part.methods):
            label, own = asked.get(key, ("", 0.0))
            for s, scenario in enumerate(part.scenarios if label else ()):
                count = counts[scenario, label]
                count[0] += int((held["p_value"][m, s][used[m, s]] <= own).sum())
                count[1] += int(used[m, s].sum())
    return {
        cell: Number(*(float(one) for one in proportion(*count))) for cell, count in counts.items()
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
