"""``simstudy compare RESULTS RESULTS``: what a study that was run anew found otherwise."""

from __future__ import annotations

import math
import statistics
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from simstudy.cli.run import say
from simstudy.cli.terminal import write_exactly
from simstudy.errors import UnmetError, UserError
from simstudy.locks.deviations import deviations, other_versions
from simstudy.locks.plan import plan_of
from simstudy.measures.catalog import MEASURES
from simstudy.measures.names import asked, needed
from simstudy.report import tables
from simstudy.report.pivot import level_text
from simstudy.report.table_files import TABLES
from simstudy.report.tables.text import joined, padded
from simstudy.report.two_summaries import Both, Matched, as_rows, matched
from simstudy.results import Results
from simstudy.store.makers import VERSIONS, makers
from simstudy.summary.table import only_asked

_WORST = 5  # rows that are shown


def main(options: Namespace) -> None:
    """Print what both have, by measure, and the rows that are farthest apart; or every row."""
    first, second = (Results.open(folder) for folder in (options.results, options.published))
    found = _matched(first, second, options.measure)
    if not found.pairs:
        raise UserError("no row is of the same scenario, method and measure in both",
                        file=str(second.folder))  # fmt: skip
    if options.format == "text":
        shown = (*TABLES, *(pair.first["measure"] for pair in found.pairs if options.measure))
        print("\n".join([*_otherwise(first, second), *_counted(found)]))
        print("\n".join(_tables(found.pairs, shown)))
    else:
        import pyarrow as pa

        rows = pa.Table.from_pylist(list(as_rows(found.pairs)))
        write_exactly(tables.as_rows(rows, options.format))
        for line in _counted(found)[1:]:
            say(line)
    if options.max_z is not None:
        _assert_near(found.pairs, options.max_z)


def _matched(first: Results, second: Results, measures: Sequence[str] | None) -> Matched:
    """The rows of both that are about the same, of the measures that are asked for."""
    own = (measure.name for of in (first, second) for measure in of.study.measures)
    known = [*MEASURES, *own]
    wanted = [asked(name, known) for name in measures or ()]
    names = {one.measure for one in wanted}
    summaries = []
    for of in (first, second):
        every = of.summary_table(measures=names, missing=say)
        for one in wanted:
            if not only_asked(every, [one]).num_rows:
                raise UserError(f"no row of {one.name} here{needed(one)}", file=str(of.folder))
        summaries.append(only_asked(every, wanted))
    one, other = summaries
    return matched(one, other, first.study.seed == second.study.seed)


def _otherwise(first: Results, second: Results) -> list[str]:
    """In what the second study is not planned, or was not made, as the first."""
    origins = makers(first.study, first.place)
    versions = {name: {str(of[name]) for of in origins if of.get(name)} for name in VERSIONS}
    one = {name: value for name, (value, *more) in versions.items() if not more}
    lines = deviations(plan_of(first.study), plan_of(second.study))
    lines += other_versions(one, makers(second.study, second.place))
    names = [f"first: {first.folder}", f"second: {second.folder}"]
    return names + [f"  {line}" for line in lines]


def _counted(found: Matched) -> list[str]:
    """How many rows there are, and of how many no z is made."""
    pairs, (here, there) = found.pairs, found.only
    lines = [f"{len(pairs):,} rows are in both, {here:,} in the first alone, "
             f"{there:,} in the second alone"]  # fmt: skip
    if found.n_redrawn:
        lines.append(f"{found.n_redrawn:,} scenarios have the same levels and other data: files "
                     "that they are drawn from differ")  # fmt: skip
    shared = [pair for pair in pairs if pair.shared]
    if shared:
        lines.append(f"{len(shared):,} rows are of one seed: both have the same data sets as far "
                     "as both have replications, so no z is made of their difference")  # fmt: skip
    missing = Counter(pair.missing for pair in pairs if pair.missing and not pair.shared)
    return lines + [f"{n:,} rows without z: {reason}" for reason, n in missing.items()]


def _tables(pairs: list[Both], shown: Collection[str]) -> list[str]:
    """By measure, and the rows that are farthest apart: first what has a z."""
    lines = []
    for shared in (False, True):
        some = [pair for pair in pairs if pair.shared == shared and not math.isnan(_size(pair))]
        if some:
            lines += ["", *_by_measure(some, shown), *_farthest(some)]
    return lines


def _size(pair: Both) -> float:
    """How far apart the numbers are, in Monte Carlo errors; NaN where one is missing."""
    if pair.shared:
        return 0.0 if pair.same else abs(pair.apart)
    return abs(pair.z)


