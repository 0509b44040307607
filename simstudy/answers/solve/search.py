"""Which levels are tried next, as a function of the points that are there alone.

So a search that was interrupted comes to the same answer, and one with a smaller tolerance goes
on from the same points. First levels on both sides of the target are found, by theory's guess or
by growing steps with few replications; then replications go to where the curve crosses.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import NamedTuple

from simstudy.answers.solve.aim import Aim, Point, arrays, tidy
from simstudy.numerics.crossing import Crossing, crossing

_FEW = 30  # replications that are used from which a level says something
_SURE = 2.5  # Monte Carlo errors from the target from which a level is on a side of it
_FAR = 3.0  # and of a difference from which it is one
_MISFIT = 0.01  # p-value of points about a line below which the farthest is left out
_WIDE = 0.77  # levels beside the root, in roots of tolerance times root: a tenth of the
# tolerance is then what the bend of a probit curve moves the crossing by
_SEEN = 2048  # replications of the root and its neighbors at least
_FLAT = 1 << 16  # replications of a level after which a curve is said to be flat
_WORTH = 1 << 24  # clusters, or units of a cluster, of all replications of such a level
_GROWTH = 16
_STEP = 4.0
_GUESSED = 0.2  # of a guess, how far from it the first levels are
_FRACTIONS = (0.0, 0.05, 0.15, 0.35, 0.65, 1.0)
_STARTS = (16.0, 0.25)  # of a whole field, and of others
_NARROW = 0.75  # of the tolerance: half the interval that replications are reckoned for

Tries = dict[float, int]  # level -> replications


class Root(NamedTuple):
    """The answer of one method in one scenario.

    Attributes
    ----------
    level, low, high : float
        The root and its interval; NaN where there is none.
    reason : str
        Why there is none, or what is to be said of it.
    rising : bool
        Whether the target holds above the root.
    line : Crossing or None
        Of the curve near the root, on the axis of the field.
    """

    level: float
    low: float
    high: float
    reason: str
    rising: bool = True
    line: Crossing | None = None


def nowhere(reason: str) -> Root:
    """No root, and why."""
    return Root(math.nan, math.nan, math.nan, reason)


def look(aim: Aim, points: Mapping[float, Point], guess: float | None) -> Tries | Root:
    """What to try next, or the root.

    Parameters
    ----------
    aim : Aim
    points : mapping
        Level -> what is known there.
    guess : float, optional
        Where theory expects the root.
    """
    if not points:
        return _first(aim, guess)
    known = {x: points[x] for x in sorted(points) if points[x].n_used >= _FEW}
    sides = {x: side for x, p in known.items() if abs(side := aim.signed(p)) >= _SURE}
    pair = _pair(sides)
    if pair is None:
        return _wider(aim, points, known, sides)
    return _closer(aim, points, known, pair)


def _first(aim: Aim, guess: float | None) -> Tries:
    axis = aim.axis
    if guess is not None:
        size = abs(guess) if axis.log else max(abs(guess), 0.1 * (axis.high - axis.low))
        reach = max(_GUESSED * size, 2 * axis.unit)
        levels = [guess - reach, guess, guess + reach]
        return {axis.rounded(max(x, axis.low)): aim.reps(4 * aim.first) for x in levels}
    if axis.log:
        start = _STARTS[0] * axis.unit if axis.unit else _STARTS[1]
        start = min(max(start, axis.low), axis.high)
        return {axis.rounded(x): aim.first for x in (start, min(_STEP * start, axis.high))}
    span = axis.high - axis.low
    return {axis.rounded(axis.low + f * span): aim.first for f in _FRACTIONS}


def _pair(sides: Mapping[float, float]) -> tuple[float, float, bool] | None:
    """Levels beside the crossing, and whether the target holds above; None where none is seen.

    Of several crossings that from which the target holds to the end that was tried.
    """
    levels = sorted(sides)
    steps = [(a, b) for a, b in itertools.pairwise(levels) if sides[a] * sides[b] < 0]
    if not steps:
        return None
    rising = sides[levels[-1]] > 0
    if rising:
        return (*steps[-1], True)
    return (*steps[0], sides[steps[0][0]] < 0)


def _wider(
    aim: Aim, points: Mapping[float, Point], known: dict[float, Point], sides: dict[float, float]
) -> Tries | Root:
    """Levels beyond those that are on one side, or more replications, or why there is no root."""
    ends = list(known)
    if not ends:
        levels = sorted(points)
        beyond = [_below(aim, points, levels[0], _STEP**2),
                  _above(aim, points, levels[-1], _STEP**2)]  # fmt: skip
        tries = {x: aim.first for x in beyond if x is not None}
        return tries or nowhere(f"no replication is estimable at {_span(aim, levels)}")
    trend = _trend(aim, known)
    holds = any(side > 0 for side in sides.values())
    fails = any(side < 0 for side in sides.values())
    up, down = trend >= 0 or holds, trend <= 0 or holds
    if trend and sides:
        up, down = (fails, holds) if trend > 0 else (holds, fails)
    factor = max(_STEP, ends[-1] / ends[0]) if aim.axis.log and ends[0] > 0 else _STEP
    factor = min(factor, _STEP * _STEP)
    beyond = [_above(aim, points, ends[-1], factor) if up else None,
              _below(aim, points, ends[0], factor) if down else None]  # fmt: skip
    tries = {x: aim.first for x in beyond if x is not None}
    if tries:
        return tries
    unsure = {x: aim.reps(4 * p.n_reps) for x, p in known.items()
              if x not in sides and p.n_reps < min(_FLAT, aim.most, _worth(aim, x))}  # fmt: skip
    return unsure or nowhere(_why(aim, known, sides, trend))


def _worth(aim: Aim, level: float) -> float:
    """Replications of a level that is beyond what anybody is likely to plan for."""
    many = level / aim.axis.unit if aim.axis.unit and aim.axis.log else 1.0
    return _WORTH / max(many, 1.0)


def _trend(aim: Aim, known: Mapping[float, Point]) -> int:
    """Whether the target holds more (1) or less (-1) as the field grows; 0 where unknown."""
    ends = list(known.values())
    first, last = ends[0], ends[-1]
    spread = math.hypot(aim.error(first), aim.error(last))
    change = (last.value - first.value) / spread if spread > 0 else 0.0
    change = change if aim.at_least else -change
    return 0 if abs(change) < _FAR else int(math.copysign(1, change))


def _above(aim: Aim, points: Mapping[float, Point], level: float, factor: float) -> float | None:
    """The next level upward, None at the end of the range."""
    beyond = [x for x in points if x > level]
    if beyond:  # nothing is estimable there
        return _between(aim, level, min(beyond))
    further = min(level * factor, aim.axis.high) if aim.axis.log else aim.axis.high
    new = aim.axis.rounded(further)
    return new if new > level else None


def _below(aim: Aim, points: Mapping[float, Point], level: float, factor: float) -> float | None:
    """The next level downward, None at the end of the range."""
    beyond = [x for x in points if x < level]
    if beyond:
        return _between(aim, max(beyond), level)
    further = max(level / factor, aim.axis.low) if aim.axis.log else aim.axis.low
    new = aim.axis.rounded(further)
    return new if new < level else None


def _between(aim: Aim, low: float, high: float) -> float | None:
    """A level between one where nothing is estimable and one where something is."""
    new = aim.axis.rounded(aim.axis.middle(low, high))
    close = not aim.axis.unit and high - low < 0.02 * (abs(high) + abs(low))
    return None if close or new in (low, high) else new


def _span(aim: Aim, levels: list[float]) -> str:
    if len(levels) == 1:
        return f"{aim.axis.name} {levels[0]:.10g}"
    return f"{aim.axis.name} {levels[0]:.10g} to {levels[-1]:.10g}"


def _said(level: float, point: Point) -> str:
    """A measure at a level, with its Monte Carlo error."""
    return f"{point.value:.3g} ({point.mcse:.1g}) at {level:.10g}"


def _why(aim: Aim, known: dict[float, Point], sides: dict[float, float], trend: int) -> str:
    """Why no level is on the other side."""
    levels = list(known)
    ends = " and ".join(_said(x, known[x]) for x in dict.fromkeys((levels[0], levels[-1])))
    what = f"{aim.measure} is {ends}"
    if not sides:
        return f"cannot be told from the target at {_span(aim, levels)}: {what}"
    holds = next(iter(sides.values())) > 0
    if unsure := [x for x in (levels[0], levels[-1]) if x not in sides]:
        known_side = "holds" if holds else "is not reached"
        where = " and ".join(f"{x:.10g}" for x in unsure)
        return f"{known_side} at the other levels, and cannot be told at {where}: {what}"
    if not trend and len(levels) > 1:
        always = "always holds" if holds else "is never reached"
        return f"{always}, and does not seem to depend on {aim.axis.name}: {what}"
    if holds:
        end = levels[0] if trend > 0 else levels[-1]
        return f"holds in all of {_span(aim, levels)}, at {end:.10g} already: {what}"
    if trend < 0:
        return f"never reached: moves away from the target as {aim.axis.name} grows; {what}"
    return f"not reached up to {aim.axis.name} {levels[-1]:.10g}: {what}"


def _closer(
    aim: Aim, points: Mapping[float, Point], known: dict[float, Point],
    pair: tuple[float, float, bool],
) -> Tries | Root:  # fmt: skip
    """Replications near the crossing, or the root where its interval is narrow enough."""
    low, high, rising = pair
    some = {x: p for x, p in known.items() if low <= x <= high}
    line, some = _line(aim, some)
    if not _usable(aim, line, rising):
        return _spread(aim, points, some, pair)
    center = min(max(aim.axis.back(line.place), low), high)
    wide = _width(aim, center)
    near = {x: p for x, p in known.items() if abs(x - center) <= 1.6 * wide + aim.unit(center)}
    if len(near) >= 2:
        closer, fitted = _line(aim, near)
        if _usable(aim, closer, rising):
            line, some = closer, fitted
            center = min(max(aim.axis.back(line.place), low), high)
            wide = _width(aim, center)
    ends = aim.axis.back(line.low), aim.axis.back(line.high)
    half = max(center - ends[0], ends[1] - center)
    if half > 2 * wide:
        reach = max(wide, min(0.7 * half, 0.45 * (high - low)))
        n_reps = aim.reps(4 * min(p.n_reps for p in some.values()))
        tries = {aim.axis.rounded(x): n_reps for x in (center - reach, center + reach)}
        fresh = _missing(points, tries)
        if fresh:
            return fresh
    return _settled(aim, points, some, line, rising, center)


def _width(aim: Aim, center: float) -> float:
    """How far from the root the levels beside it are: a tenth of the tolerance is at stake."""
    near, size = aim.near(center), abs(center)
    reach = min(_WIDE * math.sqrt(near * max(size, near)), 0.3 * max(size, near))
    return max(reach, 2 * aim.unit(center))


def _line(aim: Aim, some: dict[float, Point]) -> tuple[Crossing, dict[float, Point]]:
    """A line near the crossing, without what is too far away to be on one with the others."""
    while True:
        line = crossing(*arrays(aim, some), aim.target, aim.rate)
        if line.fit >= _MISFIT or len(some) <= 2 or not math.isfinite(line.place):
            return line, some
        center = line.place
        for level in sorted(some, key=lambda x: -abs(aim.axis.of(x) - center)):
            left = {x: p for x, p in some.items() if x != level}
            signs = [aim.signed(p) for p in left.values()]
            if min(signs) < 0 < max(signs):
                some = left
                break
        else:
            return line, some


def _usable(aim: Aim, line: Crossing, rising: bool) -> bool:
    """Whether a line crosses the target as the curve does, and surely."""
    upward = rising == aim.at_least
    return math.isfinite(line.low) and math.isfinite(line.high) and line.upward == upward


def _spread(
    aim: Aim, points: Mapping[float, Point], some: dict[float, Point],
    pair: tuple[float, float, bool],
) -> Tries | Root:  # fmt: skip
    """Halves of a jump, or more replications where no line is sure to cross, or that it is flat."""
    low, high, rising = pair
    axis, most = aim.axis, min(_FLAT, aim.most)
    root, n_reps = (high if rising else low), min(p.n_reps for p in some.values())
    if high - low <= max(aim.near(root), axis.unit):
        return _found(aim, points, root, [low, high], rising, None)
    inner = axis.rounded(axis.middle(low, high))
    if inner not in points:
        return {inner: n_reps}
    while n_reps < most:
        n_reps = aim.reps(4 * n_reps)
        if tries := _missing(points, dict.fromkeys((low, inner, high), n_reps)):
            return tries
    ends = " and ".join(_said(x, points[x]) for x in (low, high))
    return nowhere(f"too flat to say where between {low:.10g} and {high:.10g}: "
                   f"{aim.measure} is {ends}")  # fmt: skip


def _missing(points: Mapping[float, Point], tries: Tries) -> Tries:
    """Of some tries those that have not as many replications yet."""
    return {x: n for x, n in tries.items() if x not in points or points[x].n_reps < n}


def _settled(
    aim: Aim, points: Mapping[float, Point], some: dict[float, Point], line: Crossing,
    rising: bool, center: float,
) -> Tries | Root:  # fmt: skip
    """The root with its neighbors seen, or what more is to be seen."""
    axis, unit, near = aim.axis, aim.unit(center), aim.near(center)
    low, high = axis.back(line.low), axis.back(line.high)
    side = 1 if rising else -1
    root = axis.on_grid(center, unit, side)
    outward = (side, side) if axis.unit else (-1, 1)
    ends = [axis.on_grid(x, unit, to) for x, to in zip((low, high), outward, strict=True)]
    beside = {axis.on_grid(root + k * unit, unit) for k in (-1, 0, 1)}
    reach = _width(aim, center)
    levels = beside | {axis.on_grid(root + k * reach, unit) for k in (-1, 1)}
    used = [p.n_reps for p in some.values()]
    slack = 1e-9 * max(1.0, abs(root))
    if max(root - ends[0], ends[1] - root) <= near + slack:
        seen = aim.reps(max(_SEEN, max(used) / _GROWTH))
        tries = _missing(points, dict.fromkeys(sorted(beside), seen))
        return tries or _found(aim, points, root, ends, rising, line)
    half = max(center - low, high - center)
    wanted = 1.1 * sum(used) * (half / (_NARROW * near)) ** 2 / len(levels)
    n_reps = aim.reps(max(_SEEN, min(wanted, _GROWTH * max(used))))
    tries = _missing(points, dict.fromkeys(sorted(levels), n_reps))
    if not tries:
        least = min(points[x].n_reps for x in levels)
        tries = _missing(points, dict.fromkeys(sorted(levels), aim.reps(2 * least)))
    if tries:
        return tries
    reason = f"not narrower with {aim.most:,} replications a level"
    return _found(aim, points, root, ends, rising, line, reason)


def _found(
    aim: Aim, points: Mapping[float, Point], root: float, ends: list[float], rising: bool,
    line: Crossing | None, reason: str = "",
) -> Root:  # fmt: skip
    """The root; said where its neighbors are not in the order of the curve."""
    unit = aim.unit(root)
    levels = [x for k in (-1, 0, 1) if (x := tidy(root + k * unit)) in points]
    for a, b in itertools.pairwise(levels):
        first, last = points[a], points[b]
        enough = min(first.n_used, last.n_used) >= _FEW
        if enough and _trend(aim, {a: first, b: last}) == (-1 if rising else 1):
            turned = f"the curve turns between {a:.10g} and {b:.10g}"
            reason = f"{reason}; {turned}" if reason else turned
    return Root(root, min(ends[0], root), max(ends[1], root), reason, rising, line)
