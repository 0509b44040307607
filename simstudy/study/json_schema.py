"""The study file as JSON Schema, for editors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simstudy.entries import GRAINS, Entry, Option
from simstudy.estimands import DEFAULT, ESTIMANDS
from simstudy.generators import sizes
from simstudy.generators.part import NONE, Part, registered
from simstudy.generators.size_families import SIZE
from simstudy.plots import COMMON, OPTIONS, Plot, plots
from simstudy.registry import CLUSTERS, GROUPS, methods
from simstudy.study import covariate_fields, fields, generators, keeping, precision
from simstudy.study.claim_grammar import GRAMMAR as CLAIM
from simstudy.study.labels import KINDS as LABELED
from simstudy.study.tables import KEYS as TABLE_KEYS
from simstudy.where import GRAMMAR

_TEXT = {"type": "string"}
_COVARIATE = covariate_fields.NAME
_OMIT = {
    "description": "covariates left out of the model",
    "anyOf": [_COVARIATE, {"type": "array", "items": _COVARIATE, "uniqueItems": True}],
}
_LEVEL = {
    "description": "what counts as clusters: clusters (2), or the groups of a third level (3)",
    "enum": [CLUSTERS, GROUPS],
}
_WHEN = {
    "type": "string",
    "minLength": 1,
    "description": f"scenarios in which it is asked for (all): {GRAMMAR}",
}
_CLAIMS = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "description": CLAIM},
    "uniqueItems": True,
}
_USE = {
    "type": "string",
    "pattern": r"^(.*\.py|python):[^:]+$",
    "description": "FILE.py:FUNCTION, relative to this file. FILE.py is run as Python code; "
    "nothing is imported for a study file without it",
}
_DIGEST = {"description": "of the content that FILE.py must have", **_TEXT}
_NULL_VALUE = {"type": "number", "description": "what tests are about, 0 by default"}


def _or_list(item: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}


def _mapping(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": required,
    }


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the study file.

    It is as strict as a schema can be; what depends on two fields at once is checked by
    `load` alone.
    """
    figures = {"type": "array", "items": {"anyOf": [
        {"enum": list(plots())}, *(_figure(plot) for plot in plots().values()),
        _mapping({"use": _USE, "digest": _DIGEST}, ["use"]),
    ]}}  # fmt: skip
    report = {"figures": figures, "tables": _tables(), "page": {"type": "boolean"}}
    top = {
        "name": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"},
        "title": _TEXT,
        "aim": _TEXT,
        **{key: number.schema() for key, number in fields.TOP_NUMBERS.items()},
        "replications": {
            "anyOf": [fields.TOP_NUMBERS["replications"].schema(), precision.FORM.schema()]
        },
        "alpha": _or_list(fields.TOP_NUMBERS["alpha"].schema()),
        "scenarios": _or_list(_scenario()),
        "methods": {"type": "array", "minItems": 1, "items": _method()},
        "reference": {"type": ["string", "null"]},
        "grain": {"enum": list(GRAINS)},
        "measures": {"type": "array", "items": _measure()},
        "store": keeping.schema(),
        "labels": {"anyOf": [_labels(), {"type": "null"}]},
        "claims": {"anyOf": [_CLAIMS, {"type": "null"}]},
        "report": {"anyOf": [_mapping(report, []), {"type": "null"}]},
    }
    for key, summary in fields.TOP_FIELDS.items():
        top[key] = {"description": summary, **top[key]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "simstudy study file",
        **_mapping(top, list(fields.REQUIRED)),
    }


def _tables() -> dict[str, Any]:
    """What is asked of tables."""
    names = {"type": "array", "items": _TEXT}
    kinds = {"where": {"type": ["string", "null"]}, "interval": {"type": "boolean"}}
    return _mapping({key: kinds.get(key, names) for key in TABLE_KEYS}, [])


def _figure(plot: Plot) -> dict[str, Any]:
    """A figure with its options."""
    options = {name: OPTIONS[name] for name in (*plot.takes, *COMMON)}
    return _mapping({plot.name: {"anyOf": [_mapping(options, []), {"type": "null"}]}}, [plot.name])


def _labels() -> dict[str, Any]:
    """Texts by what they are of."""
    texts = {"type": "object", "additionalProperties": {"type": "string", "pattern": r"\S"}}
    inner = {"type": "object", "additionalProperties": texts}
    return _mapping({kind: inner if kind == "levels" else texts for kind in LABELED}, [])


