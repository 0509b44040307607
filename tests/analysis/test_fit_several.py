"""`fit` with several predictors: R's answers for every term, and what is said of the others."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest
from helpers_cli import ROOT, TWO_CLASSROOMS, assert_refused, call

import simstudy
from simstudy.registry import configure

pytestmark = pytest.mark.slow

MULTI = ROOT / "tests" / "reference_multi"
SETS = sorted(file.stem for file in MULTI.glob("*.json"))
ROUNDING, ROUNDING_DF, OPTIMISER, CRITERION = 1e-10, 1e-9, 1e-6, 1e-8
HSB = MULTI / "hsb82_three.csv"
HSB_FORMULA = "y ~ ses + meanses + catholic + (1 | cluster)"


@cache
def known(name):
    told = json.loads((MULTI / f"{name}.json").read_text(encoding="utf-8"))
    predictors = told["predictors"]
    predictors = [predictors] if isinstance(predictors, str) else predictors
    return told, f"y ~ {' + '.join(predictors)} + (1 | cluster)"


def answers(told):
    """Methods as `fit` takes them, the rows of R, and how close these are."""
    yield "pooled", told["pooled"]["terms"], ROUNDING
    yield "dummy", told["dummy"]["terms"], ROUNDING
    for se in ("CR0", "CR1", "CR1S", "CR2", "CR3"):
        df = "clusters" if se in ("CR1", "CR1S") else "satterthwaite"
        yield {"pooled": {"se": se, "df": df}}, told[se]["terms"], ROUNDING
    for se in ("CR0", "CR2"):
        yield ({"dummy": {"se": se, "df": "satterthwaite"}}, told[f"dummy_{se}"]["terms"],
               ROUNDING)  # fmt: skip
    for estimator, of in told["random_intercept"].items():
        for df in ("wald", "satterthwaite", "kenward_roger"):
            if df in of:
                options = {"estimator": estimator, "df": df}
                yield {"random_intercept": options}, of[df]["terms"], OPTIMISER


def close(found, row, tolerance):
    df_tolerance = ROUNDING_DF if tolerance == ROUNDING else tolerance
    se = row["std_error"]
    if se < 1e-14:  # zero but for R's rounding
        assert found["std_error"] is None
        return
    assert found["estimate"] == pytest.approx(row["estimate"], rel=tolerance, abs=tolerance * se)
    assert found["std_error"] == pytest.approx(se, rel=tolerance)
    if row.get("df") is not None:
        assert found["df"] == pytest.approx(row["df"], rel=df_tolerance)
    t = found["estimate"] / found["std_error"]
    assert found["statistic"] == pytest.approx(t, rel=1e-12)
    assert found["ci_low"] < found["estimate"] < found["ci_high"]


@pytest.mark.parametrize("name", SETS)
def test_every_term_of_every_method_is_that_of_r(name):
    told, formula = known(name)
    methods, rows, tolerances = zip(*answers(told), strict=True)
    whole = simstudy.fit(MULTI / f"{name}.csv", formula, methods).as_dict()
    assert (whole["n_obs"], whole["n_clusters"]) == (told["n_obs"], told["n_clusters"])
    for fit, of_r, tolerance in zip(whole["fits"], rows, tolerances, strict=True):
        terms = {term["term"]: term for term in fit["terms"]}
        absent = np.atleast_1d(told["dummy"]["absent"] if fit["method"] == "dummy" else [])
        assert [t for t in terms if t not in absent] == [row["term"] for row in of_r]
        for row in of_r:
            close(terms[row["term"]], row, tolerance)
        for term in absent:
            assert set(terms[term].values()) == {term, None} and term in fit["message"]
    pooled, dummy = whole["fits"][:2]
    assert pooled["sigma"] == pytest.approx(told["pooled"]["sigma"], rel=ROUNDING)
    assert pooled["r_squared"] == pytest.approx(told["pooled"]["r_squared"], rel=ROUNDING)
    assert dummy["sigma"] == pytest.approx(told["dummy"]["sigma"], rel=ROUNDING)


@pytest.mark.parametrize("name", SETS)
def test_variances_and_criteria_are_those_of_lme4_on_the_command_line(name):
    told, formula = known(name)
    ran = call("fit", MULTI / f"{name}.csv", formula, "--json", "--method", "random_intercept",
               "--method", "random_intercept: {estimator: ml}")  # fmt: skip
    assert ran.code == 0 and not ran.err
    for fit, estimator in zip(json.loads(ran.out)["fits"], ("reml", "ml"), strict=True):
        of_r = told["random_intercept"][estimator]
        assert fit["criterion"] == pytest.approx(of_r["criterion"], abs=CRITERION)
        tau2, sigma2 = (row["vcov"] for row in of_r["varcorr"])
        assert fit["tau2"] == pytest.approx(tau2, rel=1e-5, abs=1e-9 * sigma2)
        assert fit["sigma2"] == pytest.approx(sigma2, rel=OPTIMISER)
        assert fit["icc"] == pytest.approx(tau2 / (tau2 + sigma2), rel=1e-5, abs=1e-9)
        assert (fit["status"] == "boundary") == of_r["singular"]
        effect = {"term": "(Intercept)", "variance": fit["tau2"], "correlation": None}
        assert fit.get("random_effects", [effect]) == [effect]


@pytest.mark.parametrize("name", [name for name in SETS if "random_slope" in known(name)[0]])
def test_random_slopes_are_those_of_lme4(name):
    told, _ = known(name)
    ((slope, of_both),) = told["random_slope"].items()
    predictors = told["predictors"] if isinstance(told["predictors"], list) else [slope]
    others = [x for x in predictors if x != slope]
    formula = f"y ~ {' + '.join([slope, *others])} + (1 + {slope} | cluster)"
    for estimator, of_r in of_both.items():
        for df in ("wald", "satterthwaite", "kenward_roger"):
            if df not in of_r:
                continue
            method = {"random_slope": {"estimator": estimator, "df": df}}
            (fit,) = simstudy.fit(MULTI / f"{name}.csv", formula, [method]).as_dict()["fits"]
            assert fit["criterion"] <= of_r["criterion"] + CRITERION
            terms = {term["term"]: term for term in fit["terms"]}
            for row in of_r[df]["terms"]:
                close(terms[row["term"]], row, 1e-4 if of_r["singular"] else 1e-5)
            check_effects(fit, of_r, slope)


def check_effects(fit, of_r, slope):
    vcov = {(row["var1"], row["var2"]): row["vcov"] for row in of_r["varcorr"]}
    intercept, second = fit["random_effects"]
    assert [intercept["term"], second["term"]] == ["(Intercept)", slope]
    variances = vcov["(Intercept)", None], vcov[slope, None]
    assert [intercept["variance"], second["variance"]] == pytest.approx(variances, rel=1e-4)
    correlation = vcov["(Intercept)", slope] / np.sqrt(np.prod(variances))
    assert second["correlation"] == pytest.approx(correlation, abs=1e-4)
    assert fit["icc"] is None and (fit["status"] == "boundary") == of_r["singular"]


# what a user sees


def test_a_survey_is_printed_as_lmer_prints_it():
    ran = call("fit", HSB, HSB_FORMULA)
    assert ran.code == 0 and not ran.err
    assert ran.out.startswith(f"Formula: {HSB_FORMULA}\n\n--- pooled")
    rows = [
        "(Intercept)  12.1282     0.1992  165.00  60.880   <2e-16 11.7349 12.5216",
        "ses           2.1912     0.1087 7025.09  20.163   <2e-16  1.9781  2.4042",
        "meanses       5.3363     0.3690  155.73  14.462   <2e-16  4.6074  6.0651",
        "catholic      1.2246     0.3061  154.30   4.001 9.77e-05  0.6199  1.8293",
    ]
    assert "\n".join(rows) in ran.out
    assert "meanses, catholic: absorbed by the dummies (constant within clusters)" in ran.out
    table = ran.out.partition("option  ")[2].splitlines()[1:]
    assert table[2].split() == ["multilevel", "(random", "intercept)", "y", "=", "12.13", "+",
                                "2.191", "ses", "+", "...", "0.1087", "-", "6.08", "4", "+", "1",
                                "variance"]  # fmt: skip
    assert [line.split()[-1] for line in table[:2]] == ["4", "161"]


def test_a_random_slope_is_fitted_unasked_and_printed_with_its_correlation():
    formula = "y ~ days + (1 + days | cluster)"
    text = call("fit", MULTI / "sleepstudy_slope.csv", formula).out
    assert [line.split(":")[0] for line in text.splitlines() if line.startswith("--- ")] == [
        "--- pooled", "--- dummy", "--- random_intercept", "--- random_slope",
        "--- The options compared",
    ]  # fmt: skip
    assert (
        """\
