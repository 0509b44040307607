"""Timeouts of a user's methods: what they cut, where it is noted, when it is done again.

Rows that a timeout cut are no function of the study, so the footer of their part holds how long
they had; with more time they are made again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from simstudy.custom.deadline import MESSAGE, Witness
from simstudy.estimates import Estimates
from simstudy.runner.process import is_worker
from simstudy.runner.task import Task
from simstudy.store import footers, parts, quarantine
from simstudy.store.names import PartName, method_key
from simstudy.store.processes import own_name
from simstudy.store.results_folder import FAILURES, ResultsFolder
from simstudy.study.study import Study

_WITNESS = "-timeout"  # ends the name of the file of a process whose call may have to be ended


def are_kept(tasks: Sequence[Task], heard: bool) -> bool:
    """Whether every timeout there is can end a fit; `heard` where the tasks are done."""
    return heard or all(m.timeout is None for task in tasks for m in task.methods)


def witness(
    task: Task, folder: ResultsFolder, stuck: frozenset[int]
) -> AbstractContextManager[None]:
    """What lets a deadline end this process, where that is nobody's but the run's."""
    if task.methods[0].timeout is None or not is_worker():
        return nullcontext()
    return Witness(folder.files.scratch() / f"{own_name()}{_WITNESS}", str(task.key), stuck)


def ended(folder: ResultsFolder, tasks: Sequence[Task]) -> Iterator[tuple[Task, int]]:
    """Tasks whose workers were ended by a deadline, and in which call; told once."""
    keys = {str(task.key): task for task in tasks}
    for file in sorted(folder.files.scratch().glob(f"*{_WITNESS}")):
        call = Witness.read(file)
        if call is not None and call[0] in keys:
            file.unlink()
            yield keys[call[0]], call[1]


def noted(task: Task, estimates: Estimates) -> dict[str, Any]:
    """The timeout that was too short for some fit, for the footer; nothing where none was."""
    failed = () if estimates.failures is None else estimates.failures
    cut = any(failure is not None and failure.message == MESSAGE for failure in failed)
    return {footers.TIMEOUT: task.methods[0].timeout} if cut else {}


def outgrow(
    study: Study, folder: ResultsFolder, listed: list[PartName], warn: Callable[[str], None]
) -> list[PartName]:
    """Set aside what a timeout cut that is longer now; the parts that stay."""
    limits = {method_key(m.canonical): m for m in study.own_methods}
    cut = []
    failing = set(folder.parts(FAILURES)) if limits else set()
    for part in listed:
        method = limits.get(part.methods[0])
        if method is None or part not in failing:
            continue
        held = (parts.footer(folder, part) or {}).get(footers.TIMEOUT)
        if held is not None and held < (math.inf if method.timeout is None else method.timeout):
            quarantine.set_aside(folder, str(part))  # at once: other runs make it again
            cut.append(part)
    if cut:
        warn(f"{folder}: {len(cut)} ranges with fits that a shorter timeout cut are computed again")
    return [part for part in listed if part not in set(cut)]
