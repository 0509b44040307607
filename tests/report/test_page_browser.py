"""The page of a report, in a browser: it works, asks for nothing, and shows texts as texts."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from helpers_browser import NAMES, NEEDED, Browser, browsing, found
from helpers_figures import summary
from helpers_simulation import study

import simstudy
from simstudy.report.page.page import page
from simstudy.report.words import PLAIN

pytestmark = [pytest.mark.slow, pytest.mark.browser]

AXE = Path(__file__).parents[1] / "data" / "axe-core" / "axe.min.js"
GRID = {"n_clusters": [6, 12], "cluster_size": 5, "icc": [0.0, 0.1, 0.3], "x_icc": [0, 1],
        "slope": [0, 0.4]}  # fmt: skip
METHODS = ["pooled", "dummy", {"random_intercept": {"df": "wald", "label": "a mixed model"}}]
MARKUP = "</script><script>alert(1)</script><img src=x>"
HOSTILE = [MARKUP, "'\"&amp;<b>", "\u202eleft\u05d0\u05d1", "=1+1", "m" * 10_000]
RATE = PLAIN.measure("type1_error")
TITLE = f"{RATE} at alpha .05 by {PLAIN.factor('icc')}"
POINTS = "document.querySelectorAll('#figure [aria-label=dot] > *').length"
PANELS = "document.querySelectorAll('#figure .panel').length"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = found()
    if path is None:
        reason = f"no browser here: none of {', '.join(NAMES)}"
        pytest.fail(reason) if os.environ.get(NEEDED) else pytest.skip(reason)
    with browsing(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> simstudy.Results:
    """A small study with all that a page may show."""
    described = {
        "name": "page", "title": "A page", "aim": "Is all there?", "seed": 3, "replications": 60,
        "alpha": [0.05, 0.01], "scenarios": GRID, "methods": METHODS, "report": {"figures": []},
        "labels": {"levels": {"icc": {0.3: "three tenths"}}, "methods": {"pooled": "Regression"}},
    }  # fmt: skip
    return simstudy.run(described, results=tmp_path_factory.mktemp("results"), jobs=1)


@pytest.fixture(scope="module")
def file(results: simstudy.Results) -> Path:
    return Path(results.folder) / "report" / "index.html"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page every text of which is somebody else's."""
    table = summary({"n_clusters": [10], "cluster_size": HOSTILE, "icc": [0.1, 0.2]}, HOSTILE)
    grid = {"n_clusters": 10, "cluster_size": 5, "icc": 0.1, "x_icc": 0, "slope": 0}
    of = study(grid, ["pooled"], title=MARKUP)
    file = tmp_path_factory.mktemp("hostile") / "index.html"
    paragraphs = ["## Aims", "An aim.", "## Performance measures", "Some."]
    file.write_bytes(page(of, paragraphs, table, None))
    return file


def test_it_opens_by_itself(browser, file):
    """In ADEMP order, from a file, without a word on the console and without a request."""
    browser.open(file)
    assert browser.complaints() == []
    heads = browser.ask("[...document.querySelectorAll('h2')].map((one) => one.textContent)")
    order = ["Aims", "Data-generating mechanisms", "Estimands", "Methods", "Performance measures",
             "What was found", "Explore the results", "All numbers"]  # fmt: skip
    assert [head for head in heads if head in order] == order
    assert browser.text("#figure-title") == TITLE
    # true nulls alone: 2 x 3 x 2 scenarios, less those of dummy with clusters treated as a whole
    assert browser.ask(POINTS) == 2 * 3 * (3 + 2)
    assert "three tenths" in browser.text("#controls")  # as the study file calls it
    assert browser.ask("document.querySelectorAll('math').length") > 50
    unread = browser.ask("document.querySelectorAll('section.prose code').length")
    assert unread == 0  # formulas that are not understood


def test_nothing_is_wider_than_a_phone(browser, file, hostile):
    for one in (file, hostile):
        browser.open(one, width=390)
        assert browser.ask("document.documentElement.scrollWidth") == 390
        assert browser.complaints() == []


