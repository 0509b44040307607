"""A summary as it is stored, and what is written beside it and says the same or less."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from simstudy.runner.said import warned
from simstudy.store import realized_file, results_folder
from simstudy.store.results_folder import ResultsFolder
from simstudy.store.summary_file import BrokenSummaryError, read_summary, write_table
from simstudy.study.study import Study
from simstudy.summary import current
from simstudy.summary.study import completed, stored_scenarios

if TYPE_CHECKING:
    import pyarrow as pa


def write_beside(study: Study, folder: ResultsFolder, summary: pa.Table) -> None:
    """Write scenarios.parquet, summary.csv, and what was warned of where anything was."""
    told = warned(study, folder)
    if told.num_rows or not folder.files.is_free(results_folder.ALL_WARNINGS):
        write_table(folder, results_folder.ALL_WARNINGS, told)
    scenarios = stored_scenarios(study, realized_file.read(folder))
    write_table(folder, results_folder.SCENARIOS, scenarios)
    write_table(folder, results_folder.SUMMARY_CSV, summary)


def as_written(
    study: Study, folder: ResultsFolder, warn: Callable[[str], None]
) -> tuple[pa.Table | None, str]:
    """The summary as it was written; or None and the reason, where it is to be made from rows.

    What is beside it is written again where it is not as it was.
    """
    rows, file, reason = folder.held(), folder.shown(results_folder.SUMMARY), ""
    try:
        found = read_summary(folder)
    except BrokenSummaryError:
        if not rows:
            raise
        return None, "is not what was written"
    changed = current.changed(folder, found.mark) if found.sure else []
    if not found.sure:
        reason = "has no sum, as earlier versions wrote none"
    elif results_folder.STUDY in changed:
        reason = "was made from another study.yaml"
    elif changed:
        write_beside(study, folder, found.table)
        for name in changed:
            warn(f"{folder.shown(name)}: is not what was written; written again")
    if reason and rows:
        return None, reason
    if reason:
        warn(f"{file}: {reason}; shown as it is, since there are no rows")
    return completed(study, found.table), ""
