"""Names of scenarios and streams are format: what is stored today must be made again for ever."""

from __future__ import annotations

import hashlib
import itertools
import json
import tracemalloc
from dataclasses import fields as fields_of
from dataclasses import replace

import helpers_generators as h
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simstudy import entries
from simstudy.entries import Entry
from simstudy.estimates import Estimates
from simstudy.generators import streams
from simstudy.generators.scenario import Scenario
from simstudy.generators.sizes import SizeRule
from simstudy.generators.streams import BLOCK, CLUSTERS, POOLED, ROWS, STEPS
from simstudy.moments import Clusters, Pooled, Units
from simstudy.numerics.reduce import reduce
from simstudy.registry import configure
from simstudy.runner.task import Task, run_task
from simstudy.study.digest import canonical, digest
from simstudy.study.grid import expand
from simstudy.study.study import load
from simstudy.study.yaml_lines import parse

pytestmark = pytest.mark.slow

BASE = {"n_clusters": 10, "cluster_size": 5, "icc": 0.1, "x_icc": 0.5, "slope": 0}


# --- golden data sets -------------------------------------------------------------------------

TILT = {"icc": 0.2, "slope": 0.5, "intercept": 1, "total_variance": 2}
GOLDEN_DESIGNS = {
    "balanced": TILT | {"n_clusters": 3, "cluster_size": 2, "x_icc": 0.5, "contextual_effect": -1},
    "x between": TILT | {"n_clusters": 4, "cluster_size": 3, "x_icc": 1},
    "singletons": TILT | {"n_clusters": 3, "cluster_size": 1, "x_icc": 0},
    "listed": TILT | {"cluster_size": {"sizes": [1, 2, 4]}, "x_icc": 0.5},
    "uniform": TILT | {"n_clusters": 3, "cluster_size": {"uniform": [1, 4]}, "x_icc": 0.5},
    "poisson": TILT | {"n_clusters": 3, "cluster_size": {"poisson": 2}, "x": "binary", "x_icc": 0},
    "cv": TILT
    | {"n_clusters": 3, "cluster_size": {"mean": 3, "cv": 0.6}, "x": "binary", "x_icc": 1},
    "blocked": TILT | {"cluster_size": {"sizes": [3, 2, 3]}, "x": "binary_blocked"},
    "large": TILT | {"n_clusters": 40, "cluster_size": 30, "x_icc": 0.1},
}
GOLDEN_SEED = 23  # the first that keeps all numbers clear of the edges
GOLDEN_REPLICATIONS = (0, 5000)  # the second is in another chunk of every grain
DECIMALS = 10
EDGE = 3e-13  # six hundred times the last bit of a number of size 3

GOLDEN = {
    "balanced": ("964ac7a5f02beb0d", "f3dfedbcb43e2cee", "0a6ef869e98bae99"),
    "x between": ("41f74023cbda5382", "15bca545e9f06d91", "087214faa3b8e24a"),
    "singletons": ("1c6418fa4b36a242", "9d6531b4e401a74a", "072d23b3db974c8f"),
    "listed": ("b54dc22e53ed3104", "ca2577fde54d51b3"),
    "uniform": ("ce662696e4350a8f", "8d1b8be204cd469a"),
    "poisson": ("7183cc05ff5a486c", "6bf31e46a03f08b6"),
    "cv": ("baaccbc33ca16567", "6dc9d08c1503f856"),
    "blocked": ("c9e725cd44474fbd", "ea267690612aa11a"),
    "large": ("c9b548e496589557", "7bc8e737d6643d4f", "d5b6eefb4e35cf99"),
}  # pooled where it exists, clusters, rows


def _golden_grains(design) -> range:
    return range(streams.GRAIN[design.scenario.first_grain], ROWS + 1)


def _numbers(design, grain: int) -> np.ndarray:
    """The numbers of some replications; of a large data set only the first few."""
    source = h.source(design, GOLDEN_SEED)
    found = [_replication(source, grain, r)[:24] for r in GOLDEN_REPLICATIONS]
    return np.concatenate(found) + 0.0  # no negative zero


