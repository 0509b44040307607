"""What a shell completes, where argcomplete asks for it (extra ``completion``).

Nothing that a study file says to `use:` is imported: a key on the keyboard runs nobody's code.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import argcomplete
from argcomplete.completers import DirectoriesCompleter, FilesCompleter

from simstudy.errors import UserError
from simstudy.study.study import Study, load


def complete(top: argparse.ArgumentParser) -> None:
    """Answer what the shell asks, and end the process."""
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, below in action.choices.items():
                for one in below._actions:
                    _equip(one, verb)
    argcomplete.autocomplete(top)


def _equip(action: Any, verb: str) -> None:
    completer = _COMPLETERS.get((verb, action.dest)) or _COMPLETERS.get(("", action.dest))
    if completer is not None and action.choices is None and action.nargs != 0:
        action.completer = completer


def _of_study(words: Callable[[Study], Iterable[str]]) -> Callable[..., list[str]]:
    """Words of the study that stands on the command line already."""

    def completer(parsed_args: argparse.Namespace, **_: object) -> list[str]:
        try:
            return list(dict.fromkeys(words(_study(parsed_args))))
        except (UserError, OSError):
            return []

    return completer


def _study(given: argparse.Namespace) -> Study:
    where = getattr(given, "config", None) or getattr(given, "target", None) or given.results
    if Path(where).is_dir():
        from simstudy.results import Results

        return Results.open(where).study
    return load(where, trusted=False)


def _scenarios(study: Study) -> Iterable[str]:
    return (design.id for design in study.designs)


def _labels(study: Study) -> Iterable[str]:
    return (method.label for method in study.methods)


def _fields(study: Study) -> Iterable[str]:
    from simstudy.answers.solve.field import number_of

    return (name for design in study.designs for name in design.levels if number_of(name))


def _measures(**_: object) -> Iterable[str]:
    from simstudy.measures.catalog import MEASURES

    return list(MEASURES)


def _methods(**_: object) -> Iterable[str]:
    from simstudy.registry import methods

    return list(methods())


_COMPLETERS: dict[tuple[str, str], Any] = {  # of a verb, or of all
    ("", "config"): FilesCompleter(("yaml", "yml")),
    ("", "slurm"): FilesCompleter(("yaml", "yml")),
    ("check", "file"): FilesCompleter(("py",)),
    ("", "results"): DirectoriesCompleter(),
    ("", "into"): DirectoriesCompleter(),
    ("", "scenario"): _of_study(_scenarios),
    ("", "for"): _of_study(_fields),
    ("", "measure"): _measures,
    ("fit", "method"): _methods,
    ("replay", "method"): _methods,
    ("solve", "method"): _of_study(_labels),
}
