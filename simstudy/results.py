"""Room 5: a study's results from Python. Imports runner, store, study and report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudy.errors import UserError
from simstudy.store import asides, layout, parts
from simstudy.study.study import Study, load

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds


class Results:
    """Results of one study on disk.

    Parameters
    ----------
    study : Study
    folder : Path
        The study's own results folder, such as ``results/icc``.

    Attributes
    ----------
    given_up : list of str
        What the run that gave these results left out, since its method only failed.
    """

    def __init__(self, study: Study, folder: Path) -> None:
        self.study = study
        self.folder = folder
        self.given_up: list[str] = []
        self._summaries: dict[str, pa.Table] = {}

    @classmethod
    def open(cls, folder: str | Path) -> Results:
        """Open a results folder; `UserError` where it is none."""
        folder = Path(folder)
        if not folder.is_dir():
            raise UserError("no such folder; expected results of a study", file=str(folder))
        return cls(layout.stored_study(folder), folder)

    @property
    def estimates(self) -> ds.Dataset:
        """All stored rows, lazily, as a pyarrow dataset (``.to_table().to_pandas()``).

        Rows of scenarios or methods that left the study are still in it.
        """
        import pyarrow.dataset as ds

        return ds.dataset(parts.estimates_folder(self.folder), format="parquet")

    @property
    def failures(self) -> pd.DataFrame | None:
        """Failures of the user's own methods: where, message and traceback; None if none."""
        return self._aside(asides.FAILURES)

    @property
    def extras(self) -> pd.DataFrame | None:
        """Further values of the user's own methods, a row a value; None if there are none."""
        return self._aside(asides.EXTRAS)

    def _aside(self, kind: str) -> pd.DataFrame | None:
        methods = {m.canonical: m.label for m in self.study.methods if m.use is not None}
        table = asides.read(self.folder, kind, methods) if methods else None
        return None if table is None else table.to_pandas()

    @property
    def summary(self) -> pd.DataFrame:
        """The summary as a DataFrame, a row a scenario, method, measure and alpha."""
        return self.summary_table().to_pandas()

    def summary_table(
        self, mcse: str = "robust", warn: Callable[[str], None] = lambda line: None
    ) -> pa.Table:
        """The summary of the rows that are there; made once for each kind of MCSE.

        `warn` is told which numbers are far from an exact answer.
        """
        if mcse not in self._summaries:
            from simstudy.runner.summarise import summarise

            self._summaries[mcse] = summarise(self.study, self.folder, mcse, warn)
        return self._summaries[mcse]

    def write_summary(self, warn: Callable[[str], None] = lambda line: None) -> None:
        """Write scenarios.parquet, summary.parquet and summary.csv."""
        from simstudy.runner.summarise import scenario_table

        layout.write_table(self.folder, "scenarios.parquet", scenario_table(self.study))
        summary = self.summary_table(warn=warn)
        for name in ("summary.parquet", "summary.csv"):
            layout.write_table(self.folder, name, summary)

    def report(self) -> list[Path]:
        """Draw figures and write tables from the stored summary; return the files."""
        from simstudy.report.report import write_report

        return write_report(self.study, self.folder, layout.read_summary(self.folder))


def run(
    study: Study | str | Path | Mapping[str, Any],
    *,
    jobs: int | None = None,
    results: str | Path = "results",
    replications: int | None = None,
    report: bool = True,
    begin: Callable[[int, int], Callable[[int, float | None], None]] | None = None,
    warn: Callable[[str], None] = warnings.warn,
    fail_fast: bool = False,
    give_up: int = 200,
) -> Results:
    """Compute what is missing of a study, summarise it and draw its report.

    Parameters
    ----------
    study : Study, path of a study file, or dict
    jobs : int, optional
        Worker processes; 1 is this process. Default: all cores, this process when small.
    results : path
        Parent folder: a study named icc goes to ``results/icc``.
    replications : int, optional
        Instead of the study's own number.
    report : bool
        Draw figures and tables.
    begin : callable, optional
        Progress: called once with (fits, jobs); what it returns is called with (fits done,
        seconds left, or None while that is unknown).
    warn : callable
        Told, in one line, where earlier results come from other versions, which methods
        failed, and which numbers are far from an exact answer.
    fail_fast : bool
        Stop at the first failure of a method of your own.
    give_up : int
        Failures of such a method in a row after which it is left out; 0 never gives up.

    Returns
    -------
    Results
    """
    from simstudy.runner.execute import execute
    from simstudy.runner.watch import Watch, failures

    if not isinstance(study, Study):
        study = load(study)
    if replications is not None:
        study = replace(study, replications=replications)
    found = Results(study, Path(results) / study.name)
    watch = Watch(fail_fast, give_up)
    execute(study, found.folder, jobs, begin, warn, watch)
    found.given_up = watch.given_up()
    for line in (*failures(study, found.folder), *found.given_up):
        warn(line)
    found.write_summary(warn)
    if report:
        found.report()
    return found
