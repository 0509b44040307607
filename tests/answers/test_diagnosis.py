"""The diagnosis of one analysis: what is simulated of it, what comes out, and what is said."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from helpers_cells import cells
from helpers_cli import ROOT, TWO_CLASSROOMS, call

import simstudy
from simstudy.answers.diagnosis.diagnosis import Diagnosis, diagnose
from simstudy.answers.diagnosis.shape import excess_kurtosis, skewness
from simstudy.answers.diagnosis.wording import nouns
from simstudy.errors import UserError
from simstudy.study.study import load
from simstudy.theory.answers import answer

SLEEP = ROOT / "tests" / "reference" / "sleepstudy.csv"
OLS = {"se": "classical", "df": "residual"}


def frame(seed: int = 1) -> pd.DataFrame:
    """Ten schools of unequal size: a treatment of schools, x and z of pupils, text."""
    rng = np.random.default_rng(seed)
    sizes = np.array([3, 9, 4, 12, 6, 8, 5, 10, 7, 6])
    school = np.repeat(np.arange(10), sizes)
    data = pd.DataFrame({"school": school, "treated": school % 2})
    data["x"] = rng.standard_normal(school.size) + 0.5 * rng.standard_normal(10)[school]
    data["z"] = rng.standard_normal(school.size)
    data["arm"] = rng.choice(["a", "b", "c"], school.size)
    data["y"] = 0.3 * data.x + rng.standard_normal(10)[school] + rng.standard_normal(school.size)
    return data


@cache
def treated() -> Diagnosis:
    return diagnose(frame(), "y ~ treated + (1 | school)", replications=1000)


def of(found: Diagnosis, method: str, level: str = "estimate"):
    return next(one for one in found.answers if one.method == method and level in one.level.names)


# --- what comes out ---------------------------------------------------------------------------


def test_size_and_p_values_are_those_of_exact_theory():
    """Of the pooled test of this very design, at each ICC: z of size, coverage and smaller p."""
    found = treated()
    pooled = [one for one in found.answers if one.method == "pooled"]
    file, beside = found.world.write(Path(tempfile.mkdtemp()) / "s.yaml")
    own = pooled[0].fit.slope["p_value"]
    for one, design in zip(pooled, load(file).designs, strict=True):
        null = replace(design.scenario, slope=0.0)
        exact = [answer(null, "pooled", OLS, "rejection_rate", alpha) for alpha in (0.05, own)]
        assert all(known.kind == "exact" for known in exact)
        said = (one.size, 0.0), (one.coverage, 1.0), (one.smaller_p, 0.0)
        for (number, start), known in zip(said, (exact[0], exact[0], exact[1]), strict=True):
            assert abs(number.value - abs(start - known.value)) < 4.0 * number.mcse
    assert pooled[0].size.value < pooled[1].size.value < pooled[2].size.value
    beside.unlink(), file.unlink(), file.parent.rmdir()


def test_the_design_effect_is_that_of_theory():
    """With covariates, of this x, at each ICC; and effective units go with it."""
    found = diagnose(frame(), "y ~ x + z + C(arm) + treated + (1 | school)", replications=2)
    with tempfile.TemporaryDirectory() as folder:
        designs = load(found.world.write(Path(folder) / "s.yaml")[0]).designs
    for level, design in zip(found.world.levels, designs, strict=True):
        assert level.design_effect == pytest.approx(
            design.design_effect, rel=2e-3
        )  # icc is rounded
        for name in level.names:
            units = found.design["effective_units"][name]
            assert units == pytest.approx(70 / level.design_effect)


def test_power_is_at_the_slope_that_was_fitted():
    """Of data drawn anew at that slope, by the same study with a slope of 0 beside it: z."""
    found = treated()
    with tempfile.TemporaryDirectory() as folder:
        file, _ = found.world.write(Path(folder) / "s.yaml")
        document = found.world.study(str(file.with_suffix(".csv")), "other") | {"seed": 7}
        document["scenarios"] = [one | {"slope": [0, one["slope"]]}
                                 for one in document["scenarios"][1:2]]  # fmt: skip
        document["methods"] = document["methods"][::2]
        summary = simstudy.run(document, results=folder, report=False).summary
    rates = summary[summary.measure == "rejection_rate"].set_index(["slope", "method"])
    for one in (one for one in found.answers if "estimate" in one.level.names):
        for slope, number in ((0.0, one.size), (one.slope, one.power)):
            row = rates.loc[(slope, one.method)]
            spread = (row.mcse**2 + number.mcse**2) ** 0.5
            assert abs(row.value - number.value) < 4.0 * spread


def test_a_random_slope_is_simulated_as_it_was_fitted():
    """Of lme4's example: G over sigma2 at the estimate, and both variances at both ends."""
    found = diagnose(SLEEP, "y ~ x + (1 + x | cluster)", replications=2)
    scenarios = found.world.study("f.csv", "s")["scenarios"]
    middle = scenarios[1]
    assert middle["icc"] == pytest.approx(612.10 / (612.10 + 654.94), abs=1e-4)
    assert middle["slope_sd"] == pytest.approx(5.9221, rel=1e-4)
    assert middle["slope_correlation"] == pytest.approx(0.06555, abs=1e-4)
    assert middle["within_variance"] == pytest.approx(654.94, rel=1e-4)
    odds = [one["icc"] / (1 - one["icc"]) for one in scenarios]
    for one, odd in zip(scenarios, odds, strict=True):
        assert one["slope_sd"] ** 2 / middle["slope_sd"] ** 2 == pytest.approx(
            odd / odds[1], rel=1e-3
        )
    assert odds[0] < odds[1] < odds[2]


