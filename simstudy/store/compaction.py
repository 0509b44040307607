"""Many small parts into few: which join, and how they do without a row being lost.

A wider part is written, read back and compared before those that it holds go to
`.work/compacted/`. Where that is interrupted both are there, and whoever reads takes each
replication once, by the spans in their names; doing it again goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from simstudy.errors import WorkError
from simstudy.generators.streams import BLOCK
from simstudy.store import footers, parts, quarantine
from simstudy.store.content import Content, joined, read
from simstudy.store.names import PACK, PartName, holders
from simstudy.store.results_folder import BESIDE, ESTIMATES, FAILURES, WORK, ResultsFolder
from simstudy.study.study import Study

COMPACTED = f"{WORK}/compacted"
_ROWS = 1 << 17  # of a part: some megabytes
_CHARACTERS = 250  # of a part's name


class Join(NamedTuple):
    """Parts that become one."""

    whole: PartName
    members: tuple[PartName, ...]


class Compacted(NamedTuple):
    """What was done: how many parts went aside, and what was left alone, and why."""

    n_aside: int
    left_alone: list[str]


def joins(listed: Iterable[PartName]) -> list[Join]:
    """Which parts become one: those of neighbouring spans, then scenarios of one span.

    Parameters
    ----------
    listed : iterable of PartName
        None of them holds all of another.
    """
    fewer = [Join(part, (part,)) for part in listed]
    taken, n = {join.whole for join in fewer}, len(fewer) + 1
    while len(fewer) < n:
        n, fewer = len(fewer), _packed(_chained(fewer))
    return [join for join in fewer if join.whole not in taken]


def _chained(parted: Iterable[Join]) -> Iterator[Join]:
    """Spans that follow each other, cut where replications reach multiples of a length."""
    alike: dict[tuple[Any, ...], list[Join]] = defaultdict(list)
    for join in parted:
        alike[join.whole.scenarios, join.whole.methods].append(join)
    for (scenarios, methods), group in alike.items():
        length = 1 << max(0, (_ROWS // (len(scenarios) * len(methods))).bit_length() - 1)
        chain: list[Join] = []
        for join in sorted(group, key=lambda join: join.whole.first):
            before = chain[-1].whole if chain else join.whole
            window = (before.first - 1) // length == (join.whole.first - 1) // length
            if chain and not (join.whole.first == before.last + 1 and window):
                yield _one(chain, scenarios)
                chain = []
            chain.append(join)
        yield _one(chain, scenarios)


def _packed(chains: Iterable[Join]) -> list[Join]:
    """Scenarios of the same span and methods beside each other."""
    alike: dict[tuple[Any, ...], list[Join]] = defaultdict(list)
    for join in chains:
        alike[join.whole.methods, join.whole.first, join.whole.last].append(join)
    out = []
    for group in alike.values():
        pack: list[Join] = []
        for join in sorted(group, key=lambda join: join.whole.scenarios):
            if pack and not _fits([*pack, join]):
                out.append(_one(pack))
                pack = []
            pack.append(join)
        out.append(_one(pack))
    return out


def _fits(pack: Sequence[Join]) -> bool:
    scenarios = [name for join in pack for name in join.whole.scenarios]
    small = sum(join.whole.n_rows for join in pack) <= _ROWS and len(scenarios) <= PACK
    return (
        small
        and len(set(scenarios)) == len(scenarios)
        and len(str(_one(pack).whole)) <= _CHARACTERS
    )


def _one(group: Sequence[Join], scenarios: tuple[str, ...] | None = None) -> Join:
    """One part of several, of the same scenarios or, where none are given, of all of theirs."""
    first, last = group[0].whole, group[-1].whole
    names = scenarios or tuple(name for join in group for name in join.whole.scenarios)
    members = tuple(member for join in group for member in join.members)
    block = (first.first - 1) // BLOCK
    return Join(PartName(names, first.methods, block, first.first, last.last), members)


def nested(listed: Iterable[PartName]) -> Iterator[Join]:
    """Parts that hold all of others, and those others: what an interruption left."""
    within: dict[PartName, list[PartName]] = defaultdict(list)
    for cell in holders(listed).values():
        wide: list[PartName] = []
        for part in sorted(cell, key=lambda part: (part.first, -part.last, -part.n_rows)):
            wide = [other for other in wide if other.last >= part.first]
            other = next((other for other in wide if _holds(other, part)), None)
            if other is None:
                wide.append(part)
            elif part not in within[other]:
                within[other].append(part)
    for whole, members in within.items():
        yield Join(whole, tuple(members))


def _holds(part: PartName, other: PartName) -> bool:
    """Whether a part holds all rows of another."""
    span = part.first <= other.first and other.last <= part.last
    return span and {*other.scenarios} <= {*part.scenarios} and {*other.methods} <= {*part.methods}


def compact(study: Study, folder: ResultsFolder) -> Compacted:
    """Join what can be joined; what is broken, or was cut by a timeout, stays as it is."""
    folder.refuse_links()
    folder.files.refuse_links(tuple(f"{COMPACTED}/{kind}" for kind in (ESTIMATES, *BESIDE)))
    work = _Compaction(folder, parts.Whose.of(study))
    for join in list(nested(folder.parts())):
        work.compare(join)
    work.left_alone.update(
        part for part in folder.parts(FAILURES)
        if footers.TIMEOUT in (parts.footer(folder, part) or {})
    )  # fmt: skip
    while todo := joins(part for part in folder.parts() if part not in work.left_alone):
        for join in todo:
            work.join(join)
    return Compacted(work.n_aside, work.said)


class _Compaction:
    """Joins of one folder, one after another."""

    def __init__(self, folder: ResultsFolder, whose: parts.Whose) -> None:
        self._folder, self._whose = folder, whose
        self.left_alone: set[PartName] = set()
        self.said: list[str] = []
        self.n_aside = 0

    def compare(self, join: Join) -> None:
        """Move aside parts that another holds, if their rows are the same."""
        whole = self._read(join.whole)
        for part in join.members:
            member = self._read(part) if whole is not None else None
            if whole is None or member is None:
                continue
            if whole.holds(member):
                self._aside(part)
            else:
                self._leave(part, f"has other rows than {join.whole}, which should hold them")

    def join(self, join: Join) -> None:
        """Write one part of several, read it back, and move them aside."""
        members = [content for part in join.members if (content := self._read(part)) is not None]
        if len(members) < len(join.members):
            return  # what is left joins otherwise
        keys = {key for member in members for key in member.keys.items()}
        if len(keys) > len(join.whole.scenarios):
            for part in join.members:
                self._leave(part, "has scenarios of which another part says otherwise")
            return
        whole = joined(join.whole, members)
        whole.write(self._folder)
        again = self._read(join.whole)
        if again is None or not again.is_same(whole):
            quarantine.set_aside(self._folder, str(join.whole))
            shown = self._folder.shown(self._folder.of_part(join.whole))
            raise WorkError(f"{shown}: is not what was written; nothing that it joins was moved")
        for member in join.members:
            self._aside(member)

    def _read(self, part: PartName) -> Content | None:
        """All of a part; None where it is broken."""
        try:
            return read(self._folder, part, self._whose)
        except parts.BrokenPartError as error:
            self._leave(part, error.reason)
            return None

    def _leave(self, part: PartName, reason: str) -> None:
        self.left_alone.add(part)
        self.said.append(f"{self._folder.shown(self._folder.of_part(part))}: {reason}")

    def _aside(self, part: PartName) -> None:
        """Move a part, its rows first: what lies beside no rows counts for nothing."""
        for kind in (ESTIMATES, *BESIDE):
            with suppress(FileNotFoundError):
                name = self._folder.of_part(part, kind)
                self._folder.move(name, f"{COMPACTED}/{name}")
        self.n_aside += 1
