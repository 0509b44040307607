"""Killing a study again and again, and looking at what is left.

    python tests/helpers_faults.py --kills 300 [--seed 1] [--backend dask | --shards 3]

runs the long version and says what it did; the tests run a short one. A study is killed at
random moments of its life (the parent, a worker, the whole group), goes on by the same
command, grows by levels, methods and replications, and must end with the rows of a run that
nobody disturbed, leaving no process and no file behind.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from simstudy.store import names

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("parent", "worker", "group")
_WAIT = 20.0
_ORDER = [(name, "ascending") for name in ("scenario", "method", "replication")]
METHODS = ["pooled", "dummy", "random_intercept", {"random_intercept": {"df": "wald"}}]
OWN = """\
import numpy as np
import simstudy


@simstudy.method(grain="clusters", part=1024)
def shaky(moments):
    within = moments.within
    slope = (within.a * within.b).sum(axis=0) / (within.a**2).sum(axis=0)
    if slope.max() > 0.35:
        raise ValueError("too steep")
    return {"estimate": slope, "std_error": np.full_like(slope, 0.1), "sign": np.sign(slope)}
"""


def document(age: int = 0, own: bool = False) -> dict[str, object]:
    """A study that grows with its age: more replications, then a level, then a method.

    `own` gives it a method of the user's own, which fails now and then.
    """
    clusters = [20, 30, 40, 50, 60]
    mine = [{"use": "mine.py:shaky"}] if own else []
    return {
        "name": "f",
        "seed": 3,
        "replications": 3000 + 1500 * ((age + 2) // 3),
        "methods": METHODS[: min(2 + age // 3, 4)] + mine,
        "scenarios": {
            "n_clusters": clusters[: min(2 + (age + 1) // 3, 5)],
            "cluster_size": [8, {"uniform": [5, 35]}],
            "icc": [0.0, 0.1],
            "x_icc": [0.0, 0.5],
            "slope": 0.0,
        },
    }


def write_study(folder: Path, content: dict[str, object]) -> Path:
    """A study file (JSON is YAML), and the user's methods beside it."""
    (folder / "mine.py").write_text(OWN, encoding="utf-8")
    file = folder / "f.yaml"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


