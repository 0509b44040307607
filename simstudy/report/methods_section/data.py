"""What data a study draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simstudy.generators.predictor import icc_of
from simstudy.generators.scenario import Scenario
from simstudy.generators.sizes import SizeRule
from simstudy.report.methods_section.predictors import predictor_facts, words_of
from simstudy.report.methods_section.worlds import Row, parts_of, rows_of, world_facts
from simstudy.store.sources import generator_key
from simstudy.study import generators
from simstudy.study.covariates import FIELD, leaves
from simstudy.study.fields import COVARIATE_DEFAULTS, DEFAULTS
from simstudy.study.generators import FIELD as OWN
from simstudy.study.grid import text_of
from simstudy.study.place import Place
from simstudy.study.study import Study
from simstudy.study.yaml_lines import Document

_FACTORS = {  # words and symbol
    "n_clusters": ("number of clusters", "J"),
    "cluster_size": ("units in a cluster", "n_j"),
    "icc": ("intraclass correlation of the outcome given the predictor", r"\rho"),
    "x_icc": ("share of the predictor's variance between clusters", r"\rho_x"),
    "slope": ("slope", r"\beta_1"),
    "intercept": ("intercept", r"\beta_0"),
    "total_variance": ("total variance given the predictor", r"\omega^2"),
    "within_variance": ("variance within clusters given the predictor", r"\sigma^2"),
    "contextual_effect": ("contextual effect", r"\gamma"),
    "x": ("predictor", "x"),
    "slope_sd": ("standard deviation of the slope over clusters", r"\sigma_v"),
    "data": ("generator of the data", r"\text{data}"),
    "slope_correlation": ("correlation of a cluster's slope and effect", r"\rho_{uv}"),
}


def data_facts(study: Study, said: Mapping[str, str]) -> dict[str, Any]:
    """Predictors, sizes, factors, and what of it is random; `said` are accounts of functions."""
    every = [design.scenario for design in study.designs]
    scenarios = [scenario for scenario in every if scenario.generator is None]
    contextual = any(scenario.contextual_effect != 0 for scenario in scenarios)
    unlike = [s for s in scenarios if s.size.random or not all(map(_is_given, _kinds(s)))]
    files = {s.given.digest: s.given for s in scenarios if s.given is not None}
    rules = dict.fromkeys(s.size for s in every if s.x != "file")
    predictors = predictor_facts(scenarios, study.methods)
    shown = {
        "contextual_effect": contextual,
        "slope_sd": predictors["slopes"],
        "slope_correlation": predictors["tied_slopes"],
    }
    hidden = {field: None for field, said in shown.items() if not said}
    return {
        "contextual": contextual,
        "modeled": bool(scenarios),
        "generators": [
            (own, said.get(generator_key(own), "")) for own in study.generators.values()
        ],
        "total_set": any("within_variance" not in design.levels for design in study.designs),
        "within_set": any("within_variance" in design.levels for design in study.designs),
        "x_icc": {
            x: list(dict.fromkeys(s.x_icc for s in scenarios if s.x == x))
            for x in ("normal", "binary", "binary_blocked")
        },
        "given": [(file, f"{icc_of(file):.3g}") for file in files.values()],
        "sizes": _sizes(rules),
        "random_sizes": any(rule.random for rule in rules),
        "all_given": not unlike,
        "some_given": any(_is_given(kind) for s in scenarios for kind in _kinds(s)),
        "grids": _grids(study, hidden),
        **predictors,
        **world_facts(scenarios),
    }


def _grids(study: Study, hidden: Mapping[str, None]) -> list[list[Row]]:
    """The factors of each grid, but for fields that are hidden."""
    every = [design.scenario for design in study.designs]
    parts, several = parts_of(every), any(one.covariates for one in every if not one.generator)
    grids = study.scenarios if isinstance(study.scenarios, list) else [study.scenarios]
    grids = [_of_generator(grid, study) if OWN in grid else grid for grid in grids]
    return [
        _worded([*_factors(grid | hidden), *rows_of(grid, parts, study.folder)], several)
        for grid in grids
    ]


def _of_generator(grid: Mapping[str, Any], study: Study) -> dict[str, Any]:
    """A grid with a generator by its name, its options as fields, and no fields at a default."""
    place = Place(Document(grid), (), grid)[OWN]
    data = {name: leaf.value for name, leaf in generators.leaves(place)}
    data[OWN] = study.generators[grid[OWN]["use"]].place
    return (
        dict.fromkeys(DEFAULTS)
        | {name: value for name, value in grid.items() if value != DEFAULTS.get(name)}
        | data
    )


def _kinds(scenario: Scenario) -> list[str]:
    return [scenario.x, *(one.type for one in scenario.covariates)]


def _is_given(kind: str) -> bool:
    """Whether a predictor of a kind is the same in every replication, but for sizes."""
    return kind in ("file", "binary_blocked", "time")


def symbols(levels: Mapping[str, Any]) -> dict[str, str]:
    """Symbol of a factor -> a scenario's level of it."""
    own = {name: words_of(name) for name in levels if name not in _FACTORS}
    return {
        symbol: text_of(levels[name])
        for name, (_, symbol) in (_FACTORS | own).items()
        if levels.get(name) is not None
    }


def _fields_of(grid: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the covariates of a grid, and the level or the levels of each."""
    if not grid.get(FIELD):
        return {}
    usual = {f"{name}.slope": COVARIATE_DEFAULTS["slope"] for name in grid[FIELD]}
    place = Place(Document(grid), (), grid)[FIELD]
    return usual | {name: leaf.value for name, leaf in leaves(place)}


def _sizes(rules: Iterable[SizeRule]) -> list[tuple[list[str], list[str]]]:
    """What is said of each kind of rule, before its values and after them; and the values."""
    values: dict[str, list[str]] = {}
    for rule in rules:
        values.setdefault(rule.family.account, []).append(rule.family.each(rule.values))
    return [(account.split("{}"), each) for account, each in values.items()]


def _factors(grid: Mapping[str, Any]) -> list[Row]:
    """Every field of a grid but its parts, the variance that follows left out."""
    values = {**grid, **_fields_of(grid)}
    own = {name: words_of(name) for name in values if "." in name}
    factors = []
    for name, (words, symbol) in (_FACTORS | own).items():
        value = values.get(name, DEFAULTS.get(name))
        if value is None or (name == "total_variance" and "within_variance" in grid):
            continue
        levels = value if isinstance(value, list) else [value]
        factors.append((words, symbol, [text_of(level) for level in levels]))
    return factors


def _worded(rows: Iterable[Row], covariates: bool) -> list[Row]:
    """Rows in the words of a study with several predictors, or with one."""
    if not covariates:
        return list(rows)
    meant = {"given the predictor": "given the predictors",
             "the predictor's variance": "the variance of x"}  # fmt: skip
    worded = []
    for words, symbol, levels in rows:
        for one, several in meant.items():
            words = words.replace(one, several)
        worded.append((words, symbol, levels))
    return worded
