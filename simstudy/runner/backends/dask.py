"""Workers of a dask cluster, reached through distributed's own client.

Not through joblib's dask backend, which is a layer on it: there one call that is lost ends all
others, as many are given out as the workers of the beginning need though more come, nobody says
that none is left, and what a user's method does with joblib goes to the cluster, too.
"""

from __future__ import annotations

import os
import queue
import secrets
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from simstudy.errors import RANGES_KEPT, UserError, WorkError, brief
from simstudy.runner.backends._backend import Backend, Call, LostError, Needs, backend
from simstudy.runner.backends._elsewhere import Place, Sealed, UnfitError, do, kit, settle_in
from simstudy.runner.process import cores
from simstudy.store.processes import own_name
from simstudy.store.results_folder import WORK, ResultsFolder

_ADDRESS = "DASK_SCHEDULER_ADDRESS"
_ANSWER = 5.0  # seconds in which a scheduler answers
_COME = 60.0  # seconds in which a worker comes where there is none
_LOOK = 1.0  # seconds between looks at the cluster
_AGAIN = 3600.0  # seconds after which workers' marker is written again
_MISSING = "backend: dask needs distributed; pip install 'simstudy[dask]'"
_LOGGERS = ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio")


@backend
class Dask(Backend):
    """Workers of a cluster, which may come and go.

    A call whose worker was lost is done again by another: that is dask's own doing. One at which
    several were lost is said to be lost when all others are done.
    """

    name = "dask"

    def __init__(self, scheduler: str | None = None) -> None:
        _quiet_import()
        address = scheduler or os.environ.get(_ADDRESS)
        if not address:
            message = f"give --scheduler tcp://HOST:PORT, or {_ADDRESS} in the environment"
            raise UserError(f"backend: dask needs a scheduler; {message}")
        self._address, self._client = address, _connected(address)
        self._marker: tuple[ResultsFolder, str, bytes] | None = None
        self._marked = 0.0
        self._kit = Sealed()
        self._most = 0  # calls under way; 0 is as many as keep all workers busy
        self._looked, self._alone_since, self._slots = 0.0, 0.0, 0

    def close(self) -> None:
        """Leave the cluster."""
        self._unmark()
        with suppress(OSError, AssertionError):  # it asserts that it is closed by then
            self._client.close(timeout=2)

    def n_jobs(self, asked: int | None, usual: int) -> int:
        """All that workers can do at once, or fewer."""
        self._most = asked or 0
        return asked or self._slots

    def n_here(self, asked: int | None) -> int:
        """What is asked for is meant for the cluster."""
        return cores()

    def meet(self, needs: Needs) -> None:
        """Wait for a worker, then refuse those that see another folder or have other versions."""
        self._unmark()
        token = secrets.token_hex(8)
        self._marker = needs.folder, f"{WORK}/{own_name()}-{token}-workers", token.encode()
        self._mark()
        self._kit = kit(needs.versions, Place(*self._marker, needs.files))
        while not self._slots:
            self._look(UserError)
            time.sleep(0 if self._slots else _LOOK / 10)
        found = self._client.run(settle_in, self._kit, on_error="return")
        for worker, error in sorted(found.items()):
            if error is not None and not isinstance(error, OSError):  # that of one which is gone
                raise _unfit(worker, error)

    def _mark(self) -> None:
        """Write what workers look for, which other machines take for left over after a day."""
        if self._marker is not None:
            folder, name, token = self._marker
            self._marked = time.monotonic()
            folder.write(name, token)

    def _unmark(self) -> None:
        if self._marker is not None:
            with suppress(OSError, UserError, WorkError):
                self._marker[0].remove(self._marker[1])

    def _results(self, calls: Iterable[Call], jobs: int) -> Iterator[Any]:
        waiting, ended = iter(calls), queue.SimpleQueue[Any]()
        under_way: set[Any] = set()
        lost: LostError | None = None
        try:
            while True:
                most = jobs if self._most else 2 * self._slots
                while len(under_way) < max(most, 1) and (call := next(waiting, None)) is not None:
                    future = self._submitted(call)
                    under_way.add(future)
                    future.add_done_callback(ended.put)
                if not under_way:
                    break
                future = self._next(ended)
                under_way.discard(future)
                try:
                    yield self._result(future)
                except LostError as error:
                    lost = error
        finally:
            if under_way and self._client.status == "running":
                with suppress(OSError):
                    self._client.cancel(list(under_way), force=True)
        if lost is not None:
            raise lost

    def _submitted(self, call: Call) -> Any:
        from distributed.protocol.pickle import dumps

        key = f"simstudy-{secrets.token_hex(16)}"
        try:
            return self._client.submit(do, self._kit, Sealed(dumps(call)), key=key, pure=False)
        except OSError:
            raise self._gone() from None

    def _next(self, ended: queue.SimpleQueue[Any]) -> Any:
        """A future that has ended; the cluster is looked at meanwhile."""
        while True:
            self._look(WorkError)
            if time.monotonic() - self._marked > _AGAIN:
                with suppress(WorkError):  # there is time to try again
                    self._mark()
            with suppress(queue.Empty):
                return ended.get(timeout=_LOOK)

    def _result(self, future: Any) -> Any:
        """What a call returned. That of a worker that was lost since is made again."""
        from distributed import KilledWorker

        while future.status != "error":
            if future.cancelled():
                raise self._gone()
            try:
                return future.result(timeout=_LOOK)
            except Exception as early:
                if future.status == "error":  # by now: what it is comes below
                    break
                if not isinstance(early, OSError) or self._client.status != "running":
                    raise
                self._look(WorkError)  # the client's own, of a connection or of time that is over
        error = future.exception()  # known here, so no time limit, whose end would pass for it
        if isinstance(error, KilledWorker):
            raise LostError("a worker ended", error.allowed_failures + 1)
        if isinstance(error, UnfitError):
            raise UserError(str(error))
        raise error

    def _look(self, error: type[Exception]) -> None:
        """See how many workers there are; raise this where none has been for long."""
        now = time.monotonic()
        if now - self._looked < _LOOK and self._slots:
            return
        try:
            self._slots = sum(self._client.nthreads().values())
        except OSError:
            raise self._gone() from None
        self._looked = now
        if self._slots:
            self._alone_since = now
        elif now - (self._alone_since or now) > _COME:
            message = f"no worker came to the scheduler at {self._address} in {_COME:g} s"
            raise error(message if error is UserError else f"{message}; {RANGES_KEPT}")
        self._alone_since = self._alone_since or now

    def _gone(self) -> WorkError:
        return WorkError(f"the scheduler at {self._address} is gone; {RANGES_KEPT}")


def _quiet_import() -> None:
    """Import distributed, which then logs nothing unless it was imported before."""
    try:
        import dask
    except ImportError:
        raise UserError(_MISSING) from None
    if "distributed" in sys.modules:
        return
    with dask.config.set(logging=dict.fromkeys(_LOGGERS, "critical")):
        try:
            import distributed
        except ImportError:
            raise UserError(_MISSING) from None
    warnings.filterwarnings("ignore", category=distributed.versions.VersionMismatchWarning)
    warnings.filterwarnings("ignore", "Sending large graph", UserWarning)


def _connected(address: str) -> Any:
    from distributed import Client

    try:
        return Client(address, timeout=_ANSWER, set_as_default=False, name="simstudy")
    except (OSError, ValueError, ImportError) as error:
        said = f" ({brief(str(error))})" if isinstance(error, ValueError | ImportError) else ""
        raise UserError(f"scheduler: nobody answers at {address!r:.80}{said}") from None


def _unfit(worker: str, error: BaseException) -> UserError:
    if isinstance(error, UnfitError):
        return UserError(f"worker {worker} {error}")
    return UserError(f"worker {worker} cannot work: {brief(f'{type(error).__name__}: {error}')}")
