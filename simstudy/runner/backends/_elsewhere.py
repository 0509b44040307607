"""What is done in a process that is no child of the run: on a machine of its own, perhaps.

It is nobody's but a cluster's, and may have come after the run began. So before its first call
it sees to it that it would store the same rows in the same folder.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from simstudy.custom import loaded
from simstudy.errors import UserError
from simstudy.runner.backends._backend import Call
from simstudy.runner.provenance import versions_of
from simstudy.store.results_folder import ResultsFolder

_PATIENCE, _PAUSE = 3.0, 0.1  # seconds that a network takes to show a new file


class UnfitError(Exception):
    """A worker would not store the same rows in the same folder; why, after its name."""


class Place(NamedTuple):
    """Where the rows go, with a file that is seen there alone, and the user's files."""

    folder: ResultsFolder
    marker: str
    token: bytes
    files: Mapping[str, bytes]


class Sealed(bytes):
    """What is sent to workers, whose logs tell arguments: a folder's URI may hold a key."""

    def __repr__(self) -> str:
        return "Sealed()"

    __str__ = __repr__


def kit(versions: Mapping[str, str], place: Place) -> Sealed:
    """What goes with every call: versions first, which say whether a worker can read the rest."""
    return Sealed(pickle.dumps((dict(versions), pickle.dumps(place))))


@lru_cache(maxsize=8)
def settle_in(sent: Sealed) -> None:
    """Take what a run sends, once a process; `UnfitError` where this worker is not fit for it."""
    versions, place = pickle.loads(sent)
    here = versions_of(versions)
    differing = [
        f"{name} {here[name] or 'missing'} (here: {version})"
        for name, version in versions.items()
        if here[name] != version
    ]
    if differing:
        raise UnfitError(f"has other versions: {', '.join(differing)}")
    wanted: Place = pickle.loads(place)
    if not _sees(wanted):
        raise UnfitError(f"does not see the folder of the results, {wanted.folder}")
    loaded.bring(wanted.files)


def _sees(wanted: Place) -> bool:
    """Whether the run's marker is there."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return wanted.folder.read(wanted.marker) == wanted.token
        except (OSError, UserError):
            if time.monotonic() > until:
                return False
            time.sleep(_PAUSE)


def do(kit: Sealed, call: Sealed) -> object:
    """Do a call here, as soon as this worker is known to be fit."""
    try:
        settle_in(kit)
        sent: Call = pickle.loads(call)
    except (UnfitError, ImportError, AttributeError) as error:
        from distributed import get_worker

        said = error if isinstance(error, UnfitError) else f"cannot take a call: {error}"
        raise UnfitError(f"worker {get_worker().address} {said}") from None
    return sent.made_in_thread()
