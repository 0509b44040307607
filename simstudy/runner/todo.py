"""What is still to be done of a turn, shared without a word with other runs of one folder.

Rows never depend on who makes them, so there are no locks: a run looks every few seconds at what
is there, and keeps out of the way of others. At worst two make the same range.
"""

from __future__ import annotations

import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Set
from itertools import islice

from simstudy.runner.plan import names_of
from simstudy.runner.policy import Key
from simstudy.runner.task import Task
from simstudy.store.results_folder import ESTIMATES, TOTALS, ResultsFolder

_PAUSE, _SOON = 3.0, 0.25  # seconds between looks; and once it was seen that others are here
_SHARE = 50  # a look takes at most one part in so many of the time
_AHEAD = 4  # ranges among which the next is drawn: so two runs in one place do not keep step
_chance = random.SystemRandom()  # a user's seed is left alone, and no two runs have one


class Todo:
    """Tasks, given out one by one; another thread may ask for them than looks.

    A run that is alone goes from the front to the end. Where others are, each begins in a place
    of its own, and goes to another when it comes to what was made by others.

    Parameters
    ----------
    tasks : iterable of Task
    folder : ResultsFolder
    others : callable
        Whether other runs may be at work; once they are, it is not asked again.
    """

    def __init__(
        self,
        tasks: Iterable[Task],
        folder: ResultsFolder,
        others: Callable[[], bool],
    ) -> None:
        self._left = OrderedDict((task.key, task) for task in tasks)
        self._folder = folder
        self._kinds = {TOTALS if task.totals else ESTIMATES for task in self._left.values()}
        self._ask, self._others = others, others()
        self._lock = threading.Lock()
        self._known: Set[str] = frozenset()
        self._by_part: dict[str, Key] = {}  # the last that a task writes
        self._looked, self._took = time.monotonic(), 0.0
        if self._others:
            self._go_elsewhere()

    def __iter__(self) -> Iterator[Task]:
        while True:
            with self._lock:
                if not self._left:
                    return
                ahead = min(_AHEAD, len(self._left)) if self._others else 1
                key = next(islice(self._left, _chance.randrange(ahead), None))
                task = self._left.pop(key)
            yield task

    def look(self, met: bool) -> list[Task]:
        """Tasks that others have made, which are not given out any more; often an empty list.

        `met` says that a task that was given out turned out to be there already.
        """
        pause = max(_SOON if met else _PAUSE, _SHARE * self._took)
        begin = time.monotonic()
        if not self._left or begin - self._looked < pause:
            return []
        names, alone = self._names(), not self._others
        self._others = self._others or met or self._ask()
        with self._lock:
            coming = next(iter(self._left), None)
            made = self._made(names)
            self._others = self._others or bool(made)
            if self._left and (met or coming not in self._left or (alone and self._others)):
                self._go_elsewhere()
        self._looked = time.monotonic()
        self._took = self._looked - begin
        return made

    def _made(self, names: frozenset[str]) -> list[Task]:
        """Take out what is there, of those names that were not there before."""
        if not self._by_part:
            self._by_part = {self._parts(task)[-1]: key for key, task in self._left.items()}
        new, self._known = names - self._known, names
        keys = {self._by_part[name] for name in new if name in self._by_part}
        return [
            self._left.pop(key)
            for key in keys & self._left.keys()
            if names.issuperset(self._parts(self._left[key]))
        ]

    def _names(self) -> frozenset[str]:
        """What is there, from a listing or two."""
        return frozenset(
            f"{kind}/{name}" for kind in self._kinds for name in self._folder.names(kind)
        )

    def _parts(self, task: Task) -> list[str]:
        return [self._folder.of_part(part) for part in names_of(task)]

    def _go_elsewhere(self) -> None:
        """Begin anew in some place of what is left, and go on from its front after its end."""
        for _ in range(_chance.randrange(len(self._left))):
            self._left.move_to_end(next(iter(self._left)))
