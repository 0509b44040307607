"""From stored parts to the summary table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from simstudy.estimands import one_of
from simstudy.estimates import LIMITS, TRUTH
from simstudy.measures.catalog import MEASURES, at_first_level, finish, record_of
from simstudy.measures.record import Cells
from simstudy.measures.rows import columns_of_rows
from simstudy.measures.values import Column
from simstudy.moments import Floats, Ints
from simstudy.runner.expected import KINDS, Expected, expected, far
from simstudy.runner.extreme import extreme
from simstudy.runner.gather import gather
from simstudy.runner.own_measures import own_measures
from simstudy.runner.pieces import Wanted, reader
from simstudy.runner.rows import VERDICT, rows, verdicts, words
from simstudy.store import arrow
from simstudy.store.given import Key, Range, ranges
from simstudy.store.names import method_key
from simstudy.study.fields import DEFAULTS
from simstudy.study.study import Study


def summarise(
    study: Study,
    folder: Path,
    mcse: str = "robust",
    warn: Callable[[str], None] = lambda line: None,
    jobs: int = 1,
    more: Sequence[str] = (),
    missing: Callable[[str], None] = lambda line: None,
) -> pa.Table:
    """Every measure of every method in every scenario, from the rows that are stored.

    Parameters
    ----------
    study : Study
    folder : Path
        The study's own results folder.
    mcse : {"robust", "normal"}
    warn : callable
        Told, in a line each, which numbers are far from an exact answer.
    jobs : int
        Worker processes that read large results.
    more : sequence of str
        Measures of rows that are asked for.
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
    truth = _truth(study)
    null_value = np.broadcast_to([m.null_value for m in study.methods], truth.shape)
    keys = [method_key(method.canonical) for method in study.methods]
    scenarios = {design.id: design.key for design in study.designs}
    names = [method.canonical for method in study.methods]
    reference = names.index(study.reference) if study.reference else None
    asked = np.array([[study.asks(design, m) for m in study.methods] for design in study.designs])
    wanted = Wanted(keys, scenarios, truth, null_value, study.alpha, study.replications,
                    reference, study.seed, asked=asked)  # fmt: skip
    wanted = _with_given(wanted, ranges(study, folder))
    truth, limits = wanted.truth, np.asarray(wanted.limits)
    found = gather(folder, wanted, jobs)
    cells = Cells(
        found.totals, study.alpha, truth.ravel(), mcse, *found[1:], null_value=null_value.ravel()
    )
    columns = finish(cells)
    columns = _tested(study, columns)
    of_pairs = limits if reference is None else limits | limits[:, [reference]]
    columns = at_first_level(columns, study.alpha, limits.ravel(), of_pairs.ravel())
    rows_of = reader(folder, wanted)
    columns += columns_of_rows([MEASURES[name] for name in more], rows_of, cells, missing)
    columns += own_measures(study, folder, rows_of, cells, missing)
    columns = [one._replace(defined=one.defined & asked.ravel()) for one in columns]
    theory = expected(study, columns)
    for line in (
        *far(study, columns, theory),
        *extreme(study, folder, wanted, found.totals, rows_of),
    ):
        warn(line)
    return _table(study, columns, theory, truth.ravel())


def _with_given(wanted: Wanted, found: dict[str, dict[Key, Range]]) -> Wanted:
    """What users' methods gave takes the place of the model's truth and of intervals by SE.

    A method that gave limits anywhere is judged by its limits alone. A truth that is the same in
    all data sets of a scenario is its truth there; one that differs is none.
    """
    truth = wanted.truth.copy()
    for s, scenario in enumerate(wanted.scenarios):
        for m, method in enumerate(wanted.methods):
            if (scenario, method) in found[TRUTH]:
                truth[s, m] = one_of(*found[TRUTH][scenario, method])
    with_limits = {method for _, method in found[LIMITS[0]]}
    limits = np.broadcast_to([method in with_limits for method in wanted.methods], truth.shape)
    names = (*([TRUTH] if np.isnan(truth).any() else []), *(LIMITS if with_limits else ()))
    givers = {method for name in names for _, method in found[name]}
    return wanted._replace(truth=truth, limits=limits, given=names, givers=tuple(sorted(givers)))


