"""What methods are fitted to at once: a batch, chunks of it, calls, or single replications."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from simstudy.custom.own_source import Told
from simstudy.entries import Words
from simstudy.estimates import COMPONENTS, NUMBERS, TRUTH, Estimates, Outcome, concatenate
from simstudy.generators import streams
from simstudy.moments import Clusters, Moments, Pooled, Units
from simstudy.numerics.batches import cut, cut_rows, join, reps_of
from simstudy.numerics.reduce import reduce
from simstudy.registry import Method
from simstudy.study.drawing import DataSource

Chunk = Pooled | Clusters | Units


class Span(NamedTuple):
    """Replications first..last-1, counted from 0."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """Number of replications."""
        return max(self.last - self.first, 0)

    def since(self, start: int) -> Span:
        """The same replications, counted from `start`."""
        return Span(self.first - start, self.last - start)

    def within(self, other: Span) -> Span:
        """Those of `other` that it holds."""
        return Span(max(self.first, other.first), min(self.last, other.last))


@dataclass(frozen=True)
class Batch:
    """Chunks of one scenario's data sets, and which of these are wanted.

    Attributes
    ----------
    source : DataSource
    grain : int
        Of the draw.
    chunks : list of Pooled, Clusters or Units
    wanted : Span
    first : int
        The replication that the chunks begin with.
    told : Told, optional
        What a user's generator says of the chunks' data sets beside them.
    """

    source: DataSource
    grain: int
    chunks: list[Chunk]
    wanted: Span
    first: int = 0
    told: Told | None = None

    @cached_property
    def moments(self) -> Moments:
        """All of it, at no finer grain than clusters."""
        return join([moments for _, moments in self.reduced()])

    def spans(self) -> Iterator[tuple[Span, Chunk]]:
        """Each chunk and what replications it has."""
        first = self.first
        for chunk in self.chunks:
            n_reps = reps_of(chunk)
            yield Span(first, first + n_reps), chunk
            first += n_reps

    def reduced(self) -> Iterator[tuple[Span, Moments]]:
        """The same at no finer grain than clusters."""
        for span, chunk in self.spans():
            yield span, reduce(chunk) if isinstance(chunk, Units) else chunk

    def words(self, method: Method, span: Span) -> Words:
        """Random words of a method for replications of one chunk of clusters."""
        source = self.source
        return streams.words_of(
            method.canonical, source.scenario, source.seed, source.key, span.first, span.size
        )


def beside(batches: tuple[Batch, ...]) -> Batch:
    """What is wanted of several scenarios' batches as one."""
    if len(batches) == 1:
        return batches[0]
    spans = [batch.wanted.since(batch.first) for batch in batches]
    whole = join([batch.moments for batch in batches], spans)
    return Batch(batches[0].source, batches[0].grain, [whole], Span(0, whole.n_reps))


def fitted(method: Method, batch: Batch) -> Estimates:
    """Fit a method to the replications of a batch that are wanted."""
    estimates = _fitted(method, batch)
    if batch.told is None:
        return estimates
    return _with_told(method, estimates, batch.told.cut(*batch.wanted.since(batch.first)))


def _with_told(method: Method, estimates: Estimates, told: Told) -> Estimates:
    """The rows, failed where there are no data, and the true values that came with these."""
    lost = told.lost
    failures = np.full(lost.shape, None, dtype=object)
    held: dict[str, Any] = {"failures": failures, "warned": estimates.warned}
    if estimates.failures is not None:
        failures[:] = estimates.failures
    failures[lost] = told.failures[lost]
    if estimates.warned is not None:
        held["warned"] = estimates.warned.copy()
        held["warned"][lost] = None
    for name in (*NUMBERS, *COMPONENTS, "seconds"):
        values = getattr(estimates, name)
        held[name] = None if values is None else np.where(lost, np.nan, values)
    extras = dict(estimates.extras or {})
    if method.estimand in told.truths:
        truth, own = told.truths[method.estimand], extras.get(TRUTH)
        extras[TRUTH] = truth if own is None else np.where(np.isnan(own), truth, own)
    extras = {name: np.where(lost, np.nan, values) for name, values in extras.items()}
    outcome = np.where(lost, Outcome.FAILED, estimates.outcome).astype(np.int8)
    return replace(estimates, outcome=outcome, extras=extras or None, **held)


def _fitted(method: Method, batch: Batch) -> Estimates:
    if method.grain == "rows":
        return _by_replication(method, batch)
    if method.entry.draws:
        return _by_chunk(method, batch)
    return _whole(method, batch) if method.entry.shared else _by_call(method, batch)


def _whole(method: Method, batch: Batch) -> Estimates:
    return method.fit(batch.moments).cut(*batch.wanted.since(batch.first))


def _by_chunk(method: Method, batch: Batch) -> Estimates:
    """Each chunk with the random words of its replications."""
    estimates = [
        method.fit(moments, words=batch.words(method, span)) for span, moments in batch.reduced()
    ]
    return concatenate(estimates).cut(*batch.wanted.since(batch.first))


def _by_call(method: Method, batch: Batch) -> Estimates:
    """Calls of a length that does not depend on what is wanted, as many as hold that."""
    length = streams.call_length(batch.source.scenario, batch.grain, method.entry.part)
    start = batch.wanted.first // length * length
    calls = [Span(at, at + length) for at in range(start, batch.wanted.last, length)]
    estimates = [
        method.fit(
            cut(batch.moments, *call.since(batch.first)),
            words=batch.words(method, Span(call.first, call.first + 1)),
        )
        for call in calls
    ]
    return concatenate(estimates).cut(*batch.wanted.since(start))


def _by_replication(method: Method, batch: Batch) -> Estimates:
    """The units of what is wanted, and no others."""
    estimates = []
    for span, chunk in batch.spans():
        assert isinstance(chunk, Units)
        wanted = span.within(batch.wanted)
        if wanted.size:
            rows = cut_rows(chunk, *wanted.since(span.first))
            estimates.append(method.fit(rows, words=batch.words(method, wanted)))
    return concatenate(estimates)
