"""Every part of a design alone, and two dozen designs of several, against data drawn by definition.

Moments of a data set are averaged over replications, which are independent whatever the clusters
of one have in common: so every z-score here is one of two means. Of more than seven thousand true
ones about seven are suspect: these are asked again, of three times as many data.
"""

from pathlib import Path

import helpers_worlds as longhand
import numpy as np
import pytest
from scipy.stats import ks_2samp

import simstudy
from simstudy.errors import UserError
from simstudy.generators.source import Source
from simstudy.generators.streams import CLUSTERS, ROWS, chunk_length
from simstudy.moments import Clusters

pytestmark = pytest.mark.slow

LIMIT, SUSPECT = 4.0, 3.3
RESOLVED = 0.03  # of a variance: an error of that size is suspect, and fails in more data
FIRST, MOST = 2000, 40_000  # replications from which it is seen how many that takes
BASE = {"n_clusters": 12, "cluster_size": 5, "icc": 0.6, "x_icc": 0.4, "slope": 0.3}
RAGGED = {"cluster_size": {"uniform": [1, 8]}}
LISTED = {"cluster_size": {"sizes": [2, 9, 4, 4, 7, 3, 1, 6, 5, 5, 8, 2]}}
ARMS, COIN = {"x": "binary", "x_icc": 1}, {"x": "binary", "x_icc": 0}
BLOCKED = {"x": "binary_blocked", "x_icc": None}
TIME = {"x": "time", "x_icc": None}
OF_FILE = {"file": str(Path(__file__).parents[1] / "data" / "waiting.csv"), "column": "minutes"}
HEAVY = {"contaminated": {"share": 0.1, "scale": 3}}
SLOPES = {"slope_sd": 0.4, "slope_correlation": 0.3}
COVARIATES = {
    "covariates": {
        "z": {"icc": 0.5, "slope": 0.4, "correlation": {"x": {"within": 0.5, "between": -0.3}}},
        "w": {"icc": 0.2, "slope": -0.3, "correlation": {"z": 0.4}},
    }
}
PLAIN = {"covariates": {"z": {"icc": 0.5, "slope": 0.4}}}
COINS = {"covariates": {"b": {"type": "binary", "icc": 0, "slope": 0.5}}}
TRIAL = {"covariates": {"b": {"type": "binary", "icc": 1, "slope": 0.5}}}
GROUPS = {"third_level": {"clusters": 3, "icc": 0.1, "x_icc": 0.2}}


def units_lost(by, share=0.3):
    return {"missing": {"units": share, "by": by}}


