"""``simstudy replay``."""

from __future__ import annotations

import json
import math
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from simstudy.analysis.printed import p_text, table
from simstudy.analysis.replay import NUMBERS, Refit, Replay, chosen_of, replay
from simstudy.cli.fit import method_from
from simstudy.errors import WorkError, brief
from simstudy.registry import Method
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.fields import is_default
from simstudy.study.grid import text_of


def main(options: Namespace) -> None:
    """Print one replication's fits, each beside its stored row."""
    chosen = _chosen(options.results, options.method or (), options.trust)
    found = replay(options.results, options.scenario, options.replication, chosen, options.trust)
    if options.csv:
        found.write_csv(options.csv)
    if options.json:
        print(json.dumps(_as_dict(found), indent=1, allow_nan=False))
    else:
        _print(found, options.csv)
    if not found.same:
        names = ", ".join(r.method.label for r in found.refits if r.verdict == "different")
        raise WorkError(f"not what is stored: {names}")


def _chosen(folder: str, texts: Sequence[str], trusted: bool) -> list[Method]:
    """Methods by their label or name in the study, or written as in a study file."""
    if not texts:
        return []
    study = ResultsFolder(folder).study(trusted)
    covariates = {one.name for design in study.designs for one in design.scenario.covariates}
    methods = [
        method
        for text in texts
        for method in chosen_of(study, text) or [method_from(text, covariates)]
    ]
    return list({method.canonical: method for method in methods}.values())


def _print(found: Replay, csv: str | None) -> None:
    levels = ", ".join(
        f"{key} {text_of(level)}"
        for key, level in found.design.levels.items()
        if not is_default(key, level)
    )
    print(f"scenario {found.design.id}, replication {found.replication}: {levels}\n")
    if found.data is not None:
        fits = found.fits()
        told = [refit.method for refit in found.refits if refit.failure is not None]
        shown = [one for one in fits.fits if one.status != "failed" or one.method not in told]
        print(f"{replace(fits, fits=shown)}\n")
    print("--- Stored, and fitted again from what the method reads")
    rows = [line for refit in found.refits for line in _lines(refit)]
    lines = table(["method", "", "status", *NUMBERS], [row[:-1] for row in rows], left=3)
    for line, last in zip(lines.splitlines(), ["", *(row[-1] for row in rows)], strict=True):
        print(f"{line}  {last}".rstrip())
    failed: dict[str, list[str]] = {}
    for refit in found.refits:
        if refit.failure is not None:
            why = refit.failure.traceback.rstrip() or brief(refit.failure.message)
            failed.setdefault(why, []).append(refit.method.label)
    for why, labels in failed.items():
        print(f"\n{', '.join(labels)} failed:\n{why}")
    if found.without:
        print(f"\nno units: {found.without}")
    fitted = [refit.method for refit in found.refits if refit.refitted is not None]
    drawing = [method.label for method in fitted if method.entry.draws]
    if drawing and found.data is not None:
        print(f"\n{', '.join(drawing)}: `fit` on the CSV of these units draws random numbers of "
              "its own, so its numbers differ")  # fmt: skip
    if csv:
        print(f"\n{csv}")


def _lines(refit: Refit) -> list[list[str]]:
    """The stored row and the refit, full precision, and the verdict."""
    lines = []
    for name, row in (("stored", refit.stored), ("refitted", refit.refitted)):
        if row is not None:
            numbers = [_number(key, row[key], refit.method) for key in NUMBERS]
            last = refit.verdict if row is refit.refitted or refit.refitted is None else ""
            lines.append([refit.method.label, name, row["status"], *numbers, last])
    return lines or [[refit.method.label, "", *[""] * (len(NUMBERS) + 1), refit.verdict]]


def _number(key: str, value: Any, method: Method) -> str:
    """A number in full; of a p-value of 0 what it is below."""
    if value is None:
        return "-"
    return p_text(value, method) if key == "p_value" and value == 0 else repr(value)


def _as_dict(found: Replay) -> dict[str, Any]:
    fits: list[dict[str, Any]] = []
    of_units = iter(found.fits().fits if found.data is not None else ())
    for refit in found.refits:
        one: dict[str, Any] = {"method": refit.method.name, "label": refit.method.label}
        if found.data is not None and refit.refitted is not None:
            one = next(of_units).as_dict()
        failure = None if refit.failure is None else refit.failure._asdict()
        fits.append(
            one
            | {"stored": _finite(refit.stored), "refitted": _finite(refit.refitted)}
            | {"verdict": refit.verdict, "failure": failure}
        )
    data = found.data
    return {
        "scenario": found.design.id,
        "replication": found.replication,
        "levels": found.design.levels,
        "n_obs": None if data is None else data.n_obs,
        "n_clusters": found.design.scenario.n_clusters,
        "fits": fits,
    }


def _finite(row: dict[str, Any] | None) -> dict[str, Any] | None:
    """A row that JSON can hold: a Wald df is null."""
    if row is None:
        return None
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }
