"""What a study plans, as plain data, and the digest of that.

Whatever changes no number is no part of it: name, title, aim, labels, figures, what is stored, and
in what order scenarios and methods stand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simstudy.entries import PYTHON, CodeSource
from simstudy.registry import Method
from simstudy.study.grid import anywhere
from simstudy.study.study import Study

Level = float | int | str
Levels = Mapping[str, Level]


@dataclass(frozen=True, slots=True)
class Planned:
    """A method of a plan.

    Attributes
    ----------
    name : str
        The canonical one, with the options.
    label : str
        For display; no part of the plan.
    estimand : str
    when : str, optional
        The condition on the scenarios in which it is asked for.
    timeout : float, optional
        Seconds.
    """

    name: str
    label: str
    estimand: str
    when: str | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a study plans.

    Attributes
    ----------
    replications : int or mapping
        Of every scenario; or the rule by which one stops, as in a study file.
    reference, grain : str, optional
    methods : mapping
        Canonical name -> method.
    scenarios : mapping
        Id -> levels by their fields. The id is that of the scenario's content; the levels say in
        words what that is, and are no part of the plan.
    files : mapping
        What is taken from files, such as a predictor, a generator or a measure -> the digest of it.
    claims : tuple of str
    """

    seed: int
    alpha: tuple[float, ...]
    replications: int | Mapping[str, Any]
    reference: str | None
    grain: str | None
    methods: Mapping[str, Planned]
    scenarios: Mapping[str, Levels]
    files: Mapping[str, str]
    claims: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the plan as canonical JSON: sorted, without blanks and what is not given."""
        content = {
            "seed": self.seed,
            "alpha": list(self.alpha),
            "replications": self.replications,
            "reference": self.reference,
            "grain": self.grain,
            "methods": sorted(
                ({"name": one.name, "estimand": one.estimand}
                 | ({"when": one.when} if one.when else {})
                 | ({"timeout": one.timeout} if one.timeout else {})
                 for one in self.methods.values()), key=lambda one: str(one["name"])),
            "scenarios": sorted(self.scenarios),
            "files": self.files,
            "claims": sorted(self.claims),
        }  # fmt: skip
        kept = {key: value for key, value in content.items() if value not in (None, [], {})}
        text = json.dumps(kept, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def plan_of(study: Study) -> Plan:
    """The plan of a study that is loaded."""
    return Plan(
        seed=study.seed,
        alpha=study.alpha,
        replications=study.precision.written if study.precision else study.replications,
        reference=study.reference,
        grain=study.grain,
        methods={method.canonical: _planned(method) for method in study.methods},
        scenarios={design.id: anywhere(design.levels) for design in study.designs},
        files=_files(study),
        claims=tuple(" ".join(claim.text.split()) for claim in study.claims),
    )


def _planned(method: Method) -> Planned:
    when = None if method.when is None else method.when.text
    return Planned(method.canonical, method.label, method.estimand, when, method.timeout)


def _files(study: Study) -> dict[str, str]:
    """Digests of what no method's name holds: scenarios hold them, and do not say which it is."""
    given = {
        f"x {anywhere(design.levels)['x']}": design.scenario.given.digest
        for design in study.designs
        if design.scenario.given is not None and "x" in design.levels
    }
    generators = {f"data {own.place}": own.digest for own in study.generators.values()}
    measures = {f"measure {_place(one.source)}": one.source.digest for one in study.measures}
    return given | generators | measures


def _place(source: CodeSource) -> str:
    return f"{Path(source.file).name or PYTHON}:{source.function}"
