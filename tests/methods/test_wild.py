"""Wild cluster bootstrap-t: longhand on rows, its random weights, its streams, limits, levels."""

from __future__ import annotations

import itertools

import helpers_numerics as h
import numpy as np
import pytest
from helpers_simulation import study
from scipy import stats

import simstudy
from simstudy.estimates import Outcome, concatenate
from simstudy.generators import streams
from simstudy.numerics import gram, wild
from simstudy.registry import configure
from simstudy.runner.task import Task, run_task

TAILS = ("symmetric", "equal_tailed")
GOLDEN = [
    [7678839593482670055, 4153902851014918533],
    [7837229225728218294, 7179936970591995630],
]


# --- longhand on rows


def t_of(index, x, y):
    """t of the slope with Stata's cluster-robust error, by matrices."""
    design = np.column_stack([np.ones_like(x), x])
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ (design.T @ y)
    rest = y - design @ beta
    scores = np.array([design[index == j].T @ rest[index == j] for j in range(index.max() + 1)])
    j, n_obs = len(scores), len(x)
    factor = j / (j - 1) * (n_obs - 1) / (n_obs - 2)
    return beta[1] / np.sqrt(factor * (bread @ scores.T @ scores @ bread)[1, 1])


def longhand(index, x, y, weights, tail):
    """p-value from residuals of the mean, weights (K, J) one sample after the other."""
    t, restricted = t_of(index, x, y), y - y.mean()
    stars = np.array([t_of(index, x, y.mean() + w[index] * restricted) for w in weights])
    gap = 1e-8 * (1 + abs(t))
    if tail == "symmetric":
        return np.mean(np.abs(stars) > abs(t) - gap)
    below, above = np.mean(stars < t - gap), np.mean(stars > t + gap)
    return 2 * min(below, above) + (1 - below - above)


def data(name):
    labels, x, y = h.columns(name)
    return np.unique(labels, return_inverse=True)[1], x, y


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("name", ["unbal6", "twoclust", "twoclassrooms_xy", "dyestuff"])
def test_all_signs_longhand(name, tail):
    index, x, y = data(name)
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=index.max() + 1)))
    expected = longhand(index, x, y, signs, tail)
    found = h.fit(h.frame(index, x, y), "wild_bootstrap", p=tail)
    assert found["status"] == "ok"
    assert h.term(found)["p_value"] == expected  # a count over 2^J
    h.assert_close(h.term(found)["estimate"], h.term(h.fit(h.frame(index, x, y), "pooled"))
                   ["estimate"], 1e-14)  # fmt: skip


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("kind", ["rademacher", "webb"])
@pytest.mark.parametrize("name", ["singletons", "treat_level2", "unbal6"])
def test_drawn_weights_longhand(name, kind, tail):
    """The same words, read bit by bit and digit by digit with Python's whole numbers."""
    draws = 90 if kind == "webb" or name == "singletons" else 63  # 63 < 2^6: not enumerated
    index, x, y = data(name)
    j = index.max() + 1
    words = np.random.SFC64(7).random_raw(4000).reshape(-1, 1)
    weights = decoded([int(word) for word in words[:, 0]], kind, j, draws)
    place = iter(range(0, 4000, j))

    def hand_out(count):
        assert count == j
        return words[(start := next(place)) : start + count]

    moments = h.clusters_of(np.bincount(index), *(v[np.argsort(index, kind="stable"), None]
                                                  for v in (x, y)))  # fmt: skip
    method = configure("wild_bootstrap", {"weights": kind, "p": tail, "draws": draws})
    found = method.fit(moments, words=hand_out)
    assert found.p_value[0] == pytest.approx(longhand(index, x, y, weights, tail), abs=1e-12)


