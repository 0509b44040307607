"""Calls of a user's function, and what comes of them as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from simstudy.custom import answers, declare, doing, settings
from simstudy.custom.quiet import attempt
from simstudy.entries import Words
from simstudy.errors import one_line
from simstudy.estimates import Estimates, Failure, Outcome, blank, concatenate
from simstudy.moments import Array, Moments, Units
from simstudy.numerics import batches
from simstudy.numerics.merge import group_of

_SEED_WORDS = 4
_SEED = 1  # of the one stream that a data set outside a study is fitted with
Function = Callable[..., Any]


def fit_frames(
    function: Function,
    rows: Units,
    options: dict[str, Any],
    words: Words | None = None,
    null_value: float = 0.0,
    timeout: float | None = None,
) -> Estimates:
    """Fit one data frame a replication, each by itself; one without units is not estimable.

    Parameters
    ----------
    rows : Units
    options : dict
    words : callable, optional
        Random words by replication, for a function that takes `rng`, and for one that draws
        from a global generator.
    null_value : float
        What estimates that come without a p-value are tested against.
    timeout : float, optional
        Seconds a call may take.
    """
    n_reps = batches.reps_of(rows)
    own = _words(words, n_reps) if declare.draws(function) else None
    seeds = _words(words, n_reps)
    fits = []
    with settings.random_kept(), doing.now(named(function)):
        for k in range(n_reps):
            more = {}
            if own is not None:
                sequence = np.random.SeedSequence(own[:, k].tolist())
                more["rng"] = np.random.Generator(np.random.SFC64(sequence))
            settings.seed_random(seeds[:, k].tolist())
            data = frame(rows if n_reps == 1 else batches.cut_rows(rows, k, k + 1))
            if data.empty:
                fits.append(blank(1, Outcome.NO_UNITS))
                continue
            call = partial(function, data, **options, **more)
            fits.append(_rows(call, 1, False, null_value, timeout))
    return concatenate(fits)


def frame(rows: Units) -> Any:
    """A lone replication as a DataFrame with columns cluster, x, covariates and y.

    After cluster comes group, where there is a third level.
    """
    import pandas as pd

    cluster, *columns = batches.units(rows)
    levels = {"cluster": cluster}
    if rows.clusters_per_group:
        levels["group"] = group_of(cluster, rows.clusters_per_group)
    *covariates, x, y = zip(rows.names, (column.copy() for column in columns), strict=True)
    return pd.DataFrame(levels | dict([x, *covariates, y]))


def fit_moments(
    function: Function,
    moments: Moments,
    options: dict[str, Any],
    words: Words | None = None,
    null_value: float = 0.0,
    timeout: float | None = None,
) -> Estimates:
    """Fit a batch; where that fails, halves of it, down to the replications at fault."""
    given = partial(function, **options)
    with settings.random_kept(), doing.now(named(function)):
        settings.seed_random(_words(words, 1)[:, 0].tolist())
        held = batches.read_only(moments)
        return concatenate(list(_halves(given, held, null_value, timeout)))


def named(function: Function) -> str:
    """A function by its name and its file."""
    code = getattr(function, "__code__", None)
    name = getattr(function, "__name__", "a function")
    return f"{name} of {code.co_filename}" if code is not None else name


def _halves(
    function: Function, moments: Moments, null_value: float, timeout: float | None
) -> Iterator[Estimates]:
    n_reps = moments.n_reps
    rows = _rows(partial(function, moments), n_reps, True, null_value, timeout)
    if rows.estimate.size == n_reps:
        yield rows
        return
    for first, last in ((0, n_reps // 2), (n_reps // 2, n_reps)):
        yield from _halves(function, batches.cut(moments, first, last), null_value, timeout)


def _rows(
    call: Callable[[], Any], n_reps: int, batch: bool, null_value: float, timeout: float | None
) -> Estimates:
    """The rows of a call, or a single failed one; its warnings stand with the first of them."""
    start = perf_counter()
    answer, warned = attempt(call, answers.says_converged, timeout)
    seconds = (perf_counter() - start) / n_reps
    try:
        failed = isinstance(answer, Failure)
        rows = (
            answers.failed(answer)
            if failed
            else answers.estimates(answer, n_reps, batch, null_value)
        )
    except answers.AnswerError as error:
        rows = answers.failed(Failure(one_line(str(error)), ""))
    told = np.full(rows.estimate.size, None, dtype=object)
    told[0] = warned or None
    return replace(rows, warned=told, seconds=np.full(rows.estimate.size, seconds))


def _words(words: Words | None, n_reps: int) -> Array:
    """Random words of each replication; the same for all of a data set outside a study."""
    if words is not None:
        return words(_SEED_WORDS)
    drawn: Array = np.random.SFC64(_SEED).random_raw(_SEED_WORDS).reshape(-1, 1)
    return np.broadcast_to(drawn, (_SEED_WORDS, n_reps))
