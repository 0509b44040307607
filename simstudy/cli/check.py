"""Room 6: ``simstudy check``."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from simstudy.conformance import conform
from simstudy.errors import UserError, WorkError
from simstudy.own import files
from simstudy.own.settle import settle
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
    known = files.offered(files.module_of(str(path), files.digest_of(files.content_of(path))))
    names = [only] if only else list(known)
    if not names:
        raise UserError("no function has @simstudy.method", file=place)
    given = _options(options.options)
    wrong = []
    for name in names:
        method = settle({"use": f"{path.name}:{name}", **given}, path.parent)
        told = f": {method.entry.summary}" if method.account else ""
        print(f"{method.label}{told} ({_reads(method.grain)})")
        verdicts = list(conform(method))
        for right, what in verdicts:
            print(f"  {_WORDS[right]}  {what}")
        if any(right is False for right, _ in verdicts):
            wrong.append(name)
    if wrong:
        raise WorkError(f"{place}: something is wrong with {', '.join(wrong)}")


def _options(text: str) -> dict[str, Any]:
    given = parse(text).data if text else {}
    if not isinstance(given, dict):
        raise UserError(f"--options: expected '{{option: value}}', got {text!r:.60}")
    return given


def _reads(grain: str) -> str:
    return "one data frame at a time" if grain == "rows" else f"moments, grain {grain}"
