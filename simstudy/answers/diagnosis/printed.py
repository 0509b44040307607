"""A diagnosis as text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from simstudy.analysis.fitted import Fit
from simstudy.analysis.printed import slopes, table
from simstudy.answers.diagnosis.answer import Answer, Number
from simstudy.answers.diagnosis.world import World

_WIDTH = 96


def printed(
    world: World,
    design: dict[str, Any],
    fits: Sequence[Fit],
    answers: Sequence[Answer],
    words: Sequence[str],
) -> str:
    """Design, fits, answers and words."""
    said = "\n".join(map(_folded, words))
    head = [f"Formula: {world.data.terms.shown}", *world.data.remarks]
    blocks = ["\n".join(head), _design(world, design), slopes(fits), _answers(world, answers), said]
    return "\n\n".join(blocks)


def _folded(line: str) -> str:
    """A line of words; no number is parted from its sign."""
    whole = textwrap.fill(line.replace(" %", "\xa0%"), _WIDTH, subsequent_indent="  ")
    return whole.replace("\xa0", " ")


def _design(world: World, design: dict[str, Any]) -> str:
    sizes = design["sizes"]
    lines = [
        [f"{design['cluster']}, clusters", f"{design['n_clusters']:,}"],
        ["units", f"{design['n_units']:,}"],
        ["units a cluster", _sizes(sizes)],
    ]  # fmt: skip
    for name, icc in design["x_icc"].items():
        lines.append([f"ICC of {name}", "-" if icc is None else rate(icc)])
    variances = world.variances
    for key, words, form in (
        ("icc", f"ICC of {design['outcome']} given the predictors", rate),
        ("design_effect", f"design effect of {design['term']}", "{:.3g}".format),
        ("effective_units", "units that are as good as independent", "{:,.0f}".format),
    ):
        values = {name: form(value) for name, value in design[key].items()}
        if not variances.known:
            lines.append([words, f"assumed: {', '.join(values.values())}"])
        elif "low" in values:
            ends = sorted((design[key][end], values[end]) for end in ("low", "high"))
            span = f"(95 % interval {ends[0][1]} to {ends[1][1]})"
            lines.append([words, f"{values['estimate']} {span}"])
        else:
            lines.append([words, values["estimate"]])
    return table(["design", ""], lines, left=2)


def _answers(world: World, answers: Sequence[Answer]) -> str:
    """Every method at every level."""
    heading = [
        "method",
        "ICC",
        "size at .05",
        "SE bias, %",
        "coverage",
        f"power at {world.slope:.4g}",
    ]
    if world.resampled:
        heading.insert(1, "residuals")
    rows = []
    for answer in sorted(answers, key=lambda one: [a.method for a in answers].index(one.method)):
        cells = [
            answer.method,
            _icc(world, answer),
            _rate(answer.size),
            _with_error(answer.se_bias, 1),
            _rate(answer.coverage),
            _rate(answer.power),
        ]
        if world.resampled:
            cells.insert(1, "your own" if answer.level.resampled else "normal")
        rows.append(cells)
    last, shown = "", []
    for row in rows:
        shown.append([row[0] if row[0] != last else "", *row[1:]])
        last = row[0]
    n = f"{world.replications:,} data sets of this design a line; in parentheses the Monte Carlo SE"
    if any(answer.n_used < world.replications for answer in answers):
        n += "\n* not all of them had a fit"
    return table(heading, shown, left=2 if world.resampled else 1) + f"\n{n}"


def _sizes(sizes: dict[str, float]) -> str:
    if sizes["min"] == sizes["max"]:
        return f"{sizes['min']}"
    return f"{sizes['min']} to {sizes['max']}, mean {sizes['mean']:.4g}, CV {sizes['cv']:.2f}"


def rate(value: float, digits: int = 3) -> str:
    """A share between 0 and 1 without its leading zero."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("0") if value < 1 and text.startswith("0") else text


def _icc(world: World, answer: Answer) -> str:
    return rate(answer.level.icc) + ("*" if answer.n_used < world.replications else "")


def _rate(number: Number) -> str:
    if number.value != number.value:
        return "-"
    return f"{rate(number.value)} ({rate(number.mcse)})"


def _with_error(number: Number, digits: int) -> str:
    if number.value != number.value:
        return "-"
    return f"{number.value:.{digits}f} ({number.mcse:.{digits}f})"
