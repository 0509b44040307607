"""The command line: what each verb prints, writes and returns."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from helpers_cli import (
    GOOD_STUDY,
    LECTURE,
    ROOT,
    TWO_CLASSROOMS,
    assert_refused,
    call,
    call_process,
    conforms,
    edited,
    environment,
    listing,
)

import simstudy
from simstudy.errors import UserError, WorkError
from simstudy.forms import flow
from simstudy.generators.part import registered
from simstudy.study.yaml_lines import read as read_yaml

pytestmark = pytest.mark.slow

VERBS = ("run", "plan", "summarize", "report", "fit", "methods", "schema", "init")
HEAVY = ("numpy", "pandas", "scipy", "matplotlib", "pyarrow", "joblib", "ruamel", "tqdm")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


# help, version, wrong arguments


def test_version(here):
    assert call("--version") == (0, f"simstudy {simstudy.__version__}\n", "")


def test_help_names_every_verb():
    ran = call("--help")
    assert (ran.code, ran.err) == (0, "")
    for verb in VERBS:
        assert f"    {verb} " in ran.out or f"    {verb}\n" in ran.out
        helped = call(verb, "--help")
        assert (helped.code, helped.err) == (0, "")
        assert f"usage: simstudy {verb}" in helped.out


@pytest.mark.parametrize(
    ("arguments", "phrases"),
    [
        ((), ("VERB",)),
        (("juggle",), ("'juggle'", "run", "fit")),
        (("simulate",), ("'simulate'", "did you mean 'run'?")),
        (("run",), ("config",)),
        (("run", "a.yaml", "b.yaml"), ("b.yaml",)),
        (("run", "a.yaml", "--job"), ("--job",)),
        (("run", "a.yaml", "--jobs", "0"), ("--jobs", "'0'", "from 1 up")),
        (("run", "a.yaml", "--jobs", "-1"), ("--jobs", "'-1'", "from 1 up")),
        (("run", "a.yaml", "--jobs", "two"), ("--jobs", "'two'", "whole number")),
        (("run", "a.yaml", "--replications", "0"), ("--replications", "'0'", "from 1 up")),
        (("run", "a.yaml", "--replications", "2.5"), ("--replications", "'2.5'", "whole number")),
        (("run", "a.yaml", "--replications", "nan"), ("--replications", "'nan'")),
        (("run", "a.yaml", "--replications", "inf"), ("--replications", "'inf'")),
        (("run", "a.yaml", "--loud"), ("--loud",)),
        (("run", "a.yaml", "--in two\nlines"), ("--in two lines",)),
        (("fit", "d.csv"), ("formula",)),
        (("summarize", "r", "--format", "xml"), ("--format", "'xml'", "markdown")),
        (("summarize", "r", "--mcse", "jackknife"), ("--mcse", "'jackknife'", "robust")),
        (("init",), ("name",)),
        (("summarize", "e.csv", "--alpha", "much"), ("--alpha", "'much'")),
        (("replay", "results/icc", "--scenario", "a"), ("--replication",)),
        (("run", "study.yaml", "--give-up", "-1"), ("'-1' is not a whole number from 0 up",)),
    ],
    ids=" ".join,
)
def test_wrong_arguments(here, arguments, phrases):
    message = assert_refused(call(*arguments))
    assert "--help" in message
    for phrase in phrases:
        assert phrase in message
    assert listing(here) == []


def test_help_and_wrong_arguments_import_nothing_heavy():
    script = f"""
import sys
from simstudy.cli.app import main
for arguments in (["--help"], ["--version"], ["run", "--help"], ["nonsense"], ["run"], []):
    main(arguments)
print([name for name in {HEAVY} + ("yaml",) if name in sys.modules], file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True,
                         text=True, timeout=60, check=True)  # fmt: skip
    assert ran.stderr.splitlines()[-1] == "[]"


def test_import_times_of_help(tmp_path):
    ran = call_process("--help", cwd=tmp_path, options=("-X", "importtime"))
    imported = {line.rpartition("|")[2].strip() for line in ran.err.splitlines()}
    assert "simstudy.cli.app" in imported
    assert not {name for name in imported if name.split(".")[0] in HEAVY}


def test_importing_the_package_imports_nothing_heavy():
    script = f"import sys, simstudy; print([n for n in {HEAVY} if n in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True,
                         text=True, timeout=60, check=True)  # fmt: skip
    assert ran.stdout == "[]\n"


# exit codes


