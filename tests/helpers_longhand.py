"""Data sets drawn unit by unit, as a text book writes them: nothing of the package is used."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class World:
    """One data-generating mechanism, spelled out.

    `within` and `between` are correlations of the components of the normal predictors, x first
    where it is normal; `icc` their shares between clusters, in the same order.
    """

    sizes: object  # list, or (low, high)
    n_clusters: int
    names: list[str]  # normal predictors
    icc: list[float]
    within: np.ndarray
    between: np.ndarray
    slopes: dict[str, float]
    binary: dict[str, str] = field(default_factory=dict)  # units, clusters or blocked
    files: dict[str, np.ndarray] = field(default_factory=dict)
    y_icc: float = 0.2
    intercept: float = 0.0
    contextual: float = 0.0
    slope_sd: float = 0.0
    slope_correlation: float = 0.0


def draw(world: World, rng: np.random.Generator, n: int) -> tuple[np.ndarray, dict]:
    """Sizes (n, J), and each column as (n, J, largest size), the y last."""
    j = world.n_clusters
    if isinstance(world.sizes, tuple):
        sizes = rng.integers(world.sizes[0], world.sizes[1] + 1, (n, j))
    else:
        sizes = np.tile(world.sizes, (n, 1))
    most = sizes.max()
    there = np.arange(most) < sizes[:, :, None]
    columns = {}
    if world.names:
        root = [_root(m) for m in (world.between, world.within)]
        a = rng.standard_normal((n, j, 1, len(world.names))) @ root[0]
        b = rng.standard_normal((n, j, most, len(world.names))) @ root[1]
        for k, (name, icc) in enumerate(zip(world.names, world.icc, strict=True)):
            columns[name] = np.sqrt(icc) * a[..., k] + np.sqrt(1 - icc) * b[..., k]
    for name, kind in world.binary.items():
        columns[name] = _binary(rng, kind, sizes, there)
    for name, values in world.files.items():
        ends = np.cumsum(world.sizes)
        one = np.zeros((j, most))
        for k, (end, size) in enumerate(zip(ends, world.sizes, strict=True)):
            one[k, :size] = values[end - size : end]
        columns[name] = np.tile(one, (n, 1, 1))
    columns = {name: np.where(there, column, 0.0) for name, column in columns.items()}
    u, v = rng.standard_normal((2, n, j, 1))
    v = world.slope_correlation * u + np.sqrt(1 - world.slope_correlation**2) * v
    y = np.sqrt(world.y_icc) * u + np.sqrt(1 - world.y_icc) * rng.standard_normal(there.shape)
    y = y + world.intercept + world.slope_sd * v * columns["x"]
    for name, column in columns.items():
        y = y + world.slopes[name] * column
    y = y + world.contextual * (columns["x"].sum(axis=2) / sizes)[:, :, None]
    return sizes, columns | {"y": np.where(there, y, 0.0)}


def _root(matrix) -> np.ndarray:
    values, vectors = np.linalg.eigh(np.asarray(matrix, float))
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def _binary(rng, kind: str, sizes: np.ndarray, there: np.ndarray) -> np.ndarray:
    n, j, _ = there.shape
    if kind == "units":
        return (rng.random(there.shape) < 0.5).astype(float)
    if kind == "clusters":
        treated = np.argsort(rng.random((n, j)), axis=1) < j // 2
        return np.broadcast_to(treated[:, :, None], there.shape).astype(float)
    out = np.zeros(there.shape)
    order = np.argsort(rng.random((n, j)), axis=1)
    for r in range(n):
        up = 0
        for k in order[r]:
            size = sizes[r, k]
            count = size // 2 + (size % 2 and up)
            up = 1 - up if size % 2 else up
            out[r, k, rng.permutation(size)[:count]] = 1.0
    return out


def statistics(sizes: np.ndarray, columns: dict[str, np.ndarray]) -> np.ndarray:
    """Statistics of each data set, shape (S, n): `of_moments` of its units."""
    names = list(columns)
    means = {k: columns[k].sum(axis=2) / sizes for k in names}
    there = np.arange(sizes.max()) < sizes[:, :, None]
    about = {k: np.where(there, columns[k] - means[k][:, :, None], 0.0) for k in names}
    within = {
        (k, m): (about[k] * about[m]).sum(axis=2) for i, k in enumerate(names) for m in names[i:]
    }
    return of_moments(sizes, means, within)


def of_moments(sizes: np.ndarray, means: dict, within: dict) -> np.ndarray:
    """What is the same whatever the order of the clusters: laws of all columns, and of pairs."""
    total = sizes.sum(axis=1)
    grand = {k: (sizes * m).sum(axis=1) / total for k, m in means.items()}
    out = [*grand.values()]
    for (k, m), products in within.items():
        inner = products.sum(axis=1)
        dots = (means[k] - grand[k][:, None]), (means[m] - grand[m][:, None])
        outer = (sizes * dots[0] * dots[1]).sum(axis=1)
        ends = dots[0] * dots[1]
        out += [grand[k] * grand[m], inner, outer, inner**2, outer**2, inner * outer]
        out += [(products**2).sum(axis=1), (products * ends).sum(axis=1), (ends**2).sum(axis=1)]
        out += [(products * dot).sum(axis=1) for dot in dots]  # a slope goes with the errors
    return np.array(out)


def powers(columns, axis) -> np.ndarray:
    """Sums of third and fourth powers of units over some axes, of columns and pairs."""
    out = []
    for k, one in enumerate(columns):
        out.append((one**3).sum(axis=axis))
        out += [(one**2 * other**2).sum(axis=axis) for other in columns[k:]]
        out += [(one**2 * other).sum(axis=axis) for other in columns if other is not one]
    return np.array(out)
