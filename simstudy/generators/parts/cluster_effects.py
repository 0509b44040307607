"""Cluster effects that are not normal."""

from simstudy.generators import shapes
from simstudy.generators.part import Part, clusters, register
from simstudy.generators.parts._written import ShapeForm
from simstudy.generators.shapes import NORMAL

STREAM = 3  # of the effects themselves, normal or not

register(Part(
    name="cluster_effects",
    stream=STREAM,
    summary="shape of the distribution of the cluster effects",
    form=ShapeForm("shape of the distribution of the cluster effects"),
    default=NORMAL,
    text=shapes.text,
    canonical=shapes.canonical,
    subject="effects",
    words="distribution of cluster effects",
    symbol="u_j",
    exact_at=clusters,
    account=lambda shape: f"The cluster effects $u_j$ had {shapes.words(shape)}, "
        r"scaled to the variance $\tau^2$.",
    example={"chi_square": 3},
    synonyms="random_effects effects_distribution u_distribution random_effects_distribution "
        "cluster_distribution ranef effects level2_residuals re_dist rand_dist random_dist "
        "rand_gen lvl2_err random_intercept_distribution",
))  # fmt: skip
