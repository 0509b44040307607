"""One replication of a study made again.

A data set is a function of seed, scenario and replication: its units refine the moments that
the methods were fitted to, and every fit is done again from what its method reads.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simstudy import estimates
from simstudy.analysis.data import DataSet
from simstudy.analysis.drawn import data_set
from simstudy.analysis.fit import Fits, check_columns
from simstudy.analysis.fitted import fit_one
from simstudy.errors import UserError, nearest
from simstudy.estimates import STATUSES, Failure
from simstudy.generators import streams
from simstudy.numerics.merge import group_of
from simstudy.registry import GROUPS, Method, OwnMethod
from simstudy.runner.task import Task, run_task
from simstudy.store import parts
from simstudy.store.names import method_key
from simstudy.store.results_folder import ResultsFolder
from simstudy.study import keeping
from simstudy.study.drawing import source_of
from simstudy.study.grid import Design
from simstudy.study.study import Study

NUMBERS = (*estimates.NUMBERS, *estimates.COMPONENTS)
_CLOSE = 1e-12  # what another batch may move a fit by

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refit:
    """One method's row, as stored and as computed again; None where there is none.

    Attributes
    ----------
    method : Method
    stored, refitted : dict or None
        status and `NUMBERS`; None for a number that does not exist.
    verdict : str
        identical, equal (to 1e-12), different, not stored, not redrawn (see `Replay.without`),
        or why it could not be refitted.
    failure : Failure or None
    """

    method: Method
    stored: Row | None
    refitted: Row | None
    verdict: str
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """One replication of one scenario: its units and its fits.

    Attributes
    ----------
    data : DataSet or None
    without : str
        Why there are no units; empty where there are.
    """

    study: Study
    design: Design
    replication: int
    data: DataSet | None
    refits: list[Refit]
    without: str = ""

    @property
    def same(self) -> bool:
        """Whether no stored row differs from its refit."""
        return all(refit.verdict != "different" for refit in self.refits)

    def fits(self) -> Fits:
        """Every method that can be refitted, fitted to the units, as `fit` does."""
        if self.data is None:
            raise UserError(self.without)
        fits = []
        for refit in self.refits:
            if refit.refitted is not None:
                fits.append(fit_one(self.data, refit.method, self._words(refit.method)))
        return Fits(self.data, fits)

    def _words(self, method: Method) -> Any:
        """The random words that the method had in the study, if it draws."""
        if not method.entry.draws:
            return None
        at, key = self.replication - 1, self.design.key
        scenario, seed = self.design.scenario, self.study.seed
        return streams.words_of(method.canonical, scenario, seed, key, at, 1)

    def write_csv(self, file: str | Path) -> None:
        """Write the units, full precision: cluster, group if there are any, x, covariates, y."""
        data = self.data
        if data is None:
            raise UserError(self.without, file=str(file))
        cluster = np.repeat(data.labels, data.sizes)
        levels = {"cluster": cluster}
        if data.clusters_per_group:
            levels["group"] = group_of(cluster, data.clusters_per_group)
        columns = *levels.values(), *data.matrix.T, data.y
        rows = zip(*(values.tolist() for values in columns), strict=True)
        lines = [
            ",".join((*levels, *data.names, "y")),
            *(",".join(map(repr, row)) for row in rows),
        ]
        try:
            Path(file).write_text("\n".join(lines) + "\n", encoding="utf-8")
        except OSError as error:
            raise UserError(f"cannot be written: {error.strerror}", file=str(file)) from None


def replay(
    folder: str | Path,
    scenario: str,
    replication: int,
    methods: Sequence[Method] = (),
    trusted: bool = False,
) -> Replay:
    """Make one replication of a results folder again.

    Parameters
    ----------
    folder : path, or URI
        A study's own results folder.
    scenario : str
        Its id, as in `scenarios.parquet`.
    replication : int
        From 1; it need not be stored.
    methods : sequence of Method, optional
        Instead of the study's.
    trusted : bool
        Whether the files of the study's own methods may be imported; else their rows are shown
        as stored.
    """
    results = ResultsFolder(folder)
    study = results.study(trusted)
    known = {design.id: design for design in study.designs}
    if scenario not in known:
        hint = nearest(scenario, known) if len(known) <= 20 else "; see scenarios.parquet"
        raise UserError(f"no scenario '{scenario}'{hint}", file=str(results))
    if not 1 <= replication <= 10**12:
        raise UserError(f"replication {replication} is not a whole number from 1 up")
    design = known[scenario]
    for method in methods:
        check_columns(method, ("x", *(one.name for one in design.scenario.covariates)))
        if method.level == GROUPS and not design.scenario.clusters_per_group:
            raise UserError(f"{method.label}: there are no groups of clusters in {scenario}")
    chosen = methods or [method for method in study.methods if study.asks(design, method)]
    data, without = None, ""
    try:
        data = data_set(study, design, replication)
    except UserError as error:
        without = str(error)
    refits = [_refit(study, results, design, replication, method) for method in chosen]
    return Replay(study, design, replication, data, refits, without)


def _refit(
    study: Study, folder: ResultsFolder, design: Design, replication: int, method: Method
) -> Refit:
    stored = _stored(study, folder, design, replication, method)
    try:
        source_of(design, study.seed)
    except UserError:
        return Refit(method, stored, None, "not redrawn")
    try:
        _ = method.entry
    except UserError as error:
        return Refit(method, stored, None, f"not refitted: {error}{_how_on(method)}")
    task = Task(study.seed, (design,), replication, replication, (method,), study.grain)
    (rows,) = run_task(task)
    refitted = _row({name: getattr(rows, name) for name in (*NUMBERS, "status")})
    failure = None if rows.failures is None else rows.failures[0]
    verdict = _verdict(stored, refitted)
    if stored is None and study.totalled(design, method):
        verdict = f"{verdict} (store: {keeping.shown(study.sample)} keeps totals)"
    return Refit(method, stored, refitted, verdict, failure)


def _how_on(method: Method) -> str:
    """What to say where a user's file is no longer there."""
    if not isinstance(method, OwnMethod) or Path(method.source.file).exists():
        return ""
    options = "".join(f", {name}: {json.dumps(value)}" for name, value in method.options)
    place = f"there/{Path(method.source.file).name}:{method.source.function}"
    return f"; say where it is: --method '{{use: \"{place}\"{options}}}'"


