"""Say whether this working tree is slower than another commit.

    python benchmarks/ab.py COMMIT [--rows a,c,...] [--pairs 20] [--limit 1.05] [--wall]

A pair is a row timed in either tree: the least of three times each, in turn, and the other tree
first in the next pair; every pair has two fresh processes, which have run the row before. Printed
are the median of the ratios (this tree over COMMIT) and an upper 95 % limit of it from the sign
test, which holds whatever the distribution. Exit code 1 where a limit is above --limit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import comb
from pathlib import Path
from typing import Any

from measure import median

TREE = Path(__file__).resolve().parents[1]
_LEVEL = 0.95
_TIMES = 3  # that a row is timed in a pair
_WARM = 16  # the part of a row's replications that a process runs before it is timed
_UNIFORM = {"cluster_size": {"uniform": [5, 35]}}
_TREATED = {"x": "binary", "x_icc": 1}
_CR2 = {"methods": [{"pooled": {"se": "CR2"}}]}

Row = tuple[str, int, dict[str, Any], dict[str, Any]]
ROWS: dict[str, Row] = {  # what, replications, fields of the scenario, keys of the study
    "a": ("direct draw, balanced", 100_000, {}, {}),
    "b": ("`grain: rows`", 4096, {}, {"grain": "rows"}),
    "c": ("sizes drawn anew in 5..35", 12_288, _UNIFORM, {}),
    "c_null": ("the same without an ICC", 12_288, _UNIFORM | {"icc": 0}, {}),
    "c_listed": (
        "sizes 10 and 30",
        12_288,
        {"cluster_size": {"sizes": [10] * 15 + [30] * 15}},
        {},
    ),
    "c_treated": ("treated clusters of 20", 16_384, _TREATED, {}),
    "i": ("CR2, n = 20", 16_384, {}, _CR2),
    "i_uneven": ("CR2, sizes drawn anew in 5..35", 12_288, _UNIFORM, _CR2),
    "i_wild": ("wild bootstrap", 256, {}, {"methods": ["wild_bootstrap"]}),
}


def upper_limit(ratios: list[float]) -> float:
    """Upper 95 % limit of their median: the order statistic that the sign test gives."""
    n, below = len(ratios), 0.0
    for k, ratio in enumerate(sorted(ratios)):
        below += comb(n, k) / 2**n
        if below >= _LEVEL:
            return ratio
    raise ValueError(f"{n} pairs are too few for a limit at {_LEVEL}")


def main() -> int:
    """Compare, print a line a row, and say by the exit code whether any is slower."""
    options = _options()
    with _worktree(options.commit) as other:
        ratios = _compare(other, options)
    width = max(len(ROWS[row][0]) for row in ratios)
    print(f"{'':{width + 11}} median   limit   of {options.pairs} pairs, over {options.commit}")
    slower = False
    for row, found in ratios.items():
        limit = upper_limit(found)
        slower |= limit > options.limit
        mark = f"  above {options.limit}" if limit > options.limit else ""
        print(f"{row:10} {ROWS[row][0]:{width}} {median(found):6.3f}  {limit:6.3f}{mark}")
    return int(slower)


def _options() -> argparse.Namespace:
    if sys.argv[1:2] == ["--serve"]:
        _serve(Path(sys.argv[2]))
        raise SystemExit(0)
    listed = "\n".join(f"  {row:10} {what}" for row, (what, *_) in ROWS.items())
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"rows:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def rows(text: str) -> list[str]:
        if unknown := [row for row in text.split(",") if row not in ROWS]:
            raise argparse.ArgumentTypeError(f"no row {', '.join(unknown)}")
        return text.split(",")

    def pairs(text: str) -> int:
        if int(text) < 5:
            raise argparse.ArgumentTypeError("at least 5: of fewer there is no limit")
        return int(text)

    parser.add_argument("commit", metavar="COMMIT", help="what to compare with, as git names it")
    parser.add_argument("--rows", type=rows, default=list(ROWS), metavar="a,c,...")
    parser.add_argument("--pairs", type=pairs, default=20, metavar="N")
    parser.add_argument("--limit", type=float, default=1.05, metavar="RATIO")
    parser.add_argument("--wall", action="store_true", help="seconds of the clock, not of the CPU")
    return parser.parse_args()


@contextmanager
def _worktree(commit: str) -> Iterator[Path]:
    """Check another commit out into a temporary folder."""
    git = ["git", "-C", str(TREE)]
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder) / "other"
        added = [*git, "worktree", "add", "--quiet", "--detach", str(there), commit]
        if subprocess.run(added).returncode:
            raise SystemExit(f"no worktree of {commit}")
        try:
            yield there
        finally:
            subprocess.run([*git, "worktree", "remove", "--force", str(there)], check=True)


def _compare(other: Path, options: argparse.Namespace) -> dict[str, list[float]]:
    """Ratios of every row, this tree over the other."""
    ratios: dict[str, list[float]] = {row: [] for row in options.rows}
    for pair in range(options.pairs):
        print(f"pair {pair + 1} of {options.pairs}", file=sys.stderr, flush=True)
        for row in options.rows:
            with ExitStack() as stack:
                here, there = (stack.enter_context(_served(t)) for t in (TREE, other))
                for process in (here, there):
                    _seconds(process, row, options.wall, _WARM)
                order = (here, there) if pair % 2 else (there, here)
                spent = [[_seconds(p, row, options.wall) for p in order] for _ in range(_TIMES)]
                first, second = (min(times) for times in zip(*spent, strict=True))
                ratios[row].append(first / second if pair % 2 else second / first)
    return ratios


Process = subprocess.Popen[str]


@contextmanager
def _served(tree: Path) -> Iterator[Process]:
    """A fresh process that times rows with the package and the benchmarks of a tree."""
    command = [sys.executable, "-P", __file__, "--serve", str(tree)]
    paths = os.pathsep.join([str(tree), str(tree / "benchmarks")])
    with subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def _seconds(process: Process, row: str, wall: bool, part: int = 1) -> float:
    """Time a row, or a part of it, in a process."""
    _, replications, fields, keys = ROWS[row]
    assert process.stdin is not None and process.stdout is not None
    print(json.dumps([replications // part, fields, keys]), file=process.stdin, flush=True)
    answer = process.stdout.readline()
    if not answer:
        raise SystemExit(f"row {row} cannot be run there (see above)")
    return float(json.loads(answer)["wall" if wall else "cpu"])


def _serve(tree: Path) -> None:
    """Time what the lines of stdin say, until they end."""
    import studies

    import simstudy

    assert Path(simstudy.__file__).is_relative_to(tree), simstudy.__file__
    for line in sys.stdin:
        replications, fields, keys = json.loads(line)
        before = time.process_time()
        wall = replications * studies.seconds_a_replication(replications, fields, **keys)
        print(json.dumps({"wall": wall, "cpu": time.process_time() - before}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
