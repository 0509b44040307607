"""Fits as text that reads like R's ``summary(lmer(...))``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from simstudy.analysis import options
from simstudy.analysis.data import DataSet
from simstudy.analysis.fitted import Fit
from simstudy.errors import brief
from simstudy.estimates import Outcome
from simstudy.registry import Method

Value = float | None
_FIT = ("equation", "SE of slope", "R2", "residual SD")  # columns
_ESTIMATORS = {"reml": "REML", "ml": "maximum likelihood"}


def printed(data: DataSet, fits: Sequence[Fit]) -> str:
    """Every fit, then all of them compared, and separate lines where clusters are few."""
    head = [f"Formula: {data.terms.shown}", *data.remarks]
    with np.errstate(all="ignore"):
        blocks = ["\n".join(head), *(_fit(data, fit) for fit in fits), _options(data, fits)]
    return "\n\n".join(blocks)


def places(values: Sequence[Value], digits: int = 4) -> int:
    """Decimals at which the smallest value shows `digits` significant ones."""
    sizes = [abs(v) for v in values if v is not None and v != 0 and math.isfinite(v)]
    if not sizes:
        return digits - 1
    return min(8, max(0, digits - 1 - math.floor(math.log10(min(sizes)))))


def column(values: Sequence[Value], decimals: int, sign: str = "") -> list[str]:
    """Numbers of one column; a missing one is a dash."""

    def text(value: Value) -> str:
        if value is None or not math.isfinite(value):
            return "-"
        return f"{value:{sign}.{decimals}f}" if abs(value) < 1e9 else f"{value:{sign}.4e}"

    return [text(value) for value in values]


def p_text(p: Value, method: Method) -> str:
    """A p-value as R prints it, never 0: of n draws none is below 1/n, of others 2e-16."""
    if p is None:
        return "-"
    draws = dict(method.options).get("draws") if method.entry.draws else None
    least = 1.0 / draws if draws else 2e-16
    if p < least:
        return f"<{least:.2g}"
    return f"{p:.2e}" if p < 1e-4 else f"{p:.4f}"


def table(heading: list[str], rows: list[list[str]], left: int = 1) -> str:
    """Aligned columns, the first `left` of them to the left."""
    lines = [heading, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heading))]
    return "\n".join(
        " ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def slopes(fits: Sequence[Fit]) -> str:
    """The slope under test of every fit and its test, a line a method."""
    found = [fit.slope for fit in fits]
    decimals = places([slope[name] for slope in found for name in ("estimate", "std_error")], 3)
    rows, reasons = [], [""]
    for fit, slope in zip(fits, found, strict=True):
        numbers = column([slope["estimate"], slope["std_error"]], decimals)
        free = "inf" if slope["df"] == np.inf else column([slope["df"]], 1)[0]
        rows.append([fit.method.label, *numbers, free, p_text(slope["p_value"], fit.method)])
        reasons.append("  " + (fit.message or fit.status) if slope["estimate"] is None else "")
    lines = table([f"slope of {fits[0].tested}", "estimate", "SE", "df", "p"], rows).split("\n")
    return "\n".join(line + reason for line, reason in zip(lines, reasons, strict=True))


def _fit(data: DataSet, fit: Fit) -> str:
    data = data.at(fit.method.level)
    what = [fit.method.entry.summary, *(_words(*option) for option in fit.method.options)]
    lines = [f"--- {fit.method.label}: {', '.join(what)}"]
    if fit.blank:
        return "\n".join([*lines, f"{fit.status.replace('_', ' ')}: {brief(fit.message or '')}"])
    if fit.numbers["tau2"] is not None:
        lines += [*_random(data, fit), _sizes(data)]
    terms = [*fit.clusters[:1], *fit.terms, *fit.clusters[1:]]
    lines += ["", "Fixed effects:", _coefficients(fit, terms)]
    if fit.numbers["tau2"] is None:
        lines += [_sizes(data), *([_residual(fit)] if fit.method.entry.describe else [])]
    if fit.message:
        lines.append(fit.message)
    else:
        untested = (term["term"] for term in fit.terms if term["p_value"] is None)
        lines += [f"{name}: {Outcome.NO_STD_ERROR.reason}" for name in untested]
    if fit.status == "boundary":
        lines.append(f"boundary fit: the {_boundary(fit)}")
    return "\n".join(lines)


def _boundary(fit: Fit) -> str:
    if len(fit.random_effects or ()) > 1:
        return "covariance matrix of the random effects is singular"
    return "cluster variance is estimated as 0"


def _words(option: str, value: object) -> str:
    if option == "estimator":
        return _ESTIMATORS[str(value)]
    if option == "correlated":
        return "correlated" if value == "true" else "uncorrelated"
    plain = str(value).replace("_", " ")
    return f"{plain} SE" if option == "se" else f"{option} {plain}"


def _sizes(data: DataSet) -> str:
    cluster = data.random.cluster
    return f"Number of obs: {data.n_obs}, groups:  {cluster}, {len(data.labels)}"


def _random(data: DataSet, fit: Fit) -> list[str]:
    effects = fit.random_effects or [{"term": "(Intercept)", "variance": fit.numbers["tau2"]}]
    names = [effect["term"] for effect in effects]
    values = [*(effect["variance"] or 0.0 for effect in effects), fit.numbers["sigma2"] or 0.0]
    variances, sds = column(values, places(values)), [math.sqrt(value) for value in values]
    deviations = column(sds, places(sds))
    cluster = data.random.cluster
    criterion = fit.numbers["criterion"]
    name = "REML criterion" if dict(fit.method.options).get("estimator") != "ml" else "-2 log L"
    groups = [cluster, *[""] * (len(effects) - 1), "Residual"]
    rows = [list(row) for row in zip(groups, [*names, ""], variances, deviations, strict=True)]
    heading = ["Groups", "Name", "Variance", "Std.Dev."]
    if len(effects) > 1:
        heading.append("Corr")
        correlations = [effect["correlation"] for effect in effects]
        shown = ["" if value is None else f"{value:.2f}" for value in correlations]
        rows = [[*row, text] for row, text in zip(rows, [*shown, ""], strict=True)]
    icc = fit.numbers["icc"]
    return [
        "" if criterion is None else f"{name} at the optimum: {criterion:.4f}",
        "",
        "Random effects:",
        table(heading, rows, left=2),
        "" if icc is None else f"Intraclass correlation: {icc:.4f}",
    ]


def _coefficients(fit: Fit, terms: list[dict[str, Any]]) -> str:
    keys = ("estimate", "std_error", "df", "statistic", "ci_low", "ci_high")
    values = {key: [term[key] for term in terms] for key in keys}
    decimals = places([*values["estimate"], *values["std_error"]])
    text = {key: column(values[key], decimals) for key in keys}
    text["df"] = [_df(v) for v in values["df"]]
    text["statistic"] = column(values["statistic"], 3)
    p = [p_text(term["p_value"], fit.method) for term in terms]
    tested = [term for term in terms if term["estimate"] is not None]
    wald = all(term["df"] is None and term["std_error"] is not None for term in tested)
    letter = "z" if wald else "t"
    test = f"{letter} value", f"Pr(>|{letter}|)"
    heading = ["", "Estimate", "Std. Error", "df", *test, "2.5 %", "97.5 %"]
    order = ("estimate", "std_error", "df", "statistic")
    rows = [
        [term["term"], *(text[k][i] for k in order), p[i], text["ci_low"][i], text["ci_high"][i]]
        for i, term in enumerate(terms)
    ]
    return table(heading, rows)


def _df(value: Value) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value == round(value) else f"{value:.2f}"


def _residual(fit: Fit) -> str:
    (r_squared,) = column([fit.numbers["r_squared"]], 4)
    return f"Residual SD: {_alone(fit.numbers['sigma'])}, R-squared: {r_squared}"


def _options(data: DataSet, fits: Sequence[Fit]) -> str:
    j = len(data.labels)
    few = j <= options.DOZEN
    blocks = ["--- The options compared"]
    rows = []
    if few:
        lines = options.separate(data)
        blocks.append(_separate(data, lines))
        sd, rss = options.separate_total(data, lines)
        many = [f"separate ({j} lines)", "see above", "", *_r2_sd(options.r_squared(rss, data), sd)]
        rows.append([*many, str(options.n_parameters(data).sum())])
    rows += [_option(data, fit) for fit in fits]
    blocks.append(table(["option", *_FIT, "parameters"], rows, left=2))
    return "\n\n".join(blocks)


def _separate(data: DataSet, lines: options.Lines) -> str:
    residuals = options.mean_residuals(data)
    means = column(residuals, places([max(map(abs, residuals))], 2), "+")
    heading = [data.random.cluster, "n", *_FIT, "mean residual"]
    names = data.terms.outcome, data.names[0]
    rows = [
        [str(label), str(n), *_line(names, line, more=len(data.names) > 1), mean]
        for label, n, mean, *line in zip(data.labels, data.sizes, means, *lines, strict=True)
    ]
    note = "Separate regressions by cluster (mean residual: from the collapsed line)"
    return note + "\n" + table(heading, rows)


def _line(
    names: tuple[str, str], numbers: Sequence[Value], *, more: bool, unknown: str = "-"
) -> list[str]:
    """The cells of `_FIT`; `unknown` stands where a line has no intercept of its own.

    Parameters
    ----------
    names : of the outcome and the predictor
    numbers : intercept, slope, standard error of the slope, R-squared, residual SD
    more : bool
        Whether there are other predictors.
    """
    intercept, slope, std_error, r_squared, residual_sd = numbers
    size = "-" if slope is None else _alone(abs(slope))
    sign = "-" if (slope or 0.0) < 0 else "+"
    start = unknown if intercept is None else _alone(intercept)
    equation = f"{names[0]} = {start} {sign} {size} {names[1]}{' + ...' if more else ''}"
    if "-" in (start, size):
        equation = "-"
    return [equation, _alone(std_error), *_r2_sd(r_squared, residual_sd)]


def _r2_sd(r2: Value, sd: Value) -> list[str]:
    return [*column([r2], 3), _alone(sd, 3)]


def _alone(value: Value, digits: int = 4) -> str:
    """A number with decimals of its own."""
    return column([value], places([value], digits))[0]


def _option(data: DataSet, fit: Fit) -> list[str]:
    """A fit in a line: its equation, and what it spends on that."""
    method, entry = fit.method, fit.method.entry
    usual = method.label == method.name
    name = entry.lesson if entry.lesson and usual else method.label
    spent = options.n_spent(data, method)
    if fit.status in ("not_estimable", "failed"):
        reason = f"{fit.status.replace('_', ' ')}: {brief(fit.message or '', 80)}"
        return [name, reason, "-", "-", "-", spent]
    start = "a_j" if entry.own_intercepts else "..."
    statistics = fit.numbers["r_squared"], fit.numbers["sigma"]
    numbers = fit.intercept, fit.slope["estimate"], fit.slope["std_error"], *statistics
    names = data.terms.outcome, fit.tested
    return [name, *_line(names, numbers, more=len(fit.slopes) > 1, unknown=start), spent]
