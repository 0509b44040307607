"""From stored parts to the summary table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from simstudy.estimands import one_of
from simstudy.estimates import LIMITS, RANK, TRUTH
from simstudy.generators.omitted import unadjusted_icc
from simstudy.measures.catalog import chosen
from simstudy.measures.own import REGISTERED
from simstudy.measures.values import NAN, Column
from simstudy.moments import Floats, Ints
from simstudy.numerics.features import FEATURES, Feature
from simstudy.store import arrow, given
from simstudy.store.names import method_key
from simstudy.store.realized_file import Realized
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.fields import is_default
from simstudy.study.study import Study
from simstudy.summary.add_up import measured
from simstudy.summary.cells import StudyCells
from simstudy.summary.expected import KINDS, Expected, expected, far
from simstudy.summary.extreme import extreme
from simstudy.summary.own_measures import as_stored, own_measures
from simstudy.summary.parts import StoredRows
from simstudy.summary.source import CellFacts
from simstudy.summary.stored_totals import stored_totals
from simstudy.summary.table import VERDICT, rows, verdicts, words
from simstudy.summary.unavailable import not_available


def summarize_study(
    study: Study,
    folder: ResultsFolder,
    mcse: str = "robust",
    warn: Callable[[str], None] | None = None,
    jobs: int = 1,
    measures: Iterable[str] = (),
    missing: Callable[[str], None] = lambda line: None,
) -> pa.Table:
    """Measures of every method in every scenario, from the rows that are stored.

    Parameters
    ----------
    study : Study
    folder : ResultsFolder
    mcse : {"robust", "normal"}
    warn : callable, optional
        Told, in a line each, which numbers are far from an exact answer, and which estimates of
        the user's own methods from all others.
    jobs : int
        Worker processes that read large results.
    measures : iterable of str
        These alone; by default all but those built in that need all rows at once.
    missing : callable
        Told, in a line each, which numbers of the user's own measures are not there, and why.

    Returns
    -------
    pyarrow.Table
        scenario, its factors, n_obs, design_effect, method (its label), method_name (the
        canonical one), estimand, truth, null_value, measure, alpha, value, mcse, ci_low,
        ci_high, n_used, n_not_used, theory, theory_kind, z, verdict; null where there is no
        number. A rate is a Type I error where truth is null_value; `z` is (value - theory) /
        MCSE of an exact answer; `verdict` is Bradley's, liberal band, of a Type I error rate.
    """
    own, gone = own_measures(study.measures)
    wanted = chosen(set(measures), REGISTERED | own)
    cells = StudyCells(study)
    source = stored_rows(study, folder, cells, any("pairs" in measure.needs for measure in wanted))
    made, columns = measured(source, wanted, mcse, missing, jobs)
    for line in not_available(study, cells, source.facts, wanted):
        missing(f"{folder}: {line}")
    columns += as_stored(study, folder, gone, made.totals.n_all, missing) if gone else []
    columns = [column._replace(defined=column.defined & source.asked) for column in columns]
    theory = expected(cells, columns)
    if warn is not None:
        for line in (*far(cells, columns, theory), *extreme(cells, source, made.totals)):
            warn(line)
    return _table(study, cells, columns, theory, source.facts.truth)


def stored_rows(
    study: Study, folder: ResultsFolder, cells: StudyCells, compare: bool
) -> StoredRows:
    """What a study's folder holds.

    What users' methods gave takes the place of the model's truth and of intervals by SE. A
    method that gave limits anywhere is judged by its limits alone; where scenarios stop by
    precision, in those in which it gave any, so that none stops otherwise beside others. A
    truth that is the same in all data sets of a scenario is its truth there; one that differs
    is none.

    Parameters
    ----------
    compare : bool
        Whether methods are compared with the study's reference, where it has one.
    """
    ranges = given.ranges(study, folder)
    keys = tuple(cells.of_each(lambda design, method: (design.id, method_key(method.canonical))))
    truth = np.array(cells.of_each(lambda design, method: method.truth(design.scenario)), float)
    for cell, key in enumerate(keys):
        if key in ranges[TRUTH]:
            truth[cell] = one_of(*ranges[TRUTH][key])
    with_limits = {method for _, method in ranges[LIMITS[0]]}
    by_cell = study.precision is not None
    limits = np.array([k in ranges[LIMITS[0]] if by_cell else k[1] in with_limits for k in keys])
    ranked = {method_key(m.canonical) for m in study.methods if RANK in m.extras}
    names = (*([TRUTH] if np.isnan(truth).any() else []), *(LIMITS if with_limits else ()))
    givers = {method for name in names for _, method in ranges[name]} | ranked
    asked = np.array(cells.of_each(study.asks))
    n_reps = np.array(cells.of_each(lambda design, method: study.n_reps(design.id)))
    untested = ~np.array(cells.of_each(lambda design, method: method.tested))
    others, limits_of_pairs, compared = np.full(len(keys), -1), limits, None
    kept = asked & np.array(cells.of_each(study.totalled))
    with_pairs = study.reference if compare else None
    n_rows, totals, with_totals = stored_totals(folder, keys, n_reps, kept, with_pairs)
    if compare and study.reference:
        canonical = [method.canonical for method in study.methods]
        reference = cells.same_scenario(canonical.index(study.reference))
        limits_of_pairs = limits | limits[reference]
        compared = (reference != np.arange(len(keys))) & asked & asked[reference]
        compared &= totals.paired & (n_rows[reference] >= n_rows)
        others = np.where(compared, reference, -1)
    null_value = np.array(cells.of_each(lambda design, method: method.null_value), dtype=float)
    # an estimand without a test has no standard errors either
    lacking = dict.fromkeys(("std_error", "interval", "tests"), untested)
    lacking |= dict.fromkeys(("rows", "mean"), with_totals)
    return StoredRows(
        folder, keys, {design.id: design.key for design in study.designs},
        CellFacts(truth, null_value, limits, limits_of_pairs, lacking, compared),
        study.alpha, n_rows, study.seed, asked, others,
        (*names, *((RANK,) if ranked else ())), tuple(sorted(givers)), totals,
    )  # fmt: skip


def scenario_table(study: Study) -> pa.Table:
    """scenario, one column a factor, n_obs, design_effect."""
    columns = {"scenario": arrow.texts([design.id for design in study.designs])}
    for factor in factors(study):
        columns[factor] = _level_column([design.level(factor) for design in study.designs])
    sizes = [design.n_obs for design in study.designs]
    columns["n_obs"] = _level_column([int(n) if n == int(n) else n for n in sizes])
    columns["design_effect"] = arrow.doubles([design.design_effect for design in study.designs])
    return pa.table(columns)


def stored_scenarios(study: Study, realized: Mapping[str, Realized]) -> pa.Table:
    """`scenario_table`, and what else is known of each scenario.

    unadjusted_icc where there are covariates: that of y given x alone. Where data misbehave,
    realized_NAME and realized_NAME_mcse of `FEATURES`, which are `realized` by scenario. Where
    scenarios stop by precision, replications and stopped_by, null where it is not known yet.
    """
    table = scenario_table(study)
    if study.precision is not None:
        stops = [study.stops.get(design.id) for design in study.designs]
        n_reps = [study.n_reps(design.id) for design in study.designs]
        by = [stop.by or None if stop else None for stop in stops]
        table = table.append_column("replications", arrow.integers(n_reps))
        table = table.append_column("stopped_by", arrow.texts(by))
    scenarios = [design.scenario for design in study.designs]
    if any(scenario.covariates for scenario in scenarios):
        icc = arrow.doubles([unadjusted_icc(scenario) for scenario in scenarios])
        table = table.append_column("unadjusted_icc", icc)
    if any(scenario.misbehaves for scenario in scenarios):
        of_each = [realized[d.id].features if d.id in realized else {} for d in study.designs]
        for name in FEATURES:
            features = [features.get(name, Feature(NAN, NAN)) for features in of_each]
            for ending, numbers in zip(("", "_mcse"), zip(*features, strict=True), strict=True):
                table = table.append_column(f"realized_{name}{ending}", arrow.doubles(numbers))
    return table


def factors(study: Study) -> list[str]:
    """Fields in the order of the contract; optional ones where some scenario leaves the default."""
    names: dict[str, None] = {}
    for design in study.designs:
        names.update(
            (name, None) for name, level in design.levels.items() if not is_default(name, level)
        )
    return list(names)


def _level_column(values: list[Any]) -> pa.Array:
    """Whole numbers, numbers, or text where some level is not a number."""
    if any(isinstance(value, str) for value in values):
        return arrow.texts([None if value is None else str(value) for value in values])
    if all(isinstance(value, int) for value in values):
        return arrow.integers(values)
    return arrow.doubles(values)


def _table(
    study: Study, cells: StudyCells, made: list[Column], theory: Expected, truth: Floats
) -> pa.Table:
    """A row a scenario, method and measure."""
    cell, defined, measures = rows(made)
    scenario, method = cells.split(cell)
    scenarios = scenario_table(study).take(arrow.integers(scenario))
    columns = {name: scenarios.column(name) for name in scenarios.column_names}
    columns["method"] = words(method, [m.label for m in study.methods])
    columns |= _about(study, method, truth[cell])
    columns |= measures
    columns["theory"] = arrow.doubles(theory.value[defined])
    columns["theory_kind"] = words(theory.kind[defined] % (len(KINDS) + 1), [*KINDS, None])
    columns["z"] = arrow.doubles(theory.z[defined])
    null_value = np.array(cells.of_each(lambda design, method: method.null_value))
    columns[VERDICT] = verdicts(made, truth, null_value, defined)
    return pa.table(columns)


def _about(study: Study, method: Ints, truth: Floats) -> dict[str, pa.Array]:
    """What the numbers of rows are about, the columns after `method`."""
    methods = study.methods
    return {
        "method_name": words(method, [m.canonical for m in methods]),
        "estimand": words(method, [m.estimand for m in methods]),
        "truth": arrow.doubles(truth),
        "null_value": arrow.doubles(np.array([m.null_value for m in methods])[method]),
    }


def completed(study: Study, summary: pa.Table) -> pa.Table:
    """A summary of an earlier version with what the study says that it lacks."""
    scenarios = {design.id: design.scenario for design in study.designs}
    labels = [method.label for method in study.methods]
    named = [summary.column(name).to_pylist() for name in ("scenario", "method")]
    if "truth" in summary.column_names or not (
        set(named[0]) <= scenarios.keys() and set(named[1]) <= set(labels)
    ):
        return summary
    method = np.array([labels.index(label) for label in named[1]], dtype=np.int64)
    truth = [study.methods[m].truth(scenarios[s]) for s, m in zip(named[0], method, strict=True)]
    about = _about(study, method, np.array(truth, dtype=float))
    for name in reversed(about):
        summary = summary.add_column(summary.column_names.index("method") + 1, name, about[name])
    return summary
