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
import pyarrow as pa
import pyarrow.parquet as pq

from simstudy.analysis.fitted import Fit
from simstudy.answers.diagnosis.world import ALPHA, Level, World
from simstudy.errors import UserError
from simstudy.estimates import STATUSES, Outcome
from simstudy.measures.bradley import VERDICTS, verdict
from simstudy.measures.values import proportion
from simstudy.runner.execute import execute
from simstudy.store import parts
from simstudy.store.arrow import doubles, integers
from simstudy.store.names import method_key
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study, load
from simstudy.summary.study import summarize_study

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
    n_used : int
        Data sets in which there was a fit.
    """

    fit: Fit
    level: Level
    slope: float
    size: Number
    se_bias: Number
    coverage: Number
    power: Number
    smaller_p: Number
    n_used: int

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
            "n_used": self.n_used,
            "verdict": self.verdict or None,
        }


_MEASURES = ("rejection_rate", "relative_error_model_se", "coverage")
MEASURES = ("size", "se_bias", "coverage", "power", "smaller_p")


def answers_of(world: World) -> list[Answer]:
    """Simulate a design in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="simstudy-") as folder:
        file = Path(folder) / "columns.parquet"  # the numbers of --study's CSV, read at once
        made = {name: (integers if column.dtype.kind == "i" else doubles)(column)
                for name, column in world.columns.items()}  # fmt: skip
        pq.write_table(pa.table(made), file)
        try:
            study = load(world.study(str(file), "diagnosis"))
        except UserError as error:  # numbers beyond all that a study file takes
            said = f"this design cannot be simulated as it is measured: {error}"
            raise UserError(f"{said}; measure in other units") from None
        results = ResultsFolder(folder).below(study.name)
        execute(study, results, jobs=1)
        return list(
            _answers(world, study, _summary(study, results), _smaller(world, study, results))
        )


def _answers(
    world: World,
    study: Study,
    summary: Mapping[tuple[str, str, str], Number],
    smaller: Mapping[tuple[str, str], tuple[Number, int]],
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
            numbers["smaller_p"], n_used = smaller.get((design.id, label), (_NONE, 0))
            yield Answer(fit, level, world.slope, **numbers, n_used=n_used)


def _summary(study: Study, folder: ResultsFolder) -> dict[tuple[str, str, str], Number]:
    """Scenario, label and measure -> what the summary says."""
    names = ("scenario", "method", "measure", "value", "mcse", "ci_low", "ci_high")
    rows = summarize_study(study, folder, measures=_MEASURES).select(names).to_pylist()
    return {
        (row["scenario"], row["method"], row["measure"]): Number(
            *(math.nan if row[name] is None else row[name] for name in names[3:])
        )
        for row in rows
    }


def _smaller(
    world: World, study: Study, folder: ResultsFolder
) -> Mapping[tuple[str, str], tuple[Number, int]]:
    """Scenario and label -> how often a true null has a p as small as the data's, of so many."""
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
    return {cell: (Number(*map(float, proportion(*count))), count[1])
            for cell, count in counts.items()}  # fmt: skip


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
