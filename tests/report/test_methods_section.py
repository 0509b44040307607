"""The methods section: everything that was used is in it, and nothing else."""

from __future__ import annotations

import importlib.resources
import itertools
import json
import re
import shutil

import pyarrow as pa
import pytest
from helpers_cli import call_process
from helpers_simulation import study

import simstudy
from simstudy.errors import UserError
from simstudy.registry import configure, methods
from simstudy.report.methods_section.bibliography import WORKS, Citations, read_works
from simstudy.report.methods_section.render import methods_section
from simstudy.store import parts
from simstudy.store.makers import makers
from simstudy.store.results_folder import ResultsFolder

GRID = {"n_clusters": [4, 7], "cluster_size": [3, {"uniform": [2, 9]}], "icc": [0, 0.13, 0.37],
        "x_icc": [0, 1], "slope": [0, 0.42]}  # fmt: skip
METHODS = ["pooled", "dummy", {"random_intercept": {"df": "wald", "label": "mixed *z* | test"}}]


def combinations():
    """Every configuration of every registered method."""
    for entry in methods().values():
        names = [option.name for option in entry.options]
        for chosen in itertools.product(*(o.values or (o.least, 99) for o in entry.options)):
            try:
                yield configure(entry.name, dict(zip(names, chosen, strict=True)))
            except UserError:
                continue


def section(grid, chosen, tmp_path, replications=60, **more):
    one = study(grid, chosen, replications, report={"figures": []}, **more)
    found = simstudy.run(one, jobs=1, results=tmp_path, warn=lambda line: None)
    return found, (found.folder / "report" / "methods.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return section(GRID, METHODS, tmp_path_factory.mktemp("results"), alpha=[0.05, 0.01],
                   title="A *title*", aim="What is lost")  # fmt: skip


@pytest.mark.parametrize("method", list(combinations()), ids=lambda m: m.canonical)
def test_every_method_and_option_has_sentences_and_references(method):
    assert method.references and set(method.references) <= set(WORKS)
    text = Citations().resolve(method.account())
    assert len(re.findall(r"\.(?= |$)", text)) >= 1 and text.endswith(".")
    assert text.count("$") % 2 == 0 and text.count("{") == text.count("}")
    assert "@" not in text and "{residual}" not in text and "{{" not in text


def test_no_two_configurations_have_the_same_account():
    accounts = [method.account() for method in combinations()]
    assert len(accounts) > 90 and len(set(accounts)) == len(accounts)


def test_every_work_is_cited_by_something_and_complete():
    cited = {key for method in combinations() for key in method.references}
    ours = {"Bartlett1933", "OlkinRubin1964", "Morris2019", "White2010", "Wilson1927",
            "Bradley1978", "ClopperPearson1934", "BonettPrice2012", "Harris2020",
            "Virtanen2020"}  # fmt: skip
    assert cited | ours == set(WORKS) and not cited & ours
    for key, work in WORKS.items():
        assert key.endswith(str(work.year))
        assert re.fullmatch(r"\S.+ \(\d{4}\)\. \S.*\.", work.entry), work.entry


def test_works_are_read_from_csl_json():
    text = """[{"id": "Kish1965", "type": "book", "issued": {"date-parts": [[1965]]},
      "author": [{"family": "Kish", "given": "L."}], "title": "Survey", "edition": "2nd",
      "publisher": "Wiley"},
     {"id": "Li2001", "type": "article-journal", "issued": {"date-parts": [[2001, 3]]},
      "author": [{"family": "Li", "given": "A."}, {"family": "Wu", "given": "B."},
                 {"literal": "et al."}],
      "title": "Why?", "container-title": "J-Stat", "volume": "5", "page": "1-9"}]"""
    assert read_works(text) == {
        "Kish1965": ("Kish", 1965, "Kish, L. (1965). *Survey* (2nd ed.). Wiley."),
        "Li2001": ("Li et al.", 2001, "Li, A., Wu, B., et al. (2001). Why? *J-Stat*, 5, 1–9."),
    }


def test_every_template_is_shipped_and_used():
    folder = importlib.resources.files("simstudy.report") / "templates"
    texts = {file.name: file.read_text("utf-8") for file in folder.iterdir()}
    used = set(re.findall(r'(?:include|from) "(.*?)"', "".join(texts.values())))
    assert used | {"methods.md.j2", "bibliography.json", "README.md"} == set(texts)


def test_what_a_user_writes_is_no_template(tmp_path):
    hostile = "{{ study.seed }} {% if x %} {# gone #} {{"
    small = {"n_clusters": 4, "cluster_size": 3, "icc": 0.1, "x_icc": 0, "slope": 0}
    chosen = [{"pooled": {"label": f"), {hostile}"}}]
    _, text = section(small, chosen, tmp_path, 20, title=hostile, aim=f", {hostile}")
    assert f"# Methods: {hostile}\n" in text and f"\n\n, {hostile}.\n" in text
    assert f"- **), {hostile}.** " in text


