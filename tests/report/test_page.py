"""What is in the page of a report, before a browser sees it."""

from __future__ import annotations

import ast
import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from helpers_figures import summary
from helpers_simulation import study
from ruamel.yaml import YAML

import simstudy
from simstudy.errors import UserError
from simstudy.estimands import ESTIMANDS
from simstudy.generators.part import registered
from simstudy.report import report
from simstudy.report.page.guides import measure_facts
from simstudy.report.page.mathml import UnknownMathError, mathml
from simstudy.report.page.packed import packed, short
from simstudy.report.page.page import page
from simstudy.report.page.prose import chapters, inline
from simstudy.report.page.summary_data import DOUBLE, summary_data
from simstudy.report.words import PLAIN
from simstudy.study.study import load

GRID = {"n_clusters": 10, "cluster_size": 5, "icc": [0.0, 0.1], "x_icc": 1, "slope": 0}
STUDY = {"name": "t", "seed": 1, "replications": 3, "scenarios": GRID, "methods": ["pooled"],
         "report": {"figures": []}}  # fmt: skip
PARAGRAPHS = ["# Methods", "## Aims", "An aim.", "## Performance measures", "Some."]
PACKAGE = Path(simstudy.__file__).parent
LIBRARIES = ("simstudy/report/page/assets/libraries", "tests/data/axe-core")


class Elements(HTMLParser):
    """Elements of a page as (tag, attributes, text)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[list] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append([tag, dict(attrs), ""])

    def handle_data(self, data):
        if self.found:
            self.found[-1][2] += data

    def of(self, tag):
        return [(attributes, text) for name, attributes, text in self.found if name == tag]


def unpacked(text: str) -> tuple[dict, dict]:
    """What `packed` made, as the page's script reads it."""
    content = gzip.decompress(base64.b64decode(text))
    size = int.from_bytes(content[:4], "little")
    about, start, arrays = json.loads(content[4 : 4 + size]), 4 + size, {}
    for one in about["arrays"]:
        kind = np.dtype(one["type"])
        planes = np.frombuffer(content, np.uint8, one["length"] * kind.itemsize, start)
        numbers = planes.reshape(kind.itemsize, -1).T
        arrays[one["name"]] = np.ascontiguousarray(numbers).view(kind).ravel()
        start += planes.size
    assert start == len(content)
    return about, arrays


def made(table: pa.Table, title: str = "", **more) -> str:
    return page(study(GRID, ["pooled"], title=title, **more), PARAGRAPHS, table, None).decode()


def test_arrays_come_back_as_they_were():
    rng = np.random.default_rng(5)
    given = {
        "doubles": rng.standard_normal(7), "singles": rng.standard_normal(5).astype(np.float32),
        "none": np.array([np.nan, np.inf, -np.inf]), "flags": np.array([True, False]),
        "small": np.arange(256), "words": np.array([256]), "long": np.array([2**16]),
        "large": np.array([2**40 + 1]), "nothing": np.zeros(0),
    }  # fmt: skip
    about, arrays = unpacked(packed({"text": "é</script>"}, given))
    assert about["text"] == "é</script>"
    for name, values in given.items():
        assert np.array_equal(arrays[name], values, equal_nan=values.dtype.kind == "f"), name
    kinds = {one["name"]: one["type"] for one in about["arrays"]}
    wanted = {"small": "uint8", "words": "uint16", "long": "uint32", "large": "float64"}
    assert wanted.items() <= kinds.items()


