"""What data a study draws, in sentences with equations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simstudy.generators.predictor import gamma_shape, icc_of
from simstudy.generators.scenario import GivenX, Scenario, SizeRule
from simstudy.report.tables.markdown import escape
from simstudy.study.fields import DEFAULTS
from simstudy.study.grid import text_of
from simstudy.study.study import Study

_FACTORS = {
    "n_clusters": "number of clusters, $J$",
    "cluster_size": "units in a cluster, $n_j$",
    "icc": r"intraclass correlation of the outcome given the predictor, $\rho$",
    "x_icc": r"share of the predictor's variance between clusters, $\rho_x$",
    "slope": r"slope, $\beta_1$",
    "intercept": r"intercept, $\beta_0$",
    "total_variance": r"total variance given the predictor, $\omega^2$",
    "within_variance": r"variance within clusters given the predictor, $\sigma^2$",
    "contextual_effect": r"contextual effect, $\gamma$",
    "x": "predictor, $x$",
}


def data_section(study: Study) -> list[str]:
    """Paragraphs on the data-generating mechanisms: equations, predictors, sizes, factors."""
    scenarios = [design.scenario for design in study.designs]
    written = {"within_variance" in design.levels for design in study.designs}
    out = [
        _model(scenarios, written),
        *_predictors(scenarios),
        *_sizes(scenarios),
        _drawn(study, scenarios),
    ]
    for k, grid in enumerate(grids := _grids(study)):
        shown = grid if contextual(scenarios) else grid | {"contextual_effect": None}
        out += [_crossing(k, len(grids), len(scenarios)), factor_table(shown)]
    return out


def symbols(levels: Mapping[str, Any]) -> dict[str, str]:
    """A scenario's levels as Markdown, by the symbols of their factors."""
    return {
        text.rpartition(", ")[2]: escape(text_of(levels[name]))
        for name, text in _FACTORS.items()
        if levels.get(name) is not None
    }


def contextual(scenarios: list[Scenario]) -> bool:
    """Whether some scenario has a contextual effect."""
    return any(scenario.contextual_effect != 0 for scenario in scenarios)


def _model(scenarios: list[Scenario], within: set[bool]) -> str:
    """The model; `within` says whether the variance within clusters was set, or the total."""
    more, what = "", ""
    variances = {
        False: r"$\tau^2 = \rho\,\omega^2$ and $\sigma^2 = (1 - \rho)\,\omega^2$",
        True: r"$\tau^2 = \sigma^2 \rho / (1 - \rho)$",
    }
    split = ", or, where $\\sigma^2$ was set, ".join(variances[one] for one in sorted(within))
    if contextual(scenarios):
        more = r" + \gamma \bar x_j"
        what = (
            r" Here $\bar x_j$ is the mean of the predictor in cluster $j$ and $\gamma$ the "
            "contextual effect, the between-cluster minus the within-cluster slope."
        )
    return (
        "The outcome of unit $i = 1, \\dots, n_j$ in cluster $j = 1, \\dots, J$ was generated "
        "from\n\n"
        rf"$$y_{{ij}} = \beta_0 + \beta_1 x_{{ij}}{more} + u_j + e_{{ij}}, \qquad "
        r"u_j \sim N(0, \tau^2), \quad e_{ij} \sim N(0, \sigma^2),$$"
        "\n\n"
        r"with all $u_j$ and $e_{ij}$ independent of each other and of the predictor, "
        rf"{split}, so that $\rho$ is the "
        rf"intraclass correlation of the outcome given the predictor.{what}"
    )


def _predictors(scenarios: list[Scenario]) -> list[str]:
    """A paragraph for every kind of predictor that is used."""
    out = []
    normal = {s.x_icc for s in scenarios if s.x == "normal"}
    if normal:
        out.append(_normal(normal))
    binary = {s.x_icc for s in scenarios if s.x == "binary"}
    if 1.0 in binary:
        out.append(
            r"With $\rho_x = 1$, the binary predictor was a treatment of whole clusters: "
            r"$\lfloor J/2 \rfloor$ clusters had $x_{ij} = 1$ and the others $x_{ij} = 0$, "
            "assigned at random in every replication."
        )
    if 0.0 in binary:
        out.append(
            r"With $\rho_x = 0$, the binary predictor was a treatment of units: every unit had "
            r"$x_{ij} = 1$ with probability 1/2 and else $x_{ij} = 0$, independently."
        )
    if any(s.x == "binary_blocked" for s in scenarios):
        out.append(
            "The blocked binary predictor was a treatment randomized within clusters: half of "
            r"the units of every cluster had $x_{ij} = 1$ and the others $x_{ij} = 0$; in "
            "clusters of odd size, the half was rounded down and up in turn. Its intraclass "
            "correlation is $-1/(n - 1)$ in clusters of an even size $n$."
        )
    given = {s.given.digest: s.given for s in scenarios if s.given is not None}
    for file in given.values():
        sizes = file.sizes
        out.append(
            f"The predictor and its clusters ({sizes.size} clusters of {sizes.min()} to "
            f"{sizes.max()} units, {sizes.sum():,} in all) were taken from a data file and were "
            "the same in every replication. The intraclass correlation of the predictor was "
            f"{icc_of(file):.3g} (one-way analysis of variance).{_left_out(file)}"
        )
    return out


