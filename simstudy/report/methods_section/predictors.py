"""The predictors of a study beside x, and what of them is in a method's model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from simstudy.entries import X_ALONE, Predictors
from simstudy.estimands import ESTIMANDS, estimand, subscript
from simstudy.generators import components
from simstudy.generators.components import LEVELS
from simstudy.generators.given import constant_within
from simstudy.generators.omitted import unadjusted_icc
from simstudy.generators.part import described
from simstudy.generators.predictor import icc_of
from simstudy.generators.scenario import Covariate, GivenX, Scenario
from simstudy.registry import Method
from simstudy.report.tables.markdown import escape
from simstudy.study import generators
from simstudy.study.grid import text_of
from simstudy.study.study import Study

_FIELDS = {  # words and symbol, of a covariate's name and how that stands as a subscript
    "icc": ("share of the variance of {name} between clusters", r"\rho_{{{sub}}}"),
    "slope": ("slope of {name}", r"\beta_{{{sub}}}"),
    "type": ("type of {name}", "{sub}"),
    "column": ("column of {name}", "{sub}"),
}
_LEVELS = {
    None: ("components", "r"),
    "within": ("unit components", "r^W"),
    "between": ("cluster components", "r^B"),
}


def words_of(field: str) -> tuple[str, str]:
    """Words and symbol of a part, a field of a covariate (``baseline.slope``), or an option."""
    if (said := described(field)) is not None:
        return said
    if generators.is_option(field):
        option = field.partition(".")[2]
        return f"option {option} of the generator", subscript(option)
    name, field, *others = field.replace("type.column", "column").split(".")
    if field in _FIELDS:
        words, symbol = _FIELDS[field]
        return words.format(name=name), symbol.format(sub=subscript(name))
    other, level = (*others, None, None)[:2]
    what, r = _LEVELS[level]
    if other is None:  # levels that are mappings as a whole
        return f"correlations of the {what} of {name}", rf"r_{{{subscript(name)}}}"
    beside = "x" if other == "x" else subscript(other)
    return (
        f"correlation of the {what} of {name} and {other}",
        rf"{r}_{{{subscript(name)},\,{beside}}}",
    )


class Correlated(NamedTuple):
    """Two normal predictors of which the components of one level are correlated."""

    names: str
    values: list[str]


def predictor_facts(scenarios: Sequence[Scenario], methods: Iterable[Method]) -> dict[str, Any]:
    """Covariates by how they are drawn, their correlations, and slopes that vary."""
    covariates = [one for scenario in scenarios for one in scenario.covariates]
    of_type: dict[str, dict[str, list[Covariate]]] = {}
    for one in covariates:
        kind = f"binary_{one.icc:g}" if one.type == "binary" else one.type
        of_type.setdefault(kind, {}).setdefault(one.name, []).append(one)
    names = list(dict.fromkeys(one.name for one in covariates))
    omitting = any(method.omit for method in methods)
    return {
        "covariates": [(estimand(name).symbol, subscript(name)) for name in names],
        "normal": {name: _levels(one.icc for one in ones)
                   for name, ones in of_type.get("normal", {}).items()},
        "binary": {kind: listed(ones) for kind, ones in of_type.items() if "binary" in kind},
        "n_of": {kind: len(ones) for kind, ones in of_type.items()},
        "columns": {name: (ones[0].given, f"{icc_of(ones[0].given):.3g}")
                    for name, ones in of_type.get("file", {}).items() if ones[0].given},
        "correlated": {level: _correlated(scenarios, level) for level in LEVELS},
        "slopes": any(scenario.slope_sd for scenario in scenarios),
        "tied_slopes": any(scenario.slope_correlation for scenario in scenarios),
        "unadjusted": _range_of_icc(scenarios) if omitting else None,
    }  # fmt: skip


def _levels(values: Iterable[float | None]) -> list[str]:
    return [text_of(value) for value in dict.fromkeys(values) if value is not None]


def listed(names: Iterable[str]) -> str:
    """Names as Markdown, in a sentence: ``a, b and c``."""
    *before, last = (escape(name) if name.isidentifier() else name for name in names)
    return f"{', '.join(before)} and {last}" if before else last


def _correlated(scenarios: Sequence[Scenario], level: components.Level) -> list[Correlated]:
    """What is not independent, those included that x brings about, over all scenarios."""
    values: dict[tuple[str, str], dict[float, None]] = {}
    for scenario in scenarios:
        names = components.normal_names(scenario)
        matrix = components.correlations(scenario, level)
        varying = [k for k, share in enumerate(components.shares(scenario, level)) if share > 0]
        for k in varying:
            for m in varying:
                if m < k:
                    pair = names[m], names[k]
                    values.setdefault(pair, {})[matrix[k][m]] = None
    return [
        Correlated(listed("$x$" if name == "x" else name for name in pair), _levels(found))
        for pair, found in values.items()
        if any(found)
    ]


def _range_of_icc(scenarios: Sequence[Scenario]) -> list[str] | None:
    """Least and greatest ICC of y given x alone; None where it is not known everywhere."""
    values = [unadjusted_icc(scenario) for scenario in scenarios if scenario.covariates]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return list(dict.fromkeys(f"{value:.3g}" for value in (min(known), max(known))))


# --- what is in a model -----------------------------------------------------------------------


def model_of(study: Study, method: Method) -> Predictors:
    """The predictors of a method's model, over the scenarios in which it is asked for."""
    scenarios = [d.scenario for d in study.designs if study.asks(d, method)]
    models = [method.covariates_of(scenario) for scenario in scenarios]
    names = list(dict.fromkeys(name for model in models for name in model))
    if not names:
        return X_ALONE
    everywhere = all(len(model) == len(names) for model in models)
    tested = "$x$" if method.estimand in ESTIMANDS else listed([method.estimand])
    counts = {_counts(scenario, method) for scenario in scenarios}
    texts = ("1-p", "q", "1-p+q", "1-p-q")
    if len(counts) == 1:
        ((p, q),) = counts
        texts = (str(1 + p), str(q), str(1 + p - q), str(1 + p + q))
    in_words = listed(["$x$", *names]) if everywhere else (
        f"$x$ and what the scenario has of {listed(names)}"
    )  # fmt: skip
    return Predictors(in_words, tested, *texts, several=True)


def _counts(scenario: Scenario, method: Method) -> tuple[int, int]:
    """Predictors of a model, and those that vary within clusters."""
    inside = set(method.covariates_of(scenario))
    varying = [_varies(scenario, one.type, one.icc, one.given)
               for one in scenario.covariates if one.name in inside]  # fmt: skip
    varying.append(_varies(scenario, scenario.x, scenario.x_icc, scenario.given))
    return len(varying), sum(varying)


def _varies(scenario: Scenario, kind: str, icc: float | None, given: GivenX | None) -> bool:
    """Whether a predictor varies within clusters."""
    if given is not None:
        return not constant_within(given)
    return scenario.equal_size != 1 and (kind == "binary_blocked" or icc != 1.0)
