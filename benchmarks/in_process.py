"""Rows a, b, c, i, k, l: a replication over numpy's draw of the 1,200 normals of one data set."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from measure import Row, against, benchmark, median
from studies import UNIFORM, seconds_a_replication

NORMALS = 1200  # x and y of 30 clusters of 20
SETS, LOOPS = 50, 300  # data sets drawn at once, and how often: some tenths of a second
UNIT = "of the normals"


def seconds_of_normals() -> float:
    """Seconds that numpy takes for the normals of one data set, into an array in the cache."""
    generator, out = np.random.default_rng(1), np.empty(NORMALS * SETS)
    start = time.perf_counter()
    for _ in range(LOOPS):
        generator.standard_normal(out=out)
    return (time.perf_counter() - start) / (SETS * LOOPS)


@benchmark("a", "direct draw, balanced")
def direct_draw(quick: bool) -> Iterator[Row]:
    """Moments drawn, not rows: the cost does not depend on n."""
    n_reps, repeats = (100_000, 5) if quick else (400_000, 7)
    sizes = (5, 20, 200)
    timers = [partial(seconds_a_replication, n_reps, {"cluster_size": n}) for n in sizes]
    normals: list[float] = []

    def base() -> float:
        normals.append(seconds_of_normals())
        return normals[-1]

    found = against(base, timers, repeats)
    yield Row("numpy's 1,200 normals", [1e6 * s for s in normals], "us")
    for n, timings in zip(sizes, found, strict=True):
        yield Row(f"n = {n}", [t.ratio for t in timings], UNIT, "<= 0.12")
    flat = [last.ratio / first.ratio for first, last in zip(found[0], found[-1], strict=True)]
    yield Row("n = 200 over n = 5", flat, "ratio", "flat: 1")


def _over_normals(n_reps: int, repeats: int, fields: dict[str, Any], **top: Any) -> list[float]:
    timer = partial(seconds_a_replication, n_reps, fields, **top)
    return [timing.ratio for timing in against(seconds_of_normals, [timer], repeats)[0]]


@benchmark("b", "rows")
def rows(quick: bool) -> Iterator[Row]:
    """`grain: rows`: every unit of every data set is there."""
    n_reps, repeats = (8192, 5) if quick else (32_768, 5)
    found = _over_normals(n_reps, repeats, {}, grain="rows")
    yield Row("n = 20, `grain: rows`", found, UNIT, "<= 2.5")


@benchmark("c", "moments by cluster")
def by_cluster(quick: bool) -> Iterator[Row]:
    """What is not balanced, or not normal, is drawn cluster by cluster."""
    n_reps, repeats = (16_384, 5) if quick else (65_536, 5)
    listed = {"cluster_size": {"sizes": [10] * 15 + [30] * 15}}
    designs: list[tuple[str, dict[str, Any], str]] = [
        ("sizes drawn anew in 5..35", UNIFORM, "<= 0.7"),
        ("sizes 10 and 30, fifteen each", listed, ""),
        ("n = 20, half of the clusters treated (`x: binary`)", {"x": "binary", "x_icc": 1}, ""),
    ]
    for what, fields, target in designs:
        yield Row(what, _over_normals(n_reps, repeats, fields), UNIT, target)


@benchmark("i", "robust errors and the wild bootstrap")
def robust(quick: bool) -> Iterator[Row]:
    """CR2 with Satterthwaite's df and 399 wild bootstrap samples, the draw included."""
    n_reps, repeats = (16_384, 5) if quick else (65_536, 5)
    cr2 = [{"pooled": {"se": "CR2"}}]
    for what, fields in [
        ("CR2, Satterthwaite df, n = 20", {}),
        ("CR2, Satterthwaite df, treated clusters", {"x": "binary", "x_icc": 1}),
        ("CR2, Satterthwaite df, sizes drawn anew in 5..35", UNIFORM),
    ]:
        yield Row(what, _over_normals(n_reps, repeats, fields, methods=cr2), UNIT, "<= 0.5")
    wild = _over_normals(4096, 3, {}, methods=["wild_bootstrap"])
    yield Row("wild bootstrap, B = 399, n = 20", wild, UNIT, "<= 100")


