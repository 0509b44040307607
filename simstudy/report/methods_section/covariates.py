"""What a methods section says of covariates and of slopes that vary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from simstudy.generators.predictor import icc_of
from simstudy.generators.scenario import Covariate, Scenario
from simstudy.study.covariates import leaves
from simstudy.study.place import Place
from simstudy.study.study import Study
from simstudy.study.yaml_lines import Document

SLOPES = {  # words and symbol
    "slope_sd": ("standard deviation of the slope over clusters", r"\tau_v"),
    "slope_correlation": ("correlation of slopes and intercepts of clusters", r"\rho_{uv}"),
}


_KINDS = ("normal", "binary_units", "binary_clusters", "binary_blocked", "file")


def covariate_facts(study: Study) -> dict[str, Any]:
    """Covariates by the types they have, and whether slopes vary or correlate."""
    scenarios = [design.scenario for design in study.designs]
    every = [(scenario, one) for scenario in scenarios for one in scenario.covariates]
    types: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for _, one in every:
        if one.name not in types[_kind(one)]:
            types[_kind(one)].append(one.name)
    files = {one.name: f"{icc_of(one.given):.3g}" for _, one in every if one.given is not None}
    return {
        "covariates": types if every else None,
        "covariate_iccs": list(files.items()),
        "correlated": any(one.correlations for _, one in every),
        "several": any(len(scenario.covariates) > 1 for scenario in scenarios),
        "slopes_vary": any(scenario.slope_sd != 0 for scenario in scenarios),
    }


def _kind(covariate: Covariate) -> str:
    if covariate.type != "binary":
        return covariate.type
    return "binary_clusters" if covariate.icc else "binary_units"


def hidden(scenarios: list[Scenario]) -> dict[str, None]:
    """Fields of which nothing is to be said."""
    return {} if any(one.slope_sd != 0 for one in scenarios) else dict.fromkeys(SLOPES)


def fields_of(grid: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Fields of the covariates of a grid, and the level or the levels of each."""
    if grid.get("covariates"):
        place = Place(Document(grid), (), grid)["covariates"]
        yield from ((name, leaf.value) for name, leaf in leaves(place))


def words_of(field: str) -> tuple[str, str]:
    """Words and symbol of a covariate's field, ``baseline.slope``."""
    name, kind, *rest = field.split(".")
    index = rf"\text{{{_text(name)}}}"
    if kind != "correlation":
        words = {"icc": "share of the variance of {} between clusters", "slope": "slope of {}",
                 "type": "type of {}", "column": "column of {}"}[kind]  # fmt: skip
        symbol = {"icc": r"\rho", "slope": r"\delta"}.get(kind, "z")
        return words.format(name), f"{symbol}_{{{index}}}"
    other, *level = rest
    where = f" {level[0]} clusters" if level else ""
    also = "x" if other == "x" else rf"\text{{{_text(other)}}}"
    mark = rf"^{{\text{{{level[0]}}}}}" if level else ""
    return f"correlation of {name} and {other}{where}", f"r_{{{index}, {also}}}{mark}"


def _text(name: str) -> str:
    return name.replace("_", r"\_")
