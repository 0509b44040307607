"""Random streams by name, and how long a chunk of each grain is.

This is format: changing a number here changes every result that was ever stored. A stream
is a function of (seed, scenario digest, chunk, grain) and of nothing else, so the same data
come from any number of jobs, in any order, in a study of any size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from simstudy.generators.scenario import Scenario

POOLED, CLUSTERS, ROWS, SIZES, METHODS, OWN = range(6)
COVARIATES, SLOPES = 1, 2  # parts with streams of their own beside that of a grain: never reused
GRAIN = {"pooled": POOLED, "clusters": CLUSTERS, "rows": ROWS}

BLOCK = 4096  # replications; every chunk length divides it
STEPS = (128, 128, 256, 512, 1024, 2048)  # a pooled chunk is drawn in these steps, as far as needed
_MOST = 128  # replications of a finer chunk: a small study draws little more than it needs
_FRAMES = 32  # those of a chunk of a user's data frames, which cost much
_NUMBERS = {CLUSTERS: 32768, ROWS: 65536}  # doubles an array of a chunk may have: about one cache
_BATCH, _BATCH_NUMBERS, _MEMORY = 4096, 65536, 1 << 21  # what is fitted together: not format


def generator(seed: int, digest: int, chunk: int, grain: int, *more: int) -> np.random.Generator:
    """Open the stream of one chunk.

    Parameters
    ----------
    seed : int
        The study's seed.
    digest : int
        First 128 bits of the scenario's digest.
    chunk : int
        Number of the chunk, in units of that grain's `chunk_length`.
    grain : int
        POOLED, CLUSTERS, ROWS, SIZES or METHODS; OWN for a user's generator, where `chunk` is
        the replication, from 0, of one that draws data frames.
    more : int
        Below 2^32 each: which method, for METHODS; else which part has the stream to itself.
    """
    sequence = np.random.SeedSequence([seed, digest], spawn_key=(chunk, grain, *more))
    return np.random.Generator(np.random.SFC64(sequence))


@lru_cache(maxsize=BLOCK)
def steps_to(need: int) -> list[slice]:
    """Replications of each step of a pooled draw that holds the first `need` or more."""
    ends = list(accumulate(STEPS))
    used = 1 + next(k for k, end in enumerate(ends) if end >= need)
    return [slice(end - step, end) for step, end in zip(STEPS[:used], ends, strict=False)]


def words_of(
    method: str, scenario: Scenario, seed: int, digest: int, first: int, n_reps: int
) -> Callable[[int], NDArray[np.uint64]]:
    """Open a method's own stream: neither the data nor the other methods change a draw.

    Parameters
    ----------
    method : str
        Canonical name.
    first : int
        First replication, from 0.
    n_reps : int
        Replications, all of one chunk of clusters: that is drawn whole and then cut, so a
        replication's words do not depend on what else is asked for, or on the data's grain.

    Returns
    -------
    callable
        k -> the next k 64-bit words of every replication, shape (k, n_reps).
    """
    length = chunk_length(scenario, CLUSTERS)
    chunk, start = divmod(first, length)
    if start + n_reps > length:
        raise ValueError("these replications are not of one chunk")
    name = np.frombuffer(hashlib.sha256(method.encode()).digest()[:16], dtype=">u4").tolist()
    bits = generator(seed, digest, chunk, METHODS, *name).bit_generator

    def words(count: int) -> NDArray[np.uint64]:
        block = bits.random_raw(count * length).reshape(count, length)
        return np.asarray(block[:, start : start + n_reps])

    return words


def chunk_length(scenario: Scenario, grain: int) -> int:
    """Replications a chunk of this grain holds: a power of two, by the scenario alone."""
    if grain == POOLED:
        return BLOCK
    clusters = _fit(_NUMBERS[CLUSTERS] / scenario.n_clusters, _MOST)
    if grain != ROWS:
        return clusters
    most = clusters if scenario.generator is None else min(clusters, _FRAMES)
    return _fit(_NUMBERS[ROWS] / scenario.mean_n_obs, most)


def batch_length(scenario: Scenario, grain: int) -> int:
    """Replications to fit together: whole chunks, a few caches of them; not format.

    Not fewer than 64 while they fit in memory: numpy's loops over the last axis are short.
    """
    chunk = chunk_length(scenario, grain)
    if grain == POOLED:
        return chunk
    if grain == ROWS:
        return 16 * chunk
    cached = _fit(_BATCH_NUMBERS / scenario.n_clusters, _BATCH)
    return max(chunk, cached, _fit(_MEMORY / scenario.n_clusters, 64))


def call_length(scenario: Scenario, grain: int, part: int) -> int:
    """Replications with which a user's function is called: the same ones whatever is wanted.

    A power of two by the scenario and the method's `part`, so that not even the last digits
    of a function that minds its neighbours depend on where ranges end.
    """
    return _fit(min(part, chunk_length(scenario, grain)), _MOST)


def _fit(replications: float, most: int) -> int:
    """Largest power of two that is not above either."""
    return min(most, 1 << (max(1, int(replications)).bit_length() - 1))