def test_rows_are_those_of_the_summary():
    """Scenario, factors, method, measure and number of every row, rates by what they are."""
    factors = {"n_clusters": [10, 20], "icc": [0.2, 0.0], "slope": [0.0, 0.3]}
    table = summary(factors, ["a", "b"], theory=True, alphas=(0.05, 0.01))
    about, columns = summary_data(study(GRID, ["pooled"]), table, PLAIN)
    names = [one["name"] for one in about["measures"]]
    for i, row in enumerate(table.to_pylist()):
        scenario = columns["scenario"][i]
        assert about["scenarios"][scenario] == row["scenario"]
        for k, factor in enumerate(about["factors"]):
            assert factor["levels"][columns[f"factor {k}"][scenario]] == row[factor["name"]]
        assert about["methods"][columns["method"][i]]["label"] == row["method"]
        kind = "power" if row["slope"] else "type1_error"
        measure = kind if row["measure"] == "rejection_rate" else row["measure"]
        assert names[columns["measure"][i]] == measure
        level = columns["alpha"][i]
        known = about["alphas"][level] if level < len(about["alphas"]) else None
        assert known == row["alpha"]
        assert columns["value"][i] == row["value"]
        theories = [*about["theories"], None]
        assert theories[columns["theory_kind"][i]] == row["theory_kind"]
    assert [one["levels"] for one in about["factors"]] == [[10, 20], [0.0, 0.2], [0.0, 0.3]]
    assert about["first"] == {"measure": "type1_error", "x": "icc", "columns": "n_clusters"}


