"""The very design of a data set as an ordinary study, and the file of its columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simstudy.analysis.data import DataSet
from simstudy.analysis.fitted import Fit
from simstudy.answers.diagnosis.shape import RESIDUALS, Residuals
from simstudy.answers.diagnosis.variances import Variances, rounded
from simstudy.moments import Array
from simstudy.store.study_file import dump
from simstudy.study.covariate_fields import RESERVED
from simstudy.study.study import plain

_NULL = "{}, true null"  # the label of a method that tests the slope that is true
ALPHA = 0.05
_NO_LETTERS = re.compile(r"\W+")


class Level(NamedTuple):
    """How much varies between clusters.

    Attributes
    ----------
    names : tuple of str
        Which of `Variances.names` it is.
    theta : float
    icc : float
        Share of the variance given the predictors, over all units.
    design_effect : float
    resampled : bool
        Whether residuals are drawn from the data's own.
    """

    names: tuple[str, ...]
    theta: float
    icc: float
    design_effect: float
    resampled: bool = False


def main_of(levels: Sequence[Level]) -> Level:
    """That of the estimate, or the middle of what is assumed."""
    middle = levels[len(levels) // 2]
    return next((level for level in levels if "estimate" in level.names), middle)


@dataclass(frozen=True)
class World:
    """A design to be simulated.

    Attributes
    ----------
    data : DataSet
    variances : Variances
    fits : tuple of Fit
        Of the methods that are tried.
    slopes : mapping
        The true ones, by predictor.
    residuals : Residuals
    resampled : tuple of str
        Fields of a scenario that are drawn from the data's own residuals, too.
    seed, replications : int
    """

    data: DataSet
    variances: Variances
    fits: tuple[Fit, ...]
    slopes: Mapping[str, float]
    residuals: Residuals
    resampled: tuple[str, ...]
    seed: int
    replications: int

    def study(self, file: str, name: str) -> dict[str, Any]:
        """The study file, the columns being in a file of this name."""
        document = {
            "name": name,
            "title": f"How wrong is {self.data.terms}?",
            "seed": self.seed,
            "replications": self.replications,
            "alpha": ALPHA,
            "scenarios": self._scenarios(file),
            "methods": self._methods(),
        }
        written: dict[str, Any] = plain(document)
        return written

    def _scenarios(self, file: str) -> list[dict[str, Any]]:
        cluster, x, *covariates = self._names()
        common: dict[str, Any] = {"x": {"file": file, "column": x, "cluster": cluster}}
        if covariates:
            common["covariates"] = {
                name: {"column": name, "slope": rounded(self.slopes[of])}
                for name, of in zip(covariates, self.data.names[1:], strict=True)
            }
        common["slope"] = self.slope
        common["within_variance"] = rounded(self.variances.sigma2)
        own = {field: {"file": file, "column": field} for field in self.resampled}
        return [
            common | self.variances.fields(level.theta) | (own if level.resampled else {})
            for level in self.levels
        ]

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """How much varies between clusters in each scenario, in the order of the study."""
        found: dict[str, Level] = {}
        for name, theta in zip(self.variances.names, self.variances.thetas, strict=True):
            key = str(self.variances.fields(theta))
            names = (*found[key].names, name) if key in found else (name,)
            found[key] = Level(
                names,
                theta,
                self.variances.share(self.data, theta),
                self.variances.design_effect(self.data, theta),
            )
        levels = tuple(found.values())
        again = main_of(levels)._replace(resampled=True)
        return (*levels, again) if self.resampled else levels

    def null_label(self, label: str) -> str:
        """Label of the method that is asked about the slope that is true."""
        return _NULL.format(label) if self.slope else label

    @property
    def slope(self) -> float:
        """The true one of the predictor under test."""
        return rounded(self.slopes[self.data.names[0]])

    def _methods(self) -> list[dict[str, Any]]:
        """Every method as it is, and about the truth: one fit, whose size and power are asked."""
        listed: list[dict[str, Any]] = []
        for method in (fit.method for fit in self.fits):
            options = dict(method.options) | {"label": method.label}
            listed.append({method.name: options})
            if self.slope:
                about = {"null_value": self.slope, "label": self.null_label(method.label)}
                listed.append({method.name: options | about})
        return listed

    def _names(self) -> list[str]:
        """Columns of the file: the clusters, x, and covariates by names that a study file takes."""
        data, names = self.data, [""]
        taken = {*RESIDUALS}
        for column in (data.random.cluster, *data.names):
            plain = column
            if len(names) > 2:  # of a covariate
                taken |= {*RESERVED}
                plain = _NO_LETTERS.sub("_", column).strip("_") or "z"
                plain = f"z{plain}" if plain[0].isdigit() else plain
            while plain in names or plain in taken:
                plain += "_"
            names.append(plain)
        return names[1:]

    @property
    def columns(self) -> dict[str, Array]:
        """What is in the file, sorted by cluster; NaN is missing."""
        data = self.data
        clusters = np.repeat(np.arange(1, data.sizes.size + 1), data.sizes)
        given = dict(zip(self._names(), (clusters, *data.matrix.T), strict=True))
        return given | {field: self.residuals.column(field) for field in self.resampled}

    def write_columns(self, file: Path) -> None:
        """Write them as CSV, every digit of them."""
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(self.columns)
            values = zip(*(column.tolist() for column in self.columns.values()), strict=True)
            writer.writerows(["" if one != one else one for one in row] for row in values)

    def write(self, file: Path) -> tuple[Path, Path]:
        """Write the study file, and the file of its columns beside it; return both."""
        beside = file.with_suffix(".csv")
        self.write_columns(beside)
        document = self.study(beside.name, _name_of(file.stem))
        file.write_text(dump(document), encoding="utf-8")
        return file, beside


def _name_of(stem: str) -> str:
    """A study's name from that of its file."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:100] or "diagnosis"


def tried(fits: Sequence[Fit]) -> tuple[Fit, ...]:
    """Fits of the methods that have a test here."""
    return tuple(fit for fit in fits if fit.slope["p_value"] is not None)
