"""Room 6: ``simstudy compare``."""

from __future__ import annotations

import math
import statistics
from argparse import Namespace

from simstudy.report.published import Pair, compare
from simstudy.results import Results


def main(options: Namespace) -> None:
    """Print cell, printed number, ours, its Monte Carlo SE and z; then all z together."""
    pairs = compare(Results.open(options.results).summary_table(), options.published)
    theory = any(pair.theory == pair.theory for pair in pairs)
    heading = [*pairs[0].cell, "printed", "ours", "MCSE", *(["theory"] if theory else []), "z"]
    lines = [heading, *(_line(pair, theory) for pair in pairs)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heading))]
    for line in lines:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
    every = [pair.z for pair in pairs if math.isfinite(pair.z)]
    if len(every) > 1:
        mean, spread = statistics.mean(every), statistics.stdev(every)
        print(f"z of {len(every)} cells: mean {mean:.2f}, SD {spread:.2f}, "
              f"largest {max(every, key=abs):.2f}")  # fmt: skip


def _line(pair: Pair, theory: bool) -> list[str]:
    numbers = [f"{pair.printed:g}", f"{pair.ours:.4f}", f"{pair.mcse:.4f}"]
    numbers += [f"{pair.theory:.4f}" if pair.theory == pair.theory else "-"] if theory else []
    return [*pair.cell.values(), *numbers, f"{pair.z:.2f}"]
