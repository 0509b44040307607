"""A study with methods of a user's own reads true: fits that failed, or are not there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata

import pyarrow as pa
import pytest
from helpers_own import run, use, written
from helpers_own import study as own_study

import simstudy
from simstudy.entries import CodeSource
from simstudy.errors import code
from simstudy.report.methods_section import exclusions
from simstudy.report.methods_section.bibliography import Citations
from simstudy.report.methods_section.render import methods_section
from simstudy.report.tables.markdown import prose
from simstudy.runner.provenance import packages, provenance
from simstudy.store import failures, parts
from simstudy.store.makers import makers
from simstudy.store.names import method_key
from simstudy.store.results_folder import ResultsFolder
from simstudy.summary.study import summarize_study

pytestmark = pytest.mark.slow

FILE = '''\
import numpy.linalg as la
import simstudy


@simstudy.method
def fragile(data, limit=1.0):
    """Like `lme_4`'s, *not*."""
    if data.y.max() > limit:
        raise ValueError(f"y `[@above]` {limit}\\n again")
    return data.y.mean(), 1.0


@simstudy.method
def hopeless(data):
    from PIL import Image
    from . import nothing
    import no_such_module_at_all
    return data.y.mean(), 1.0


@simstudy.method(grain="clusters")
def fine(moments):
    return moments.mean_y.mean(axis=0), 1.0
