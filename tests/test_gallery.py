"""The gallery: every study runs, its claims are judged, and its page shows it."""

import json
import re

import pytest
from helpers_cli import ROOT, call, conforms

import simstudy
from simstudy.study.yaml_lines import read as read_yaml

pytestmark = pytest.mark.slow

STUDIES = sorted((ROOT / "configs" / "gallery").glob("*.yaml"))
DOCS = ROOT / "docs"
PAGE = (DOCS / "gallery.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def schema():
    return json.loads(call("schema").out)


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_every_study_runs_and_no_claim_is_refuted(file, schema, tmp_path):
    """Few replications decide few claims; what is true is not refuted by them."""
    options = ("--replications", 100, "--results", tmp_path, "--jobs", 1, "--no-report")
    ran = call("run", file, *options, "--check-claims")
    assert (ran.code, file.stem) == (0, simstudy.load(file).name), ran.err
    claims = simstudy.Results.open(tmp_path / file.stem).claims
    assert len(claims) == len(simstudy.load(file).claims) >= 5
    assert claims["value"].notna().all()  # each has a cell that speaks for it
    undecided = claims.loc[claims["verdict"] == "undecided", "reason"]
    assert undecided.str.contains("replications would decide|on the bound").all()
    assert conforms(read_yaml(file).data, schema)


def test_the_page_shows_every_study_and_its_figure():
    shown = re.findall(r"\]\(\.\./configs/gallery/(\w+)\.yaml\), \d+ s", PAGE)
    assert shown == re.findall(r"\]\(gallery/(\w+)\.png\)", PAGE)
    names = sorted(file.stem for file in STUDIES)
    assert sorted(shown) == names == sorted(file.stem for file in DOCS.glob("gallery/*.png"))
    assert all(file.stat().st_size <= 60_000 for file in DOCS.glob("gallery/*.png"))
    (n,) = re.findall(r"All (\d+) claims", PAGE)
    assert int(n) == sum(len(simstudy.load(file).claims) for file in STUDIES)
