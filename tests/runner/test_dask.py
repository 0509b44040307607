"""What the dask backend does about a cluster that is played here; a real one: test_backends."""

from __future__ import annotations

import pickle

import pytest

from simstudy.runner.backends import _elsewhere
from simstudy.runner.backends import dask as dask_module
from simstudy.runner.backends._backend import Call, LostError, Needs
from simstudy.store.results_folder import ResultsFolder


class Future:
    """One that has ended, or whose result does not come at first."""

    def __init__(self, returned=None, error=None, late=0):
        self.status, self._returned, self._error, self._late = "pending", returned, error, late
        self._ends()

    def _ends(self):
        if not self._late:
            self.status = "error" if self._error else "finished"

    def add_done_callback(self, heard):
        heard(self)

    def cancelled(self):
        return False

    def exception(self, timeout=None):
        if timeout is not None:
            raise TimeoutError("the client's own")
        return self._error

    def result(self, timeout=None):
        if self._late:
            self._late -= 1
            self._ends()
            raise TimeoutError("the client's own")
        if self._error:
            raise self._error
        return self._returned


class Client:
    """A scheduler with one worker, which does calls when they come."""

    status = "running"

    def __init__(self):
        self.sent = []

    def nthreads(self):
        return {"worker": 1}

    def run(self, function, *arguments, on_error):
        self.sent += arguments
        return {"worker": None}

    def submit(self, function, kit, call, key, pure):
        self.sent += [kit, call]
        return Future(pickle.loads(call).made())

    def close(self, timeout):
        self.status = "closed"


@pytest.fixture
def workers(monkeypatch):
    monkeypatch.setattr(dask_module, "_connected", lambda address: Client())
    with dask_module.Dask("tcp://nowhere") as opened:
        yield opened


def test_no_log_of_a_worker_tells_the_key_in_a_uri(workers):
    folder = ResultsFolder("mock://key:geheim@host/r")
    workers.meet(Needs(folder, {}, {}))
    assert list(workers.results([Call(str, (folder,))], 1)) == ["mock://host/r"]
    assert len(workers._client.sent) == 3
    for sent in workers._client.sent:
        assert b"geheim" in sent or b"geheim" in pickle.loads(sent)[1]
        for one in (sent, pickle.loads(pickle.dumps(sent))):  # here, and there
            assert repr(one) == "Sealed()" == str(one) and type(one) is _elsewhere.Sealed


def test_of_two_studies_that_one_backend_does_no_marker_is_left(workers, tmp_path):
    for name in "ab":
        workers.meet(Needs(ResultsFolder(tmp_path / name), {}, {}))
    workers.close()
    assert [*tmp_path.glob("?/.work/*")] == [] != [*tmp_path.glob("?/.work")]


def test_a_marker_stays_young_however_long_a_run_takes(workers, tmp_path, monkeypatch):
    workers.meet(Needs(ResultsFolder(tmp_path), {}, {}))
    (marker,) = tmp_path.glob(".work/*-workers")
    token = marker.read_bytes()
    marker.unlink()
    assert list(workers.results([Call(abs, (-1,))], 1)) == [1] and not marker.exists()
    monkeypatch.setattr(dask_module, "_AGAIN", 0.0)
    assert list(workers.results([Call(abs, (-1,))], 1)) == [1] and marker.read_bytes() == token


@pytest.mark.parametrize("late", [0, 1])
def test_the_clients_own_impatience_is_no_workers_error(workers, late):
    """Not where the error comes while it waits, either."""
    from distributed import KilledWorker

    assert workers._result(Future(3, late=late)) == 3
    for error in (ZeroDivisionError("its own"), OSError("its own")):
        with pytest.raises(type(error), match="its own"):
            workers._result(Future(error=error, late=late))
    with pytest.raises(LostError, match="a worker ended") as lost:
        workers._result(Future(error=KilledWorker("key", None, 3), late=late))
    assert lost.value.tries == 4
