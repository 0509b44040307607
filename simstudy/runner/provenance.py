"""Where results come from: versions, machine, commit.

Of what the users' own files import the versions are looked up; nothing of it is imported.
"""

from __future__ import annotations

import ast
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy
import scipy

from simstudy import __version__
from simstudy.custom.load import digest_of
from simstudy.entries import CodeSource
from simstudy.study.study import Study

_OURS = {
    "simstudy": __version__,
    "numpy": numpy.__version__,
    "scipy": scipy.__version__,
    "python": platform.python_version(),
}


def decisive(source: Mapping[str, Any]) -> dict[str, str]:
    """Versions, of what `provenance` says, that decide the last digits of rows.

    Of Python that without the last number, which decides what can be sent.
    """
    return _minor({name: source[name] for name in _OURS} | source.get("packages", {}))


def versions_of(names: Iterable[str]) -> dict[str, str | None]:
    """Versions that are installed here, of the same names; None of what is not."""
    here = _minor(_OURS)
    return {name: here.get(name) or dict(_versions(name)).get(name) for name in names}


def _minor(versions: dict[str, str]) -> dict[str, str]:
    return versions | {"python": versions["python"].rpartition(".")[0]}


def provenance(study: Study) -> dict[str, Any]:
    """What every part's footer says of the run that made it."""
    own_code = [m.source for m in study.own_methods]
    own_code += [own.source for own in study.generators.values()]
    files = [source for source in own_code if source.file]
    own = {"packages": packages(files)} if files else {}
    return own | {
        "seed": study.seed,
        **_OURS,
        "cpu": cpu(),
        "git_commit": git_commit(study.folder),
    }


def packages(sources: Sequence[CodeSource]) -> dict[str, str]:
    """Versions of what the files of users' methods import, by the name of the distribution.

    What a file imports is read from its text, functions and all. A file that is not readable,
    or not the one that is meant, has none; so has what belongs to no distribution.
    """
    names = {name for source in sources for name in _imported(source)}
    names -= {"simstudy", *sys.stdlib_module_names}
    return dict(sorted(version for name in names for version in _versions(name)))


def _imported(source: CodeSource) -> Iterator[str]:
    """Top-level modules of a file's import statements; pandas for a method on data frames."""
    try:
        content = Path(source.file).read_bytes()
        tree = ast.parse(content)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    if digest_of(content) != source.digest:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.FunctionDef) and node.name == source.function:
            grains = [
                getattr(given.value, "value", "")
                for decorator in node.decorator_list
                for given in getattr(decorator, "keywords", ())
                if given.arg == "grain"
            ]
            yield from [] if {"clusters", "pooled"} & set(grains) else ["pandas"]


def _versions(name: str) -> Iterator[tuple[str, str]]:
    """(distribution, version) behind a module's name."""
    from importlib import metadata

    try:
        yield name, metadata.version(name)
    except metadata.PackageNotFoundError:
        for distribution in sorted(set(metadata.packages_distributions().get(name, ()))):
            yield distribution, metadata.version(distribution)


@lru_cache(maxsize=1)
def cpu() -> str:
    """Kind of CPU, which decides the last bits of logarithms."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{platform.machine()} {line.partition(':')[2].strip()}"
    except OSError:
        pass
    return f"{platform.machine()} {platform.processor()}".strip()


def git_commit(folder: Path) -> str | None:
    """Commit of the folder's repository, or None where there is none."""
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        return None
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
