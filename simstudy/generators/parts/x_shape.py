"""A predictor that is continuous and not normal."""

from simstudy.generators import shapes
from simstudy.generators.part import Part, register
from simstudy.generators.parts._written import ShapeForm
from simstudy.generators.scenario import Scenario
from simstudy.generators.shapes import NORMAL

STREAM = 5  # of the parts of x, normal or not


def _refuse(scenario: Scenario) -> str | None:
    if scenario.x != "normal":
        return f"shapes the parts of a normal x, and x is {scenario.x}"
    if any(pair.other == "x" for one in scenario.covariates for pair in one.correlations):
        return "goes with covariates that are not correlated with x: leave out the correlation"
    return None


def _account(shape: shapes.Shape) -> str:
    return (
        f"The cluster part and the unit part of the predictor had {shapes.words(shape)} "
        "instead of a normal one, each of variance 1."
    )


register(Part(
    name="x_shape",
    stream=STREAM,
    summary="shape of the cluster part and the unit part of a normal x",
    form=ShapeForm("shape of the distributions of the cluster and the unit part of x"),
    default=NORMAL,
    text=shapes.text,
    canonical=shapes.canonical,
    subject="predictor",
    words="distribution of the predictor",
    symbol="a_j, b_{ij}",
    exact_at=lambda scenario: "clusters" if scenario.x_icc == 1.0 else "rows",
    refuse=_refuse,
    keeps_effects=True,
    account=_account,
    example="uniform",
    synonyms="x_dist predictor_distribution predictor_shape x_skew shape_of_x x_skewness x_family",
))  # fmt: skip
