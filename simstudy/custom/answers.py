"""What a user's function returned, as rows.

A number that cannot be is never `ok` and never a silent NaN: its replication fails and says
which one it was.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from simstudy.estimates import (
    COMPONENTS,
    GIVEN,
    LIMITS,
    NUMBERS,
    TRUTH,
    Estimates,
    Failure,
    Outcome,
)
from simstudy.moments import Bools, Floats
from simstudy.numerics import tails

_SYNONYMS = {
    "estimate": ("est", "coef", "coefficient", "b", "beta", "slope"),
    "std_error": ("se", "std_err", "stderr", "standard_error", "bse"),
    "df": ("dof", "ddf", "df_resid"),
    "p_value": ("p", "pval", "pvalue", "p_val"),
    LIMITS[0]: ("ci_lower", "lower_ci", "conf_low", "conf_lower"),
    LIMITS[1]: ("ci_upper", "upper_ci", "conf_high", "conf_upper"),
    TRUTH: ("true", "true_value"),
}  # other packages' words; beside the right one they are values like any others
_CONVERGED = "converged"
UNCONVERGED = "unconverged_"  # begins the extras of a fit that is said not to have converged
MISNAMED = "is no name of a result"
_EXPECTED = "expected estimate, std_error and, if any, df and p_value, as a tuple or a dict"


class AnswerError(Exception):
    """What was returned is no answer; says why in one line."""


def estimates(answer: Any, n_reps: int, batch: bool, null_value: float = 0.0) -> Estimates:
    """One answer for `n_reps` replications as estimates, or `AnswerError`.

    Parameters
    ----------
    answer : tuple or mapping
    n_reps : int
    batch : bool
        Whether values are arrays over replications; else they are numbers.
    null_value : float
        What an estimate is tested against that comes without a p-value.
    """
    returned = _named(answer)
    given = {
        name: _column(name, value, n_reps, batch and name == "estimate")
        for name, value in returned.items()
        if value is not None
    }
    lost = _lost(given.pop(_CONVERGED, None), n_reps)
    if "estimate" not in given:
        if not lost.all():
            raise AnswerError(f"{_missing(returned)}; {_EXPECTED}")
        given["estimate"] = np.full(n_reps, np.nan)
    for limit, other in (LIMITS, LIMITS[::-1]):
        if limit in given and other not in given:
            raise AnswerError(f"returned {limit} without {other}; an interval needs both")
    numbers = {name: given.pop(name, None) for name in (*NUMBERS, *COMPONENTS)}
    return _finish(numbers, given, lost, null_value)


def says_converged(answer: Any) -> bool:
    """Whether an answer says itself if the fit converged: then no warning decides it."""
    named = _opened(answer)
    return isinstance(named, Mapping) and named.get(_CONVERGED) is not None


def failed(failure: Failure) -> Estimates:
    """The one row of a replication without an answer."""
    nan = np.full(1, np.nan)
    return _rows(dict.fromkeys((*NUMBERS, *COMPONENTS), nan), {}, [failure])


def _named(answer: Any) -> dict[str, Any]:
    answer = _opened(answer)
    if isinstance(answer, Mapping):
        if any(not isinstance(name, str) for name in answer):
            raise AnswerError("a name in the returned dict is not text")
        for name in _SYNONYMS:
            _refuse_synonyms(name, answer)
        return dict(answer)
    if isinstance(answer, tuple | list):
        if not 1 <= len(answer) <= len(NUMBERS):
            raise AnswerError(f"returned {len(answer)} values; {_EXPECTED}")
        return dict(zip(NUMBERS, answer, strict=False))
    raise AnswerError(f"returned {type(answer).__name__}; {_EXPECTED}")


def _opened(answer: Any) -> Any:
    """A named tuple as a dict, anything else as it is."""
    return answer._asdict() if isinstance(answer, tuple) and hasattr(answer, "_asdict") else answer


def _refuse_synonyms(name: str, answer: Mapping[str, Any]) -> None:
    """A result under another name would be taken for an extra and silently be used by nothing."""
    for key in answer if name not in answer else ():
        folded = re.sub(r"[^a-z0-9]+", "_", key.lower()).strip("_")
        if folded == name or folded in _SYNONYMS[name]:
            raise AnswerError(f"'{key}' {MISNAMED}; did you mean '{name}'?")


def _missing(returned: Mapping[str, Any]) -> str:
    if "estimate" in returned:
        return "the estimate is None"
    names = ", ".join(f"'{name}'" for name in returned)
    return f"the estimate is missing: got {names or 'an empty dict'}"


def _lost(converged: Floats | None, n_reps: int) -> Bools:
    """Replications that are said not to have converged."""
    if converged is None:
        return np.zeros(n_reps, dtype=bool)
    for value in converged[(converged != 0) & (converged != 1) & ~np.isnan(converged)]:
        raise AnswerError(f"{_CONVERGED} is {value:g}, not true or false")
    return np.asarray(converged != 1)


def _column(name: str, value: Any, n_reps: int, whole: bool) -> Floats:
    """A value a replication; `whole` asks for all of them, else one may stand for all."""
    try:
        array = _array(value)
    except Exception:  # how an object becomes an array is its own affair
        raise AnswerError(f"{name} is {_shown(value)}, not a number") from None
    if array.shape == (n_reps,) or (array.size == 1 and not (whole and n_reps > 1)):
        return np.array(np.broadcast_to(array.ravel(), (n_reps,)))
    raise AnswerError(f"{name} has shape {array.shape}, not {(n_reps,)}")


def _array(value: Any) -> Floats:
    """Numbers as doubles, NaN where they are masked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a masked number in a list
        array = np.ma.asarray(value) if np.ma.isMaskedArray(value) else np.asarray(value)
    if array.dtype.kind not in "bifu":
        raise TypeError
    return np.asarray(np.ma.filled(array.astype(float), np.nan))


