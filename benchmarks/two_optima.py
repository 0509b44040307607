"""Count how often the search for the variance ratio misses the better of two optima.

    python benchmarks/two_optima.py [DESIGN ...] [--sets 50000] [--seed 1]

A design is listed sizes (`1x200+40x2`: one cluster of 200 and forty pairs) or drawn ones
(`geometric:20`, `lognormal:20`, `uniform1-3:20`, `uniform5-35:20`: 20 clusters); without any,
all that docs/two-optima.md tables. Every set is fitted by REML and by ML, by random_intercept and
by within_between, and pretest chooses by the first of them. A miss is a criterion more than 1e-6
above the least of a profile of 1,500 points with refinement, and for pretest a choice or a fit
that is not the one of that optimum.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

if __name__ == "__main__":  # before numpy is imported: products this small want one thread
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from simstudy.generators import gaussian
from simstudy.generators.scenario import Scenario, SizeRule
from simstudy.moments import Clusters, Factor, Floats, Ints
from simstudy.numerics import gram, likelihood, reml, weighted
from simstudy.registry import configure

POINTS, MISS = 1500, 1e-6
BLOCK = 500  # sets drawn at once
X_ICCS, ICCS = (0.0, 0.5, 1.0), (0.0, 0.05, 0.1, 0.2, 0.5)
LISTED = (
    "1x200+40x2", "1x50+24x1", "1x100+19x3", "1x60+14x3", "1x30+29x2", "20x2+1x20+1x1",
    "26x1+2x2", "14x1+3x2", "15x1+2x10", "36x1+4x3", "50x1+10x2",
)  # fmt: skip
DRAWN = ("geometric", "lognormal", "uniform1-3", "uniform5-35")
CLUSTERS = (5, 12, 13, 20, 60)
ALL = (*LISTED, *(f"{name}:{j}" for name in DRAWN for j in CLUSTERS))
COLUMNS = ("random_intercept reml", "random_intercept ml", "within_between reml",
           "within_between ml", "pretest reml")  # fmt: skip

Sizes = Callable[[np.random.Generator, int], Ints]


def main() -> None:
    """Count, and print a table."""
    options = _options()
    print(f"| design | {' | '.join(COLUMNS)} | seconds |\n|---|{'---:|' * (len(COLUMNS) + 1)}")
    for design in options.designs or ALL:
        start = time.process_time()
        missed, fitted = count(design, options.sets, options.seed)
        cells = (f"{missed[name]:,} of {fitted[name]:,}" for name in COLUMNS)
        print(f"| {design} | {' | '.join(cells)} | {time.process_time() - start:.0f} |", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("designs", nargs="*", metavar="DESIGN")
    parser.add_argument("--sets", type=int, default=50_000, help="data sets of each design")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def sizes_of(design: str) -> Sizes:
    """How the sizes of a design come about: (generator, sets) -> (J, 1) or (J, sets)."""
    if match := re.fullmatch(r"(geometric|lognormal|uniform(\d+)-(\d+)):(\d+)", design):
        name, low, high, j = match.groups()
        return _drawn(name, low, high, int(j))
    pairs = [part.split("x") for part in design.split("+")]
    listed = np.array([int(n) for many, n in pairs for _ in range(int(many))])[:, None]
    return lambda rng, sets: listed


def _drawn(name: str, low: str, high: str, j: int) -> Sizes:
    if name == "geometric":  # of mean 10
        return lambda rng, sets: rng.geometric(0.1, (j, sets))
    if name == "lognormal":  # of mean 15 and coefficient of variation 1.5, rounded, at least 1
        log_var = np.log(1.0 + 1.5**2)
        location = np.log(15.0) - 0.5 * log_var
        return lambda rng, sets: np.maximum(
            1, np.rint(rng.lognormal(location, np.sqrt(log_var), (j, sets)))
        ).astype(np.int64)
    return lambda rng, sets: rng.integers(int(low), int(high) + 1, (j, sets))


def draw(rng: np.random.Generator, sizes: Ints, icc: float, x_icc: float, sets: int) -> Clusters:
    """Draw data sets with a slope of 0."""
    scenario = Scenario(sizes.shape[0], SizeRule("fixed", (2,)), icc, x_icc, 0.0)
    return gaussian.draw_clusters(rng, scenario, sizes, None, sets)


class Model(NamedTuple):
    """A model whose criterion is profiled."""

    column: str
    within: Factor
    reml: bool
    n_fixed: int
    estimable: Floats  # of bool, (R,)


def models(data: Clusters) -> list[Model]:
    """All four, with the within cross-products that each has."""
    inner = gram.within(data)
    none = np.zeros_like(inner.r)
    kinds = [
        ("random_intercept", inner, 2),
        ("within_between", Factor.of_line(none, none, inner.r), 3),
    ]
    return [
        Model(f"{name} {estimator}", within, estimator == "reml", n_fixed,
              configure(name, {"estimator": estimator, "df": "wald"}).fit(data).outcome < 2)
        for name, within, n_fixed in kinds for estimator in ("reml", "ml")
    ]  # fmt: skip


def count(design: str, sets: int, seed: int = 1) -> tuple[Counter[str], Counter[str]]:
    """Missed fits and all fits of a design, by column."""
    rng = np.random.default_rng([seed, *design.encode()])
    missed, fitted = Counter[str](), Counter[str]()
    for data in _blocks(rng, sizes_of(design), sets):
        used = models(data)
        everyone = np.arange(data.n_reps)
        for model, best in zip(used, least(data, used), strict=True):
            psi, _ = reml.variance_ratio(data, model.within, reml=model.reml, n_fixed=model.n_fixed)
            miss = ~(criterion(data, model, everyone, psi) <= best + MISS) & model.estimable
            missed[model.column] += int(miss.sum())
            fitted[model.column] += int(model.estimable.sum())
            if model.column == "random_intercept reml":
                missed["pretest reml"] += _misjudged(data, model, best, miss)
                fitted["pretest reml"] += int(model.estimable.sum())
    return missed, fitted


def _blocks(rng: np.random.Generator, sizes: Sizes, sets: int) -> Iterator[Clusters]:
    cells = [(icc, x_icc) for x_icc in X_ICCS for icc in ICCS]
    each = -(-sets // len(cells))
    for icc, x_icc in cells:
        for first in range(0, each, BLOCK):
            here = min(BLOCK, each - first)
            yield draw(rng, sizes(rng, here), icc, x_icc, here)


def _misjudged(data: Clusters, model: Model, best: Floats, miss: Floats) -> int:
    """Sets that pretest takes to another model, or fits at another optimum, than it should."""
    everyone = np.arange(data.n_reps)
    gain = criterion(data, model, everyone, np.zeros(data.n_reps)) - best
    right = gain > 1.6448536269514722**2
    chosen = ~np.isnan(configure("pretest").fit(data).tau2)
    clear = np.abs(gain - 1.6448536269514722**2) > MISS
    return int(((clear & (chosen != right)) | (miss & right))[model.estimable].sum())


def criterion(data: Clusters, model: Model, index: Ints, psi: Floats) -> Floats:
    """-2 log L of replications `index` at psi, shape as both."""
    part = weighted.columns(data, index)
    within = model.within.map(lambda v: v[index])
    at = weighted.profile(part, within, psi)
    return likelihood.criterion(part, at, psi, model.reml, model.n_fixed)


def least(data: Clusters, used: list[Model]) -> list[Floats]:
    """The least criterion of every data set, by a dense profile of psi; one array a model.

    The sums over clusters are matrix products over the distinct sizes.
    """
    n, (one, x, e, xx, xe, ee), slope = _by_size(data)
    psi = _points(n, ee, used)
    c = n / (1.0 + np.outer(psi, n))
    s, sx, se, sxx, sxe, see = (c @ sums for sums in (one, x, e, xx, xe, ee))
    log_w = np.log1p(np.outer(psi, n)) @ one
    sx /= s
    sxx -= s * sx * sx
    sxe -= sx * se
    see -= se * se / s
    found = []
    for model in used:
        a, rest = model.within.a, model.within.b - slope * model.within.a
        d = sxx + a * a
        with np.errstate(divide="ignore", invalid="ignore"):
            fit = np.where(d > 0, (sxe + a * rest) ** 2 / d, 0.0)
            values = log_w + likelihood.residual_df(data.n_obs, model.reml, model.n_fixed) * np.log(
                see + rest * rest + model.within.r**2 - fit
            )
            if model.reml:
                values += np.log(s) + np.log(d)
        found.append(_refined(data, model, psi, values))
    return found


def _by_size(data: Clusters) -> tuple[Floats, list[Floats], Floats]:
    """Distinct sizes; sums of 1, x, e, xx, xe, ee over clusters of each; the slope taken out."""
    shape = (data.n_clusters, data.n_reps)
    sizes, which = np.unique(data.sizes, return_inverse=True)
    which = np.broadcast_to(which.reshape(data.sizes.shape), shape)
    place = (which * shape[1] + np.arange(shape[1])).ravel()

    def add(values: Floats) -> Floats:
        flat = np.broadcast_to(values, shape).ravel()
        return np.bincount(place, flat, sizes.size * shape[1]).reshape(-1, shape[1])

    mean_x, mean_y = gram.grand_means(data)
    total = gram.add(gram.within(data), gram.between(data))
    slope = total.b / total.a
    x = data.mean_x - mean_x
    e = data.mean_y - mean_y - slope * x
    sums = [add(v) for v in (np.ones(shape), x, e, x * x, x * e, e * e)]
    return sizes.astype(float), sums, slope


def _points(n: Floats, ee: Floats, used: list[Model]) -> Floats:
    """Put psi = 0 and a log scale, from where no cluster moves to where tau2 is all there is."""
    inner = used[0].within.r ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        share = ee.sum(axis=0) / inner
    widest = np.max(share[share < 1e12], initial=1e4)
    scale = np.geomspace(1e-4 / n.max(), 100.0 * widest / n.min(), POINTS - 1)
    return np.concatenate([[0.0], scale])


def _refined(data: Clusters, model: Model, psi: Floats, values: Floats) -> Floats:
    """Least criterion at psi = 0 and at the vertices of parabolas about every minimum."""
    everyone = np.arange(data.n_reps)
    best = criterion(data, model, everyone, np.zeros(data.n_reps))
    dip = (values[2:-1] <= values[1:-2]) & (values[2:-1] < values[3:])
    k, index = np.nonzero(dip)
    k += 2
    step = np.log(psi[2] / psi[1])
    at = np.log(psi[k]) + step * _vertex(*(values[k + i, index] for i in (-1, 0, 1)))
    near = [criterion(data, model, index, np.exp(at + i * step / 8.0)) for i in (-1, 0, 1)]
    at += step / 8.0 * _vertex(*near)
    near.append(criterion(data, model, index, np.exp(at)))
    np.minimum.at(best, index, np.min(near, axis=0))
    return best


def _vertex(left: Floats, middle: Floats, right: Floats) -> Floats:
    """Where the parabola through -1, 0 and 1 is least."""
    bend = left - 2.0 * middle + right
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.clip(np.where(bend > 0, 0.5 * (left - right) / bend, 0.0), -1.0, 1.0)


if __name__ == "__main__":
    main()
