"""YAML 1.2 to plain data plus the line of everything."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from simstudy.errors import UserError

Path_ = tuple[str | int, ...]
_MAX_DEPTH = 20
_CORE = "tag:yaml.org,2002:"
_KINDS = {
    "mapping": {"map"},
    "sequence": {"seq"},
    "scalar": {"str", "int", "float", "bool", "null", "timestamp", "merge"},
}
MOST_BYTES = 1_000_000  # of a file
_MAX_NODES = 100_000  # aliases of aliases cannot blow the data up
_LARGE = 200_000  # characters from which nodes are counted before anything is built


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data, and where each part of it stood.

    Attributes
    ----------
    data : Any
        Dicts, lists, numbers, text, booleans and None.
    lines : dict
        Path -> line, counted from 1; empty where the data came from Python.
    file : str or None
    held : dict
        What was read of the files that it names, so that each is read once.
    """

    data: Any
    lines: dict[Path_, int] = field(default_factory=dict)
    file: str | None = None
    held: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def refuse(self, path: Path_, message: str) -> NoReturn:
        """Raise `UserError` that names the file, the line and the place."""
        line = None
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                line = self.lines[path[:length]]
                break
        raise UserError(message, file=self.file, line=line, path=dotted(path) or None)


def dotted(path: Path_) -> str:
    """Write a path as people do: ``scenarios.icc[2]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read(file: str | Path) -> Document:
    """Read a YAML 1.2 file: ``1e-3`` is a number, ``no`` is text, duplicate keys are errors."""
    name = str(file)
    try:
        with Path(file).open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
    except OSError as error:
        hint = ""
        if Path(file, "study.yaml").is_file():
            hint = "; it holds results: their study is in study.yaml, Results.open reads them"
        raise UserError((error.strerror or str(error)) + hint, file=name) from None
    return decoded(raw, name)


def decoded(raw: bytes, name: str) -> Document:
    """The content of a YAML file; see `read`."""
    if len(raw) > MOST_BYTES:
        message = f"is too large for a study file: more than {MOST_BYTES:,} bytes"
        raise UserError(message, file=name)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UserError("not UTF-8 text", file=name, line=line) from None
    return parse(text, name)


def parse(text: str, name: str | None = None) -> Document:
    """Parse YAML text; see `read`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="safe", pure=True)
    try:
        if len(text) > _LARGE and any(n > 2 * _MAX_NODES for n, _ in enumerate(yaml.parse(text))):
            raise UserError(f"holds more than {_MAX_NODES:,} values", file=name)
        node = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        problem = str(error.problem or error.context)
        if "\\t" in problem:
            problem = "a tab stands where YAML takes blanks"
        if (tab := _tab(text, line)) is not None:
            line, problem = tab, "this line is indented with a tab; YAML takes blanks only"
        raise UserError(f"not YAML: {problem}", file=name, line=line) from None
    except (YAMLError, ValueError, RecursionError) as error:
        problem = str(error).strip().splitlines()[0] if str(error).strip() else "cannot be read"
        raise UserError(f"not YAML: {problem}", file=name) from None
    lines: dict[Path_, int] = {}
    data = _Builder(name, lines).build(node, ()) if node is not None else None
    return Document(data, lines, name)


def _tab(text: str, line: int | None) -> int | None:
    """The first line, up to the next after `line`, that is indented with a tab."""
    until = None if line is None else line + 1
    for number, row in enumerate(text.splitlines()[:until], 1):
        if "\t" in row[: len(row) - len(row.lstrip())] and row.strip():
            return number
    return None


class _Builder:
    """Turns YAML nodes into plain data, strictly."""

    def __init__(self, file: str | None, lines: dict[Path_, int]) -> None:
        self.file = file
        self.lines = lines
        self.budget = _MAX_NODES

    def build(self, node: Any, path: Path_) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        self.budget -= 1
        if len(path) > _MAX_DEPTH or self.budget < 0:
            raise UserError("nested or repeated too deeply", file=self.file, line=line)
        kind = str(node.tag).rpartition(":")[2]
        if not str(node.tag).startswith(_CORE) or kind not in _KINDS[node.id]:
            self._refuse(f"tag {node.tag} is not allowed", node, path)
        if node.id == "mapping":
            return self._mapping(node, path)
        if node.id == "sequence":
            return [self.build(child, (*path, i)) for i, child in enumerate(node.value)]
        return _scalar(kind, self._text(node, path))

    def _refuse(self, message: str, node: Any, path: Path_) -> NoReturn:
        line = node.start_mark.line + 1
        raise UserError(message, file=self.file, line=line, path=dotted(path)) from None

    def _text(self, node: Any, path: Path_) -> str:
        try:
            return whole(str(node.value))
        except ValueError as error:
            self._refuse(str(error), node, path)

    def _mapping(self, node: Any, path: Path_) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.id != "scalar":
                self._refuse("a key must be text", key_node, path)
            key = self._text(key_node, path)
            if key in data:
                self._refuse("stands here twice", key_node, (*path, key))
            self.lines[(*path, key)] = key_node.start_mark.line + 1
            data[key] = self.build(value_node, (*path, key))
        return data


def whole(text: str) -> str:
    """Text in which two surrogates are the character they mean; `ValueError` for a lone one."""
    try:
        text.encode()
        return text
    except UnicodeEncodeError:
        pass
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise ValueError("half a character (a surrogate without its other half)") from None


def _scalar(kind: str, text: str) -> Any:
    """A number, truth value, nothing or text; what only looks like a number is text."""
    try:
        if kind == "int":
            return _integer(text)
        if kind == "float":
            return _real(text)
    except ValueError:
        return text
    if kind == "bool":
        return text.lower() == "true"
    return None if kind == "null" else text


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    if len(digits) > 40:
        raise ValueError(text)
    return int(digits, 0) if digits.lower().lstrip("+-").startswith(("0x", "0o")) else int(digits)


def _real(text: str) -> float:
    folded = text.replace("_", "").lower()
    if folded.lstrip("+-") in (".inf", ".nan"):
        return math.nan if "nan" in folded else float(folded.replace(".", ""))
    return float(folded)
