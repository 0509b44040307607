"""The shape that a column of a file has: its values, drawn with replacement.

They are standardized by their own mean and standard deviation (that with n, not n - 1), so that
what is drawn has mean 0 and variance 1. As a world they are what they are whatever their order
and wherever they lie: a digest of the sorted values stands for them.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from os.path import abspath
from pathlib import PurePath
from typing import Any

import numpy as np

from simstudy.errors import UserError, code, meanings, visible
from simstudy.forms import Fields, Place, Text, flow
from simstudy.generators.shape_family import Family, Size
from simstudy.moments import Floats

WORDS = meanings(file="path csv data filename", column="variable col field")

_ENDINGS = (".csv", ".tsv", ".txt", ".gz", ".parquet", ".feather", ".xlsx", ".dta", ".sav")


@dataclass(frozen=True, slots=True)
class Sample:
    """Values of a column, standardized and in ascending order; equal ones have one `digest`.

    `n_dropped` rows of the file had none. `file` is its name, without its folder.
    """

    digest: str
    values: Floats = field(compare=False, repr=False)
    file: str = field(compare=False)
    column: str = field(compare=False)
    n_dropped: int = field(default=0, compare=False)

    @property
    def text(self) -> str:
        """``residuals.csv:e``."""
        return visible(f"{self.file}:{self.column}").strip()

    def moment(self, power: int) -> float:
        """Mean of a power of the values."""
        return float(np.mean(self.values**power))


def sample_of(path: str, column: str) -> Sample:
    """Read the numbers of a column; rows without one are left out.

    Raises
    ------
    UserError
        Where there is no such column, or its values are not numbers, or all the same.
    """
    from simstudy.readers.given import refuse_useless  # a run does without readers
    from simstudy.readers.read import read

    numbers = read(path).whole([column]).numbers(column)
    there = numbers[~np.isnan(numbers)]
    if there.size < 2:
        few = "one number" if there.size else "no number"
        raise UserError(f"column '{column}' holds {few}; at least 2 are needed", file=path)
    refuse_useless(there, column, path)
    ordered = np.sort(there + 0.0)
    digest = hashlib.sha256(ordered.astype("<f8").tobytes()).hexdigest()
    file, n_dropped = PurePath(abspath(path)).name, int(numbers.size - there.size)
    return Sample(digest, standardized(ordered), file, column.strip(), n_dropped)


def instead(text: str) -> str:
    """How a column is written that text names, as ``r.csv`` or as tables do, if it does."""
    file, _, column = text.partition(":")
    named = {"file": file, "column": column or "COLUMN"}
    return f"; write {flow(named)}" if PurePath(file).suffix.lower() in _ENDINGS else ""


def standardized(values: Floats) -> Floats:
    """Values less their mean, over their standard deviation; sums are rounded once."""
    _, exponent = math.frexp(np.abs(values).max())
    about = np.ldexp(values, -exponent)  # so that no square is too large or too small
    for _ in range(2):
        about = about - math.fsum(about.tolist()) / about.size
    return np.asarray(about / math.sqrt(math.fsum((about * about).tolist()) / about.size))


def _draw(rng: np.random.Generator, size: Size, sample: Sample) -> Floats:
    """Value number floor(n U), from 0: one U in [0, 1) of the stream for each that is drawn.

    Some values are likelier than others by at most n / 2^53 of what they should be.
    """
    place = rng.random(size)
    place *= sample.values.size
    return sample.values.take(place.astype(np.intp))


def _words(sample: Sample) -> str:
    rows = "one row has" if sample.n_dropped == 1 else f"{sample.n_dropped:,} rows have"
    return (
        f"the distribution of the {sample.values.size:,} values in the column "
        f"{code(sample.column)} of the file {code(sample.file)}"
        f"{f', in which {rows} none,' if sample.n_dropped else ','} "
        "standardized and drawn with replacement"
    )


@dataclass(frozen=True, slots=True)
class _OfFile(Family):
    """A family of which a member is written as a column of a file; its parameter is a `Sample`."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a mapping that say that it is a member."""
        return tuple(self.parameters)

    def read(self, place: Place) -> tuple[Sample]:
        """The values of the column."""
        named = Fields("a column of a file", self.parameters, WORDS).read(place)
        return (place.of_file(named["file"], sample_of, named["column"]),)

    def canonical(self, sample: Sample) -> dict[str, Any]:
        """What stands for it in digests."""
        return {self.name: sample.digest}

    def text(self, sample: Sample) -> str:
        """The file and its column."""
        return sample.text

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the mapping."""
        return Fields("", self.parameters).schema()


RESAMPLED = _OfFile(
    "file",
    summary="the values of a column of a file, drawn with replacement and standardized",
    draw=_draw,
    skewness=lambda sample: sample.moment(3),
    kurtosis=lambda sample: sample.moment(4) - 3.0,
    words=_words,
    parameters={
        "file": Text("a table, as CSV or parquet; relative to the study file"),
        "column": Text("a column of numbers in it"),
    },
    example={"file": "residuals.csv", "column": "e"},
    synonyms="path filename csv data resample resampled resampling sample empirical bootstrap "
    "observed real given",
)
