"""Data sets of a world, unit by unit, by the definitions alone: nothing of the package is imported.

A world is a dict in the words of a study file. All replications are drawn at once: arrays of
clusters are (R, J), those of units flat, the units of a cluster together, clusters in C order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.optimize import brentq
from scipy.special import expit


@dataclass
class Drawn:
    """Data sets: what is observed, and what it is made of.

    `sizes` are those of what is left; `u` (the cluster's own effect beside the group's), `v`,
    `group` (the group's effect) and `planned` (sizes before loss) are (R, J); `e` and `position`
    (in the cluster, from 0, before loss) are of the units left.
    """

    sizes: np.ndarray
    columns: dict[str, np.ndarray]
    planned: np.ndarray
    u: np.ndarray
    v: np.ndarray
    group: np.ndarray
    e: np.ndarray
    position: np.ndarray
    cluster: np.ndarray = field(init=False)

    def __post_init__(self):
        self.cluster = np.repeat(np.arange(self.sizes.size), self.sizes.ravel())


# --- shapes, mean 0 and variance 1


def shaped(rng, shape, size):
    """Standardized variates of a shape as a study file writes it."""
    if isinstance(shape, str):
        return {
            "normal": lambda: rng.standard_normal(size),
            "uniform": lambda: math.sqrt(12.0) * (rng.random(size) - 0.5),
            "two_point": lambda: np.where(rng.random(size) < 0.5, -1.0, 1.0),
        }[shape]()
    if "file" in shape:
        values = np.genfromtxt(shape["file"], delimiter=",", names=True)[shape["column"]]
        values = values[np.isfinite(values)]
        return (rng.choice(values, size) - values.mean()) / values.std()
    ((name, value),) = shape.items()
    if name == "t":
        return rng.standard_t(value, size) * math.sqrt((value - 2.0) / value)
    if name == "chi_square":
        return (rng.chisquare(value, size) - value) / math.sqrt(2.0 * value)
    if name == "lognormal":
        grown = math.exp(value**2)
        return (np.exp(value * rng.standard_normal(size)) - math.sqrt(grown)) / math.sqrt(
            (grown - 1.0) * grown
        )
    if name == "skew_normal":
        delta = value / math.sqrt(1.0 + value**2)
        one, other = rng.standard_normal(size), rng.standard_normal(size)
        skewed = delta * np.abs(one) + math.sqrt(1.0 - delta**2) * other
        mean = delta * math.sqrt(2.0 / math.pi)
        return (skewed - mean) / math.sqrt(1.0 - mean**2)
    assert name == "contaminated"
    share, scale = value["share"], value["scale"]
    sd = np.where(rng.random(size) < share, scale, 1.0)
    return rng.standard_normal(size) * sd / math.sqrt(1.0 - share + share * scale**2)


# --- sizes


def sizes_of(rng, rule, shape):
    """Sizes of clusters, shape (R, J)."""
    if not isinstance(rule, dict) or "sizes" in rule:
        fixed = rule["sizes"] if isinstance(rule, dict) else rule
        return np.broadcast_to(np.asarray(fixed, dtype=int), shape).copy()
    if "uniform" in rule:
        low, high = rule["uniform"]
        return rng.integers(low, high + 1, shape)
    if "sample" in rule:
        return rng.choice(np.asarray(rule["sample"]), shape)
    if "geometric" in rule:
        return rng.geometric(1.0 / rule["geometric"], shape)
    if "poisson" in rule:
        drawn = rng.poisson(rule["poisson"], shape)
        while not drawn.all():
            drawn[drawn == 0] = rng.poisson(rule["poisson"], int((drawn == 0).sum()))
        return drawn
    mean, cv = (rule.get("lognormal", rule)[key] for key in ("mean", "cv"))
    variance = (mean * cv) ** 2 - 1.0 / 6.0  # of what is rounded up with its fraction
    if "lognormal" in rule:
        spread = math.log1p(variance / (mean - 1.0) ** 2)
        level = math.log(mean - 1.0) - spread / 2.0
        real = np.exp(level + math.sqrt(spread) * rng.standard_normal(shape))
    else:
        real = rng.gamma((mean - 1.0) ** 2 / variance, variance / (mean - 1.0), shape)
    whole = np.floor(real)
    return 1 + whole.astype(int) + (rng.random(shape) < real - whole)


def mean_and_sd(rule):
    """Of a cluster's size; of the clusters there are, where sizes are listed."""
    values = np.asarray(rule.get("sample", rule.get("sizes", [])), dtype=float)
    if not values.size:  # of so many draws the SD is .1 % off
        values = sizes_of(np.random.default_rng(0), rule, (1, 1_000_000))
    return values.mean(), values.std()


# --- predictors


def group_of(world):
    """The group of each cluster, and how many groups there are."""
    j = world["n_clusters"]
    per_group = world.get("third_level", {}).get("clusters", j)
    return np.arange(j) // per_group, j // per_group


def _count(share, n):
    return min(max(math.floor(share * n), 1), n - 1)


def _arms(rng, world, reps):
    """Which clusters are treated, (R, J): by cluster, by group, or within each group."""
    share, (group, n_groups) = world.get("treated", 0.5), group_of(world)
    j, per_group = group.size, group.size // n_groups

    def some(count, n, times):
        return rng.permuted(np.tile(np.arange(n) < count, (times, 1)), axis=1)

    if "third_level" not in world:
        return some(_count(share, j), j, reps) * 1.0
    if world["third_level"].get("x_icc", 0) == 1:
        return some(_count(share, n_groups), n_groups, reps)[:, group] * 1.0
    return some(_count(share, per_group), per_group, reps * n_groups).reshape(reps, j) * 1.0


def _correlated(rng, names, said, level, first, size):
    """Standard normal components with their correlations, the first one given (or None)."""

    def correlation(one, other):
        if one == other:
            return 1.0
        value = said.get((one, other), said.get((other, one)))
        if value is not None and not isinstance(value, dict):
            return value
        if value is not None and level in value:
            return value[level]
        return 0.0 if "x" in (one, other) else correlation("x", one) * correlation("x", other)

    matrix = np.array([[correlation(one, other) for other in names] for one in names])
    fresh = [rng.standard_normal(size) for _ in names]
    if first is not None:
        fresh[0] = first
    root = np.linalg.cholesky(matrix + 1e-13 * np.eye(len(names)))
    return dict(zip(names, np.tensordot(root, np.array(fresh), axes=1), strict=True))


def _covariates(rng, world, reps, cluster, of_x):
    """Covariates by name, of units; `of_x` the components of x (cluster, unit), or None."""
    wanted = {name: spec for name, spec in world.get("covariates", {}).items()
              if spec.get("type", "normal") == "normal"}  # fmt: skip
    names = (["x"] if of_x else []) + list(wanted)
    said = {(name, other): r for name, spec in wanted.items()
            for other, r in spec.get("correlation", {}).items()}  # fmt: skip
    shape = (reps, world["n_clusters"])
    outer, inner = (
        _correlated(rng, names, said, level, of_x and of_x[k], size)
        for k, (level, size) in enumerate([("between", shape), ("within", cluster.size)])
    )
    return {
        name: math.sqrt(spec["icc"]) * outer[name].ravel()[cluster]
        + math.sqrt(1 - spec["icc"]) * inner[name]
        for name, spec in wanted.items()
    }


def _binary_covariates(rng, world, reps, cluster):
    """Half of the clusters, or of the units each by itself."""
    j, columns = world["n_clusters"], {}
    for name, spec in world.get("covariates", {}).items():
        if spec.get("type") == "binary":
            arms = rng.permuted(np.tile(np.arange(j) < j // 2, (reps, 1)), axis=1) * 1.0
            coin = (rng.random(cluster.size) < 0.5) * 1.0
            columns[name] = arms.ravel()[cluster] if spec["icc"] == 1 else coin
    return columns


def _normal_x(rng, world, reps, cluster):
    """x, its cluster part within the group, and its unit part."""
    shape = world.get("x_shape", "normal")
    group, n_groups = group_of(world)
    share, of_group = world["x_icc"], world.get("third_level", {}).get("x_icc", 0.0)
    a, b = shaped(rng, shape, (reps, group.size)), shaped(rng, shape, cluster.size)
    outer = math.sqrt(share - of_group) * a
    if of_group:
        outer = outer + math.sqrt(of_group) * rng.standard_normal((reps, n_groups))[:, group]
    return outer.ravel()[cluster] + math.sqrt(1.0 - share) * b, a, b


def from_file(x):
    """The values of a predictor in a file, whose clusters follow each other."""
    return np.genfromtxt(x["file"], delimiter=",", names=True, dtype=None, encoding=None)[
        x["column"]
    ]


def _time(sizes, cluster, position):
    """The order of the units, centred in the cluster, of mean square 1 over a data set's units."""
    centred = position + 1.0 - (sizes.ravel()[cluster] + 1.0) / 2.0
    rep = cluster // sizes.shape[1]
    square = np.bincount(rep, centred**2, len(sizes)) / np.bincount(rep, minlength=len(sizes))
    return centred / np.sqrt(square)[rep]


def _blocked(rng, sizes, cluster):
    """Half of each cluster's units, in any order; one less and one more in turn where odd."""
    odd = sizes % 2
    treated = sizes // 2 + odd * ((np.cumsum(odd, axis=1) + 1) % 2)
    order = np.lexsort([rng.random(cluster.size), cluster])
    rank = np.empty(cluster.size, dtype=int)
    rank[order] = np.arange(cluster.size) - (np.cumsum(sizes) - sizes.ravel())[cluster]
    return (rank < treated.ravel()[cluster]) * 1.0


# --- the data


def draw(world, reps, seed):
    """Data sets of a world."""
    rng = np.random.default_rng(seed)
    shape = (reps, world["n_clusters"])
    sizes = sizes_of(rng, world["cluster_size"], shape)
    cluster = np.repeat(np.arange(sizes.size), sizes.ravel())
    position = np.arange(cluster.size) - (np.cumsum(sizes) - sizes.ravel())[cluster]
    kind, component, of_x = world.get("x", "normal"), None, None
    if kind == "normal":
        x, component, unit_part = _normal_x(rng, world, reps, cluster)
        of_x = (component, unit_part)
    elif kind == "time":
        x = _time(sizes, cluster, position)
    elif isinstance(kind, dict):
        x = np.tile(from_file(kind), reps)
    elif kind == "binary_blocked":
        x = _blocked(rng, sizes, cluster)
    elif world["x_icc"] == 1:
        arm = _arms(rng, world, reps)
        share = arm.mean(axis=1, keepdims=True)
        component = (arm - share) / np.sqrt(share * (1.0 - share))
        x = arm.ravel()[cluster]
    else:
        x = (rng.random(cluster.size) < world.get("treated", 0.5)) * 1.0
    columns = _covariates(rng, world, reps, cluster, of_x)
    columns |= _binary_covariates(rng, world, reps, cluster)
    u, v, group = _effects(rng, world, sizes, component)
    total, icc = world.get("total_variance", 1.0), world["icc"]
    e = _errors(rng, world, x, sizes, cluster, position) * math.sqrt(total * (1.0 - icc))
    effect = u.ravel()[cluster] * _arm_sd(world, "cluster_variance", x)
    y = (world.get("intercept", 0.0) + (world["slope"] + v.ravel()[cluster]) * x + effect
         + group.ravel()[cluster] + e)  # fmt: skip
    means = np.bincount(cluster, x, sizes.size) / sizes.ravel()
    y += world.get("contextual_effect", 0.0) * means[cluster]
    for name, spec in world.get("covariates", {}).items():
        y += spec.get("slope", 0.0) * columns[name]
    columns |= {"x": x, "y": y}
    kept = _kept(rng, world, x, cluster, sizes.size)
    left = np.bincount(cluster[kept], minlength=sizes.size).reshape(shape)
    columns = {name: values[kept] for name, values in columns.items()}
    return Drawn(left, columns, sizes, u, v, group, e[kept], position[kept])


def _effects(rng, world, sizes, component):
    """Own effects of clusters at a unit arm SD, deviations of slopes, and effects of groups."""
    group, n_groups = group_of(world)
    total, of_group = world.get("total_variance", 1.0), world.get("third_level", {}).get("icc", 0.0)
    rho_x, rho_n = world.get("endogeneity", 0.0), world.get("informative_size", 0.0)
    rho_v, own = world.get("informative_slope", 0.0), world.get("slope_correlation", 0.0)
    h = shaped(rng, world.get("cluster_effects", "normal"), sizes.shape)
    z = rng.standard_normal(sizes.shape)
    k = math.sqrt(max(1.0 - rho_x**2 - rho_n**2, 0.0))
    u, s = k * h, 0.0
    if rho_x:
        u = u + rho_x * component
    if rho_n or rho_v:
        mean, sd = mean_and_sd(world["cluster_size"])
        s = (sizes - mean) / sd
        u = u + rho_n * s
    of_h = (own - rho_n * rho_v) / k if k > 0 else 0.0
    of_z = math.sqrt(max(1.0 - rho_v**2 - of_h**2, 0.0))
    v = world.get("slope_sd", 0.0) * (rho_v * s + of_h * h + of_z * z)
    w = np.zeros(sizes.shape)
    if "third_level" in world:
        w = math.sqrt(total * of_group) * rng.standard_normal((len(sizes), n_groups))[:, group]
    return math.sqrt(total * (world["icc"] - of_group)) * u, v, w


def _arm_sd(world, name, x):
    """SD of each unit's arm, where the mean variance is 1 by the nominal share treated."""
    ratio = world.get(name, {}).get("arms")
    if ratio is None:
        return 1.0
    share = world.get("treated", 0.5)
    if ratio == math.inf:
        control, treated = 0.0, 1.0 / share
    else:
        control = 1.0 / (share * ratio + 1.0 - share)
        treated = ratio * control
    return np.sqrt(np.where(x == 1.0, treated, control))


def _errors(rng, world, x, sizes, cluster, position):
    """Errors of units, of variance 1 on average."""
    e = shaped(rng, world.get("errors", "normal"), cluster.size)
    if r := world.get("autocorrelation", 0.0):
        for k in range(1, int(sizes.max())):
            here = np.flatnonzero(position == k)
            e[here] = r * e[here - 1] + math.sqrt(1.0 - r * r) * e[here]
    e = e * _arm_sd(world, "error_variance", x)
    if cv := world.get("error_variance", {}).get("clusters"):
        e = e * np.sqrt(rng.gamma(cv**-2, cv**2, sizes.size))[cluster]
    if k := world.get("error_variance", {}).get("x"):
        e = e * np.exp((k * x - k * k / 2.0) / 2.0)
    return e


def _kept(rng, world, x, cluster, n_clusters):
    """Which units are left."""
    lost = world.get("missing")
    if lost is None:
        return np.ones(x.size, dtype=bool)
    share, by = lost["units"], lost.get("by", "none")
    if by == "cluster":
        return (rng.random(n_clusters) >= share)[cluster]
    chance = share if by == "none" else expit(loss_at_zero(world, share) + x)
    return rng.random(x.size) >= chance


def loss_at_zero(world, share):
    """The logit of loss where x is 0, so that the share of all units is lost."""
    x = world.get("x", "normal")
    if x == "normal":
        nodes, weights = hermegauss(80)
        weights = weights / weights.sum()
    elif isinstance(x, dict):
        nodes = from_file(x)
        weights = np.full(nodes.size, 1 / nodes.size)
    else:
        treated = world.get("treated", 0.5)
        nodes, weights = np.array([0.0, 1.0]), np.array([1.0 - treated, treated])
    return brentq(lambda c: weights @ expit(c + nodes) - share, -50.0, 50.0)


# --- what data sets are compared by


def moments(drawn, names):
    """Sizes (R, J), means and cross-products within of clusters, by name and pair of names."""
    sizes, cluster = drawn.sizes, drawn.cluster
    held = np.maximum(sizes, 1)

    def summed(values):
        return np.bincount(cluster, values, sizes.size).reshape(sizes.shape)

    means = {name: summed(drawn.columns[name]) / held for name in names}
    about = {name: drawn.columns[name] - means[name].ravel()[cluster] for name in names}
    pairs = [(one, other) for k, one in enumerate(names) for other in names[k:]]
    return sizes, means, {(one, other): summed(about[one] * about[other]) for one, other in pairs}
