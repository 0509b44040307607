"""Claims after a run: on the terminal, in the report, from Python, and as an assertion."""

from __future__ import annotations

import re

import pytest
from helpers_cli import call

import simstudy
from simstudy.store import study_file

STUDY = {
    "name": "c", "seed": 1, "replications": 300, "aim": "a", "title": "t",
    "scenarios": {"n_clusters": 10, "cluster_size": 5, "icc": [0.1, 0.4], "x_icc": 1, "slope": 0},
    "methods": ["pooled", "random_intercept"], "report": {"figures": []},
}  # fmt: skip
SUPPORTED = "type1_error of pooled > 0.1 where icc = 0.4"
REFUTED = "type1_error of pooled <= 0.1"
UNDECIDED = "for some bias of pooled > 0"


@pytest.fixture
def run(tmp_path):
    def with_claims(*claims, flags=(), **more):
        file = tmp_path / "c.yaml"
        file.write_text(study_file.dump(STUDY | {"claims": list(claims)} | more))
        return call("run", file, "--results", tmp_path, "--jobs", 1, *flags)

    return with_claims


def test_a_run_shows_claims_and_ends_with_4_where_one_is_refuted(run, tmp_path):
    done = run(SUPPORTED, REFUTED, UNDECIDED, flags=["--no-report"])
    assert done.code == 0
    assert "Claims: 1 supported, 1 refuted, 1 undecided (95 % intervals" in done.out
    assert f"  supported  {SUPPORTED}\n             ." in done.out
    assert "replications would decide, if" in done.out

    checked = run(SUPPORTED, REFUTED, UNDECIDED, flags=["--check-claims", "--no-report"])
    assert checked.code == 4 and "nothing is missing: no fit was computed" in checked.out
    assert checked.err.splitlines()[-1] == f"refuted: 1 of 3 claims: {REFUTED}"
    fine = run(SUPPORTED, UNDECIDED, flags=["--check-claims", "--quiet", "--no-report"])
    assert (fine.code, fine.out, fine.err) == (0, "", f"undecided: {UNDECIDED}\n")


def test_editing_claims_computes_no_fit_and_renews_the_report(run, tmp_path):
    run(SUPPORTED)
    parts = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "c/estimates").iterdir()}
    table = tmp_path / "c/report/tables/claims.md"
    assert "supported" in table.read_text()
    again = run(REFUTED)
    assert "nothing is missing: no fit was computed" in again.out
    assert {f.name: f.stat().st_mtime_ns for f in (tmp_path / "c/estimates").iterdir()} == parts
    assert "refuted" in table.read_text() and "supported" not in table.read_text().split("\n\n")[1]
    assert f"- *refuted*: `{REFUTED}`: ." in (tmp_path / "c/report/methods.md").read_text()
    pair = "type1_error of pooled > random_intercept"
    run(pair, "bias of pooled < 0")
    methods = (tmp_path / "c/report/methods.md").read_text()
    assert "these claims: 1 supported, 1 undecided. Each" in methods
    assert "data set by data set, of rates with adjusted Wald intervals (Bonett & Price" in methods
    assert re.search(r"cells\. (About [\d,]+|No number of) replications would decide", methods)
    run()
    assert not table.exists()
    assert "## Claims" not in (tmp_path / "c/report/methods.md").read_text()


def test_results_have_them_as_a_frame(run, tmp_path):
    run(SUPPORTED, REFUTED, UNDECIDED)
    results = simstudy.Results.open(tmp_path / "c")
    frame = results.claims
    assert list(frame.verdict) == ["supported", "refuted", "undecided"]
    assert list(frame.claim) == [SUPPORTED, REFUTED, UNDECIDED]
    rows = results.summary.set_index(["scenario", "method", "measure"])
    for row in frame.iloc[:2].itertuples():
        assert row.value == rows.loc[(row.scenario, "pooled", "rejection_rate"), "value"]
        assert row.ci_low < row.value < row.ci_high and row.n_used == 300
    assert frame.reason[2].startswith("about ") and frame.replications[2] > 300
    csv = (tmp_path / "c/report/tables/claims.csv").read_text().splitlines()
    assert len(csv) == 4 and csv[0].startswith("claim,cell,verdict,value,interval,")
    for file in (tmp_path / "c/estimates").iterdir():
        file.unlink()
    assert simstudy.Results.open(tmp_path / "c").claims.equals(frame)


@pytest.mark.parametrize(
    ("claims", "flags", "message"),
    [
        ([], ["--check-claims"], "--check-claims: the study file claims nothing"),
        ([SUPPORTED], ["--check-claims", "--shard", "1/2"], "a share judges no claims"),
        (["power of pooled > 0.5"], [], "c.yaml:"),
    ],
    ids=["no claims", "share", "no such row"],
)
def test_what_cannot_be_checked_is_said_before_any_work(run, tmp_path, claims, flags, message):
    done = run(*claims, flags=flags)
    assert done.code == 2 and message in done.err and not (tmp_path / "c").exists()


def test_plan_lists_claims_and_a_share_judges_none(run, tmp_path):
    shared = run(SUPPORTED, flags=["--shard", "1/2"])
    assert shared.code == 0 and "Claims" not in shared.out
    planned = call("plan", tmp_path / "c.yaml", "--results", tmp_path)
    assert f"claims, judged by run:\n  {SUPPORTED} (1 cell)\n" in planned.out


def test_the_starter_suggests_claims(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call("init", "new")
    before, suggested = (tmp_path / "new.yaml").read_text().split("# claims:")
    (tmp_path / "new.yaml").write_text(before + "claims:" + suggested.replace("\n#", "\n"))
    assert len(simstudy.load("new.yaml").claims) == 2
