"""Data sets from a user's generator, chunk by chunk, as `generators.source` has them of ours.

A replication's data are a function of (seed, scenario, replication): every data frame has a
stream of its own, and so has every chunk of moments, which is always drawn whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simstudy.custom import data_sets, doing, own_moments, settings
from simstudy.custom.answers import AnswerError
from simstudy.custom.call import named
from simstudy.custom.data_sets import DataSet, Truths
from simstudy.custom.declare import options_of
from simstudy.custom.generator import GENERATOR, declared
from simstudy.custom.load import function_of
from simstudy.custom.quiet import attempt
from simstudy.errors import one_line
from simstudy.estimates import Failure
from simstudy.generators import streams
from simstudy.generators.part import registered
from simstudy.generators.predictor import draw_sizes
from simstudy.generators.scenario import Scenario
from simstudy.generators.sizes import canonical
from simstudy.generators.streams import OWN
from simstudy.moments import Bools, Clusters, Ints, Units

_GLOBAL = 1  # of the streams of a replication, that of the global random numbers
_MADE_OF_ICC = ("tau2", "sigma2", "within_variance")


class Asked:
    """What a study file asks of a generator: the fields of its scenario, by their names there.

    Also tau2 and sigma2. One that is not given and has no default is an error when it is read.

    Attributes
    ----------
    n_reps : int
        Replications to draw.
    """

    def __init__(self, scenario: Scenario, n_reps: int = 1) -> None:
        self._scenario, self.n_reps = scenario, n_reps

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        scenario = self._scenario
        if name in registered():
            return scenario.part(name)
        value = getattr(scenario, "sigma2" if name == "within_variance" else name)
        if value is None or value != value:
            missing = "icc" if name in _MADE_OF_ICC else name
            raise AttributeError(f"the study file gives no {missing}")
        return value

    @property
    def cluster_size(self) -> Any:
        """Units a cluster, or the rule that `sizes` draws by, as the study file writes it."""
        rule = self._scenario.size
        return canonical(rule) if self._scenario.equal_size is None else self._scenario.equal_size

    def sizes(self, rng: np.random.Generator) -> Ints:
        """Cluster sizes by the rule of the study file: shape (J,), of moments (J, 1) or (J, R)."""
        sizes = draw_sizes(rng, self._scenario, self.n_reps)
        return sizes[:, 0] if self._scenario.first_grain == "rows" else sizes


@dataclass(frozen=True)
class Told:
    """What a generator says of data sets beside the data.

    Attributes
    ----------
    failures : array of objects, shape (R,)
        Why there is no data set: a `Failure` or None each.
    truths : dict
        True values by estimand, each of shape (R,).
    """

    failures: NDArray[np.object_]
    truths: Truths

    @property
    def lost(self) -> Bools:
        """Which data sets are not there."""
        return np.array([failure is not None for failure in self.failures])

    def cut(self, first: int, last: int) -> Told:
        """Replications first..last-1 (from 0)."""
        truths = {name: values[first:last] for name, values in self.truths.items()}
        return Told(self.failures[first:last], truths)


def joined(pieces: list[Told]) -> Told:
    """One after the other."""
    names = dict.fromkeys(name for piece in pieces for name in piece.truths)
    nothing = [np.full(piece.failures.shape, np.nan) for piece in pieces]
    truths = {
        name: np.concatenate(
            [p.truths.get(name, nan) for p, nan in zip(pieces, nothing, strict=True)]
        )
        for name in names
    }
    return Told(np.concatenate([piece.failures for piece in pieces]), truths)


class OwnSource:
    """The data sets of a scenario with a user's generator; see `generators.source.Source`.

    Raises
    ------
    UserError
        Where the generator's file cannot be imported, or is not to be.
    """

    def __init__(self, scenario: Scenario, seed: int, digest: int) -> None:
        own = scenario.generator
        assert own is not None
        self.scenario, self.seed, self.key = scenario, seed, digest
        self._function = function_of(own.source, GENERATOR)
        known, _ = options_of(self._function, 2)
        given = {name: list(value) if isinstance(value, tuple) else value
                 for name, value in own.options}  # fmt: skip
        self._options = known | given
        self._kept: tuple[tuple[int, int, int | None], tuple[Clusters | Units, Told]] | None = None

    def moments(self, grain: int, chunk: int, need: int | None = None) -> Clusters | Units:
        """Moments or units of one chunk, at the grain at which the generator draws.

        Parameters
        ----------
        grain : {CLUSTERS, ROWS}
        chunk : int
        need : int, optional
            Data frames wanted from the chunk's first on; others lie there in place of the rest,
            so that arrays, and with them the last digits of sums, are the same.
        """
        return self._chunk(grain, chunk, need)[0]

    def told(self, grain: int, chunk: int, need: int | None = None) -> Told:
        """What is said of the same data sets."""
        return self._chunk(grain, chunk, need)[1]

    def _chunk(self, grain: int, chunk: int, need: int | None) -> tuple[Clusters | Units, Told]:
        if grain != streams.GRAIN[self.scenario.first_grain]:
            raise ValueError("a user's generator draws at one grain alone")
        key = grain, chunk, need
        if self._kept is None or self._kept[0] != key:
            length = streams.chunk_length(self.scenario, grain)
            with settings.random_kept(), doing.now(named(self._function)):
                made: tuple[Clusters | Units, Told]
                if grain == streams.ROWS:
                    made = self._frames(chunk * length, length, need or length)
                else:
                    made = self._moments(chunk, length)
            self._kept = key, made
        return self._kept[1]

    def _frames(self, first: int, n_reps: int, need: int) -> tuple[Units, Told]:
        failures = np.full(n_reps, None, dtype=object)
        sets, truths, instead = [], [], data_sets.stand_in(self.scenario)
        for k in range(n_reps):
            found = self.replication(first + k) if k < need else instead
            if isinstance(found, Failure):
                failures[k], found = found, instead
            sets.append(found)
            truths.append(Told(failures[k : k + 1], found.truths))
        return data_sets.gathered(sets, self.scenario), joined(truths)

    def replication(self, number: int) -> DataSet | Failure:
        """One data frame, read, or why there is none; `number` is from 0."""
        found: DataSet | Failure = self._draw(number, 1, self._read)
        return found

    def answer(self, number: int = 0) -> Any:
        """What the function returns for one replication, unread, or a `Failure`."""
        return self._draw(number, 1, lambda answer: answer)

    def _read(self, answer: Any) -> DataSet:
        found = data_sets.data_set(answer, self.scenario)
        return found._replace(truths=self._declared(1) | found.truths)

    def _moments(self, chunk: int, n_reps: int) -> tuple[Clusters, Told]:
        def read(answer: Any) -> tuple[Clusters, list[str], Truths]:
            whole, reasons, truths = own_moments.moments(answer, self.scenario, n_reps)
            return whole, reasons, self._declared(n_reps) | truths

        failures = np.full(n_reps, None, dtype=object)
        found = self._draw(chunk, n_reps, read)
        if isinstance(found, Failure):
            failures[:] = [found] * n_reps
            return data_sets.stood_in(self.scenario, n_reps), Told(failures, {})
        whole, reasons, truths = found
        for k, reason in enumerate(reasons):
            failures[k] = Failure(self._said(reason), "") if reason else None
        return whole, Told(failures, truths)

    def _draw(self, number: int, n_reps: int, read: Callable[[Any], Any]) -> Any:
        """What the function's answer is read as, or the `Failure` that it is."""
        stream = self.seed, self.key, number, OWN
        rng = streams.generator(*stream)
        words = streams.generator(*stream, _GLOBAL).bit_generator.random_raw(4)
        settings.seed_random(words.tolist())
        call = partial(self._function, rng, Asked(self.scenario, n_reps), **self._options)
        answer, _ = attempt(call, lambda answer: True)
        if isinstance(answer, Failure):
            return answer._replace(message=self._said(answer.message))
        try:
            return read(answer)
        except AnswerError as error:
            return Failure(self._said(one_line(str(error))), "")

    def _said(self, reason: str) -> str:
        return f"no data from {self._function.__name__}: {reason}"

    def _declared(self, n_reps: int) -> Truths:
        """True values that the decorator says; `AnswerError` where they cannot be had."""
        of_function = declared(self._function)
        assert of_function is not None
        truth = of_function.truth
        if callable(truth):
            known, others = options_of(truth)
            taken = {name: value for name, value in self._options.items()
                     if others or name in known}  # fmt: skip
            truth, _ = attempt(partial(truth, Asked(self.scenario, n_reps), **taken))
            if isinstance(truth, Failure):
                raise AnswerError(f"its truth: {truth.message}")
        return data_sets.truths_of(truth, self.scenario, n_reps)
