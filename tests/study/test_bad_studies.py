"""Malformed study files: one line that says where, what, and what would be right."""

from __future__ import annotations

import os

import pytest
from helpers_cli import (
    GOOD_STUDY,
    ROOT,
    Edits,
    assert_refused,
    call,
    call_process,
    edited,
    listing,
)

import simstudy

Case = tuple[Edits, int, tuple[str, ...]]

# name -> (lines replaced in GOOD_STUDY, line of the mistake, what the message must hold)
BAD: dict[str, Case] = {
    "file of a method": (
        {12: '  - {use: "my_methods.py:trimmed"}'},
        12,
        ("methods[0]", "my_methods.py: No such file"),
    ),
    # names
    "unknown key, nearest": ({2: "sede: 1"}, 2, ("sede", "'seed'")),
    "unknown key, none near": ({2: "zzz: 1"}, 2, ("zzz", "known:", "name", "scenarios", "methods")),
    "unknown field, nearest": ({10: "  slop: 0.0"}, 10, ("scenarios.slop", "'slope'")),
    "synonym reps": ({3: "reps: 20"}, 3, ("reps", "'replications'")),
    "synonym rho": ({8: "  rho: 0.1"}, 8, ("scenarios.rho", "'icc'")),
    "synonym beta": ({10: "  beta: 0"}, 10, ("scenarios.beta", "'slope'")),
    "synonym ols": ({12: "  - ols"}, 12, ("methods[0]", "'ols'", "'pooled'")),
    "synonym lmer": ({14: "  - lmer"}, 14, ("methods[2]", "'lmer'", "'random_intercept'")),
    "synonym fixed_effects": ({13: "  - fixed_effects"}, 13, ("methods[1]", "'dummy'")),
    "misspelt method": ({12: "  - poolde"}, 12, ("methods[0]", "'poolde'", "'pooled'")),
    "misspelt option": ({12: "  - pooled: {dff: wald}"}, 12, ("methods[0]", "'dff'", "'df'")),
    "misspelt option value": (
        {14: "  - random_intercept: {df: satterthwait}"},
        14,
        ("methods[2]", "satterthwait'", "'satterthwaite'"),
    ),
    # keys that stand twice
    "duplicate key": ({4: "seed: 2"}, 4, ("seed", "twice")),
    "duplicate field": ({10: "  icc: 0.3"}, 10, ("scenarios.icc", "twice")),
    "duplicate scenarios": ({11: "scenarios: {}\nmethods:"}, 11, ("scenarios", "twice")),
    # types
    "text for a number": ({3: "replications: many"}, 3, ("replications", "number", "'many'")),
    "boolean for a number": ({2: "seed: true"}, 2, ("seed", "number", "true")),
    "boolean level": ({8: "  icc: [0.0, true]"}, 8, ("scenarios.icc[1]", "number", "true")),
    "no is text": ({8: "  icc: no"}, 8, ("scenarios.icc", "number", "'no'")),
    "quoted number": ({8: "  icc: '0.1'"}, 8, ("scenarios.icc", "number", "'0.1'")),
    "nothing for a number": ({2: "seed:"}, 2, ("seed", "number", "nothing")),
    "mapping for a number": ({8: "  icc: {a: 1}"}, 8, ("scenarios.icc", "number", "mapping")),
    "list in a list": ({8: "  icc: [0.1, [0.2]]"}, 8, ("scenarios.icc[1]", "number", "list")),
    "fraction of a replication": ({3: "replications: 20.5"}, 3, ("whole number", "20.5")),
    # stop by precision
    "precision at the top": ({2: "mcse: {bias: 0.1}"}, 2, ("mcse", "write replications: {mcse:")),
    **{
        f"precision, {name}": ({3: f"replications: {{mcse: {mcse}, {bounds}}}"}, 3, said)
        for name, mcse, bounds, said in (
            (
                "unknown measure",
                "{rejektion_rate: 0.1}",
                "min: 10, max: 20",
                ("replications.mcse.rejektion_rate", "'rejection_rate'"),
            ),
            ("synonym", "{type1: 0.1}", "min: 10, max: 20", ("'type1_error'",)),
            (
                "all rows at once",
                "{median_bias: 0.1}",
                "min: 10, max: 20",
                ("replications.mcse.median_bias", "second pass over all rows"),
            ),
            (
                "percent",
                "{coverage: 0.5}",
                "min: 10, max: 20",
                ("replications.mcse.coverage", "write 0.005 for 0.5 percentage points"),
            ),
            ("zero", "{bias: 0}", "min: 10, max: 20", ("replications.mcse.bias", "(0, inf)")),
            ("negative", "{bias: -1}", "min: 10, max: 20", ("replications.mcse.bias", "(0, inf)")),
            ("text", "{bias: small}", "min: 10, max: 20", ("a number", "'small'")),
            ("no measure", "{}", "min: 10, max: 20", ("replications.mcse", "no measure")),
            (
                "no mapping",
                "0.1",
                "min: 10, max: 20",
                ("replications.mcse", "rejection_rate: 0.005"),
            ),
            (
                "min above max",
                "{bias: 1}",
                "min: 30, max: 20",
                ("replications.min", "30 is more than max 20"),
            ),
            ("fraction", "{bias: 1}", "min: 10.5, max: 20", ("replications.min", "whole number")),
            ("no max", "{bias: 1}", "min: 10", ("'max' is missing",)),
            ("unknown key", "{bias: 1}", "minimum: 10, max: 20", ("'min'",)),
            (
                "without a reference",
                "{relative_precision: 1}",
                "min: 10, max: 20",
                ("replications.mcse.relative_precision", "reference"),
            ),
            (
                "nobody has it",
                "{power: 0.1}",
                "min: 10, max: 20",
                ("replications.mcse.power", "no method has it"),
            ),
        )
    },
    "fraction of a cluster": ({6: "  n_clusters: 4.5"}, 6, ("n_clusters", "whole number", "4.5")),
    "fraction of a seed": ({2: "seed: 1.5"}, 2, ("seed", "whole number", "1.5")),
    "number for a name": ({1: "name: 3"}, 1, ("name", "text", "3")),
    "number for a title": ({4: "title: 3"}, 4, ("title", "text", "3")),
    "number for a label": ({12: "  - pooled: {label: 3}"}, 12, ("label", "text", "3")),
    "text for methods": (
        {11: "methods: pooled", 12: None, 13: None, 14: None},
        11,
        ("methods", "list"),
    ),
    # ranges
    "icc 1.2": ({8: "  icc: [0.0, 0.1, 1.2]"}, 8, ("scenarios.icc[2]: 1.2 is not in [0, 1)",)),
    "icc 1.2 in a block list": (
        {8: "  icc:\n    - 0.0\n    - 0.1\n    - 1.2"},
        11,
        ("scenarios.icc[2]: 1.2 is not in [0, 1)",),
    ),
    "icc 1": ({8: "  icc: 1"}, 8, ("scenarios.icc", "1 is not in [0, 1)")),
    "icc negative": ({8: "  icc: -0.1"}, 8, ("scenarios.icc", "-0.1 is not in [0, 1)")),
    "x_icc above 1": ({9: "  x_icc: 1.5"}, 9, ("scenarios.x_icc", "1.5 is not in [0, 1]")),
    "one cluster": ({6: "  n_clusters: 1"}, 6, ("scenarios.n_clusters", "1 is not in [2, ")),
    "no unit": ({7: "  cluster_size: 0"}, 7, ("scenarios.cluster_size", "0 is not in [1, ")),
    "no replication": ({3: "replications: 0"}, 3, ("replications", "0 is not in [1, ")),
    "negative seed": ({2: "seed: -1"}, 2, ("seed", "-1 is not in [0, ")),
    "huge seed": ({2: "seed: 99999999999999999999"}, 2, ("seed", "is not in [0, ")),
    "alpha 0": ({4: "alpha: 0"}, 4, ("alpha", "0 is not in (0, 1)")),
    "alpha 1 in a list": ({4: "alpha: [0.05, 1]"}, 4, ("alpha[1]", "1 is not in (0, 1)")),
    "no variance": (
        {10: "  slope: 0\n  total_variance: 0"},
        11,
        ("total_variance", "0 is not in (0"),
    ),
    "not a number": ({10: "  slope: .nan"}, 10, ("scenarios.slope", "nan")),
    "infinite": ({10: "  slope: [0, .inf]"}, 10, ("scenarios.slope[1]", "inf")),
    "minus infinite": ({10: "  slope: -.inf"}, 10, ("scenarios.slope", "-inf")),
    "overflowing": ({10: "  slope: 1e999"}, 10, ("scenarios.slope", "inf")),
    "infinite replications": ({3: "replications: .inf"}, 3, ("replications", "inf")),
    # what is missing or empty
    "empty grid": ({5: "scenarios: {}", **dict.fromkeys(range(6, 11))}, 5, ("scenarios", "empty")),
    "empty list of grids": (
        {5: "scenarios: []", **dict.fromkeys(range(6, 11))},
        5,
        ("scenarios", "empty"),
    ),
    "nothing for scenarios": (
        {5: "scenarios:", **dict.fromkeys(range(6, 11))},
        5,
        ("scenarios", "nothing"),
    ),
    "empty list": ({8: "  icc: []"}, 8, ("scenarios.icc", "empty")),
    "empty alpha": ({4: "alpha: []"}, 4, ("alpha", "empty")),
    "no method": ({11: "methods: []", 12: None, 13: None, 14: None}, 11, ("methods", "pooled")),
    "missing seed": ({2: None}, 1, ("'seed'", "missing")),
    "missing name": ({1: None}, 1, ("'name'", "missing")),
    "missing methods": (dict.fromkeys(range(11, 15)), 1, ("'methods'", "missing")),
    "missing icc": ({8: None}, 5, ("scenarios", "'icc'", "missing")),
    "missing slope": ({10: None}, 5, ("scenarios", "'slope'", "missing")),
    "missing n_clusters": ({6: None}, 5, ("scenarios", "'n_clusters'", "missing")),
    "missing cluster_size": ({7: None}, 5, ("scenarios", "'cluster_size'", "missing")),
    "missing x_icc": ({9: None}, 5, ("scenarios", "'x_icc'", "missing", "predictor")),
    "missing x_icc, binary": ({9: "  x: binary"}, 5, ("scenarios", "'x_icc'", "missing")),
    # what stands twice in other words
    "equal methods": ({13: "  - pooled"}, 13, ("methods[1]", "pooled", "twice")),
    "equal methods, default spelt out": (
        {13: "  - pooled: {df: residual}"},
        13,
        ("methods[1]", "pooled", "twice"),
    ),
    "equal methods, other labels": (
        {12: "  - pooled: {label: a}", 13: "  - pooled: {label: b}"},
        13,
        ("methods[1]", "pooled", "twice"),
    ),
    "equal labels": (
        {12: "  - pooled: {label: a}", 13: "  - dummy: {label: a}"},
        13,
        ("methods[1]", "label", "'a'", "twice"),
    ),
    "label of another's name": (
        {13: "  - dummy: {label: pooled}"},
        13,
        ("label", "'pooled'", "twice"),
    ),
    "equal levels": ({8: "  icc: [0.1, 0.2, 0.1]"}, 8, ("scenarios.icc[2]", "0.1", "twice")),
    "equal levels that are none": (
        {6: "  n_clusters: [{a: }, {a: }]"},
        6,
        ("scenarios.n_clusters",),
    ),
    "equal sizes that are none": (
        {7: "  cluster_size: [{uniform: 3}, {uniform: 3}]"},
        7,
        ("scenarios.cluster_size",),
    ),
    "equal levels, 5 and 5.0": ({7: "  cluster_size: [5, 5.0]"}, 7, ("cluster_size[1]", "twice")),
    "equal levels, 0 and -0": ({8: "  icc: [0, -0.0]"}, 8, ("scenarios.icc[1]", "twice")),
    "equal alphas": ({4: "alpha: [0.05, 0.05]"}, 4, ("alpha[1]", "0.05", "twice")),
    # names of folders
    "name ../x": ({1: "name: ../x"}, 1, ("name", "'../x'", "letters")),
    "name a/b": ({1: "name: a/b"}, 1, ("name", "'a/b'", "letters")),
    "name a\\b": ({1: "name: a\\b"}, 1, ("name", "letters")),
    "name ..": ({1: "name: .."}, 1, ("name", "'..'", "letters")),
    "absolute name": ({1: "name: /tmp/x"}, 1, ("name", "'/tmp/x'", "letters")),
    "empty name": ({1: "name: ''"}, 1, ("name", "letters")),
    # fields that do not go together
    "binary, x_icc .5": (
        {9: "  x_icc: 0.5\n  x: binary"},
        9,
        ("scenarios.x_icc", "0.5", "0 nor 1", "binary"),
    ),
    "binary_blocked with x_icc": (
        {9: "  x_icc: 0\n  x: binary_blocked"},
        9,
        ("scenarios.x_icc", "binary_blocked"),
    ),
    "contextual effect, cluster-level x": (
        {9: "  x_icc: 1", 10: "  slope: 0\n  contextual_effect: [0, 0.2]"},
        11,
        ("scenarios.contextual_effect[1]", "x does not vary"),
    ),
    "contextual effect, treated clusters": (
        {9: "  x_icc: 1\n  x: binary", 10: "  slope: 0\n  contextual_effect: 0.2"},
        12,
        ("scenarios.contextual_effect", "x does not vary"),
    ),
    "sizes against n_clusters": (
        {6: "  n_clusters: 4", 7: "  cluster_size: {sizes: [5, 5, 6]}"},
        6,
        ("scenarios.n_clusters", "4", "3 sizes"),
    ),
    "grain too coarse for unequal sizes": (
        {4: "grain: pooled", 7: "  cluster_size: {uniform: [5, 9]}"},
        4,
        ("grain", "pooled", "use clusters"),
    ),
    "grain too coarse for a binary x": (
        {4: "grain: pooled", 9: "  x_icc: 0\n  x: binary"},
        4,
        ("grain", "pooled", "use clusters"),
    ),
    "kenward_roger under ml": (
        {14: "  - random_intercept: {estimator: ml, df: kenward_roger}"},
        14,
        ("methods[2]", "kenward_roger", "reml"),
    ),
    "one scenario in two grids": (
        {
            5: "scenarios:\n"
            "  - {n_clusters: 4, cluster_size: 5, icc: 0, x_icc: 0, slope: 0}\n"
            "  - {n_clusters: 4, cluster_size: 5, icc: [0.1, 0], x_icc: 0, slope: 0}",
            **dict.fromkeys(range(6, 11)),
        },
        7,
        ("scenarios[1]", "icc 0", "twice"),
    ),
    # forms of a field
    "unknown size form": (
        {7: "  cluster_size: {unifrom: [5, 6]}"},
        7,
        ("cluster_size.unifrom", "'uniform'"),
    ),
    "half a size form": ({7: "  cluster_size: {mean: 5}"}, 7, ("cluster_size", "{mean: m, cv: c}")),
    "two size forms": (
        {7: "  cluster_size: {poisson: 5, uniform: [1, 2]}"},
        7,
        ("cluster_size", "{poisson: m}", "{uniform: [a, b]}"),
    ),
    "uniform upside down": (
        {7: "  cluster_size: {uniform: [6, 5]}"},
        7,
        ("cluster_size.uniform", "6", "5", "[low, high]"),
    ),
    "uniform of three": (
        {7: "  cluster_size: {uniform: [6, 7, 8]}"},
        7,
        ("cluster_size.uniform", "[low, high]"),
    ),
    "poisson 0": (
        {7: "  cluster_size: {poisson: 0}"},
        7,
        ("cluster_size.poisson", "0 is not in (0"),
    ),
    "one size": (
        {6: None, 7: "  cluster_size: {sizes: [5]}"},
        6,
        ("cluster_size.sizes", "at least 2"),
    ),
    "size 0": (
        {6: None, 7: "  cluster_size: {sizes: [5, 0]}"},
        6,
        ("cluster_size.sizes[1]", "0 is not in [1"),
    ),
    "sizes not a list": (
        {6: None, 7: "  cluster_size: {sizes: 5}"},
        6,
        ("cluster_size.sizes", "list"),
    ),
    "misspelt x": ({10: "  slope: 0\n  x: binery"}, 11, ("scenarios.x", "'binery'", "'binary'")),
    "x from no file": (
        {6: None, 7: None, 9: "  x: {file: no.csv, column: a, cluster: b}"},
        7,
        ("scenarios.x", "no.csv", "no such file"),
    ),
    "x file without a column": (
        {6: None, 7: None, 9: "  x: {file: no.csv, cluster: b}"},
        7,
        ("scenarios.x", "'column'"),
    ),
    "misspelt grain": ({4: "grain: row"}, 4, ("grain", "'row'", "'rows'")),
    "unknown figure": (
        {4: "report: {figures: [type1]}"},
        4,
        ("report.figures[0]", "'type1'", "type1_error"),
    ),
    "two methods in one": ({12: "  - {pooled: {}, dummy: {}}"}, 12, ("methods[0]", "name")),
    "options in a list": ({12: "  - pooled: [se]"}, 12, ("methods[0]", "{option: value}", "list")),
    "dummy se moulton": (
        {13: "  - dummy: {se: moulton}"},
        13,
        ("methods[1].dummy.se", "'moulton'", "classical"),
    ),
    "satterthwaite without a robust error": (
        {12: "  - pooled: {df: satterthwaite}"},
        12,
        ("methods[0].pooled.df", "satterthwaite needs", "CR2", "not classical"),
    ),
    "draws in words": (
        {12: "  - wild_bootstrap: {draws: many}"},
        12,
        ("methods[0].wild_bootstrap.draws", "'many'", "whole number from 1"),
    ),
    # YAML that is not plain data
    "custom tag on text": ({1: "name: !secret bad"}, 1, ("name", "!secret", "not allowed")),
    "undefined alias": ({8: "  icc: *nope"}, 8, ("nope",)),
    "recursive alias": ({8: "  icc: &a [0.1, *a]"}, 8, ("repeated too deeply",)),
    "recursive mapping": ({7: "  cluster_size: &a {mean: *a}"}, 7, ("repeated too deeply",)),
    "key that is a list": ({4: "? [a, b]\n: 1"}, 4, ("key must be text",)),
}

