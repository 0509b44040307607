"""One data set drawn: the text, the figure and what they are made of."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers_cli import ROOT, assert_refused, call

from simstudy.analysis.law import density_of_means, share_of_mean
from simstudy.analysis.show import show
from simstudy.generators import streams
from simstudy.moments import Units
from simstudy.numerics.batches import cut
from simstudy.numerics.features import features_of, sums_of
from simstudy.registry import configure
from simstudy.study.drawing import source_of
from simstudy.study.study import load

pytestmark = pytest.mark.slow  # it draws figures

HEAD = {"name": "seen", "seed": 3, "replications": 50, "methods": ["pooled"]}
BASE = {"n_clusters": 12, "cluster_size": 6, "icc": 0.3, "x_icc": 0.5, "slope": 0.4}
TEXT = """\
name: seen
title: What was drawn
seed: 3
replications: 50
scenarios: {n_clusters: 12, cluster_size: {uniform: [1, 6]}, icc: 0.3, slope: 0.4, LINE}
methods: [pooled]
"""
WORLDS = [
    "x_icc: 0.5",
    "x_icc: 0.5, errors: {t: 5}, cluster_effects: {chi_square: 3}",
    "x: binary, x_icc: 1, cluster_variance: {arms: .inf}",
    "x: binary, x_icc: 0, error_variance: {arms: 4}, missing: {units: 0.7}",
    "x: time, autocorrelation: 0.6",
    "x_icc: 0.5, third_level: {clusters: 3, icc: 0.2}, slope_sd: 0.4, covariates: {z: {icc: 0.1, "
    "slope: 0.5}}",
]


def study_of(**fields):
    return load(HEAD | {"scenarios": BASE | fields})


@pytest.mark.parametrize("line", WORLDS[1:])
def test_every_world_is_shown(tmp_path, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seen.yaml").write_text(TEXT.replace("LINE", line))
    ran = call("show", "seen.yaml", "--replication", 2)
    assert ran.code == 0 and not ran.err, ran.err
    (design,) = load(tmp_path / "seen.yaml").designs
    name = f"seen-{design.id}.png"
    assert ran.out.endswith(f"\nwritten: {name}\n")
    assert f"scenario {design.id}, replication 2" in ran.out and "ICC of the errors" in ran.out
    assert all(f"\n{method} " in ran.out for method in ("pooled", "dummy", "cluster_means"))
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_numbers_are_those_of_the_data_set(tmp_path):
    (tmp_path / "seen.yaml").write_text(TEXT.replace("LINE", WORLDS[0]))
    study = load(tmp_path / "seen.yaml")
    found = show(study, None, 3)
    data = found.data
    line = np.polyfit(data.x, data.y, 1)
    assert found.fits[0].slope["estimate"] == pytest.approx(line[0])
    np.testing.assert_allclose(found.errors, data.y - 0.4 * data.x, atol=1e-12)
    sizes = data.sizes[:, None]
    alone = features_of(sums_of(Units(sizes, (data.x, found.errors))))
    assert found.features["icc"].value == pytest.approx(alone["icc"].value)
    first = found.errors[: data.sizes[0]]
    assert found.of_clusters[0] == pytest.approx(first.mean())
    ran = call("show", tmp_path / "seen.yaml", "--replication", 3,
               "--figure", tmp_path / "a.svg")  # fmt: skip
    text = (tmp_path / "a.svg").read_text()
    assert "other scenarios" not in ran.out
    assert "<svg" in text and f"{line[0]:.3f}"[:4] in ran.out


def test_the_law_of_mean_errors_is_that_of_the_design():
    """Means and variances of the density, and the share of data sets' means below its quartiles."""
    worlds = [
        {},
        {"cluster_effects": {"chi_square": 3}},
        {"x": "binary", "x_icc": 1, "cluster_variance": {"arms": 9}},
        {"x": "binary", "x_icc": 0, "error_variance": {"arms": 9}},
        {"x": "time", "x_icc": None, "autocorrelation": 0.5},
        {"third_level": {"clusters": 3, "icc": 0.2}},
    ]
    for world in worlds:
        fields = {key: value for key, value in (BASE | world).items() if value is not None}
        study = load(HEAD | {"scenarios": fields})
        scenario = study.designs[0].scenario
        at, height = density_of_means(study.designs[0], 991)  # other data sets than those looked at
        step = at[1] - at[0]
        assert height.sum() * step == pytest.approx(0.998, abs=0.002)
        cumulated = np.cumsum(height) * step
        below = [np.interp(show(study, None, k).of_clusters, at, cumulated) for k in range(1, 5)]
        noise = share_of_mean(scenario, np.array([6]))[0] * scenario.sigma2
        variance = (height * at**2).sum() * step
        assert variance == pytest.approx(scenario.tau2 + noise, rel=0.05), world
        z = (np.mean(below) - 0.5) * np.sqrt(12 * 48 / (3.4 if "third_level" in world else 1.0))
        assert abs(z) < 4, world


def test_autocorrelated_means_vary_as_a_sum_of_all_pairs_does():
    scenario = study_of(autocorrelation=0.6).designs[0].scenario
    lags = np.abs(np.subtract.outer(np.arange(7), np.arange(7)))
    assert share_of_mean(scenario, np.array([7]))[0] == pytest.approx((0.6**lags).mean())
    assert share_of_mean(study_of().designs[0].scenario, np.array([1, 4])).tolist() == [1, 0.25]


def test_generators_of_ones_own_are_shown(tmp_path):
    for name in ("my_world.py", "own_world.yaml"):
        shutil.copy(ROOT / "configs" / name, tmp_path)
    file = tmp_path / "own.pdf"
    study = load(tmp_path / "own_world.yaml")
    last = study.designs[-1].id  # one that draws moments
    found = show(study, last, 2)
    assert found.means_only and not found.of_units.size
    source = source_of(study.designs[-1], study.seed)
    moments = cut(source.moments(streams.CLUSTERS, 0), 1, 2)
    assert found.of_clusters == pytest.approx(moments.mean_y[:, 0])
    pooled = configure("pooled").fit(moments)
    assert found.fits[0].slope["std_error"] == pytest.approx(pooled.std_error[0])
    ran = call("show", tmp_path / "own_world.yaml", "--scenario", last, "--figure", file)
    assert ran.code == 0 and "ICC of x                       1.000" in ran.out
    assert file.read_bytes().startswith(b"%PDF")


REFUSED = {
    "no such scenario": (["--scenario", "abcd"], "no scenario 'abcd'"),
    "ending": (["--figure", "a.txt"], "cannot draw 'txt'"),
    "folder": (["--figure", "none/a.png"], "no such folder"),
    "number": (["--replication", "0"], "--replication"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_shown_is_refused_in_one_line(tmp_path, case):
    options, message = REFUSED[case]
    (tmp_path / "seen.yaml").write_text(TEXT.replace("LINE", WORLDS[0]))
    assert message in assert_refused(call("show", tmp_path / "seen.yaml", *options))


def test_nothing_left_is_said(tmp_path):
    lost = "x_icc: 0.5, missing: {units: 0.99}"
    (tmp_path / "seen.yaml").write_text(TEXT.replace("LINE", lost).replace("12", "2"))
    assert "no units left" in assert_refused(call("show", tmp_path / "seen.yaml"))
    assert not list(Path(tmp_path).glob("*.png"))