'''
GRID = {"n_clusters": 6, "cluster_size": 4, "icc": [0.2, 0.9], "x_icc": 0.5, "slope": 0.0,
        "total_variance": [0.2, 1]}  # fmt: skip
N = 4 * 60


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    return written(tmp_path_factory.mktemp("files"), FILE).parent


@pytest.fixture(scope="module")
def found(tmp_path_factory, mine):
    """A method that fails, one that was given up, one that is fine, and two built in."""
    chosen = ["pooled", "random_intercept", use(mine, "fragile", limit=1.2),
              use(mine, "hopeless"), use(mine, "fine")]  # fmt: skip
    one = own_study(chosen, 60, GRID, alpha=[0.05, 0.01], report={"figures": []})
    folder = tmp_path_factory.mktemp("results")
    result = simstudy.run(one, jobs=1, results=folder, warn=lambda line: None, give_up=20)
    return result, (result.folder / "report" / "methods.md").read_text(encoding="utf-8")


def counted(result, label, measure="rejection_rate"):
    frame = result.summary
    return frame[(frame.method == label) & (frame.measure == measure) & ~(frame.alpha < 0.05)]


def test_fits_that_were_not_computed_are_said(found):
    result, text = found
    rows = counted(result, "hopeless")
    there = int((rows.n_used + rows.n_not_used).sum())
    assert 20 <= there < N
    said = f"Fewer were computed of **hopeless** ({there} of {N} fits). With that number"
    assert f"was to have 60 replications, in all {N} data sets and 1,200 fits. {said}" in text
    assert "but for the fits that were not computed" in text
    assert "replications have a result, these errors are larger" in text


def test_where_all_is_there_nothing_else_is_said(tmp_path, mine):
    small = GRID | {"icc": 0.2, "total_variance": 1}
    one = own_study(["pooled", use(mine, "fine")], 20, small)
    run(one, tmp_path)
    text = methods_section(
        one, ResultsFolder(tmp_path), summarize_study(one, ResultsFolder(tmp_path))
    )
    assert "Each scenario had 20 replications, in all 20 data sets and 40 fits. With this" in text
    assert "In this study every fit gave a valid result." in text
    for word in ("computed", "errors are larger", " failed", "levels"):
        assert word not in text.split("## Performance")[0] + text.split("## Number")[1]
    longer = own_study(["pooled", use(mine, "fine")], 50, small)  # interrupted: 30 are missing
    text = methods_section(
        longer, ResultsFolder(tmp_path), summarize_study(longer, ResultsFolder(tmp_path))
    )
    assert "Fewer were computed of **pooled** (20 of 50 fits) and **fine** (20 of 50 fits)." in text
    assert "In this study every fit that was computed gave a valid result." in text


def test_failures_are_counted_with_their_message_and_the_worst_scenario(found):
    result, text = found
    failed = result.failures
    n = int((failed.method == "fragile[limit=1.2]").sum())
    used = counted(result, "fragile[limit=1.2]").set_index(["icc", "total_variance"]).n_used
    assert 0 < used.min() < used.max() and n == N - used.sum()
    icc, variance = used.idxmin()
    assert (
        f"**fragile\\[limit=1.2\\]** failed in {n} of {N} fits, each time with "
        f"``ValueError: y `[@above]` 1.2 again``; in the worst scenario ($\\rho$ = {icc:g}, "
        f"$\\omega^2$ = {variance:g}) {used.min()} of 60 replications were used."
    ) in text
    lost = int((failed.method == "hopeless").sum())
    assert f"**hopeless** failed in {lost} of {lost} fits, each time with `" in text
    assert "; there was no result in any scenario." in text
    assert f"| hopeless | {lost} | {lost} | 4 |" in text


def test_the_most_frequent_message_is_said(found, monkeypatch):
    result, _ = found
    label = "fragile[limit=1.2]"
    table = pa.table({"method": [label] * 3, "message": ["a", "b", "b"]})
    for rows, said in (
        (table, ", most often with `b` (2 times); in the worst"),
        (table.slice(0, 1), ", for instance with `a`; in the worst"),
        (table.slice(0, 0), " of 240 fits; in the worst"),
    ):
        monkeypatch.setattr(
            failures, "read",
            lambda study, folder, kind, rows=rows: rows if kind == "failures" else rows.slice(0, 0),
        )  # fmt: skip
        assert said in methods_section(
            result.study, ResultsFolder(result.folder), result.summary_table()
        )


def test_levels_that_do_not_vary_name_no_scenario(tmp_path, mine):
    one = own_study([use(mine, "fragile", limit=1.2)], 20, GRID | {"icc": 0.2, "total_variance": 1})
    run(one, tmp_path)
    summary = summarize_study(one, ResultsFolder(tmp_path))
    fits = exclusions.fits_of(summary)
    ((used,),) = (of.values() for of in fits.used.values())
    assert 0 < used < 20
    text = methods_section(one, ResultsFolder(tmp_path), summary)
    assert f"again``; {used} of 20 replications were used." in text


def test_what_is_the_authors_own_is_said(found, tmp_path, mine):
    _, text = found
    assert "The authors' own methods return their standard error, and their degrees" in text
    assert "- **fragile\\[limit=1.2\\].** Like `lme_4`'s, \\*not\\*. The authors' own" in text
    assert "- **hopeless.** The authors' own function `hopeless` in the file" in text
    assert "method of your own" not in text
    assert "at the levels $\\alpha = 0.05, 0.01$." in text
    assert "Fits of the built-in methods with an estimated cluster variance of zero" in text
    one = own_study(["random_intercept"], 60, GRID)
    run(one, tmp_path)
    text = methods_section(
        one, ResultsFolder(tmp_path), summarize_study(one, ResultsFolder(tmp_path))
    )
    assert "at level $\\alpha = 0.05$." in text and "authors' own" not in text
    assert "\nFits with an estimated cluster variance of zero" in text


def test_versions_of_what_the_file_imports_are_named(found, tmp_path, mine):
    result, text = found
    versions = {"numpy": metadata.version("numpy"), "pandas": metadata.version("pandas"),
                "pillow": metadata.version("pillow")}  # fmt: skip
    assert provenance(result.study)["packages"] == versions
    names = f"pandas {versions['pandas']}, pillow {versions['pillow']}"
    assert f"The authors' own functions used {names}." in text
    own = {method_key(m.canonical) for m in result.study.own_methods}
    for part in ResultsFolder(result.folder).parts():
        assert parts.footer(ResultsFolder(result.folder), part)["packages"] == versions
    assert own & {key for part in ResultsFolder(result.folder).parts() for key in part.methods}
    assert any(
        "packages" in footer for footer in makers(result.study, ResultsFolder(result.folder))
    )
    plain = own_study(["pooled"], 60, GRID)  # its parts say what another method imported
    assert not any("packages" in footer for footer in makers(plain, ResultsFolder(result.folder)))
    assert "packages" not in provenance(plain)


def test_packages_are_read_from_the_text(tmp_path):
    from simstudy.custom.load import digest_of

    def of(text, function="f"):
        file = tmp_path / "one.py"
        file.write_bytes(text)
        return list(packages([CodeSource(str(file), function, digest_of(text), "slope")]))

    head = b"import os.path, scipy.stats as st, simstudy\n"
    assert of(head + b"def f(data): pass\n") == ["pandas", "scipy"]
    assert of(head + b"@simstudy.method(grain='clusters')\ndef f(data): pass\n") == ["scipy"]
    assert of(head + b"@simstudy.method(grain='rows')\ndef f(data): pass\n") == ["pandas", "scipy"]
    assert of(head + b"@simstudy.method(grain='pooled')\ndef f(data):\n def g():\n"
              b"  from pyarrow.compute import add\n") == ["pyarrow", "scipy"]  # fmt: skip
    assert of(b"import pandas\ndef f(: pass") == [] and of(b"\xff\x00") == []
    assert packages([CodeSource(str(tmp_path / "none.py"), "f", "0" * 8, "slope")]) == {}
    assert packages([CodeSource(str(tmp_path / "one.py"), "f", "0" * 8, "slope")]) == {}  # changed


def test_nothing_is_imported_to_know_its_version(mine):
    use_it = use(mine, "hopeless")["use"]
    code_ = (
        "import sys, json; from simstudy.study.study import load; "
        "from simstudy.runner.provenance import provenance; "
        "one = load({'name': 'a', 'seed': 1, 'replications': 5, 'scenarios': "
        f"{GRID!r}, 'methods': [{{'use': {use_it!r}}}]}}); found = provenance(one)['packages']; "
        "print(json.dumps([sorted(found), 'PIL' in sys.modules, 'pandas' in sys.modules]))"
    )
    ran = subprocess.run([sys.executable, "-c", code_], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == [["numpy", "pandas", "pillow"], False, False]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a *b* `c_*d*` e_", "a \\*b\\* `c_*d*` e\\_"),
        ("``x`y`` [z]", "``x`y`` \\[z\\]"),
        ("one ` only *", "one \\` only \\*"),
        ("", ""),
    ],
)
def test_code_in_prose_stays_code(text, shown):
    assert prose(text) == shown


@pytest.mark.parametrize("text", ["plain", "`a", "a`", "a``b", "`", "[@Nobody1900]", "a\\"])
def test_anything_can_be_code(text):
    shown = code(text)
    fence = re.match("`+", shown)[0]
    inside = shown[len(fence) : -len(fence)]
    assert shown.endswith(fence) and fence not in inside and text in inside
    assert Citations().resolve(f"before {shown} after") == f"before {shown} after"
    with pytest.raises(KeyError):
        Citations().resolve(f"{shown} [@Nobody1900]")
