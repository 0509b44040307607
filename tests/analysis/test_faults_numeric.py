"""Errors that are 0 by construction, statuses of terms, and data of any unit."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from helpers_cli import call
from helpers_places import FAULTS

import simstudy
from simstudy.numerics import robust
from simstudy.registry import configure
from simstudy.study.methods import method_of

pytestmark = pytest.mark.slow

FORMULA = "y ~ x + (1 | g)"
ALL = [
    "pooled", {"pooled": {"se": "CR0"}}, {"pooled": {"se": "CR1S"}}, {"pooled": {"se": "CR2"}},
    {"pooled": {"se": "CR3"}}, {"pooled": {"se": "moulton"}}, "dummy", {"dummy": {"se": "CR2"}},
    "random_intercept", {"random_intercept": {"df": "satterthwaite"}},
    {"random_intercept": {"estimator": "ml"}}, "within_between",
    {"within_between": {"effect": "contextual"}}, {"within_between": {"estimator": "ml"}},
    "cluster_means", {"cluster_means": {"weights": "size"}}, "gee", "pretest",
    {"pretest": {"by": "design_effect"}}, "wild_bootstrap",
]  # fmt: skip
ERRORS_OF_CLUSTERS = [f"pooled[se={se}]" for se in ("moulton", "CR0", "CR1", "CR1S", "CR2", "CR3")]


def one_fit(frame, method):
    (found,) = simstudy.fit(frame, FORMULA, [method]).fits
    return found


def term(found, name="x"):
    return next(entry for entry in found.terms if entry["term"] == name)


def two_clusters(sizes, values=(0.0, 1.0), seed=1):
    rng = np.random.default_rng(seed)
    index = np.repeat([0, 1], sizes)
    return pd.DataFrame({"y": rng.standard_normal(index.size), "x": np.array(values)[index],
                         "g": index})  # fmt: skip


# --- errors that are 0 by construction


@pytest.mark.parametrize("se", ["moulton", "CR0", "CR1", "CR1S", "CR2", "CR3"])
@pytest.mark.parametrize(
    "frame",
    [
        pd.read_csv(FAULTS / "moulton_two_clusters.csv"),
        two_clusters([3, 40]),
        two_clusters([3, 40], (-7.25, 1e9), seed=2),
        two_clusters([1, 30], seed=3),
        two_clusters([50_000, 7], (0.1, 0.30000000000000004), seed=4),
    ],
    ids=["the fault", "unbalanced", "far", "one unit", "many"],
)
def test_two_clusters_and_their_x_have_no_error_between_clusters(frame, se):
    found = one_fit(frame, {"pooled": {"se": se}})
    assert found.status == "no_std_error"
    for entry in found.terms:
        assert entry["estimate"] is not None
        assert entry["std_error"] is entry["p_value"] is entry["ci_low"] is None


def test_it_is_the_design_that_decides(monkeypatch):
    """Whatever rounding leaves of the variance."""
    monkeypatch.setattr(robust, "residual_icc", lambda moments, total: np.array([0.5]))
    monkeypatch.setattr(
        robust, "sandwich",
        lambda *_: robust.Sandwich(np.ones(1), np.ones(1), np.ones(1, dtype=bool)),
    )  # fmt: skip
    for frame, status in ((two_clusters([9, 9]), "no_std_error"), (three(), "ok")):
        for se in ("moulton", "CR0", "CR2"):
            assert one_fit(frame, {"pooled": {"se": se}}).status == status


def three():
    frame = two_clusters([9, 9])
    frame.loc[14:, "g"] = 2
    return frame


def test_the_other_methods_of_two_clusters_and_their_x():
    frame = two_clusters([15, 12])
    expected = {"wild_bootstrap": "no_std_error", "gee": "not_estimable", "pooled": "ok",
                "cluster_means": "not_estimable", "random_intercept": "not_estimable",
                "within_between": "not_estimable", "dummy": "not_estimable"}  # fmt: skip
    assert {name: one_fit(frame, name).status for name in expected} == expected


def test_in_a_study_too(tmp_path):
    shutil.copy(FAULTS / "moulton_two_clusters.yaml", tmp_path)
    results = simstudy.run(tmp_path / "moulton_two_clusters.yaml", results=tmp_path,
                           replications=200, report=False, warn=lambda line: None)  # fmt: skip
    rows = results.estimates.to_table().to_pandas()
    for label in ("pooled[se=moulton]", "pooled[se=CR1S]"):
        mine = rows[rows.method == method_of_label(label)]
        assert len(mine) == 800 and set(mine.status) == {"no_std_error"}
    assert set(rows[rows.method == configure("pooled").canonical].status) == {"ok"}


def method_of_label(label):
    return method_of({"pooled": {"se": label[len("pooled[se=") : -1]}}).canonical


def test_moulton_of_residuals_that_average_zero_in_every_cluster():
    """Here y does it, not the design: the factor is 0 up to rounding."""
    rng = np.random.default_rng(5)
    for n in (3, 7, 11):
        deviations = rng.standard_normal((6, n))
        deviations -= deviations.mean(axis=1, keepdims=True)
        frame = pd.DataFrame({"y": deviations.ravel(), "x": np.repeat(rng.standard_normal(6), n),
                              "g": np.repeat(np.arange(6), n)})  # fmt: skip
        found = one_fit(frame, {"pooled": {"se": "moulton"}})
        assert found.status == "no_std_error" and term(found)["std_error"] is None


@pytest.mark.parametrize("se", ["CR0", "CR1", "CR1S", "CR2", "CR3"])
def test_dummy_with_x_in_one_large_cluster_alone(se):
    rng = np.random.default_rng(6)
    g = np.repeat(np.arange(4), [20_000, 3, 5, 2])
    x = np.where(g == 0, 1e6 + rng.standard_normal(g.size), 0.1)
    frame = pd.DataFrame({"y": rng.standard_normal(g.size), "x": x, "g": g})
    assert one_fit(frame, {"dummy": {"se": se}}).status == "no_std_error"


# --- a status is that of its own term


def test_the_slope_has_the_status_of_the_slope():
    ran = call("fit", str(FAULTS / "moulton_status_d02.csv"), FORMULA,
               "--method", "pooled: {se: moulton}")  # fmt: skip
    assert "(Intercept): the standard error does not exist" in ran.out
    found = one_fit(FAULTS / "moulton_status_d02.csv", {"pooled": {"se": "moulton"}})
    assert (found.status, found.message) == ("ok", None)
    assert term(found)["std_error"] == pytest.approx(0.1705, abs=5e-5)
    assert term(found)["p_value"] == pytest.approx(0.0397, abs=5e-5)
    assert term(found, "(Intercept)")["estimate"] == pytest.approx(2.8818, abs=5e-5)
    assert term(found, "(Intercept)")["std_error"] is None


@pytest.mark.parametrize("method", ALL, ids=lambda m: configure_of(m).label)
def test_no_status_is_that_of_another_term(method):
    """The status of a fit is the one that its slope has in a study, on hard data of any kind."""
    seen = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sizes = rng.integers(1, 6, rng.integers(2, 6))
        g = np.repeat(np.arange(sizes.size), sizes)
        x = rng.standard_normal(sizes.size)[g] if seed % 3 else rng.integers(0, 2, g.size)
        frame = pd.DataFrame({"y": rng.standard_normal(g.size), "x": x, "g": g})
        result = simstudy.fit(frame, FORMULA, [method])
        (found,) = result.fits
        chosen = configure_of(method)
        slope = chosen.fit(result.data.moments)
        assert found.status == simstudy.estimates.STATUSES[slope.status[0]]
        assert (term(found)["p_value"] is not None) == (found.status in ("ok", "boundary"))
        seen.add(found.status)
    assert seen


def configure_of(method):
    return method_of(method)


# --- data in any unit


def test_x_of_1e90():
    """Right: 25.99 and 26.48, those of x divided by its largest value."""
    kr, satterthwaite = (
        one_fit(FAULTS / "x_1e90.csv", {"random_intercept": {"df": df}})
        for df in ("kenward_roger", "satterthwaite")
    )
    assert term(kr)["df"] == pytest.approx(25.99410885832844, rel=1e-9)
    assert term(satterthwaite)["df"] == pytest.approx(26.481401747244856, rel=1e-9)


def ordinary(kind):
    rng = np.random.default_rng(11)
    g = np.repeat(np.arange(8), [3, 9, 4, 2, 7, 5, 3, 6])
    x = rng.standard_normal(8)[g] + (0.7 * rng.standard_normal(g.size) if kind == "mixed" else 0)
    y = 0.4 * x + 0.8 * rng.standard_normal(8)[g] + rng.standard_normal(g.size) + 3.0
    return pd.DataFrame({"y": y, "x": x + 2.0, "g": g})


UNITS = [(300, 0), (-300, 0), (0, 300), (0, -300), (300, 300), (-300, -300), (400, -400),
         (-320, 320), (65, -65)]  # fmt: skip


@pytest.mark.parametrize("kind", ["mixed", "cluster"])
@pytest.mark.parametrize("method", ALL, ids=lambda m: configure_of(m).label)
def test_a_unit_that_is_a_power_of_two_changes_no_digit(method, kind):
    frame = ordinary(kind)
    plain = one_fit(frame, method)
    assert (plain.status in ("ok", "boundary")) or kind == "cluster"
    for kx, ky in UNITS:
        there = one_fit(frame.assign(x=np.ldexp(frame.x, kx), y=np.ldexp(frame.y, ky)), method)
        assert (there.status, there.message) == (plain.status, plain.message)
        for a, b in zip(plain.terms, there.terms, strict=True):
            power = ky - kx if a["term"] == "x" else ky
            for key in ("df", "p_value", "statistic"):
                assert a[key] == b[key], (key, kx, ky)
            for key in ("estimate", "std_error"):
                assert (a[key] is None) == (b[key] is None)
                assert a[key] is None or np.ldexp(a[key], power) == b[key], (key, kx, ky)
        for key, power in (("sigma", ky), ("tau2", 2 * ky), ("sigma2", 2 * ky), ("icc", 0)):
            a, b = plain.numbers[key], there.numbers[key]
            assert (a is None) == (b is None) and (a is None or np.ldexp(a, power) == b)
        assert plain.numbers["r_squared"] == there.numbers["r_squared"]


@pytest.mark.parametrize("name", ["pooled", "random_intercept", "wild_bootstrap"])
def test_a_null_value_is_in_the_units_of_the_data(name):
    frame = ordinary("mixed")
    plain = term(one_fit(frame, {name: {"null_value": 0.25}}))
    for kx, ky in UNITS:
        there = frame.assign(x=np.ldexp(frame.x, kx), y=np.ldexp(frame.y, ky))
        found = term(one_fit(there, {name: {"null_value": float(np.ldexp(0.25, ky - kx))}}))
        assert (found["p_value"], found["statistic"]) == (plain["p_value"], plain["statistic"])


@pytest.mark.parametrize("estimator", ["reml", "ml"])
@pytest.mark.parametrize("name", ["random_intercept", "within_between"])
def test_the_criterion_is_that_of_the_units(name, estimator):
    """-2 log L grows by twice N - p (ML: N) times log y, REML by twice log x a slope besides."""
    frame = ordinary("mixed")
    options = {"estimator": estimator, "df": "wald"}
    plain = one_fit(frame, {name: options}).numbers["criterion"]
    slopes = 1 if name == "random_intercept" else 2
    n = len(frame)
    free, of_x = (n - 1 - slopes, slopes) if estimator == "reml" else (n, 0)
    for kx, ky in (*UNITS, (1, 0), (0, 1)):
        there = frame.assign(x=np.ldexp(frame.x, kx), y=np.ldexp(frame.y, ky))
        right = plain + 2 * np.log(2) * (free * ky + of_x * kx)
        found = one_fit(there, {name: options}).numbers["criterion"]
        assert found == pytest.approx(right, rel=1e-11, abs=1e-8)


def test_tables_and_lines_of_such_data():
    frame = ordinary("mixed")
    big = frame.assign(x=np.ldexp(frame.x, 600), y=np.ldexp(frame.y, 600))
    text = str(simstudy.fit(big, FORMULA))
    here, there = (
        [line.split()[-3:] for line in str(t).splitlines() if line.startswith(("separate (",))]
        for t in (simstudy.fit(frame, FORMULA), text)
    )
    assert here and len(here) == len(there)
    assert "nan" not in text and "inf" not in text
