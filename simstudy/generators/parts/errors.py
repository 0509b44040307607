"""Errors of units that are not normal."""

from simstudy.generators import shapes
from simstudy.generators.part import Part, register, rows
from simstudy.generators.parts._written import ShapeForm
from simstudy.generators.scenario import Scenario
from simstudy.generators.shapes import NORMAL

STREAM = 4  # of the errors of units, normal or not


def _refuse(scenario: Scenario) -> str | None:
    if scenario.part("autocorrelation"):
        return "errors that follow each other are normal here: leave out autocorrelation, or this"
    return None


register(Part(
    name="errors",
    stream=STREAM,
    summary="shape of the distribution of the errors of units",
    form=ShapeForm("shape of the distribution of the errors of units"),
    default=NORMAL,
    text=shapes.text,
    canonical=shapes.canonical,
    subject="errors",
    words="distribution of errors",
    symbol="e_{ij}",
    exact_at=rows,
    refuse=_refuse,
    account=lambda shape: f"The errors $e_{{ij}}$ had {shapes.words(shape)}, "
        r"scaled to the variance $\sigma^2$.",
    example={"t": 5},
    synonyms="error_distribution residuals residual_distribution noise_distribution e_distribution "
        "level1_residuals error_dist lvl1_err lvl1_err_dist err_dist residual_shape",
    advice={"write errors, cluster_effects or, of a normal x, x_shape: {t: 5} or another shape":
        "distribution dist shape skew skewness skewed kurtosis nonnormal non_normal nonnormality "
        "outliers contamination heavy_tails family"},
))  # fmt: skip
