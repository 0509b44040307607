"""Which rows a summary may have, as far as the study file says."""

from __future__ import annotations

from simstudy.entries import Entry
from simstudy.estimands import is_null
from simstudy.measures.catalog import record_of
from simstudy.measures.names import Asked
from simstudy.registry import Method, OwnMethod
from simstudy.study.grid import Design


def may_have(one: Asked, design: Design, method: Method) -> bool:
    """Whether a method may have a measure in a scenario.

    With a truth that is not known before data are drawn it may.
    """
    record = record_of(one.measure)
    entry: Entry | None = None if isinstance(method, OwnMethod) else method.entry
    if record.needs & {"tests", "interval", "std_error"} and not method.tested:
        return False
    if record.needs & {"interval", "std_error"} and entry is not None and entry.tests_only:
        return False
    truth = method.truth(design.scenario)
    null = bool(is_null(truth, method.null_value))
    wanted = True if record.where_null else one.null
    return truth != truth or wanted in (None, null)