def decoded(words, kind, j, draws):
    base, held = (2, 64) if kind == "rademacher" else (6, 12)
    values = {2: [1.0, -1.0], 6: [-(1.5**0.5), -1.0, -(0.5**0.5), 0.5**0.5, 1.0, 1.5**0.5]}[base]
    return np.array(
        [
            [values[words[k // held * j + c] // base ** (k % held) % base] for c in range(j)]
            for k in range(draws)
        ]
    )


def test_the_statistic_of_the_data_is_that_of_weights_one():
    """And it is CR1S's, but for its finite-sample factor."""
    moments = h.drawn("clusters", [3, 6, 2, 5, 4], 20)
    robust = h.method("pooled", se="CR1S").fit(moments)
    total = gram.add(gram.within(moments), gram.between(moments))
    top, meat = wild.t_statistics(wild.restricted(moments, total), np.ones((1, 5, 1)))
    factor = 5 / 4 * 19 / 18
    t = robust.estimate / robust.std_error
    h.assert_close(top[0] / np.sqrt(factor * meat[0]), t, 1e-11)


# --- weights


@pytest.mark.parametrize(("kind", "values"), [("rademacher", [-1, 1]), ("webb", wild._WEBB)])
def test_weights_are_uniform_and_independent(kind, values):
    words = np.random.SFC64(3)
    drawn = np.concatenate(
        list(wild._weights(kind, 9, 5, 400, lambda k: words.random_raw(k * 50).reshape(k, 50)))
    )
    assert drawn.shape == (400, 9, 50)
    counts = np.array([(drawn == value).sum() for value in values])
    assert counts.sum() == drawn.size
    assert stats.chisquare(counts).pvalue > 1e-3
    assert np.mean(np.square(values)) == pytest.approx(1.0)
    for axis in range(3):  # neighbours along each axis are uncorrelated
        one, two = (np.take(drawn, range(k, drawn.shape[axis] - 1 + k), axis) for k in (0, 1))
        assert abs((one * two).sum()) < 4 * np.sqrt(one.size)


def test_all_signs_come_once_each():
    signs = np.concatenate(list(wild._weights("rademacher", 5, 3, 32, None)))
    assert signs.shape == (32, 5, 1)
    assert len({tuple(row) for row in signs[:, :, 0]}) == 32
    assert set(signs.ravel()) == {-1.0, 1.0}


def test_more_signs_than_draws_are_drawn():
    """2^J = draws is enumerated, one draw less is not, and Webb's weights never are."""
    moments = h.drawn("clusters", [3, 4, 5, 2], 3)
    asked = []

    def words(count):
        asked.append(count)
        return np.random.SFC64(1).random_raw(count).reshape(count, 1)

    for kind, draws, expected in (("rademacher", 16, 0), ("rademacher", 15, 1), ("webb", 16, 2)):
        asked.clear()
        configure("wild_bootstrap", {"weights": kind, "draws": draws}).fit(moments, words=words)
        assert len(asked) == expected


# --- streams

SCENARIO = {"n_clusters": 12, "cluster_size": 4, "icc": 0.2, "x_icc": 0.5, "slope": 0}
WEBB = {"wild_bootstrap": {"weights": "webb", "draws": 99}}


def run(first, last, methods=("wild_bootstrap", WEBB), scenario=SCENARIO, **more):
    one = study(scenario, list(methods), 1000, **more)
    return run_task(Task(one.seed, one.designs, first, last, one.methods, one.grain))


def test_a_replication_has_its_own_draws_whatever_else_is_asked_for():
    whole = run(1, 300)
    pieces = [run(1, 37), run(38, 200), run(201, 300)]
    alone = run(1, 300, ["pooled", {"pooled": {"se": "CR2"}}, WEBB])
    for k in range(2):
        joined = concatenate([piece[k] for piece in pieces])
        assert np.array_equal(joined.p_value, whole[k].p_value)
    assert np.array_equal(alone[2].p_value, whole[1].p_value)


def test_a_label_changes_no_draw_and_an_option_does():
    named = {"wild_bootstrap": {"label": "mine"}}
    other = {"wild_bootstrap": {"draws": 400}}
    plain, _, more = run(1, 128, ["wild_bootstrap", "pooled", other])
    (same,) = run(1, 128, [named])
    assert np.array_equal(plain.p_value, same.p_value)
    assert np.mean(plain.p_value == more.p_value) < 0.2
    assert run(1, 128, seed=5)[0].p_value.tolist() != plain.p_value.tolist()


def test_replications_of_the_same_data_would_differ():
    """Each has weights of its own: shared ones would tie the p-values of a study together."""
    moments = h.drawn("clusters", [3] * 12, 2)
    wide = h.take(moments, np.zeros(64, dtype=int))
    one = study(SCENARIO, ["wild_bootstrap"])
    words = streams.words_of("wild_bootstrap", one.designs[0].scenario, 1, 2, 64, 64)
    found = one.methods[0].fit(wide, words=words).p_value
    assert np.unique(found).size > 10
    expected = found.mean()
    binomial = expected * (1 - expected) / 399
    assert 0.5 < found.var() / binomial < 1.7  # 64 proportions of 399 draws


@pytest.mark.parametrize("grain", ["clusters", "rows"])
def test_a_pinned_grain_changes_no_draw(grain):
    """Rows are drawn in smaller chunks; a replication keeps its words all the same."""
    scenario = SCENARIO | {"cluster_size": 200}
    (free,), (pinned,) = (run(1, 200, ["wild_bootstrap"], scenario, **more)
                          for more in ({}, {"grain": grain}))  # fmt: skip
    assert np.mean(free.p_value == pinned.p_value) > 0.99
    h.assert_close(pinned.p_value, free.p_value, 0.0, 0.01)


def test_words_of_two_chunks_are_not_handed_out():
    scenario = study(SCENARIO, ["pooled"]).designs[0].scenario
    length = streams.chunk_length(scenario, streams.CLUSTERS)
    with pytest.raises(ValueError, match="one chunk"):
        streams.words_of("m", scenario, 1, 2, length - 1, 2)
    part = streams.words_of("m", scenario, 1, 2, length + 3, 2)
    whole = streams.words_of("m", scenario, 1, 2, length, length)
    for count in (1, 5):
        assert np.array_equal(part(count), whole(count)[:, 3:5])


def test_the_stream_is_format():
    """These words are what stored p-values were made of."""
    scenario = study(SCENARIO, ["pooled"]).designs[0].scenario
    words = streams.words_of("wild_bootstrap", scenario, 1, 2, 0, 2)(2)
    assert words.dtype == np.uint64
    assert words.tolist() == GOLDEN


# --- real data


def test_fit_gives_the_same_p_value_every_time():
    frame = h.frame(*h.columns("dyestuff"))
    first, again = (h.fit(frame, "wild_bootstrap", weights="webb") for _ in range(2))
    assert first == again
    got = h.term(first)
    assert got["p_value"] > 0
    assert [got[key] for key in ("std_error", "df", "statistic", "ci_low")] == [None] * 4
    assert (first["weights"], first["p"], first["draws"]) == ("webb", "symmetric", 399)


def test_printed_without_an_error():
    text = str(simstudy.fit(h.REFERENCE / "unbal6.csv", h.FORMULA, ["wild_bootstrap"]))
    assert "a p-value alone, weights rademacher, p symmetric, draws 399" in text
    line = next(line for line in text.splitlines() if line.startswith("x "))
    assert line.split() == ["x", "1.790", "-", "-", "-", "0.0938", "-", "-"]


# --- degenerate data


def test_two_clusters_and_a_cluster_level_x():
    rng = np.random.default_rng(1)
    frame = h.frame(h.labels([4, 6]), np.repeat([0.1, 0.7], [4, 6]), rng.standard_normal(10))
    found = h.fit(frame, "wild_bootstrap")
    assert found["status"] == "no_std_error"
    assert h.term(found)["p_value"] is None


def test_one_treated_cluster_has_a_p_value():
    rng = np.random.default_rng(2)
    x = np.repeat([0.0, 1.0, 0.0, 0.0, 0.0], 4)
    frame = h.frame(h.labels([4] * 5), x, rng.standard_normal(20))
    expected = longhand(h.labels([4] * 5), x, frame["y"].to_numpy(),
                        np.array(list(itertools.product([-1.0, 1.0], repeat=5))),
                        "symmetric")  # fmt: skip
    assert h.term(h.fit(frame, "wild_bootstrap"))["p_value"] == expected


@pytest.mark.parametrize(
    ("index", "x", "y", "message"),
    [
        ([1] * 5, [1, 2, 3, 4, 5], [2, 1, 4, 3, 5], "a cluster-robust test needs two clusters"),
        ([1, 1, 2, 2], [3, 3, 3, 3], [1, 2, 3, 5], "x does not vary"),
        ([1, 1, 2, 2], [1, 2, 3, 4], [2, 4, 6, 8], "residual variance is zero"),
        ([1, 2], [1, 2], [1, 3], "no residual degrees of freedom"),
    ],
)
def test_not_estimable(index, x, y, message):
    found = h.fit(h.frame(index, np.array(x, float), np.array(y, float)), "wild_bootstrap")
    assert found["status"] == "not_estimable"
    assert found["message"].startswith(message)


def test_a_sample_without_variance_counts_as_a_tie():
    """x = -1, 0, 1 and u = 3, -2, -1: signs (1, -1, -1) put the three on one line."""
    index, x = np.repeat([0, 1, 2], 2), np.repeat([-1.0, 0.0, 1.0], 2)
    u = np.repeat([3.0, -2.0, -1.0], 2)
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))
    exact = [tuple(w) in {(1, -1, -1), (-1, 1, 1)} for w in signs]
    t = t_of(index, x, u)
    stars = [t if flat else t_of(index, x, w[index] * u)
             for w, flat in zip(signs, exact, strict=True)]  # fmt: skip
    found = h.fit(h.frame(index, x, u + 7.0), "wild_bootstrap")
    assert h.term(found)["p_value"] == np.mean(np.abs(stars) > abs(t) - 1e-8)
    found = h.fit(h.frame(index, x, u + 7.0), "wild_bootstrap", p="equal_tailed")
    below, above = (np.mean(part) for part in (stars < t - 1e-8, stars > t + 1e-8))
    assert h.term(found)["p_value"] == 2 * min(below, above) + (1 - below - above)


# --- levels

# Cameron, Gelbach & Miller (2008), Tables 2 and 4: 1,000 replications, 399 draws
PUBLISHED = [
    ({"n_clusters": 10}, 0.062),
    ({"n_clusters": 20}, 0.045),
    ({"n_clusters": 10, "cluster_size": 2}, 0.064),
    ({"n_clusters": 10, "x_icc": 0}, 0.064),
]


@pytest.mark.parametrize(("change", "printed"), PUBLISHED, ids=str)
def test_published_levels(change, printed):
    scenario = {"n_clusters": 10, "cluster_size": 30, "icc": 0.5, "x_icc": 0.5, "slope": 0} | change
    (found,) = run(1, 4096, [{"wild_bootstrap": {"p": "equal_tailed"}}], scenario)
    assert np.all(found.outcome == Outcome.OK)
    rate = np.mean(found.p_value < 0.05)
    mcse = np.sqrt(printed * (1 - printed) * (1 / 1000 + 1 / 4096))
    assert abs(rate - printed) < 3.5 * mcse, (rate, printed)


def test_level_is_exact_where_signs_are_exchangeable():
    """x and y independent normal, no cluster effect: p is uniform on its grid to .003."""
    scenario = {"n_clusters": 12, "cluster_size": 10, "icc": 0.0, "x_icc": 0.0, "slope": 0}
    for weights in ("rademacher", "webb"):
        (found,) = run(1, 8192, [{"wild_bootstrap": {"weights": weights, "draws": 99}}], scenario)
        for alpha in (0.05, 0.1, 0.5):
            rate = np.mean(found.p_value < alpha)
            assert abs(rate - alpha) < 3.5 * np.sqrt(alpha * (1 - alpha) / 8192) + 0.005


def test_no_sample_beyond_t_prints_as_less_than_one_in_the_draws():
    from simstudy.analysis.printed import p_text

    wild = configure("wild_bootstrap")
    assert p_text(0.0, wild) == "<0.0025"
    assert p_text(1 / 399, wild) == "0.0025"
    assert p_text(0.0, configure("pooled")) == "<2e-16"
