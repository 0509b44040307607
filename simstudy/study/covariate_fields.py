"""What may stand under `covariates` in a study file, as data."""

from __future__ import annotations

from typing import Any

from simstudy.errors import meanings
from simstudy.estimands import ESTIMANDS
from simstudy.forms import Number
from simstudy.study import fields

NUMBERS = {
    "icc": Number("share of the covariate's variance that lies between clusters", 0, 1),
    "slope": Number("true slope of y on the covariate", -1e6, 1e6),
}
CORRELATION = Number(
    "correlation of components", -1, 1, low_open=True, high_open=True
)  # fmt: skip
SUMMARIES = {
    **{key: number.summary for key, number in NUMBERS.items()},
    "type": "as x: normal (the default, of variance 1), binary, binary_blocked, or a column",
    "column": "a column of the file of x, instead of a type",
    "correlation": "with x and other covariates, within and between clusters: 0 if not given, "
    "for two covariates what x brings about",
}
LEVELS = ("within", "between")
RESERVED = ("x", "y", "cluster", "group", *fields.SCENARIO_FIELDS, *ESTIMANDS)
NAME = {"type": "string", "pattern": r"^[^\W\d]\w*$", "not": {"enum": list(RESERVED)}}

WORDS = meanings(
    {
        "write slope, in units of the covariate's standard deviation": "r2 r_squared sd variance "
            "var scale",
        "a normal covariate has mean 0 and variance 1: put its units into slope": "mean mu",
        "write icc: 0 of a unit's own, 1 of whole clusters": "level at_level varies within "
            "between level1 level2",
        "write correlation: {x: r}": "r_x cor_x corr_x x_correlation confounding",
        "write a binary covariate for every group but one": "levels categories n_levels groups",
        "write slope_sd, of x: no other slope varies": "slope_sd random_slope random_slope_sd",
    },
    icc="rho x_icc z_icc icc_z rho_z icc_x intraclass_correlation vpc icc1",
    slope="beta effect gamma coefficient coef b theta delta weight",
    type="x kind distribution family dist x_type",
    column="variable col field file",
    correlation="cor corr correlations r correlated cors",
)  # fmt: skip
LEVEL_WORDS = meanings(within="unit units level1 w", between="cluster clusters level2 b")


def schema() -> dict[str, Any]:
    """JSON Schema of the mapping."""
    number = _or_list(CORRELATION.schema())
    levels = _mapping(dict.fromkeys(LEVELS, number))
    column = _mapping({"column": {"type": "string"}}) | {"required": ["column"]}
    values: dict[str, Any] = {key: number.schema() for key, number in NUMBERS.items()}
    values["type"] = {"anyOf": [{"enum": list(fields.COVARIATE_KINDS)}, column]}
    values["column"] = {"type": "string"}
    properties: dict[str, Any] = {key: _or_list(value) for key, value in values.items()}
    properties["correlation"] = {
        "type": "object",
        "additionalProperties": {"anyOf": [number, _or_list(levels)]},
    }
    for key, summary in SUMMARIES.items():
        properties[key] = {"description": summary, **properties[key]}
    return {
        "type": "object",
        "propertyNames": NAME,
        "additionalProperties": _mapping(properties) | {"minProperties": 1},
    }


def _or_list(one: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def _mapping(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}
