"""What simstudy costs, against numpy's draw of the data, against peers, and as it grows.

    python benchmarks/run.py [--quick] [--only a,b,...] [--output FILE]

Prints a table and writes it, with the machine, to benchmarks/results.md. It reports and does
not judge: a target is a column.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

import cluster  # noqa: F401  each import puts its rows into the list
import growth  # noqa: F401
import in_process  # noqa: F401
import long_runs  # noqa: F401
import peers  # noqa: F401
import whole_process  # noqa: F401
from measure import BENCHMARKS, Benchmark, Row, cores
from studies import study

import simstudy

HERE = Path(__file__).resolve().parent
PACKAGES = ("numpy", "scipy", "pandas", "pyarrow", "joblib")
HEADER = "| | what | median | range | unit | target |\n|---|---|---:|---|---|---|"


def main() -> None:
    """Run the chosen benchmarks and show them."""
    chosen = sorted(BENCHMARKS, key=lambda b: b.id)
    options = _parser(chosen).parse_args()
    if options.only:
        chosen = [b for b in chosen if b.id in options.only]
    elif options.quick:
        chosen = [b for b in chosen if b.in_quick]
    start = time.perf_counter()
    machine = _machine()
    lines = [line for one in chosen for line in _lines(one, options.quick)]
    took = f"Took {time.perf_counter() - start:.0f} s"
    head = f"# What simstudy costs\n\n`{_command(options)}`, {date.today()}. {took}. {machine}."
    text = "\n".join([head, "", HEADER, *lines, ""])
    print(text)
    options.output.write_text(text, encoding="utf-8")


def _parser(known: list[Benchmark]) -> argparse.ArgumentParser:
    listed = "\n".join(f"  {b.id}  {b.title}{'' if b.in_quick else ' *'}" for b in known)
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"benchmarks (* not in --quick):\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="about a minute")
    ids = {b.id for b in known}

    def only(text: str) -> set[str]:
        if unknown := set(text.split(",")) - ids:
            raise argparse.ArgumentTypeError(f"no benchmark {', '.join(sorted(unknown))}")
        return set(text.split(","))

    parser.add_argument("--only", type=only, metavar="a,b,...", help="these alone")
    parser.add_argument("--output", type=Path, default=HERE / "results.md", metavar="FILE")
    return parser


def _lines(one: Benchmark, quick: bool) -> list[str]:
    """Run one benchmark; lines of the table, each told on stderr as it comes."""
    lines: list[str] = []
    print(f"({one.id}) {one.title}", file=sys.stderr, flush=True)
    for row in one.run(quick):
        print(f"    {row.what}: {row.median} {row.unit}", file=sys.stderr, flush=True)
        lines.append(_line(row, f"({one.id}) {one.title}" if not lines else ""))
    return lines


def _line(row: Row, title: str) -> str:
    return f"| {title} | {row.what} | {row.median} | {row.spread} | {row.unit} | {row.target} |"


def _command(options: argparse.Namespace) -> str:
    """The command, without where its table went."""
    only = ["--only", ",".join(sorted(options.only))] if options.only else []
    return " ".join(["python benchmarks/run.py", *["--quick"] * options.quick, *only])


def _machine() -> str:
    """CPU, cores, versions; the CPU as the footer of a first small run has it."""
    with tempfile.TemporaryDirectory() as folder:
        warm = simstudy.run(study(5000, {}), jobs=1, results=folder, report=False)
        footer = json.loads(warm.estimates.schema.metadata[b"simstudy"])
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    git = ["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"]
    found = subprocess.run(git, capture_output=True, text=True)
    commit = f" at {found.stdout.strip()}" if found.returncode == 0 else ""
    return (
        f"{footer['cpu']}, {cores()} cores, {platform.system()}; "
        f"Python {platform.python_version()}, {packages}; simstudy {simstudy.__version__}{commit}"
    )


if __name__ == "__main__":
    main()
