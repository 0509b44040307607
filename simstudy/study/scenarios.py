"""One mapping of scenario fields to a `Scenario`."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Any

from simstudy.errors import UserError, nearest
from simstudy.generators.scenario import GivenX, Scenario, SizeRule
from simstudy.readers import labels
from simstudy.readers.read import read
from simstudy.study import fields, vocabulary
from simstudy.study.yaml_lines import Document, Path_

Paths = dict[str, Path_]


def scenario(document: Document, values: dict[str, Any], paths: Paths, at: Path_) -> Scenario:
    """Check one combination of fields and build its scenario.

    Parameters
    ----------
    values : dict
        Field -> plain value.
    paths : dict
        Field -> where that value stands, for errors.
    at : tuple
        Where the whole stands.
    """

    def refuse(field: str, message: str) -> None:
        document.refuse(paths.get(field, (*at, field)), message)

    numbers = {
        key: float(number.check(document, paths[key], values[key]))
        for key, number in fields.SCENARIO_NUMBERS.items()
        if key in values
    }
    _settle_variance(numbers, refuse)
    kind, given = predictor(document, values.get("x", "normal"), paths.get("x", at))
    if given is not None:
        _refuse_given(values, refuse)
        size = SizeRule("listed", tuple(int(n) for n in given.sizes))
        n_clusters = given.sizes.size
    else:
        n_clusters, size = clusters(document, values, paths, at)
    for key in ("icc", "slope"):
        if key not in numbers:
            document.refuse(at, f"'{key}' is missing{_why(key)}")
    x_icc = _x_icc(kind, numbers, refuse, lambda m: document.refuse(at, m))
    if numbers.get("contextual_effect") and (x_icc == 1.0 or _constant_within(given)):
        refuse(
            "contextual_effect", "cannot be told from the slope when x does not vary in clusters"
        )
    optional = {k: v for k, v in numbers.items() if k in fields.DEFAULTS}
    return Scenario(
        n_clusters, size, numbers["icc"], x_icc, numbers["slope"], x=kind, given=given, **optional
    )


def _settle_variance(numbers: dict[str, float], refuse: Any) -> None:
    """Put the total variance in the place of the one within clusters."""
    if "within_variance" not in numbers or "icc" not in numbers:
        return
    if "total_variance" in numbers:
        refuse("within_variance", "stands beside total_variance, which it decides; give one")
    total = total_of(numbers.pop("within_variance"), numbers["icc"])
    most = fields.SCENARIO_NUMBERS["total_variance"].high
    if total > most:
        refuse("within_variance", f"makes total_variance {total:g}, which is above {most:g}")
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
    within = Fraction(repr(total)) * (1 - Fraction(repr(icc)))
    return {"total_variance": total, "within_variance": float(within)}


def _why(key: str) -> str:
    summary = fields.SCENARIO_NUMBERS[key].summary
    return f" ({summary})"


def _x_icc(kind: str, numbers: dict[str, float], refuse: Any, missing: Any) -> float | None:
    if kind in ("normal", "binary"):
        if "x_icc" not in numbers:
            missing(
                f"'x_icc' is missing{_why('x_icc')}: it decides whether ignoring clusters hurts"
            )
        x_icc = numbers["x_icc"] + 0.0
        if kind == "binary" and x_icc not in (0.0, 1.0):
            refuse("x_icc", f"{numbers['x_icc']:g} is neither 0 nor 1, which x: binary needs")
        return x_icc
    if "x_icc" in numbers:
        reason = "it is -1/(n - 1)" if kind == "binary_blocked" else "the file decides it"
        refuse("x_icc", f"does not go with x: {kind} ({reason})")
    return None


def _refuse_given(values: dict[str, Any], refuse: Any) -> None:
    for key in ("n_clusters", "cluster_size"):
        if key in values:
            refuse(key, "does not go with x: {file: ...} (the file decides it)")


def _constant_within(given: GivenX | None) -> bool:
    if given is None:
        return False
    ends = given.sizes.cumsum()
    return all(
        (given.values[end - n : end] == given.values[end - 1]).all()
        for n, end in zip(given.sizes, ends, strict=True)
    )


def clusters(
    document: Document, values: dict[str, Any], paths: Paths, at: Path_
) -> tuple[int, SizeRule]:
    """Number of clusters and the rule of their sizes."""
    if "cluster_size" not in values:
        document.refuse(at, "'cluster_size' is missing (units a cluster)")
    size = size_rule(document, values["cluster_size"], paths["cluster_size"])
    j = None
    if "n_clusters" in values:
        j = int(fields.N_CLUSTERS.check(document, paths["n_clusters"], values["n_clusters"]))
    if size.kind == "listed":
        if j is not None and j != len(size.values):
            message = f"{j} clusters, but cluster_size lists {len(size.values)} sizes"
            document.refuse(paths["n_clusters"], message)
        j = len(size.values)
        if len(set(size.values)) == 1:
            size = SizeRule("fixed", size.values[:1])
    if j is None:
        document.refuse(at, "'n_clusters' is missing (clusters)")
    return j, size


def size_rule(document: Document, value: Any, path: Path_) -> SizeRule:
    """Read any of the forms of `cluster_size`."""
    if not isinstance(value, dict):
        return SizeRule("fixed", (int(fields.CLUSTER_SIZE.check(document, path, value)),))
    for key in value:
        if key not in fields.SIZE_FORMS:
            document.refuse(
                (*path, key), f"unknown key{nearest(key, fields.SIZE_FORMS, vocabulary.SIZE)}"
            )
    keys = set(value)
    if keys == {"mean", "cv"}:
        return _gamma(document, value, path)
    if len(keys) != 1 or keys & {"mean", "cv"}:
        forms = "a number, {uniform: [a, b]}, {poisson: m}, {mean: m, cv: c} or {sizes: [...]}"
        document.refuse(path, f"expected {forms}")
    (key,) = keys
    if key == "poisson":
        return SizeRule("poisson", (float(_form(document, value, path, key)),))
    listed = value[key]
    if not isinstance(listed, list) or (key == "uniform" and len(listed) != 2):
        expected = "[low, high]" if key == "uniform" else "a list of sizes"
        document.refuse((*path, key), f"expected {expected}, got {fields.shown(listed)}")
    check = fields.CLUSTER_SIZE.check
    sizes = tuple(int(check(document, (*path, key, i), n)) for i, n in enumerate(listed))
    if key == "uniform":
        if sizes[0] > sizes[1]:
            document.refuse((*path, key), f"{sizes[0]} is above {sizes[1]}; expected [low, high]")
        return SizeRule("uniform", sizes)
    if len(sizes) < 2:
        document.refuse((*path, key), "at least 2 clusters are needed")
    return SizeRule("listed", sizes)


def _form(document: Document, value: dict[str, Any], path: Path_, key: str) -> float | int:
    return fields.SIZE_NUMBERS[key].check(document, (*path, key), value[key])


def _gamma(document: Document, value: dict[str, Any], path: Path_) -> SizeRule:
    mean, cv = (float(_form(document, value, path, key)) for key in ("mean", "cv"))
    if mean * cv < 0.5:
        hint = f"cluster_size: {round(mean)}"
        document.refuse(
            (*path, "cv"), f"{cv:g} of a mean of {mean:g} is less than half a unit; {hint}"
        )
    return SizeRule("gamma", (mean, cv))


def predictor(document: Document, value: Any, path: Path_) -> tuple[str, GivenX | None]:
    """Read `x`: a kind, or a mapping that names a file."""
    if isinstance(value, str):
        if value not in fields.X_KINDS:
            kinds = [*fields.X_KINDS, "{file: ...}"]
            document.refuse(
                path, f"'{value}' is not a predictor{nearest(value, kinds, vocabulary.X)}"
            )
        return value, None
    if not isinstance(value, dict):
        document.refuse(
            path, f"expected normal, binary, binary_blocked or a file, got {fields.shown(value)}"
        )
    for key in value:
        if key not in ("file", "column", "cluster"):
            hint = nearest(key, ("file", "column", "cluster"), vocabulary.X_FILE)
            document.refuse((*path, key), f"unknown key{hint}")
    for key in ("file", "column", "cluster"):
        if not isinstance(value.get(key), str):
            document.refuse(
                (*path, key) if key in value else path, f"'{key}' must be given as text"
            )
    try:
        return "file", read_given(document, value)
    except UserError as error:
        document.refuse(path, str(error))


def read_given(document: Document, value: dict[str, str]) -> GivenX:
    """Read a predictor and its clusters from a file, relative to the study file."""
    import numpy as np

    file = str(Path(document.file or "").parent / value["file"])
    rows = read(file).whole([value["column"], value["cluster"]])
    x, words = rows.predictor(value["column"])
    codes, _, _ = labels.clusters(rows.labels(value["cluster"]), own_order=False)
    complete = ~np.isnan(x) & (codes >= 0)
    if not complete.any():
        raise UserError("no row has both a predictor and a cluster", file=file)
    x = x[complete]
    there, codes = np.unique(codes[complete], return_inverse=True)
    if not np.isfinite(x).all():
        raise UserError(f"column '{value['column']}' has infinite values", file=file)
    if there.size < 2:
        raise UserError("at least 2 clusters are needed", file=file)
    if x.min() == x.max():
        raise UserError(f"column '{value['column']}' does not vary", file=file)
    order = np.argsort(codes, kind="stable")
    sizes, ordered = np.bincount(codes), np.ascontiguousarray(x[order])
    content = hashlib.sha256(sizes.astype("<i8").tobytes() + ordered.astype("<f8").tobytes())
    n_dropped = int((~complete).sum())
    return GivenX(sizes.astype(np.int64), ordered, content.hexdigest(), n_dropped, words)
