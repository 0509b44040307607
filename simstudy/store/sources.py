"""What a results folder keeps of the users' own functions.

Their files as they were run, to be read by people, and the first line of each docstring for
the methods section. Nothing of it is ever imported: whoever reads results need not trust them.
"""

from __future__ import annotations

import inspect
import json
import re
from contextlib import suppress
from pathlib import Path

from simstudy.custom.load import content_of, digest_of
from simstudy.entries import CodeSource
from simstudy.errors import UserError
from simstudy.generators.scenario import OwnGenerator
from simstudy.store.results_folder import SOURCES, ResultsFolder
from simstudy.study import generators
from simstudy.study.study import Study

_ACCOUNTS = f"{SOURCES}/accounts.json"
FORMAT = 1
_MOST = 10_000_000  # bytes that are parsed


def keep(study: Study, folder: ResultsFolder) -> None:
    """Write down what the study's own functions are, as far as their files are still there."""
    told, measures = accounts(folder), measure_accounts(folder)
    for method in study.own_methods:
        with suppress(UserError):  # its file is gone, or not to be imported
            told[method.canonical] = method.account()
            _keep(folder, method.source)
    for own in study.generators.values():
        with suppress(UserError):
            told[generator_key(own)] = generators.account(own)
            _keep(folder, own.source)
    for measure in study.measures:
        with suppress(UserError):
            measures[measure.name] = measure.account
            _keep(folder, measure.source)
    for source in filter(None, (figure.source for figure in study.figures)):
        with suppress(UserError):
            _keep(folder, source)
    _write(folder, told, measures)


def bring(other: ResultsFolder, folder: ResultsFolder) -> None:
    """Copy, as text, what another folder keeps; what is told here already stays."""
    told = accounts(other) | accounts(folder)
    measures = measure_accounts(other) | measure_accounts(folder)
    for name in other.names(SOURCES):
        file = f"{SOURCES}/{name}"
        if name.endswith(".py") and other.exists(file) and not folder.exists(file):
            folder.write(file, other.read(file))
    _write(folder, told, measures)


def _write(folder: ResultsFolder, told: dict[str, str], measures: dict[str, str]) -> None:
    if told or measures:
        document = {"format": FORMAT, "accounts": told}
        document |= {"measures": measures} if measures else {}
        text = json.dumps(document, indent=1, sort_keys=True)
        folder.replace(_ACCOUNTS, text.encode())


def accounts(folder: ResultsFolder, of: str = "accounts") -> dict[str, str]:
    """Canonical name -> what a method says that it does; what is not told so is left out.

    A generator stands there by its `generator_key`.
    """
    try:
        content = folder.read(_ACCOUNTS)
        told = json.loads(content).get(of, {}) if len(content) <= _MOST else {}
        return {name: text for name, text in told.items() if isinstance(text, str)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def generator_key(own: OwnGenerator) -> str:
    """Where a generator stands among the accounts of methods."""
    return f"{own.place}[digest={own.digest}]"


def measure_accounts(folder: ResultsFolder) -> dict[str, str]:
    """Name -> what a measure of the study, or of an earlier one here, says that it is."""
    return accounts(folder, "measures")


def _keep(folder: ResultsFolder, source: CodeSource) -> None:
    if source.given is not None:
        with suppress(OSError, TypeError):  # typed at a prompt
            folder.replace(f"{SOURCES}/{source.function}-{source.digest}.py", _text(source))
        return
    content = content_of(source.file)
    if digest_of(content) == source.digest:
        stem = re.sub(r"[^\w.-]+", "_", Path(source.file).stem)[:64]
        folder.replace(f"{SOURCES}/{stem}-{source.digest}.py", content)


def _text(source: CodeSource) -> bytes:
    assert source.given is not None
    return inspect.getsource(source.given).encode("utf-8", "backslashreplace")
