"""``simstudy compare``."""

from __future__ import annotations

import math
import statistics
from argparse import Namespace
from collections import Counter

from simstudy.cli import two_results
from simstudy.cli.run import say
from simstudy.errors import UnmetError, UserError
from simstudy.report.compare import Pair, compare
from simstudy.results import Results
from simstudy.store.results_folder import STUDY, ResultsFolder, is_uri


def main(options: Namespace) -> None:
    """Compare with other results, or with printed numbers."""
    if is_uri(options.published) or ResultsFolder(options.published).exists(STUDY):
        two_results.main(options)
    elif options.measure or options.format != "text":
        message = "--measure and --format are for two results folders; a file of printed numbers"
        raise UserError(f"{message} names its measures itself", file=options.published)
    else:
        _published(options)


def _published(options: Namespace) -> None:
    """Print cell, printed number, ours, its Monte Carlo SE and z; then all z together."""
    summary = Results.open(options.results).summary_table(missing=say)
    pairs = compare(summary, options.published)
    lines = _lines(pairs)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
    every = [pair.z for pair in pairs if math.isfinite(pair.z)]
    if len(every) > 1:
        mean, spread = statistics.mean(every), statistics.stdev(every)
        print(f"z of {len(every)} cells: mean {mean:.2f}, SD {spread:.2f}, "
              f"largest {max(every, key=abs):.2f}")  # fmt: skip
    for reason, count in Counter(pair.missing for pair in pairs if pair.missing).items():
        print(f"{_cells(count)} without z: {reason}")
    if options.max_z is not None:
        _assert_near(pairs, options.max_z)


def _lines(pairs: list[Pair]) -> list[list[str]]:
    """The table in words, its headings first; columns that say nothing are left out."""
    measures = len({(pair.measure, pair.alpha) for pair in pairs}) > 1
    theory = not all(math.isnan(pair.theory) for pair in pairs)
    heading = [*pairs[0].cell, *(["measure"] if measures else []), "printed", "ours", "MCSE"]
    lines = [[*heading, *(["theory"] if theory else []), "z"]]
    for pair in pairs:
        level = "" if math.isnan(pair.alpha) else f" {pair.alpha:g}"
        line = [*pair.cell.values(), *([pair.measure + level] if measures else [])]
        line += [_number(pair.printed, "g"), _number(pair.ours), _number(pair.mcse)]
        line += [_number(pair.theory)] if theory else []
        lines.append([*line, _number(pair.z, ".2f")])
    return lines


def _number(value: float, form: str = ".4f") -> str:
    return "-" if math.isnan(value) else f"{value:{form}}"


def _cells(count: int) -> str:
    return f"{count} cell" + ("s" if count > 1 else "")


def _assert_near(pairs: list[Pair], most: float) -> None:
    """Fail where a z is larger than `most`, or where there is none at all."""
    if not two_results.refuse_far((pair.z for pair in pairs), most, _cells):
        raise UnmetError(f"no cell has a z that could be held against {most:g}")
