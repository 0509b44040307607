"""``replay``: any replication made again, from any grain, and equal to what is stored."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers_cli import assert_refused, call, call_process
from helpers_own import FILE, GRID, rows, study, use, written
from pyarrow import csv

from simstudy.analysis.fit import fit as fit_file
from simstudy.analysis.replay import data_set, replay
from simstudy.generators import streams
from simstudy.generators.source import Source
from simstudy.numerics.batches import cut_rows, reps_of, units
from simstudy.numerics.reduce import reduce
from simstudy.runner.execute import execute
from simstudy.runner.plan import parts_of, plan
from simstudy.runner.provenance import provenance
from simstudy.runner.task import run_task
from simstudy.store import parts
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import load

pytestmark = pytest.mark.slow

METHODS = ["pooled", {"pooled": {"se": "CR2"}}, "dummy", "random_intercept", "cluster_means",
           {"wild_bootstrap": {"draws": 99}}, "gee", "within_between"]  # fmt: skip
GRIDS = {
    "equal": GRID | {"cluster_size": 4},
    "unequal": GRID | {"cluster_size": {"uniform": [2, 9]}},
    "listed": GRID | {"cluster_size": {"sizes": [2, 7, 3, 3, 9, 1]}},
    "binary": GRID | {"cluster_size": {"poisson": 5}, "x": "binary", "x_icc": 1},
    "whole clusters": GRID | {"cluster_size": 5, "x_icc": 1},
    "shifted": GRID | {"cluster_size": 5, "intercept": 30, "contextual_effect": 2},
}


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    return written(tmp_path_factory.mktemp("files")).parent


@pytest.fixture(scope="module")
def done(tmp_path_factory, mine):
    """A finished study of own and built-in methods."""
    folder = tmp_path_factory.mktemp("done") / "own"
    own = [use(mine, "ols"), use(mine, "means"), use(mine, "fragile", limit=2),
           use(mine, "bootstrap")]  # fmt: skip
    one = study([*METHODS, *own], 70)
    execute(one, ResultsFolder(folder), 1)
    return one, folder


@pytest.mark.parametrize("replication", [1, 2, 33, 64, 65, 70])
def test_every_stored_row_comes_again_to_the_bit(done, replication):
    one, folder = done
    for design in one.designs:
        found = replay(folder, design.id, replication, trusted=True)
        verdicts = {refit.method.label: refit.verdict for refit in found.refits}
        assert set(verdicts.values()) == {"identical"}, verdicts
        assert found.same


@pytest.mark.parametrize("grain", [None, "clusters", "rows"])
@pytest.mark.parametrize("design", GRIDS)
def test_rows_and_refits_from_any_grain(tmp_path, design, grain):
    """Stored from moments or from units: refitted to the units, the same numbers to 1e-8.

    The units hold the moments to rounding; an intercept of 30 and a variance ratio near its
    boundary take some digits of that.
    """
    more = {} if grain is None else {"grain": grain}
    methods = [m for m in METHODS if m != "within_between" or GRIDS[design]["x_icc"] != 1]
    one = study(methods, 150, GRIDS[design], **more)
    execute(one, ResultsFolder(tmp_path / "r"), 1)
    (scenario,) = one.designs
    for replication in (1, 128, 129, 150):
        found = replay(tmp_path / "r", scenario.id, replication)
        assert {refit.verdict for refit in found.refits} <= {"identical", "equal"}
        for refit, fit in zip(found.refits, found.fits().fits, strict=True):
            assert fit.status == refit.stored["status"]
            slope = next((t for t in fit.terms if t["term"] == "x"), fit.terms[-1])
            for key in ("estimate", "std_error", "p_value"):
                if refit.stored[key] is None:
                    assert slope[key] is None
                elif refit.method.name != "within_between":
                    assert slope[key] == pytest.approx(refit.stored[key], rel=1e-8, abs=1e-10)


def test_the_data_set_is_that_of_a_whole_chunk(done):
    """Cutting one replication out of the units is reading it by hand."""
    one, _ = done
    for design in one.designs:
        source = Source(design.scenario, one.seed, design.key)
        whole = source.moments(streams.ROWS, 0)
        moments = reduce(whole)
        for k in (0, 5, reps_of(whole) - 1):
            found = data_set(one, design, k + 1)
            sizes = np.broadcast_to(whole.sizes, moments.mean_y.shape)[:, k]
            assert found.sizes.tolist() == sizes.tolist()
            at = np.cumsum(sizes)[:-1]
            means = [part.mean() for part in np.split(found.y, at)]
            assert np.allclose(means, moments.mean_y[:, k], rtol=1e-12, atol=1e-14)
            spread = [((part - part.mean()) ** 2).sum() for part in np.split(found.x, at)]
            a = np.broadcast_to(moments.within.a, moments.mean_y.shape)[:, k]
            assert np.allclose(spread, a**2, rtol=1e-11, atol=1e-14)


def test_replications_cut_out_of_units_are_themselves(done):
    one, _ = done
    for design in one.designs:
        rows_of = Source(design.scenario, one.seed, design.key).moments(streams.ROWS, 0)
        several = cut_rows(rows_of, 3, 7)
        assert reps_of(several) == 4
        for k in range(4):
            twice, once = cut_rows(several, k, k + 1), cut_rows(rows_of, 3 + k, 4 + k)
            for left, right in zip(units(twice), units(once), strict=True):
                assert np.array_equal(left, right)


def test_csv_holds_the_data_set_to_the_bit(tmp_path, done):
    one, folder = done
    scenario = one.designs[1].id
    file = tmp_path / "d.csv"
    assert (
        call("replay", folder, "--scenario", scenario, "--replication", 9, "--csv", file).code == 0
    )
    table = csv.read_csv(file)
    whole = data_set(one, one.designs[1], 9)
    assert table.column_names == ["cluster", "x", "y"]
    assert np.array_equal(table.column("x").to_numpy(), whole.x)
    assert np.array_equal(table.column("y").to_numpy(), whole.y)
    fitted = json.loads(call("fit", file, "y ~ x + (1 | cluster)", "--json").out)["fits"]
    found = json.loads(
        call("replay", folder, "--scenario", scenario, "--replication", 9, "--trust", "--json").out
    )
    by_label = {fit["label"]: fit for fit in found["fits"]}
    for fit in fitted:
        assert by_label[fit["label"]]["terms"] == fit["terms"]
        assert by_label[fit["label"]]["stored"] == by_label[fit["label"]]["refitted"]
    assert found["n_obs"] == whole.n_obs and found["replication"] == 9
    failure = by_label["fragile[limit=2]"]["failure"]
    assert (failure is None) == (whole.y.max() <= 2)


def test_it_prints_like_fit_with_the_stored_row_beside(done):
    _, folder = done
    stored = rows(folder, "fragile").to_pylist()
    failed = next(row for row in stored if row["status"] == "failed")
    place = ("--scenario", failed["scenario"], "--replication", failed["replication"])
    said = call("replay", folder, *place, "--trust")
    assert said.code == 0, said
    assert "Formula: y ~ x + (1 | cluster)" in said.out and "Fixed effects:" in said.out
    pooled = next(r for r in rows(folder, "pooled").to_pylist() if r["method"] == "pooled"
                  and r["scenario"] == failed["scenario"]
                  and r["replication"] == failed["replication"])  # fmt: skip
    lines = [line for line in said.out.splitlines() if line.startswith("pooled ")]
    assert len(lines) == 2 and all(repr(pooled["estimate"]) in line for line in lines)
    assert lines[1].endswith("identical")
    assert "raise ValueError" in said.out and said.out.count("ValueError: y is above 2") == 1
    assert "Residual SD: -, R-squared: -" not in said.out.split("--- ols")[1].split("--- The")[0]
    (line,) = [line for line in said.out.splitlines() if "random numbers of its own" in line]
    assert line.startswith("wild_bootstrap[draws=99], bootstrap: `fit` on the CSV")
    own = call("replay", folder, *place, "--method", "ols", "--trust").out
    assert "random numbers" not in own and "ValueError" not in own
    assert "noise" not in said.out


def test_a_replication_beyond_the_stored_ones_is_made_all_the_same(done):
    one, folder = done
    found = replay(folder, one.designs[0].id, 5000, trusted=True)
    assert {refit.verdict for refit in found.refits} == {"not stored"}
    assert all(refit.refitted is not None for refit in found.refits) and found.same


@pytest.mark.parametrize(
    ("scenario", "replication", "message"),
    [("0000", 1, "no scenario '0000'"), (None, 0, "whole number"), (None, "x", "whole number")],
)
def test_what_is_not_there_is_refused(done, scenario, replication, message):
    one, folder = done
    said = call("replay", folder, "--scenario", scenario or one.designs[0].id, "--replication",
                replication)  # fmt: skip
    assert message in assert_refused(said)


def test_another_folder_and_a_csv_that_cannot_be_written_are_refused(tmp_path, done):
    one, folder = done
    place = ("--scenario", one.designs[0].id, "--replication", 1)
    assert "study.yaml" in assert_refused(call("replay", tmp_path, *place))
    said = call("replay", folder, *place, "--csv", tmp_path / "none" / "d.csv")
    assert "cannot be written" in assert_refused(said)


def test_a_row_that_is_not_what_it_was_exits_1_and_names_the_method(tmp_path, done):
    one = study(["pooled", "dummy"], 20)
    execute(one, ResultsFolder(tmp_path), 1)
    for task in plan(one, []):
        keys = {"keys": {piece.id: parts.key_text(piece.key) for piece in task.pieces}}
        for part, names, found in parts_of(task, run_task(task)):
            found[1].estimate[:1] += 1e-9
            parts.write(ResultsFolder(tmp_path), part, names, found, provenance(one) | keys)
    codes = []
    for design in one.designs:
        said = call("replay", tmp_path, "--scenario", design.id, "--replication", 1)
        codes.append(said.code)
        if said.code:
            assert said.err == "not what is stored: dummy\n" and "different" in said.out
    assert 1 in codes


def test_a_changed_file_is_said_and_the_new_version_can_be_asked_for(tmp_path):
    files = written(tmp_path / "files").parent
    file = tmp_path / "own.yaml"
    file.write_text(
        "name: own\nseed: 5\nreplications: 20\nscenarios: {n_clusters: 6, cluster_size: 4, "
        "icc: 0, x_icc: 0.5, slope: 0}\nmethods: [pooled, {use: 'files/mine.py:ols'}]\n"
    )
    command = ("run", file, "--results", tmp_path, "--jobs", 1, "--no-report")
    assert call_process(*command, cwd=tmp_path).code == 0
    written(files, FILE.replace('"estimate": slope,', '"estimate": slope + 1,'))
    (design,) = load(file).designs
    place = ("replay", tmp_path / "own", "--scenario", design.id, "--replication", 3)
    said = call_process(*place, "--trust", cwd=tmp_path)
    assert said.code == 0 and "not refitted:" in said.out and "has changed" in said.out
    assert sum(line.endswith("identical") for line in said.out.splitlines()) == 1
    said = call_process(*place, "--method", "{use: 'files/mine.py:ols'}", "--json", cwd=tmp_path)
    (fit,) = json.loads(said.out)["fits"]
    old = rows(tmp_path / "own", "ols").to_pylist()[2]["estimate"]
    assert fit["verdict"] == "not stored" and fit["stored"] is None
    assert fit["refitted"]["estimate"] == pytest.approx(old + 1, rel=1e-14)


COVARIATES = GRID | {
    "cluster_size": {"uniform": [3, 9]}, "slope_sd": 0.3,
    "covariates": {"baseline": {"icc": 0.2, "slope": 0.5}, "site": {"icc": 1, "slope": 0.3}},
}  # fmt: skip
WITH_COVARIATES = [
    "pooled", {"pooled": {"se": "CR2"}}, "dummy", "random_intercept", "random_slope",
    {"random_intercept": {"omit": ["baseline"], "label": "unadjusted"}},
    {"random_intercept": {"estimand": "baseline", "null_value": 0.5, "label": "baseline"}},
    "within_between", "cluster_means", "gee",
]  # fmt: skip


def test_covariates_are_fitted_and_written_as_columns(tmp_path):
    one = study(WITH_COVARIATES, 40, COVARIATES)
    execute(one, ResultsFolder(tmp_path / "r"), 1)
    design = one.designs[0]
    file = tmp_path / "d.csv"
    for replication in (1, 33, 40):
        found = replay(tmp_path / "r", design.id, replication)
        assert {refit.verdict for refit in found.refits} <= {"identical", "equal"}
        fits = found.fits()
        for refit, fit in zip(found.refits, fits.fits, strict=True):
            assert fit.status == refit.stored["status"]
            for key in ("estimate", "std_error", "p_value"):
                assert fit.slope[key] == pytest.approx(refit.stored[key], rel=1e-6, abs=1e-10)
        found.write_csv(file)
        again = fit_file(file, "y ~ x + baseline + site + (1 | cluster)", WITH_COVARIATES)
        assert again.as_dict()["fits"] == fits.as_dict()["fits"]
    head = file.read_text().partition("\n")[0]
    assert head == "cluster,x,baseline,site,y"
    place = ("replay", tmp_path / "r", "--scenario", design.id, "--replication", 3, "--method")
    assert "takes no covariates" in assert_refused(call(*place, "wild_bootstrap"))
    said = call(*place, "gee: {omit: [site]}")
    assert said.code == 0 and "not stored" in said.out
    said = call(*place, "unadjusted", "--json")
    assert said.code == 0 and json.loads(said.out)["fits"][0]["omit"] == ["baseline"]


CHOSEN = [
    (("ols",), ["ols"]),
    (("wild_bootstrap",), ["wild_bootstrap[draws=99]"]),
    (("pooled",), ["pooled"]),
    (("pooled[se=CR2]",), ["pooled[se=CR2]"]),
    (("fragile", "fragile[limit=2]", "gee"), ["fragile[limit=2]", "gee"]),
    (("{pooled: {se: CR1}}", "dummy"), ["pooled[se=CR1]", "dummy"]),
]


@pytest.mark.parametrize(("names", "labels"), CHOSEN)
def test_methods_of_the_study_are_chosen_by_label_or_name(done, names, labels):
    one, folder = done
    asked = [word for name in names for word in ("--method", name)]
    place = ("--scenario", one.designs[0].id, "--replication", 7, *asked, "--json", "--trust")
    said = call("replay", folder, *place)
    fits = json.loads(said.out)["fits"]
    assert [fit["label"] for fit in fits] == labels
    for fit in fits:
        asked_anew = fit["label"] == "pooled[se=CR1]"
        assert fit["verdict"] == ("not stored" if asked_anew else "identical")
    said = call(
        "replay", folder, *place[:4], "--method", one.methods[-4].canonical, "--json", "--trust"
    )
    (fit,) = json.loads(said.out)["fits"]
    assert fit["label"] == "ols" and set(fit["extras"]) == {"largest"}
    assert "unknown method 'olz'" in assert_refused(
        call("replay", folder, *place[:4], "--method", "olz")
    )


def test_a_file_that_moved_can_be_named_where_it_is(tmp_path):
    files = written(tmp_path / "files").parent
    one = study([use(files, "fragile", limit=99.5), "pooled"], 10)
    execute(one, ResultsFolder(tmp_path / "r"), 1)
    files.rename(tmp_path / "there")
    place = ("replay", tmp_path / "r", "--scenario", one.designs[0].id, "--replication", 3)
    said = call_process(*place, "--trust", cwd=tmp_path)
    assert said.code == 0 and "No such file" in said.out
    hint = """--method '{use: "there/mine.py:fragile", limit: 99.5}'"""
    assert hint in said.out
    entry = hint.removeprefix("--method '").removesuffix("'")
    again = call_process(*place, "--method", entry, "--json", cwd=tmp_path)
    (fit,) = json.loads(again.out)["fits"]
    assert fit["verdict"] == "identical" and fit["options"] == {"limit": 99.5}


def test_a_data_set_too_large_to_hold_is_refitted_from_its_moments(tmp_path):
    grid = GRID | {"n_clusters": 30, "cluster_size": 100_000}
    one = study(["pooled", "random_intercept"], 20, grid)
    execute(one, ResultsFolder(tmp_path), 1)
    place = ("replay", tmp_path, "--scenario", one.designs[0].id, "--replication", 3)
    said = call(*place)
    assert said.code == 0 and said.out.count("identical") == 2 and "Formula" not in said.out
    assert json.loads(call(*place, "--json").out)["n_obs"] is None
    assert "more than 2,000,000 units" in assert_refused(call(*place, "--csv", tmp_path / "d.csv"))
