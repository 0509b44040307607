"""What every backend is, and the ways in which its workers are lost."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar

from simstudy.errors import UserError
from simstudy.store.results_folder import ResultsFolder

_one_at_a_time = threading.Lock()


class Call(NamedTuple):
    """Something to be done; `foreign` where it runs a user's code, which may end its process."""

    function: Any
    arguments: tuple[Any, ...] = ()
    foreign: bool = False

    def made(self) -> Any:
        """What it returns."""
        return self.function(*self.arguments)

    def made_in_thread(self) -> Any:
        """The same beside others: a user's code has its process to itself, as it expects.

        What it prints and its global random numbers are the process's.
        """
        if not self.foreign:
            return self.made()
        with _one_at_a_time:
            return self.made()


class Needs(NamedTuple):
    """What workers elsewhere must have.

    Attributes
    ----------
    folder : ResultsFolder
    versions : mapping
        Of what moves the last digits of rows.
    files : mapping
        Content of the user's files by its digest.
    """

    folder: ResultsFolder
    versions: Mapping[str, str]
    files: Mapping[str, bytes]


class LostError(Exception):
    """A worker ended: how, in a few words.

    Attributes
    ----------
    tries : int
        How often the same was tried before this was said.
    """

    def __init__(self, how: str, tries: int = 1) -> None:
        super().__init__(how)
        self.tries = tries


class NoWorkersError(LostError):
    """No worker can be started on this machine as it is; says why."""


class Backend(ABC):
    """Where calls are done; a context that ends what it started.

    Parameters
    ----------
    scheduler : str, optional
        Address of what deals out the work, where there is such a thing.

    Attributes
    ----------
    name : str
        As users write it, and the name of its file.
    """

    name: ClassVar[str]

    def __init__(self, scheduler: str | None = None) -> None:
        if scheduler is not None:
            raise UserError(f"scheduler: backend {self.name} has none; it goes with backend dask")

    def __enter__(self) -> Backend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027  most leave nothing behind
        """End what was started."""

    def n_jobs(self, asked: int | None, usual: int) -> int:
        """Workers, where so many are asked for and so many are usual."""
        return asked or usual

    def n_alone(self, jobs: int) -> int:
        """Workers for calls one at a time, each of which may end its process."""
        return min(jobs, 2)  # one worker would be this process

    def n_here(self, asked: int | None) -> int:
        """Processes of this machine that there may be for other work; none but this one."""
        return 1

    def meet(self, needs: Needs) -> None:  # noqa: B027  most have workers of this machine
        """Refuse workers that lack what is needed."""

    def ends_calls(self, jobs: int) -> bool:
        """Whether a timeout can end a call."""
        return False

    def results(self, calls: Iterable[Call], jobs: int) -> Iterator[Any]:
        """Do calls; results as they come.

        Raises
        ------
        LostError
            Where a worker ends or runs out of memory. What was done is kept by who did it.
        """
        try:
            yield from self._results(calls, jobs)
        except MemoryError:
            raise LostError("a worker ran out of memory") from None

    @abstractmethod
    def _results(self, calls: Iterable[Call], jobs: int) -> Iterator[Any]:
        """The same, but for memory that runs out."""


Kind = TypeVar("Kind", bound=type[Backend])
_BACKENDS: dict[str, type[Backend]] = {}


def backend(kind: Kind) -> Kind:
    """Register a backend; a decorator."""
    _BACKENDS[kind.name] = kind
    return kind


def registered(name: str) -> type[Backend]:
    """A backend whose file was imported."""
    return _BACKENDS[name]