def test_controls_change_the_figure_and_the_address(browser, file):
    browser.open(file)
    browser.choose("Measure", "relative_error_model_se")
    bias = PLAIN.measure("relative_error_model_se")
    assert browser.text("#figure-title") == f"{bias} by {PLAIN.factor('icc')}"
    assert "log-ratio scale" in browser.text("#figure-note")
    browser.choose("Columns of panels", "none")
    browser.choose("Rows of panels", "slope")
    assert browser.ask(PANELS) == 2
    assert "clusters held at 6" in browser.text("#figure-note")
    before = browser.ask(POINTS)
    browser.ask("document.querySelector('#controls .box input').click()")  # the first method
    assert browser.ask(POINTS) == before - 6
    view = browser.ask("location.hash.slice(1)")
    drawn = browser.ask("document.querySelector('#figure').innerHTML")
    browser.open(file, view=view)
    assert browser.ask("document.querySelector('#figure').innerHTML") == drawn
    icc = PLAIN.factor("icc")
    browser.open(file, view="hide.icc=0.1")  # the list of levels is closed: the note says it
    assert f"left out: {icc} 0.1" in browser.text("#figure-note")
    browser.choose("Figure", "loop")
    assert browser.ask("document.querySelectorAll('.strip').length") == 4
    assert "stands on the edge" in browser.text("#figure-note")  # no rejection, on a log scale
    browser.open(file, view="measure=bias&scale=logarithmic&kind=loop")
    assert "where it should be" not in browser.text("#figure-key")  # 0 has no place there
    browser.choose("Figure", "intervals")
    assert "intervals" in browser.text("#figure-title")
    assert browser.complaints() == []


def test_an_address_of_anybody_is_harmless(browser, file):
    view = "kind=x&measure=%3Cimg%3E&x=y&hide.icc=9&at.n_clusters=7&sort=a:b&filter.value=%22&="
    browser.open(file, view=view)
    assert browser.text("#figure-title") == TITLE
    assert browser.complaints() == []


def test_numbers_are_read_by_keyboard(browser, file, results):
    browser.open(file)
    browser.ask("document.querySelector('#figure').focus()")
    browser.press("ArrowRight", "ArrowRight", "Enter")  # pooled, the second ICC of the first panel
    table = results.summary_table()
    where = {"n_clusters": 6, "icc": 0.1, "x_icc": 0.0, "slope": 0.0, "method": "pooled",
             "measure": "rejection_rate", "alpha": 0.05}  # fmt: skip
    (row,) = [row for row in table.to_pylist() if all(row[k] == v for k, v in where.items())]
    places = 1 - math.floor(math.log10(row["mcse"]))
    numbers = (f"{row[name]:.{places}f}".lstrip("0") for name in ("value", "mcse"))
    said = f"{RATE} at alpha .05: {{}} (Monte Carlo SE {{}})".format(*numbers)
    assert said in browser.text("#spoken")
    assert "n 60" in browser.text("#spoken")
    assert browser.text(".tip").startswith("Regression")
    command = f"simstudy replay results/page --scenario {row['scenario']} --replication 1"
    assert command in browser.text("#details code")


def all_saved(browser: Browser) -> list[dict[str, str]]:
    """All rows of the table, as a reader saves them."""
    browser.ask(
        "{URL.createObjectURL = (blob) => { window.saved = blob; return 'data:,'; };"
        "HTMLAnchorElement.prototype.click = () => {};"
        "const [every, saving] = [/All rows/, /CSV/].map((text) => [...document.querySelectorAll("
        "'#table button')].find((button) => text.test(button.textContent)));"
        "every.click(); saving.click();}"
    )
    return list(csv.DictReader(io.StringIO(browser.ask("saved.text()"))))


