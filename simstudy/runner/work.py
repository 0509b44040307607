"""One task, done and stored, wherever that is."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from simstudy.estimates import Outcome as Failing
from simstudy.runner import timeouts
from simstudy.runner.events import Done
from simstudy.runner.plan import names_of, parts_of
from simstudy.runner.process import end_if_orphaned, settle
from simstudy.runner.provenance import cpu
from simstudy.runner.task import Task, run_task
from simstudy.runner.totals import store_totals
from simstudy.store import failures, parts
from simstudy.store.results_folder import ResultsFolder


def is_there(task: Task, folder: ResultsFolder) -> bool:
    """Whether all that a task makes is stored."""
    return all(folder.exists(folder.of_part(part)) for part in names_of(task))


def work(
    task: Task, folder: ResultsFolder, source: dict[str, Any], stuck: frozenset[int] = frozenset()
) -> Done:
    """Do one task and store its parts, unless another run has.

    `stuck` are numbers of calls of a user's method that are known not to end.
    """
    settle()
    end_if_orphaned()
    start = time.perf_counter()
    source = source | {"cpu": cpu()}  # another machine's, perhaps
    failed = first = None
    new = not is_there(task, folder)
    if new and task.totals:
        store_totals(task, folder, source)
    elif new:
        keys = {piece.id: parts.key_text(piece.key) for piece in task.pieces}
        with timeouts.witness(task, folder, stuck):
            estimates = run_task(task)
        for part, names, of_part in parts_of(task, estimates):
            end_if_orphaned()
            about: dict[str, Any] = {"keys": {name: keys[name] for name in part.scenarios}}
            if task.foreign or any(of.extras for of in of_part):  # first: rows are the last
                about["beside"] = failures.write(folder, part, names, of_part)
                first = first or next(failures.failed(part, names, of_part), None)
            if not task.shared:
                about |= timeouts.noted(task, of_part[0])
            parts.write(folder, part, names, of_part, source | about)
        if not task.shared:
            failed = np.asarray(estimates[0].outcome == Failing.FAILED)
    seconds = round(time.perf_counter() - start, 4)
    return Done(task, seconds, failed, first, os.getpid(), new)