def _shown(value: Any) -> str:
    if not isinstance(value, str | bytes | complex | np.generic):
        return f"of type {type(value).__name__}"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."


def _finish(
    numbers: dict[str, Floats | None], extras: dict[str, Floats], lost: Bools, null_value: float
) -> Estimates:
    """Check every number, test the estimate where it comes without a p-value."""
    nan = np.full(lost.size, np.nan)
    estimate, error, df, p = (numbers[name] for name in NUMBERS)
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
        wrong |= {name: (extras[name], ~np.isfinite(extras[name]))
                  for name in GIVEN if name in extras}  # fmt: skip
        error = nan if error is None else error
        df = np.where(np.isnan(error), np.nan, np.inf if df is None else df)
        tested = tails.two_sided((estimate - null_value) / error, df) if p is None else p
    failures = _failures(wrong, lost)
    if LIMITS[0] in extras:
        low, high = (extras[name] for name in LIMITS)
        for k in np.flatnonzero(low > high):
            reversed_ = f"returned {LIMITS[0]} {low[k]:g} above {LIMITS[1]} {high[k]:g}"
            failures[k] = failures[k] or Failure(reversed_, "")
    stopped = _unconverged({"estimate": estimate, "std_error": error}, lost)
    components = {name: nan if (v := numbers[name]) is None else v for name in COMPONENTS}
    columns = dict(zip(NUMBERS, (estimate, error, df, tested), strict=True)) | components
    rows = _rows(columns, extras, failures)
    return replace(rows, extras={**(rows.extras or {}), **stopped}) if stopped else rows


def _unconverged(numbers: dict[str, Floats], lost: Bools) -> dict[str, Floats]:
    """Where fits stopped that are said not to have converged: extras, and no result."""
    kept = {
        f"{UNCONVERGED}{name}": np.where(lost & np.isfinite(values), values, np.nan)
        for name, values in numbers.items()
    }
    return {name: values for name, values in kept.items() if not np.isnan(values).all()}


def _wrong(name: str, value: float) -> str:
    """A number that cannot be, so that it still says why when messages are grouped without it."""
    if value < 0 and math.isfinite(value):
        return f"a negative {name}, {value:g}"
    return f"{name} {value:g}" + (", above one" if name == "p_value" and value > 1 else "")


def _failures(wrong: dict[str, tuple[Floats, Bools]], lost: Bools) -> list[Failure | None]:
    unconverged = Failure(f"did not converge ({_CONVERGED} is False)", "")
    failures: list[Failure | None] = [unconverged if bad else None for bad in lost]
    for name, (values, bad) in wrong.items():
        for k in np.flatnonzero(bad):
            failures[k] = failures[k] or Failure(f"returned {_wrong(name, values[k])}", "")
    return failures


def _rows(
    columns: dict[str, Floats], extras: dict[str, Floats], failures: list[Failure | None]
) -> Estimates:
    """Estimates with an outcome; a failed row holds no number."""
    kept = np.empty(len(failures), dtype=object)
    kept[:] = failures
    fitted = np.array([failure is None for failure in failures])
    blank: Any
    blank, extras = (
        {name: np.where(fitted, values, np.nan) for name, values in numbers.items()}
        for numbers in (columns, extras)
    )
    no_test = fitted & np.isnan(blank["p_value"])
    outcome = np.select([~fitted, no_test], [Outcome.FAILED, Outcome.NO_STD_ERROR], Outcome.OK)
    return Estimates(**blank, outcome=outcome.astype(np.int8), extras=extras, failures=kept)
