"""The share that is treated, where x is binary."""

from simstudy.forms import Number
from simstudy.generators.part import Part, clusters, register
from simstudy.generators.scenario import Scenario


def _refuse(scenario: Scenario) -> str | None:
    if scenario.x != "binary":
        return f"is the share of a binary x, and x is {scenario.x}"
    return None


register(Part(
    name="treated",
    stream=6,
    summary="share with x = 1 of clusters (x_icc 1) or of units (x_icc 0), x binary",
    form=Number("share treated", 0, 1, low_open=True, high_open=True),
    default=0.5,
    subject="predictor",
    words="share treated",
    symbol=r"\pi",
    exact_at=clusters,
    refuse=_refuse,
    keeps_effects=True,
    account=lambda value: r"The share treated, $\pi$, refers to units or, where whole clusters or "
        "groups were treated, to these: their number was rounded down, but was at least one and "
        "fewer than all.",
    example=0.2,
    synonyms="treatment_share p_treated prop_treated allocation treated_share share_treated "
        "allocation_ratio p_treatment prevalence",
))  # fmt: skip
