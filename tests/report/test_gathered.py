"""Parts of designs as columns of a table: one for all where they are not crossed."""

from __future__ import annotations

import pyarrow as pa
import pytest
from helpers_simulation import study

import simstudy
from simstudy.errors import UserError
from simstudy.report.gathered import WORLD, gathered
from simstudy.report.tables.headline import headline
from simstudy.study.fields import named
from simstudy.summary.table import only_where
from simstudy.where import parse

PLAIN = {"n_clusters": 8, "cluster_size": 6, "icc": 0.2, "x_icc": 0.3, "slope": 0}
WORLDS = [
    PLAIN,
    PLAIN | {"cluster_effects": {"contaminated": {"share": 0.1, "scale": 3}}},
    PLAIN | {"errors": {"t": 5}},
    PLAIN | {"third_level": {"clusters": 4, "icc": 0.1}, "errors": "normal"},
    PLAIN | {"x": "binary", "x_icc": 1, "error_variance": {"arms": 4}, "treated": 0.25},
]


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    one = study(WORLDS, ["pooled", "dummy"], 20, report={"figures": []})
    results = simstudy.run(one, jobs=1, results=tmp_path_factory.mktemp("worlds"),
                           warn=lambda line: None)  # fmt: skip
    return pa.Table.from_pandas(results.summary, preserve_index=False)


def test_worlds_are_one_column_and_long_ones_are_explained(summary):
    lines = headline(summary, width=120).splitlines()
    head = next(line for line in lines if "world" in line)
    assert head.split()[:3] == ["x_icc", WORLD, "x"]
    text = "\n".join(lines)
    for words in ("plain", "errors t 5", "(a) cluster_effects contaminated share 0.1, scale 3",
                  "(b) third_level.clusters 4, third_level.icc 0.1",
                  "(c) error_variance arms 4, treated 0.25"):  # fmt: skip
        assert words in text, words
    assert "cluster_effects normal" not in text and "none" not in text


def test_what_a_table_shows_is_what_a_condition_asks_for(summary):
    for condition, count in {
        'errors = "t 5"': 1, "errors = normal": 4, "treated = 0.25": 1, "missing = none": 5,
        'error_variance = "arms 4"': 1, "third_level.icc = 0.1": 1, "autocorrelation = 0": 5,
        'cluster_effects = "contaminated share 0.1, scale 3"': 1, "x_shape = normal": 5,
    }.items():  # fmt: skip
        found = only_where(summary, parse(condition))
        assert len(found.column("scenario").unique()) == count, condition
    with pytest.raises(UserError, match=r"unknown field 'third_level'.*'third_level\.\w+'"):
        only_where(summary, parse("third_level = none"))


def test_crossed_parts_stay_columns():
    crossed = [{"icc": 0.1, "errors": e, "missing": m}
               for e in ("normal", "t 5") for m in ("none", "units 0.2")]  # fmt: skip
    assert gathered(crossed) == crossed
    assert gathered(crossed[:2]) == crossed[:2]  # one part is a column of its own
    assert [row[WORLD] for row in gathered(crossed[:3])] == ["plain", "missing units 0.2",
                                                            "errors t 5"]  # fmt: skip
    assert gathered([]) == []


def test_figures_call_parts_by_their_words():
    assert named("errors") == "distribution of errors"
    assert named("third_level.icc") == "intraclass correlation of groups"
    assert named("baseline.icc") == "ICC of baseline" and named("icc") == "ICC of y"
