"""One mapping of scenario fields to a `Scenario`."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from simstudy.errors import UserError, nearest
from simstudy.generators import sizes
from simstudy.generators.scenario import GivenX, OwnGenerator, Scenario
from simstudy.generators.sizes import SizeRule
from simstudy.study import covariates, fields, generators, parts, vocabulary
from simstudy.study.place import Place


def scenario(
    at: Place, given: Mapping[str, Place], generator: OwnGenerator | None = None
) -> Scenario:
    """Check one combination of fields and build its scenario.

    Parameters
    ----------
    at : Place
        Of the whole.
    given : mapping
        Field -> its value, where that stands.
    generator : OwnGenerator, optional
        What draws the data, where that is the user's own: then fields may be left out.
    """
    given = generators.without(given)
    numbers = {
        key: float(number.read(given[key]))
        for key, number in fields.SCENARIO_NUMBERS.items()
        if key in given
    }
    _settle_variance(numbers, given)
    columns = covariates.columns_of(given)
    kind, x, files = predictor(given["x"], columns) if "x" in given else ("normal", None, {})
    for column in columns.values() if x is None else ():
        column.refuse("is a column of the file of x, and x has none")
    if x is not None and generator is not None:
        given["x"].refuse("does not go with data: {use: ...} (the generator draws x)")
    if x is not None:
        for key in ("n_clusters", "cluster_size"):
            if key in given:
                given[key].refuse("does not go with x: {file: ...} (the file decides it)")
        size = SizeRule("listed", tuple(int(n) for n in x.sizes))
        n_clusters = x.sizes.size
    else:
        n_clusters, size = clusters(at, given)
    for key in ("icc", "slope"):
        if key not in numbers and generator is None:
            at.refuse(f"'{key}' is missing{_why(key)}")
    x_icc = _x_icc(at, given, kind, generator is not None)
    optional: dict[str, Any] = {k: v for k, v in numbers.items() if k in fields.DEFAULTS}
    plain = Scenario(
        n_clusters, size, numbers.get("icc", math.nan), x_icc, numbers.get("slope", math.nan),
        x=kind, given=x, generator=generator, **optional,
    )  # fmt: skip
    _refuse_meaningless(given, plain)
    listed = covariates.covariates(at, given, files, plain)
    settled = replace(plain, covariates=listed) if listed else plain
    whole = parts.with_parts(at, given, settled)
    if generator is not None:
        generators.refuse_groups(at, whole)
    return whole


def _refuse_meaningless(given: Mapping[str, Place], plain: Scenario) -> None:
    """Refuse what says nothing in such a scenario."""
    if plain.x == "time" and plain.equal_size == 1:
        given["x"].refuse("time needs clusters of more than one unit")
    if plain.contextual_effect:
        if plain.x_icc == 1.0 or _constant_within(plain.given):
            message = "cannot be told from the slope when x does not vary in clusters"
            given["contextual_effect"].refuse(message)
        if plain.x == "time":
            given["contextual_effect"].refuse("is that of the cluster mean of x: of time it is 0")
    if plain.slope_correlation and "slope_sd" not in given:
        given["slope_correlation"].refuse("says nothing without slope_sd")


def _settle_variance(numbers: dict[str, float], given: Mapping[str, Place]) -> None:
    """Put the total variance in the place of the one within clusters."""
    if "within_variance" not in numbers:
        return
    place = given["within_variance"]
    if "icc" not in numbers:
        place.refuse("says nothing without icc")
    if "total_variance" in numbers:
        place.refuse("stands beside total_variance, which it decides; give one")
    total = total_of(numbers.pop("within_variance"), numbers["icc"])
    most = fields.SCENARIO_NUMBERS["total_variance"].high
    if total > most:
        place.refuse(f"makes total_variance {total:g}, which is above {most:g}")
    numbers["total_variance"] = total


def total_of(within: float, icc: float) -> float:
    """Total variance of a variance within clusters and an ICC: within / (1 - icc).

    In doubles, but where the quotient of the two decimals is a decimal that a double shows
    (.57 / .95 is .6), that one: it is what people write by hand, and the digest is the same.
    """
    exact = Fraction(repr(within)) / (1 - Fraction(repr(icc)))
    nearest = float(exact)
    return nearest if Fraction(repr(nearest)) == exact else within / (1.0 - icc)


def variances(scenario: Scenario) -> dict[str, float]:
    """The fields that say how large the variance is: of a study that has both, in two grids."""
    total, icc = scenario.total_variance, scenario.icc
    if math.isnan(icc):
        return {"total_variance": total}
    within = Fraction(repr(total)) * (1 - Fraction(repr(icc)))
    return {"total_variance": total, "within_variance": float(within)}


def _why(key: str) -> str:
    return f" ({fields.SCENARIO_NUMBERS[key].summary})"


def _x_icc(at: Place, given: Mapping[str, Place], kind: str, may_lack: bool) -> float | None:
    """The predictor's ICC, where it is not decided by what else is said of x."""
    if kind not in ("normal", "binary"):
        if "x_icc" in given:
            reason = {"binary_blocked": "it is -1/(n - 1)", "file": "the file decides it"}.get(
                kind, "it is the order of the units, the same in every cluster"
            )
            given["x_icc"].refuse(f"does not go with x: {kind} ({reason})")
        return None
    if "x_icc" not in given and may_lack:
        return None
    if "x_icc" not in given:
        at.refuse(f"'x_icc' is missing{_why('x_icc')}: it decides whether ignoring clusters hurts")
    x_icc = float(given["x_icc"].value)
    if kind == "binary" and x_icc not in (0.0, 1.0):
        given["x_icc"].refuse(f"{x_icc:g} is neither 0 nor 1, which x: binary needs")
    return x_icc + 0.0


