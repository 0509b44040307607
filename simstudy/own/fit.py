"""Room 2: a user's function as a registered method. Imports the room, batches and estimates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

import numpy as np

from simstudy.errors import one_line
from simstudy.estimates import Estimates, Failure, concatenate
from simstudy.moments import Array, Moments, Rows
from simstudy.numerics import batches
from simstudy.own import answers, declare, files
from simstudy.own.quiet import attempt
from simstudy.registry import Entry, Use, Words

_SEED_WORDS = 4
_SEED = 1  # of the one stream that a data set outside a study is fitted with
Function = Callable[..., Any]


def entry_of(use: Use) -> Entry:
    """The function behind a `use:` with the registry's face."""
    return _entry(use, use.file, id(use.given), use.trusted)


@lru_cache(maxsize=256)
def _entry(use: Use, file: str, given: int, trusted: bool) -> Entry:
    """One for each file, which tracebacks name, and for each function, which `use` keeps alive."""
    function = files.function_of(use)
    said = declare.declared(function)
    assert said is not None
    return Entry(
        name=use.function,
        summary=account_of(function).rstrip(".") or use.function,
        grain=said.grain,
        fit=partial(fit_frames if said.grain == "rows" else fit_moments, function),
        describe=lambda moments, **options: {},
        terms=("slope",),
        draws=declare.draws(function),
        account=lambda chosen: account_of(function),
        part=said.part,
    )


def account_of(function: Function) -> str:
    """First line of a function's docstring; empty without one."""
    lines = (function.__doc__ or "").strip().splitlines()
    return lines[0].strip() if lines else ""


def fit_frames(
    function: Function,
    rows: Rows,
    options: dict[str, Any],
    words: Words | None = None,
    null_value: float = 0.0,
) -> Estimates:
    """Fit one data frame a replication, each by itself.

    Parameters
    ----------
    rows : Rows
    options : dict
    words : callable, optional
        Random words by replication, for a function that takes `rng`.
    null_value : float
        What estimates that come without a p-value are tested against.
    """
    n_reps = batches.reps_of(rows)
    streams = _streams(function, words, n_reps)
    found = []
    for k in range(n_reps):
        one = rows if n_reps == 1 else batches.cut_rows(rows, k, k + 1)
        more = {} if streams is None else {"rng": streams[k]}
        call = partial(function, frame(one), **options | more)
        found.append(_one(call, 1, null_value, batch=False))
    return concatenate([_row(one) for one in found])


def frame(rows: Rows) -> Any:
    """A lone replication as a DataFrame with columns cluster, x and y."""
    import pandas as pd

    cluster, x, y = batches.units(rows)
    return pd.DataFrame({"cluster": cluster, "x": x.copy(), "y": y.copy()})


def fit_moments(
    function: Function,
    moments: Moments,
    options: dict[str, Any],
    words: Words | None = None,
    null_value: float = 0.0,
) -> Estimates:
    """Fit a batch; where that fails, halves of it, down to the replications at fault."""
    given = partial(function, **options)
    return concatenate(list(_halves(given, batches.read_only(moments), null_value)))


def _halves(function: Function, moments: Moments, null_value: float) -> Iterator[Estimates]:
    found = _one(partial(function, moments), moments.n_reps, null_value, batch=True)
    if moments.n_reps == 1 or not isinstance(found, Failure):
        yield _row(found)
        return
    middle = moments.n_reps // 2
    for first, last in ((0, middle), (middle, moments.n_reps)):
        yield from _halves(function, batches.cut(moments, first, last), null_value)


def _one(
    call: Callable[[], Any], n_reps: int, null_value: float, batch: bool
) -> Estimates | Failure:
    """One call and what it gave."""
    answer = attempt(call, answers.says_converged)
    if isinstance(answer, Failure):
        return answer
    try:
        return answers.estimates(answer, n_reps, batch, null_value)
    except answers.AnswerError as error:
        return Failure(one_line(str(error)), "")


def _row(found: Estimates | Failure) -> Estimates:
    return answers.failed(found) if isinstance(found, Failure) else found


def _streams(function: Function, words: Words | None, n_reps: int) -> Any:
    """A generator a replication, of that replication's words; None if none is asked for."""
    if not declare.draws(function):
        return None
    if words is None:
        drawn = np.random.SFC64(_SEED).random_raw(_SEED_WORDS).reshape(-1, 1)
        drawn = np.broadcast_to(drawn, (_SEED_WORDS, n_reps))
    else:
        drawn = words(_SEED_WORDS)
    return [_generator(drawn[:, k]) for k in range(n_reps)]


def _generator(words: Array) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(words.tolist())))