def chosen_of(study: Study, name: str) -> list[Method]:
    """Methods of a study by label, canonical name or name; none where it has none such."""
    for key in ("label", "canonical", "name"):
        if chosen := [method for method in study.methods if getattr(method, key) == name]:
            return chosen
    return []


def _stored(
    study: Study, folder: ResultsFolder, design: Design, replication: int, method: Method
) -> Row | None:
    key = method_key(method.canonical)
    for part in folder.parts():
        covers = part.first <= replication <= part.last
        if covers and design.id in part.scenarios and key in part.methods:
            held = parts.read(folder, part, (*NUMBERS, "status"), parts.Whose.of(study))
            row = replication - part.first
            at = part.methods.index(key), part.scenarios.index(design.id), slice(row, row + 1)
            return _row({name: values[at] for name, values in held.items()})
    return None


def _row(columns: dict[str, Any]) -> Row:
    """One row in plain numbers."""
    row: Row = {"status": STATUSES[int(columns["status"][0])]}
    for name in NUMBERS:
        value = math.nan if columns[name] is None else float(columns[name][0])
        row[name] = None if math.isnan(value) else value
    return row


def _verdict(stored: Row | None, refitted: Row) -> str:
    if stored is None:
        return "not stored"
    if stored == refitted:
        return "identical"
    if stored["status"] != refitted["status"]:
        return "different"
    pairs = [(stored[name], refitted[name]) for name in NUMBERS]
    close = all(
        a == b or (a is not None and b is not None and math.isclose(a, b, rel_tol=_CLOSE))
        for a, b in pairs
    )
    return "equal" if close else "different"
