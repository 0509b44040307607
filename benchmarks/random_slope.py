"""Time of a random-slope fit with Kenward-Roger's df over numpy's draw of a data set's normals.

    python benchmarks/random_slope.py [--repeats 5]

Thirty clusters of 20; x_1 and covariates have half of their variance between clusters, the
intercepts an SD of .5. A replication is drawn (moments of every cluster), fitted by REML and its
slope of x_1 tested, in batches of 200, 500 and 2,000. Slopes that vary little end at singular
fits, which are searched for from more starts than others.
"""

from __future__ import annotations

import argparse
import os
import time
from functools import partial

if __name__ == "__main__":  # before numpy is imported: products this small want one thread
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from in_process import seconds_of_normals
from measure import against, median, shown

from simstudy.moments import Floats
from simstudy.numerics import random_slope

CLUSTERS, SIZE, SHARE, TAU = 30, 20, 0.5, 0.5
BATCHES, PREDICTORS, SLOPE_SDS = (200, 500, 2000), (1, 2), (0.5, 0.3, 0.1, 0.0)
SETS = 2000  # replications timed at once, at least


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    heads = [f"batches of {batch:,}" for batch in BATCHES]
    print(f"| p | SD of slopes | singular | {' | '.join(heads)} |\n|---:|---:|---:|{'---:|' * 3}")
    for p in PREDICTORS:
        for spread in SLOPE_SDS:
            timers = [partial(seconds_a_replication, batch, p, spread) for batch in BATCHES]
            timings = against(seconds_of_normals, timers, repeats)
            cells = (shown(median(t.ratio for t in of)) for of in timings)
            fit = random_slope.fit(draw(np.random.default_rng(2), SETS, p, spread))
            print(
                f"| {p} | {spread} | {fit.boundary.mean():.0%} | {' | '.join(cells)} |", flush=True
            )


def seconds_a_replication(batch: int, p: int, spread: float) -> float:
    """Seconds that the draw, the fit and the test of a replication take."""
    rng = np.random.default_rng(1)
    count = max(1, SETS // batch)
    start = time.perf_counter()
    for _ in range(count):
        fit = random_slope.fit(draw(rng, batch, p, spread))
        fit.coefficient(1, "kenward_roger")
    return (time.perf_counter() - start) / (count * batch)


def draw(rng: np.random.Generator, n_reps: int, p: int, spread: float) -> list[list[Floats]]:
    """Triangles of every cluster's (1, x_1 .. x_p, y), slopes of 0; Bartlett's factors."""
    shape, inner = (CLUSTERS, n_reps), np.sqrt(1.0 - SHARE)
    means = rng.standard_normal((p, *shape)) * np.sqrt(SIZE * SHARE + 1.0 - SHARE)
    rows = [[np.full((CLUSTERS, 1), SIZE**0.5), *means]]
    for k in range(p):
        pivot = np.sqrt(rng.chisquare(SIZE - 1 - k, shape))
        rows.append([inner * pivot, *(inner * rng.standard_normal((p - 1 - k, *shape)))])
    u, v = TAU * rng.standard_normal(shape), spread * rng.standard_normal(shape)
    noise = rng.standard_normal((p + 1, *shape))
    rows[0].append(noise[0] + SIZE**0.5 * u + v * means[0])
    rows[1].append(noise[1] + v * rows[1][0])
    for k in range(2, p + 1):
        rows[k].append(noise[k])
    rows.append([np.sqrt(rng.chisquare(SIZE - 1 - p, shape))])
    return rows


if __name__ == "__main__":
    main()
