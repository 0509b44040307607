"""Timing side by side, medians, child processes, and the one list of benchmarks."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

Timer = Callable[[], float]
Rows = Callable[[bool], "Iterator[Row]"]
LAUNCHER = Path(__file__).with_name("launch.py")
SIMSTUDY = (sys.executable, "-P", "-m", "simstudy")  # -P: the package that is imported here, too


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; `values` are the repeats, or a text that says why there are none."""

    what: str
    values: Sequence[float] | str
    unit: str = ""
    target: str = ""

    @property
    def median(self) -> str:
        """Median of the repeats, or the text."""
        return self.values if isinstance(self.values, str) else shown(median(self.values))

    @property
    def spread(self) -> str:
        """Least and largest repeat."""
        if isinstance(self.values, str) or len(self.values) < 2:
            return ""
        return f"{shown(min(self.values))} to {shown(max(self.values))}"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A group of rows; `run` takes whether to be quick, `in_quick` is whether it then runs."""

    id: str
    title: str
    in_quick: bool
    run: Rows


BENCHMARKS: list[Benchmark] = []


def benchmark(id: str, title: str, in_quick: bool = True) -> Callable[[Rows], Rows]:
    """Put a function into the list of benchmarks."""

    def register(function: Rows) -> Rows:
        BENCHMARKS.append(Benchmark(id, title, in_quick, function))
        return function

    return register


median = statistics.median


def shown(value: float) -> str:
    """Three significant digits, no exponent."""
    text = f"{float(f'{value:.3g}'):,.10f}".rstrip("0").rstrip(".")
    digits = sum(c.isdigit() for c in text.lstrip("0.,"))
    if digits >= 3 or value == 0:
        return text
    return text + ("." if "." not in text else "") + "0" * (3 - digits)


@dataclass(frozen=True, slots=True)
class Timing:
    """One repeat: seconds, and those over the base that ran before and after it."""

    seconds: float
    ratio: float


def against(base: Timer, others: Sequence[Timer], repeats: int) -> list[list[Timing]]:
    """Time A B A C A, A B A C A, ...: each other over the mean of its two neighbours A.

    Returns
    -------
    list of list of Timing
        One list an other, one timing a repeat.
    """
    found: list[list[Timing]] = [[] for _ in others]
    before = base()
    for _ in range(repeats):
        for mine, other in zip(found, others, strict=True):
            spent = other()
            after = base()
            mine.append(Timing(spent, spent / (0.5 * (before + after))))
            before = after
    return found


def in_turn(timers: Sequence[Timer], repeats: int) -> list[list[float]]:
    """Time A B C, A B C, ...: seconds, one list a timer."""
    rounds = [[timer() for timer in timers] for _ in range(repeats)]
    return [list(of_one) for of_one in zip(*rounds, strict=True)]


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Child:
    """What a process took: seconds from start to end, and megabytes of its largest process."""

    seconds: float
    megabytes: float


def child(command: Sequence[str], expect: int = 0) -> Child:
    """Run a command to its end; its output is thrown away.

    A small process starts it: what `getrusage` calls the peak of a child begins with the
    memory of the process that started it.
    """
    launch = [sys.executable, "-S", "-E", str(LAUNCHER), *command]
    found = subprocess.run(launch, capture_output=True, text=True, check=True)
    seconds, megabytes, code = found.stdout.split()
    if int(code) != expect:
        raise RuntimeError(f"exit code {code} of {' '.join(command)}: {found.stderr.strip()}")
    return Child(float(seconds), float(megabytes))