Groups   Name        Variance Std.Dev. Corr
cluster  (Intercept)   612.09   24.740
         days           35.07    5.922 0.07
Residual               654.94   25.592
"""
        in text
    )
    other = simstudy.fit(MULTI / "sleepstudy_slope.csv", "y ~ days + (days || cluster)")
    assert other.fits[3].method.canonical == "random_slope[correlated=false]"
    assert other.fits[3].random_effects[1]["correlation"] is None
    assert "KR, uncorrelated" in str(other) or "uncorrelated" in str(other)


@pytest.fixture
def frame():
    rng = np.random.default_rng(8)
    g = np.repeat([f"s{k}" for k in range(14)], rng.integers(4, 9, 14))
    n = g.size
    frame = pd.DataFrame({"g": g, "x": rng.normal(size=n), "z": rng.normal(size=n),
                          "arm": rng.choice(["a", "b", "c"], n), "sex": rng.choice(["f", "m"], n),
                          "site": (np.unique(g, return_inverse=True)[1] % 2)})  # fmt: skip
    frame["y"] = frame.x + rng.normal(size=14)[np.unique(g, return_inverse=True)[1]]
    frame["y"] += rng.normal(size=n)
    return frame


def least_squares(frame, columns):
    design = np.column_stack([np.ones(len(frame)), *columns]).astype(float)
    beta, rss, *_ = np.linalg.lstsq(design, frame.y.to_numpy(), rcond=None)
    variance = rss[0] / (len(frame) - design.shape[1]) * np.linalg.inv(design.T @ design)
    return beta, np.sqrt(np.diag(variance))


def test_words_and_interactions_by_their_columns(frame):
    fits = simstudy.fit(frame, "y ~ x * sex + arm + C(site) + (1 | g)", ["pooled"])
    (fit,) = fits.fits
    male, b, c = frame.sex == "m", frame.arm == "b", frame.arm == "c"
    columns = {"x": frame.x, "sex[T.m]": male, "arm[T.b]": b, "arm[T.c]": c,
               "C(site)[T.1]": frame.site == 1, "x:sex[T.m]": frame.x * male}  # fmt: skip
    assert [term["term"] for term in fit.terms] == ["(Intercept)", *columns]
    beta, errors = least_squares(frame, columns.values())
    assert [t["estimate"] for t in fit.terms] == pytest.approx(beta.tolist(), rel=1e-9)
    assert [t["std_error"] for t in fit.terms] == pytest.approx(errors.tolist(), rel=1e-9)
    head = str(fits).partition("\n\n")[0].splitlines()
    assert head[1:] == ["sex: f is the reference", "arm: a is the reference",
                        "C(site): 0 is the reference"]  # fmt: skip


def test_three_words_are_levels_whether_alone_or_not(frame):
    alone, both = (simstudy.fit(frame, f"y ~ arm{more} + (1 | g)") for more in ("", " + x"))
    for fits in (alone, both):
        names = [term["term"] for term in fits.fits[0].terms]
        assert names[:3] == ["(Intercept)", "arm[T.b]", "arm[T.c]"]
        assert "arm: a is the reference" in str(fits)


def test_one_order_of_predictors_is_as_good_as_another(frame):
    methods = ["pooled", {"pooled": {"se": "CR2"}}, "dummy", "random_intercept", "cluster_means",
               "within_between", "gee", "pretest"]  # fmt: skip
    one, other = (simstudy.fit(frame, f"y ~ {terms} + (1 | g)", methods).fits
                  for terms in ("x + z + site", "x + site + z"))  # fmt: skip
    for a, b in zip(one, other, strict=True):
        for term in a.terms:
            (same,) = [t for t in b.terms if t["term"] == term["term"]]
            for key, value in term.items():
                exact = key == "term" or value is None
                assert same[key] == (value if exact else pytest.approx(value, rel=1e-7))
        assert a.status == b.status
        for key, value in a.numbers.items():
            assert b.numbers[key] == (None if value is None else pytest.approx(value, rel=1e-8))


# columns that are not there, or that a method has nothing of


def test_dropped_columns_levels_and_rows_are_said(frame, tmp_path):
    frame["both"] = frame.x + 2 * frame.z
    frame["seven"] = 7
    frame.loc[frame.arm == "c", "z"] = np.nan
    frame.loc[0, "g"] = "NA"
    frame.to_csv(tmp_path / "d.csv", index=False)
    lost = int((frame.z.isna() | (frame.g == "NA")).sum())
    formula = "y ~ x + z + arm + both + seven + (1 | g)"
    ran = call("fit", tmp_path / "d.csv", formula)
    assert ran.code == 0
    z = int(frame.z.isna().sum())
    assert ran.err == f"{lost} rows with missing values dropped (z: {z}; g: 1 ('NA' 1))\n"
    assert ran.out.splitlines()[1:5] == [
        "arm: a is the reference",
        "arm: level c without a complete row dropped",
        "both dropped: a linear combination of the intercept, x and z",
        "seven dropped: constant",
    ]
    ran = call("fit", tmp_path / "d.csv", formula, "--json")
    assert json.loads(ran.out)["dropped"] == [
        {"term": "both", "reason": "a linear combination of the intercept, x and z"},
        {"term": "seven", "reason": "constant"},
    ]
    assert len(ran.err.splitlines()) == 5 and "seven dropped: constant" in ran.err


def test_what_the_dummies_absorb_changes_nothing(frame):
    frame["shifted"] = frame.x + 3.0 * frame.site  # within clusters the same as x
    (long,) = simstudy.fit(frame, "y ~ site + x + z + shifted + (1 | g)", ["dummy"]).fits
    (short,) = simstudy.fit(frame, "y ~ x + z + (1 | g)", ["dummy"]).fits
    assert long.status == "not_estimable"
    assert "shifted" not in [term["term"] for term in long.terms]  # of site and x altogether
    assert long.message == "site: absorbed by the dummies (constant within clusters)"
    assert long.terms[1:] == short.terms
    assert (long.numbers["sigma"], short.message) == (short.numbers["sigma"], None)
    frame["shifted"] += frame.site.where(frame.g != "s1", 5.0)
    (more,) = simstudy.fit(frame, "y ~ x + z + shifted + (1 | g)", ["dummy"]).fits
    assert more.message == "shifted: a combination of the others within clusters"
    assert more.terms[:2] == short.terms and more.status == "ok"


def test_cluster_means_know_nothing_of_what_is_centred():
    means, plain = (simstudy.fit(HSB, f"y ~ meanses + catholic{more} + (1 | cluster)",
                                 ["cluster_means"]).fits[0]
                    for more in (" + ses", ""))  # fmt: skip
    assert means.message == "ses: does not vary between clusters"
    assert means.terms[:-1] == plain.terms
    assert means.numbers == plain.numbers


def test_within_slopes_are_those_of_the_dummies():
    formula = "y ~ x + z + treat + (1 | cluster)"
    within, dummy = simstudy.fit(
        MULTI / "small_three.csv", formula, ["within_between", "dummy"]
    ).fits
    slopes = [[t["estimate"] for t in fit.slopes[:2]] for fit in (within, dummy)]
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-12)
    assert within.message == "treat: constant within clusters"
    assert within.slopes[2]["estimate"] is None


@pytest.mark.parametrize("clusters", [2, 5])
def test_coefficients_of_dummies_beside_several_predictors(frame, clusters):
    few = frame[frame.g.isin([f"s{k}" for k in range(clusters)])]
    (fit,) = simstudy.fit(few, "y ~ x + site + z + (1 | g)", ["dummy"], clusters=True).fits
    dummies = [few.g == label for label in sorted(set(few.g))[1:]]
    beta, errors = least_squares(few, [*dummies, few.x, few.z])
    assert [t["estimate"] for t in fit.clusters] == pytest.approx(beta[:-2].tolist(), rel=1e-9)
    assert [t["std_error"] for t in fit.clusters] == pytest.approx(errors[:-2].tolist(), rel=1e-9)


def test_separate_regressions_have_all_predictors(frame):
    few = frame[frame.g.isin(["s0", "s1", "s2"])]
    text = str(simstudy.fit(few, "y ~ x + z + site + (1 | g)", ["pooled"]))
    for label, rows in few.groupby("g"):
        beta, errors = least_squares(rows, [rows.x, rows.z])
        (line,) = [line for line in text.splitlines() if line.startswith(f"{label} ")]
        slope = f"{abs(beta[1]):.4g}"[:5]
        assert f"{slope}" in line and " x + ..." in line and f"{errors[1]:.4f}"[:6] in line
    assert "separate (3 lines)" in text
    (spent,) = [line.split()[-1] for line in text.splitlines() if line.startswith("separate (")]
    assert spent == "9"


# methods


def test_wild_bootstrap_is_refused_with_several_predictors():
    line = assert_refused(call("fit", HSB, HSB_FORMULA, "--method", "wild_bootstrap"))
    what = "write 'wild_bootstrap: {omit: [meanses, catholic]}'"
    assert line == f"wild_bootstrap: wild_bootstrap takes no covariates; {what}"
    method = "wild_bootstrap: {omit: [meanses, catholic], label: wild}"
    alone = call("fit", HSB, HSB_FORMULA, "--method", method)
    assert alone.code == 0 and "wild" in alone.out


def test_a_covariate_may_be_left_out_or_be_what_is_tested():
    methods = [{"random_intercept": {"omit": ["catholic"], "label": "without"}},
               {"random_intercept": {"estimand": "meanses", "null_value": 5, "label": "about 5"}},
               "random_intercept"]  # fmt: skip
    without, about, plain = simstudy.fit(HSB, HSB_FORMULA, methods).fits
    (short,) = simstudy.fit(HSB, "y ~ ses + meanses + (1 | cluster)", ["random_intercept"]).fits
    assert without.terms == short.terms and without.numbers == short.numbers
    assert without.as_dict()["omit"] == ["catholic"]
    assert about.slope["term"] == "meanses"
    for term, same in zip(about.terms, plain.terms, strict=True):
        assert term["estimate"] == same["estimate"]
        assert (term["p_value"] == same["p_value"]) == (term["term"] != "meanses")
    t = (about.slope["estimate"] - 5) / about.slope["std_error"]
    assert about.slope["statistic"] == pytest.approx(t, rel=1e-12)


@pytest.mark.parametrize(("method", "said"), [
    ("random_intercept: {omit: [mean]}", "'mean' is no covariate; did you mean 'meanses'?"),
    ("random_intercept: {omit: [ses]}", "'ses' is no covariate"),
    ("random_intercept: {omit: [gone]}", "'gone' is no column of the model"),
])  # fmt: skip
def test_what_cannot_be_left_out(tmp_path, method, said):
    frame = pd.read_csv(HSB).head(200).assign(gone=1)
    frame.to_csv(tmp_path / "d.csv", index=False)
    formula = HSB_FORMULA.replace("catholic", "gone")
    assert said in assert_refused(call("fit", tmp_path / "d.csv", formula, "--method", method))


def test_lines_are_drawn_of_one_predictor(tmp_path):
    line = assert_refused(call("fit", HSB, HSB_FORMULA, "--figure", tmp_path / "f.png"))
    assert "lines have one predictor, not 3 (ses, meanses, catholic)" in line
    assert not list(tmp_path.iterdir())


OWN = """
import numpy as np
import simstudy

