"""Groups of clusters with an effect of their own."""

from __future__ import annotations

from dataclasses import dataclass

from simstudy.forms import Fields, Form, Number
from simstudy.generators.part import NONE, Part, clusters, register
from simstudy.generators.scenario import Scenario

STREAM = 13


@dataclass(frozen=True, slots=True)
class ThirdLevel:
    """Groups of clusters.

    Attributes
    ----------
    clusters : int
        Clusters in a group.
    icc, x_icc : float
        Shares of the variances of y given x, and of x, that lie between groups.
    """

    clusters: int
    icc: float
    x_icc: float = 0.0


_FORMS: dict[str, Form] = {
    "clusters": Number("clusters in a group", 2, 1_000_000, integer=True),
    "icc": Number("share of the variance of y given x between groups", 0, 1, high_open=True),
    "x_icc": Number("share of the variance of x between groups", 0, 1),
}


def _refuse(scenario: Scenario) -> str | None:
    third, x_icc = scenario.part("third_level"), scenario.x_icc
    if scenario.n_clusters % third.clusters or scenario.n_clusters == third.clusters:
        return f"{scenario.n_clusters} clusters are not two or more groups of {third.clusters}"
    if third.icc > scenario.icc:
        return (
            f"icc {third.icc:g} is above icc {scenario.icc:g}, which is that of groups and clusters"
        )
    if third.x_icc and x_icc is None:
        return f"x_icc does not go with x: {scenario.x}"
    if x_icc is not None and third.x_icc > x_icc:
        return (
            f"x_icc {third.x_icc:g} is above x_icc {x_icc:g}, which is that of groups and clusters"
        )
    if scenario.x == "binary" and third.x_icc not in (0.0, 1.0):
        return f"x_icc {third.x_icc:g} is neither 0 nor 1, which x: binary needs"
    return None


def _text(value: ThirdLevel | None) -> str:
    if value is None:
        return NONE
    return f"clusters {value.clusters}, icc {value.icc:g}, x_icc {value.x_icc:g}"


def _canonical(value: ThirdLevel) -> dict[str, float]:
    return {"clusters": float(value.clusters), "icc": value.icc + 0.0, "x_icc": value.x_icc + 0.0}


register(Part(
    name="third_level",
    stream=STREAM,
    summary="groups of clusters, with an effect of their own",
    form=Fields("{clusters: m, icc: r, x_icc: r}", _FORMS, {
        "m": "clusters", "n_clusters": "clusters", "clusters_per_group": "clusters",
        "size": "clusters", "cluster_size": "clusters", "rho": "icc", "icc3": "icc",
        "rho_x": "x_icc", "icc_x": "x_icc",
        "groups": "write clusters, how many make a group: n_clusters over the number of groups",
        "n_groups": "write clusters, how many make a group: n_clusters over the number of groups",
    }, optional=("x_icc",)),
    make=lambda read: ThirdLevel(**read),
    default=None,
    text=_text,
    canonical=_canonical,
    factors=True,
    subject="effects",
    words="grouping of clusters",
    symbol="m",
    inner={
        "clusters": ("clusters in a group", "m"),
        "icc": ("intraclass correlation of groups", "r_3"),
        "x_icc": ("the predictor's intraclass correlation of groups", "r_{3x}"),
    },
    exact_at=clusters,
    refuse=_refuse,
    keeps_effects=True,
    account=lambda value: "Every $m$ consecutive clusters formed a group with an effect of its "
        "own, $u_j = w_{g(j)} + u'_j$ with independent normal $w_g$. The share $r_3$ of the "
        r"variance of $u_j + e_{ij}$ lay between groups, and the share $\rho$ between groups and "
        "between clusters; what else is said of cluster effects is said of $u'_j$. The "
        "share $r_{3x}$ of the variance of $x$ lay between groups.",
    example={"clusters": 2, "icc": 0.05, "x_icc": 0},
    synonyms="level3 supergroups top_level three_level schools_of_classes level_3 lvl3 threelevel "
        "three_levels third_level_icc groups_of_clusters districts higher_level icc3",
    advice={"write third_level: {clusters: how many make a group, icc: 0.05}": "n_groups_level3 "
        "n3 level3_n n_level3 n_top n_districts"},
    instead=lambda value: f"{{clusters: {value if type(value) is int and value > 1 else 5}, "
        "icc: 0.05}",
))  # fmt: skip
