"""``simstudy compact``."""

from __future__ import annotations

from argparse import Namespace

from simstudy.cli.run import say
from simstudy.errors import UserError, WorkError
from simstudy.store import compaction
from simstudy.store.at_work import at_work, processes
from simstudy.store.results_folder import ResultsFolder


def main(options: Namespace) -> None:
    """Join small parts, unless a run is at work there."""
    folder = ResultsFolder(options.results)
    study, n_before = folder.study(), len(folder.parts())
    with at_work(folder):
        if any(processes(folder)):
            raise UserError(
                "a run is at work here; let it end, or stop it: it goes on later", file=str(folder)
            )
        done = compaction.compact(study, folder)
    for line in done.left_alone:
        say(f"{line}; left as it is")
    if done.n_aside:
        place = folder.shown(compaction.COMPACTED)
        print(f"{folder}: {n_before:,} parts are {len(folder.parts()):,} now, with the same rows; "
              f"the {done.n_aside:,} old ones are in {place}")  # fmt: skip
    else:
        print(f"{folder}: {n_before:,} parts, none of which join")
    if done.left_alone:
        raise WorkError(
            f"{folder}: {len(done.left_alone):,} parts were left as they are: see above"
        )
