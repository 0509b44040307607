"""What a study estimates, for its methods section."""

from __future__ import annotations

from collections.abc import Collection

from simstudy.registry import Method
from simstudy.report.methods_data import contextual
from simstudy.report.tables.markdown import escape
from simstudy.study.study import Study


def estimands_section(study: Study, without_one_truth: Collection[str] = ()) -> list[str]:
    """What every method is compared with, and what its tests are about.

    Parameters
    ----------
    without_one_truth : collection of str
        Labels of methods that give the truth of each data set.
    """
    context = contextual([design.scenario for design in study.designs])
    groups: dict[str, list[Method]] = {}
    for method in study.methods:
        groups.setdefault(_target(method, context), []).append(method)
    out = []
    for what, methods in groups.items():
        if len(groups) == 1:
            out.append(f"The estimand of every method was {what}.")
        else:
            names = ", ".join(f"**{label_of(m)}**" for m in methods)
            out.append(f"The estimand of {names} was {what}.")
    out[-1] += _hypotheses(study)
    out += _untested(study)
    own = [f"**{label_of(m)}**" for m in study.methods if m.label in without_one_truth]
    if own:
        out.append(
            f"The true value of {', '.join(own)} was that of each data set, so that the rejection "
            "rate is neither a Type I error rate nor power."
        )
    if context:
        out.append(
            "Methods that do not separate the two slopes estimate a mixture of them, and their "
            "bias is reported as it is."
        )
    return out


def _hypotheses(study: Study) -> str:
    """What the tests are about, and their levels."""
    tested = [method for method in study.methods if method.tested]
    if not tested:
        return ""
    nulls: dict[float, list[Method]] = {}
    for method in tested:
        nulls.setdefault(method.null_value, []).append(method)
    if len(nulls) == 1:
        (value,) = nulls
        what = f"the estimand is {_number(value)}"
    else:
        each = (
            f"{_number(value)} for {', '.join(f'**{label_of(m)}**' for m in methods)}"
            for value, methods in nulls.items()
        )
        what = f"the estimand is {' and '.join(each)}"
    return (
        f" Tests are two-sided tests of the null hypothesis that {what}, at "
        f"{'the levels' if len(study.alpha) > 1 else 'level'} "
        rf"$\alpha = {', '.join(f'{a:g}' for a in study.alpha)}$."
    )


def _number(value: float) -> str:
    return f"{value:g}" if value else "zero"


def _untested(study: Study) -> list[str]:
    """Methods whose estimates come without a standard error."""
    names = ", ".join(f"**{label_of(m)}**" for m in study.methods if not m.tested)
    return [f"Estimates of {names} have no standard error, and are not tested."] if names else []


def _target(method: Method, context: bool) -> str:
    """Estimand with its symbol, in a world with a contextual effect or without."""
    target = method.target
    if target.name == "between_slope" and not context:
        return r"the between-cluster slope, which equals $\beta_1$ here"
    if target.name == "contextual_effect" and not context:
        return "the contextual effect, which is 0 here"
    if target.name == "slope":
        inside = ", the difference in $y$ for a difference of one in $x$ within a cluster"
        return rf"the slope ${target.symbol}${inside if context else ''}"
    comma = "," if context and target.name in ("between_slope", "contextual_effect") else ""
    return f"{target.words}{comma} ${target.symbol}$"


def label_of(method: Method) -> str:
    """A method's label as Markdown."""
    return escape(" ".join(method.label.split()))
