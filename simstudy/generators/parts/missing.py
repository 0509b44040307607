"""Units or whole clusters that are lost after everything else is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simstudy.forms import Fields, Form, Number, Word
from simstudy.generators.components import given_covariates
from simstudy.generators.gaussian import Treatment
from simstudy.generators.part import NONE, Part, register
from simstudy.generators.scenario import Scenario
from simstudy.generators.sketch import Sketch
from simstudy.moments import Array, Floats

_STREAM = 14
_NODES = 64


@dataclass(frozen=True, slots=True)
class Missing:
    """What is lost.

    Attributes
    ----------
    units : float
        Expected share of the units.
    by : {"none", "x", "cluster"}
        Units whatever they are, units the more likely the larger their x, or whole clusters.
    """

    units: float
    by: str = "none"


def _exact_at(scenario: Scenario) -> str:
    """Units that are lost are known to clusters by their number alone.

    So units are drawn where they differ in more than the arm, and where what is lost stays in
    the mean of x that has an effect of its own.
    """
    missing = scenario.part("missing")
    if missing.by == "cluster":
        return "clusters"
    alike = scenario.two_arms or (scenario.x == "normal" and missing.by == "none")
    plain = not given_covariates(scenario) and not scenario.contextual_effect
    return "clusters" if alike and plain else "rows"


def _refuse(scenario: Scenario) -> str | None:
    if scenario.part("missing").by != "x":
        return None
    if scenario.x == "time" and not scenario.equal_size:
        return "by: x with x: time needs clusters of one size: else no share of units is known"
    if scenario.x == "normal" and scenario.part("x_shape").name != "normal":
        return "by: x needs a normal x: of other shapes the share that is lost is not known"
    return None


def _apply(sketch: Sketch, missing: Missing) -> None:
    rng = sketch.open(_STREAM)
    if missing.by == "cluster":
        kept = rng.random(sketch.shape) >= missing.units
        if sketch.units is not None:
            sketch.kept = sketch.units.spread(kept)
        else:
            sketch.sizes = sketch.planned * kept
    elif sketch.units is not None:
        assert sketch.x is not None
        sketch.kept = rng.random(sketch.units.shape) >= lost_share(sketch.scenario, sketch.x)
    else:
        _thin(rng, sketch)


def _thin(rng: np.random.Generator, sketch: Sketch) -> None:
    """Lose units of clusters, of each arm by itself."""
    scenario, treatment = sketch.scenario, sketch.treatment
    lost = [float(v) for v in lost_share(scenario, np.array([0.0, 1.0]))]
    if treatment is None or treatment.treated is None:
        sketch.sizes = rng.binomial(sketch.planned, 1.0 - lost[0], sketch.shape)
        return
    control = rng.binomial(sketch.planned - treatment.treated, 1.0 - lost[0], sketch.shape)
    treated = rng.binomial(treatment.treated, 1.0 - lost[1], sketch.shape)
    sketch.sizes = control + treated
    left = Treatment.of_treated(treated, np.maximum(sketch.sizes, 1))
    mean = np.where(sketch.sizes > 0, left.mean, treatment.mean)  # a lost cluster is in its arm
    sketch.treatment = replace(left, mean=mean)


def lost_share(scenario: Scenario, x: Floats) -> Floats:
    """Probability that a unit with this x is lost."""
    missing = scenario.part("missing")
    if missing.by == "none" or missing.units == 0.0:
        return np.full(1, missing.units).repeat(np.size(x)).reshape(np.shape(x))
    low, high = -800.0, 800.0
    nodes, weights = _law(scenario)
    for _ in range(80):
        constant = 0.5 * (low + high)
        if float(weights @ _logistic(constant + nodes)) < missing.units:
            low = constant
        else:
            high = constant
    return _logistic(0.5 * (low + high) + x)


def _logistic(values: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)))


def _law(scenario: Scenario) -> tuple[Array, Array]:
    """Values of x and their probabilities, as far as an integral of a smooth function goes."""
    if scenario.x == "normal":
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        return nodes, weights / weights.sum()
    if scenario.given is not None:
        values = scenario.given.values
        return values, np.full(values.size, 1.0 / values.size)
    if scenario.x == "time":
        n = scenario.equal_size or 1
        order = np.arange(n) - 0.5 * (n - 1)
        return order / np.sqrt((order**2).mean() or 1.0), np.full(n, 1.0 / n)
    share = scenario.treated_share
    return np.array([0.0, 1.0]), np.array([1.0 - share, share])


def _account(missing: Missing) -> str:
    if missing.by == "cluster":
        return f"Every cluster was lost with probability {missing.units:g}."
    if missing.by == "none":
        return f"Every unit was lost with probability {missing.units:g}, whatever its values."
    return (
        rf"Units were lost with probability $\operatorname{{logit}}^{{-1}}(c + x_{{ij}})$, $c$ "
        f"such that the expected share was {missing.units:g}."
    )


def _text(missing: Missing | None) -> str:
    if missing is None:
        return NONE
    return f"units {missing.units:g}" + (f" by {missing.by}" if missing.by != "none" else "")


def _instead(value: object) -> str:
    share = value if isinstance(value, float) and 0 < value < 1 else 0.2
    return f"{{units: {share:g}}}"


_FORMS: dict[str, Form] = {
    "units": Number("expected share of the units that is lost", 0, 1, high_open=True),
    "by": Word("what loss goes by: none, x or cluster", ("none", "x", "cluster"), {
        "mcar": "none", "random": "none", "mar": "x", "predictor": "x", "treatment": "x",
        "arm": "x", "clusters": "cluster", "group": "cluster",
        "mnar": "write x: no unit is lost for its y",
        "y": "write x: no unit is lost for its y",
    }),
}  # fmt: skip

register(Part(
    name="missing",
    stream=_STREAM,
    summary="units or whole clusters that are lost",
    form=Fields("{units: SHARE, by: none, x or cluster}", _FORMS, {
        "share": "units", "rate": "units", "p": "units", "proportion": "units",
        "prob": "units", "probability": "units", "mechanism": "by", "type": "by",
        "clusters": "write {units: SHARE, by: cluster} for whole clusters",
    }, optional=("by",)),
    make=lambda read: Missing(**read),
    default=None,
    text=_text,
    canonical=lambda missing: {"units": missing.units + 0.0, "by": missing.by},
    subject="units",
    words="loss of units",
    symbol="q",
    exact_at=_exact_at,
    stage="predictors",
    apply=_apply,
    refuse=_refuse,
    keeps_effects=True,
    account=_account,
    example={"units": 0.2},
    synonyms="missing_data missingness attrition dropout loss nonresponse lost mcar mar miss_prop "
        "missing_prop missing_rate dropout_rate attrition_rate simulate_missing loss_to_followup",
    advice={"units are lost by x, never by y; write missing: {units: 0.2, by: x}": "mnar"},
    instead=_instead,
))  # fmt: skip
