"""What is written beside a summary, and says the same or less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudy.runner.said import warned
from simstudy.store import realized_file, results_folder
from simstudy.store.results_folder import ResultsFolder
from simstudy.store.summary_file import write_table
from simstudy.study.study import Study
from simstudy.summary.study import stored_scenarios

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
