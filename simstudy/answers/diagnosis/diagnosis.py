"""How wrong the analysis of one data set is: the same design, simulated."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simstudy.analysis.data import DataSet
from simstudy.analysis.fit import Fits, fits_of, usual
from simstudy.analysis.fitted import Fit
from simstudy.analysis.grammar import parse
from simstudy.analysis.model import model
from simstudy.answers.diagnosis.answer import Answer, answers_of
from simstudy.answers.diagnosis.described import described
from simstudy.answers.diagnosis.printed import printed
from simstudy.answers.diagnosis.shape import residuals_of
from simstudy.answers.diagnosis.variances import variances_of
from simstudy.answers.diagnosis.wording import worded
from simstudy.answers.diagnosis.world import World, tried
from simstudy.errors import UserError, nearest
from simstudy.estimates import Outcome
from simstudy.markup import preformatted
from simstudy.study.methods import method_of

if TYPE_CHECKING:
    import pandas as pd

# beside the methods of `fit`, of one predictor and of several: what many papers do, and what to
# do instead; CR2 of several takes as long as everything else, and so each robust error more
_Z = {"random_intercept": {"df": "wald"}}
_OTHERS: Mapping[bool, tuple[dict[str, Any], ...]] = {
    False: ({"pooled": {"se": "CR2"}}, {"pooled": {"se": "CR0", "df": "wald"}}, _Z),
    True: ({"pooled": {"se": "CR1S"}}, _Z),
}


@dataclass(frozen=True)
class Diagnosis:
    """What one analysis of one data set is worth.

    Attributes
    ----------
    world : World
        What was simulated.
    fits : Fits
        Of all methods that were tried, to the data.
    answers : list of Answer
        How they do in that design.
    """

    world: World
    fits: Fits
    answers: list[Answer]

    @cached_property
    def design(self) -> dict[str, Any]:
        """What the design of the data is, as plain numbers."""
        return described(self.world)

    @cached_property
    def words(self) -> list[str]:
        """What it comes to, a sentence or two a line."""
        return worded(self.world, self.design, self.answers)

    def as_dict(self) -> dict[str, Any]:
        """Everything, as `diagnose --json` prints it."""
        return {
            "design": self.design,
            "fits": [fit.as_dict() for fit in self.fits.fits],
            "answers": [answer.as_dict() for answer in self.answers],
            "words": self.words,
        }

    def __str__(self) -> str:
        return printed(self.world, self.design, self.fits.fits, self.answers, self.words)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return preformatted(str(self))


def diagnose(
    data: str | Path | pd.DataFrame,
    formula: str,
    *,
    term: str | None = None,
    replications: int = 2000,
    seed: int | None = None,
) -> Diagnosis:
    """Say how wrong the analysis of a data set is, by simulating that very design.

    Parameters
    ----------
    data, formula
        As of `simstudy.fit`.
    term : str, optional
        Coefficient that is tested; by default the first.
    replications : int
        Of every scenario.
    seed : int, optional
        By default that of the data: a function of them and the formula.

    Returns
    -------
    Diagnosis
        Print it, or take its `words`, `answers`, `design` and `fits`.

    Raises
    ------
    UserError
    """
    terms = parse(formula)
    read = under_test(model(data, terms), term)
    if len(read.labels) < 2:
        raise UserError(f"at least 2 clusters are needed; {read.random.cluster} has one")
    asked = (*usual(terms.random), *_OTHERS[len(read.names) > 1])
    fits = fits_of(read, [method_of(one) for one in asked])
    chosen = tried(fits.fits)
    messages = [fit.message for fit in fits.fits if fit.message]
    if not chosen:
        said = next(iter(messages), "nothing can be estimated")
        raise UserError(f"no method has a test of {read.names[0]}: {said}")
    if Outcome.NO_RESIDUAL_VARIANCE.reason in messages:
        y, cluster = read.terms.outcome, read.random.cluster
        raise UserError(f"nothing is left of {y} within {cluster} that could be simulated: analyze "
                        "its means")  # fmt: skip
    variances = variances_of(read, fits.fits)
    slopes = slopes_of(read, chosen)
    residuals = residuals_of(read, slopes)
    seed = seed_of(read) if seed is None else seed
    far = residuals.far_from_normal()
    world = World(read, variances, chosen, slopes, residuals, far, seed, replications)
    return Diagnosis(world, fits, answers_of(world))


def under_test(data: DataSet, term: str | None) -> DataSet:
    """The data with the term that is asked for in the first place."""
    if term is None or term == data.names[0]:
        return data
    if term in data.dropped:
        raise UserError(f"--term {term}: it is not in the model ({data.dropped[term]})")
    if term not in data.names:
        raise UserError(f"--term {term}: no such coefficient{nearest(term, data.names)}")
    if data.random.slope is not None:
        slope = data.random.slope
        raise UserError(f"--term {term}: the slope of {slope} varies, and it is what is tested; "
                        f"write (1 | {data.random.cluster})")  # fmt: skip
    return data.led_by(term)


def slopes_of(data: DataSet, fits: tuple[Fit, ...]) -> dict[str, float]:
    """Of all predictors, by the most elaborate model that has one; 0 of those that it lacks."""
    order = ("random_slope", "random_intercept", "dummy", "pooled")
    best = min(fits, key=lambda fit: order.index(fit.method.name))
    found = {term["term"]: term["estimate"] for term in best.slopes}
    return {name: found.get(name) or 0.0 for name in data.names}


def seed_of(data: DataSet) -> int:
    """A seed that is a function of the data and the terms."""
    content = hashlib.sha256("\n".join(data.names).encode())
    for values in (data.matrix, data.y, data.sizes):
        content.update(np.ascontiguousarray(values).tobytes())
    return int.from_bytes(content.digest()[:4], "big")
