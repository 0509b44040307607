"""Scenarios, their data sets at any grain, and z-scores of their moments against theory."""

from __future__ import annotations

import numpy as np

from simstudy.generators.source import Source
from simstudy.generators.streams import BLOCK, CLUSTERS, POOLED, ROWS, chunk_length
from simstudy.moments import Clusters, Factor, Pooled, Units
from simstudy.numerics.batches import cut_rows, join
from simstudy.study.grid import Design, expand
from simstudy.study.yaml_lines import Document

LIMIT = 4.5  # |z| that one of about 10,000 true statements exceeds by chance 7 % of the time


def design(**fields) -> Design:
    """One design from the fields of a study file; icc .2 and slope 0 unless given."""
    (one,) = expand(Document({"scenarios": {"icc": 0.2, "slope": 0.0} | fields}))
    return one


def source(of: Design, seed: int = 1) -> Source:
    return Source(of.scenario, seed, of.key)


def from_file(folder, sizes, x) -> dict:
    """The `x` field of a predictor that stands in a CSV file of these clusters."""
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    lines = [
        f"c{c:03d},{v!r}" for c, v in zip(clusters, np.asarray(x, float).tolist(), strict=True)
    ]
    path = folder / "x.csv"
    path.write_text("\n".join(["school,dose", *lines]) + "\n")
    return {"x": {"file": str(path), "column": "dose", "cluster": "school"}}


def arrays(moments: Pooled | Clusters | Units) -> list[np.ndarray]:
    """Every array of the moments, in a fixed order."""
    if isinstance(moments, Pooled):
        return [*entries(moments.within), *entries(moments.between)]
    if isinstance(moments, Clusters):
        return [moments.sizes, *moments.means, *entries(moments.within)]
    return [moments.sizes, *moments.columns]


def entries(factor: Factor) -> list[np.ndarray]:
    """Every array of a triangle, row by row."""
    return [entry for row in factor.rows for entry in row]


def same_bits(first, second) -> bool:
    """Whether two moments hold the very same doubles."""
    pairs = zip(arrays(first), arrays(second), strict=True)
    return all(a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in pairs)


def length(of: Source, grain: int) -> int:
    return chunk_length(of.scenario, grain)