# name -> (the whole file, line or None, what the message must hold)
FILES: dict[str, tuple[bytes, int | None, tuple[str, ...]]] = {
    "empty file": (b"", None, ("expected a study", "name")),
    "only a comment": (b"# nothing\n", None, ("expected a study",)),
    "a list": (b"- a\n- b\n", 1, ("expected a study", "a list")),
    "a word": (b"hello\n", 1, ("expected a study", "'hello'")),
    "not YAML": (b"name: bad\nseed: [1\nreplications: 20\n", 3, ("not YAML", "']'")),
    "bad indent": (b"name: bad\nscenarios:\n  icc: 0\n slope: 1\n", 4, ("not YAML",)),
    "a colon too many": (b"name: bad\ntitle: a: b\n", 2, ("not YAML",)),
    "a tab": (b"name: bad\nscenarios:\n\ticc: 1\n", 3, ("not YAML",)),
    "two documents": (b"name: bad\n---\nname: c\n", 2, ("not YAML", "document")),
    "control character": (b"name: b\x07ad\n", None, ("not YAML", "#x0007")),
    "not UTF-8": ("name: bad\ntitle: café\n".encode("latin-1"), 2, ("not UTF-8",)),
    "UTF-16": ("name: bad\n".encode("utf-16"), 1, ("not UTF-8",)),
    "nested too deeply": (b"name: " + b"[" * 40 + b"]" * 40, 1, ("nested", "too deeply")),
    "nested beyond the parser": (b"name: " + b"[" * 600 + b"]" * 600, None, ("not YAML",)),
    "aliases of aliases": (
        b"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
        b"c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\n"
        b"e: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e]\n",
        1,
        ("repeated too deeply",),
    ),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(ran, line, phrases, file="study.yaml"):
    """Assert that a file was refused at a line, in these words."""
    message = assert_refused(ran)
    start = f"{file}: " if line is None else f"{file}:{line}: "
    assert message.startswith(start), message
    for phrase in phrases:
        assert phrase in message[len(start) :], message


def refuse(folder, content: bytes, line, phrases, verb="run"):
    file = folder / "study.yaml"
    file.write_bytes(content)
    before = listing(folder)
    check(call(verb, "study.yaml"), line, phrases)
    assert listing(folder) == before
    assert not (folder / "results").exists()


def test_the_study_that_is_broken_here_is_good(here):
    (here / "study.yaml").write_text(GOOD_STUDY)
    assert len(simstudy.load(here / "study.yaml").designs) == 12


@pytest.mark.parametrize("name", BAD)
def test_bad_study(here, name):
    edits, line, phrases = BAD[name]
    refuse(here, edited(edits).encode(), line, phrases)


@pytest.mark.parametrize("name", FILES)
def test_file_that_is_no_study(here, name):
    content, line, phrases = FILES[name]
    refuse(here, content, line, phrases)


TAGS = {
    "on a mapping": ({5: "scenarios: !grid"}, 5, ("scenarios", "grid", "not allowed")),
    "on a list": ({8: "  icc: !levels [0.1]"}, 8, ("scenarios.icc", "levels", "not allowed")),
    "that would run code": (
        {1: "name: !!python/object/apply:os.getcwd []"},
        1,
        ("name", "os.getcwd", "not allowed"),
    ),
}


@pytest.mark.parametrize("name", TAGS)
def test_a_custom_tag_is_refused_wherever_it_stands(here, name):
    edits, line, phrases = TAGS[name]
    refuse(here, edited(edits).encode(), line, phrases)


def test_the_line_is_that_of_the_option_where_a_method_has_several_lines(here):
    text = edited({14: "  - random_intercept:\n      estimator: reml\n      df: satterthwait"})
    refuse(here, text.encode(), 16, ("'satterthwait'", "'satterthwaite'"))


def test_a_folder_is_not_a_study(here):
    (here / "study.yaml").mkdir()
    check(call("run", "study.yaml"), None, ("directory",))
    assert listing(here) == ["study.yaml"]


def test_no_such_file(here):
    check(call("run", "study.yaml"), None, ("No such file",))
    assert listing(here) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(here):
    (here / "study.yaml").write_text(GOOD_STUDY)
    (here / "study.yaml").chmod(0)
    check(call("run", "study.yaml"), None, ("denied",))


def test_a_file_of_more_than_ten_megabytes_is_not_read(here):
    refuse(here, b"#" * 10_000_001, None, ("too large",))


def test_plan_refuses_in_the_same_words(here):
    refuse(here, edited(BAD["icc 1.2"][0]).encode(), *BAD["icc 1.2"][1:], verb="plan")


def test_the_file_is_named_as_it_was_given(here):
    (here / "deep").mkdir()
    file = here / "deep" / "study.yaml"
    file.write_text(edited({2: "sede: 1"}))
    check(call("run", "deep/study.yaml"), 2, ("'seed'",), file="deep/study.yaml")
    check(call("run", file), 2, ("'seed'",), file=str(file))


@pytest.mark.parametrize("name", ["icc 1.2", "synonym ols", "recursive alias"])
def test_bad_study_in_a_process_of_its_own(here, name):
    edits, line, phrases = BAD[name]
    (here / "study.yaml").write_text(edited(edits))
    check(call_process("run", "study.yaml", cwd=here), line, phrases)
    assert listing(here) == ["study.yaml"]


def test_a_study_from_python_is_refused_without_file_or_line():
    study = {"name": "bad", "seed": 1, "replications": 20, "methods": ["pooled"]}
    fields = {"n_clusters": 4, "cluster_size": 5, "icc": [0.1, 1.2], "x_icc": 0, "slope": 0}
    with pytest.raises(simstudy.UserError) as caught:
        simstudy.load({**study, "scenarios": fields})
    assert str(caught.value) == "scenarios.icc[1]: 1.2 is not in [0, 1)"


# What YAML 1.2 allows must not be refused.

GOOD: dict[str, tuple[Edits, str, object]] = {
    "1e2 is a number": ({3: "replications: 1e2"}, "replications", 100),
    "1e-3 is a number": ({4: "alpha: 1e-3"}, "alpha", (0.001,)),
    "2.0 is a whole number": ({2: "seed: 2.0"}, "seed", 2),
    "largest seed": ({2: "seed: 18446744073709551615"}, "seed", 2**64 - 1),
    "no is text": ({4: "title: no"}, "title", "no"),
    "title beyond ASCII": ({4: "title: Größe – ναί"}, "title", "Größe – ναί"),
    "list of alphas": ({4: "alpha: [0.01, 0.05]"}, "alpha", (0.01, 0.05)),
    "pinned grain": ({4: "grain: rows"}, "grain", "rows"),
    "alias": ({2: "seed: &n 20", 3: "replications: *n"}, "replications", 20),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_study(here, name):
    edits, field, value = GOOD[name]
    (here / "study.yaml").write_text(edited(edits), encoding="utf-8")
    assert getattr(simstudy.load("study.yaml"), field) == value


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_line_ends_of_every_system(here, ending):
    text = edited({8: "  icc: 1.2"}).encode().replace(b"\n", ending)
    (here / "study.yaml").write_bytes(b"\xef\xbb\xbf" + text)  # with the mark of Windows
    message = assert_refused(call("plan", "study.yaml"))
    assert "1.2 is not in [0, 1)" in message
    assert message.startswith("study.yaml:8: ")


def test_binary_blocked_and_sizes_need_no_more_than_they_say(here):
    text = edited({6: None, 7: "  cluster_size: {sizes: [4, 6, 9]}", 9: "  x: binary_blocked"})
    (here / "study.yaml").write_text(text)
    designs = simstudy.load("study.yaml").designs
    assert [(d.scenario.n_clusters, d.scenario.x_icc, d.n_obs) for d in designs] == [
        (3, None, 19.0)
    ] * 3


@pytest.mark.parametrize("file", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda f: f.stem)
def test_the_studies_of_the_repository_load(file):
    assert simstudy.load(file).name == file.stem