ALONE = [
    {"cluster_size": {"geometric": 4}},
    {"cluster_size": {"lognormal": {"mean": 6, "cv": 0.6}}},
    {"cluster_size": {"sample": [2, 2, 3, 9]}},
    {"cluster_effects": {"t": 5}},
    {"cluster_effects": {"t": 15}},
    {"cluster_effects": {"chi_square": 3}},
    {"cluster_effects": {"lognormal": 0.5}},
    {"cluster_effects": {"skew_normal": 5}},
    {"cluster_effects": "uniform"},
    {"cluster_effects": "two_point"},
    {"cluster_effects": HEAVY},
    {"errors": {"t": 6}},
    {"errors": {"chi_square": 3}, **RAGGED},
    {"errors": "two_point", **ARMS},
    {"errors": {"lognormal": 0.5}},
    {"cluster_effects": OF_FILE, "endogeneity": 0.4, "informative_size": 0.5, **RAGGED},
    {"errors": OF_FILE, **ARMS},
    {"cluster_effects": OF_FILE, "errors": OF_FILE, "x_shape": OF_FILE, **GROUPS},
    {"x_shape": {"chi_square": 4}},
    {"x_shape": "uniform", "x_icc": 1},
    {"treated": 0.25, **ARMS, **RAGGED},
    {"treated": 0.2, **COIN},
    {"endogeneity": 0.5},
    {"endogeneity": -0.5, **ARMS, **RAGGED},
    {"informative_size": 0.6, **RAGGED},
    {"informative_size": -0.4, **LISTED},
    {"informative_slope": 0.6, **SLOPES, "cluster_size": {"poisson": 4}},
    {"error_variance": {"clusters": 0.7}, "cluster_size": {"mean": 6, "cv": 0.5}},
    {"error_variance": {"arms": 4}, **ARMS},
    {"error_variance": {"arms": 4}, **COIN, **RAGGED},
    {"error_variance": {"arms": 0.3}, **BLOCKED, **LISTED},
    {"error_variance": {"x": 0.5}},
    {"error_variance": {"x": 0.5}, "x_icc": 1},
    {"cluster_variance": {"arms": 4}, **ARMS},
    {"cluster_variance": {"arms": 4}, **COIN},
    {"cluster_variance": {"arms": 0}, **ARMS, "treated": 0.3},
    {"cluster_variance": {"arms": np.inf}, **BLOCKED, **RAGGED},
    {"autocorrelation": 0.6, **RAGGED},
    {"autocorrelation": -0.4, **TIME},
    TIME | RAGGED,
    TIME | RAGGED | TRIAL,
    GROUPS,
    {"third_level": {"clusters": 3, "icc": 0.2, "x_icc": 1}, **ARMS},
    {"third_level": {"clusters": 4, "icc": 0.2}, **ARMS, **RAGGED},
    units_lost("none"),
    units_lost("x"),
    {**units_lost("x"), **COIN, **RAGGED},
    {**units_lost("x"), **ARMS},
    units_lost("cluster"),
    {**units_lost("none", 0.6), "endogeneity": 0.8, **ARMS, "cluster_size": 2},
    {**units_lost("cluster"), **COIN, **RAGGED},
]
CHOICES = {
    "cluster_size": [5, *(one["cluster_size"] for one in (RAGGED, LISTED)), {"poisson": 4}],
    "x": [{}, {}, {"x_icc": 1}, ARMS, ARMS, COIN, BLOCKED, TIME],
    "covariates": [{}, {}, {}, PLAIN, COVARIATES, COINS, TRIAL],
    "slope_sd": [{}, SLOPES],
    "contextual_effect": [0.3],
    "total_variance": [2.0],
    "cluster_effects": [{"chi_square": 4}, "uniform", "two_point", HEAVY],
    "errors": ["uniform", {"skew_normal": 4}, {"chi_square": 6}],
    "x_shape": ["uniform", {"skew_normal": 4}],
    "treated": [0.3],
    "endogeneity": [0.4, -0.3],
    "informative_size": [0.5, -0.4],
    "informative_slope": [0.4],
    "error_variance": [{"clusters": 0.5}, {"arms": 3}, {"x": 0.4}],
    "cluster_variance": [{"arms": 3}, {"arms": 0}, {"arms": np.inf}],
    "autocorrelation": [0.5],
    "third_level": [{"clusters": 3, "icc": 0.1}, {"clusters": 2, "icc": 0.1, "x_icc": 1},
                    {"clusters": 4, "icc": 0.1, "x_icc": 0.2}],
    "missing": [units_lost(by)["missing"] for by in ("none", "x", "cluster")],
}  # fmt: skip
WHOLE = ("x", "covariates", "slope_sd")  # choices of several fields at once


def scenario_of(world):
    """The scenario that a study of this world has."""
    scenarios = {key: value for key, value in world.items() if value is not None}
    study = simstudy.load({"name": "world", "seed": 1, "replications": 10, "methods": ["pooled"],
                           "scenarios": scenarios})  # fmt: skip
    (design,) = study.designs
    return design


def combined(rng):
    """A design of several parts at random, legal or not."""
    world = dict(BASE)
    for name, values in CHOICES.items():
        always = name in ("cluster_size", *WHOLE)
        if not always and rng.random() > 0.3:
            continue
        value = values[rng.integers(len(values))]
        world |= value if name in WHOLE else {name: value}
    return world


