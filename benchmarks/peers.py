"""Row d: loops over other people's estimators: R's lme4 and lmerTest, Python's statsmodels."""

from __future__ import annotations

import shutil
import subprocess
import time
import warnings
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import numpy as np
from measure import Row, against, benchmark
from studies import seconds_a_replication

SCRIPT = Path(__file__).with_name("peers.R")
OURS = 400_000  # replications of ours between two blocks of theirs
LOOPS = [  # kind, fits, replications, target
    ("wald", "lm + lm + lmer, no p-value from lmer", 100, ">= 20,000"),
    ("kenward-roger", "lm + lm + lmerTest's lmer, Kenward-Roger", 40, ">= 80,000"),
]


@benchmark("d", "peers, data and fits in a loop", in_quick=False)
def peers(quick: bool) -> Iterator[Row]:
    """Each loop in alternation with ours, which always has its p-values and its parquet."""
    for kind, fits, n_reps, target in LOOPS:
        yield from _loop_in_r(kind, fits, n_reps, target)
    yield from _statsmodels()


def _loop_in_r(kind: str, fits: str, n_reps: int, target: str) -> Iterator[Row]:
    if shutil.which("Rscript") is None:
        yield Row(f"R: {fits}", "not run: no R")
        return
    lines = _r(kind, 1, 1)
    if lines[0].startswith("missing"):
        yield Row(f"R: {fits}", f"not run: no {lines[0].split(maxsplit=1)[1]}")
        return
    drawn: list[float] = []
    seeds = count(1)

    def theirs() -> float:
        seconds, of_data, _ = _r(kind, n_reps, next(seeds))
        drawn.append(1e3 * float(of_data))
        return float(seconds)

    (timings,) = against(partial(seconds_a_replication, OURS, {}), [theirs], 5)
    what = f"{lines[2]}: {fits}"
    yield Row(f"{what}, data included", [1e3 * t.seconds for t in timings], "ms a replication")
    yield Row("of that, its data", drawn, "ms a replication")
    yield Row("over a replication of simstudy", [t.ratio for t in timings], "ratio", target)


def _r(kind: str, n_reps: int, seed: int) -> list[str]:
    """Lines that peers.R prints: seconds, seconds of data, versions; or what is missing."""
    command = ["Rscript", "--vanilla", str(SCRIPT), kind, str(n_reps), str(seed)]
    found = subprocess.run(command, capture_output=True, text=True)
    if found.returncode:
        raise RuntimeError(f"{' '.join(command)}: {found.stderr.strip()}")
    return [line.strip() for line in found.stdout.splitlines()]


def _statsmodels() -> Iterator[Row]:
    if find_spec("statsmodels") is None:
        yield Row("statsmodels MixedLM", "not run: no statsmodels")
        return
    import statsmodels

    ours = partial(seconds_a_replication, OURS, {}, methods=["random_intercept"])
    seeds = count(1)
    _mixed_lm(5, 0)
    (timings,) = against(ours, [lambda: _mixed_lm(40, next(seeds))], 5)
    what = f"statsmodels {statsmodels.__version__} MixedLM, data not included"
    yield Row(what, [1e3 * t.seconds for t in timings], "ms a fit")
    what = "over simstudy's random_intercept, data and p-values included"
    yield Row(what, [t.ratio for t in timings], "ratio")


def _mixed_lm(n_fits: int, seed: int) -> float:
    """Seconds of one REML fit from arrays, the shortest way in; data sets drawn beforehand."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(30), 20)
    x = np.sqrt(0.5) * (rng.standard_normal((n_fits, 30))[:, groups])
    x += np.sqrt(0.5) * rng.standard_normal(x.shape)
    y = np.sqrt(0.1) * (rng.standard_normal((n_fits, 30))[:, groups])
    y += np.sqrt(0.9) * rng.standard_normal(y.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where its optimiser ends at tau2 = 0
        start = time.perf_counter()
        for k in range(n_fits):
            exog = np.column_stack([np.ones(x.shape[1]), x[k]])
            MixedLM(y[k], exog, groups).fit(reml=True)
        return (time.perf_counter() - start) / n_fits
