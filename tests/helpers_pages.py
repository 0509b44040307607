"""Blocks of a page of Markdown, and what running them one after the other does.

A block is indented or fenced. Commands stand behind `$`, or begin with `python -m simstudy`; what
follows them is what they print, three dots standing for lines that are left out. Python is run,
a `text` block is what was printed last, and a block under a line that ends in "`FILE`:" is that
file: the repository's, or one that is written. A study in YAML goes to NAME.yaml. A comment says
what is otherwise: `<!-- not run: REASON -->`, `<!-- exit 4 -->`.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from helpers_cli import ROOT, call
from ruamel.yaml import YAML

PAGES = {path.stem: path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
_FENCE = re.compile(r"^```(\S*)\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?<=\n\n)(?:    .*\n|\n(?=\n*    ))+")
_FILE = re.compile(r"`([\w./-]+)`:\s*$")
_NOT_RUN = re.compile(r"<!-- not run: .+? -->\s*$", re.DOTALL)
_EXIT = re.compile(r"<!-- exit (\d) -->\s*$")
_NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e-?\d+)?|\.\d+")
_COMMAND = re.compile(r"(?:\$ |(?=python -m simstudy ))(.*)")
_KINDS = {"console", "python", "yaml", "text", ""}


class Block(NamedTuple):
    """A block, its kind and the text before it."""

    kind: str
    text: str
    before: str


def blocks(page: str) -> Iterator[Block]:
    """All that are run, written or compared, in order."""
    fences = {m.start(): Block(m[1], m[2], page[: m.start()]) for m in _FENCE.finditer(page)}
    bare = _FENCE.sub(lambda m: re.sub(r"[^\n]", "x", m[0]), page)
    for found in _INDENTED.finditer(bare):
        text = re.sub(r"(?m)^    ", "", found[0])
        if _COMMAND.match(text):
            fences[found.start()] = Block("console", text, page[: found.start()])
    for _, block in sorted(fences.items()):
        if not block.kind.startswith("{") and not _NOT_RUN.search(block.before):
            yield block


class Reader:
    """Somebody who types what a page says, in a folder with the repository's examples.

    Parameters
    ----------
    folder : Path
        Where it is typed.
    names : dict
        What Python blocks have at hand.
    """

    def __init__(self, folder: Path, names: dict[str, Any]) -> None:
        self.folder, self.names, self.printed = folder, names, ""
        for name in ("configs", "tests"):
            (folder / name).symlink_to(ROOT / name)

    def do(self, block: Block) -> None:
        """Do what a block says, and hold what comes out against what it shows."""
        assert block.kind in _KINDS, f"a block of {block.kind}: run it, or say why not"
        file = _FILE.search(block.before)
        text = block.text
        if file is not None:
            self._file(file[1], text)
        elif block.kind == "yaml":
            self._yaml(text)
        elif block.kind == "console":
            self._console(text, int(found[1]) if (found := _EXIT.search(block.before)) else 0)
        elif block.kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(text, "page", "exec"), self.names)
            self.printed = out.getvalue()
        elif block.kind == "text":
            assert_shown(text, self.printed)

    def _file(self, name: str, text: str) -> None:
        there = ROOT / name
        if not there.exists():
            (self.folder / name).write_text(text, encoding="utf-8")
        elif name.endswith(".yaml"):
            assert _yaml(text) == _yaml(there.read_text(encoding="utf-8")), name
        else:
            assert text == there.read_text(encoding="utf-8"), name

    def _yaml(self, text: str) -> None:
        read = _yaml(text)
        if isinstance(read, dict) and "name" in read:
            (self.folder / f"{read['name']}.yaml").write_text(text, encoding="utf-8")

    def _console(self, text: str, code: int) -> None:
        text = text.replace("\\\n", " ")
        lines = text.splitlines()
        starts = [i for i, line in enumerate(lines) if _COMMAND.match(line)]
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            match = _COMMAND.match(lines[start])
            assert match is not None
            self._command(match[1], code)
            assert_shown("\n".join(lines[start + 1 : end]), self.printed)

    def _command(self, line: str, code: int) -> None:
        words = shlex.split(line, comments=True)
        if words[:3] != ["python", "-m", "simstudy"]:
            assert words[0] in ("simstudy", "cp", "mkdir"), f"say why it is not run: {line}"
        given, to = words[words.index("simstudy") + 1 :], None
        if ">" in given:
            given, to = given[: given.index(">")], given[given.index(">") + 1]
        ran = call(*given)
        assert ran.code == code, (line, ran)
        self.printed = ran.out + ran.err
        if to is not None:
            (self.folder / to).write_text(ran.out, encoding="utf-8")


def _yaml(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def assert_shown(shown: str, printed: str) -> None:
    """Word for word; numbers to what another machine may round otherwise."""
    words, at = printed.split(), 0
    for piece in re.split(r"(?:^|\s)\.\.\.(?=\s|$)", shown):
        wanted = piece.split()
        last = len(words) - len(wanted)
        found = (i for i in range(at, last + 1) if _alike(wanted, words[i : i + len(wanted)]))
        start = next(found, None)
        if start is None:
            pytest.fail(f"this is not printed:\n{piece}\nbut:\n{printed}")
        at = start + len(wanted)


def _alike(some: Sequence[str], others: Sequence[str]) -> bool:
    return all(
        _NUMBER.sub("#", one) == _NUMBER.sub("#", other) and _near(one, other)
        for one, other in zip(some, others, strict=True)
    )


def _near(one: str, other: str) -> bool:
    pair = [[float(n.replace(",", "")) for n in _NUMBER.findall(word)] for word in (one, other)]
    return all(abs(a - b) <= 0.011 + 0.01 * abs(b) for a, b in zip(*pair, strict=True))