def _constant_within(given: GivenX | None) -> bool:
    if given is None:
        return False
    ends = given.sizes.cumsum()
    return all(
        (given.values[end - n : end] == given.values[end - 1]).all()
        for n, end in zip(given.sizes, ends, strict=True)
    )


def clusters(at: Place, given: Mapping[str, Place]) -> tuple[int, SizeRule]:
    """Number of clusters and the rule of their sizes."""
    if "cluster_size" not in given:
        at.refuse("'cluster_size' is missing (units a cluster)")
    size = sizes.read(given["cluster_size"])
    j = int(fields.N_CLUSTERS.read(given["n_clusters"])) if "n_clusters" in given else None
    if size.kind == "listed":
        if j is not None and j != len(size.values):
            message = f"{j} clusters, but cluster_size lists {len(size.values)} sizes"
            given["n_clusters"].refuse(message)
        j = len(size.values)
        if len(set(size.values)) == 1:
            size = SizeRule("fixed", size.values[:1])
    if j is None:
        at.refuse("'n_clusters' is missing (clusters)")
    return j, size


def predictor(
    place: Place, columns: Mapping[str, Place]
) -> tuple[str, GivenX | None, dict[str, GivenX]]:
    """Read `x`: a kind, or a mapping that names a file; and other columns of that file."""
    value = place.value
    if isinstance(value, str):
        if value not in fields.X_KINDS:
            hint = nearest(value, [*fields.X_KINDS, "{file: ...}"], vocabulary.X)
            place.refuse(f"'{value}' is not a predictor{hint}")
        return value, None, {}
    place.expect(dict, "normal, binary, binary_blocked or a file")
    place.allow(fields.X_KEYS, vocabulary.X_FILE)
    for key in fields.X_KEYS:
        if not isinstance(value.get(key), str):
            place.refuse(f"'{key}' must be given as text", *([key] if key in value else []))
    file, cluster = value["file"], value["cluster"]
    for column in columns.values():
        if column.value == value["column"]:
            column.refuse("is x itself")
        column.of_file(file, read_given, cluster, column.value)
    place.of_file(file, read_given, cluster, value["column"])
    wanted = [value["column"], *(column.value for column in columns.values())]
    x, *others = place.of_file(file, read_given, cluster, *wanted)
    return "file", x, dict(zip(columns, others, strict=True))


def read_given(path: str, cluster: str, *columns: str) -> list[GivenX]:
    """Read predictors and their clusters from a file.

    Rows that lack any of them are dropped.
    """
    from simstudy.readers import labels  # with Arrow's functions, which a run does without
    from simstudy.readers.given import refuse_useless
    from simstudy.readers.read import read

    rows = read(path).whole([*columns, cluster])
    read_columns = [rows.predictor(column) for column in columns]
    codes, _, _ = labels.clusters(rows.labels(cluster), own_order=False)
    complete = (codes >= 0) & ~np.any([np.isnan(x) for x, _ in read_columns], axis=0)
    if not complete.any():
        raise UserError("no row has both a predictor and a cluster", file=path)
    clusters_left, codes = np.unique(codes[complete], return_inverse=True)
    if clusters_left.size < 2:
        raise UserError("at least 2 clusters are needed", file=path)
    order = np.argsort(codes, kind="stable")
    sizes, n_dropped = np.bincount(codes), int((~complete).sum())
    given = []
    for column, (x, words) in zip(columns, read_columns, strict=True):
        x = x[complete]
        refuse_useless(x, column, path)
        ordered = np.ascontiguousarray(x[order])
        content = hashlib.sha256(sizes.astype("<i8").tobytes() + ordered.astype("<f8").tobytes())
        given.append(GivenX(sizes.astype(np.int64), ordered, content.hexdigest(), n_dropped, words))
    return given