def test_what_a_user_writes_is_no_heading(tmp_path):
    small = {"n_clusters": 4, "cluster_size": 3, "icc": 0.1, "x_icc": 0, "slope": 0}
    _, text = section(small, ["pooled"], tmp_path, 20, aim=" ## References")
    assert re.findall("^## (?:Aims|References)$", text, re.MULTILINE) == [
        "## Aims",
        "## References",
    ]
    assert "\n\\## References.\n" in text


def test_sections_are_in_ademp_order(written):
    headings = re.findall(r"^## (.*)$", written[1], re.MULTILINE)
    assert headings == [
        "Aims", "Data-generating mechanisms", "Estimands", "Methods", "Performance measures",
        "Number of replications", "Estimates that do not exist", "Computation",
        "What was found", "References",
    ]  # fmt: skip


def test_what_was_found_is_there_and_has_from_python_the_same_words(written):
    results, text = written
    section = text.partition("## What was found\n\n")[2].partition("\n\n## References")[0]
    assert section.replace("\n\n", "\n") == "\n".join(results.found).replace("\n\n", "\n")
    assert [len(re.findall(rf"^- \*\*{m}", section, re.MULTILINE))
            for m in ("pooled", "dummy", "mixed")] == [1, 1, 1]  # fmt: skip


def test_every_level_label_seed_and_number_is_there(written):
    found, text = written
    for line in ("$J$ | 4; 7 |", "$n_j$ | 3; uniform 2-9 |", r"$\rho$ | 0; 0.13; 0.37 |",
                 r"$\rho_x$ | 0; 1 |", r"$\beta_1$ | 0; 0.42 |", r"$\beta_0$ | 0 |",
                 r"$\omega^2$ | 1 |", "$x$ | normal |"):  # fmt: skip
        assert line in text, line
    assert "48 scenarios" in text and "60 replications" in text
    assert "2,880 data sets and 8,640 fits" in text
    assert f"The random seed was {found.study.seed}." in text
    assert "**pooled.**" in text and r"**mixed \*z\* \| test.**" in text
    assert r"# Methods: A \*title\*" in text and "\n\nWhat is lost.\n" in text
    # sqrt(.05 x .95 / 60), sqrt(.01 x .99 / 60), .5 / sqrt(60)
    assert "is 0.028 for" in text and "0.013 for a rate" in text and "at most 0.065" in text


def test_what_was_lost_is_counted(written):
    found, text = written
    frame = found.summary
    dummy = frame[(frame.method == "dummy") & (frame.measure == "share_not_estimable")]
    lost = round((dummy.value * dummy.n_used).sum())
    assert lost >= 24 * 60
    assert f"| dummy | {lost:,} | 2,880 | 24 |" in text
    assert "| pooled |" not in text
    mixed = frame[(frame.method == METHODS[2]["random_intercept"]["label"])
                  & (frame.measure == "share_boundary")]  # fmt: skip
    assert f"mixed \\*z\\* \\| test: {round((mixed.value * 60).sum()):,})" in text


def test_references_are_those_cited_and_no_others(written):
    _, text = written
    body, listed = text.split("## References")
    entries = re.findall(r"^- (.*)$", listed, re.MULTILINE)
    for work in WORKS.values():
        cited = re.search(rf"{re.escape(work.authors)}, {work.year}[;)]", body) is not None
        assert cited == (work.entry in entries), work.entry
    assert entries == sorted(entries)


def test_only_the_pieces_that_were_used(tmp_path):
    small = {"n_clusters": 4, "cluster_size": 3, "icc": 0.1, "x_icc": 0, "slope": 0}
    _, whole = section(small, ["pooled"], tmp_path)
    text = whole.partition("## What was found")[0]
    for word in (r"\gamma", "ontextual", "binary", "Poisson", "gamma variate", "Power", r"a_j",
                 "Uniform", "mixed model", "Bradley", "bootstrap", "lost"):  # fmt: skip
        assert word not in text, word
    assert "$x_{ij} \\sim N(0, 1)$" in text and "There was 1 scenario:" in text
    assert "every fit gave a valid result" in text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"x_icc": 1}, "that of the cluster, $x_{ij} = a_j$"),
        ({"x": "binary", "x_icc": 1}, "treatment of whole clusters"),
        ({"x": "binary", "x_icc": 0}, "with probability 1/2"),
        ({"x": "binary_blocked", "x_icc": None}, "randomized within clusters"),
        ({"cluster_size": {"poisson": 4}}, "had mean 4 before conditioning"),
        ({"cluster_size": {"mean": 8, "cv": 0.5}}, "mean 8 and coefficient of variation 0.5 ("),
        ({"cluster_size": {"sizes": [2, 3, 4, 9]}}, "(2, 3, 4, 9)"),
        ({"contextual_effect": 0.7}, r"| contextual effect, $\gamma$ | 0.7 |"),
    ],
    ids=str,
)
def test_every_mechanism_has_its_words(tmp_path, more, words):
    grid = {"n_clusters": 4, "cluster_size": 3, "icc": 0.1, "x_icc": 0, "slope": 0} | more
    grid = {name: level for name, level in grid.items() if level is not None}
    assert words in section(grid, ["pooled"], tmp_path, 20)[1]