def test_many_rows_have_seven_digits():
    few = summary({"icc": [0.1]}, ["a"])
    many = pa.concat_tables([few] * (DOUBLE // few.num_rows + 1))
    of = study(GRID, ["pooled"])
    assert summary_data(of, few, PLAIN)[1]["value"].dtype == np.float64
    columns = summary_data(of, many, PLAIN)[1]
    assert columns["value"].dtype == np.float32
    assert columns["n_used"].dtype.kind == "i"  # counts stay whole
    beyond = np.array([1.0, np.inf, np.nan, -1e39])
    assert short(beyond) is beyond
    assert short(beyond[:3]).dtype == np.float32


def test_five_thousand_rows_are_less_than_a_megabyte():
    factors = {"icc": [i / 100 for i in range(50)], "n_clusters": list(range(10, 27))}
    table = summary(factors, [f"method {k}" for k in range(2)], theory=True)
    assert table.num_rows > 5000
    assert len(made(table)) < 1_000_000


def test_the_page_runs_what_it_holds_and_nothing_else():
    text = made(summary({"icc": [0.1]}, ["a"]))
    elements = Elements(text)
    (policy,) = (a["content"] for a, _ in elements.of("meta") if "http-equiv" in a)
    allowed = dict(part.split(maxsplit=1) for part in policy.split("; "))
    assert allowed.pop("img-src") == "data:"  # an icon that says that there is none
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    for name, inline_texts in (("script-src", scripts), ("style-src", styles)):
        digests = (hashlib.sha256(one.encode()).digest() for one in inline_texts)
        hashes = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
        assert allowed.pop(name).split() == hashes
    assert set(allowed.values()) == {"'none'"}
    assert "default-src" in allowed
    attributes = [a for _, a, _ in elements.found]
    assert not any("src" in a or "style" in a or any(k.startswith("on") for k in a)
                   for a in attributes)  # fmt: skip
    assert {a.get("href", "#")[0] for a in attributes} == {"#", "d"}


def test_equal_input_gives_equal_bytes():
    table = summary({"icc": [0.1, 0.2]}, ["a", "b"])
    assert made(table) == made(table)
    assert "0 rows" in made(table.slice(0, 0))


def test_titles_and_paragraphs_are_texts():
    text = made(summary({"icc": [0.1]}, ["a"]), title="<i>&</script>")
    assert text.count("&lt;i&gt;&amp;&lt;/script&gt;") == 2  # the head and the heading
    assert "<i>" not in text
    assert inline(r"a \*b\* **c *d* e** `<e>` \< & $x_1$") == (
        "a *b* <strong>c <em>d</em> e</strong> <code>&lt;e&gt;</code> &lt; &amp; "
        "<math><mrow><msub><mi>x</mi><mn>1</mn></msub></mrow></math>"
    )
    first, second = chapters(["before", "## A", "| a | b |\n|:--|--:|\n| 1 | \\|2 |", "- x", "- y",
                              "## B c", "$$x$$"])  # fmt: skip
    assert (first.title, second.anchor) == ("A", "b-c")
    assert '<td>1</td><td class="number">|2</td>' in first.body
    assert "<ul><li>x</li><li>y</li></ul>" in first.body
    assert '<math display="block">' in second.body


def texts_of(source: Path) -> list[str]:
    """What a template or a module says, with 1 for what it is told."""
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".j2":
        text = re.sub(r"{%.*?%}|{#.*?#}", "", text, flags=re.DOTALL)
        return [re.sub(r"{{.*?}}", "1", text, flags=re.DOTALL)]
    whole = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.JoinedStr):
            whole.append("".join(part.value if isinstance(part, ast.Constant) else "1"
                                 for part in node.values))  # fmt: skip
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            whole.append(node.value)
    return whole


def formulas() -> set[str]:
    """All that the methods section may write between dollar signs."""
    symbols = [f"${one.symbol}$" for one in (*ESTIMANDS.values(), *registered().values())]
    rooms = ("generators", "measures", "methods", "report/methods_section", "report/templates")
    sources = (file for room in rooms for file in (PACKAGE / room).rglob("*"))
    own = [file for file in sources if file.suffix in (".py", ".j2")]
    texts = [*symbols, *(text for source in own for text in texts_of(source))]
    found = (re.findall(r"\$\$(.+?)\$\$|\$((?:\\.|[^$\\])+)\$", text, re.DOTALL) for text in texts)
    return {display or within for pairs in found for display, within in pairs}


def test_every_formula_is_understood():
    known = formulas()
    assert len(known) > 60
    for tex in known:
        assert "\\" not in re.sub(r"<mtext>.*?</mtext>", "", mathml(tex)), tex


@pytest.mark.parametrize("tex", [r"\unknown", r"\frac{1}", "x_", "{x", "x}", r"\sqrt", "a & b"])
def test_what_is_no_formula_is_shown_as_it_is(tex):
    with pytest.raises(UnknownMathError):
        mathml(tex)
    assert inline(f"${tex}$").startswith("<code>")


def test_measures_have_guides():
    """Bradley's liberal band of the level; intervals should miss as often as tests reject."""
    assert measure_facts("type1_error")["bands"][0][:2] == ((0.0, 0.5), (0.0, 1.5))
    coverage = measure_facts("coverage")
    assert coverage["nominal"] == (1.0, -1.0)
    assert coverage["bands"][0][:2] == ((1.0, -1.5), (1.0, -0.5))
    assert measure_facts("power")["nominal"] is None
    assert measure_facts("a_measure_of_mine")["title"] == "A measure of mine"


def test_a_study_may_go_without_the_page(tmp_path):
    found = simstudy.run(STUDY, results=tmp_path, jobs=1)
    file = Path(found.folder) / "report" / "index.html"
    assert file.exists()
    guide = (Path(__file__).parents[2] / "docs" / "page.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^    (report: .*)$", guide, re.MULTILINE)
    without = YAML(typ="safe").load(line)["report"] | {"figures": []}
    simstudy.run(STUDY | {"report": without}, results=tmp_path, jobs=1)
    assert not file.exists()
    assert not simstudy.Results.open(found.folder).study.page
    with pytest.raises(UserError, match="3 is neither true nor false"):
        load(STUDY | {"report": {"page": 3}})


def test_a_page_that_no_browser_holds_is_left_out(tmp_path, monkeypatch):
    found = simstudy.run(STUDY, results=tmp_path, jobs=1)
    assert (Path(found.folder) / "report" / "index.html").exists()
    monkeypatch.setattr(report, "MOST_ROWS", 3)
    said = []
    assert not any("index.html" in str(file) for file in found.report(said.append))
    assert said == [f"index.html is not made: {found.summary_table().num_rows} rows are more than "
                    "a browser shows"]  # fmt: skip
    assert not (Path(found.folder) / "report" / "index.html").exists()


@pytest.mark.parametrize("folder", LIBRARIES)
def test_libraries_are_what_was_published(folder):
    place = Path(__file__).parents[2] / folder
    for library in json.loads((place / "libraries.json").read_text(encoding="utf-8")):
        if "file" in library:
            content = (place / Path(library["file"]).name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == library["sha256"]
        title = f"{library['package']}@{library['version']} ({library['license']})"
        assert title in (place / "LICENSES.txt").read_text(encoding="utf-8")