def _tested(study: Study, found: list[Column]) -> list[Column]:
    """Without rows of a test where an estimand has none."""
    tested = np.array([method.tested for method in study.methods] * len(study.designs))
    return [
        one._replace(defined=one.defined & tested)
        if record_of(one.measure).needs & {"std_error", "interval", "tests"}
        else one
        for one in found
    ]


def scenario_table(study: Study) -> pa.Table:
    """scenario, one column a factor, n_obs, design_effect."""
    columns = {"scenario": arrow.texts([design.id for design in study.designs])}
    for factor in factors(study):
        columns[factor] = _level_column([design.level(factor) for design in study.designs])
    columns["n_obs"] = _level_column([_whole(design.n_obs) for design in study.designs])
    columns["design_effect"] = arrow.doubles([design.design_effect for design in study.designs])
    return pa.table(columns)


def factors(study: Study) -> list[str]:
    """Fields in the order of the contract; optional ones where some scenario leaves the default."""
    names: dict[str, None] = {}
    for design in study.designs:
        names.update(
            (name, None)
            for name, level in design.levels.items()
            if name not in DEFAULTS or level != DEFAULTS[name]
        )
    return list(names)


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _level_column(values: list[Any]) -> pa.Array:
    """Whole numbers, numbers, or text where some level is not a number."""
    if any(isinstance(value, str) for value in values):
        return arrow.texts([None if value is None else str(value) for value in values])
    if all(isinstance(value, int) for value in values):
        return arrow.integers(values)
    return arrow.doubles(values)


def _table(study: Study, found: list[Column], theory: Expected, truth: Floats) -> pa.Table:
    """A row a scenario, method and measure; scenarios and methods are the groups of `found`."""
    group, there, measures = rows(found)
    n_methods = len(study.methods)
    scenarios = scenario_table(study).take(arrow.integers(group // n_methods))
    columns = {name: scenarios.column(name) for name in scenarios.column_names}
    methods = study.methods
    columns["method"] = words(group % n_methods, [one.label for one in methods])
    columns |= _about(study, group, truth)
    columns |= measures
    columns["theory"] = arrow.doubles(theory.value[there])
    columns["theory_kind"] = words(theory.kind[there] % (len(KINDS) + 1), [*KINDS, None])
    columns["z"] = arrow.doubles(theory.z[there])
    null_value = np.tile([one.null_value for one in methods], len(study.designs))
    columns[VERDICT] = verdicts(found, truth, null_value, there)
    return pa.table(columns)


def _about(study: Study, group: Ints, truth: Floats) -> dict[str, pa.Array]:
    """What the numbers of groups are about, the columns after `method`."""
    method, methods = group % len(study.methods), study.methods
    return {
        "method_name": words(method, [one.canonical for one in methods]),
        "estimand": words(method, [one.estimand for one in methods]),
        "truth": arrow.doubles(truth[group]),
        "null_value": arrow.doubles(np.array([one.null_value for one in methods])[method]),
    }


def completed(study: Study, summary: pa.Table) -> pa.Table:
    """A summary of an earlier version with what the study says that it lacks."""
    scenarios = [design.id for design in study.designs]
    labels = [method.label for method in study.methods]
    named = [summary.column(name).to_pylist() for name in ("scenario", "method")]
    if "truth" in summary.column_names or not (
        set(named[0]) <= set(scenarios) and set(named[1]) <= set(labels)
    ):
        return summary
    place = [
        scenarios.index(s) * len(labels) + labels.index(m) for s, m in zip(*named, strict=True)
    ]
    about = _about(study, np.array(place, dtype=np.int64), _truth(study).ravel())
    for name in reversed(about):
        summary = summary.add_column(summary.column_names.index("method") + 1, name, about[name])
    return summary


def _truth(study: Study) -> Floats:
    """True value by scenario and method."""
    return np.array([[m.truth(design.scenario) for m in study.methods] for design in study.designs])
