"""Performance measures in words and formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from simstudy.own.measures import OwnMeasure
from simstudy.report.tables.markdown import escape, prose

# measure -> (name, estimate, Monte Carlo standard error), of n used replications
_RATE = r"$\sqrt{\hat p(1-\hat p)/n}$"


def _difference(of: str, each: str) -> tuple[str, str, str]:
    name = f"Difference in {of} from the reference method"
    spread = r"standard deviation of the differences over $\sqrt n$"
    return name, f"mean of the differences within replications ({each})", spread


FORMULAS = {
    "bias": ("Bias", r"$\bar t-\theta$", r"$s/\sqrt n$"),
    "relative_bias": (
        "Relative bias",
        r"$(\bar t-\theta)/\theta$",
        r"$s/(\lvert\theta\rvert\sqrt n)$",
    ),
    "empirical_se": (
        "Empirical standard error",
        "$s$",
        r"$\sqrt{\frac1n\sum\{(t_i-\bar t)^2-s^2\}^2\,/\,n}\,/\,(2s)$",
    ),
    "mse": (
        "Mean squared error",
        r"$\frac1n\sum(t_i-\theta)^2$",
        r"standard deviation of $(t_i-\theta)^2$ over $\sqrt n$",
    ),
    "rmse": (
        "Root mean squared error",
        r"$\sqrt{\mathrm{MSE}}$",
        r"that of the mean squared error over $2\,\mathrm{RMSE}$",
    ),
    "model_se": (
        "Model-based standard error",
        r"$m=\sqrt{\frac1n\sum s_i^2}$",
        r"$\sqrt{\mathrm{Var}(s_i^2)/(4nm^2)}$",
    ),
    "mean_se": (
        "Mean standard error",
        r"$\bar s=\frac1n\sum s_i$",
        r"standard deviation of the $s_i$ over $\sqrt n$",
    ),
    "relative_error_model_se": (
        "Relative error of the model-based standard error, %",
        "$100(m/s-1)$",
        r"linearized ratio of the sums of $s_i^2$ and $(t_i-\bar t)^2$",
    ),
    "coverage": (
        r"Coverage of the $1-\alpha$ confidence interval",
        r"share of intervals that contain $\theta$",
        _RATE,
    ),
    "bias_eliminated_coverage": (
        "Bias-eliminated coverage",
        r"share of intervals that contain $\bar t$",
        _RATE,
    ),
    "mean_ci_width": (
        "Mean width of confidence intervals",
        "mean of the widths",
        r"standard deviation of the widths over $\sqrt n$",
    ),
    "rejection_rate": (
        "Rejection rate (Type I error rate where the null hypothesis is true, else power)",
        r"share of $p_i<\alpha$",
        _RATE,
    ),
    "type1_inflation": (
        "Type I error inflation (where the null hypothesis is true)",
        r"rejection rate over $\alpha$",
        r"that of the rejection rate over $\alpha$",
    ),
    "rejection_rate_lower_bound": (
        "Rejection rate if replications without a result had not been rejected",
        r"rejections over all replications",
        _RATE,
    ),
    "rejection_rate_upper_bound": (
        "Rejection rate if replications without a result had been rejected",
        r"rejections and replications without a result over all replications",
        _RATE,
    ),
    "type1_error_from_se": (
        "Type I error due to the standard error",
        r"$2\Phi(-ck)-2\Phi(-c)$, $k=m/s$, $c$ the mean critical value",
        "delta method",
    ),
    "type1_error_from_bias": (
        "Type I error due to bias",
        r"$\Phi(-ck+d)+\Phi(-ck-d)-2\Phi(-ck)$, $d=(\bar t-\theta)/s$",
        "delta method",
    ),
    "type1_error_remainder": (
        "Type I error due to the reference distribution",
        r"rejection rate less $\alpha$ and the two parts above",
        "delta method",
    ),
    "difference_bias": _difference("bias", r"$t_i-t_{\mathrm{ref},i}$"),
    "difference_coverage": _difference("coverage", "covered or not"),
    "difference_rejection_rate": _difference("rejection rate", "rejected or not"),
    "relative_precision": (
        "Relative precision against the reference method, %",
        r"$100\{(s_\mathrm{ref}/s)^2-1\}$",
        r"$200(s_\mathrm{ref}/s)^2\sqrt{(1-r^2)/(n-1)}$, $r$ the correlation of the estimates",
    ),
    "share_boundary": ("Share with a cluster variance of zero", "share of all", _RATE),
    "share_no_std_error": ("Share without a standard error", "share of all", _RATE),
    "share_not_estimable": ("Share not estimable", "share of all", _RATE),
    "share_failed": ("Share that failed", "share of all", _RATE),
}
_PROPORTIONS = ("coverage", "bias_eliminated_coverage", "rejection_rate")


def measures_section(
    measures: list[str], own: Sequence[OwnMeasure] = (), told: Mapping[str, str] | None = None
) -> list[str]:
    """Paragraphs on the measures of a summary.

    Parameters
    ----------
    own : sequence of OwnMeasure
        Of the study; those without numbers in the summary are not spoken of.
    told : mapping
        Name -> what such a measure says that it is.
    """
    lines = ["| Measure | Estimate | Monte Carlo standard error |", "|:---|:---|:---|"]
    for measure in measures:
        if measure in FORMULAS:
            lines.append("| " + " | ".join(FORMULAS[measure]) + " |")
    mine = [one for one in own if one.name in measures]
    known = {*FORMULAS, *(one.name for one in mine)}
    others = [m.replace("_", " ") for m in measures if m not in known]
    out = [
        r"For the estimates $t_i$ with standard errors $s_i$ and two-sided $p$-values $p_i$ in "
        r"the $n$ replications with a valid result, $\theta$ the true value and $\bar t$ and $s$ "
        "the mean and the standard deviation of the $t_i$, these measures were estimated, each "
        "with its Monte Carlo standard error [@Morris2019; @White2010]:",
        "\n".join(lines),
    ]
    if mine:
        out.append("Reported besides, with their Monte Carlo errors, by functions of the authors' "
                   f"own: {'; '.join(_own(one, told or {}) for one in mine)}.")  # fmt: skip
    if others:
        out.append(f"Reported besides, with their Monte Carlo errors: {', '.join(others)}.")
    if any(m in _PROPORTIONS or m.startswith("share_") for m in measures):
        out.append(
            "Monte Carlo intervals (95 %) of proportions are those of Wilson [@Wilson1927]; those "
            "of other measures are the estimate plus and minus 1.96 Monte Carlo standard errors."
        )
    else:
        out.append(
            "Monte Carlo intervals (95 %) are the estimate plus and minus 1.96 Monte Carlo "
            "standard errors."
        )
    return out


def _own(one: OwnMeasure, told: Mapping[str, str]) -> str:
    """A measure of the user's own: what it says that it is, and where it stands."""
    file = escape(Path(one.use.file).name)
    place = f"in the file {file}" if one.use.file else "given from Python"
    said = prose(told.get(one.name, "")).rstrip(".")
    where = f"`{one.name}` {place}, the SHA-256 of which begins {one.use.digest}"
    return f"{escape(one.name.replace('_', ' '))} ({where})" + (f": {said}" if said else "")