def legal(count):
    """So many designs of three parts or more that a study may have."""
    rng, found = np.random.default_rng(20260801), []
    while len(found) < count:
        world = combined(rng)
        try:
            parts = scenario_of(world).scenario.parts
        except UserError:
            continue
        if len(parts) >= 3:
            found.append(world)
    return found


TOGETHER = legal(24)
EACH = [BASE | world for world in [*ALONE, COVARIATES | RAGGED | {"errors": "uniform"}]]


def named(world):
    usual = BASE.items()
    world = {k: "of a file" if v == OF_FILE else v for k, v in world.items()}
    return " ".join(f"{k}={v}" for k, v in world.items() if (k, v) not in usual and v is not None)


# --- the package's data sets in the form of the longhand


def clusters_of(design, reps, seed):
    """Sizes (R, J), means and cross-products within, from the package's clusters."""
    length = chunk_length(design.scenario, CLUSTERS)
    chunks = [Source(design.scenario, seed, design.key).moments(CLUSTERS, k)
              for k in range(-(-reps // length))]  # fmt: skip
    return joined([in_order(chunk) for chunk in chunks])


def in_order(clusters: Clusters):
    names, shape = clusters.names, (clusters.n_clusters, clusters.n_reps)

    def turned(values):
        return np.broadcast_to(values, shape).T

    pairs = [(k, m) for k in range(len(names)) for m in range(k, len(names))]
    return (
        turned(clusters.sizes),
        {name: turned(mean) for name, mean in zip(names, clusters.means, strict=True)},
        {(names[k], names[m]): turned(clusters.within.product(k, m)) for k, m in pairs},
    )


def joined(parts):
    sizes, means, within = zip(*parts, strict=True)
    return (
        np.concatenate(sizes),
        *({key: np.concatenate([of[key] for of in several]) for key in several[0]}
          for several in (means, within)),
    )  # fmt: skip


def units_of(design, chunk, seed):
    """One chunk of the package's units as the longhand holds them: sizes (R, J), flat columns."""
    rows = Source(design.scenario, seed, design.key).moments(ROWS, chunk)
    j, n_reps = rows.sizes.shape[0], chunk_length(design.scenario, ROWS)
    sizes = np.broadcast_to(rows.sizes, (j, n_reps))
    if rows.y.ndim == 3:
        columns = [column.transpose(2, 1, 0).ravel() for column in rows.columns]
    else:
        rep = np.repeat(np.tile(np.arange(n_reps), j), sizes.ravel())
        order = np.argsort(rep, kind="stable")  # clusters in the C order of (J, R)
        columns = [column[order] for column in rows.columns]
    return sizes.T, dict(zip(rows.names, columns, strict=True))


def drawn_units(design, reps, seed):
    length = chunk_length(design.scenario, ROWS)
    chunks = [units_of(design, k, seed) for k in range(-(-reps // length))]
    sizes = np.concatenate([of for of, _ in chunks])
    names = chunks[0][1]
    columns = {name: np.concatenate([of[name] for _, of in chunks]) for name in names}
    return longhand.Drawn(sizes, columns, sizes, *[np.empty(0)] * 5)


# --- what is compared


def light(world):
    """Whether the eighth moments of everything exist and are moderate."""
    shapes = [world.get(name) for name in ("cluster_effects", "errors", "x_shape")]
    return not any(isinstance(one, dict) and ("lognormal" in one or one.get("t", 99) <= 12)
                   for one in shapes)  # fmt: skip


def of_clusters(sizes, means, within, world):
    """Averages over the clusters of each data set, of moments up to order four: name -> (R,)."""
    held = sizes > 0
    means = {name: np.where(held, mean, 0.0) for name, mean in means.items()}
    within = {pair: np.where(held, values, 0.0) for pair, values in within.items()}
    sizes, x, y = sizes * 1.0, means["x"], means["y"]
    found = {"clusters": held.mean(axis=1)}

    def add(name, *factors):
        found[name] = np.einsum(",".join(["rj"] * len(factors)) + "->r", *factors) / held.shape[1]

    add("n", sizes)
    add("n n", sizes, sizes)
    for name, mean in means.items():
        add(f"{name}", mean)
        add(f"n {name}", sizes, mean)
    for one, other in within:
        add(f"{one}. {other}.", means[one], means[other])
        add(f"n {one}. {other}.", sizes, means[one], means[other])
        add(f"{one}~{other}", within[one, other])
        add(f"n {one}~{other}", sizes, within[one, other])
    line = world["slope"]
    add("e. e.", y - line * x, y - line * x)
    xx, xy, yy = (within[pair] for pair in (("x", "x"), ("x", "y"), ("y", "y")))
    add("e~e", yy - 2 * line * xy + line**2 * xx)
    sums = {name: mean.sum(axis=1) for name, mean in means.items()}
    found |= {"all x": sums["x"] ** 2, "all y": sums["y"] ** 2, "all xy": sums["x"] * sums["y"]}
    if "third_level" in world:
        shape = (len(sizes), longhand.group_of(world)[1], -1)
        group_x, group_y = (v.reshape(shape).sum(axis=2) for v in (x, y))
        products = {"x": group_x**2, "y": group_y**2, "xy": group_x * group_y}
        found |= {f"groups {name}": values.mean(axis=1) for name, values in products.items()}
    if not light(world):
        return found
    more = {
        "xyy": (x, y, y), "xxy": (x, x, y), "yyy": (y, y, y), "yyyy": (y, y, y, y),
        "xxyy": (x, x, y, y), "x yy~": (x, yy), "y yy~": (y, yy), "xx yy~": (x, x, yy),
        "yy yy~": (y, y, yy), "y xy~": (y, xy), "x xy~": (x, xy), "xy~ xy~": (xy, xy),
        "yy~ yy~": (yy, yy), "xx~ yy~": (xx, yy), "n yyy": (sizes, y, y, y),
    }  # fmt: skip
    for name, factors in more.items():
        add(name, *factors)
    return found


def in_order_of_place(world):
    """Whether it says anything which unit stands where: units with 1 may else come first."""
    if "autocorrelation" in world or world.get("x") == "time":
        return True
    of_units = world.get("covariates") == COINS["covariates"]
    return (world.get("x_icc") == 1 or "x" not in world) and not of_units


def of_units(drawn, world):
    """Averages over the units of each data set, about cluster means where that is said."""
    cluster, n_reps = drawn.cluster, len(drawn.sizes)
    _, means, _ = longhand.moments(drawn, ["x", "y"])
    x, y = drawn.columns["x"], drawn.columns["y"]
    start = np.flatnonzero(np.diff(cluster, prepend=-1))
    place = np.arange(x.size) - np.repeat(start, np.diff([*start, x.size]))
    d, rep = y - means["y"].ravel()[cluster], cluster // drawn.sizes.shape[1]
    values = {"x": x, "xx": x * x, "xy": x * y, "yy": y * y, "xyy": x * y * y}
    if in_order_of_place(world):
        first = (place == 0) * x
        values |= {
            "place x": place * x,
            "place y": place * y,
            "first x": first,
            "first xx": first * x,
        }
    for lag in (1, 2) if in_order_of_place(world) else ():
        pair = cluster[lag:] == cluster[:-lag]
        for name, one, other in (("x", x, x), ("y", y, y), ("xy", x, y), ("d", d, d)):
            values[f"{name} lag {lag}"] = np.append(one[lag:] * other[:-lag] * pair, [0.0] * lag)
    if light(world):
        values |= {"xxx": x**3, "xxxx": x**4, "ddd": d**3, "dddd": d**4, "xxyy": x * x * y * y}
    return {name: np.bincount(rep, of, n_reps) for name, of in values.items()}


def z_scores(first, second):
    """How far the means are apart, in standard errors, by name."""
    assert first.keys() == second.keys()
    found = {}
    for name, one in first.items():
        other = second[name]
        error = np.hypot(one.std() / one.size**0.5, other.std() / other.size**0.5)
        gap = abs(one.mean() - other.mean())  # below 1e-9, rounding of what is fixed
        found[name] = gap / error if gap > 1e-9 < error else 1e9 * (gap > 1e-9)
    return found


def error_of(values):
    """Relative standard error of a mean."""
    return values.std() / abs(values.mean()) / values.size**0.5


def by_definition(world, reps, seed):
    names = [*world.get("covariates", {}), "x", "y"]
    return longhand.moments(longhand.draw(world, reps, seed), names)


def enough(world):
    """Replications that resolve the variances of means and within clusters."""
    trial = of_clusters(*by_definition(world, FIRST, 1), world)
    worst = max(error_of(trial[name]) for name in ("e. e.", "e~e"))
    return min(MOST, int(FIRST * 2.0 * (4.5 * worst / RESOLVED) ** 2) + 1)


def assert_same(draw, reference, reps):
    """No z-score beyond the limit of those that a first look at fewer data does not rule out."""
    scores = z_scores(draw(reps, 3), reference(reps, 2))
    far = {name: z for name, z in scores.items() if z > SUSPECT}
    if far and max(far.values()) < 2 * LIMIT:
        again = z_scores(draw(3 * reps, 13), reference(3 * reps, 12))
        far = {name: (z, again[name]) for name, z in far.items() if again[name] > LIMIT}
    assert not far, far


@pytest.mark.parametrize("world", EACH + TOGETHER, ids=named)
def test_clusters_are_those_of_the_definition(world):
    design = scenario_of(world)

    def ours(reps, seed):
        return of_clusters(*clusters_of(design, reps, seed), world)

    def theirs(reps, seed):
        return of_clusters(*by_definition(world, reps, seed), world)

    assert_same(ours, theirs, enough(world))


UNITS = [one for one in EACH if scenario_of(one).scenario.first_grain == "rows"]
UNITS += [BASE | one for one in (
    {}, TIME | RAGGED, {"error_variance": {"arms": 4}} | COIN,
    {"cluster_variance": {"arms": 0}} | BLOCKED, {"error_variance": {"clusters": 0.7}} | RAGGED,
    units_lost("none") | ARMS, units_lost("cluster") | RAGGED,
    GROUPS | COVARIATES | {"endogeneity": 0.4}, SLOPES | RAGGED | {"informative_slope": 0.5},
)]  # fmt: skip
UNITS += TOGETHER[::5]


@pytest.mark.parametrize("world", UNITS, ids=named)
def test_units_are_those_of_the_definition_and_have_the_moments_of_the_clusters(world):
    design = scenario_of(world)

    def ours(reps, seed):
        return of_units(drawn_units(design, reps, seed), world)

    def theirs(reps, seed):
        return of_units(longhand.draw(world, reps, seed), world)

    assert_same(ours, theirs, enough(world) // 2)
    n = chunk_length(design.scenario, ROWS)
    drawn = drawn_units(design, n, 5)
    names = list(drawn.columns)
    coarse = clusters_of(design, n, 5)
    for found, held in zip(longhand.moments(drawn, names), coarse, strict=True):
        for one, other in zip(*map(listed, (found, held)), strict=True):
            np.testing.assert_allclose(one, other[:n], rtol=1e-9, atol=1e-9)


def listed(values):
    return list(values.values()) if isinstance(values, dict) else [values]


HEAVY_TAILED = [one for one in EACH if not light(one)]


@pytest.mark.parametrize("world", HEAVY_TAILED, ids=named)
def test_heavy_tails_are_those_of_the_definition(world):
    """Two samples by Kolmogorov and Smirnov: means of clusters, and variances within them."""
    reps = 4000
    pairs = zip(
        clusters_of(scenario_of(world), reps, 7), by_definition(world, reps, 8), strict=True
    )
    (_, _), (means, their_means), (within, their_within) = pairs
    for ours, theirs in ((means["y"], their_means["y"]), (means["x"], their_means["x"]),
                         (within["y", "y"], their_within["y", "y"])):  # fmt: skip
        assert ks_2samp(ours[:reps].ravel(), theirs.ravel()).pvalue > 6e-5  # as |z| < 4
