"""A study's results from Python."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudy.errors import UserError, refuse_bytes
from simstudy.report.shows import Shows
from simstudy.runner.backends import USUAL, opened
from simstudy.runner.progress_bar import usual_listener
from simstudy.store import (
    failures,
    parts,
    quarantine,
    results_folder,
    summary_file,
)
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.files import dropped
from simstudy.study.study import Study, load

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds

    from simstudy.claims.judged import Judged
    from simstudy.locks.standing import Standing
    from simstudy.runner.backends._backend import Backend
    from simstudy.runner.events import Listener
    from simstudy.runner.policy import FailurePolicy
    from simstudy.runner.shards import Share

_PYTHON_WARNS = warnings.warn  # in the class the name is that of a property


class Results(Shows):
    """Results of one study, on disk or in an object store.

    Parameters
    ----------
    study : Study
    folder : path, or URI
        The study's own results folder, such as ``results/icc`` or ``s3://bucket/results/icc``.

    Attributes
    ----------
    folder : Path, or str
        The same; of a URI what may be shown.
    n_fits : int
        Computed by the run that gave these results.
    given_up : list of str
        What the run that gave these results left out, a line each, and why.
    share : Share or None
        What that run did of the study; None for all of it.
    """

    def __init__(self, study: Study, folder: str | Path | ResultsFolder) -> None:
        self._place = folder if isinstance(folder, ResultsFolder) else ResultsFolder(folder)
        refuse_bytes(str(self._place.anchored()))
        self.study = study
        self.folder = self._place.files.path()
        self.n_fits = 0
        self.given_up: list[str] = []
        self.share: Share | None = None
        self._summaries: dict[tuple[str, tuple[str, ...]], pa.Table] = {}
        self._judged: tuple[Judged, ...] | None = None

    def __repr__(self) -> str:
        return f"<Results of study {self.study.name} in {self.folder}>"

    @property
    def place(self) -> ResultsFolder:
        """The folder as one that is read and written by names."""
        return self._place

    @property
    def n_missing(self) -> int:
        """Fits that are not there yet."""
        from simstudy.runner.shards import n_missing

        return n_missing(self.study, self._place.held())

    @classmethod
    def open(cls, folder: str | Path, *, trusted: bool = False) -> Results:
        """Open a results folder; `UserError` where it is none.

        `trusted` is whether files of the user's may be imported, for figures of their own.
        """
        from simstudy.summary.stopping import stored

        place = ResultsFolder(folder)
        return cls(stored(place, trusted), place)

    def paths(self, *names: str) -> list[Path | str]:
        """Those of these files and folders of the results that are there."""
        files = self._place.files
        return [files.path(name) for name in names if not files.is_free(name)]

    @property
    def estimates(self) -> ds.Dataset:
        """All stored rows, lazily, as a pyarrow dataset (``.to_table().to_pandas()``).

        Rows of scenarios or methods that left the study are still in it.
        """
        import pyarrow.dataset as ds

        if self.study.sample == 0 and not self._place.parts():
            message = "no rows here: store: summary keeps totals; {sample: K} keeps K of each, too"
            raise UserError(message, file=str(self._place))
        path, filesystem = self._place.files.arrow(results_folder.ESTIMATES)
        return ds.dataset(path, filesystem=filesystem, format="parquet")

    @property
    def failures(self) -> pd.DataFrame:
        """Failures of the user's own methods: where, message and traceback, a row a failure."""
        return self._beside(results_folder.FAILURES)

    @property
    def extras(self) -> pd.DataFrame:
        """Further values of the user's own methods, a row a value."""
        return self._beside(results_folder.EXTRAS)

    @property
    def warnings(self) -> pd.DataFrame:
        """Warnings of the user's own methods by scenario, method and message without numbers.

        A call for several replications of moments counts once.
        """
        from simstudy.runner.said import warned

        return warned(self.study, self._place).to_pandas()

    def _beside(self, kind: str) -> pd.DataFrame:
        return failures.read(self.study, self._place, kind).to_pandas()

    @property
    def summary(self) -> pd.DataFrame:
        """The summary as a DataFrame, a row a scenario, method, measure and alpha."""
        return self.summary_table().to_pandas()

    @property
    def claims(self) -> pd.DataFrame:
        """The claims of the study as they are judged, a row a claim, with the cell that decides.

        ci_low and ci_high are of an interval that holds together with those of all other cells
        of the claim; `replications` is how many would decide an undecided one.
        """
        from simstudy.claims.judged import frame

        return frame(self.judged()).to_pandas()

    def judged(self, jobs: int | None = None) -> tuple[Judged, ...]:
        """Every claim of the study, held against its results once, with all cells."""
        from simstudy.claims.judge import judge_results

        if self._judged is None:
            self._judged = judge_results(self.study, self._place, jobs or 1)
        return self._judged

    def summary_table(
        self,
        mcse: str = "robust",
        warn: Callable[[str], None] | None = None,
        jobs: int | None = None,
        measures: Iterable[str] = (),
        missing: Callable[[str], None] = _PYTHON_WARNS,
    ) -> pa.Table:
        """The summary of the rows that are there; made once for each kind of MCSE.

        `warn` is told which numbers are far from an exact answer; `jobs` processes (all
        cores) read large results; `measures` names those that are made alone, by default all
        but median_bias and mean_absolute_error; `missing` is told which numbers of your own
        measures are not there.
        """
        key = mcse, tuple(sorted(set(measures)))
        if key not in self._summaries:
            from simstudy.runner.process import cores
            from simstudy.summary.study import summarize_study

            self._summaries[key] = summarize_study(
                self.study, self._place, mcse, warn, jobs or cores(), key[1], missing
            )
        return self._summaries[key]

    def write_summary(
        self, warn: Callable[[str], None] = lambda line: None, jobs: int | None = None
    ) -> None:
        """Write scenarios.parquet, summary.parquet and summary.csv, unless they are current."""
        from simstudy.claims import beyond
        from simstudy.runner.said import failure_lines, warned, warnings_line
        from simstudy.summary import current
        from simstudy.summary.beside import write_beside
        from simstudy.summary.stopping import short_of_target

        mark = current.mark(self.study, self._place)
        if current.is_current(self.study, self._place, mark):
            found = summary_file.read_summary(self._place)
            for line in found.mark.get("said", ()):
                warn(line)
            self._summaries["robust", ()] = found.table
            return
        failures.verify_all(self.study, self._place)
        said = short_of_target(self.study)
        said += failure_lines(self.study, self._place)
        said += warnings_line(self._place, warned(self.study, self._place))
        summary = self.summary_table(warn=said.append, jobs=jobs, missing=said.append)
        for line in said:
            warn(line)
        write_beside(self.study, self._place, summary)
        mark |= {"said": said, "digests": current.digests(self._place)}
        mark |= {"stops": self.study.stops} if self.study.precision else {}
        mark |= beyond.marked(self.study, self._place, jobs or 1)
        summary_file.write_table(self._place, results_folder.SUMMARY, summary, mark)

    def report(self, warn: Callable[[str], None] = lambda line: None) -> list[Path | str]:
        """Draw figures and write tables from the stored summary; return the files.

        `warn` is told, in a line each, what was not as it was written and is made again.
        """
        from simstudy.report.report import write_report

        names = write_report(self.study, self._place, self._stored_summary(warn), warn)
        return [self._place.files.path(name) for name in names]

    @property
    def found(self) -> list[str]:
        """What was found, in words: paragraphs in Markdown, as in report/methods.md."""
        from simstudy.report.found.paragraphs import found

        return found(self.study, self._stored_summary(_PYTHON_WARNS))

    def _stored_summary(self, warn: Callable[[str], None]) -> pa.Table:
        """The summary as it was written, or made again from the rows where it is not."""
        from simstudy.summary.beside import as_written

        table, reason = as_written(self.study, self._place, warn)
        if table is not None:
            return table
        self.write_summary(warn)
        warn(f"{self._place.shown(results_folder.SUMMARY)}: {reason}; made again from the rows")
        return self.summary_table()

    @cached_property
    def standing(self) -> Standing | None:
        """How these results stood to the study's lock when first asked; None where it has none."""
        from simstudy.locks.standing import standing

        return standing(self.study, self._place, whole=self.share is None)

    def _complete(
        self,
        jobs: int | None,
        listen: Listener,
        warn: Callable[[str], None],
        policy: FailurePolicy,
        workers: Backend,
    ) -> None:
        """Compute what is missing and summarise, again where parts turn out to be broken.

        Of a share of the study, compute it alone.
        """
        from simstudy.runner import belongs, realized
        from simstudy.runner.execute import execute
        from simstudy.runner.shards import only
        from simstudy.summary.looks import Looks
        from simstudy.summary.stopping import settled

        study, share, place = self.study, self.share, self._place
        n_here, looks = workers.n_here(jobs), Looks()

        def settle(as_known: Study) -> Study:
            known = settled(only(as_known, share), place, n_here, looks)
            self.study = replace(as_known, stops={**as_known.stops, **known.stops})
            return self.study

        for last in (False, False, True):
            try:
                self.n_fits += execute(
                    study, place, jobs, listen, warn, policy, workers, settle, share
                )
                belongs.refuse_incomplete(self.study, place, policy.n_left_out, share)
                if share is None:
                    realized.complete(self.study, place)
                    self.write_summary(warn, n_here)
                break
            except parts.BrokenPartError:
                if last:
                    raise
                quarantine.set_broken_aside(place, parts.Whose.of(self.study), warn)
        self.given_up = policy.given_up()
        for line in self.given_up:
            warn(line)