def _scenario() -> dict[str, Any]:
    file = _mapping(dict.fromkeys(fields.X_KEYS, _TEXT), list(fields.X_KEYS))
    x = {"anyOf": [{"enum": list(fields.X_KINDS)}, file]}
    numbers = {"n_clusters": fields.N_CLUSTERS, **fields.SCENARIO_NUMBERS}
    described = {key: (number.summary, number.schema()) for key, number in numbers.items()}
    described["cluster_size"] = SIZE.summary, sizes.schema()
    described["x"] = "the predictor", x
    properties = {
        key: {"description": summary, **_or_list(levels)}
        for key, (summary, levels) in described.items()
    }
    summary = "other predictors by name; lists inside are factors, crossed with the others"
    properties["covariates"] = {"description": summary, **covariate_fields.schema()}
    for part in registered().values():
        properties[part.name] = {"description": part.summary, **_part(part)}
    properties[generators.FIELD] = {"description": fields.DATA, **_data()}
    drawn_here = {"required": ["icc", "slope"]}
    return _mapping(properties, []) | {"anyOf": [{"required": [generators.FIELD]}, drawn_here]}


def _data() -> dict[str, Any]:
    """A generator of the user's own, and its options."""
    plain = {"anyOf": [{"type": kind} for kind in ("number", "string", "boolean")]}
    values = {"type": "array", "minItems": 1, "items": plain}
    level = _or_list({"anyOf": [plain, values]})
    of_file = _mapping({"use": _USE, "digest": _DIGEST}, ["use"])
    return of_file | {"additionalProperties": level}


def _part(part: Part) -> dict[str, Any]:
    """A part of a design; where lists inside it are factors, any of its fields may be one."""
    written = part.form.schema()
    if part.factors:
        inner = {key: _or_list(one) for key, one in written["properties"].items()}
        written = {**written, "properties": inner}
    if part.default is None:
        written = {"anyOf": [{"enum": [NONE]}, written]}
    return written if part.factors else _or_list(written)


def _method() -> dict[str, Any]:
    names = {"enum": list(methods())}
    return {"anyOf": [names, *(_options(entry) for entry in methods().values()), _use()]}


def _use() -> dict[str, Any]:
    """A method of the user's own."""
    used = {
        "use": _USE,
        "label": {"type": "string", "minLength": 1},
        "estimand": _estimands(ESTIMANDS),
        "truth": _estimands(ESTIMANDS) | {"description": "an older word for estimand"},
        "null_value": _NULL_VALUE,
        "timeout": {"type": "number", "exclusiveMinimum": 0,
                    "description": "seconds that a fit may take; then its row is failed"},
        "when": _WHEN,
        "digest": _DIGEST,
    }  # fmt: skip
    option = {"anyOf": [{"type": kind} for kind in ("number", "string", "boolean")]}
    return _mapping(used, ["use"]) | {"additionalProperties": option}


def _measure() -> dict[str, Any]:
    """A measure of the user's own."""
    return _mapping({"use": _USE, "digest": _DIGEST}, ["use"])


def _options(entry: Entry) -> dict[str, Any]:
    options: dict[str, Any] = {
        option.name: {"description": option.summary, **_values(option)} for option in entry.options
    }
    options["estimand"] = _estimands(entry.possible())
    options["null_value"] = _NULL_VALUE
    options["when"] = _WHEN
    options["level"] = _LEVEL
    options["omit"] = _OMIT
    options["label"] = {"type": "string", "minLength": 1}
    chosen = {"anyOf": [_mapping(options, []), {"type": "null"}]}
    return _mapping({entry.name: {"description": entry.summary, **chosen}}, [entry.name])


def _estimands(names: Iterable[str]) -> dict[str, Any]:
    """Some of `ESTIMANDS`, and the name of a covariate where a slope is among them."""
    of_model = {"enum": list(names)}
    both = {"anyOf": [of_model, _COVARIATE]} if DEFAULT in of_model["enum"] else of_model
    return {"description": "what is estimated", **both}


def _values(option: Option) -> dict[str, Any]:
    if set(option.values) == {"true", "false"}:
        return {"type": "boolean"}
    if option.least is None:
        return {"enum": list(option.values)}
    return {"type": "integer", "minimum": option.least}
