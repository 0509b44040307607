"""``simstudy check``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simstudy.conformance import conform
from simstudy.custom import load
from simstudy.custom.declare import MEASURE, account_of
from simstudy.custom.generator import GENERATOR
from simstudy.custom.verdict import Verdict
from simstudy.errors import UserError, WorkError
from simstudy.measures.trial import try_measure
from simstudy.study.code import Imports, settle
from simstudy.study.trial import try_generator
from simstudy.study.yaml_lines import parse

_WORDS = {True: "right", False: "WRONG", None: "note "}


def main(options: Namespace) -> None:
    """Try every decorated function of a file, or one of them; exit 1 if something is wrong."""
    place, _, only = options.file.rpartition(":")
    if not place or not only.isidentifier():
        place, only = options.file, ""
    path = Path(place).resolve()
    if path.suffix in (".yaml", ".yml") and path.is_file():
        message = f"is a study, not methods; try it with: python -m simstudy plan {place}"
        raise UserError(message, file=place)
    module = load.module_of(str(path), load.digest_of(load.content_of(path)))
    methods, measures = load.offered(module), load.offered(module, MEASURE)
    generators = load.offered(module, GENERATOR)
    names = [only] if only else [*generators, *methods, *measures]
    if not names:
        message = "no function has @simstudy.method, @simstudy.generator or @simstudy.measure"
        raise UserError(message, file=place)
    given = _options(options.options)
    wrong = []
    for name in names:
        if name in measures and name not in methods:
            heading, verdicts = _try_measure(name, measures[name], given)
        elif name in generators:
            heading, verdicts = _try_generator(path, name, generators[name], given)
        else:
            heading, verdicts = _try_method(path, name, given)
        print(heading)
        found = list(verdicts)
        for right, what in found:
            print(f"  {_WORDS[right]}  {what}")
        if any(right is False for right, _ in found):
            wrong.append(name)
    if wrong:
        raise WorkError(f"{place}: something is wrong with {', '.join(wrong)}")


def _try_method(path: Path, name: str, given: dict[str, Any]) -> tuple[str, Iterator[Verdict]]:
    method = settle({"use": f"{path.name}:{name}", **given}, Imports(path.parent))
    told = f": {method.entry.summary}" if method.account() else ""
    rows = method.grain == "rows"
    reads = "one data frame at a time" if rows else f"moments, grain {method.grain}"
    return f"{method.label}{told} ({reads})", conform(method)


def _try_generator(
    path: Path, name: str, function: Any, given: dict[str, Any]
) -> tuple[str, Iterator[Verdict]]:
    source, verdicts = try_generator(path, name, given)
    told = account_of(function).rstrip(".")
    draws = "data frames" if source.scenario.first_grain == "rows" else "moments of clusters"
    return f"{name}{f': {told}' if told else ''} (a generator of {draws})", verdicts


def _try_measure(name: str, function: Any, given: dict[str, Any]) -> tuple[str, Iterator[Verdict]]:
    if given:
        raise UserError(f"--options: {name} is a measure, which has none")
    told = account_of(function).rstrip(".")
    return f"{name}{f': {told}' if told else ''} (a measure)", try_measure(function)


def _options(text: str) -> dict[str, Any]:
    given = parse(text).data if text else {}
    if not isinstance(given, dict):
        raise UserError(f"--options: expected '{{option: value}}', got {text!r:.60}")
    return given