def run(
    study: Study | str | Path | Mapping[str, Any],
    *,
    jobs: int | None = None,
    backend: str = USUAL,
    scheduler: str | None = None,
    results: str | Path = "results",
    replications: int | None = None,
    report: bool = True,
    fresh: bool = False,
    fail_fast: bool = False,
    give_up: int = 200,
    listen: Listener | None = None,
    warn: Callable[[str], None] = warnings.warn,
    shard: str | None = None,
) -> Results:
    """Compute what is missing of a study, summarise it and draw its report.

    Parameters
    ----------
    study : Study, path of a study file, or dict
    jobs : int, optional
        Worker processes; 1 is this process. Default: all cores, this process when small.
    backend : str
        Where the work is done: loky (processes of this machine), serial, threads or dask.
    scheduler : str, optional
        Address of dask's scheduler, as tcp://HOST:PORT; by default DASK_SCHEDULER_ADDRESS of the
        environment.
    results : path, or URI
        Parent folder: a study named icc goes to ``results/icc``.
    replications : int, optional
        Instead of the study's own number.
    report : bool
        Draw figures and tables.
    fresh : bool
        Move earlier results aside, to the next free NAME.1, NAME.2, ..., and start over.
    fail_fast : bool
        Stop at the first failure of a method of your own.
    give_up : int
        Failures of such a method in a row after which it is left out; 0 never gives up.
    listen : callable
        Told of every event of `simstudy.runner.events` when it happens: that the run started,
        that a range is done, that a worker was lost, and so on. Default: in a notebook a bar.
    warn : callable
        Told, in a line each, what was moved aside, of workers that were lost, which methods
        failed, and which numbers are far from an exact answer.
    shard : str, optional
        ``"I/N"`` does share I of N alone, and neither summarises nor draws: a run without it
        does that once all shares are there. ``"env/N"`` takes I from the job array of SLURM, SGE,
        PBS or LSF that this is a job of.

    Returns
    -------
    Results
    """
    from simstudy.locks import places
    from simstudy.report.report import is_drawn
    from simstudy.runner import belongs
    from simstudy.runner.policy import FailurePolicy
    from simstudy.runner.shards import share_of

    if shard is not None and fresh:
        raise UserError("shard: a fresh start would take away what other shares have stored; "
                        "move the results aside before the first share runs")  # fmt: skip
    if jobs is not None and (jobs != int(jobs) or jobs < 1):
        raise UserError(f"jobs: {jobs} is not a whole number from 1 up")
    config = study if isinstance(study, str | Path) else None
    if not isinstance(study, Study):
        study = load(study)
    if replications is not None:
        study = study.fixed(replications)
    for line in dropped(study):
        warn(line)
    found = Results(study, ResultsFolder(results).below(study.name))
    found.share = None if shard is None else share_of(study, shard)
    lock = places.at_hand(config, found._place, fresh)
    policy = FailurePolicy(fail_fast, give_up)
    with opened(backend, scheduler) as workers:
        workers.n_here(jobs)  # refuses before anything moves
        moved = quarantine.move_away(found._place) if fresh else None
        if moved is not None:
            warn(f"{found.folder}: earlier results are in {moved} now")
        found._complete(jobs, listen or usual_listener(), warn, policy, workers)
    if lock is not None:
        places.store(lock, found._place)
        standing = found.standing
        for line in standing.warnings if standing else ():
            warn(line)
    if found.share is not None:
        return found
    if report and not is_drawn(found.study, found._place, found.summary_table()):
        found.report(warn)
    belongs.refuse_incomplete(found.study, found._place, policy.n_left_out)
    belongs.refuse_changed(study, found._place)
    return found