def test_residuals_far_from_normal_are_drawn_from(tmp_path):
    rng = np.random.default_rng(4)
    school = np.repeat(np.arange(40), 6)
    data = pd.DataFrame({"school": school, "x": school % 2})
    data["y"] = rng.lognormal(0, 1, 240) + rng.lognormal(0, 1, 40)[school]
    found = diagnose(data, "y ~ x + (1 | school)", replications=20)
    assert found.world.resampled == ("errors", "cluster_effects")
    assert [one["errors"] for one in found.as_dict()["answers"][-5:]] == ["resampled"] * 5
    file, beside = found.world.write(tmp_path / "own.yaml")
    columns = pd.read_csv(beside)
    within = data.y - data.y.groupby(school).transform("mean")
    assert columns.errors.to_numpy() == pytest.approx(within.to_numpy() * (6 / 5) ** 0.5)
    slope = found.world.slopes["x"]
    means = (data.y - slope * data.x).groupby(school).mean()
    assert columns.cluster_effects.dropna().diff()[1:].to_numpy() == pytest.approx(
        means.diff().to_numpy()[1:]
    )
    parts = [dict(design.scenario.parts) for design in load(file).designs]
    assert [sorted(part) for part in parts] == [[], [], [], ["cluster_effects", "errors"]]
    assert "far from normal" in found.words[-1]


def test_moments_of_shapes():
    values = np.array([0.0, 0.0, 0.0, 4.0])
    assert skewness(values) == pytest.approx(2 / 3**0.5)
    assert excess_kurtosis(values) == pytest.approx(7 / 3 - 3)
    assert skewness(np.ones(3)) == excess_kurtosis(np.ones(3)) == 0.0


# --- the study file ---------------------------------------------------------------------------


def test_the_study_file_gives_the_same_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame().to_csv("data.csv", index=False)
    formula = "y ~ x + C(arm) + x:z + (1 | school)"
    arguments = ("data.csv", formula, "--replications", 60, "--json", "--study", "own.yaml")
    ran = call("diagnose", *arguments)
    assert ran.code == 0 and "written: own.yaml, own.csv" in ran.err
    told = json.loads(ran.out)
    assert list(told) == ["design", "fits", "answers", "words"]
    assert call("run", "own.yaml", "--no-report", "--quiet").code == 0
    rows = pq.read_table("results/own/summary.parquet").to_pandas()
    rows = rows.set_index(["icc", "method", "measure"]).value
    iccs = [one["icc"] for one in told["answers"]]
    written = sorted({icc for icc, _, _ in rows.index})
    assert len(written) == 3 and np.unique(iccs) == pytest.approx(written, abs=1e-4)
    for one in told["answers"]:
        icc = written[int(np.argmin(np.abs(np.array(written) - one["icc"])))]
        cells_of = {
            "size": (f"{one['method']}, true null", "rejection_rate"),
            "power": (one["method"], "rejection_rate"),
            "coverage": (one["method"], "coverage"),
            "se_bias": (one["method"], "relative_error_model_se"),
        }
        assert {name: rows[(icc, *cell)] for name, cell in cells_of.items()} == {
            name: one[name] for name in cells_of
        }