@simstudy.method
def adjusted(data):
    assert list(data.columns) == ["cluster", "x", "meanses", "catholic", "y"]
    design = np.column_stack([np.ones(len(data)), data.x, data.meanses, data.catholic])
    return np.linalg.lstsq(design, data.y, rcond=None)[0][1], 1.0

@simstudy.method(grain="clusters")
def names(moments):
    assert moments.names == ("meanses", "catholic", "x", "y")
    return moments.mean_x.mean(axis=0), moments.mean_x.var(axis=0) + 1
"""


def test_methods_of_ones_own_get_all_columns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.py").write_text(OWN)
    methods = [{"use": "m.py:adjusted"}, {"use": "m.py:names"}, "pooled"]
    frame, moments, pooled = simstudy.fit(HSB, HSB_FORMULA, methods).fits
    assert (frame.status, moments.status) == ("ok", "ok"), (frame.message, moments.message)
    assert [term["term"] for term in frame.terms] == ["ses"]
    assert frame.slope["estimate"] == pytest.approx(pooled.slope["estimate"], rel=1e-10)
    data = pd.read_csv(HSB).rename(columns={"meanses": "x"})
    with pytest.raises(simstudy.UserError, match="'x' has a meaning in the data of one's own"):
        simstudy.fit(data, "y ~ ses + x + (1 | cluster)", methods[:1])


# units

EVERY = ["pooled", {"pooled": {"se": "CR2"}}, {"pooled": {"se": "moulton"}}, "dummy",
         "random_intercept", {"random_intercept": {"df": "satterthwaite"}},
         {"random_intercept": {"estimator": "ml"}}, "within_between", "cluster_means", "gee",
         "pretest", "random_slope", {"random_slope": {"correlated": False}}]  # fmt: skip


@pytest.mark.parametrize("method", EVERY, ids=str)
def test_a_unit_that_is_a_power_of_two_changes_no_digit(frame, method):
    formula = "y ~ x + z + w + (1 + x | g)"
    frame["w"] = frame.z + 0.5 * frame.x * frame.z
    (plain,) = simstudy.fit(frame, formula, [method]).fits
    assert plain.status in ("ok", "boundary")

    def equal(one, other):
        """To the bit, but for what a search with a scale of its own ends in."""
        if plain.method.name == "random_slope" and one is not None:
            return other == pytest.approx(one, rel=1e-7)
        return one == other

    units = [{"x": 300, "z": 0, "w": 0, "y": 0}, {"x": 0, "z": -300, "w": 0, "y": 100},
             {"x": -200, "z": 300, "w": 70, "y": -300}]  # fmt: skip
    for powers in units:
        moved = frame.assign(**{name: np.ldexp(frame[name], k) for name, k in powers.items()})
        (there,) = simstudy.fit(moved, formula, [method]).fits
        assert (there.status, there.message) == (plain.status, plain.message)
        for a, b in zip(plain.terms, there.terms, strict=True):
            power = powers["y"] - powers.get(a["term"], 0)
            for key in ("df", "p_value", "statistic"):
                assert equal(a[key], b[key])
            for key in ("estimate", "std_error"):
                assert a[key] is None or equal(np.ldexp(a[key], power), b[key])
        for a, b in zip(plain.random_effects, there.random_effects, strict=True):
            power = 2 * (powers["y"] - powers.get(a["term"], 0))
            assert equal(np.ldexp(a["variance"], power), b["variance"])
            assert equal(a["correlation"], b["correlation"])
        if plain.numbers["criterion"] is not None:
            reml = dict(plain.method.options).get("estimator", "reml") == "reml"
            slopes = {"x": 1, "z": 1, "w": 1} if plain.method.name != "within_between" else (
                {"x": 2, "z": 2, "w": 2})  # fmt: skip
            free = len(frame) - (1 + sum(slopes.values())) * reml
            more = free * powers["y"] + reml * sum(k * powers[name] for name, k in slopes.items())
            right = plain.numbers["criterion"] + 2 * np.log(2) * more
            assert there.numbers["criterion"] == pytest.approx(right, rel=1e-10, abs=1e-8)


# one predictor is as it was


def test_one_predictor_has_no_new_keys():
    whole = simstudy.fit(TWO_CLASSROOMS, "posttest ~ pretest.c + (1 | classroom.d)").as_dict()
    assert list(whole) == ["n_obs", "n_clusters", "fits"]
    assert all("random_effects" not in fit for fit in whole["fits"])
    assert configure("pooled").entry.covariates


def test_a_predictor_of_two_words_beside_others_is_a_contrast(frame):
    alone = simstudy.fit(frame, "y ~ sex + (1 | g)")
    beside = simstudy.fit(frame, "y ~ sex + x + (1 | g)")
    assert alone.fits[0].terms[1]["term"] == "sex" and "sex: f is 0, m is 1" in str(alone)
    assert beside.fits[0].terms[1]["term"] == "sex[T.m]"
    frame["sex"] = pd.Categorical(frame.sex, ["m", "none", "f"])
    again = simstudy.fit(frame, "y ~ sex + (1 | g)")
    assert again.as_dict() == alone.as_dict() and str(again) == str(alone)
