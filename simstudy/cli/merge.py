"""``simstudy merge``."""

from __future__ import annotations

from argparse import Namespace

from simstudy.cli.run import say
from simstudy.errors import WorkError
from simstudy.locks.places import bring
from simstudy.runner.progress import there
from simstudy.store.merging import merge
from simstudy.store.results_folder import ResultsFolder, is_uri
from simstudy.summary.stopping import settled


def main(options: Namespace) -> None:
    """Copy what is new, and say what is missing still."""
    into = ResultsFolder(options.into)
    folders = [ResultsFolder(folder) for folder in options.results]
    merged = merge(folders, into)
    for line in merged.broken:
        say(f"{line}; not merged")
    for line in bring([merged.of, *folders], into):
        say(line)
    study = settled(merged.study, into)
    print(f"{into}: {merged.n_copied:,} parts are copied, {merged.n_there:,} were there or came "
          f"twice; study.yaml is that of {merged.of}, {study.n_fits:,} fits")  # fmt: skip
    print("\n".join(there(study, into)))
    parent, _, name = str(into).rpartition("/")
    if name == study.name:
        print("computes what is missing and summarizes: python -m simstudy run CONFIG "
              f"--results {parent or '.'}{_left_out(options.into, into)}")  # fmt: skip
    else:
        say(f"{into}: a run looks for this study in a folder called {study.name}")
    if merged.broken:
        raise WorkError(f"{into}: {len(merged.broken):,} broken parts were not merged: see above")


def _left_out(given: str, into: ResultsFolder) -> str:
    """Say that a command has a URI without its key and options, which may be secret."""
    more = is_uri(str(into)) and str(into) != given.rstrip("/")
    return " (and the URI's key and options, which are left out here)" if more else ""