def test_the_table_sorts_filters_and_leaves(browser, file, results):
    """What is saved is what the summary holds, digit by digit."""
    table = results.summary_table()
    browser.open(file)
    heads = browser.ask("[...document.querySelectorAll('#table th')].map((th) => th.textContent)")
    place = heads.index("value")
    first_value = f"document.querySelector('#table tbody tr').children[{place}].textContent"
    assert f"of {table.num_rows:,}" in browser.text("[role=status]")
    browser.write("[aria-label='filter measure']", RATE)
    browser.write("[aria-label='filter value']", "> 0.04")
    values = [
        row["value"] for row in table.to_pylist()
        if row["measure"] == "rejection_rate" and row["truth"] == 0 and (row["value"] or 0) > 0.04
    ]  # fmt: skip
    assert f"of {len(values)}" in browser.text("[role=status]")
    for wanted in (min(values), max(values)):
        browser.ask(f"document.querySelectorAll('#table th button')[{place}].click()")
        assert float(browser.ask(first_value)) == pytest.approx(wanted, abs=5e-4)
    browser.write("[aria-label='filter measure']", "")
    browser.write("[aria-label='filter value']", "")
    browser.write("[aria-label='filter alpha']", "< 0.03")  # which measures without one do not meet
    assert f"of {table.column('alpha').to_pylist().count(0.01)}" in browser.text("[role=status]")
    saved = all_saved(browser)
    assert len(saved) == table.num_rows
    for name in ("value", "mcse", "ci_low", "ci_high", "theory", "n_used", "icc"):
        mine = [float(row[name] or "nan") for row in saved]
        stored = pc.fill_null(table.column(name).cast(pa.float64()), math.nan).to_numpy()
        assert np.array_equal(mine, stored, equal_nan=True), name
    assert [row["method"] for row in saved] == table.column("method").to_pylist()


def test_texts_of_others_are_texts(browser, hostile):
    browser.open(hostile)
    assert browser.complaints() == []
    assert browser.text("h1") == MARKUP
    assert browser.ask("document.title") == MARKUP
    assert browser.ask("document.querySelectorAll('img, b').length") == 0
    assert browser.ask("document.scripts.length") == 3  # the data are taken out when they are read
    browser.ask("document.querySelector('#figure').focus()")
    browser.press("ArrowRight")
    assert MARKUP in browser.text(".tip")
    assert MARKUP in browser.text("#table tbody")
    assert "\u202eleft\u05d0\u05d1" in browser.text("#controls")
    methods = {row["method"] for row in all_saved(browser)}
    assert methods == {*HOSTILE} - {"=1+1"} | {"'=1+1"}  # no formula for a spreadsheet
    boxes = browser.ask("document.querySelectorAll('.box').length")
    for k in range(boxes):  # every label of a method and a level goes to the address and back
        browser.ask(f"document.querySelectorAll('.box input')[{k}].click()")
    browser.open(hostile, view=browser.ask("location.hash.slice(1)"))
    assert browser.ask("document.querySelectorAll('.box input:checked').length") == 0
    assert browser.complaints() == []


def faults(browser: Browser, context: str, rules: list[str]) -> list[list[str]]:
    """What axe finds, rule and impact, of what is not there a hundred times."""
    options = json.dumps({"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {}))
    kept = "JSON.stringify(found.violations.map((fault) => [fault.id, fault.impact]))"
    return json.loads(browser.ask(f"axe.run({context}, {options}).then((found) => {kept})"))


@pytest.mark.parametrize(("scheme", "rules"), [("light", []), ("dark", ["color-contrast"])])
def test_axe_finds_no_serious_fault(browser, file, scheme, rules):
    browser.open(file, scheme=scheme)
    browser.call("Runtime.evaluate", expression=AXE.read_text(encoding="utf-8"))
    page = '{exclude: ["#table tbody tr:nth-child(n + 3)", "math"]}'
    found = faults(browser, page, rules)
    assert [fault for fault in found if fault[1] in ("serious", "critical")] == []
    # and it would: words that can hardly be seen
    browser.ask(
        "{const words = document.createElement('p'); words.id = 'pale'; words.append('pale');"
        "words.style.color = '#999'; words.style.background = '#aaa';"
        "document.querySelector('main').append(words);}"
    )
    assert faults(browser, '"#pale"', rules) == [["color-contrast", "serious"]]
