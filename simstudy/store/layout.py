"""The files of a results folder beside its parts."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, NamedTuple

from simstudy.errors import UserError, WorkError
from simstudy.registry import Method
from simstudy.store import seal, sources
from simstudy.store.files import cannot_write, is_plain
from simstudy.store.results_folder import STUDY, WORK, ResultsFolder
from simstudy.study.code import written, written_source
from simstudy.study.fields import DEFAULTS, SILENT
from simstudy.study.study import Study

SUMMARY = "summary.parquet"


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
    if study.measures:
        document["measures"] = [
            written_source(measure.source, folder) for measure in study.measures
        ]
    if study.reference is not None:
        document["reference"] = study.reference
    if study.grain is not None:
        document["grain"] = study.grain
    return document


def _method(method: Method, folder: Path) -> dict[str, Any]:
    if method.source is not None:
        return written(method, folder)
    more: dict[str, Any] = {}
    if method.estimand != method.entry.estimands(dict(method.options))[0]:
        more["estimand"] = method.estimand
    if method.null_value:
        more["null_value"] = method.null_value
    if method.when is not None:
        more["when"] = method.when.text
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
    left_out = SILENT | ({"total_variance"} if "within_variance" in scenarios else set())
    missing = DEFAULTS.keys() - scenarios.keys() - left_out
    return scenarios | {key: value for key, value in DEFAULTS.items() if key in missing}


def prepare(study: Study, folder: ResultsFolder) -> None:
    """Make the folder ready for this study, or refuse one that holds another's results."""
    folder.refuse_seed(folder.seed, study.seed)
    folder.refuse_links()
    try:
        for name in ("estimates", WORK):
            (folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise cannot_write(folder.path, error) from None
        raise UserError(f"cannot be written: {error.strerror}", file=str(folder)) from None
    text = dump(study_document(study, folder.path.resolve()))
    folder.replace(folder / STUDY, text.encode())
    sources.keep(study, folder)


def changed_files(study: Study, folder: ResultsFolder) -> list[str]:
    """Files of a user's methods that were others when this folder's study was last run."""
    document, home = folder.document, folder.path.resolve()
    listed = [document.get(key) for key in ("methods", "measures")]
    held = {(_file(item), str(item.get("digest")))
            for items in listed if isinstance(items, list)
            for item in items if isinstance(item, dict) and "use" in item}  # fmt: skip
    earlier = {file for file, _ in held}
    now = {(_file(written(m, home)), m.source) for m in study.own_methods}
    return sorted({source.file for file, source in now if source is not None
                   and file in earlier and (file, source.digest) not in held})  # fmt: skip


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


def write_table(
    folder: ResultsFolder, name: str, table: Any, mark: dict[str, Any] | None = None
) -> None:
    """Write a small table into a results folder, as parquet or CSV by its name's ending.

    `mark` goes to a parquet file's footer.
    """
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    if name.endswith(".csv"):
        from pyarrow import csv

        csv.write_csv(table, sink, csv.WriteOptions(quoting_style="needed"))
        folder.write(folder / name, sink.getvalue())
        return
    import pyarrow.parquet as pq

    plain = table.replace_schema_metadata(None)
    # the schema as Arrow has it would hold the footer a second time, in another writing
    with pq.ParquetWriter(sink, plain.schema, store_schema=False) as writer:
        writer.write_table(plain)
        writer.add_key_value_metadata(seal.footer(mark or {}))
    folder.write(folder / name, *seal.summed(sink.getvalue()))


class Stored(NamedTuple):
    """A stored summary.

    Attributes
    ----------
    table : pyarrow.Table
    mark : dict
        What it says it was made from; empty where it says nothing.
    sure : bool
        Whether it has a sum, and so is what was written; earlier versions wrote none.
    """

    table: Any
    mark: dict[str, Any]
    sure: bool


class BrokenSummaryError(WorkError):
    """A summary that is not what was written."""


def read_summary(folder: Path) -> Stored:
    """The stored summary, or `BrokenSummaryError`; `UserError` where there is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = folder / SUMMARY
    if not os.path.lexists(file):
        raise UserError(f"no {SUMMARY} here; run the study first", file=str(folder))
    broken = BrokenSummaryError(f"{file}: is not what was written; run the study again")
    if not is_plain(file):
        raise broken
    try:
        content = file.read_bytes()
        seal.refuse_newer(file, content)
        fits = seal.fits(content)
        with pq.ParquetFile(pa.BufferReader(content)) as opened:
            mark = seal.said(opened.metadata.metadata)
            if fits is False or (fits is None and "format" in mark):
                raise broken
            return Stored(opened.read().replace_schema_metadata(None), mark, fits is True)
    except (pa.ArrowException, OSError, ValueError):
        raise broken from None


def summary_mark(folder: Path) -> dict[str, Any]:
    """What a stored summary says it was made from; empty where that is not known."""
    if not os.path.lexists(folder / SUMMARY):
        return {}
    try:
        return read_summary(folder).mark
    except BrokenSummaryError:
        return {}