def test_a_predictor_from_a_file_and_several_grids(tmp_path):
    lines = [f"{k},{k % 3}" for k in range(12)]
    (tmp_path / "x.csv").write_text("score,school\n" + "\n".join(lines) + "\n")
    x = {"file": str(tmp_path / "x.csv"), "column": "score", "cluster": "school"}
    drawn = {"n_clusters": 4, "cluster_size": 5, "icc": [0, 0.2], "x_icc": 0, "slope": 0}
    grids = [{"x": x, "icc": 0.1, "slope": 0}, drawn]
    _, text = section(grids, ["pooled"], tmp_path, 20)
    assert "(3 clusters of 4 to 4 units, 12 in all)" in text and "score by school" in text
    assert "There were 3 scenarios, in 2 sets. Set 1" in text and "Set 2 crossed" in text


def test_every_effect_has_its_own_estimand(tmp_path):
    grid = {"n_clusters": 6, "cluster_size": 4, "icc": 0.1, "x_icc": 0.5, "slope": 0.3,
            "contextual_effect": 0.2}  # fmt: skip
    chosen = ["pooled", *({"within_between": {"effect": e, "label": e}}
                          for e in ("within", "between", "contextual"))]  # fmt: skip
    text = section(grid, chosen, tmp_path, 20)[1]
    assert "The estimand of **pooled**, **within** was the slope $\\beta_1$" in text
    assert r"**between** was the between-cluster slope, $\beta_1 + \gamma$." in text
    assert r"**contextual** was the contextual effect, $\gamma$." in text


def test_versions_are_those_of_the_parts(written, tmp_path):
    found, text = written
    stored = parts.footer(ResultsFolder(found.folder), ResultsFolder(found.folder).parts()[0])
    for name in ("numpy", "scipy", "simstudy"):
        assert f"{name} {stored[name]}" in text
    assert stored["cpu"] in text and len(makers(found.study, ResultsFolder(found.folder))) == 1
    none = methods_section(found.study, ResultsFolder(tmp_path), found.summary_table())
    assert "versions are not stored" in none and stored["numpy"] not in none


def test_parts_of_two_versions_are_both_named(tmp_path, monkeypatch):
    import simstudy.runner.provenance as where

    grid = {"n_clusters": 4, "cluster_size": 3, "icc": 0.1, "x_icc": 0, "slope": 0}
    section(grid, ["pooled"], tmp_path, 20)
    monkeypatch.setitem(where._OURS, "numpy", "9.9.9")
    found, text = section(grid, ["pooled"], tmp_path, 40)
    assert re.search(r"numpy [\d.]+ and 9\.9\.9 \(Harris", text), json.dumps(
        makers(found.study, ResultsFolder(found.folder))
    )


def test_measures_that_are_not_known_are_named(written, tmp_path):
    found, _ = written
    summary = found.summary_table()
    names = ["my_own" if m == "bias" else m for m in summary.column("measure").to_pylist()]
    at = summary.column_names.index("measure")
    changed = summary.set_column(at, "measure", pa.array(names))
    text = methods_section(found.study, ResultsFolder(tmp_path), changed)
    assert "Reported besides, with their Monte Carlo errors: my own." in text
    assert "| Bias |" not in text and "| Bias |" in written[1]


def test_a_method_of_ones_own_says_what_it_is_and_what_it_estimates(tmp_path):
    text = (
        "import simstudy\n@simstudy.method\ndef share(data, by=2):\n"
        '    """A share of the *variance*."""\n    return data.y.var() / 9 / by, 1.0\n'
    )
    (tmp_path / "mine.py").write_text(text)
    use = {"use": f"{tmp_path / 'mine.py'}:share", "by": 3, "truth": "icc"}
    found, written = section(GRID | {"icc": 0.1}, ["pooled", use], tmp_path)
    digest = found.study.methods[1].source.digest
    said = (
        "A share of the \\*variance\\*. The authors' own function `share` in the file `mine.py`, "
        f"the SHA-256 of which begins {digest}, with by 3."
    )
    assert said in written
    assert "was the intraclass correlation $\\rho$." in written
    assert "reads units, they were drawn given these" in written
    (tmp_path / "mine.py").write_text(text + "# changed\n")
    assert (
        call_process("report", found.folder, cwd=tmp_path).code == 0
    )  # a process that never ran the file
    again = (found.folder / "report" / "methods.md").read_text(encoding="utf-8")
    assert said in again  # it is what the method said when it was run
    shutil.rmtree(found.folder / "sources")  # as in folders of the first version
    assert call_process("report", found.folder, cwd=tmp_path).code == 0
    again = (found.folder / "report" / "methods.md").read_text(encoding="utf-8")
    assert said.removeprefix(r"A share of the \*variance\*. ") in again
    assert "variance\\*" not in again
