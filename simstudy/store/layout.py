"""Room 3: the files of a results folder beside its parts. Imports study, own and errors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from simstudy.errors import UserError
from simstudy.own.settle import written
from simstudy.registry import Method
from simstudy.store.files import WORK, replace_file
from simstudy.study.fields import DEFAULTS
from simstudy.study.study import Study, load


def study_document(study: Study, folder: Path) -> dict[str, Any]:
    """The study as run, defaults filled in, in the study file's own form."""
    document: dict[str, Any] = {
        "name": study.name,
        "title": study.title,
        "aim": study.aim,
        "seed": study.seed,
        "replications": study.replications,
        "alpha": list(study.alpha),
        "scenarios": _with_defaults(_with_files(study.scenarios, study.folder, folder)),
        "methods": [_method(method, folder) for method in study.methods],
        "report": {"figures": list(study.figures)},
    }
    if study.grain is not None:
        document["grain"] = study.grain
    return document


def _method(method: Method, folder: Path) -> dict[str, Any]:
    if method.use is not None:
        return written(method, folder)
    return {method.name: dict(method.options) | {"label": method.label}}


def _with_files(scenarios: Any, old: Path, new: Path) -> Any:
    """Scenarios whose files are relative to `new` instead of `old`."""
    if isinstance(scenarios, dict):
        out = {key: _with_files(value, old, new) for key, value in scenarios.items()}
        if isinstance(out.get("file"), str) and not Path(out["file"]).is_absolute():
            out["file"] = Path(os.path.relpath(old / out["file"], new)).as_posix()
        return out
    if isinstance(scenarios, list):
        return [_with_files(item, old, new) for item in scenarios]
    return scenarios


def _with_defaults(scenarios: Any) -> Any:
    """Scenarios with the optional fields they leave out."""
    if isinstance(scenarios, list):
        return [_with_defaults(grid) for grid in scenarios]
    return scenarios | {key: value for key, value in DEFAULTS.items() if key not in scenarios}


def prepare(study: Study, folder: Path) -> None:
    """Make the folder ready for this study, or refuse one that holds another's results."""
    stored = folder / "study.yaml"
    if stored.is_file():
        same_seed(folder, stored_seed(stored), study.seed)
    try:
        for name in ("estimates", WORK):
            (folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", file=str(folder)) from None
    text = dump(study_document(study, folder.resolve()))
    replace_file(folder, stored, text.encode())


def same_seed(folder: Path, stored: int | None, seed: int) -> None:
    """Refuse to mix two seeds in one folder."""
    if stored != seed:
        message = f"holds results of seed {stored}, and this study has seed {seed}"
        raise UserError(f"{message}; give it another name, or move the folder", file=str(folder))


def stored_seed(file: Path) -> int | None:
    """Seed of the study that a results folder belongs to."""
    from simstudy.study.yaml_lines import read

    data = read(file).data
    return data.get("seed") if isinstance(data, dict) else None


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


def stored_study(folder: Path) -> Study:
    """The study of a results folder."""
    file = folder / "study.yaml"
    if not file.is_file():
        raise UserError("no study.yaml here; expected a results folder", file=str(folder))
    return load(file)


def write_table(folder: Path, name: str, table: Any) -> None:
    """Write a small table into a results folder, as parquet or CSV by its name's ending."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    if name.endswith(".csv"):
        from pyarrow import csv

        csv.write_csv(table, sink, csv.WriteOptions(quoting_style="needed"))
    else:
        import pyarrow.parquet as pq

        pq.write_table(table, sink)
    replace_file(folder, folder / name, sink.getvalue())


def read_summary(folder: Path) -> Any:
    """The stored summary as an Arrow table."""
    import pyarrow.parquet as pq

    file = folder / "summary.parquet"
    if not file.is_file():
        raise UserError("no summary.parquet here; run the study first", file=str(folder))
    with pq.ParquetFile(file) as opened:
        return opened.read()