@benchmark("k", "several predictors, random slopes")
def predictors(quick: bool) -> Iterator[Row]:
    """Covariates cost what their normals do; a random slope is a search in three variances."""
    n_reps, repeats = (40_000, 5) if quick else (160_000, 5)
    for count, target in ((1, "<= 0.25"), (3, "<= 0.6")):
        covariates = {f"z{k}": {"icc": 0.3, "slope": 0.3} for k in range(count)}
        ratios = _over_normals(n_reps, repeats, {"covariates": covariates})
        share = NORMALS / (NORMALS + NORMALS // 2 * count)  # x, y and these
        what = f"n = 20, {count} covariate{'s' * (count > 1)}"
        yield Row(what, [share * ratio for ratio in ratios], UNIT, target)
    slopes = {"slope_sd": 0.3, "x_icc": 0}
    ratios = _over_normals(n_reps // 20, repeats, slopes, methods=["random_slope"])
    yield Row("random_slope, Kenward-Roger, n = 20, slope_sd 0.3", ratios, UNIT, "<= 20")


BY_CLUSTER: list[tuple[str, dict[str, Any]]] = [
    ("cluster_effects: {t: 5}", {"cluster_effects": {"t": 5}}),
    ("endogeneity 0.3", {"endogeneity": 0.3}),
    ("informative_size 0.5, sizes 10 and 30",
     {"informative_size": 0.5, "cluster_size": {"sizes": [10] * 15 + [30] * 15}}),
    ("error_variance: {clusters: 0.5}", {"error_variance": {"clusters": 0.5}}),
    ("error_variance: {arms: 4}, treated clusters",
     {"error_variance": {"arms": 4}, "x": "binary", "x_icc": 1}),
    ("error_variance: {arms: 4}, treated units",
     {"error_variance": {"arms": 4}, "x": "binary", "x_icc": 0}),
    ("x: time", {"x": "time", "x_icc": None}),
    ("missing: {units: 0.2}", {"missing": {"units": 0.2}}),
]  # fmt: skip
GROUPS = {"third_level": {"clusters": 5, "icc": 0.05, "x_icc": 0.1}}
TREATED_GROUPS = {
    "third_level": {"clusters": 5, "icc": 0.05, "x_icc": 1}, "x": "binary", "x_icc": 1,
}  # fmt: skip
BY_UNIT: list[tuple[str, dict[str, Any], str]] = [
    ("errors: uniform", {"errors": "uniform"}, "random"),
    ("errors: {t: 5}", {"errors": {"t": 5}}, "t"),
    ("x_shape: {chi_square: 3}", {"x_shape": {"chi_square": 3}}, "chi_square"),
    ("error_variance: {x: 0.5}", {"error_variance": {"x": 0.5}}, "normal"),
    ("autocorrelation 0.4", {"autocorrelation": 0.4}, "normal"),
]


def seconds_of_units(law: str) -> float:
    """Seconds for the random numbers of the units of one data set: 600 normal, 600 of a law."""
    generator, size = np.random.default_rng(1), (NORMALS // 2, SETS)
    out = np.empty(size)
    start = time.perf_counter()
    for _ in range(LOOPS):
        generator.standard_normal(out=out)
        if law == "random":
            generator.random(out=out)
        elif law in ("normal", "t"):
            generator.standard_normal(out=out)
        if law in ("t", "chi_square"):
            generator.standard_gamma(2.5 if law == "t" else 1.5, out=out)
    return (time.perf_counter() - start) / (SETS * LOOPS)


@benchmark("l", "data that misbehave")
def worlds(quick: bool) -> Iterator[Row]:
    """Pooled, dummy and random intercept, the draw included."""
    n_reps, repeats = (8192, 3) if quick else (32_768, 5)
    for what, fields in BY_CLUSTER:
        yield Row(what, _over_normals(n_reps, repeats, fields), UNIT, "<= 1.0")
    for what, fields in (("a third level", GROUPS), ("a third level, treated", TREATED_GROUPS)):
        yield Row(what, _over_normals(n_reps, repeats, fields), UNIT, "<= 0.5")
    for what, fields, law in BY_UNIT:
        own = [t.ratio for t in against(seconds_of_normals, [partial(seconds_of_units, law)], 5)[0]]
        ratios = _over_normals(n_reps, repeats, fields)
        target = f"<= {median(own) + 1.4:.2f}: its random numbers + 1.4"
        yield Row(f"{what}, unit by unit", ratios, UNIT, target)
