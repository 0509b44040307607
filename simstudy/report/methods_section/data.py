"""What data a study draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simstudy.generators.predictor import gamma_shape, icc_of
from simstudy.generators.scenario import SizeRule
from simstudy.report.methods_section import covariates
from simstudy.study.fields import DEFAULTS
from simstudy.study.grid import text_of
from simstudy.study.study import Study

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
    **covariates.SLOPES,
}


def data_facts(study: Study) -> dict[str, Any]:
    """Predictors, sizes, factors, and what of it is random."""
    scenarios = [design.scenario for design in study.designs]
    contextual = any(scenario.contextual_effect != 0 for scenario in scenarios)
    unlike = [s for s in scenarios if s.x not in ("file", "binary_blocked") or s.size.random]
    files = {s.given.digest: s.given for s in scenarios if s.given is not None}
    rules = dict.fromkeys(s.size for s in scenarios if s.x != "file")
    grids = study.scenarios if isinstance(study.scenarios, list) else [study.scenarios]
    hidden = covariates.hidden(scenarios) | ({} if contextual else {"contextual_effect": None})
    return {
        **covariates.covariate_facts(study),
        "contextual": contextual,
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
        "some_given": any(s.x in ("file", "binary_blocked") for s in scenarios),
        "grids": [_factors(grid | hidden) for grid in grids],
    }


def symbols(levels: Mapping[str, Any]) -> dict[str, str]:
    """Symbol of a factor -> a scenario's level of it."""
    words = _FACTORS | {name: covariates.words_of(name) for name in levels if "." in name}
    return {
        symbol: text_of(levels[name])
        for name, (_, symbol) in words.items()
        if levels.get(name) is not None
    }


def _sizes(rules: Iterable[SizeRule]) -> dict[str, list[tuple[Any, ...]]]:
    """Kind of rule -> the numbers of each."""
    sizes: dict[str, list[tuple[Any, ...]]] = {}
    for rule in rules:
        values: tuple[Any, ...] = rule.values
        if rule.kind == "gamma":
            values += gamma_shape(*values)
        if rule.kind == "listed":
            values = (", ".join(f"{n:g}" for n in values),)
        sizes.setdefault(rule.kind, []).append(values)
    return sizes


def _factors(grid: Mapping[str, Any]) -> list[tuple[str, str, list[str]]]:
    """(words, symbol, levels) of every field of a grid, the variance that follows left out."""
    factors = []
    for name, (words, symbol) in _FACTORS.items():
        value = grid.get(name, DEFAULTS.get(name))
        if value is None or (name == "total_variance" and "within_variance" in grid):
            continue
        factors.append((words, symbol, _texts(value)))
    for name, value in covariates.fields_of(grid):
        factors.append((*covariates.words_of(name), _texts(value)))
    return factors


def _texts(value: Any) -> list[str]:
    return [text_of(level) for level in (value if isinstance(value, list) else [value])]
