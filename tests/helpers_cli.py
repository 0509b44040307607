"""Shared by the tests of the command line: calling it, and a small study to break."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import helpers_process

from simstudy.cli.app import main

ROOT = Path(__file__).resolve().parents[1]
TWO_CLASSROOMS = ROOT / "tests" / "data" / "twoclassrooms.csv"
LECTURE = "posttest ~ (1 | classroom.d) + pretest.c"

# A line a field, so that a test can break one line and know its number.
GOOD_STUDY = """\
name: bad
seed: 1
replications: 20
alpha: 0.05
scenarios:
  n_clusters: [4, 6]
  cluster_size: 5
  icc: [0.0, 0.1, 0.2]
  x_icc: [0.0, 1.0]
  slope: 0.0
methods:
  - pooled
  - dummy
  - random_intercept
"""

Edits = dict[int, str | None]


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


def call(*arguments: object) -> Ran:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return Ran(code, out.getvalue(), err.getvalue())


def environment() -> dict[str, str]:
    """This environment, with the package in reach from any folder."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def call_process(*arguments: object, cwd: Path, options: tuple[str, ...] = ()) -> Ran:
    """Run a command as users do, in a process of its own."""
    if os.name == "posix" and not options:
        return Ran(*helpers_process.run([str(one) for one in arguments], cwd, timeout=240))
    done = subprocess.run(
        [sys.executable, *options, "-m", "simstudy", *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def edited(edits: Edits, text: str = GOOD_STUDY) -> str:
    """Replace lines (counted from 1) of a study; None deletes, text may be several lines."""
    lines = [edits.get(i, line) for i, line in enumerate(text.splitlines(), start=1)]
    return "\n".join(line for line in lines if line is not None) + "\n"


def assert_refused(ran: Ran) -> str:
    """Exit 2, nothing on stdout, one plain line on stderr; returns the line."""
    assert ran.code == 2, ran
    assert ran.out == ""
    assert ran.err.endswith("\n")
    line = ran.err[:-1]
    assert line.strip(), "no message"
    # splitlines also splits at form feeds, NEL and U+2028, which terminals may obey
    assert len(line.splitlines()) == 1, line
    assert not re.search(r"[\x00-\x1f\x7f]", line), f"control characters in {line!r}"
    assert "Traceback" not in line
    assert "internal error" not in line
    return line


def listing(folder: Path) -> list[str]:
    """Every file and folder below, sorted: to show that nothing was written."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def conforms(value: Any, schema: dict[str, Any]) -> bool:
    """Check a value against the part of JSON Schema that `simstudy schema` uses."""
    unknown = schema.keys() - _CHECKS.keys() - {"$schema", "title", "description"}
    assert not unknown, f"teach helpers_cli.conforms about {unknown}"
    return all(_CHECKS[key](value, schema) for key in schema if key in _CHECKS)


def _is(value: Any, kind: str) -> bool:
    if kind in ("number", "integer"):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and (kind == "number" or value == value // 1)
    types = {"string": str, "array": list, "object": dict, "null": type(None), "boolean": bool}
    return isinstance(value, types[kind])


def _object(value: Any, schema: dict[str, Any]) -> bool:
    if not isinstance(value, dict):
        return True
    known = schema["properties"]
    if schema.get("additionalProperties", True) is False and value.keys() - known.keys():
        return False
    return all(conforms(value[key], known[key]) for key in value if key in known)


def _whole(value: Any, schema: dict[str, Any]) -> bool:
    return not isinstance(value, dict) or all(key in value for key in schema["required"])


def _others(value: Any, schema: dict[str, Any]) -> bool:
    """What stands beside the properties that are named."""
    inner = schema["additionalProperties"]
    if not isinstance(value, dict) or not isinstance(inner, dict):
        return True  # False is a matter of `_object`
    return all(conforms(value[key], inner) for key in value.keys() - schema.get("properties", {}))


def _names(value: Any, schema: dict[str, Any]) -> bool:
    return not isinstance(value, dict) or all(conforms(k, schema["propertyNames"]) for k in value)


def _number(compare: Any) -> Any:
    return lambda value, schema: not _is(value, "number") or compare(value, schema)


def _list(compare: Any) -> Any:
    return lambda value, schema: not isinstance(value, list) or compare(value, schema)


def _text(compare: Any) -> Any:
    return lambda value, schema: not isinstance(value, str) or compare(value, schema)


_CHECKS = {
    "type": lambda v, s: _is(v, s["type"]),
    "enum": lambda v, s: any(v == one and type(v) is type(one) for one in s["enum"]),
    "const": lambda v, s: v == s["const"] and type(v) is type(s["const"]),
    "anyOf": lambda v, s: any(conforms(v, one) for one in s["anyOf"]),
    "not": lambda v, s: not conforms(v, s["not"]),
    "properties": _object,
    "required": _whole,
    "additionalProperties": _others,
    "propertyNames": _names,
    "minimum": _number(lambda v, s: v >= s["minimum"]),
    "maximum": _number(lambda v, s: v <= s["maximum"]),
    "exclusiveMinimum": _number(lambda v, s: v > s["exclusiveMinimum"]),
    "exclusiveMaximum": _number(lambda v, s: v < s["exclusiveMaximum"]),
    "items": _list(lambda v, s: all(conforms(one, s["items"]) for one in v)),
    "minItems": _list(lambda v, s: len(v) >= s["minItems"]),
    "uniqueItems": _list(lambda v, s: len(set(map(repr, v))) == len(v)),
    "minProperties": lambda v, s: not isinstance(v, dict) or len(v) >= s["minProperties"],
    "maxItems": _list(lambda v, s: len(v) <= s["maxItems"]),
    "minLength": _text(lambda v, s: len(v) >= s["minLength"]),
    "pattern": _text(lambda v, s: bool(re.search(s["pattern"], v))),
}