def coarser(of: Source, grain: int, chunk: int) -> Pooled | Clusters:
    """The replications of one chunk, at the next coarser grain."""
    above = {ROWS: CLUSTERS, CLUSTERS: POOLED}[grain]
    first, wide = chunk * length(of, grain), length(of, above)
    return part(of.moments(above, first // wide), first % wide, length(of, grain))


def joined(chunks: list[Clusters]) -> Clusters:
    """Chunks of cluster moments side by side."""
    return join(chunks)


def one_replication(rows: Units) -> Units:
    """The first replication of units."""
    return cut_rows(rows, 0, 1)


def part(moments: Pooled | Clusters, first: int, n_reps: int) -> Pooled | Clusters:
    """Replications first..first+n_reps-1 of the moments."""

    def cut(values):
        return values if values.shape[-1] == 1 else values[..., first : first + n_reps]

    if isinstance(moments, Pooled):
        inner, outer = (f.map(cut) for f in (moments.within, moments.between))
        return Pooled(moments.n_clusters, moments.cluster_size, inner, outer)
    means = tuple(map(cut, moments.means))
    return Clusters(cut(moments.sizes), means, moments.within.map(cut))


def cross(factor: Factor) -> np.ndarray:
    """Cross-products xx, xy, yy of a factor, stacked on a new first axis."""
    a, b, r = np.broadcast_arrays(factor.a, factor.b, factor.r)
    return np.array([a * a, a * b, b * b + r * r])


def pooled_draws(of: Source, blocks: int) -> tuple[Factor, Factor]:
    """Within and between factors of `blocks` whole blocks, arrays of shape (R,)."""
    chunks = [of.moments(POOLED, chunk) for chunk in range(blocks)]
    return tuple(
        Factor.of_line(*(np.concatenate([getattr(f, key) for f in factors]) for key in "abr"))
        for factors in ([c.within for c in chunks], [c.between for c in chunks])
    )


def cluster_draws(of: Source, reps: int) -> Clusters:
    """Cluster moments of at least `reps` replications, every array of shape (J, R)."""
    n = length(of, CLUSTERS)
    chunks = [of.moments(CLUSTERS, chunk) for chunk in range(-(-reps // n))]
    shape = (of.scenario.n_clusters, n)
    full = [[np.broadcast_to(v, shape) for v in arrays(c)] for c in chunks]
    sizes, mean_x, mean_y, *inner = (np.concatenate(v, axis=1) for v in zip(*full, strict=True))
    return Clusters(sizes, (mean_x, mean_y), Factor.of_line(*inner))


def row_draws(of: Source, reps: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of at least `reps` replications of clusters of fixed sizes, shape (N, R).

    The units of the first cluster come first.
    """
    n, chunks = length(of, ROWS), range(-(-reps // length(of, ROWS)))
    sizes = of.scenario.fixed_sizes().ravel()
    rows = [of.moments(ROWS, chunk) for chunk in chunks]
    return tuple(
        np.concatenate([_units(getattr(r, name), sizes, n) for r in rows], axis=1) for name in "xy"
    )


def _units(values: np.ndarray, sizes: np.ndarray, n_reps: int) -> np.ndarray:
    if values.ndim == 3:  # (n, J, R): equal sizes
        return values.transpose(1, 0, 2).reshape(-1, n_reps)
    of_clusters = np.split(values, np.cumsum(sizes * n_reps)[:-1])  # (J, R) in C order
    pairs = zip(of_clusters, sizes, strict=True)
    return np.concatenate([v.reshape(n_reps, n).T for v, n in pairs])


def check_moments(values, mean, covariance, resolve: float = 0.05) -> None:
    """Assert that means and (co)variances of the rows of `values` are the exact ones.

    Parameters
    ----------
    values : array, shape (K, R)
        K numbers of each of R independent replications.
    mean, covariance : arrays, shape (K,) and (K, K)
        Exact answers; a number of variance 0 must equal its mean.
    resolve : float
        Every variance must be so well resolved that a relative error of this size fails.
    """
    mean, covariance = np.asarray(mean, float), np.asarray(covariance, float)
    variance, n = np.diag(covariance), values.shape[1]
    centred = values - mean[:, None]
    fixed = variance == 0
    assert np.all(np.abs(centred[fixed]) < 1e-10)  # rounding of numbers of size 1
    centred, variance = centred[~fixed], variance[~fixed]
    exact = covariance[np.ix_(~fixed, ~fixed)]
    z = centred.mean(axis=1) / np.sqrt(variance / n)
    assert np.all(np.abs(z) < LIMIT), _worst(z, "mean")
    second = _products(centred) / n
    squares = centred * centred
    error = np.sqrt((_products(squares) / n - second**2) / n)
    known = error < 1e-10 * np.sqrt(np.outer(variance, variance))  # a product that never varies
    assert np.allclose(second[known], exact[known], atol=1e-10)
    z = np.where(known, 0.0, (second - exact) / np.where(known, 1.0, error))
    assert np.all(np.abs(z) < LIMIT), _worst(z, "covariance")
    assert np.all(LIMIT * np.diag(error) < resolve * variance), "too few replications"


def _products(values: np.ndarray) -> np.ndarray:
    """values @ values.T, in pieces too small for BLAS to start threads that fight for one core."""
    pieces = values.reshape(len(values), -1, 64)  # chunks of replications are powers of two
    return np.matmul(pieces.transpose(1, 0, 2), pieces.transpose(1, 2, 0)).sum(axis=0)


def _worst(z: np.ndarray, what: str) -> str:
    at = np.unravel_index(np.argmax(np.abs(z)), z.shape)
    return f"{what} {tuple(map(int, at))}: z = {z[at]:.1f}"


def check_frequencies(counts, expected) -> None:
    """Chi-square test of counts against expected counts of a fully specified law."""
    from scipy.stats import chi2

    counts, expected = np.asarray(counts, float), np.asarray(expected, float)
    assert expected.min() > 5  # the chi-square limit needs that
    assert abs(counts.sum() - expected.sum()) < 1e-6 * counts.sum()
    statistic = ((counts - expected) ** 2 / expected).sum()
    assert chi2.sf(statistic, counts.size - 1) > 7e-6  # two-sided probability of |z| > 4.5


def check_law(values, cdf) -> None:
    """Kolmogorov's test of independent draws against their exact distribution function."""
    from scipy.stats import kstwobign

    u = np.sort(cdf(np.ravel(values)))
    n = u.size
    steps = np.arange(n + 1) / n
    distance = max((steps[1:] - u).max(), (u - steps[:-1]).max())
    assert kstwobign.sf(distance * np.sqrt(n)) > 7e-6  # as |z| > 4.5


def wishart(df: float, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of (xx, xy, yy) of df Gaussian vectors: E = df Sigma,

    Cov(S_ij, S_kl) = df (s_ik s_jl + s_il s_jk).
    """
    pairs = [(0, 0), (0, 1), (1, 1)]
    mean = np.array([df * sigma[p] for p in pairs])
    covariance = [
        [df * (sigma[i, k] * sigma[j, m] + sigma[i, m] * sigma[j, k]) for k, m in pairs]
        for i, j in pairs
    ]
    return mean, np.array(covariance)


def sigma_within(s) -> np.ndarray:
    """Covariance of (x, y) of a unit about its cluster, x normal."""
    return _tilted(1.0 - s.x_icc, s.slope, s.sigma2)


def sigma_mean(s, n) -> np.ndarray:
    """Covariance of the means of (x, y) of a cluster of n units, x normal."""
    x = s.x_icc + (1.0 - s.x_icc) / n
    return _tilted(x, s.slope + s.contextual_effect, s.tau2 + s.sigma2 / n)


def _tilted(x: float, slope: float, noise: float) -> np.ndarray:
    return np.array([[x, slope * x], [slope * x, slope * slope * x + noise]])


def blocks(matrices) -> np.ndarray:
    """Block-diagonal matrix."""
    from scipy.linalg import block_diag

    return block_diag(*matrices)


assert BLOCK == 4096  # the sizes of samples in these tests count on it
