"""A scenario's name for ever.

This is format. The digest is SHA-256 over canonical JSON: sorted keys, fields at their
default left out (so that a new optional field never changes an old stream), every number
an IEEE double (5 and 5.0 alike), a file by its content. Seed, alpha, methods, names and
the number of replications are not in it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from simstudy.generators import sizes
from simstudy.generators.part import registered
from simstudy.generators.scenario import Covariate, OwnGenerator, Scenario
from simstudy.study.fields import DEFAULTS, is_default

_written = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def canonical(scenario: Scenario) -> str:
    """Canonical JSON of a scenario."""
    content: dict[str, Any] = {
        "n_clusters": float(scenario.n_clusters),
        "cluster_size": sizes.canonical(scenario.size),
        "icc": scenario.icc + 0.0,
        "slope": scenario.slope + 0.0,
        "x": scenario.x,
    }
    if scenario.generator is not None:
        content = {key: value for key, value in content.items() if value == value}  # NaN: not given
        content["data"] = _generator(scenario.generator)
    if scenario.x_icc is not None:
        content["x_icc"] = scenario.x_icc + 0.0
    if scenario.given is not None:
        content["x"] = {"file": scenario.given.digest}
    for key in ("intercept", "total_variance", "contextual_effect", "slope_sd",
                "slope_correlation"):  # fmt: skip
        content[key] = getattr(scenario, key) + 0.0
    for name, value in scenario.parts:
        content[name] = registered()[name].canonical(value)
    if scenario.covariates:
        content["covariates"] = {one.name: _covariate(one) for one in scenario.covariates}
    kept = {k: v for k, v in content.items() if k not in DEFAULTS or v != DEFAULTS[k]}
    return _written(kept)


def _generator(generator: OwnGenerator) -> dict[str, Any]:
    """A function by its file's content, wherever that lies, and its options."""
    options = {name: [_plain(one) for one in value] if isinstance(value, tuple) else _plain(value)
               for name, value in generator.options}  # fmt: skip
    head = {"use": generator.function, "digest": generator.digest}
    return head | ({"options": options} if options else {})


def _plain(value: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) + 0.0 if number else value


def _covariate(covariate: Covariate) -> dict[str, Any]:
    """What is said of a covariate, defaults left out; its place in the study file is no part."""
    content: dict[str, Any] = {"slope": covariate.slope + 0.0, "type": covariate.type}
    if covariate.icc is not None:
        content["icc"] = covariate.icc + 0.0
    if covariate.given is not None:
        content["type"] = {"file": covariate.given.digest}
    if covariate.correlations:
        content["correlation"] = {
            pair.other: {level: value + 0.0
                         for level in ("within", "between")
                         if (value := getattr(pair, level)) is not None}
            for pair in covariate.correlations
        }  # fmt: skip
    return {key: value for key, value in content.items() if not is_default(f".{key}", value)}


def digest(scenario: Scenario) -> tuple[str, int]:
    """The scenario's id (8 hexadecimal digits) and the 128 bits that key its streams."""
    hashed = hashlib.sha256(canonical(scenario).encode()).digest()
    return hashed.hex()[:8], int.from_bytes(hashed[:16], "big")
