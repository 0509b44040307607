"""Control characters, formulas and halves of characters in what people write and we print."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from helpers_cli import assert_refused, call

import simstudy
from simstudy.errors import UserError, visible

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069]")
LABELS = {
    "pooled": "=cmd|' /C calc'!A0",
    "dummy": "\x1b[31mred\x00\u202eevil\x07",
    "random_intercept": "@SUM(A1) <script> ~~s~~ &amp; \u2066b\u2069",
    "cluster_means": "-2+3",
    "gee": "+1e5",
    "within_between": "-0.5",
}
STUDY = {
    "name": "s", "title": "T \ud83d\ude42 \x1b[2J", "aim": "A \u202e \x07 of it.", "seed": 1,
    "replications": 30, "methods": [{name: {"label": label}} for name, label in LABELS.items()],
    "scenarios": {"n_clusters": 8, "cluster_size": 4, "icc": 0, "x_icc": 0.5, "slope": [0, 0.2]},
    "report": {"figures": ["zip"]},
}  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    place = tmp_path_factory.mktemp("done")
    (place / "s.yaml").write_text(json.dumps(STUDY))  # JSON writes an emoji as two surrogates
    ran = call("run", place / "s.yaml", "--results", place, "--jobs", 1)
    assert ran.code == 0, ran
    return place, ran


def test_nothing_printed_or_written_for_people_holds_one(done):
    place, ran = done
    texts = [ran.out, ran.err]
    scenario = simstudy.Results.open(place / "s").study.designs[0].id
    for command in (("summarize", place / "s"), ("plan", place / "s.yaml"),
                    ("summarize", place / "s", "--format", "markdown"),
                    ("summarize", place / "s", "--format", "latex"),
                    ("summarize", place / "s", "--format", "json"),
                    ("replay", place / "s", "--scenario", scenario, "--replication", 1),
                    ("run", place / "s.yaml", "--results", place, "--verbose")):  # fmt: skip
        said = call(*command)
        assert said.code == 0, said
        texts += [said.out, said.err]
    files = [f for f in (place / "s" / "report").rglob("*") if f.suffix in (".csv", ".md", ".tex")]
    assert len(files) > 10
    for text in [*texts, *(file.read_text(encoding="utf-8") for file in files)]:
        assert not CONTROL.search(text.replace("\n", "")), text
    assert (
        ran.out.startswith("T \U0001f642 \\x1b[2J\n") and "\\x1b[31mred\\x00\\u202eevil" in ran.out
    )


def test_specials_of_markdown_and_latex_are_text(done):
    tables = done[0] / "s" / "report" / "tables"
    assert (
        r"@SUM(A1) \<script\> \~\~s\~\~ \&amp; \\u2066b\\u2069" in (tables / "bias.md").read_text()
    )
    assert r"\textbackslash{}x1b{[}31mred" in (tables / "bias.tex").read_text()


def test_a_spreadsheet_is_given_no_formula_and_every_number(done):
    with (done[0] / "s" / "report" / "tables" / "bias.csv").open(newline="") as stream:
        head, *rows = csv.reader(stream)
    assert head == ["slope", "'=cmd|' /C calc'!A0", r"\x1b[31mred\x00\u202eevil\x07",
                    r"'@SUM(A1) <script> ~~s~~ &amp; \u2066b\u2069", "'-2+3", "+1e5",
                    "-0.5"]  # fmt: skip
    assert [row[0] for row in rows] == ["0", "0.2"]
    assert all(not cell.startswith("'") for row in rows for cell in row)


def test_the_summary_stays_exact(done):
    found = simstudy.Results.open(done[0] / "s")
    stored = pd.read_parquet(found.folder / "summary.parquet")
    assert list(dict.fromkeys(stored.method)) == list(LABELS.values())
    with (found.folder / "summary.csv").open(newline="", encoding="utf-8") as stream:
        head, *rows = csv.reader(stream)
    assert {row[head.index("method")] for row in rows} == set(LABELS.values())
    printed = call("summarize", found.folder, "--format", "csv").out
    assert {row["method"] for row in csv.DictReader(printed.splitlines())} == set(LABELS.values())


def test_foreign_labels_are_shown_the_same_way(tmp_path):
    frame = pd.DataFrame({"method": ["=1\x1b", "b"] * 50, "\u202eg\x1b": ["@x\x00y", "-1"] * 50,
                          "b": range(100), "se": 1.0})  # fmt: skip
    frame.to_parquet(tmp_path / "e.parquet")
    how = ("--estimate", "b", "--std-error", "se", "--true", 0, "--by", "\u202eg\x1b")
    for form in ("text", "markdown", "latex"):
        ran = call("summarize", tmp_path / "e.parquet", *how, "--format", form)
        assert ran.code == 0 and not CONTROL.search(ran.out.replace("\n", "")), ran
    assert "=1\x1b" in call("summarize", tmp_path / "e.parquet", *how, "--format", "csv").out
    message = assert_refused(call("summarize", tmp_path / "e.parquet", *how[:-1], "g\x1b[2J"))
    assert r"no column 'g\x1b[2J'" in message and r"\u202eg\x1b" in message


HALVES = ['title: "a \\ud83d b"', 'title: "\\ude42\\ud83d"', '"aim\\ud83d": x']


@pytest.mark.parametrize("line", HALVES)
def test_half_a_character_is_refused_where_it_stands(tmp_path, line):
    file = tmp_path / "s.yaml"
    file.write_text(f"name: s\n{line}\nseed: 1\n")
    assert f"{file}:2:" in (message := assert_refused(call("plan", file)))
    assert "half a character" in message


def test_halves_from_python_are_joined_or_refused():
    assert simstudy.load(STUDY | {"title": "\ud83d\ude42"}).title == "\U0001f642"
    with pytest.raises(UserError, match="half a character"):
        simstudy.load(STUDY | {"title": "a \ud83d"})


def test_joined_letters_and_blanks_of_any_width_are_no_control_characters():
    text = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 10\u00a0000 \U0001f469\u200d\U0001f52c"
    assert visible(text) == text
    assert visible("a\tb\nc\u2028d") == "a b c d"
    assert visible("\x1b\u202e\u200b\ud83d") == r"\x1b\u202e\u200b\ud83d"


def test_a_file_name_that_is_not_utf_8_is_refused_in_one_line(tmp_path):
    """Neither YAML nor parquet could hold it."""
    name = Path(str(tmp_path / "r") + "\udcff")
    (tmp_path / "s.yaml").write_text(json.dumps(STUDY))
    for command in (
        ("run", tmp_path / "s.yaml", "--results", name),
        ("plan", name),
        ("summarize", name),
        ("report", name),
        ("fit", name, "y ~ x + (1 | g)"),
    ):
        assert r"\udcff: is not UTF-8" in assert_refused(call(*command))
    with pytest.raises(UserError, match="not UTF-8"):
        simstudy.run(STUDY, results=name)
