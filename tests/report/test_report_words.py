"""What things are called: words of the records, of `label:` and of `labels:`; data keep names."""

from __future__ import annotations

import pytest
from helpers_places import ROOT
from helpers_simulation import study

import simstudy
from simstudy.errors import UserError
from simstudy.locks.plan import plan_of
from simstudy.plots import plots
from simstudy.registry import configure, methods
from simstudy.report.drawing.view import View
from simstudy.report.words import PLAIN, words_of
from simstudy.study.study import load

GRID = {"n_clusters": [5, 10], "cluster_size": 4, "icc": [0, 0.1], "x_icc": 0.5, "slope": 0}
HOSTILE = "$x^2$ </script> \\frac{1} & _a_ | 100 %"
LABELS = {
    "methods": {"pooled": HOSTILE, "mine": "My own"},
    "factors": {"icc": "ICC of the score", "n_clusters": "schools"},
    "levels": {"icc": {"0.10": "some", 0: "none"}},
    "measures": {"type1_error": "False alarms"},
}
METHODS = ["pooled", "random_intercept", {"dummy": {"label": "mine"}}]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("pooled", {}, "Pooled OLS"),
        ("pooled", {"se": "CR2"}, "Pooled, CR2"),
        ("pooled", {"se": "CR0", "df": "wald"}, "Pooled, CR0, z test"),
        ("random_intercept", {}, "Random intercept, Kenward-Roger"),
        ("random_intercept", {"estimator": "ml"}, "Random intercept, ML, z test"),
        ("random_intercept", {"estimand": "icc"}, "Random intercept, Kenward-Roger, intraclass"),
        ("wild_bootstrap", {"draws": 999}, "Wild cluster bootstrap, 999 draws"),
        ("gee", {"null_value": 0.3}, "GEE, null value 0.3"),
        ("pooled", {"level": 3}, "Pooled OLS, clustered by groups"),
    ],
)
def test_a_method_is_called_what_its_options_say(name, options, words):
    assert configure(name, options).words.startswith(words)


def test_no_two_built_in_methods_have_the_same_words():
    said = [configure(name, {option.name: value}).words
            for name, entry in methods().items() for option in entry.options
            for value in option.values
            if entry.refuse(entry.settle({option.name: value})[0]) is None
            and value != option.default(entry.settle({})[0])]  # fmt: skip
    assert len(said) > 20 and len(set(said)) == len(said)
    assert not any("_" in words or "=" in words for words in said)


def test_labels_go_before_label_and_that_before_words():
    words = words_of(study(GRID, METHODS, labels=LABELS))
    assert words.all_methods(["pooled", "random_intercept", "mine"]) == (
        HOSTILE, "Random intercept, Kenward-Roger", "My own")  # fmt: skip
    assert words_of(study(GRID, METHODS)).method("mine") == "mine"
    assert words.heading("n_clusters") == "schools" and PLAIN.heading("n_clusters") == "Clusters"
    assert words.levels({"icc": 0.1, "x_icc": 0.5}) == "ICC of the score some, ICC of x 0.5"
    assert words.measure("rejection_rate", null=True) == "False alarms"
    assert words.measure("rejection_rate", null=False) == "Power"
    assert PLAIN.measure("relative_error_model_se") == "Relative error of the model SE, %"


def test_methods_that_words_would_not_tell_apart_keep_their_labels():
    words = words_of(study(GRID, ["pooled", {"dummy": {"label": "Pooled OLS"}}]))
    assert words.all_methods(["pooled", "Pooled OLS"]) == ("pooled", "Pooled OLS")


def test_labels_are_in_no_plan_and_go_to_the_results_as_they_are(tmp_path):
    plain, labeled = study(GRID, METHODS, 20), study(GRID, METHODS, 20, labels=LABELS)
    assert plan_of(plain).digest == plan_of(labeled).digest
    first = simstudy.run(plain, jobs=1, results=tmp_path, report=False)
    again = simstudy.run(labeled, jobs=1, results=tmp_path, report=False)
    assert again.n_fits == 0 and again.summary.equals(first.summary)
    stored = load(again.folder / "study.yaml")
    assert stored.labels == labeled.labels and words_of(stored) == words_of(labeled)
    assert stored.labels.levels == {"icc": {"0": "none", "0.1": "some"}}
    figure = plots()["type1_error"].draw(again.summary_table(), "", None, View(words_of(stored)))
    said = [text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text"))]
    assert {"False alarms (log scale)", "none", "some", "schools = 5", "ICC of the score"} <= set(
        said
    )
    assert any(HOSTILE in " ".join(text.split()) for text in said)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"method": {}}, "unknown key; did you mean 'methods'?"),
        ({"methods": {"poled": "x"}}, "no method 'poled'; did you mean 'pooled'?"),
        ({"methods": {"pooled": 3}}, "expected text, got 3"),
        ({"methods": {"pooled": " "}}, "expected text, got blanks"),
        ({"methods": {"pooled": "A", "mine": "A"}}, "two are called 'A'"),
        ({"factors": {"rho": "x"}}, "no factor 'rho'; did you mean 'icc'?"),
        ({"levels": {"icc": {0.2: "x"}}}, "no level of icc '?0.2'?"),
        ({"levels": {"icc": "x"}}, "expected a mapping of each level of icc to its text"),
        ({"measures": {"size": "x"}}, "no measure 'size'; did you mean 'type1_error'?"),
    ],
)
def test_labels_of_what_there_is_not_are_refused(labels, message):
    with pytest.raises(UserError, match=message.replace("?;", ";")):
        study(GRID, METHODS, labels=labels)


def test_a_wrong_label_is_said_by_file_and_line(tmp_path):
    text = (ROOT / "configs" / "smoke.yaml").read_text(encoding="utf-8")
    n_lines = len(text.splitlines())
    (tmp_path / "s.yaml").write_text(f"{text.rstrip()}\nlabels:\n  methods: {{poled: x}}\n")
    with pytest.raises(UserError, match=rf"s.yaml:{n_lines + 2}: labels.methods.poled"):
        load(tmp_path / "s.yaml")
