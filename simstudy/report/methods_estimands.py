"""Room 5: what a study estimates, for its methods section. Imports the study and registry."""

from __future__ import annotations

from dataclasses import replace

from simstudy.registry import Method
from simstudy.report.methods_data import contextual
from simstudy.report.tables.markdown import escape
from simstudy.study.study import Study


def estimands_section(study: Study) -> list[str]:
    """What every method is compared with, from the registered truth itself."""
    groups: dict[str, list[Method]] = {}
    for method in study.methods:
        groups.setdefault(_target(method, study), []).append(method)
    slope = r"the slope $\beta_1$"
    context = contextual([design.scenario for design in study.designs])
    if context:
        slope += ", the difference in $y$ for a difference of one in $x$ within a cluster"
    words = {r"$\beta_1$": slope}
    out = []
    for target, methods in groups.items():
        what = words.get(target, target)
        if len(groups) == 1:
            out.append(f"The estimand of every method was {what}.")
        else:
            names = ", ".join(f"**{label_of(m)}**" for m in methods)
            out.append(f"The estimand of {names} was {what}.")
    out[-1] += (
        " Tests are two-sided tests of the null hypothesis that the estimand is zero, at "
        f"{'the levels' if len(study.alpha) > 1 else 'level'} "
        rf"$\alpha = {', '.join(f'{a:g}' for a in study.alpha)}$."
    )
    if context:
        out.append(
            "Methods that do not separate the two slopes estimate a mixture of them, and their "
            "bias is reported as it is."
        )
    return out


_FIELDS = {
    "intercept": r"the intercept $\beta_0$",
    "icc": r"the intraclass correlation $\rho$",
    "total_variance": r"the total variance given the predictor $\omega^2$",
    "tau2": r"the variance between clusters $\tau^2$",
    "sigma2": r"the variance within clusters $\sigma^2$",
}


def _target(method: Method, study: Study) -> str:
    """Estimand as LaTeX: what the method's truth makes of the slope and the contextual effect."""
    if method.use is not None and method.use.truth in _FIELDS:
        return _FIELDS[method.use.truth]
    base = replace(study.designs[0].scenario, slope=1.0, contextual_effect=0.0)
    of_slope = method.truth(base)
    of_context = method.truth(replace(base, slope=0.0, contextual_effect=1.0))
    context = r"the contextual effect, " + (
        r"$\gamma$" if contextual([d.scenario for d in study.designs]) else "which is 0 here"
    )
    names = {
        (1.0, 0.0): r"$\beta_1$",
        (1.0, 1.0): r"the between-cluster slope, $\beta_1 + \gamma$",
        (0.0, 1.0): context,
    }
    if (of_slope, of_context) == (1.0, 1.0) and context.endswith("here"):
        return r"the between-cluster slope, which equals $\beta_1$ here"
    return names[of_slope, of_context]


def label_of(method: Method) -> str:
    """A method's label as Markdown."""
    return escape(" ".join(method.label.split()))
