"""What the methods section of a study says, before it is put in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from simstudy.claims.judged import Judged
from simstudy.estimands import estimand
from simstudy.locks.standing import standing
from simstudy.measures.bradley import BAND
from simstudy.measures.catalog import record_of
from simstudy.measures.names import Asked
from simstudy.registry import Method
from simstudy.report import claims
from simstudy.report.methods_section.data import data_facts
from simstudy.report.methods_section.exclusions import exclusion_facts, fits_of
from simstudy.report.methods_section.predictors import listed, model_of
from simstudy.report.nulls import both, without_one_truth
from simstudy.report.pivot import number
from simstudy.store.makers import VERSIONS, makers
from simstudy.store.results_folder import ResultsFolder
from simstudy.store.sources import accounts, measure_accounts
from simstudy.study.study import Study
from simstudy.summary.stopping import MOST

if TYPE_CHECKING:
    import pyarrow as pa


def facts_of(
    study: Study, folder: ResultsFolder, summary: pa.Table, judged: Sequence[Judged]
) -> dict[str, Any]:
    """Name in the templates -> fact."""
    return {
        "study": study,
        **data_facts(study, accounts(folder)),
        **_methods(study, folder),
        **_estimands(study, without_one_truth(summary)),
        **_measures(study, folder, summary),
        **_replications(study),
        **exclusion_facts(study, folder, fits_of(summary)),
        **_computation(study, folder),
        "standing": standing(study, folder),
        **claims.facts(judged),
    }


def _methods(study: Study, folder: ResultsFolder) -> dict[str, Any]:
    own = study.own_methods
    said = accounts(folder)
    models = {m.canonical: model_of(study, m) for m in study.methods if m not in own}
    return {
        "own_methods": own,
        "models": models,
        "omitted": {m.canonical: listed(m.omit) for m in study.methods if m.omit},
        "counted": any("p" in model.columns for model in models.values()),
        "said": {m.canonical: said.get(m.canonical, "") for m in own},
        "asked_in_part": [m for m in study.methods if study.n_asked(m) < len(study.designs)],
        "intervals": bool(own) or any(m.tested and not m.entry.tests_only for m in study.methods),
    }


def _estimands(study: Study, without_one_truth: set[str]) -> dict[str, Any]:
    estimands: dict[str, list[Method]] = {}
    nulls: dict[float, list[Method]] = {}
    for method in study.methods:
        estimands.setdefault(method.estimand, []).append(method)
        if method.tested:
            nulls.setdefault(method.null_value, []).append(method)
    return {
        "estimands": [(estimand(name), methods) for name, methods in estimands.items()],
        "nulls": list(nulls.items()),
        "untested": [method for method in study.methods if not method.tested],
        "without_one_truth": [m for m in study.methods if m.label in without_one_truth],
    }


def _measures(study: Study, folder: ResultsFolder, summary: pa.Table) -> dict[str, Any]:
    names = summary.column("measure").unique().to_pylist()
    records = [record_of(name) for name in names]
    own = {measure.name: measure for measure in study.measures if measure.name in names}
    others = [record.name for record in records if not record.formula and record.name not in own]
    said = measure_accounts(folder)
    return {
        "measures": [record for record in records if record.formula],
        "own_measures": list(own.values()),
        "said_of_measures": {name: said.get(name, "").rstrip(".") for name in own},
        "other_measures": [name.replace("_", " ") for name in others],
        "proportions": any(record.proportion for record in records),
        "errors_and_powers": both(summary),
        "liberal": BAND[1],
    }


def _replications(study: Study) -> dict[str, Any]:
    numbers = [study.n_reps(design.id) for design in study.designs]
    r, rule = min(numbers), study.precision
    errors = [math.sqrt(alpha * (1 - alpha) / r) for alpha in study.alpha]
    return {
        "n_data_sets": sum(numbers),
        "n_reps": r,
        "most_reps": max(numbers),
        "rule": rule,
        "goals": [(_words_of(asked), mcse) for asked, mcse in rule.targets] if rule else [],
        "n_short": sum(stop.by == MOST for stop in study.stops.values()),
        "errors": list(zip(study.alpha, map(_rounded, errors), strict=True)),
        "largest_error": _rounded(0.5 / math.sqrt(r)),
        "half_width": _rounded(1.96 * errors[0]),
    }


def _words_of(goal: Asked) -> str:
    """A measure that has a target, as a noun within a sentence."""
    of_truth = {"power": "power", "type1_error": "Type I error rate"}
    words = of_truth.get(goal.name) or record_of(goal.measure).title.removesuffix(", %")
    of_name = words.startswith(("SE ", "Type I "))
    return words if of_name else words[0].lower() + words[1:]


def _rounded(value: float) -> str:
    places = max(0, 1 - math.floor(math.log10(value)))
    return number(value, places)


def _computation(study: Study, folder: ResultsFolder) -> dict[str, Any]:
    records = makers(study, folder)
    imported = [record.get("packages", {}) for record in records]
    names = sorted(
        {name for record in imported for name in record} - set(VERSIONS), key=str.casefold
    )
    return {
        "versions": [(n, _values(records, n)) for n in VERSIONS if _values(records, n)],
        "cpu": _values(records, "cpu"),
        "git_commit": _values(records, "git_commit"),
        "packages": [f"{name} {_values(imported, name)}" for name in names],
    }


def _values(records: Iterable[dict[str, Any]], name: str) -> str:
    """All values of a footer's entry, in the order of their first appearance."""
    return " and ".join(dict.fromkeys(str(r[name]) for r in records if r.get(name)))
