"""Design, run and publish Monte Carlo simulation studies about clustered data.

Importing this package imports nothing heavy: names are resolved when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "Results",
    "Study",
    "UserError",
    "__version__",
    "diagnose",
    "fit",
    "generator",
    "load",
    "measure",
    "method",
    "run",
    "solve",
    "summarize",
]

_HOMES = {
    "Results": "simstudy.results",
    "Study": "simstudy.study.study",
    "UserError": "simstudy.errors",
    "diagnose": "simstudy.answers.diagnosis.diagnosis",
    "fit": "simstudy.analysis.fit",
    "generator": "simstudy.custom.generator",
    "load": "simstudy.study.study",
    "measure": "simstudy.measures.own",
    "method": "simstudy.custom.declare",
    "run": "simstudy.results",
    "solve": "simstudy.answers.solve.solve",
    "summarize": "simstudy.summary.anybody",
}

if TYPE_CHECKING:
    from simstudy.analysis.fit import fit
    from simstudy.answers.diagnosis.diagnosis import diagnose
    from simstudy.answers.solve.solve import solve
    from simstudy.custom.declare import method
    from simstudy.custom.generator import generator
    from simstudy.errors import UserError
    from simstudy.measures.own import measure
    from simstudy.results import Results, run
    from simstudy.study.study import Study, load
    from simstudy.summary.anybody import summarize


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'simstudy' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
