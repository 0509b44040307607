"""What a diagnosis comes to, in words for a reader of education or public health.

Every sentence is made of numbers that are there and says no more than their intervals carry.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from simstudy.analysis.printed import p_text
from simstudy.answers.diagnosis.answer import Answer, Number
from simstudy.answers.diagnosis.printed import rate
from simstudy.answers.diagnosis.shape import is_far
from simstudy.answers.diagnosis.world import ALPHA, World, main_of
from simstudy.numerics.tails import critical_value

_PHRASES = {  # of methods that do equally well the first is named
    "random_slope": "a random slope (Kenward-Roger)",
    "random_slope[correlated=false]": "an uncorrelated random slope (Kenward-Roger)",
    "random_intercept": "a random intercept (Kenward-Roger)",
    "dummy": "a dummy for every {cluster}",
    "pooled[se=CR2]": "cluster-robust CR2",
    "pooled[se=CR1S]": "cluster-robust CR1S (Stata's)",
    "pooled": "ignoring the {clusters}",
    "random_intercept[df=wald]": "a random intercept with a z test",
    "pooled[se=CR0,df=wald]": "a cluster-robust z test (CR0)",
}
_NOUN = re.compile(r"([A-Za-z]{3,}?)(?:[_.](?:id|no|nr|num|code)|(?<=[a-z])ID)?")
_WIDE = 0.2  # width of an interval of the ICC beyond which little is known
_CERTAIN = 0.995


class _Said:
    """The words of one diagnosis."""

    def __init__(self, world: World, design: dict[str, Any], answers: Sequence[Answer]) -> None:
        self.world, self.design, self.answers = world, design, answers
        self.cluster, self.clusters = nouns(design["cluster"])
        self.over = "over the interval" if world.variances.known else "over those assumed"

    def phrase(self, answer: Answer) -> str:
        """A method in words."""
        return _PHRASES[answer.fit.method.canonical].format(
            cluster=self.cluster, clusters=self.clusters
        )

    @property
    def main(self) -> list[Answer]:
        """All methods at the estimate, or the middle of what is assumed."""
        main = main_of([level for level in self.world.levels if not level.resampled])
        return [answer for answer in self.answers if answer.level == main]

    def everywhere(self, answer: Answer) -> list[Answer]:
        """One method at all levels, of normal residuals."""
        return [one for one in self.answers
                if one.method == answer.method and not one.level.resampled]  # fmt: skip

    def holds(self, answer: Answer) -> bool:
        """Whether a method keeps to its level at all of them."""
        return all(one.holds for one in self.everywhere(answer))

    def breaks(self, answer: Answer) -> bool:
        """Whether a method rejects far too often at any of them."""
        return any(one.verdict == "liberal" for one in self.everywhere(answer))


def worded(world: World, design: dict[str, Any], answers: Sequence[Answer]) -> list[str]:
    """About ten lines, each a sentence or two."""
    said = _Said(world, design, answers)
    lines = (_clusters, _icc, _worth, _ignoring, _p_value, _holders, _breakers, _two_slopes,
             _shape, _binary)  # fmt: skip
    return [text for line in lines if (text := line(said))]


def _clusters(said: _Said) -> str:
    design, sizes = said.design, said.design["sizes"]
    of = f"{sizes['min']}" if sizes["min"] == sizes["max"] else f"{sizes['min']} to {sizes['max']}"
    x, icc = design["term"], design["x_icc"][design["term"]]
    line = f"{design['n_clusters']:,} {said.clusters} of {of} unit{'s' if sizes['max'] > 1 else ''}"
    if icc is None:
        return f"{line}."
    if icc > _CERTAIN:
        return f"{line}; {x} is the same for all units of a {said.cluster}."
    if icc < 1.0 - _CERTAIN:
        return f"{line}; {x} varies within the {said.clusters}, hardly between them."
    return f"{line}; {100 * icc:.0f} % of the variance of {x} lies between the {said.clusters}."


def _icc(said: _Said) -> str:
    design, icc = said.design, said.design["icc"]
    y = design["outcome"]
    if not said.world.variances.known:
        listed = _listed([rate(value, 2) for value in icc.values()])
        return (f"The data do not tell how much of the variance of {y} lies between "
                f"{said.clusters}: ICCs of {listed} are assumed in what follows.")  # fmt: skip
    if not any(icc.values()):
        return (f"The {said.clusters} differ in {y} even less than chance alone would have them: "
                "no ICC but 0 goes with that.")  # fmt: skip
    line = (f"Of the variance of {y} that the predictors leave, {_percents(icc['estimate'])} lies "
            f"between the {said.clusters}")  # fmt: skip
    if "low" not in icc:
        return f"{line}; how sure that is cannot be said."
    low, high = sorted((icc["low"], icc["high"]))
    line += f" (ICC {rate(icc['estimate'], 2)}, 95 % interval {rate(low, 2)} to {rate(high, 2)})."
    if high - low > _WIDE:
        line += " That is a wide interval: read what follows over it."
    return line


def _worth(said: _Said) -> str:
    worth, n, x = said.design["effective_units"], said.design["n_units"], said.design["term"]
    effects = list(said.design["design_effect"].values())
    middle = worth.get("estimate", list(worth.values())[len(worth) // 2])
    low, high = min(worth.values()), max(worth.values())
    if max(effects) < 1.05 and min(effects) > 0.95:
        return f"For the slope of {x} the {n:,} units are as good as independent."
    span = f" ({low:,.0f} to {high:,.0f} {said.over})" if round(low) < round(high) else ""
    if high > n > low > 0.9 * n:
        span = f" (at least {low:,.0f} {said.over})"
    line = f"For the slope of {x} the {n:,} units are worth {middle:,.0f} independent ones{span}"
    if min(effects) < 1.0 and max(effects) < 1.05:
        return f"{line}: it is told within {said.clusters}, where units differ less."
    return f"{line}."


def _ignoring(said: _Said) -> str:
    pooled = next((one for one in said.main if one.method == "pooled"), None)
    if pooled is None:
        return ""
    icc = rate(pooled.level.icc, 2)
    at = f"at an ICC of {icc}" if said.world.variances.known else f"if the ICC is {icc}"
    rates = sorted(said.everywhere(pooled), key=lambda one: one.size.value)
    span = f"; {percent(rates[0].size)} to {percent(rates[-1].size)} {said.over}"
    span = span if len(rates) > 1 and percent(rates[0].size) != percent(rates[-1].size) else ""
    line = f"Ignoring the {said.clusters}, a true null is rejected {percent(pooled.size)} of the " \
           f"time in a design like yours ({at}{span})."  # fmt: skip
    if all(one.verdict == "robust" for one in rates):
        return f"{line} Of the test of {said.design['term']} ignoring them does no harm."
    if said.holds(pooled) and pooled.size.high < ALPHA:
        return f"{line} That errs on the safe side, at a price in power."
    return line


def _p_value(said: _Said) -> str:
    pooled = next((one for one in said.main if one.method == "pooled"), None)
    if pooled is None:
        return ""
    share = pooled.smaller_p
    how = f"comes up in {percent(share)} of data sets without an effect"
    if share.value == 0:
        how = f"came up in none of {said.world.replications:,} data sets without an effect"
    rates = [one.smaller_p for one in said.everywhere(pooled)]
    low, high = min(rates, key=lambda one: one.value), max(rates, key=lambda one: one.value)
    span = f" ({percent(low)} to {percent(high)} {said.over})"
    span = span if percent(low) != percent(high) else ""
    what = f"Your p {_p(pooled)} without the {said.clusters}"
    return f"{what}: such a p or a smaller one {how}{span}."


def _holders(said: _Said) -> str:
    holders = [one for one in said.main if said.holds(one)]
    if not holders:
        return "None of the methods holds its level here."
    ranked = sorted(holders, key=lambda one: -one.power.value)
    order, slope = list(_PHRASES), f"{said.world.slope:.4g}"
    top, *below = ranked
    close = [top, *(one for one in below if _alike(one.power, top.power, len(ranked)))]
    first, *close = sorted(close, key=lambda one: order.index(one.fit.method.canonical))
    if top.power.value > _CERTAIN:
        return (f"These hold their level and would nearly always find a slope of {slope}: "
                f"{_listed([said.phrase(one) for one in (first, *close)])}.")  # fmt: skip
    line = (f"Of the methods that hold their level, {said.phrase(first)} has the most power "
            f"({percent(first.power)} if the slope is {slope}, as estimated) and gives a p "
            f"{_p(first)}")  # fmt: skip
    if close:
        line += f"; {_listed([said.phrase(one) for one in close])} cannot be told from it in power"
    rest = [one for one in ranked if one not in (first, *close)]
    if rest:
        line += "; " + _listed([f"{said.phrase(one)} has {percent(one.power)}" for one in rest])
    return f"{line}."


def _breakers(said: _Said) -> str:
    broken = [one for one in said.main if one.method != "pooled" and said.breaks(one)]
    if not broken:
        return ""
    worst = [max(said.everywhere(one), key=lambda at: at.size.value) for one in broken]
    listed = _listed([f"{said.phrase(one)} {percent(one.size)}" for one in worst])
    many = f"With {said.design['n_clusters']:,} {said.clusters}"
    return f"{many} these reject a true null too often, at worst: {listed}."


def _two_slopes(said: _Said) -> str:
    slopes, x = said.design["slopes"], said.design["term"]
    if slopes is None or slopes["contextual"]["ci_low"] is None:
        return ""
    gap = slopes["contextual"]
    if gap["ci_low"] <= 0.0 <= gap["ci_high"]:
        return ""
    within, between = (f"{slopes[where]['estimate']:.3g}" for where in ("within", "between"))
    ends = f"{gap['ci_low']:.3g} to {gap['ci_high']:.3g}"
    return (
        f"The slope of {x} is {within} within {said.clusters} and {between} between them (95 % "
        f"interval of the difference: {ends}): what is true of {said.clusters} need not be of "
        f"their units. A dummy for every {said.cluster} gives the one within, the others mix the "
        "two; one slope for both was simulated."
    )


def _shape(said: _Said) -> str:
    found = said.design["residuals"]
    far = [name for name, of in found.items() if is_far(**of)]
    if not far:
        return ""
    whose = {"errors": "of units", "cluster_effects": f"of {said.clusters}"}
    listed = _listed([f"{whose[name]} (skewness {found[name]['skewness']:.1f}, excess kurtosis "
                      f"{found[name]['excess_kurtosis']:.1f})" for name in far])  # fmt: skip
    line = f"Residuals {listed} are far from normal"
    if not said.world.resampled:
        return f"{line}, and too few to draw from: normal ones were simulated."
    own = {one.method: one.size for one in said.answers
           if one.level == said.main[0].level._replace(resampled=True)}  # fmt: skip
    line += ", as which the interval of the ICC takes them; drawn from your own instead, "
    moved = [one for one in said.main if not _alike(one.size, own[one.method], len(own))]
    if not moved:
        return f"{line}they change no method's rate of false alarms by more than chance."
    listed = _listed([f"{percent(own[one.method])}, not {percent(one.size)}, by {said.phrase(one)}"
                      for one in moved])  # fmt: skip
    return f"{line}a true null is rejected {listed}."


def _binary(said: _Said) -> str:
    if said.design["outcome_values"] > 2:
        return ""
    y = said.design["outcome"]
    return f"{y} has two values; the simulated outcomes are continuous, as the methods take them."


def nouns(column: str) -> tuple[str, str]:
    """One cluster and several, by the name of the grouping column where that is a noun."""
    noun = _NOUN.fullmatch(column)
    if noun is None or (column.lower().endswith("id") and noun[1] == column):
        return "cluster", "clusters"
    word = noun[1].lower()
    if word.endswith(("s", "x", "ch", "sh")):
        return word, f"{word}es"
    return word, f"{word[:-1]}ies" if word.endswith("y") and word[-2] not in "aeou" else f"{word}s"


def percent(number: Number) -> str:
    """A rate in percent, with no more digits than its Monte Carlo error leaves."""
    if number.value in (0.0, 1.0):
        side, end = ("less", number.high) if number.value == 0.0 else ("more", number.low)
        return f"{side} than {100 * end:.{1 if end < 0.01 or end > 0.99 else 0}f} %"
    digits = 0 if number.mcse >= 0.0025 else 1
    return f"{100 * number.value:.{digits}f} %"


def _p(answer: Answer) -> str:
    """The p-value of the data: of 0.012, or below 2e-16."""
    text = p_text(answer.fit.slope["p_value"], answer.fit.method)
    return f"below {text[1:]}" if text.startswith("<") else f"of {text}"


def _percents(share: float) -> str:
    return f"{100 * share:.0f} %"


def _alike(first: Number, second: Number, family: int) -> bool:
    """Whether two rates cannot be told apart, one of so many pairs (Bonferroni)."""
    far = float(critical_value(np.inf, 0.05 / family))
    return abs(first.value - second.value) <= far * (first.mcse**2 + second.mcse**2) ** 0.5


def _listed(items: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1])))
