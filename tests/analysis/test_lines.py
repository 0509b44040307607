"""The four views of a data set: lines against R, and `fit --figure`."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest
from helpers_places import REFERENCE
from matplotlib.collections import LineCollection

from simstudy.analysis.fit import fit
from simstudy.analysis.lines import lines_of
from simstudy.cli.app import main
from simstudy.report.drawing.clusters import by_cluster

FORMULA = "y ~ x + (1 | cluster)"
NAMES = ("x", "y", "cluster")


def drawn(fits):
    data = fits.data
    labels = [str(label) for label in data.labels]
    return by_cluster(data.x, data.y, data.sizes, lines_of(data), NAMES, labels)


def test_lines_are_those_of_lme4():
    """lme4's optimiser leaves 3e-10 of the largest BLUP; lmList is least squares."""
    fits = fit(REFERENCE / "sleepstudy.csv", FORMULA)
    pooled, separate, dummy, mixed = lines_of(fits.data)
    with (REFERENCE / "sleepstudy_lines.csv").open() as stream:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(stream)]
    blup, intercept, slope = (np.array([row[k] for row in rows])
                              for k in ("blup", "intercept", "slope"))  # fmt: skip
    assert [f"{row['cluster']:g}" for row in rows] == fits.data.labels
    fixed = fits.fits[2].terms
    found = mixed.intercept - fixed[0]["estimate"]
    assert np.abs(found - blup).max() < 1e-8 * np.abs(blup).max()
    assert (mixed.slope == fixed[1]["estimate"]).all()
    assert separate.slope == pytest.approx(slope, rel=1e-12)
    assert separate.intercept == pytest.approx(intercept, rel=1e-12)
    # balanced: the dummy line of a cluster goes through its means
    means = fits.data.y.reshape(18, 10).mean(axis=1)
    assert dummy.intercept + dummy.slope * 4.5 == pytest.approx(means, rel=1e-12)
    assert pooled.intercept + pooled.slope * 4.5 == pytest.approx(means.mean(), rel=1e-12)


def test_blups_lie_between_pooled_and_dummy_and_reach_both():
    fits = fit(REFERENCE / "twoclassrooms_xy.csv", FORMULA)
    pooled, _, dummy, mixed = lines_of(fits.data)
    far = np.abs(dummy.intercept - dummy.intercept.mean())
    assert (np.abs(mixed.intercept - mixed.intercept.mean()) < far).all()
    flat = fit(REFERENCE / "dyestuff2.csv", FORMULA)  # tau2 = 0: every line is the pooled one
    pooled, _, _, mixed = lines_of(flat.data)
    assert flat.fits[2].numbers["tau2"] == 0
    assert mixed.intercept == pytest.approx(np.repeat(pooled.intercept, len(flat.data.labels)))


def test_what_cannot_be_fitted_has_no_lines_and_says_why():
    fits = fit(REFERENCE / "hsb82_meanses.csv", FORMULA)
    _, separate, dummy, mixed = lines_of(fits.data)
    assert np.isnan(separate.slope).all() and np.isnan(dummy.slope).all()
    assert separate.text == dummy.text == "x is constant within clusters"
    assert np.isfinite(mixed.intercept).all()
    one = pd.DataFrame({"x": [0, 1, 2, 4], "y": [1, 3, 2, 5], "cluster": list("aaaa")})
    _, separate, dummy, mixed = lines_of(fit(one, FORMULA).data)
    assert np.isfinite(separate.slope).all() and np.isnan(mixed.intercept).all()
    assert "clusters" in mixed.text
    axes = drawn(fit(one, FORMULA)).axes
    assert len(axes) == 4 and mixed.text in axes[3].texts[0].get_text().replace("\n", " ")


def test_each_view_has_its_lines():
    axes = drawn(fit(REFERENCE / "sleepstudy.csv", FORMULA)).axes
    counts = [[len(c.get_segments()) for c in a.collections if isinstance(c, LineCollection)]
              for a in axes]  # fmt: skip
    assert counts == [[1], [18], [18], [18]]
    large = drawn(fit(REFERENCE / "hsb82_cses.csv", FORMULA))
    counts = [len(c.get_segments()) for a in large.axes for c in a.collections]
    assert counts == [1, 100, 100, 100]
    assert "Lines of 100 clusters are drawn" in large.texts[-1].get_text().replace("\n", " ")
    assert large.legends == []
    two = drawn(fit(REFERENCE / "twoclassrooms_xy.csv", FORMULA))
    labels = [text.get_text() for text in two.legends[0].get_texts()]
    assert len(labels) == 2 and all(label.startswith("cluster ") for label in labels)


@pytest.mark.parametrize(
    ("ending", "start"),
    [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml"), ("PNG", b"\x89PNG")],
)
def test_fit_draws_into_a_file(tmp_path, ending, start, capsys):
    file = tmp_path / f"lines.{ending}"
    data = str(REFERENCE / "twoclassrooms_xy.csv")
    assert main(["fit", data, FORMULA, "--figure", str(file)]) == 0
    assert file.read_bytes().startswith(start)
    assert "pooled" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["lines.gif", "lines", "nowhere/lines.png"])
def test_a_file_that_cannot_be_drawn_is_refused_before_any_work(tmp_path, name, capsys):
    arguments = ["fit", "no such data.csv", FORMULA, "--figure", str(tmp_path / name)]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "--figure" in error and "no such data" not in error and error.count("\n") == 1
