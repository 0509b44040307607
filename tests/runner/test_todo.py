"""Several runs of one folder: each makes what the others do not, without a word between them."""

from __future__ import annotations

import heapq
import itertools
import random
from types import SimpleNamespace

import pytest

from simstudy.runner import todo as todo_module
from simstudy.runner.todo import Todo


@pytest.fixture
def clock(monkeypatch):
    """Seconds that a test says; tasks whose keys are their parts; chance with a seed."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(todo_module, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    monkeypatch.setattr(todo_module, "names_of", lambda task: [task.key])
    monkeypatch.setattr(todo_module, "_chance", random.Random(5))
    return now


class Folder:
    """A results folder that is a list of names."""

    def __init__(self, there):
        self.there = there

    def names(self, kind):
        return list(self.there()) if kind == "estimates" else []

    def of_part(self, part):
        return f"estimates/{part}"


def tasks(n):
    return [SimpleNamespace(key=f"{k:05}", totals=False) for k in range(n)]


def nobody():
    return False


def simulated(clock, n, seconds, runs, jobs, begins=(0.0, 0.0, 0.0), seen_after=0.0):
    """Runs of n tasks with simulated time: tasks computed by all, and when the last run ended."""
    chance, there, computed = random.Random(7), set(), 0
    queue, number = (
        [(begins[run], run, run, None, False) for run in range(runs)],
        itertools.count(9),
    )
    todo, given = {}, {}

    def begin(run):
        task = next(given[run], None)
        if task is not None:
            new = task.key not in there
            takes = seconds * chance.uniform(0.9, 1.1) if new else 0.002
            heapq.heappush(queue, (clock.seconds + takes, next(number), run, task, new))

    while queue:
        clock.seconds, _, run, task, new = heapq.heappop(queue)
        if task is None:
            left = [task for task in tasks(n) if task.key not in there]
            todo[run] = Todo(left, Folder(there.copy), lambda: clock.seconds >= seen_after)
            given[run] = iter(todo[run])
            for _ in range(jobs):
                begin(run)
            continue
        computed += new
        there |= {task.key}
        todo[run].look(met=not new)
        begin(run)
    assert len(there) == n  # nothing is left out
    return computed, clock.seconds


def test_a_run_that_is_alone_goes_from_the_front_to_the_end(clock):
    given = Todo(tasks(50), Folder(list), nobody)
    order = []
    for task in given:
        order.append(task.key)
        clock.seconds += 10.0
        assert given.look(met=False) == []
    assert order == [task.key for task in tasks(50)]


def test_runs_beside_others_begin_in_places_of_their_own(clock):
    starts = {next(iter(Todo(tasks(1000), Folder(list), lambda: True))).key for _ in range(20)}
    assert len(starts) > 15


def test_what_others_made_is_given_out_no_more_and_said_once(clock):
    there = ["00001", "00002", "no part"]
    given = Todo(tasks(6), Folder(lambda: there), nobody)
    order = iter(given)
    assert next(order).key == "00000"
    assert given.look(met=False) == []  # too soon
    clock.seconds += 60.0
    assert sorted(task.key for task in given.look(met=False)) == there[:2]
    clock.seconds += 60.0
    assert given.look(met=False) == []
    assert sorted(task.key for task in order) == ["00003", "00004", "00005"]


def test_a_look_that_takes_long_is_taken_seldom(clock):
    looks = []

    def listing():
        looks.append(clock.seconds)
        clock.seconds += 2.0
        return []

    given = Todo(tasks(9), Folder(listing), nobody)
    for _ in range(1000):
        clock.seconds += 1.0
        given.look(met=True)
    assert 10 <= len(looks) <= 11


@pytest.mark.parametrize(("runs", "jobs", "most"), [(2, 1, 1.02), (2, 2, 1.04), (3, 2, 1.07)])
@pytest.mark.parametrize("seen_after", [0.0, 2.0])
def test_runs_at_once_do_the_work_once(clock, runs, jobs, most, seen_after):
    """Also where none sees another at first, as on filesystems that cache what is listed."""
    computed, seconds = simulated(clock, 1000, 0.5, runs, jobs, seen_after=seen_after)
    assert computed <= most * 1000
    assert seconds <= 1.02 * most * 1000 * 0.5 / (runs * jobs)


def test_runs_that_begin_late_or_are_slow_in_step_share_too(clock):
    computed, _ = simulated(clock, 400, 2.0, 3, 1, begins=(0.0, 100.0, 203.0))
    assert computed <= 1.05 * 400
