"""What every part of a design must satisfy, whatever it draws."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers_cli import conforms
from helpers_generators import arrays, same_bits
from helpers_simulation import study

from simstudy.errors import UserError
from simstudy.generators import part as record
from simstudy.generators.part import NONE, Part, described, registered
from simstudy.generators.source import Source
from simstudy.generators.streams import CLUSTERS, ROWS, chunk_length
from simstudy.numerics.reduce import reduce
from simstudy.report.methods_section.worlds import rows_of, world_facts
from simstudy.runner.plan import plan
from simstudy.runner.task import run_task
from simstudy.study.digest import canonical
from simstudy.study.json_schema import schema
from simstudy.study.parts import value_of
from simstudy.study.place import Place
from simstudy.study.vocabulary import SCENARIO
from simstudy.study.yaml_lines import Document

SIZES = {"n_clusters": 8, "cluster_size": {"uniform": [3, 9]}, "icc": 0.2, "slope": 0.4}
NORMAL = {**SIZES, "x_icc": 0.3, "slope_sd": 0.2}
BINARY = {**SIZES, "x": "binary", "x_icc": 1}
PARTS = sorted(registered())
OF_FILE = {"file": str(Path(__file__).parents[1] / "data" / "waiting.csv"), "column": "minutes"}
EXAMPLES = {name: part.example for name, part in sorted(registered().items())} | {
    f"{name} of a file": OF_FILE for name in ("cluster_effects", "errors", "x_shape")
}
SCHEMA = schema()["properties"]["scenarios"]


def loaded(scenario):
    (design,) = study(scenario, ["pooled"], 40).designs
    return design


def base_of(name):
    """A scenario in which a part has a meaning."""
    try:
        loaded({**NORMAL, name: registered()[name].example})
    except UserError:
        return BINARY
    return NORMAL


def example_of(case):
    name = field_of(case)
    return {**base_of(name), name: EXAMPLES[case]}


def field_of(case):
    return case.partition(" ")[0]


def written_default(part):
    return NONE if part.default is None else part.text(part.default)


def place(value):
    return Place(Document(value), (), value)


@pytest.mark.parametrize("case", EXAMPLES)
def test_an_example_is_read_and_another_scenario_than_without(case):
    name = field_of(case)
    part, plain = registered()[name], loaded(base_of(name))
    design = loaded(example_of(case))
    assert design.scenario.part(name) != part.default
    assert dict(design.scenario.parts).keys() == {name}
    assert design.id != plain.id
    assert replace(design.scenario, parts=()) == plain.scenario


@pytest.mark.parametrize("name", PARTS)
def test_a_default_that_is_written_changes_nothing(name):
    plain = loaded(base_of(name))
    same = loaded({**base_of(name), name: written_default(registered()[name])})
    assert (same.id, same.scenario) == (plain.id, plain.scenario)
    assert canonical(same.scenario) == canonical(plain.scenario)


@pytest.mark.parametrize("name", PARTS)
def test_the_schema_is_as_strict_as_the_reader(name):
    part = registered()[name]
    assert conforms(example_of(name), SCHEMA)
    assert conforms({**base_of(name), name: written_default(part)}, SCHEMA)
    for wrong in (True, "no such word", {"no_such_key": 1}, [], None, 1e300):
        assert not conforms({**base_of(name), name: wrong}, SCHEMA), wrong
        with pytest.raises(UserError, match=rf"scenarios\.{name}\b"):
            loaded({**base_of(name), name: wrong})


@pytest.mark.parametrize("name", PARTS)
def test_what_stands_for_a_value_in_a_digest_reads_as_that_value(name):
    part = registered()[name]
    value = value_of(part, place(part.example))
    content = json.loads(canonical(loaded(example_of(name)).scenario))[name]
    assert value_of(part, place(content)) == value
    assert value_of(part, place(part.example)) == value


@pytest.mark.parametrize("case", EXAMPLES)
def test_levels_tell_values_apart(case):
    name = field_of(case)
    part = registered()[name]
    design = loaded(example_of(case))
    told = part.text(design.scenario.part(name))
    assert told != part.text(part.default) and design.level(name) == told
    assert str(told) == str(told).strip() and "\n" not in str(told)
    assert loaded(base_of(name)).level(name) == part.text(part.default)


@pytest.mark.parametrize("name", PARTS)
def test_words_are_there_for_everything_that_is_shown(name):
    part = registered()[name]
    assert part.summary and not part.summary.endswith(".")
    assert described(name) == (part.words, part.symbol)
    rows = rows_of({name: part.example}, [part])
    assert rows and all(words and symbol and levels for words, symbol, levels in rows)
    if part.factors:
        assert part.inner.keys() == part.form.forms.keys()
        assert all(described(f"{name}.{key}") == both for key, both in part.inner.items())


@pytest.mark.parametrize("case", EXAMPLES)
def test_an_account_is_sentences_that_the_methods_section_says(case):
    name = field_of(case)
    part, scenario = registered()[name], loaded(example_of(case)).scenario
    account = part.account(scenario.part(name))
    assert re.match(r"[A-Z]\w* ", account) and account.endswith(".")
    assert account.count("$") % 2 == 0 and "@" not in account
    assert account.count("{") == account.count("}")
    alone, mixed = world_facts([scenario]), world_facts([scenario, loaded(base_of(name)).scenario])
    said = [text for key, texts in alone.items() if key.startswith("accounts") for text in texts]
    assert said == [account]
    (said,) = [t for key, texts in mixed.items() if key.startswith("accounts") for t in texts]
    assert said.endswith(account[1:])
    assert said.startswith("Where ") != isinstance(part.default, float)


def test_a_word_leads_to_one_field():
    words = [
        word
        for part in registered().values()
        for text in (part.synonyms, *part.advice.values())
        for word in text.split()
    ]
    assert len(set(words)) == len(words)
    assert not {word for word in words if SCENARIO[word] not in registered()
                and " " not in SCENARIO[word]}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in PARTS if registered()[name].default is None])
@pytest.mark.parametrize("plain", [0.2, 3, "some", True])
def test_what_is_no_mapping_is_told_how_it_is_written(name, plain):
    with pytest.raises(UserError, match=rf"scenarios\.{name}: expected none or \{{.*; write \{{"):
        loaded({**base_of(name), name: plain})


# --- drawing


@pytest.mark.parametrize("case", EXAMPLES)
def test_draws_are_finite_and_the_same_in_any_order(case):
    design = loaded(example_of(case))
    scenario = design.scenario
    first, second = (Source(scenario, 7, design.key) for _ in range(2))
    other = Source(scenario, 8, design.key)
    grains = [ROWS, CLUSTERS] if scenario.first_grain != "pooled" else [ROWS]
    for grain in grains:
        drawn = [first.moments(grain, chunk) for chunk in (0, 1)]
        again = [second.moments(grain, chunk) for chunk in (1, 0)][::-1]
        assert all(map(same_bits, drawn, again))
        assert all(np.isfinite(values).all() for one in drawn for values in arrays(one))
        assert not same_bits(drawn[0], drawn[1])
        assert not same_bits(drawn[0], other.moments(grain, 0))


@pytest.mark.parametrize("case", EXAMPLES)
def test_clusters_are_those_of_the_units(case):
    design = loaded(example_of(case))
    source = Source(design.scenario, 7, design.key)
    clusters, units = source.moments(CLUSTERS, 0), reduce(source.moments(ROWS, 0))
    n = chunk_length(design.scenario, ROWS)
    for of_clusters, of_units in zip(arrays(clusters), arrays(units), strict=True):
        cut = of_clusters[..., :n] if of_clusters.shape[-1] > 1 else of_clusters
        np.testing.assert_allclose(*np.broadcast_arrays(cut, of_units), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("case", EXAMPLES)
def test_replications_do_not_depend_on_how_many_are_asked_for(case):
    few, many = (
        np.concatenate([block.estimate for task in plan(one, []) for block in run_task(task)])
        for one in (study(example_of(case), ["pooled"], n) for n in (37, 150))
    )
    assert (few.size, many.size) == (37, 150)
    np.testing.assert_array_equal(few, many[:37])


# --- a part of one's own


def test_a_new_part_is_one_registration(monkeypatch):
    taken = dict(registered())
    monkeypatch.setattr(record, "_PARTS", dict(taken))
    toy = replace(registered()["endogeneity"], name="toy", stream=999, apply=None, stage=None,
                  refuse=lambda scenario: None, synonyms="plaything", advice={})  # fmt: skip
    assert record.register(toy) is toy
    assert list(registered()) == [*taken, "toy"]
    for wrong in (replace(toy, stream=998), replace(toy, name="other")):
        with pytest.raises(ValueError, match="twice"):
            record.register(wrong)
    assert described("toy") == (toy.words, toy.symbol)
    plain = loaded(NORMAL)
    monkeypatch.undo()
    assert loaded(NORMAL) == plain
    assert dict(registered()) == taken


def test_streams_are_those_of_the_first_day():
    assert {part.name: part.stream for part in registered().values()} == {
        "cluster_effects": 3, "errors": 4, "x_shape": 5, "treated": 6, "endogeneity": 7,
        "informative_size": 8, "informative_slope": 9, "error_variance": 10,
        "cluster_variance": 11, "autocorrelation": 12, "third_level": 13, "missing": 14,
    }  # fmt: skip
    assert all(isinstance(part, Part) for part in registered().values())
