"""One scenario's data sets at any grain, chunk by chunk.

A data set is a function of (seed, scenario, replication) alone. The coarse grain is always
drawn first and a finer one refines it; which grains are asked for changes none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np

from simstudy.generators import (
    appended,
    gaussian,
    given,
    parts,  # noqa: F401  # all parts register themselves
    predictor,
    refine,
    streams,
    world,
    worlds,
)
from simstudy.generators.scenario import Scenario
from simstudy.generators.sketch import Open
from simstudy.generators.streams import CLUSTERS, COVARIATES, POOLED, ROWS, SIZES, SLOPES
from simstudy.generators.unit_worlds import draw_units
from simstudy.generators.world import Drawn
from simstudy.moments import Clusters, Floats, Pooled, Units
from simstudy.numerics.batches import cut, join
from simstudy.numerics.reduce import reduce


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
        scenario = self.scenario
        if scenario.first_grain == "rows":
            return self._of_units(grain, chunk)
        if grain == ROWS:
            drawn, rng = self._clusters_of_rows(chunk), self._rng(chunk, ROWS)
            if scenario.covariates or scenario.parts or scenario.slope_sd != 0:
                return world.units_of(rng, self._rng(chunk, ROWS, COVARIATES), scenario, drawn)
            rows = refine.to_rows(rng, scenario, drawn.plain, drawn.treatment)
            return refine.finish_rows(scenario, rows, drawn.plain)
        slopes: Floats | None = None
        coarse: Pooled | Clusters
        if grain == POOLED:
            coarse = self._pooled(chunk, need)
        else:
            drawn = self._clusters(chunk)
            coarse, slopes = drawn.whole, drawn.slopes
        return world.finish(scenario, coarse, slopes)

    def _of_units(self, grain: int, chunk: int) -> Clusters | Units:
        """Moments of what is drawn as units first."""
        if grain == ROWS:
            return self._units(chunk)
        each = streams.chunk_length(self.scenario, ROWS)
        count = streams.chunk_length(self.scenario, grain) // each
        first = chunk * count
        return join([reduce(self._units(c)) for c in range(first, first + count)])

    def _units(self, chunk: int) -> Units:
        length = streams.chunk_length(self.scenario, ROWS)
        rng, aside = self._streams(chunk, ROWS), self._streams(chunk, SIZES)
        return self._keep(ROWS, (chunk,), lambda: draw_units(rng, aside, self.scenario, length))

    def _rng(self, chunk: int, grain: int, *part: int) -> np.random.Generator:
        return streams.generator(self.seed, self.key, chunk, grain, *part)

    def _streams(self, chunk: int, grain: int) -> Open:
        """Streams of a chunk by their parts; one that is asked for again goes on."""
        return cache(partial(self._rng, chunk, grain))

    def _keep(self, grain: int, key: tuple[int, ...], make: Callable[[], Any]) -> Any:
        if grain not in self._kept or self._kept[grain][0] != key:
            self._kept[grain] = (key, make())
        return self._kept[grain][1]

    def _pooled(self, chunk: int, need: int | None = None) -> Pooled:
        need = need or streams.BLOCK

        def make() -> Pooled:
            drawn = gaussian.draw_pooled(self._rng(chunk, POOLED), self.scenario, need)
            if not self.scenario.covariates:
                return drawn
            return appended.to_pooled(self._rng(chunk, POOLED, COVARIATES), self.scenario, drawn)

        return self._keep(POOLED, (chunk, need), make)

    def _clusters(self, chunk: int) -> Drawn:
        return self._keep(CLUSTERS, (chunk,), lambda: self._make_clusters(chunk))

    def _make_clusters(self, chunk: int) -> Drawn:
        scenario, length = self.scenario, streams.chunk_length(self.scenario, CLUSTERS)
        if scenario.parts:
            opened, beside = self._streams(chunk, CLUSTERS), self._streams(chunk, SIZES)
            return worlds.draw_clusters(opened, beside, scenario, length)
        rng = self._rng(chunk, CLUSTERS)
        if scenario.first_grain == "pooled":
            block, first = divmod(chunk * length, streams.BLOCK)
            coarse = cut(self._pooled(block), first, first + length)
            plain = refine.to_clusters(rng, scenario, appended.leading(coarse))
            if not scenario.covariates:
                return Drawn(plain, None, plain)
            rng = self._rng(chunk, CLUSTERS, COVARIATES)
            return Drawn(plain, None, appended.refine_clusters(rng, scenario, coarse, plain))
        aside = self._rng(chunk, SIZES)
        sizes = predictor.draw_sizes(aside, scenario, length)
        treatment = predictor.draw_treatment(aside, scenario, sizes, length)
        plain = gaussian.draw_clusters(rng, scenario, sizes, treatment, length)
        drawn = Drawn(plain, treatment, plain)
        if scenario.covariates:
            aside = self._rng(chunk, SIZES, COVARIATES)
            fixed = given.draw_given(aside, scenario, sizes, treatment, length)
            rng = self._rng(chunk, CLUSTERS, COVARIATES)
            drawn = world.with_covariates(rng, scenario, drawn, fixed)
        if scenario.slope_sd == 0:
            return drawn
        slopes = world.draw_slopes(self._rng(chunk, CLUSTERS, SLOPES), scenario, plain)
        return replace(drawn, slopes=slopes)

    def _clusters_of_rows(self, chunk: int) -> Drawn:
        """The part of a clusters chunk that a rows chunk, never longer, refines."""
        length = streams.chunk_length(self.scenario, ROWS)
        whole = streams.chunk_length(self.scenario, CLUSTERS)
        outer, first = divmod(chunk * length, whole)
        return self._clusters(outer).cut(first, first + length)
