"""With what the rows of a study were made, as the footers of its parts say."""

from __future__ import annotations

from typing import Any

from simstudy.store import parts
from simstudy.store.footers import origins
from simstudy.store.names import method_key
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study

VERSIONS = ("simstudy", "python", "numpy", "scipy")


def makers(study: Study, folder: ResultsFolder) -> list[dict[str, Any]]:
    """What made the parts that hold the study's own scenarios and replications, distinct."""
    n_reps = {design.id: study.n_reps(design.id) for design in study.designs}
    own = {method_key(method.canonical) for method in study.own_methods}
    distinct: dict[tuple[str, ...], dict[str, Any]] = {}
    for part in folder.held():
        if all(part.first > n_reps.get(scenario, 0) for scenario in part.scenarios):
            continue
        packages = ["packages"] if own & set(part.methods) else []
        names = (*VERSIONS, "cpu", "git_commit", *packages)
        for origin in origins(parts.footer(folder, part) or {}):
            kept = {name: origin[name] for name in names if origin.get(name)}
            distinct.setdefault(tuple(map(str, kept.items())), kept)
    return list(distinct.values())
