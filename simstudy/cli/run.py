"""``simstudy run``."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence

from simstudy.claims.judged import Judged, Verdict
from simstudy.cli.bar import Bar
from simstudy.errors import UnmetError, UserError, WorkError, one_line
from simstudy.report.claims import lines
from simstudy.report.tables import headline
from simstudy.results import Results, run
from simstudy.runner.events import Done, Event, Listener, Started, WentOn
from simstudy.study.files import described
from simstudy.study.study import Study, load


def main(options: Namespace) -> None:
    """Run what is missing, summarise, print, draw."""
    found = run(
        _with_claims(options) if options.check_claims else options.config,
        jobs=options.jobs,
        backend=options.backend,
        scheduler=options.scheduler,
        results=options.results,
        replications=options.replications,
        report=not options.no_report,
        fresh=options.fresh,
        fail_fast=options.fail_fast,
        give_up=options.give_up,
        listen=_listener(options),
        warn=say,
        shard=options.shard,
    )
    if found.share is not None:
        if not (options.quiet or found.given_up):
            print(f"{found.folder}: {found.share.line(found.study, found.n_fits)}")
    elif not options.quiet:
        _print(found)
    if found.given_up:
        raise WorkError("some fits are not computed: see above")
    if options.check_claims:
        _check(found.judged(options.jobs), options.quiet)


def _with_claims(options: Namespace) -> Study:
    """The study, whose claims are to be checked: said before any work where there is nothing to."""
    if options.shard is not None:
        raise UserError(
            "--check-claims: a share judges no claims; the run that ends the study does"
        )
    study = load(options.config)
    if not study.claims:
        message = "--check-claims: the study file claims nothing; write claims: [...]"
        raise UserError(message, file=options.config)
    return study


def _check(judged: Sequence[Judged], quiet: bool) -> None:
    """End with 4 where a claim is refuted; one that is undecided is said."""
    of = {verdict: [one.claim.text for one in judged if one.verdict is verdict]
          for verdict in Verdict}  # fmt: skip
    if quiet and of[Verdict.UNDECIDED]:
        say(f"undecided: {'; '.join(of[Verdict.UNDECIDED])}")
    if refuted := of[Verdict.REFUTED]:
        texts = "; ".join(refuted)
        raise UnmetError(f"refuted: {len(refuted)} of {len(judged)} claims: {texts}")


def _listener(options: Namespace) -> Listener:
    if options.verbose:
        return Lines()
    return (lambda event: None) if options.quiet else Bar()


def say(text: str) -> None:
    """Say something in a line of its own, beside the results."""
    print(one_line(text), file=sys.stderr)


def _print(found: Results) -> None:
    print(found.study.title or found.study.name)
    counted = found.study.precision is not None
    print(headline(found.summary_table(), width=terminal_width(), counted=counted))
    for line in described(found.study):
        print(line)
    if (standing := found.standing) is not None:
        print(standing.line)
    if claimed := lines(found.judged(), terminal_width()):
        print("\n".join(["", *claimed]))
    print("" if found.n_fits else "nothing is missing: no fit was computed")
    print("\n".join(_paths(found)))


def _paths(found: Results) -> list[str]:
    """Where a figure (the others are beside it), the tables and the numbers are, a line each."""
    figures = [f"report/figures/{figure.file}.png" for figure in found.study.figures[:1]]
    kept = ["totals"] if found.study.sample == 0 else ["estimates", "totals"]
    return list(map(str, found.paths(*figures, "report/tables", "summary.csv", *kept)))


class Lines:
    """One line on stderr for every range that is done."""

    def __init__(self) -> None:
        self._number = self._of = 0

    def __call__(self, event: Event) -> None:
        """Say it."""
        if isinstance(event, Started):
            self._number, self._of = 0, len(event.tasks)
        elif isinstance(event, WentOn):
            self._of += len(event.tasks)
        elif isinstance(event, Done):
            self._number += 1
            self._tell(event)

    def _tell(self, done: Done) -> None:
        task = done.task
        many = len(task.pieces) > 1
        scenarios = f"{len(task.pieces)} scenarios" if many else f"scenario {task.pieces[0].id}"
        methods = ", ".join(method.canonical for method in task.methods)
        how = f"{done.seconds:.2f} s in process {done.worker}" if done.new else "there already"
        line = (
            f"{self._number}/{max(self._number, self._of)}: replications {task.first} to "
            f"{task.last} of {scenarios}, {methods}: {how}"
        )
        print(line, file=sys.stderr, flush=True)


def terminal_width() -> int:
    """Columns of the terminal; 120 where there is none."""
    if sys.stdout.isatty():
        return shutil.get_terminal_size((100, 24)).columns
    return 120
