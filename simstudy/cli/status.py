"""``simstudy status``."""

from __future__ import annotations

import json
import shutil
import sys
import time
from argparse import Namespace
from contextlib import suppress
from typing import Any, NamedTuple

from simstudy.cli.bar import MINUTE, percent
from simstudy.cli.terminal import redraw, write_exactly
from simstudy.errors import IncompleteError, UserError
from simstudy.report.tables.text import joined, padded
from simstudy.runner.outlook import Outlook, Speed
from simstudy.runner.progress import METHOD, SCENARIO, Cell, Count, by, counts, total
from simstudy.runner.progress_bar import duration
from simstudy.store import parts, quarantine
from simstudy.store.names import PartName
from simstudy.store.results_folder import STUDY, ResultsFolder
from simstudy.study.grid import text_of
from simstudy.study.study import Study
from simstudy.summary.current import summary_of_rows
from simstudy.summary.stopping import settled

_EVERY = 3.0  # seconds from one look to the next
_SHARE = 0.2  # of the time that is spent looking, at most
_MOST = 20  # scenarios that are shown
_FEW = 5  # broken parts that are shown
_AGAIN = "run its study file again, which computes"


def main(options: Namespace) -> None:
    """Say what is there, missing and broken; again and again until nothing is, if so asked."""
    if options.watch and options.json:
        raise UserError("--watch writes lines for people, and --json one document: take one")
    folder = ResultsFolder(options.results)
    look, verify = _Look(folder), not options.quick
    if options.watch:
        _watch(look, verify)
        return
    status = look(verify)
    if options.json:
        write_exactly(json.dumps(_document(status), indent=1, ensure_ascii=False) + "\n")
    else:
        print("\n".join(_lines(status)))
    if not status.complete:
        raise IncompleteError(f"{folder}: is not complete; {_AGAIN} what is missing")
    if not options.json and summary_of_rows(status.study, folder) is None:
        print(f"not summarized yet: {_AGAIN} the summary")


class _Status(NamedTuple):
    """What a look found."""

    study: Study
    folder: ResultsFolder
    counts: dict[Cell, Count]
    broken: dict[PartName, parts.BrokenPartError]
    speed: Speed | None

    @property
    def whole(self) -> Count:
        """All of the study."""
        return total(self.counts.values())

    @property
    def complete(self) -> bool:
        """Whether nothing is missing and nothing is broken."""
        return not (self.whole.missing or self.broken)


class _Look:
    """One look after another; each part is verified once."""

    def __init__(self, folder: ResultsFolder) -> None:
        self._folder = folder
        self._sound: set[PartName] = set()
        self._content = b""
        self._study, self._outlook = self._loaded()

    def __call__(self, verify: bool) -> _Status:
        """Look now, into the parts that are new or by their names alone."""
        for _ in range(2):
            with suppress(parts.BrokenPartError):  # read, or moved, to say when scenarios stop
                return self._looked(verify)
            self._sound.clear()
            verify = True
        return self._looked(verify)

    def _looked(self, verify: bool) -> _Status:
        if self._folder.read(STUDY) != self._content:
            self._study, self._outlook = self._loaded()
        study, folder = self._study, self._folder
        listed = folder.held()
        broken: dict[PartName, parts.BrokenPartError] = {}
        if verify:
            new = [part for part in listed if part not in self._sound]
            broken = dict(quarantine.broken(folder, parts.Whose.of(study), new))
            self._sound.update(part for part in new if part not in broken)
        if not broken:  # else rows that say when a scenario stops may be among them
            study = self._study = settled(study, folder)
        return _Status(
            study, folder, counts(study, listed, broken.keys()), broken,
            self._outlook.speed(study, [part for part in listed if part not in broken]),
        )  # fmt: skip

    def _loaded(self) -> tuple[Study, Outlook]:
        study = self._folder.study()
        self._content = self._folder.read(STUDY)
        self._sound.clear()
        return study, Outlook(study, self._folder)