@pytest.mark.parametrize(
    ("error", "code", "phrase"),
    [
        (UserError("no\nsuch thing"), 2, "no such thing"),
        (WorkError("a worker died"), 1, "a worker died"),
        (OSError(28, "No space left on device"), 1, "No space left"),
        (MemoryError(), 1, "memory"),
        (ValueError("surprise\nin two lines"), 1, "internal error: ValueError: surprise in two"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_exit_codes(monkeypatch, error, code, phrase):
    def fail(options):
        raise error

    monkeypatch.setattr("simstudy.cli.methods.main", fail)
    ran = call("methods")
    assert (ran.code, ran.out) == (code, "")
    assert phrase in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments", [("run", "no.yaml", "--debug"), ("--debug", "run", "no.yaml")], ids=" ".join
)
def test_debug_shows_the_traceback(here, arguments):
    with pytest.raises(UserError):
        call(*arguments)


# methods, schema, init


def test_methods():
    ran = call("methods")
    assert (ran.code, ran.err) == (0, "")
    for word in ("pooled", "dummy", "random_intercept", "reml", "satterthwaite", "ols", "label"):
        assert word in ran.out
    for default in ("[classical]", "[residual]", "[reml]", "[kenward_roger]"):
        assert default in ran.out


@pytest.fixture(scope="module")
def schema():
    return json.loads(call("schema").out)


def test_schema_is_json_schema(schema):
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert set(schema["required"]) == {"name", "seed", "replications", "scenarios", "methods"}
    fields = json.dumps(schema)
    for name in ("n_clusters", "cluster_size", "x_icc", "contextual_effect", "binary_blocked",
                 "kenward_roger", "label", "grain"):  # fmt: skip
        assert f'"{name}"' in fields


def test_schema_is_valid_by_its_own_schema(schema):
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("file", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda f: f.stem)
def test_the_configs_conform_to_the_schema(file, schema):
    assert conforms(read_yaml(file).data, schema)


@pytest.mark.parametrize(
    "edits",
    [
        {2: "sede: 1"},
        {2: None},
        {1: "name: ../x"},
        {2: "seed: one"},
        {2: "seed: true"},
        {3: "replications: 0"},
        {3: "replications: {mcse: {coverage: 0.5}, min: 10, max: 20}"},
        {3: "replications: {mcse: {biaz: 0.5}, min: 10, max: 20}"},
        {3: "replications: {mcse: {bias: 0.5}, min: 10}"},
        {4: "alpha: 1"},
        {8: "  icc: 1.2"},
        {8: "  icc: [0.1, 1.2]"},
        {8: "  icc: []"},
        {8: None},
        {9: "  icc_x: 0"},
        {6: "  n_clusters: 1"},
        {7: "  cluster_size: {unifrom: [4, 5]}"},
        {7: "  cluster_size: {uniform: [4]}"},
        {7: "  cluster_size: {mean: 4}"},
        {10: "  slope: 0\n  x: binery"},
        {12: "  - ols"},
        {12: "  - pooled: {se: CR4}"},
        {12: "  - dummy: {se: moulton}"},
        {12: "  - wild_bootstrap: {draws: 0}"},
        {12: "  - wild_bootstrap: {draws: 9.5}"},
        {11: "methods: []", 12: None, 13: None, 14: None},
    ],
    ids=lambda edits: next(iter(edits.values())) or f"without line {next(iter(edits))}",
)
def test_the_schema_refuses_what_is_wrong(here, schema, edits):
    (here / "s.yaml").write_text(edited(edits))
    assert not conforms(read_yaml("s.yaml").data, schema)


@pytest.mark.parametrize(
    "edits",
    [
        {12: "  - pooled:"},
        {12: "  - pooled: {}"},
        {4: "report:"},
        {4: "report: {}"},
        {4: "report: {figures: []}"},
        {4: "title:"},
        {4: "alpha:"},
        {4: "grain:"},
        {2: "seed: 1e2"},
        {7: "  cluster_size: [5.0, {sizes: [4, 5]}]", 6: "  n_clusters: 2"},
    ],
    ids=lambda edits: next(iter(edits.values())),
)
def test_the_schema_takes_what_load_takes(here, schema, edits):
    (here / "s.yaml").write_text(edited(edits))
    loaded = call("plan", "s.yaml").code == 0
    assert conforms(read_yaml("s.yaml").data, schema) == loaded


def test_init_writes_a_study_that_loads_and_conforms(here, schema):
    ran = call("init", "my-study.1")
    assert (ran.code, ran.err) == (0, "")
    assert "my-study.1.yaml" in ran.out
    assert listing(here) == ["my-study.1.yaml"]
    study = simstudy.load("my-study.1.yaml")
    assert study.name == "my-study.1"
    assert conforms(read_yaml("my-study.1.yaml").data, schema)
    assert "#" in (here / "my-study.1.yaml").read_text()


def test_what_the_starter_suggests_in_comments_loads(here):
    call("init", "new")
    lines = (here / "new.yaml").read_text().splitlines()
    options = [
        i
        for i, line in enumerate(lines)
        if line.lstrip().startswith(("# x:", "# - ", "# contextual", "# slope_sd", "# covariates"))
    ]
    assert len(options) == 8
    covariates = next(i for i in options if "# covariates" in lines[i])
    for i in options:
        with_them = i == covariates or "baseline" in lines[i]
        text = lines.copy()
        for k in {i, *((covariates, covariates + 1) if with_them else ())}:
            text[k] = text[k].replace("# ", "", 1)
        text = [line.replace("x_icc: [0.0, 1.0]", "x_icc: 0") for line in text]
        (here / "other.yaml").write_text("\n".join(text))
        simstudy.load("other.yaml")


def test_init_shows_every_part_of_a_design(here):
    call("init", "new")
    text = (here / "new.yaml").read_text()
    assert max(map(len, text.splitlines())) <= 105
    for part in registered().values():
        assert f"  # {part.name}: {flow(part.example)} " in text
        assert f"# {part.summary}\n" in text
        text = text.replace(f"  # {part.name}: ", f"  {part.name}: ")
    wanted = ("errors", "cluster_effects", "third_level", "missing", "endogeneity")
    lines = [line for line in text.splitlines() if line.strip().partition(":")[0] in wanted
             or line.strip().partition(":")[0] not in registered()]  # fmt: skip
    (here / "new.yaml").write_text("\n".join(lines).replace("x_icc: [0.0, 1.0]", "x_icc: 0.5")
                                   .replace("icc: [0.0, 0.05, 0.2]", "icc: 0.2"))  # fmt: skip
    (*_, design) = simstudy.load("new.yaml").designs
    assert sorted(name for name, _ in design.scenario.parts) == sorted(wanted)


def test_init_never_writes_over_a_file(here):
    (here / "taken.yaml").write_text("mine")
    assert assert_refused(call("init", "taken")).startswith("taken.yaml: ")
    assert (here / "taken.yaml").read_text() == "mine"


@pytest.mark.parametrize("name", ["../x", "a/b", "..", ".hidden", "", " ", "a b", "x.", "ä" * 200])
def test_init_refuses_what_cannot_name_a_folder(here, name):
    assert "letters" in assert_refused(call("init", name))
    assert listing(here) == []
    assert not (here.parent / "x.yaml").exists()


# fit

TERM = ["term", "estimate", "std_error", "statistic", "df", "p_value", "ci_low", "ci_high"]
REST = ["sigma", "r_squared", "tau2", "sigma2", "icc", "criterion"]


def fit_json(*methods):
    options = [part for method in methods for part in ("--method", method)]
    ran = call("fit", TWO_CLASSROOMS, LECTURE, "--json", *options)
    assert (ran.code, ran.err) == (0, "")
    return json.loads(ran.out)


def test_fit_json_has_the_keys_of_the_contract():
    document = fit_json()
    assert list(document) == ["n_obs", "n_clusters", "fits"]
    assert (document["n_obs"], document["n_clusters"]) == (60, 2)
    pooled, dummy, mixed = document["fits"]
    for one, own in ((pooled, ["se"]), (dummy, ["se"]), (mixed, ["estimator"])):
        terms = ["terms", "clusters"] if one is dummy else ["terms"]  # of two clusters always
        assert list(one) == ["method", *own, "df", "label", "status", "message", *terms, *REST]
        assert all(list(term) == TERM for term in one["terms"])
        assert (one["label"], one["status"], one["message"]) == (one["method"], "ok", None)
    assert (pooled["method"], pooled["se"], pooled["df"]) == ("pooled", "classical", "residual")
    assert (dummy["method"], dummy["se"], dummy["df"]) == ("dummy", "classical", "residual")
    assert mixed["method"] == "random_intercept"
    assert (mixed["estimator"], mixed["df"]) == ("reml", "kenward_roger")


def test_fit_json_terms_and_nulls():
    pooled, dummy, mixed = fit_json()["fits"]
    both = ["(Intercept)", "pretest.c"]
    assert [[t["term"] for t in one["terms"]] for one in (pooled, dummy, mixed)] == [
        both, ["pretest.c"], both
    ]  # fmt: skip
    for one in (pooled, dummy):
        assert {key for key in REST if one[key] is None} == {"tau2", "sigma2", "icc", "criterion"}
    assert {key for key in REST if mixed[key] is None} == {"r_squared"}
    assert mixed["icc"] == pytest.approx(mixed["tau2"] / (mixed["tau2"] + mixed["sigma2"]))
    for one in (pooled, dummy, mixed):
        for term in one["terms"]:
            assert term["statistic"] == term["estimate"] / term["std_error"]
            assert term["ci_low"] < term["estimate"] < term["ci_high"]


def test_fit_json_at_full_precision():
    document = fit_json()
    again = json.loads(json.dumps(simstudy.fit(TWO_CLASSROOMS, LECTURE).as_dict()))
    assert document == again
    assert len(repr(document["fits"][0]["terms"][1]["estimate"])) > 15


def test_a_wald_df_is_null():
    for one in fit_json("pooled: {df: wald}", "random_intercept: {estimator: ml}")["fits"]:
        assert one["df"] == "wald"
        assert [term["df"] for term in one["terms"]] == [None, None]
        assert all(0 <= term["p_value"] < 1 for term in one["terms"])


def test_fit_takes_methods_and_labels_in_the_order_given():
    fits = fit_json("random_intercept: {df: satterthwaite, label: REML}", "pooled")["fits"]
    assert [(one["method"], one["label"]) for one in fits] == [
        ("random_intercept", "REML"), ("pooled", "pooled")
    ]  # fmt: skip
    assert fits[0]["terms"][1]["df"] == pytest.approx(57, abs=0.01)


def test_a_method_that_cannot_be_fitted_is_null_and_the_others_come(here):
    rows = ["1,0,a", "2,0,a", "4,1,b", "3,1,b", "5,0,c", "7,0,c", "2,1,d", "3,1,d"]
    (here / "d.csv").write_text("\n".join(["y,x,g", *rows]))
    ran = call("fit", "d.csv", "y ~ x + (1 | g)", "--json")
    pooled, dummy, mixed = json.loads(ran.out)["fits"]
    assert (ran.code, ran.err) == (0, "")
    assert dummy["status"] == "not_estimable"
    assert "constant within" in dummy["message"]
    assert list(dummy) == list(pooled)
    assert [dummy[key] for key in REST] == [None] * 6
    assert [dummy["terms"][0][key] for key in TERM] == ["x"] + [None] * 7
    assert pooled["status"] == "ok"
    assert mixed["status"] in ("ok", "boundary")


def blocks(text):
    """Parts of the printed text: what stands before, then each fit, then the options."""
    first, *fits = text.split("\n--- ")
    return first, *fits


@pytest.fixture(scope="module")
def lecture():
    ran = call("fit", TWO_CLASSROOMS, LECTURE)
    assert (ran.code, ran.err) == (0, "")
    return blocks(ran.out)


def cells(text, start):
    """The words of the one line that starts so."""
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return line.removeprefix(start).split()


def test_the_lecture_pooled(lecture):
    text = lecture[1]
    assert text.startswith("pooled")
    assert cells(text, "pretest.c")[:3] == ["0.2089", "0.1133", "58"]
    assert cells(text, "(Intercept)")[0] == "65.0333"
    assert "Residual SD: 11.9" in text
    assert "R-squared: 0.055" in text
    assert "Number of obs: 60, groups:  classroom.d, 2" in text


def test_the_lecture_dummy(lecture):
    text = lecture[2]
    assert text.startswith("dummy")
    assert cells(text, "pretest.c")[:4] == ["0.2089", "0.1036", "57", "2.017"]
    assert cells(text, "(Intercept)")[0] == "69.9667"
    assert cells(text, "C(classroom.d)[T.1]")[0] == "-9.8667"
    assert "Residual SD: 10.9" in text or "Residual SD: 10.89" in text
    assert "R-squared: 0.22" in text


def test_the_lecture_random_intercept(lecture):
    text = lecture[3]
    assert text.startswith("random_intercept")
    assert cells(text, "classroom.d") == ["(Intercept)", "44.72", "6.688"]
    assert cells(text, "Residual") == ["118.52", "10.887"]
    assert "Number of obs: 60, groups:  classroom.d, 2" in text
    intercept, slope = cells(text, "(Intercept)"), cells(text, "pretest.c")
    assert (intercept[:2], intercept[3]) == (["65.0333", "4.9333"], "13.182")
    assert (slope[:2], slope[3]) == (["0.2089", "0.1036"], "2.017")
    assert "REML criterion" in text
    assert "457.4669" in text


def test_the_lecture_options_compared(lecture):
    text = lecture[4]
    assert text.startswith("The options compared")
    first, second = cells(text, "0 "), cells(text, "1 ")
    assert (first[-1], second[-1]) == ("+4.9", "-4.9")
    assert (first[0], second[0]) == ("30", "30")
    # R2, residual SD and parameters stand last
    assert cells(text, "separate")[-3:] == ["0.223", "11.0", "4"]
    assert cells(text, "collapsed")[-3:] == ["0.055", "11.9", "2"]
    assert cells(text, "dummy for every cluster")[-3:] == ["0.223", "10.9", "3"]
    assert cells(text, "multilevel")[-5:] == ["10.9", "2", "+", "1", "variance"]
    assert "posttest = 65.03 + 0.2089 pretest.c" in text


def test_fit_prints_what_python_prints():
    ran = call("fit", TWO_CLASSROOMS, LECTURE)
    assert ran.out == f"{simstudy.fit(TWO_CLASSROOMS, LECTURE)}\n"


def test_fit_without_a_file_does_not_write_one(here):
    call("fit", TWO_CLASSROOMS, LECTURE)
    assert listing(here) == []


def test_a_terminal_that_cannot_show_a_name(here, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")  # as a Windows console may be
    rows = ["1,2,a", "2,1,a", "4,3,b", "3,3,b", "5,6,b"]
    (here / "d.csv").write_text("\n".join(["größe,x,g", *rows]), encoding="utf-8")
    ran = call_process("fit", "d.csv", "größe ~ x + (1 | g)", cwd=here)
    assert (ran.code, ran.err) == (0, "")
    assert "Number of obs: 5" in ran.out


# plan


@pytest.fixture
def study(here):
    (here / "tiny.yaml").write_text(edited({1: "name: tiny", 8: "  icc: [0.0, 0.2]"}))
    return here


def test_plan_writes_nothing(study):
    ran = call("plan", "tiny.yaml")
    assert (ran.code, ran.err) == (0, "")
    assert listing(study) == ["tiny.yaml"]
    for phrase in ("8 scenarios", "20 replications", "3 methods", "480 fits", "MB",
                   "expected time", " s in this process", "rejection_rate",
                   "relative_error_model_se", "coverage"):  # fmt: skip
        assert phrase in ran.out


@pytest.mark.parametrize("target", ["rejection_rate", "rejection_rate=", "rejection_rate=often",
    "rejection_rate=0", "rejection_rate=-1", "rejection_rate=nan", "rejection_rate=inf",
    "rejection_rate=0.1=0.2", "=0.1", ""])  # fmt: skip
def test_plan_refuses_a_target_that_is_none(study, target):
    ran = call("plan", "tiny.yaml", "--mcse", target)
    assert ran.code == 2
    message = assert_refused(ran._replace(out=""))
    assert message.startswith("--mcse")


def test_plan_names_the_measure_it_does_not_know(study):
    ran = call("plan", "tiny.yaml", "--mcse", "rejektion_rate=0.1")
    message = assert_refused(ran)
    assert "'rejektion_rate'" in message
    assert "'rejection_rate'" in message


# run, summarize, report

LAYOUT = {
    "study.yaml", "scenarios.parquet", "summary.parquet", "summary.csv", "estimates", "report",
    ".work", "run.log.jsonl",
}  # fmt: skip
ESTIMATES = ["scenario", "replication", "method", "estimate", "std_error", "df", "p_value",
             "status", "tau2", "sigma2"]  # fmt: skip
AFTER_FACTORS = ["n_obs", "design_effect", "method", "method_name", "estimand", "truth",
                 "null_value", "measure", "alpha", "value", "mcse", "ci_low", "ci_high",
                 "n_used", "n_not_used", "theory", "theory_kind", "z", "verdict"]  # fmt: skip
FACTORS = ["n_clusters", "cluster_size", "icc", "x_icc", "slope"]
CANONICAL = {"pooled", "dummy", "random_intercept", "random_intercept[df=wald]"}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A tiny study, run once: its folder and what the command said."""
    folder = tmp_path_factory.mktemp("done")
    methods = "  - random_intercept\n  - random_intercept: {df: wald, label: z test}"
    edits = {1: "name: tiny", 4: "alpha: [0.05, 0.1]", 8: "  icc: [0.0, 0.2]", 14: methods}
    text = edited(edits)
    (folder / "tiny.yaml").write_text(text)
    ran = call("run", folder / "tiny.yaml", "--jobs", 1, "--results", folder / "out")
    return folder, ran


def test_run_says_little_and_the_paths_last(done):
    folder, ran = done
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert 10 < len(lines) <= 40
    assert "Rejection rate" in ran.out
    assert "SE bias" in ran.out
    for method in ("pooled", "dummy", "random_intercept", "z test"):
        assert method in ran.out
    paths = lines[lines.index("", len(lines) - 8) + 1 :]
    assert len(paths) >= 3
    assert all(os.path.exists(path) for path in paths)
    assert all(path.startswith(str(folder / "out" / "tiny")) for path in paths)


def test_a_dash_and_a_footnote_where_nothing_was_estimable(done):
    out = done[1].out
    assert any(word == "-" for line in out.splitlines() for word in line.split()[1:])
    assert any(line.startswith("- ") for line in out.splitlines())


def test_results_layout(done):
    results = done[0] / "out" / "tiny"
    assert listing(done[0] / "out")[0] == "tiny"
    assert {path.name for path in results.iterdir()} == LAYOUT
    assert {path.suffix for path in (results / "estimates").iterdir()} == {".parquet"}
    assert list((results / ".work").iterdir()) == []
    written = {path.name for path in (results / "report").iterdir()}
    assert written == {"figures", "tables", "index.html", "methods.md"}
    figures = {path.suffix for path in (results / "report" / "figures").iterdir()}
    tables = {path.suffix for path in (results / "report" / "tables").iterdir()}
    assert figures == {".png", ".pdf"}
    assert tables == {".csv", ".tex", ".md"}
    assert all(path.stat().st_size for path in results.rglob("*") if path.is_file())


def test_estimates_open_as_one_table_of_the_columns_of_the_contract(done):
    folder = done[0] / "out" / "tiny" / "estimates"
    for part in folder.iterdir():
        assert pq.read_schema(part).names == ESTIMATES
    table = pq.read_table(folder).to_pandas()
    assert len(table) == 8 * 20 * 4
    assert set(table["method"]) == CANONICAL
    assert set(table["replication"]) == set(range(1, 21))
    assert table["scenario"].str.fullmatch("[0-9a-f]{8}").all()
    assert not table.duplicated(["scenario", "replication", "method"]).any()


def test_scenarios_and_summary_have_the_columns_of_the_contract(done):
    results = done[0] / "out" / "tiny"
    head = ["scenario", *FACTORS]
    assert pq.read_schema(results / "scenarios.parquet").names == [*head, "n_obs", "design_effect"]
    assert pq.read_schema(results / "summary.parquet").names == head + AFTER_FACTORS
    with (results / "summary.csv").open(newline="") as stream:
        assert next(csv.reader(stream)) == head + AFTER_FACTORS
    table = pq.read_table(results / "summary.parquet").to_pandas()
    assert set(table["method"]) == {"pooled", "dummy", "random_intercept", "z test"}
    assert set(table["alpha"].dropna()) == {0.05, 0.1}
    assert table.loc[table["value"].notna(), "mcse"].notna().all()
    assert "relative_bias" not in set(table["measure"])  # slope 0


def test_the_footer_of_every_part_says_where_it_comes_from(done):
    for part in (done[0] / "out" / "tiny" / "estimates").iterdir():
        footer = b" ".join(k + v for k, v in pq.read_schema(part).metadata.items()).decode()
        for word in ("seed", "numpy", "scipy", simstudy.__version__):
            assert word in footer


def test_study_yaml_is_the_study_with_its_defaults(done):
    document = read_yaml(done[0] / "out" / "tiny" / "study.yaml").data
    assert document["title"] == ""
    assert document["methods"][0] == {
        "pooled": {"se": "classical", "df": "residual", "label": "pooled"}
    }
    again = simstudy.load(done[0] / "out" / "tiny" / "study.yaml")
    study = simstudy.load(done[0] / "tiny.yaml")
    assert [d.id for d in again.designs] == [d.id for d in study.designs]
    assert again.methods == study.methods


def test_study_yaml_holds_the_defaults_of_the_scenarios_too(done):
    fields = read_yaml(done[0] / "out" / "tiny" / "study.yaml").data["scenarios"]
    assert {"x", "intercept", "total_variance", "contextual_effect"} <= fields.keys()


def stamps(folder):
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.iterdir()}


@pytest.fixture
def copied(done, tmp_path):
    """A copy of the results, to be run again."""
    import shutil

    shutil.copytree(done[0], tmp_path / "copy")
    return tmp_path / "copy"


def run_again(folder, *options):
    return call("run", folder / "tiny.yaml", "--jobs", 1, "--results", folder / "out",
                "--no-report", *options)  # fmt: skip


def test_a_second_run_computes_nothing(copied, done):
    estimates = copied / "out" / "tiny" / "estimates"
    before = stamps(estimates)
    ran = run_again(copied)
    assert (ran.code, ran.err) == (0, "")
    assert stamps(estimates) == before
    assert ran.out.splitlines()[:12] == done[1].out.splitlines()[:12]
    assert len(ran.out.splitlines()) <= 40
    assert "nothing is missing" in ran.out and "nothing is missing" not in done[1].out


def test_a_changed_label_computes_nothing(copied):
    estimates = copied / "out" / "tiny" / "estimates"
    before = stamps(estimates)
    file = copied / "tiny.yaml"
    file.write_text(file.read_text().replace("z test", "Wald"))
    ran = run_again(copied)
    assert stamps(estimates) == before
    assert "Wald" in ran.out
    assert "z test" not in ran.out


def test_a_lost_part_is_made_again_alike(copied):
    estimates = copied / "out" / "tiny" / "estimates"
    part = sorted(estimates.iterdir())[0]
    table = pq.read_table(part)
    part.unlink()
    run_again(copied)
    assert pq.read_table(part).equals(table)


def test_fewer_replications_use_the_first_ones(copied):
    before = stamps(copied / "out" / "tiny" / "estimates")
    run_again(copied, "--replications", 10)
    assert stamps(copied / "out" / "tiny" / "estimates") == before
    table = pq.read_table(copied / "out" / "tiny" / "summary.parquet").to_pandas()
    assert (table["n_used"] + table["n_not_used"]).max() == 10


def test_more_replications_keep_what_is_there(copied):
    estimates = copied / "out" / "tiny" / "estimates"
    before = stamps(estimates)
    run_again(copied, "--replications", "3e1")
    after = stamps(estimates)
    assert {name: after[name] for name in before} == before
    assert pq.read_table(estimates).num_rows == 8 * 30 * 4


def test_another_seed_is_not_mixed_in(copied):
    before = listing(copied)
    file = copied / "tiny.yaml"
    file.write_text(file.read_text().replace("seed: 1", "seed: 2"))
    message = assert_refused(run_again(copied))
    assert "seed 1" in message
    assert "seed 2" in message
    assert listing(copied) == before


def test_quiet_and_no_report(study):
    ran = call("run", "tiny.yaml", "--jobs", 1, "--quiet", "--no-report")
    assert ran == (0, "", "")
    assert (study / "results" / "tiny" / "summary.csv").is_file()
    assert not (study / "results" / "tiny" / "report").exists()


def test_run_in_a_process_of_its_own(study):
    ran = call_process("run", "tiny.yaml", "--jobs", 1, "--no-report", cwd=study)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-1] == os.path.join("results", "tiny", "estimates")


def test_a_large_grid_still_fits_the_screen(here):
    text = edited({1: "name: wide", 3: "replications: 3", 6: "  n_clusters: [3, 4, 5, 6, 7]",
                   8: "  icc: [0, 0.1, 0.2, 0.3]", 9: "  x_icc: [0, 0.5, 1]"})  # fmt: skip
    (here / "wide.yaml").write_text(text + "report: {figures: []}\n")
    ran = call("run", "wide.yaml", "--jobs", 1)
    assert ran.code == 0
    assert len(ran.out.splitlines()) <= 40
    assert "of 60 scenarios" in ran.out
    assert "summary.csv" in ran.out


def test_results_that_cannot_be_written(study):
    (study / "results").write_text("a file")
    message = assert_refused(call("run", "tiny.yaml", "--jobs", 1))
    assert "results" in message


@pytest.fixture(scope="module")
def results(done):
    return done[0] / "out" / "tiny"


def summary_rows(results):
    return pq.read_table(results / "summary.parquet").num_rows


def test_summarize_text_is_what_run_printed(done, results):
    ran = call("summarize", results)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.strip() in done[1].out


def test_summarize_csv(results):
    ran = call("summarize", results, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert list(rows[0]) == ["scenario", *FACTORS, *AFTER_FACTORS]
    assert len(rows) == summary_rows(results)
    assert ran.out == (results / "summary.csv").read_text()


def test_summarize_json(results):
    ran = call("summarize", results, "--format", "json")
    rows = json.loads(ran.out)
    assert list(rows[0]) == ["scenario", *FACTORS, *AFTER_FACTORS]
    assert len(rows) == summary_rows(results)
    assert {row["alpha"] for row in rows if row["measure"] == "bias"} == {None}


def test_summarize_markdown(results):
    out = call("summarize", results, "--format", "markdown").out
    tables = [line for line in out.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in tables}) == 1
    assert any(set(line) <= set("|-: ") for line in tables)
    assert "Random intercept, Kenward-Roger" in out and "random_intercept" not in out


def test_summarize_latex(results):
    out = call("summarize", results, "--format", "latex").out
    assert (
        out.count(r"\begin{tabular}") == out.count(r"\end{tabular}") == out.count(r"\toprule") > 1
    )
    assert "Kenward-Roger" in out and r"random\_intercept" not in out


@pytest.mark.parametrize("form", ["text", "csv", "json", "markdown", "latex"])
def test_summarize_one_measure(results, form):
    out = call("summarize", results, "--format", form, "--measure", "empirical_se").out
    other = call("summarize", results, "--format", form, "--measure", "coverage").out
    if form in ("csv", "json"):
        assert "empirical_se" in out
        assert "coverage" not in out
    assert out.strip()
    assert out != other
    assert "ejection" not in out


def test_summarize_several_measures(results):
    options = ("--measure", "bias", "--measure", "coverage")
    rows = json.loads(call("summarize", results, "--format", "json", *options).out)
    assert {row["measure"] for row in rows} == {"bias", "coverage"}


def test_summarize_with_normal_mcse(results):
    robust, normal = (
        json.loads(call("summarize", results, "--format", "json", "--mcse", kind).out)
        for kind in ("robust", "normal")
    )
    assert [row["value"] for row in robust] == [row["value"] for row in normal]
    assert [row["mcse"] for row in robust] != [row["mcse"] for row in normal]


def test_summarize_writes_nothing(results):
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*")}
    call("summarize", results, "--format", "csv")
    assert {path: path.stat().st_mtime_ns for path in results.rglob("*")} == before


def test_summarize_refuses_an_unknown_measure(results):
    message = assert_refused(call("summarize", results, "--measure", "biass"))
    assert "'biass'" in message
    assert "'bias'" in message


@pytest.mark.parametrize("verb", ["summarize", "report"])
def test_what_is_no_results_folder(here, verb):
    (here / "file").write_text("")
    (here / "folder").mkdir()
    for target in ("nothing", "file", "folder"):
        assert assert_refused(call(verb, target)).startswith(f"{target}: ")
    assert listing(here) == ["file", "folder"]


def test_report_writes_the_report_again_from_the_stored_summary(copied):
    folder = copied / "out" / "tiny"
    before = {path.name for path in (folder / "report").rglob("*.*")}
    for path in (folder / "report").rglob("*.*"):
        path.unlink()
    for path in (folder / "estimates").iterdir():
        path.unlink()  # only the summary is read
    ran = call("report", folder)
    assert (ran.code, ran.err) == (0, "")
    assert {os.path.basename(line) for line in ran.out.splitlines()} == before
    assert all(os.path.getsize(line) for line in ran.out.splitlines())


def test_report_before_any_run(here):
    (here / "study.yaml").write_text(GOOD_STUDY)
    assert "summary.parquet" in assert_refused(call("report", "."))


# pipes


def closed_pipe(*arguments, cwd, unbuffered):
    """Run a command whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, "-m", "simstudy", *map(str, arguments)]
        settings = environment() | {"PYTHONUNBUFFERED": unbuffered}
        return subprocess.run(command, cwd=cwd, env=settings, stdout=writer, text=True,
                              stderr=subprocess.PIPE, timeout=60, check=False)  # fmt: skip
    finally:
        os.close(writer)


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [("schema",), ("--help",), ("fit", TWO_CLASSROOMS, LECTURE)],
                         ids=["schema", "help", "fit"])  # fmt: skip
def test_a_broken_pipe_is_quiet(tmp_path, arguments, unbuffered):
    ran = closed_pipe(*arguments, cwd=tmp_path, unbuffered=unbuffered)
    assert ran.stderr == ""
    assert ran.returncode == 0
