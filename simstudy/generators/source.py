"""One scenario's data sets at any grain, chunk by chunk.

A data set is a function of (seed, scenario, replication) alone. The coarse grain is always
drawn first and a finer one refines it; which grains are asked for changes none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from simstudy.generators import gaussian, predictor, refine, streams
from simstudy.generators.scenario import Scenario
from simstudy.generators.streams import CLUSTERS, POOLED, ROWS, SIZES
from simstudy.moments import Clusters, Pooled, Units
from simstudy.numerics.batches import cut, cut_array


class Source:
    """The data sets of one scenario.

    Parameters
    ----------
    scenario : Scenario
    seed : int
        The study's seed.
    digest : int
        First 128 bits of the scenario's digest.

    Notes
    -----
    `chunk` numbers are in units of ``streams.chunk_length(scenario, grain)``. The last
    chunk of each grain is kept, for the finer chunks inside it.
    """

    def __init__(self, scenario: Scenario, seed: int, digest: int) -> None:
        self.scenario = scenario
        self.seed, self.key = seed, digest
        self._kept: dict[int, tuple[tuple[int, ...], Any]] = {}

    def moments(self, grain: int, chunk: int, need: int | None = None) -> Pooled | Clusters | Units:
        """Moments of (x, y) of one chunk at one grain.

        Parameters
        ----------
        grain : {POOLED, CLUSTERS, ROWS}
        chunk : int
        need : int, optional
            Replications wanted from the chunk's first on; pooled chunks are then drawn
            only as far as that, others whole.
        """
        if grain == ROWS:
            clusters, given = self._clusters_of_rows(chunk)
            rows = refine.to_rows(self._rng(chunk, ROWS), self.scenario, clusters, given)
            return refine.finish_rows(self.scenario, rows, clusters)
        coarse = self._pooled(chunk, need) if grain == POOLED else self._clusters(chunk)[0]
        return gaussian.finish(self.scenario, coarse)

    def _rng(self, chunk: int, grain: int) -> np.random.Generator:
        return streams.generator(self.seed, self.key, chunk, grain)

    def _keep(self, grain: int, key: tuple[int, ...], make: Callable[[], Any]) -> Any:
        if grain not in self._kept or self._kept[grain][0] != key:
            self._kept[grain] = (key, make())
        return self._kept[grain][1]

    def _pooled(self, chunk: int, need: int | None = None) -> Pooled:
        need = need or streams.BLOCK

        def make() -> Pooled:
            return gaussian.draw_pooled(self._rng(chunk, POOLED), self.scenario, need)

        return self._keep(POOLED, (chunk, need), make)

    def _clusters(self, chunk: int) -> tuple[Clusters, gaussian.Treatment | None]:
        return self._keep(CLUSTERS, (chunk,), lambda: self._make_clusters(chunk))

    def _make_clusters(self, chunk: int) -> tuple[Clusters, gaussian.Treatment | None]:
        scenario, length = self.scenario, streams.chunk_length(self.scenario, CLUSTERS)
        if scenario.first_grain == "pooled":
            block, first = divmod(chunk * length, streams.BLOCK)
            coarse = cut(self._pooled(block), first, first + length)
            return refine.to_clusters(self._rng(chunk, CLUSTERS), scenario, coarse), None
        aside = self._rng(chunk, SIZES)
        sizes = predictor.draw_sizes(aside, scenario, length)
        given = predictor.draw_treatment(aside, scenario, sizes, length)
        rng = self._rng(chunk, CLUSTERS)
        return gaussian.draw_clusters(rng, scenario, sizes, given, length), given

    def _clusters_of_rows(self, chunk: int) -> tuple[Clusters, gaussian.Treatment | None]:
        """The part of a clusters chunk that a rows chunk, never longer, refines."""
        length = streams.chunk_length(self.scenario, ROWS)
        whole = streams.chunk_length(self.scenario, CLUSTERS)
        outer, first = divmod(chunk * length, whole)
        clusters, given = self._clusters(outer)
        last = first + length
        return cut(clusters, first, last), _cut_given(given, first, last)


def _cut_given(
    given: gaussian.Treatment | None, first: int, last: int
) -> gaussian.Treatment | None:
    if given is None:
        return None
    mean, root = cut_array(given.mean, first, last), cut_array(given.root, first, last)
    treated = None if given.treated is None else cut_array(given.treated, first, last)
    return gaussian.Treatment(mean, root, treated)
