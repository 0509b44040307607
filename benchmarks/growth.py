"""Row g: how cost grows with clusters, units, replications and scenarios."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from measure import Row, against, benchmark, in_turn, median
from studies import UNIFORM, seconds_a_replication, seconds_of_a_run

CLUSTERS = (3, 10, 30, 100, 1000, 10_000)
UNITS = (2, 5, 20, 200, 2000, 10_000)


@benchmark("g", "how cost grows")
def growth(quick: bool) -> Iterator[Row]:
    """Cost of a replication by J and n, of a run by replications and scenarios."""
    yield from _designs(quick)
    yield from _replications(quick)
    yield from _scenarios(quick)


def _designs(quick: bool) -> Iterator[Row]:
    """Microseconds of a replication, all designs in turn."""
    direct, share = (65_536, 8) if quick else (262_144, 1)
    designs: list[tuple[str, dict[str, Any], int]] = []
    for j in CLUSTERS:
        designs.append((f"J = {j:,}, direct draw", {"n_clusters": j}, direct))
    for j in CLUSTERS:
        n_reps = max(128, min(65_536, 1_048_576 // j) // share)
        designs.append((f"J = {j:,}, sizes in 5..35", UNIFORM | {"n_clusters": j}, n_reps))
    for n in UNITS:
        designs.append((f"n = {n:,}, direct draw", {"cluster_size": n}, direct))
    for n in UNITS:
        ends = [max(1, n // 4), max(3, 7 * n // 4)]
        fields = {"cluster_size": {"uniform": ends}}
        designs.append((f"sizes in {ends[0]:,}..{ends[1]:,}", fields, 32_768 // share))
    timers = [partial(seconds_a_replication, n_reps, fields) for _, fields, n_reps in designs]
    found = in_turn(timers, 1 if quick else 3)
    for (what, _, _), seconds in zip(designs, found, strict=True):
        yield Row(what, [1e6 * s for s in seconds], "us a replication")


def _replications(quick: bool) -> Iterator[Row]:
    """Seconds of a run with its summary; the last power of ten from the two before it."""
    powers = (4, 5, 6) if quick else (4, 5, 6, 7)
    medians = {}
    for power in powers:
        repeats = 1 if power == powers[-1] else 3
        seconds = [seconds_of_a_run(10**power, {}) for _ in range(repeats)]
        medians[power] = median(seconds)
        yield Row(f"10^{power} replications, summary included", seconds, "s")
    last = powers[-1]
    slope = (medians[last] - medians[last - 1]) / (10**last - 10 ** (last - 1))
    projected = medians[last] + slope * (10**8 - 10**last)
    yield Row(f"10^8 replications, projected from 10^{last - 1} and 10^{last}", [projected], "s")


def _scenarios(quick: bool) -> Iterator[Row]:
    """Many scenarios of 100 replications, and one of as many replications as the most."""
    counts = (1, 100, 1000) if quick else (1, 100, 1000, 10_000)
    for count in counts[:-1]:
        repeats = 1 if quick else 3
        seconds = [seconds_of_a_run(100, grid(count)) for _ in range(repeats)]
        yield Row(f"scenarios x 100: {count:,}", seconds, "s")
    most = counts[-1]
    one = partial(seconds_of_a_run, 100 * most, {})
    many = partial(seconds_of_a_run, 100, grid(most))
    (timings,) = against(one, [many], 1 if quick else 3)
    yield Row(f"scenarios x 100: {most:,}", [t.seconds for t in timings], "s")
    what = f"{most:,} scenarios x 100 over one x {100 * most:,}"
    yield Row(f"{what}, summary included", [t.ratio for t in timings], "ratio")
    one = partial(seconds_a_replication, 100 * most, {})
    many = partial(seconds_a_replication, 100, grid(most))
    (timings,) = against(one, [many], 1 if quick else 3)
    ratios = [t.ratio / (100 * most) * 100 for t in timings]
    yield Row(f"{what}, drawn, fitted and stored", ratios, "ratio", "" if quick else "< 2")


def grid(count: int) -> dict[str, Any]:
    """Fields of so many scenarios: 1, or a multiple of 100."""
    if count == 1:
        return {}
    n_iccs = count // 100
    x_iccs = [i / 100 for i in range(100)]
    return {"icc": [0.9 * i / n_iccs for i in range(n_iccs)], "x_icc": x_iccs}
