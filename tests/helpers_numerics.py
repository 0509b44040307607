"""Shared by the tests of the numerics: data in, longhand likelihoods, comparisons."""

from __future__ import annotations

import csv
import functools
import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd

import simstudy
from simstudy.errors import UserError
from simstudy.generators import streams
from simstudy.generators.scenario import Scenario
from simstudy.generators.sizes import SizeRule
from simstudy.generators.source import Source
from simstudy.moments import Clusters, Factor, Pooled, Units
from simstudy.numerics.reduce import reduce
from simstudy.registry import configure, methods

EPS = np.finfo(float).eps
FORMULA = "y ~ x + (1 | cluster)"
REFERENCE = Path(__file__).parent / "reference"
NAMES = sorted(path.stem for path in REFERENCE.glob("*.json"))


# --- comparisons


def assert_close(actual, expected, rel, abs_tol=0.0, what=""):
    """Compare arrays or numbers; NaN equals NaN, and so does inf its like."""
    actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    np.testing.assert_allclose(
        actual, expected, rtol=rel, atol=abs_tol, equal_nan=True, err_msg=str(what)
    )


# --- data sets


@functools.cache
def answers(name):
    return json.loads((REFERENCE / f"{name}.json").read_text())


def columns(name):
    """Cluster labels, x and y of a reference data set; `float` rounds correctly."""
    with (REFERENCE / f"{name}.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    x, y = (np.array([float(row[key]) for row in rows]) for key in "xy")
    return [row["cluster"] for row in rows], x, y


def frame(cluster, x, y):
    return pd.DataFrame({"cluster": cluster, "x": x, "y": y})


def labels(sizes):
    return np.repeat(np.arange(len(sizes)), sizes)


def method(name, **options):
    return configure(name, options)


def fit(data, name, **options):
    """One method on one data set, as a dict."""
    return simstudy.fit(data, FORMULA, methods=[method(name, **options)]).as_dict()["fits"][0]


def term(fitted, name="x"):
    """Numbers of the slope or the intercept of a fitted dict."""
    return next(entry for entry in fitted["terms"] if entry["term"] == name)


def legal_methods():
    """Every method in every combination of options that it does not refuse."""
    found = []
    for name, entry in methods().items():
        keys = [option.name for option in entry.options]
        choices = (option.values or (option.default({}),) for option in entry.options)
        for values in itertools.product(*choices):
            try:
                found.append(configure(name, dict(zip(keys, values, strict=True))))
            except UserError:
                continue
    return found


# --- moments


def clusters_of(sizes, x, y):
    """Cluster moments of units given as (N, R) arrays, clusters one after the other."""
    sizes = np.asarray(sizes, dtype=np.int64)
    n_reps = x.shape[1]
    if np.all(sizes == sizes[0]):
        cube = (sizes.size, int(sizes[0]), n_reps)
        x, y = (v.reshape(cube).transpose(1, 0, 2).copy() for v in (x, y))
        return reduce(Units(sizes.reshape(-1, 1), (x, y)))
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    take = np.concatenate(
        [
            np.arange(start, start + n) * n_reps + rep
            for start, n in zip(first, sizes, strict=True)
            for rep in range(n_reps)
        ]
    )
    each = np.broadcast_to(sizes.reshape(-1, 1), (sizes.size, n_reps))
    shared = reduce(Units(each, (x.ravel()[take], y.ravel()[take])))
    return Clusters(sizes.reshape(-1, 1), shared.means, shared.within)


def units(rng, sizes, x_icc, icc, n_reps):
    """Normal units (x, y) of the package's model with slope 0, shape (N, R) each."""
    index = labels(sizes)
    shape, means = (index.size, n_reps), (len(sizes), n_reps)

    def mixed(share):
        outer, inner = rng.standard_normal(means)[index], rng.standard_normal(shape)
        return np.sqrt(share) * outer + np.sqrt(1.0 - share) * inner

    return mixed(x_icc), mixed(icc)


def drawn(grain, sizes, n_reps, *, x="normal", x_icc=0.5, icc=0.2, slope=0.3, seed=1):
    """Moments from the package's own generator, grain "pooled" or "clusters"."""
    rule = SizeRule("listed", tuple(float(n) for n in sizes))
    scenario = Scenario(len(sizes), rule, icc, x_icc, slope, intercept=0.5, x=x)
    return replications(scenario, seed, grain, n_reps)


def replications(scenario, seed, grain, n_reps):
    """The first replications of a scenario, of as many chunks as they need."""
    number = streams.GRAIN[grain]
    length = streams.chunk_length(scenario, number)
    source = Source(scenario, seed, 0)
    chunks = [source.moments(number, k) for k in range(-(-n_reps // length))]
    return take(joined(chunks), np.arange(n_reps))


def joined(parts):
    """Several batches of one design as one."""

    def join(pieces):
        pieces = list(pieces)
        one_for_all = pieces[0].ndim == 2 and pieces[0].shape[1] == 1 < parts[0].mean_y.shape[1]
        return pieces[0] if one_for_all else np.concatenate(pieces, axis=-1)

    def factor(pieces):
        rows = zip(*(piece.rows for piece in pieces), strict=True)
        return Factor(tuple(tuple(map(join, zip(*row, strict=True))) for row in rows))

    if isinstance(parts[0], Pooled):
        sides = (factor(part.within for part in parts), factor(part.between for part in parts))
        return Pooled(parts[0].n_clusters, parts[0].cluster_size, *sides)
    means = tuple(map(join, zip(*(part.means for part in parts), strict=True)))
    sizes = join(part.sizes for part in parts)
    return Clusters(sizes, means, factor(part.within for part in parts), parts[0].names)


def take(moments, index):
    """Keep some replications, in any order."""

    def pick(values):
        return values if values.shape[-1] == 1 else values[..., index]

    if isinstance(moments, Pooled):
        parts = (f.map(pick) for f in (moments.within, moments.between))
        return Pooled(moments.n_clusters, moments.cluster_size, *parts)
    return Clusters(
        pick(moments.sizes),
        tuple(map(pick, moments.means)),
        moments.within.map(pick),
        moments.names,
    )


def reorder(moments, order):
    """Put the clusters in another order."""

    def pick(values):
        return values[order] if values.shape[0] > 1 else values

    return Clusters(
        moments.sizes[order],
        tuple(map(pick, moments.means)),
        moments.within.map(pick),
        moments.names,
    )


def affine(moments, *, x=(0.0, 1.0), y=(0.0, 1.0)):
    """Moments of (a + c x, a' + c' y)."""

    def scaled(factor):
        sign = np.sign(x[1])
        return Factor.of_line(
            abs(x[1]) * factor.a,
            np.where(factor.a > 0, sign, 1.0) * y[1] * factor.b,
            abs(y[1]) * factor.r,
        )

    if isinstance(moments, Pooled):
        parts = scaled(moments.within), scaled(moments.between)
        return Pooled(moments.n_clusters, moments.cluster_size, *parts)
    means = (x[0] + x[1] * moments.mean_x, y[0] + y[1] * moments.mean_y)
    return Clusters(moments.sizes, means, scaled(moments.within))