def test_nothing_is_left_behind_or_written_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    formula = "posttest ~ pretest + (1 | classroom)"
    assert call("diagnose", TWO_CLASSROOMS, formula, "--replications", 20).code == 0
    assert list(tmp_path.iterdir()) == []

    def interrupted(*given, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("simstudy.answers.diagnosis.answer.summarize_study", interrupted)
    ran = call("diagnose", TWO_CLASSROOMS, formula, "--replications", 20)
    assert (ran.code, ran.err) == (130, "interrupted\n")  # and no word of ranges that are kept
    assert list(tmp_path.iterdir()) == []
    Path("own.csv").write_text("mine")
    ran = call("diagnose", TWO_CLASSROOMS, formula, "--study", "own.yaml")
    assert ran.code == 2 and "own.csv is there already" in ran.err
    assert Path("own.csv").read_text() == "mine" and not Path("own.yaml").exists()


def test_the_seed_is_the_data():
    """The same numbers again; others with another seed or another outcome."""
    formula, data = "y ~ x + (1 | school)", frame()

    def biases(given: pd.DataFrame, **more: int) -> list[float]:
        answers = diagnose(given, formula, replications=100, **more).answers
        return [one.se_bias.value for one in answers]

    first = biases(data)
    assert biases(data.copy()) == first
    assert biases(data, seed=3) != first and biases(data.assign(y=data.y + data.z)) != first


# --- what is said -----------------------------------------------------------------------------


def test_words_of_treated_schools():
    found = treated()
    pooled, mixed = of(found, "pooled"), of(found, "random_intercept")
    text = " ".join(found.words)
    assert "10 schools of 3 to 12 units; treated is the same for all units of a school." in text
    rejected = f"a true null is rejected {100 * pooled.size.value:.0f} % of the time"
    assert f"Ignoring the schools, {rejected} in a design like yours (at an ICC of" in text
    share = f"{100 * pooled.smaller_p.value:.0f} %"
    assert f"such a p or a smaller one comes up in {share} of data sets without an effect" in text
    assert pooled.verdict == "liberal" and mixed.holds
    assert "Of the methods that hold their level, a random intercept (Kenward-Roger)" in text
    assert "these reject a true null too often, at worst: a cluster-robust z test (CR0)" in text
    assert len(found.words) <= 10 and str(found).endswith(found.words[-1][-20:])


WORDS = {
    "harmless": ("y ~ x + (1 | id)", {"y": lambda d: d.z, "id": lambda d: d.school},
                 ["10 clusters of 3 to 12 units"]),
    "no icc": ("y ~ z + (1 | school)",
               {"y": lambda d: d.y - d.groupby("school").y.transform("mean")},
               ["schools differ in y even less than chance", "are as good as independent"]),
    "context": ("y ~ x + (1 | school)",
                {"y": lambda d: d.y + 9 * d.groupby("school").x.transform("mean")},
                ["within schools and", "one slope for both was simulated"]),
    "two values": ("y ~ x + (1 | school)", {"y": lambda d: 1.0 * (d.y > 0)}, ["y has two values"]),
    "no p is 0": ("y ~ x + (1 | school)", {"y": lambda d: 1e6 * d.x + d.y},
                  ["Your p below 2e-16", "came up in none of 200 data sets"]),
    "unknown icc": ("y ~ treated + (1 | school)", {"school": lambda d: d.treated},
                    ["ICCs of .00, .05 and .20 are assumed"]),
}  # fmt: skip


@cells("case", list(WORDS))
def test_words_of_unusual_data(case: str):
    formula, changes, expected = WORDS[case]
    found = diagnose(frame().assign(**changes), formula, replications=200)
    text = " ".join(found.words)
    assert [words for words in expected if words not in text] == []
    json.dumps(found.as_dict(), allow_nan=False)


NOUNS = {
    "school": ("school", "schools"), "School": ("school", "schools"), "class": ("class", "classes"),
    "study": ("study", "studies"), "school_id": ("school", "schools"), "clinicID": ("clinic",
    "clinics"), "schoolid": ("cluster", "clusters"), "g": ("cluster", "clusters"),
    "Klasse 1": ("cluster", "clusters"), "day": ("day", "days"), "village.no": ("village",
    "villages"),
}  # fmt: skip


def test_one_data_set_has_words():
    """A rate of one replication has no Monte Carlo error; the best is as good as itself."""
    found = diagnose(frame(), "y ~ treated + (1 | school)", replications=1)
    assert "Your p" in " ".join(found.words)


@cells("column", NOUNS)
def test_clusters_are_called_by_their_column(column: str):
    assert nouns(column) == NOUNS[column]


def test_columns_whose_names_are_taken():
    """By fields of a study, by residuals, and by each other once they are plain."""
    data = frame().rename(columns={"school": "cluster_effects", "x": "errors", "z": "slope"})
    data["C_arm_T_b"] = data.slope**2
    formula = "y ~ errors + slope + C_arm_T_b + C(arm) + (1 | cluster_effects)"
    found = diagnose(data, formula, replications=2)
    assert list(found.world.columns) == [
        "cluster_effects_", "errors_", "slope_", "C_arm_T_b", "C_arm_T_b_", "C_arm_T_c",
    ]  # fmt: skip


def test_another_term_is_asked_for():
    """A level of a factor, with its own x_icc and fits; the first is a covariate then."""
    found = diagnose(frame(), "y ~ x + C(arm) + (1 | school)", term="C(arm)[T.c]", replications=5)
    assert found.design["term"] == "C(arm)[T.c]" and list(found.design["x_icc"])[1] == "x"
    fitted = simstudy.fit(frame(), "y ~ x + C(arm) + (1 | school)").fits[2]
    term = next(one for one in fitted.terms if one["term"] == "C(arm)[T.c]")
    assert of(found, "random_intercept").fit.slope["estimate"] == pytest.approx(term["estimate"])


REFUSED = [
    ("y ~ x + z + (1 | school)", {}, "q", "--term q: no such coefficient; known: x, z"),
    ("y ~ x + w + (1 | school)", {"w": lambda d: 2 * d.x}, "w", "it is not in the model"),
    ("y ~ x + z + (1 + x | school)", {}, "z", "the slope of x varies, and it is what is tested"),
    ("y ~ x + (1 | school)", {"school": 1}, None, "at least 2 clusters are needed"),
    ("y ~ x + (1 | school)", {"y": lambda d: d.x}, None, "no method has a test of x"),
    ("y ~ x + (1 | school)", {"x": 1.0}, None, "x does not vary"),
    ("y ~ x + (1 | school)", {"y": lambda d: d.school**2}, None, "nothing is left of y within"),
    ("y ~ x + (1 | school)", {"y": lambda d: d.y * 1e9, "x": lambda d: d.x / 1e9}, None,
     "measure in other units"),
]  # fmt: skip


@cells("refused", REFUSED)
def test_refused(refused):
    formula, changes, term, message = refused
    with pytest.raises(UserError) as error:
        diagnose(frame().assign(**changes), formula, term=term, replications=2)
    assert message in str(error.value)


def test_rows_with_missing_values_and_a_lost_school_are_left_out(tmp_path):
    data = frame()
    data.loc[data.school == 3, "y"] = np.nan
    data.loc[:1, "x"] = np.nan
    data.to_csv(tmp_path / "lost.csv", index=False)
    arguments = ("y ~ x + (1 | school)", "--replications", 5, "--figure", tmp_path / "f.svg")
    ran = call("diagnose", tmp_path / "lost.csv", *arguments)
    assert ran.code == 0 and "14 rows with missing values dropped (y: 12; x: 2)" in ran.err
    assert "school, clusters                      9" in ran.out
    picture = (tmp_path / "f.svg").read_text()
    assert picture.count("<svg") == 1 and "written: " in ran.out


# --- how good it is ---------------------------------------------------------------------------


@pytest.mark.slow
def test_what_is_said_of_ignoring_clusters_holds_what_is_true(monkeypatch):
    """Of 20 known worlds; the 500 of benchmarks/diagnosis.py are in docs/diagnose.md."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from diagnosis import said_of

    held = [said_of(k, seed=5, replications=100).holds for k in range(20)]
    assert sum(held) >= 16  # at .95 fewer are there once in 3,000 times
