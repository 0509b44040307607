"""Shared settings of the tests."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

# every core has a test of its own; before anything imports numpy
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from helpers_objects import ENVIRONMENT, Store, serving
from hypothesis import settings

# machines are shared: no deadline; the same examples every time, so that CI does not flicker
settings.register_profile("simstudy", deadline=None, derandomize=True)
settings.load_profile("simstudy")


@pytest.fixture(scope="session")
def served() -> Iterator[Store]:
    """An object store on loopback, for all tests of a process."""
    with serving() as store:
        yield store


@pytest.fixture
def object_store(served: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The same, with the keys to it in the environment."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return served


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where the slow tests are left out, files of nothing else need not even be read."""
    if config.option.markexpr != "not slow" or not collection_path.name.startswith("test_"):
        return None
    text = collection_path.read_text(encoding="utf-8")
    return True if "\npytestmark = pytest.mark.slow\n" in text else None


def pytest_sessionstart() -> None:
    """What is collected stays: searching it for garbage takes a twentieth of the whole time."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()
