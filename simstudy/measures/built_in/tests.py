"""Measures of tests."""

from __future__ import annotations

from simstudy.measures.record import ALL, RATE, TESTED, WITH_SE, Cells, Section, measure
from simstudy.measures.values import Value, proportion


@measure(
    Section.TESTS, TESTED, "Rejection rate",
    words="Rejection rate (Type I error rate where the null hypothesis is true, else power)",
    formula=r"share of $p_i<\alpha$", mcse=RATE, per_alpha=True, proportion=True, brief=True,
    synonyms=("rejection", "rejections", "reject", "significant"),
)  # fmt: skip
def rejection_rate(cells: Cells, k: int) -> Value:
    """Share of used replications whose test rejects."""
    return proportion(cells.totals.rejected[:, k], cells.totals.n_used)


@measure(
    Section.TESTS, ALL, "Rejection rate, if unused ones accept",
    words="Rejection rate if replications without a result had not been rejected",
    formula="rejections over all replications", mcse=RATE, per_alpha=True, proportion=True,
    more_needs=TESTED.needs,
)  # fmt: skip
def rejection_rate_lower_bound(cells: Cells, k: int) -> Value:
    """Share of all replications whose test rejects."""
    return proportion(cells.totals.rejected[:, k], cells.totals.n_all)


@measure(
    Section.TESTS, ALL, "Rejection rate, if unused ones reject",
    words="Rejection rate if replications without a result had been rejected",
    formula="rejections and replications without a result over all replications", mcse=RATE,
    per_alpha=True, proportion=True, more_needs=TESTED.needs,
)  # fmt: skip
def rejection_rate_upper_bound(cells: Cells, k: int) -> Value:
    """Share of all replications whose test rejects, or that have none."""
    n_all = cells.totals.n_all
    return proportion(cells.totals.rejected[:, k] + n_all - cells.totals.n_used, n_all)


@measure(
    Section.TESTS, TESTED, "Type I error inflation", decimals=2,
    words="Type I error inflation (where the null hypothesis is true)",
    formula=r"rejection rate over $\alpha$", mcse=r"that of the rejection rate over $\alpha$",
    per_alpha=True, over_alpha=True, where_null=True,
    synonyms=("inflation", "size_inflation", "alpha_inflation"),
)  # fmt: skip
def type1_inflation(cells: Cells, k: int) -> Value:
    """Type I error rate over alpha."""
    return Value(*(number / cells.alphas[k] for number in rejection_rate(cells, k)))


@measure(
    Section.TESTS, WITH_SE, "Type I error due to bias",
    words="Type I error due to bias", mcse="delta method",
    formula=r"$\Phi(-ck+d)+\Phi(-ck-d)-2\Phi(-ck)$, $d=(\bar t-\theta)/s$",
    per_alpha=True, where_null=True, forecast=False,
)  # fmt: skip
def type1_error_from_bias(cells: Cells, k: int) -> Value:
    """What bias adds to the Type I error; see `decompose`."""
    return cells.type1_parts[k][0]


@measure(
    Section.TESTS, WITH_SE, "Type I error due to the SE",
    words="Type I error due to the standard error", mcse="delta method",
    formula=r"$2\Phi(-ck)-2\Phi(-c)$, $k=m/s$, $c$ the mean critical value",
    per_alpha=True, where_null=True,
)  # fmt: skip
def type1_error_from_se(cells: Cells, k: int) -> Value:
    """What the standard error adds to the Type I error; see `decompose`."""
    return cells.type1_parts[k][1]


@measure(
    Section.TESTS, WITH_SE, "Type I error due to the reference distribution",
    words="Type I error due to the reference distribution", mcse="delta method",
    formula=r"rejection rate less $\alpha$ and the two parts above",
    per_alpha=True, where_null=True,
)  # fmt: skip
def type1_error_remainder(cells: Cells, k: int) -> Value:
    """What is left of the Type I error less alpha; see `decompose`."""
    return cells.type1_parts[k][2]
