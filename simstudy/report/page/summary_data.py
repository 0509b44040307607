"""The summary of a study as columns for the page."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from simstudy.estimands import DEFAULT, estimand, is_null
from simstudy.measures.bradley import VERDICTS
from simstudy.moments import Array, Floats, Ints
from simstudy.report.drawing.facets import axes_of, ordered
from simstudy.report.gathered import gathered
from simstudy.report.page.guides import POWER, RATE, TYPE1, measure_facts
from simstudy.report.page.packed import short
from simstudy.report.pivot import level_text
from simstudy.report.words import Words
from simstudy.store import arrow
from simstudy.study.study import Study

if TYPE_CHECKING:
    import pyarrow as pa

DOUBLE = 50_000  # rows up to which numbers keep all their digits
_NUMBERS = ("value", "mcse", "ci_low", "ci_high", "theory")
_COUNTS = ("n_used", "n_not_used")
# measures that the first figure shows, the first of these that there is
_FIRST = (TYPE1, POWER, RATE, "relative_error_model_se", "bias")
_KINDS = ("exact", "asymptotic")  # of theory
_BESIDE = ("scenario", "n_obs", "design_effect")  # no factors
Data = tuple[dict[str, Any], dict[str, Array]]


def summary_data(study: Study, summary: pa.Table, words: Words) -> Data:
    """What is said of the rows of a summary, and their columns by name.

    A row has the index of its scenario, method, measure, alpha, verdict and kind of theory; where
    it has none of these, their number.
    """
    ids, scenario = arrow.levels_of(summary.column("scenario"))
    labels, method = arrow.levels_of(summary.column("method"))
    measures, measure = _measures(summary)
    alphas, alpha = arrow.levels_of(summary.column("alpha"))
    factors, codes = _factors(summary, scenario, words)
    first = next((name for name in (*_FIRST, *measures) if name in measures), None)
    of_first = scenario[measure == measures.index(first)] if first else scenario
    about = {
        "factors": factors,
        "first": first and {"measure": first, **_axes(factors, codes, of_first)},
        "scenarios": ids,
        "methods": _methods(study, summary, labels, method, words),
        "measures": [measure_facts(name, words) for name in measures],
        "alphas": alphas,
        "verdicts": VERDICTS,
        "theories": _KINDS,
    }
    values = {name: _doubles(summary, name) for name in _NUMBERS}
    many = summary.num_rows > DOUBLE
    return about, {
        **{f"factor {k}": levels for k, levels in enumerate(codes)},
        "scenario": scenario,
        "method": method,
        "measure": measure,
        "alpha": alpha,
        "verdict": _index(summary, "verdict", VERDICTS),
        "theory_kind": _index(summary, "theory_kind", _KINDS),
        **{name: short(numbers) if many else numbers for name, numbers in values.items()},
        **{name: _counts(summary, name) for name in _COUNTS},
    }


def _factors(
    summary: pa.Table, scenario: Ints, words: Words
) -> tuple[list[dict[str, Any]], list[Ints]]:
    """Name, words and levels of each factor, and the index of every scenario's level."""
    _, first = np.unique(scenario, return_index=True)
    before = summary.column_names[: summary.column_names.index("method")]
    one = summary.select([name for name in before if name not in _BESIDE])
    told = gathered(one.take(arrow.integers(first)).to_pylist())
    factors, codes = [], []
    for name in told[0] if told else ():
        different = ordered(levels[name] for levels in told)
        numeric = all(isinstance(level, int | float) and isfinite(level) for level in different)
        place = {level: k for k, level in enumerate(different)}
        codes.append(np.array([place[levels[name]] for levels in told]))
        shown = different if numeric else [level_text(level) for level in different]
        texts = [words.level(name, level) for level in different]
        said = {"name": name, "words": words.factor(name), "head": words.heading(name)}
        factors.append(said | {"numeric": numeric, "levels": shown, "texts": texts})
    return factors, codes


def _axes(
    factors: list[dict[str, Any]], codes: list[Ints], scenarios: Ints
) -> dict[str, str | None]:
    """Factors on the axis and of the columns of panels of a figure of some scenarios."""
    shown = np.unique(scenarios)
    sizes = {factor["name"]: np.unique(levels[shown]).size
             for factor, levels in zip(factors, codes, strict=True)}  # fmt: skip
    varying = {name: size for name, size in sizes.items() if size > 1}
    return dict(zip(("x", "columns"), axes_of(varying), strict=True))


def _methods(
    study: Study, summary: pa.Table, labels: list[str], method: Ints, words: Words
) -> list[dict[str, Any]]:
    """Label, canonical name and estimand; the place among the study's methods decides the look."""
    _, first = np.unique(method, return_index=True)
    names, aims = (_words(summary, name, first) for name in ("method_name", "estimand"))
    places = {one.label: k for k, one in enumerate(study.methods)}
    return [
        {
            "label": label,
            "text": words.method(label),
            "name": name or label,
            "estimand": estimand(aim or DEFAULT).plain,
            "place": places.get(label, k),
        }
        for k, (label, name, aim) in enumerate(zip(labels, names, aims, strict=True))
    ]


def _measures(summary: pa.Table) -> tuple[list[str], Ints]:
    """Names, and the index of each row's: rejection rates are Type I errors, powers or neither."""
    names, index = arrow.levels_of(summary.column("measure"))
    if RATE not in names:
        return names, index
    truth, null_value = (_doubles(summary, name) for name in ("truth", "null_value"))
    null = np.asarray(is_null(truth, null_value))
    kind = np.where(np.isnan(truth), 0, np.where(null, 1, 2))
    place = names.index(RATE)
    split = [*names[:place], RATE, TYPE1, POWER, *names[place + 1 :]]
    moved = np.where(index > place, index + 2, index + np.where(index == place, kind, 0))
    kept = np.unique(moved)
    return [split[k] for k in kept], np.searchsorted(kept, moved)


def _index(summary: pa.Table, name: str, words: tuple[str, ...]) -> Ints:
    """Place of each row's word among these; their number where there is none."""
    if name not in summary.column_names:
        return np.full(summary.num_rows, len(words))
    found, index = arrow.levels_of(summary.column(name))
    places = [words.index(word) if word in words else len(words) for word in (*found, None)]
    return np.array(places)[index]


def _words(summary: pa.Table, name: str, rows: Ints) -> list[str | None]:
    """Text of some rows; None where there is none, as in a summary of an earlier version."""
    if name not in summary.column_names:
        return [None] * len(rows)
    return summary.column(name).take(arrow.integers(rows)).to_pylist()


def _doubles(summary: pa.Table, name: str) -> Floats:
    if name not in summary.column_names:
        return np.full(summary.num_rows, np.nan)
    return arrow.to_numpy(arrow.joined(summary.column(name))).astype(np.float64)


def _counts(summary: pa.Table, name: str) -> Ints:
    return np.nan_to_num(_doubles(summary, name)).astype(np.int64)
