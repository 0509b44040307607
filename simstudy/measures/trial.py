"""What a user's own measure must satisfy, tried on small sets of rows."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np

from simstudy.custom.verdict import Verdict, in_brief
from simstudy.estimates import TRUTH
from simstudy.measures.own import Own, ask, bootstrap_mcse
from simstudy.measures.rows import Answer, Rows
from simstudy.numerics.tails import two_sided

_TRUE = 0.3  # of the estimates that are tried
_N = 200  # rows of a set
_APART = 2.0  # times the bootstrapped Monte Carlo SE: not the same any more


def try_measure(function: Own) -> Iterator[Verdict]:
    """Try a measure; what has no value for ordinary rows ends the trial."""
    rows = _rows(_N)
    start = time.perf_counter()
    found = ask(function, _copy(rows), _TRUE)
    seconds = time.perf_counter() - start
    yield _answers(found)
    if math.isnan(found.value):
        return
    again = ask(function, _copy(rows), _TRUE)
    same = (again.value, again.own_mcse) == (found.value, found.own_mcse)
    yield Verdict(same, "the same rows give the same value again" if same else
                        f"the same rows give another value the second time ({again.value:.4g} "
                        f"after {found.value:.4g})")  # fmt: skip
    if found.own_mcse:
        yield from _spread(function, rows, found)
    for what, others, truth in _unusual(rows):
        yield from _tried(what, ask(function, others, truth))
    yield Verdict(None, f"{max(seconds, 1e-6) * 1e3:.2g} ms a cell (a method in a scenario) of "
                        f"{_N} rows, {'' if found.own_mcse else 'bootstrap included, '}"
                        "at every new summary")  # fmt: skip


def _rows(n: int) -> Rows:
    """Used rows of a method that is as it should be."""
    rng = np.random.Generator(np.random.SFC64(1))
    estimate = _TRUE + 0.2 * rng.standard_normal(n)
    std_error = 0.2 * np.sqrt(rng.chisquare(20, n) / 20)
    df = np.full(n, 20.0)
    status = np.where(rng.random(n) < 0.1, 1, 0).astype(np.int8)
    return {"estimate": estimate, "std_error": std_error, "df": df,
            "p_value": two_sided(estimate / std_error, df), "status": status}  # fmt: skip


def _copy(rows: Rows) -> Rows:
    return {name: values.copy() for name, values in rows.items()}


def _answers(found: Answer) -> Verdict:
    if math.isnan(found.value):
        reason = "returns NaN" if found.failure is None else in_brief(found.failure)
        return Verdict(False, f"has no value for {_N} ordinary rows: {reason}")
    if found.failure is not None:
        return Verdict(False, f"{found.value:.4g}, but {in_brief(found.failure)}")
    how = "its own" if found.own_mcse else "bootstrapped"
    return Verdict(True, f"{found.value:.4g} ({found.mcse:.2g}, {how} Monte Carlo SE) for "
                         f"{_N} ordinary rows about {_TRUE:g}")  # fmt: skip


def _spread(function: Own, rows: Rows, found: Answer) -> Iterator[Verdict]:
    """The measure's own Monte Carlo SE beside the bootstrapped one."""
    spread = bootstrap_mcse(lambda drawn: ask(function, drawn, _TRUE).value, rows)
    near = spread / _APART <= found.mcse <= spread * _APART
    if math.isfinite(spread) and not near:
        yield Verdict(None, f"its own Monte Carlo SE is {found.mcse:.2g}, and {spread:.2g} if the "
                            "rows are drawn again (bootstrap)")  # fmt: skip


def _unusual(rows: Rows) -> Iterator[tuple[str, Rows, float]]:
    """Rows that a study may have: few, of methods without an SE or df, a truth that varies."""
    yield "one row", {name: values[:1] for name, values in _copy(rows).items()}, _TRUE
    yield "a truth of 0", _copy(rows), 0.0
    n = rows["status"].size
    tests = {"std_error": np.full(n, np.nan), "df": np.full(n, np.nan)}
    yield "p-values without standard errors", _copy(rows) | tests, _TRUE
    yield "normal tests (df infinite)", _copy(rows) | {"df": np.full(n, np.inf)}, _TRUE
    own = {TRUTH: rows["estimate"][::-1].copy()}
    yield "a truth in each row (an array)", _copy(rows) | own, math.nan


def _tried(what: str, found: Answer) -> Iterator[Verdict]:
    """What a measure does where it may have no value: a study says the same, and goes on."""
    if found.failure is not None:
        lost = "number" if math.isnan(found.value) else "Monte Carlo SE"
        told = f"{what}: {in_brief(found.failure)}; in a study there is no {lost} then"
        yield Verdict(None, told)
    elif math.isnan(found.value):
        yield Verdict(None, f"{what}: NaN; in a study there is no number then")