def _left_out(file: GivenX) -> str:
    """What was done to a predictor from a file, if anything."""
    text = ""
    if file.n_dropped:
        rows = "One row" if file.n_dropped == 1 else f"{file.n_dropped:,} rows"
        was = "was" if file.n_dropped == 1 else "were"
        text += f" {rows} without a predictor or a cluster {was} left out."
    if file.words:
        text += f" It was coded 0 for {escape(file.words[0])} and 1 for {escape(file.words[1])}."
    return text


def _normal(shares: set[float | None]) -> str:
    if shares == {0.0}:
        return r"The predictor was $x_{ij} \sim N(0, 1)$, independent between all units."
    if shares == {1.0}:
        return (
            r"The predictor was that of the cluster, $x_{ij} = a_j$ with independent "
            r"$a_j \sim N(0, 1)$."
        )
    return (
        r"The predictor was"
        "\n\n"
        r"$$x_{ij} = \sqrt{\rho_x}\, a_j + \sqrt{1 - \rho_x}\, b_{ij}, \qquad a_j, b_{ij} \sim "
        r"N(0, 1) \text{ independent},$$"
        "\n\n"
        r"so that the share $\rho_x$ of its variance lay between clusters."
    )


def _sizes(scenarios: list[Scenario]) -> list[str]:
    """A sentence for every rule of cluster sizes that is used."""
    rules = dict.fromkeys(s.size for s in scenarios if s.x != "file")
    kinds = dict.fromkeys(rule.kind for rule in rules)
    sentences = []
    for kind in kinds:
        of_kind = [rule for rule in rules if rule.kind == kind]
        sentences.append(_rule(kind, of_kind))
    drawn = any(rule.random for rule in rules)
    more = ["Random sizes were independent and drawn anew in every replication."] if drawn else []
    return [" ".join([*sentences, *more])] if sentences else []


def _rule(kind: str, rules: list[SizeRule]) -> str:
    if kind == "fixed":
        sizes = _either([f"{r.values[0]:g}" for r in rules])
        return f"Where the cluster size is one number ({sizes}), all clusters had that many units."
    if kind == "uniform":
        spans = [f"{r.values[0]:g} to {r.values[1]:g}" for r in rules]
        return (
            f"Uniform cluster sizes were whole numbers from {_either(spans)}, both ends "
            "included, with equal probability."
        )
    if kind == "poisson":
        means = _either([f"{r.values[0]:g}" for r in rules])
        return f"Poisson cluster sizes had mean {means} before conditioning on at least one unit."
    if kind == "gamma":
        forms = [
            "mean {:g} and coefficient of variation {:g} (shape {:.6g}, scale {:.6g})".format(
                *r.values, *gamma_shape(*r.values)
            )
            for r in rules
        ]
        return (
            "Cluster sizes of given mean and coefficient of variation were one plus a gamma "
            "variate, rounded up with a probability equal to its fractional part and else down: "
            f"{_either(forms)}."
        )
    listed = _either(["(" + ", ".join(f"{n:g}" for n in r.values) + ")" for r in rules])
    return f"Listed cluster sizes were the same in every replication: {listed}."


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _drawn(study: Study, scenarios: list[Scenario]) -> str:
    given = all(s.x in ("file", "binary_blocked") and not s.size.random for s in scenarios)
    what = "The errors were" if given else "Predictor and errors were"
    if any(s.x in ("file", "binary_blocked") for s in scenarios) and not given:
        what = "Errors, and predictors that are random, were"
    text = f"{what} drawn anew in every replication."
    if study.grain == "rows":
        return text
    own = any(method.use is not None for method in study.methods)
    these = "the built-in methods depend" if own else "the methods depend"
    text = (
        f"{text} Since {these} on the data through the sizes, means and sums of "
        "squares and products of the clusters alone, these were drawn from their exact joint "
        "distribution instead of unit by unit [@Bartlett1933; @OlkinRubin1964]."
    )
    if own:
        text += " Where a method of the authors' own reads units, they were drawn given these."
    return text


def _grids(study: Study) -> list[dict[str, Any]]:
    return study.scenarios if isinstance(study.scenarios, list) else [study.scenarios]


def _crossing(k: int, of: int, n_scenarios: int) -> str:
    if of == 1:
        many = n_scenarios > 1
        crossed = "All levels were crossed, which gave" if many else "There was"
        return f"{crossed} {n_scenarios:,} scenario{'s' if many else ''}:"
    lead = f"There were {n_scenarios:,} scenarios, in {of} sets. " if not k else ""
    return f"{lead}Set {k + 1} crossed these levels:"


def factor_table(grid: dict[str, Any]) -> str:
    """Every field of a grid with its levels, as a Markdown table."""
    lines = ["| Factor | Levels |", "|:---|:---|"]
    for name, text in _FACTORS.items():
        value = grid.get(name, DEFAULTS.get(name))
        decided = name == "total_variance" and "within_variance" in grid
        if value is None or decided:
            continue
        levels = value if isinstance(value, list) else [value]
        shown = "; ".join(escape(text_of(level)) for level in levels)
        lines.append(f"| {text} | {shown} |")
    return "\n".join(lines)