class Life:
    """One run of a study in a session of its own; every process of it can be found."""

    def __init__(
        self,
        config: Path,
        results: Path,
        jobs: int = 2,
        limit: int = 0,
        command: list[str] | None = None,
        more: Sequence[str] = (),
    ) -> None:
        def prepare() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            if limit:
                import resource

                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        run = [sys.executable, "-m", "simstudy", "run", str(config), "--results", str(results)]
        options = ["--no-report", "--quiet", *(more or ("--jobs", str(jobs)))]
        self.process = subprocess.Popen(
            command or [*run, *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, preexec_fn=prepare,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    def end(self) -> tuple[int, list[str]]:
        """Exit code, and lines said on stderr."""
        _, said = self.process.communicate(timeout=300)
        return self.process.returncode, said.strip().splitlines()

    def members(self) -> list[int]:
        """Living processes of this run's session."""
        return members(self.process.pid)

    def workers(self) -> list[int]:
        """Worker processes, without joblib's resource trackers."""
        return running(self.members(), b"popen_loky")

    def wait_until_gone(self) -> float:
        """Seconds until no process of the session is left; fails where one stays."""
        start = time.monotonic()
        while self.members():
            waited = time.monotonic() - start
            assert waited < _WAIT, f"left behind: {self.members()}"
            time.sleep(0.02)
        return time.monotonic() - start


def members(session: int) -> list[int]:
    """Living processes of a session."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(stat[3]) == session and stat[0] not in "ZX":
                found.append(int(entry))
    return found


def running(processes: list[int], what: bytes) -> list[int]:
    """Those with this in their command."""
    found = []
    for pid in processes:
        with suppress(OSError):
            if what in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def kill(pid: int, what: int = signal.SIGKILL) -> bool:
    """Whether the process was there to be killed."""
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        return False
    return True


Begin = Callable[[Path, Path], Life]


def seconds_of_a_life(folder: Path, begin: Begin) -> float:
    """What an undisturbed run of the youngest study takes here and now."""
    start = time.perf_counter()
    life = begin(write_study(folder, document(own=True)), folder / "life")
    assert life.end()[0] == 0
    return time.perf_counter() - start


def end_by_force(life: Life, kind: str, chance: random.Random, longest: float) -> str:
    """Kill a run at a random moment; what was hit in the end."""
    if kind == "worker":
        while not (workers := life.workers()) and life.process.poll() is None:
            time.sleep(0.02)
        time.sleep(chance.uniform(0.0, longest / 4))
        hit = bool(workers) and kill(chance.choice(workers))
        kind = "worker, then group" if hit else "group"
        longest /= 2
    time.sleep(chance.uniform(0.0, longest))
    if life.process.poll() is not None:
        return "worker, then finished" if kind.startswith("worker") else "finished before"
    if kind == "parent":
        kill(life.process.pid)
    else:
        os.killpg(life.process.pid, signal.SIGKILL)
    return kind


def rows(folder: Path, kind: str = "estimates") -> pa.Table:
    """All stored rows in a fixed order."""
    table = pq.read_table(folder / kind).sort_by(_ORDER)
    return table.select(sorted(table.column_names)).combine_chunks()


def untimed(table: pa.Table) -> pa.Table:
    """Rows without the seconds of the fits, which no run has as another."""
    if "name" not in table.column_names:
        return table
    return table.filter(pc.not_equal(table.column("name"), "seconds")).combine_chunks()


def check_folder(folder: Path) -> None:
    """Nothing but parts in `estimates/`, each of them whole."""
    place = folder / "estimates"
    for name in os.listdir(place) if place.is_dir() else ():
        part = names.parse(name)
        assert part is not None, f"no part: {name}"
        assert pq.read_metadata(place / name).num_rows == part.n_rows


def same_rows(disturbed: Path, undisturbed: Path) -> None:
    """Row for row: nothing lost, nothing counted twice."""
    one, other = rows(disturbed), rows(undisturbed)
    assert one.num_rows == other.num_rows
    assert one.equals(other)
    keys = pc.binary_join_element_wise(
        one["scenario"], one["method"], one["replication"].cast(pa.string()), "/"
    )
    assert pc.count_distinct(keys).as_py() == one.num_rows
    summaries = [pq.read_table(folder / "summary.parquet") for folder in (disturbed, undisturbed)]
    assert summaries[0].equals(summaries[1])


def wait_for_a_part(life: Life, folder: Path, n_parts: int) -> None:
    """Until a run has written more parts than there were, or is over."""
    while life.process.poll() is None and n_parts_of(folder) <= n_parts:
        time.sleep(0.01)


def n_parts_of(folder: Path) -> int:
    """Parts that are there."""
    return len(list(folder.glob("estimates/*")))


def torment(folder: Path, kills: int, seed: int = 1, begin: Begin = Life) -> Counter[str]:
    """Kill a study so many times; what was done, by kind. Fails where anything was lost.

    `begin` starts a run of a study file; what nobody disturbs runs on this machine.
    """
    chance = random.Random(seed)
    tally: Counter[str] = Counter()
    age = hits = n_parts = 0
    longest = seconds_of_a_life(folder, begin)
    results = folder / "disturbed"
    while hits < kills:
        config = write_study(folder, document(age, own=True))
        life = begin(config, results)
        if hits % 2:  # at work for certain, however slow the machine is just now
            wait_for_a_part(life, results / "f", n_parts)
        kind = end_by_force(life, KINDS[hits % len(KINDS)], chance, longest)
        code, said = life.end()
        life.wait_until_gone()
        check_folder(results / "f")
        tally[kind] += 1
        before, n_parts = n_parts, n_parts_of(results / "f")
        tally["left parts"] += n_parts > before
        # how long a life takes changes with what else the machine does: a third are to leave parts
        longest = min(longest * (0.85 if n_parts > before or "finished" in kind else 1.1), 30.0)
        hits += kind != "finished before"
        if "finished" in kind:
            assert code == 0, said
            age += 1
    end_undisturbed(folder, age, begin)
    tally["extensions"] = age
    return tally


def end_undisturbed(folder: Path, age: int, begin: Begin = Life) -> None:
    """Let a last run end what was disturbed, and hold it against one that nobody disturbed."""
    config, results = write_study(folder, document(age, own=True)), folder / "disturbed"
    for place, start in ((results, begin), (folder / "undisturbed", partial(Life, jobs=1))):
        life = start(config, place)
        code, said = life.end()
        assert code == 0 and len(said) == 1 and "fits failed" in said[0], said
        life.wait_until_gone()
    same_rows(results / "f", folder / "undisturbed" / "f")
    for kind in ("failures", "extras"):
        found = [untimed(rows(place / "f", kind)) for place in (results, folder / "undisturbed")]
        assert found[0].num_rows > 0 and found[0].equals(found[1]), kind
    assert os.listdir(results / "f" / ".work") == []


def main() -> None:
    """Run the long version."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backend", choices=("loky", "dask"), default="loky")
    parser.add_argument("--shards", type=int, default=0, help="kill the jobs of an array")
    options = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ended:
        begin: Begin = Life
        if options.backend == "dask":
            from helpers_dask import Cluster

            begin = ended.enter_context(Cluster(Path(folder))).life
        if options.shards:
            from helpers_shards import torment_shards

            tally = torment_shards(Path(folder), options.kills, options.seed, options.shards)
        else:
            tally = torment(Path(folder), options.kills, options.seed, begin)
        n_rows = rows(Path(folder) / "undisturbed" / "f").num_rows
    print(f"{options.kills} kills in {time.perf_counter() - start:.0f} s: {dict(tally)}; "
          f"the {n_rows:,} rows are those of an undisturbed run, bit for bit")  # fmt: skip


if __name__ == "__main__":
    main()
