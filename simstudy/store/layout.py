"""Room 3: the files of a results folder beside its parts. Imports study, own and errors."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Any

from simstudy.errors import UserError
from simstudy.own.settle import written
from simstudy.registry import Method
from simstudy.store import sources
from simstudy.store.files import WORK, cannot_write, is_plain, replace_file
from simstudy.study.fields import DEFAULTS
from simstudy.study.study import Study, load

MARK = b"simstudy"  # in a summary's footer


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
    if study.reference is not None:
        document["reference"] = study.reference
    if study.grain is not None:
        document["grain"] = study.grain
    return document


def _method(method: Method, folder: Path) -> dict[str, Any]:
    if method.use is not None:
        return written(method, folder)
    more: dict[str, Any] = {}
    if method.estimand != method.entry.estimands(dict(method.options))[0]:
        more["estimand"] = method.estimand
    if method.null_value:
        more["null_value"] = method.null_value
    return {method.name: dict(method.options) | more | {"label": method.label}}


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
    same_seed(folder, stored_seed(folder), study.seed)
    try:
        for name in ("estimates", WORK):
            (folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise cannot_write(folder, error) from None
        raise UserError(f"cannot be written: {error.strerror}", file=str(folder)) from None
    text = dump(study_document(study, folder.resolve())).encode()
    file = folder / "study.yaml"
    if not is_plain(file) or file.read_bytes() != text:  # a report is as old as what it is of
        replace_file(folder, file, text)
    sources.keep(study, folder)


def changed_files(study: Study, folder: Path) -> list[str]:
    """Files of a user's methods that were others when this folder's study was last run."""
    try:
        text = (folder / "study.yaml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    held = set(re.findall(r"use: '?([^'\n]+?):\w+'?,\s+digest: '?(\w+)", text))
    earlier = {file for file, _ in held}
    now = {(written(m, folder.resolve())["use"].rpartition(":")[0], m.use)
           for m in study.methods if m.use is not None}  # fmt: skip
    return sorted({use.file for file, use in now
                   if file in earlier and (file, use.digest) not in held})  # fmt: skip


def same_seed(folder: Path, stored: int | None, seed: int) -> None:
    """Refuse to mix two seeds in one folder; None is no seed at all."""
    if stored not in (None, seed):
        message = f"holds results of seed {stored}, and this study has seed {seed}"
        raise UserError(
            f"{message}; --fresh moves them aside, or give the study another name",
            file=str(folder),
        )


def stored_seed(folder: Path) -> int | None:
    """Seed of the study that a results folder belongs to; None where study.yaml does not say.

    After a power loss it may not; the parts know the seed too.
    """
    try:
        text = (folder / "study.yaml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"^seed: (\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else None


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


def stored_study(folder: Path, trusted: bool = False) -> Study:
    """The study of a results folder; what it says to `use:` is imported only if `trusted`."""
    file = folder / "study.yaml"
    if not file.is_file():
        raise UserError("no study.yaml here; expected a results folder", file=str(folder))
    return load(file, trusted=trusted)


def write_table(folder: Path, name: str, table: Any, mark: dict[str, Any] | None = None) -> None:
    """Write a small table into a results folder, as parquet or CSV by its name's ending.

    `mark` goes to a parquet file's footer.
    """
    import json

    import pyarrow as pa

    sink = pa.BufferOutputStream()
    if name.endswith(".csv"):
        from pyarrow import csv

        csv.write_csv(table, sink, csv.WriteOptions(quoting_style="needed"))
    else:
        import pyarrow.parquet as pq

        pq.write_table(table.replace_schema_metadata({MARK: json.dumps(mark or {})}), sink)
    replace_file(folder, folder / name, sink.getvalue())


def read_summary(folder: Path) -> Any:
    """The stored summary as an Arrow table."""
    import pyarrow.parquet as pq

    file = folder / "summary.parquet"
    if not file.is_file():
        raise UserError("no summary.parquet here; run the study first", file=str(folder))
    with pq.ParquetFile(file) as opened:
        return opened.read()


def summary_mark(folder: Path) -> dict[str, Any]:
    """What a stored summary says it was made from; empty where it says nothing."""
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        stored = pq.read_schema(folder / "summary.parquet").metadata or {}
        found = json.loads(stored.get(MARK, b"{}"))
    except (pa.ArrowException, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