def _watch(look: _Look, verify: bool) -> None:
    """Look until nothing is missing: redraw a terminal, or write a line a minute."""
    shown = sys.stdout.isatty()
    if shown:  # to look into many parts takes a while
        redraw("\n".join(_lines(look(verify=False))))
    while True:
        begin = time.monotonic()
        status = look(verify)
        if shown:
            redraw("\n".join(_lines(status)))
        elif not status.complete:
            print(_head(status), flush=True)
        if status.complete:
            if not shown:
                print("\n".join(_lines(status)))
            return
        spent = time.monotonic() - begin
        time.sleep(max(_EVERY, spent / _SHARE) if shown else max(0.0, MINUTE - spent))


def _lines(status: _Status) -> list[str]:
    """How much is there, what is broken, and tables by method and by scenario."""
    lines = [_head(status)]
    lines += [f"broken: {e.file}: {e.reason}" for e in list(status.broken.values())[:_FEW]]
    if len(status.broken) > _FEW:
        lines.append(f"broken: {len(status.broken) - _FEW:,} more parts")
    lines += ["", *_methods(status)]
    return lines + (["", *_scenarios(status)] if status.whole.missing else [])


def _head(status: _Status) -> str:
    whole, scenarios = status.whole, by(SCENARIO, status.counts)
    n_done = sum(not count.missing for count in scenarios.values())
    said = [
        f"{whole.there:,} of {whole.asked:,} fits are there ({percent(whole.there, whole.asked)})",
        f"{n_done:,} of {len(scenarios):,} scenarios are complete",
    ]
    if status.broken:
        n_broken = len(status.broken)
        said.append(f"{n_broken:,} part{'s are' if n_broken > 1 else ' is'} broken")
    if status.speed is not None and whole.missing:
        said.append(f"{status.speed.rate:,.3g} fits/s")
        if status.speed.seconds_left is not None:
            said.append(f"{duration(status.speed.seconds_left)} left")
    return f"{status.folder}: {', '.join(said)}"


def _methods(status: _Status) -> list[str]:
    """A line a method."""
    of = by(METHOD, status.counts)
    columns = [padded(["method"], list(of), left=True)]
    for name in ("there", "asked", "missing", "broken"):
        cells = [f"{getattr(count, name):,}" for count in of.values()]
        columns.append(padded([name], cells))
    return joined(columns, set())


def _scenarios(status: _Status) -> list[str]:
    """A line a scenario that is not complete: its levels, and what is there by method."""
    incomplete = [name for name, of in by(SCENARIO, status.counts).items() if of.missing]
    designs = {design.id: design for design in status.study.designs}
    shown = [
        designs[name] for name in incomplete[: max(_MOST // 2, _room() - len(_methods(status)))]
    ]
    factors = [
        field for field in status.study.designs[0].levels
        if len({str(design.levels.get(field)) for design in status.study.designs}) > 1
    ]  # fmt: skip
    columns = [padded(["scenario"], [design.id for design in shown], left=True)]
    for field in factors:
        levels = [design.levels.get(field, "") for design in shown]
        columns.append(padded([field], [text_of(level) for level in levels]))
    for method in status.study.methods:
        of = [status.counts.get((design.id, method.label)) for design in shown]
        cells = ["" if count is None else percent(count.there, count.asked) for count in of]
        columns.append(padded([method.label], cells))
    lines = joined(columns, set())
    more = len(incomplete) - len(shown)
    return lines + ([f"and {more:,} more scenarios that are not complete"] if more else [])


def _room() -> int:
    """Lines of scenarios that a terminal shows."""
    return shutil.get_terminal_size().lines - 8 if sys.stdout.isatty() else _MOST


def _document(status: _Status) -> dict[str, Any]:
    """The same for other programs."""
    return {
        "study": status.study.name,
        "complete": status.complete,
        **_numbers(status.whole),
        "broken_parts": [
            {"part": str(part), "reason": error.reason} for part, error in status.broken.items()
        ],
        "cells": [
            {"scenario": scenario, "method": method, **_numbers(count)}
            for (scenario, method), count in status.counts.items()
        ],
    }


def _numbers(count: Count) -> dict[str, int]:
    return {"there": count.there, **count._asdict()}
