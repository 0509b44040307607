"""The house: imports go downward only, and modules stay readable in a sitting."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from helpers_cells import cells

import simstudy

PACKAGE = Path(simstudy.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = {
    "errors": 0, "words": 0, "moments": 0, "estimates": 0, "estimands": 0, "entries": 0,
    "readers": 0, "forms": 0, "where": 0, "plots": 0, "garbage": 0, "markup": 0,
    "numerics": 1,
    "methods": 2, "generators": 2, "theory": 2, "custom": 2,
    "registry": 3, "measures": 3,
    "study": 4, "store": 4,
    "runner": 5,
    "summary": 6, "locks": 6,
    "claims": 7, "analysis": 7,
    "report": 8, "results": 8, "conformance": 8,
    "answers": 9,
    "cli": 10,
}  # fmt: skip
# rooms of one storey that may know each other, in this direction only
NEIGHBOURS = {
    ("store", "study"),
    ("results", "report"),
    ("theory", "generators"),
    ("custom", "generators"),
    ("entries", "estimands"),
    ("words", "entries"),
}
ALWAYS = {"moments", "estimates", "errors", "estimands", "words"}


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "simstudy" and len(parts) > 1 else None


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imports(file: Path) -> list[str]:
    found = []
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += names if node.module == "simstudy" else [node.module]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return found


EVERY_FILE = cells("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))


@EVERY_FILE
def test_arrows_point_downward(file: Path):
    here = file.relative_to(PACKAGE).with_suffix("").parts[0]
    if here in ("__init__", "__main__"):
        return
    assert here in ROOMS, f"{here} has no storey"
    for module in imports(file):
        there = room_of(module)
        if there is None or there in (here, "__version__") or there in ALWAYS:
            continue
        assert ROOMS[there] < ROOMS[here] or (here, there) in NEIGHBOURS, f"{here} -> {there}"


def test_no_two_modules_import_each_other():
    """Nor do more of them in a circle, be it by imports inside functions."""
    modules = {".".join(("simstudy", *f.relative_to(PACKAGE).with_suffix("").parts)): f
               for f in FILES if f.name != "__init__.py"}  # fmt: skip
    below = {name: _imported(file, modules) - {name} for name, file in modules.items()}
    while leaves := [name for name, others in below.items() if not others]:
        for name in leaves:
            del below[name]
        below = {name: others.difference(leaves) for name, others in below.items()}
    assert not below, "a circle, or above one"


def _imported(file: Path, modules: dict[str, Path]) -> set[str]:
    """Modules of this package that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names & modules.keys()


def test_generators_and_methods_do_not_know_each_other():
    for file in FILES:
        here = file.relative_to(PACKAGE).parts[0]
        rooms = {room_of(module) for module in imports(file)}
        if here == "generators":
            assert not rooms & {"methods", "entries", "registry", "estimates"}
        if here == "methods":
            assert "generators" not in rooms
        if here == "theory":
            assert not rooms & {"methods", "entries", "registry", "estimates"}
        if here in ("numerics", "measures"):
            assert not rooms & {"store", "study", "generators", "methods"}


@EVERY_FILE
def test_modules_and_functions_stay_short(file: Path):
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 400  # cut by concept; 300 is a smell
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.FunctionDef):
            body = node.body
            documented = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
            first = body[1].lineno if documented and len(body) > 1 else node.lineno
            assert (node.end_lineno or 0) - first < 40, f"{node.name} is too long"


def test_the_front_door_is_small_and_lazy():
    assert len(simstudy.__all__) <= 15
    assert all(getattr(simstudy, name) is not None for name in simstudy.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = simstudy.nothing
    code = "import simstudy, sys; print([m for m in ('numpy', 'pandas') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_only_the_command_line_prints():
    for file in FILES:
        if file.relative_to(PACKAGE).parts[0] == "cli":
            continue
        for node in ast.walk(parsed(file)):
            called = node.func if isinstance(node, ast.Call) else None
            assert not (isinstance(called, ast.Name) and called.id == "print"), file


def test_a_run_imports_neither_pandas_nor_scipy_stats(tmp_path):
    """They cost more than a small study; matplotlib and jinja2 come for a report only."""
    config = Path(__file__).parents[1] / "configs" / "smoke.yaml"
    arguments = ["run", str(config), "--results", str(tmp_path), "--quiet", "--replications", "5"]
    code = (
        "import sys; from simstudy.cli.app import main; "
        f"code = main({[*arguments, '--no-report']}); "
        "heavy = ('pandas', 'scipy.stats', 'matplotlib', 'jinja2'); "
        "print(code, [m for m in heavy if m in sys.modules]); "
        f"main({arguments}); print('pandas' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["0 []", "False"]