def _by_measure(pairs: list[Both], shown: Collection[str]) -> list[str]:
    """A line a measure, and one for all that are not shown."""
    groups: dict[str, list[Both]] = {name: [] for name in dict.fromkeys(shown)}
    others: list[Both] = []
    for pair in pairs:
        groups.get(pair.first["measure"], others).append(pair)
    n_others = len({pair.first["measure"] for pair in others})
    groups[f"{n_others} other measure{'s' * (n_others > 1)}"] = others
    told = {name: _said(group) for name, group in groups.items() if group}
    columns = [padded(["measure"], list(told), left=True)]
    heads = next(iter(told.values()))
    columns += [padded([head], [said[head] for said in told.values()]) for head in heads]
    return joined(columns, set())


def _said(pairs: list[Both]) -> dict[str, str]:
    """Heading -> what is said of rows that all share replications, or of which none do."""
    if pairs[0].shared:
        farthest = max(map(_size, pairs))
        return {
            "rows": f"{len(pairs):,}",
            "the same": f"{sum(pair.same for pair in pairs):,}",
            "farthest, in MCSEs": f"{farthest:.2g}",
        }
    z = [pair.z for pair in pairs if math.isfinite(pair.z)]
    return {
        "rows": f"{len(pairs):,}",
        "mean z": f"{statistics.mean(z):.2f}" if z else "-",
        "SD": f"{statistics.stdev(z):.2f}" if len(z) > 1 else "-",
        "|z| > 2, %": f"{100 * sum(_size(pair) > 2 for pair in pairs) / len(pairs):.1f}",
        "largest": f"{max((pair.z for pair in pairs), key=abs):.2f}",
    }


def _farthest(pairs: list[Both]) -> list[str]:
    """The few cells that are farthest apart, each by its farthest row."""
    cells: dict[tuple[str, str], Both] = {}
    for pair in sorted((pair for pair in pairs if _size(pair) > 0), key=_size, reverse=True):
        cells.setdefault((pair.first["scenario"], pair.first["method_name"]), pair)
    some = list(cells.values())[:_WORST]
    if not some:
        return []
    fields = dict.fromkeys(field for pair in pairs for field in pair.levels)
    varying = [f for f in fields if len({pair.levels.get(f) for pair in pairs}) > 1]
    columns = [padded([f], [level_text(pair.levels.get(f)) for pair in some]) for f in varying]
    columns.append(padded(["method"], [pair.first["method"] for pair in some], left=True))
    measures = [pair.first["measure"] + _alpha(pair) for pair in some]
    columns.append(padded(["measure"], measures, left=True))
    for name in ("first", "second"):
        columns.append(padded([name], [_with_error(getattr(pair, name)) for pair in some]))
    columns.append(padded(["difference"], [f"{pair.difference:.3g}" for pair in some]))
    if pairs[0].shared:
        columns.append(padded(["in MCSEs"], [f"{pair.apart:.2g}" for pair in some]))
    else:
        columns.append(padded(["z"], [f"{pair.z:.2f}" for pair in some]))
    head = f"the {len(some)} cells that are farthest apart, each by one measure:"
    return ["", head if len(some) > 1 else "one cell differs:", *joined(columns, set())]


def _alpha(pair: Both) -> str:
    return "" if pair.first["alpha"] is None else f" {pair.first['alpha']:g}"


def _with_error(row: dict[str, Any]) -> str:
    error = "-" if row["mcse"] is None else f"{row['mcse']:.2g}"
    return f"{row['value']:.4g} ({error})"


def _assert_near(pairs: list[Both], most: float) -> None:
    """Fail where a z is larger than `most`, or where numbers of the same data sets differ."""
    some = refuse_far((pair.z for pair in pairs), most, _rows)
    shared = [pair for pair in pairs if pair.shared]
    differ = sum(not pair.same for pair in shared)
    if differ:
        raise UnmetError(f"{_rows(differ)} of one seed differ, without a z that could be held "
                         f"against {most:g}")  # fmt: skip
    if not (some or shared):
        raise UnmetError(f"no row has a z that could be held against {most:g}")


def refuse_far(z: Iterable[float], most: float, counted: Callable[[int], str]) -> bool:
    """Fail where a z is larger than `most`; else say whether there is any (NaN is none)."""
    known = [one for one in z if not math.isnan(one)]
    beyond = [one for one in known if abs(one) > most]
    if beyond:
        largest = max(beyond, key=abs)
        raise UnmetError(f"{counted(len(beyond))} with |z| above {most:g}, largest {largest:.2f}")
    return bool(known)


def _rows(n: int) -> str:
    return f"{n:,} row" + ("" if n == 1 else "s")
