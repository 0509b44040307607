"""Room 2: what a user's function returned, as rows. Imports estimates and tails.

A number that cannot be is never `ok` and never a silent NaN: its replication fails and says
which one it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from simstudy.estimates import Estimates, Failure, Outcome
from simstudy.moments import Bools, Floats
from simstudy.numerics import tails

FIELDS = ("estimate", "std_error", "df", "p_value")
_COMPONENTS = ("tau2", "sigma2")
_EXPECTED = "expected estimate, std_error and, if any, df and p_value, as a tuple or a dict"


class AnswerError(Exception):
    """What was returned is no answer; says why in one line."""


def estimates(answer: Any, n_reps: int, batch: bool) -> Estimates:
    """One answer for `n_reps` replications as estimates, or `AnswerError`.

    Parameters
    ----------
    answer : tuple or mapping
    n_reps : int
    batch : bool
        Whether values are arrays over replications; else they are numbers.
    """
    given = {
        name: _column(name, value, n_reps, batch and name == "estimate")
        for name, value in _named(answer).items()
        if value is not None
    }
    if "estimate" not in given:
        raise AnswerError(f"the estimate is missing; {_EXPECTED}")
    numbers = {name: given.pop(name, None) for name in (*FIELDS, *_COMPONENTS)}
    return _finish(numbers, given, n_reps)


def failed(failure: Failure) -> Estimates:
    """The one row of a replication without an answer."""
    nan = np.full(1, np.nan)
    return _rows(dict.fromkeys((*FIELDS, *_COMPONENTS), nan), {}, [failure])


def _named(answer: Any) -> dict[str, Any]:
    if hasattr(answer, "_asdict"):
        answer = answer._asdict()
    if isinstance(answer, Mapping):
        if any(not isinstance(name, str) for name in answer):
            raise AnswerError("a name in the returned dict is not text")
        return dict(answer)
    if isinstance(answer, tuple | list):
        if not 1 <= len(answer) <= len(FIELDS):
            raise AnswerError(f"returned {len(answer)} values; {_EXPECTED}")
        return dict(zip(FIELDS, answer, strict=False))
    raise AnswerError(f"returned {type(answer).__name__}; {_EXPECTED}")


def _column(name: str, value: Any, n_reps: int, whole: bool) -> Floats:
    """A value a replication; `whole` asks for all of them, else one may stand for all."""
    try:
        found = np.asarray(value)
        if found.dtype.kind not in "bifu":
            raise TypeError
        found = found.astype(float)
    except (TypeError, ValueError):
        raise AnswerError(f"{name} is {_shown(value)}, not a number") from None
    if found.shape == (n_reps,) or (found.size == 1 and not (whole and n_reps > 1)):
        return np.array(np.broadcast_to(found.ravel(), (n_reps,)))
    raise AnswerError(f"{name} has shape {found.shape}, not {(n_reps,)}")


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."


def _finish(numbers: dict[str, Floats | None], extras: dict[str, Floats], n_reps: int) -> Estimates:
    """Check every number, test the estimate where it comes without a p-value."""
    nan = np.full(n_reps, np.nan)
    estimate, error, df, p = (numbers[name] for name in FIELDS)
    assert estimate is not None
    wrong: dict[str, tuple[Floats, Bools]] = {"estimate": (estimate, ~np.isfinite(estimate))}
    with np.errstate(all="ignore"):
        if error is not None:
            bad = ~((error > 0) & np.isfinite(error))
            alone = np.isnan(error) if p is not None else np.zeros_like(bad)  # p without an error
            wrong["std_error"] = error, bad & ~alone
        if df is not None and error is not None:
            wrong["df"] = df, ~(df > 0) & ~np.isnan(error)
        if p is not None:
            wrong["p_value"] = p, ~((p >= 0) & (p <= 1))
        error = nan if error is None else error
        df = np.where(np.isnan(error), np.nan, np.inf if df is None else df)
        tested = tails.two_sided(estimate / error, df) if p is None else p
    failures = _failures(wrong, n_reps)
    components = {name: nan if (v := numbers[name]) is None else v for name in _COMPONENTS}
    columns = dict(zip(FIELDS, (estimate, error, df, tested), strict=True)) | components
    return _rows(columns, extras, failures)


def _failures(wrong: dict[str, tuple[Floats, Bools]], n_reps: int) -> list[Failure | None]:
    found: list[Failure | None] = [None] * n_reps
    for name, (values, bad) in wrong.items():
        for k in np.flatnonzero(bad):
            if found[k] is None:
                found[k] = Failure(f"returned {name} {values[k]:g}", "")
    return found


def _rows(
    columns: dict[str, Floats], extras: dict[str, Floats], failures: list[Failure | None]
) -> Estimates:
    """Estimates with an outcome; a failed row holds no number."""
    kept = np.empty(len(failures), dtype=object)
    kept[:] = failures
    there = np.array([failure is None for failure in failures])
    blank = {name: np.where(there, values, np.nan) for name, values in columns.items()}
    no_test = there & np.isnan(blank["p_value"])
    outcome = np.select([~there, no_test], [Outcome.FAILED, Outcome.NO_STD_ERROR], Outcome.OK)
    return Estimates(
        **blank,
        outcome=outcome.astype(np.int8),
        extras={name: np.where(there, values, np.nan) for name, values in extras.items()},
        failures=kept,
    )
