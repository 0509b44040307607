"""The study.yaml of a results folder: the study as it was run there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from simstudy.store import sources
from simstudy.store.filesystem import NotPlainError
from simstudy.store.results_folder import ESTIMATES, STUDY, WORK, ResultsFolder
from simstudy.study import generators, keeping
from simstudy.study.fields import DEFAULTS, SILENT
from simstudy.study.study import Study


def text(study: Study, folder: ResultsFolder) -> str:
    """The study as run, defaults filled in, in the study file's own form."""
    return dump(_document(study, folder.files.base()))


def is_as_run(study: Study, folder: ResultsFolder) -> bool:
    """Whether a folder's study.yaml says the same, so that it need not be read as a study."""
    try:
        return folder.read(STUDY) == text(study, folder).encode()
    except (FileNotFoundError, NotPlainError):
        return False


def _document(study: Study, folder: Path | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": study.name,
        "title": study.title,
        "aim": study.aim,
        "seed": study.seed,
        "replications": study.precision.written if study.precision else study.replications,
        "alpha": list(study.alpha),
        "scenarios": _with_defaults(
            _with_code(_with_files(study.scenarios, study.folder, folder), study, folder)
        ),
        "methods": [method.written(folder) for method in study.methods],
        "report": {"figures": [figure.written(folder) for figure in study.figures]}
        | ({} if study.page else {"page": False}),
    }
    if written := study.tables.written:
        document["report"]["tables"] = written
    if study.measures:
        document["measures"] = [measure.source.written(folder) for measure in study.measures]
    if study.reference is not None:
        document["reference"] = study.reference
    if study.sample is not None:
        document["store"] = keeping.written(study.sample)
    if study.grain is not None:
        document["grain"] = study.grain
    if written := study.labels.written:
        document["labels"] = written
    if study.claims:
        document["claims"] = [claim.text for claim in study.claims]
    return document


def _with_files(scenarios: Any, old: Path, new: Path | None) -> Any:
    """Scenarios whose files are relative to `new` instead of `old`, or to nothing."""
    if isinstance(scenarios, dict):
        out = {key: _with_files(value, old, new) for key, value in scenarios.items()}
        if isinstance(out.get("file"), str) and not Path(out["file"]).is_absolute():
            file = os.path.normpath(old / out["file"])
            out["file"] = Path(os.path.relpath(file, new) if new else file).as_posix()
        return out
    if isinstance(scenarios, list):
        return [_with_files(item, old, new) for item in scenarios]
    return scenarios


def _with_code(scenarios: Any, study: Study, folder: Path | None) -> Any:
    """Scenarios whose generators are found from a folder, and only as they are now."""
    if isinstance(scenarios, list):
        return [_with_code(grid, study, folder) for grid in scenarios]
    data = scenarios.get(generators.FIELD)
    if data is None:
        return scenarios
    own = study.generators[data["use"]]
    return scenarios | {generators.FIELD: data | own.source.written(folder)}


def _with_defaults(scenarios: Any) -> Any:
    """Scenarios with the optional fields they leave out."""
    if isinstance(scenarios, list):
        return [_with_defaults(grid) for grid in scenarios]
    left_out = SILENT | ({"total_variance"} if "within_variance" in scenarios else set())
    missing = DEFAULTS.keys() - scenarios.keys() - left_out
    return scenarios | {key: value for key, value in DEFAULTS.items() if key in missing}


def prepare(study: Study, folder: ResultsFolder) -> None:
    """Make the folder ready for this study, or refuse one that holds another's results."""
    folder.refuse_seed(folder.seed, study.seed)
    folder.refuse_links()
    folder.files.prepare((ESTIMATES, WORK))
    folder.replace(STUDY, text(study, folder).encode())
    sources.keep(study, folder)


def changed_files(study: Study, folder: ResultsFolder) -> list[str]:
    """Files of a user's methods and generators that were others when this study was last run."""
    document, home = folder.document, folder.files.base()
    grids = document.get("scenarios")
    listed = [document.get(key) for key in ("methods", "measures")]
    report = document.get("report")
    listed.append(report.get("figures") if isinstance(report, dict) else None)
    listed.append([grid.get(generators.FIELD) for grid in (grids if isinstance(grids, list)
                   else [grids]) if isinstance(grid, dict)])  # fmt: skip
    held = {(_file(item), str(item.get("digest")))
            for items in listed if isinstance(items, list)
            for item in items if isinstance(item, dict) and "use" in item}  # fmt: skip
    earlier = {file for file, _ in held}
    sources = [own.source for own in study.generators.values()]
    sources += [method.source for method in study.own_methods]
    sources += [figure.source for figure in study.figures if figure.source]
    now = {(_file(source.written(home)), source) for source in sources}
    return sorted({source.file for file, source in now
                   if file in earlier and (file, source.digest) not in held})  # fmt: skip


def _file(item: dict[str, Any]) -> str:
    return str(item["use"]).rpartition(":")[0]


def dump(document: dict[str, Any]) -> str:
    """Write a document as YAML 1.2."""
    import io

    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 100
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()
