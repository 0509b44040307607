"""Killing the jobs of an array again and again, several of them at work at once.

    python tests/helpers_faults.py --kills 300 --shards 3

Each job that is killed is submitted again until its share is stored; now and then a plain run
works beside them. Then the study grows, as it does under `helpers_faults.torment`.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from helpers_faults import (
    Life,
    check_folder,
    document,
    end_undisturbed,
    n_parts_of,
    wait_for_a_part,
    write_study,
)

PLAIN = "plain run"
_EACH = 8  # kills of an array before the study grows


def job(config: Path, results: Path, shard: str) -> Life:
    """A job of an array, or the plain run beside it."""
    run = [sys.executable, "-m", "simstudy", "run", str(config), "--results", str(results)]
    options = ["--jobs", "1", "--quiet", "--no-report"]
    share = [] if shard == PLAIN else ["--shard", shard]
    return Life(config, results, command=[*run, *options, *share])


def torment_shards(folder: Path, kills: int, seed: int = 1, of: int = 3) -> Counter[str]:
    """Kill jobs so many times; what was done, by kind. Fails where anything was lost."""
    chance, tally, age = random.Random(seed), Counter[str](), 0
    longest = 0.5
    results = folder / "disturbed"
    while tally["killed"] < kills:
        config = write_study(folder, document(age, own=True))
        shards = [f"{number}/{of}" for number in range(1, of + 1)] + [PLAIN] * (age % 3 == 2)
        lives = {shard: job(config, results, shard) for shard in shards}
        hits = 0
        while lives:
            shard = chance.choice(sorted(lives))
            life = lives.pop(shard)
            more = hits < _EACH and tally["killed"] < kills
            if more:
                if hits % 3:  # at work for certain, however slow the machine is just now
                    wait_for_a_part(life, results / "f", n_parts_of(results / "f"))
                time.sleep(chance.uniform(0.0, longest))
            killed = more and life.process.poll() is None
            if killed:
                os.killpg(life.process.pid, signal.SIGKILL)
            code, said = life.end()
            life.wait_until_gone()
            check_folder(results / "f")
            if killed:
                hits += 1
                longest = min(longest * 1.1, 5.0)
                tally["killed"] += 1
                tally[f"killed {'plain run' if shard == PLAIN else 'share'}"] += 1
                lives[shard] = job(config, results, shard)
            else:
                assert code == 0, (shard, said)
                longest *= 0.8 if more else 1.0
                tally["ended"] += 1
        age += 1
    end_undisturbed(folder, age - 1)
    tally["extensions"] = age - 1
    return tally