def _replication(source, grain: int, number: int) -> np.ndarray:
    """All numbers of one replication, clusters after each other, whatever the layout."""
    n = h.length(source, grain)
    moments, at = source.moments(grain, number // n), number % n
    if isinstance(moments, Pooled):
        return np.array([v[at] for v in h.arrays(moments)])
    sizes = np.broadcast_to(moments.sizes, (source.scenario.n_clusters, n))
    if isinstance(moments, Clusters):
        full = [np.broadcast_to(v, sizes.shape)[:, at] for v in h.arrays(moments)]
        return np.array(full, dtype=float).T.ravel()
    if moments.x.ndim == 3:
        return np.array([moments.x[:, :, at].T, moments.y[:, :, at].T]).reshape(2, -1).T.ravel()
    starts = np.cumsum(sizes.ravel()).reshape(sizes.shape) - sizes
    cells = zip(starts[:, at], sizes[:, at], strict=True)
    units = np.concatenate([np.arange(first, first + size) for first, size in cells])
    return np.array([moments.x[units], moments.y[units]]).T.ravel()


def _sha(numbers: np.ndarray) -> str:
    text = "\n".join(f"{v + 0.0:.{DECIMALS}f}" for v in np.round(numbers, DECIMALS))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", GOLDEN_DESIGNS)
def test_golden_data_sets(name):
    """The data behind (seed, scenario, replication), at every grain.

    CHANGING THESE DIGESTS BREAKS EVERY STORED RESULT: a study could no longer be extended,
    repaired or replayed. If this fails, the code is wrong, not the digest.
    """
    # Hashed after rounding to 10 decimals, about 11 significant digits: exp, log and the order
    # of vector sums differ in the last bit between CPUs, libms and numpy versions, and that is
    # allowed. Rounding alone would leave an edge to fall over; the next test shows there is none.
    design = h.design(**GOLDEN_DESIGNS[name])
    found = tuple(_sha(_numbers(design, grain)) for grain in _golden_grains(design))
    assert found == GOLDEN[name]


@pytest.mark.parametrize("name", GOLDEN_DESIGNS)
def test_golden_numbers_are_far_from_a_rounding_edge(name):
    """No last-bit difference can move a hashed number over the edge between two decimals."""
    design = h.design(**GOLDEN_DESIGNS[name])
    for grain in _golden_grains(design):
        numbers = _numbers(design, grain)
        scaled = np.abs(numbers) * 10.0**DECIMALS
        to_edge = np.abs(scaled - np.floor(scaled) - 0.5) / 10.0**DECIMALS
        assert to_edge.min() > EDGE
        assert np.ptp(numbers) > 1  # and they are numbers that say something


# --- names of scenarios -----------------------------------------------------------------------

NAMES = [
    (BASE, '{"cluster_size":5.0,"icc":0.1,"n_clusters":10.0,"slope":0.0,"x_icc":0.5}', "d5e7025b"),
    (
        BASE
        | {"slope": 0.25, "intercept": 3, "total_variance": 2, "contextual_effect": -1}
        | {"n_clusters": 20},
        '{"cluster_size":5.0,"contextual_effect":-1.0,"icc":0.1,"intercept":3.0,'
        '"n_clusters":20.0,"slope":0.25,"total_variance":2.0,"x_icc":0.5}',
        "5814b3de",
    ),
    (
        BASE | {"cluster_size": {"uniform": [5, 35]}},
        '{"cluster_size":{"uniform":[5.0,35.0]},"icc":0.1,"n_clusters":10.0,"slope":0.0,'
        '"x_icc":0.5}',
        "c7a203c6",
    ),
    (
        BASE | {"cluster_size": {"poisson": 20}},
        '{"cluster_size":{"poisson":20.0},"icc":0.1,"n_clusters":10.0,"slope":0.0,"x_icc":0.5}',
        "9e7d1118",
    ),
    (
        BASE | {"cluster_size": {"mean": 20, "cv": 0.5}},
        '{"cluster_size":{"cv":0.5,"mean":20.0},"icc":0.1,"n_clusters":10.0,"slope":0.0,'
        '"x_icc":0.5}',
        "7e714880",
    ),
    (
        {"cluster_size": {"sizes": [1, 2, 3]}, "icc": 0, "x_icc": 0, "slope": 0, "x": "binary"},
        '{"cluster_size":{"sizes":[1.0,2.0,3.0]},"icc":0.0,"n_clusters":3.0,"slope":0.0,'
        '"x":"binary","x_icc":0.0}',
        "14a0532b",
    ),
    (
        {"n_clusters": 3, "cluster_size": 2, "icc": 1 / 3, "slope": 1e-7, "x": "binary_blocked"},
        '{"cluster_size":2.0,"icc":0.3333333333333333,"n_clusters":3.0,"slope":1e-07,'
        '"x":"binary_blocked"}',
        "acdc4870",
    ),
]


@pytest.mark.parametrize(("fields", "text", "name"), NAMES, ids=[name for *_, name in NAMES])
def test_golden_names(fields, text, name):
    """CHANGING THESE BREAKS EVERY STORED RESULT: the text keys the streams and the files."""
    design = h.design(**fields)
    assert canonical(design.scenario) == text
    assert design.id == name
    full = hashlib.sha256(text.encode()).hexdigest()
    assert (design.id, f"{design.key:032x}") == (full[:8], full[:32])


SAME = [
    {"n_clusters": 10.0, "cluster_size": 5.0, "slope": 0.0},
    {"slope": -0.0},
    {"intercept": -0.0, "contextual_effect": 0},
    {"intercept": 0, "total_variance": 1, "contextual_effect": -0.0, "x": "normal"},
    {"cluster_size": {"sizes": [5] * 10}},
    {"icc": 0.1000000000000000055},
]


@pytest.mark.parametrize("more", SAME, ids=str)
def test_one_scenario_has_one_name(more):
    """Defaults left out, 5 and 5.0 alike, no negative zero, equal sizes however listed."""
    one, other = h.design(**BASE), h.design(**BASE | more)
    assert (other.id, other.key) == (one.id, one.key)
    assert canonical(other.scenario) == canonical(one.scenario)


def test_equal_listed_sizes_are_a_cluster_size():
    rest = {"icc": 0.1, "x_icc": 0.5}
    listed = h.design(cluster_size={"sizes": [5, 5]}, **rest)
    assert listed.key == h.design(n_clusters=2, cluster_size=5, **rest).key
    assert listed.scenario.first_grain == "pooled"


def test_negative_zero_is_zero_everywhere():
    for field in ("icc", "x_icc", "slope", "intercept", "contextual_effect"):
        assert h.design(**BASE | {field: -0.0}).key == h.design(**BASE | {field: 0.0}).key


def test_order_and_spelling_in_the_file_do_not_matter():
    orders = itertools.islice(itertools.permutations(BASE), 0, 120, 7)
    assert {h.design(**{k: BASE[k] for k in order}).id for order in orders} == {"d5e7025b"}
    text = "scenarios: {slope: 0e5, x_icc: 5.0E-1, icc: 1e-1, cluster_size: 5., n_clusters: 0xA}"
    (design,) = expand(parse(text))
    assert design.id == "d5e7025b"


DIFFERENT = [
    {"n_clusters": 11},
    {"cluster_size": 6},
    {"icc": 0.1 + 2**-56},
    {"x_icc": 0.25},
    {"slope": 1e-300},
    {"intercept": 1},
    {"total_variance": 1.5},
    {"contextual_effect": 0.5},
    {"x": "binary", "x_icc": 0},
    {"x": "binary", "x_icc": 1},
    {"x_icc": 0},
    {"x_icc": 1},
    {"cluster_size": {"uniform": [5, 5]}},
    {"cluster_size": {"poisson": 5}},
    {"cluster_size": {"mean": 5, "cv": 0.5}},
    {"cluster_size": {"sizes": [5] * 9 + [6]}},
    {"cluster_size": {"sizes": [6] + [5] * 9}},
]


def test_different_scenarios_have_different_names():
    assert np.nextafter(0.1, 1) == 0.1 + 2**-56  # the smallest difference there is
    designs = [h.design(**BASE | more) for more in [{}, *DIFFERENT]]
    assert len({d.id for d in designs}) == len({d.key for d in designs}) == len(designs)


def test_a_new_optional_field_would_not_change_old_names():
    """Every field at its default is left out, so the required ones alone make the text."""
    required = {"n_clusters", "cluster_size", "icc", "x_icc", "slope"}
    assert set(json.loads(canonical(h.design(**BASE).scenario))) == required


def test_the_rest_of_a_study_is_not_in_the_name():
    head = {"name": "a", "seed": 1, "replications": 10, "scenarios": BASE, "methods": ["pooled"]}
    other = {"name": "b", "title": "B", "seed": 2, "replications": 99, "alpha": 0.01}
    ids = {
        load(head).designs[0].key,
        load(head | other).designs[0].key,
        load(head | {"methods": ["dummy", "random_intercept"], "grain": "rows"}).designs[0].key,
    }
    assert ids == {int(hashlib.sha256(NAMES[0][1].encode()).hexdigest()[:32], 16)}


def _file(folder, rows, name="x.csv", header="school,dose") -> dict:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    cluster, column = header.split(",")
    return {"x": {"file": str(path), "column": column, "cluster": cluster}}


def test_a_file_is_known_by_its_content(tmp_path):
    rows = ["a,1", "a,2", "b,0.5", "b,-1", "b,4"]
    key = h.design(**_file(tmp_path, rows)).key
    renamed = [row.replace("a,", "North,").replace("b,", "South,") for row in rows]
    same = [
        (rows, "other.csv", "school,dose"),
        (rows, "headed.csv", "class,pretest"),
        (renamed, "renamed.csv", "school,dose"),
        (["a,1.0", "a,2e0", "b,.5", "b,-1.00", "b,4"], "spelled.csv", "school,dose"),
        (["b,0.5", "a,1", "b,-1", "a,2", "b,4"], "mixed.csv", "school,dose"),
    ]
    for content, name, header in same:
        assert h.design(**_file(tmp_path, content, name, header)).key == key
    for changed in (["a,1", "a,2", "b,0.5", "b,-1", "b,5"], ["a,1", "a,2", "a,0.5", "b,-1", "b,4"]):
        assert h.design(**_file(tmp_path, changed)).key != key


def test_golden_name_of_a_file(tmp_path):
    """CHANGING THIS BREAKS EVERY STORED RESULT whose predictor came from a file."""
    design = h.design(**_file(tmp_path, ["a,1", "a,2", "b,0.5", "b,-1", "b,4"]))
    content = np.array([2, 3], "<i8").tobytes() + np.array([1, 2, 0.5, -1, 4], "<f8").tobytes()
    name = hashlib.sha256(content).hexdigest()
    assert canonical(design.scenario) == (
        '{"cluster_size":{"sizes":[2.0,3.0]},"icc":0.2,"n_clusters":2.0,"slope":0.0,'
        f'"x":{{"file":"{name}"}}}}'
    )
    assert design.id == "9bae173d"


# --- streams ----------------------------------------------------------------------------------


def test_streams_of_different_names_differ():
    """Seeds at the edges of 32-bit words too: SeedSequence joins words without their lengths.

    So keys must fill their 128 bits, as all but one digest in 2^32 does.
    """
    seeds = [0, 1, 2, 20240417, 2**32 - 1, 2**32, 2**32 + 1, 2**64 - 1]
    key = h.design(**BASE).key
    keys = [2**96, 2**127, 2**128 - 1, key, key + 1, key ^ 2**95, h.design(**NAMES[1][0]).key]
    names = list(itertools.product(seeds, keys, (0, 1, 2, 1000), range(6)))
    first = {streams.generator(*name).bit_generator.random_raw() for name in names}
    assert len(first) == len(names)


def test_a_stream_is_a_function_of_its_name():
    one, other = (streams.generator(7, 2**100 + 3, 5, ROWS) for _ in range(2))
    assert one.bit_generator.random_raw(50).tolist() == other.bit_generator.random_raw(50).tolist()


def test_data_sets_of_different_seeds_scenarios_and_chunks_share_no_number():
    designs = [h.design(**BASE), h.design(**BASE | {"icc": 0.2}), h.design(**BASE | {"slope": 1})]
    for grain in (POOLED, CLUSTERS, ROWS):
        found = [
            h.arrays(h.source(design, seed).moments(grain, chunk))[-1].ravel()
            for design, seed, chunk in itertools.product(designs, (1, 2), (0, 1, 8))
        ]
        values = np.concatenate(found)
        assert np.unique(values).size == values.size


def test_neighbouring_streams_are_not_correlated():
    names = [(1, 5, 0, 1), (2, 5, 0, 1), (1, 6, 0, 1), (1, 5, 1, 1), (1, 5, 0, 2)]
    draws = np.array([streams.generator(*name).standard_normal(100_000) for name in names])
    z = np.corrcoef(draws)[np.triu_indices(len(names), 1)] * 100_000**0.5
    assert np.abs(z).max() < h.LIMIT


def test_replications_are_not_correlated():
    inner, outer = h.pooled_draws(h.source(h.design(**BASE)), 10)
    for values in (*h.entries(inner), *h.entries(outer)):
        centred = values - values.mean()
        for lag in (1, 2, BLOCK):  # the next replication, and the same place of the next chunk
            z = (centred[lag:] * centred[:-lag]).sum() / (centred.var() * centred.size**0.5)
            assert abs(z) < h.LIMIT


# --- chunks -----------------------------------------------------------------------------------

SHAPES = [  # (J, n) -> replications a chunk of clusters and of rows has; this is format too
    ((2, 1), 128, 128),
    ((10, 5), 128, 128),
    ((30, 20), 128, 64),
    ((33, 2), 128, 128),
    ((100, 7), 128, 64),
    ((2, 500_000), 128, 1),
    ((10_000, 100), 2, 1),
    ((1_000_000, 1), 1, 1),
]


@pytest.mark.parametrize(("shape", "clusters", "rows"), SHAPES, ids=str)
def test_golden_chunk_lengths(shape, clusters, rows):
    """CHANGING THESE BREAKS EVERY STORED RESULT: a chunk is the unit of randomness."""
    design = h.design(n_clusters=shape[0], cluster_size=shape[1], x_icc=0)
    found = [streams.chunk_length(design.scenario, grain) for grain in (POOLED, CLUSTERS, ROWS)]
    assert found == [4096, clusters, rows]
    assert BLOCK == 4096 and STEPS == (128, 128, 256, 512, 1024, 2048)


RULES = st.one_of(
    st.integers(1, 10**6).map(lambda n: SizeRule("fixed", (n,))),
    st.tuples(st.integers(1, 500), st.integers(0, 500)).map(
        lambda ab: SizeRule("uniform", (ab[0], ab[0] + ab[1]))
    ),
    st.floats(1e-3, 1e6).map(lambda m: SizeRule("poisson", (m,))),
    st.floats(1.5, 1e6).map(lambda m: SizeRule("gamma", (m, 1.0))),
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(j=st.integers(2, 10**6), rule=RULES)
def test_chunk_lengths_nest(j, rule):
    """Powers of two that divide the block, no finer chunk longer than the one it refines."""
    scenario = Scenario(j, rule, 0.1, 0.5, 0.0)
    pooled, clusters, rows = (streams.chunk_length(scenario, g) for g in (POOLED, CLUSTERS, ROWS))
    for n in (pooled, clusters, rows):
        assert n >= 1 and BLOCK % n == 0  # a divisor of 4096 is a power of two
    assert rows <= clusters <= pooled == BLOCK
    assert clusters == 1 or clusters * j <= 2**15  # 256 kB an array: one cache
    assert rows == 1 or rows * scenario.mean_n_obs <= 2**16
    other = replace(scenario, icc=0.9, x_icc=0.0, slope=3.0, total_variance=5.0, x="binary")
    assert [streams.chunk_length(other, g) for g in (CLUSTERS, ROWS)] == [clusters, rows]


EXTREMES = {
    "two large": {"n_clusters": 2, "cluster_size": 500_000},
    "two large, unequal": {"cluster_size": {"sizes": [499_999, 500_001]}},
    "two large, random": {"n_clusters": 2, "cluster_size": {"poisson": 500_000}},
    "many": {"n_clusters": 10_000, "cluster_size": 100},
    "many, random": {"n_clusters": 10_000, "cluster_size": {"uniform": [50, 150]}},
}
PREDICTORS = {
    "normal": {"x_icc": 0.5},
    "binary": {"x": "binary", "x_icc": 0},
    "treated clusters": {"x": "binary", "x_icc": 1},
    "blocked": {"x": "binary_blocked"},
}


@pytest.mark.parametrize("x", PREDICTORS)
@pytest.mark.parametrize("size", EXTREMES)
def test_a_chunk_of_rows_fits_in_memory(size, x):
    """A million units in one data set, drawn and reduced, in less than 200 MB."""
    source = h.source(h.design(**EXTREMES[size], **PREDICTORS[x]))
    tracemalloc.start()
    try:
        rows = source.moments(ROWS, 0)
        reduce(rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rows.x.size > 900_000  # it was the extreme design
    assert 2 * rows.x.nbytes < peak < 200e6  # tracemalloc saw the arrays


# --- tasks ------------------------------------------------------------------------------------

METHODS = (
    configure("pooled"),
    configure("dummy"),
    configure("random_intercept"),
    configure("random_intercept", {"df": "satterthwaite"}),
    configure("random_intercept", {"estimator": "ml"}),
)
TASKS = {
    "balanced": {"n_clusters": 10, "cluster_size": 5, "x_icc": 0.5},
    "tiny": {"n_clusters": 3, "cluster_size": 2, "x_icc": 0.9},
    "between": {"n_clusters": 10, "cluster_size": 5, "x_icc": 1},
    "listed": {"cluster_size": {"sizes": [1, 2, 3, 3, 7, 7]}, "x_icc": 0.5},
    "random": {"n_clusters": 8, "cluster_size": {"poisson": 6}, "x_icc": 0.5},
    "binary": {"n_clusters": 6, "cluster_size": 4, "x": "binary", "x_icc": 0},
    "treated clusters": {"n_clusters": 7, "cluster_size": 4, "x": "binary", "x_icc": 1},
    "shuffled": {"cluster_size": {"sizes": [2, 3, 4, 5, 6, 7]}, "x": "binary", "x_icc": 1},
    "blocked": {"n_clusters": 5, "cluster_size": 5, "x": "binary_blocked"},
    "large": {"n_clusters": 40, "cluster_size": 30, "x_icc": 0.2},
}
ALL = 10_000
RANGES = [(1, 100), (101, 5000), (5001, ALL)]
PARTIAL = [(4097, 8192), (1, 4096), (1, 1), (4096, 4097), (1023, 1026), (7, 7), (9999, ALL)]


def _run(names, first, last, methods=METHODS, grain=None) -> list[Estimates]:
    designs = [h.design(**TASKS[name]) for name in ([names] if isinstance(names, str) else names)]
    pieces = tuple(designs)
    return run_task(Task(20240417, pieces, first, last, methods, grain))


def _columns(estimates: Estimates) -> dict[str, np.ndarray]:
    found = {f.name: getattr(estimates, f.name) for f in fields_of(estimates)}
    return {k: v for k, v in found.items() if v is not None}


def _same(found: Estimates, expected: Estimates) -> bool:
    """The same columns, bit for bit (NaN too)."""
    one, other = _columns(found), _columns(expected)
    return one.keys() == other.keys() and all(
        np.ascontiguousarray(one[k]).tobytes() == np.ascontiguousarray(other[k]).tobytes()
        for k in one
    )


@pytest.mark.parametrize("grain", [None, "rows"])
@pytest.mark.parametrize("name", TASKS)
def test_rows_do_not_depend_on_the_range_they_are_asked_in(name, grain):
    last = ALL if grain is None else 2000
    whole = _run(name, 1, last, grain=grain)
    for first, end in RANGES + PARTIAL if grain is None else [(1, 100), (101, 1200), (1201, last)]:
        for found, expected in zip(_run(name, first, end, grain=grain), whole, strict=True):
            assert found.estimate.size == end - first + 1
            assert _same(found, expected.cut(first - 1, end))
    assert np.unique(whole[0].estimate).size == last  # and every replication is another


@pytest.mark.parametrize("name", ["balanced", "listed", "random", "treated clusters"])
def test_rows_do_not_depend_on_the_methods_asked_for(name):
    together = _run(name, 90, 1500)
    for k, method in enumerate(METHODS):
        assert _same(_run(name, 90, 1500, (method,))[0], together[k])
    backwards = _run(name, 90, 1500, METHODS[::-1])[::-1]
    assert all(map(_same, backwards, together))


def _fake(grain: str) -> Entry:
    """A method that reads that grain: the mean of y in the first cluster, or its first unit."""

    def fit(moments, term):
        if isinstance(moments, Units):
            n = moments.y.shape[-1]
            value = moments.y[0, 0]
        else:
            assert isinstance(moments, Clusters)
            n, value = moments.mean_y.shape[1], moments.mean_y[0]
        one = np.ones(n)
        return Estimates(np.array(value), one, one, one, np.zeros(n, np.int8))

    return Entry(f"test_{grain}", "", grain, fit, lambda moments: {})


@pytest.mark.parametrize("name", ["balanced", "tiny"])
def test_a_method_that_reads_a_finer_grain_changes_no_other(name, monkeypatch):
    for grain in ("clusters", "rows"):
        monkeypatch.setitem(entries._BUILT_IN, f"test_{grain}", _fake(grain))
    clusters, rows = configure("test_clusters"), configure("test_rows")
    alone = [_run(name, 90, 1500, (method,))[0] for method in (*METHODS, clusters, rows)]
    together = _run(name, 90, 1500, (rows, *METHODS, clusters))
    assert all(map(_same, together, [alone[-1], *alone[:-1]]))
    assert np.abs(alone[-1].estimate - alone[-2].estimate).max() > 1  # a unit is not a mean


def test_scenarios_of_a_task_do_not_depend_on_each_other():
    names = ["balanced", "listed", "tiny"]
    together = _run(names, 11, 300)
    apart = [_run(name, 11, 300) for name in names]
    for k, found in enumerate(together):
        for i, estimates in enumerate(apart):
            assert _same(found.cut(290 * i, 290 * (i + 1)), estimates[k])


@pytest.mark.parametrize("grain", ["clusters", "rows"])
@pytest.mark.parametrize("name", TASKS)
def test_a_pinned_grain_shows_the_same_data(name, grain):
    """The finer grain sums up to the coarser one, so every fit agrees to rounding.

    1e-9 of the unit scale: sums agree to 1e-14 and the smallest designs lose four digits.
    """
    last = 1500
    for found, expected in zip(_run(name, 1, last, grain=grain), _run(name, 1, last), strict=True):
        assert np.array_equal(found.outcome, expected.outcome)
        one, other = _columns(found), _columns(expected)
        assert one.keys() == other.keys()
        for k in one:
            scale = np.maximum(1.0, np.abs(np.where(np.isfinite(other[k]), other[k], 1.0)))
            assert np.allclose(one[k] / scale, other[k] / scale, rtol=0, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("name", ["balanced", "listed", "random", "binary"])
def test_methods_leave_the_moments_alone(name):
    """The source keeps its last chunk for the finer grains: nobody may write into it."""
    source = h.source(h.design(**TASKS[name]))
    grain = streams.GRAIN[source.scenario.first_grain]
    moments = source.moments(grain, 0)
    before = [v.copy() for v in h.arrays(moments)]
    for method in METHODS:
        method.fit(moments)
    assert all(map(np.array_equal, h.arrays(moments), before))


def test_the_seed_and_the_scenario_reach_the_data():
    """A task draws from (seed, digest of the scenario): neither may be lost on the way."""
    design = h.design(**TASKS["balanced"])
    assert digest(design.scenario) == (design.id, design.key)
    piece = design
    other = replace(piece, key=design.key + 1)
    tasks = [Task(seed, (p,), 1, 50, METHODS[:1]) for seed in (1, 2) for p in (piece, other)]
    found = np.concatenate([run_task(task)[0].estimate for task in tasks])
    assert np.unique(found).size == 200
