"""What is to be said of the files that a study takes its predictor from."""

from __future__ import annotations

from simstudy.generators.predictor import icc_of
from simstudy.generators.scenario import GivenX
from simstudy.study.study import Study


def dropped(study: Study) -> list[str]:
    """A line a file of which rows were left out."""
    return [f"{name}: {given.n_dropped:,} row{'' if given.n_dropped == 1 else 's'} with missing "
            "values dropped" for name, given in _files(study) if given.n_dropped]  # fmt: skip


def described(study: Study) -> list[str]:
    """A line a file: its clusters, units and the ICC of the predictor, and what words stand for."""
    lines = []
    for name, given in _files(study):
        coding = f"; 0 is {given.words[0]}, 1 is {given.words[1]}" if given.words else ""
        lines.append(f"x {name}: {given.sizes.size:,} clusters, {given.values.size:,} units, "
                     f"x_icc {icc_of(given):.3g}{coding}")  # fmt: skip
    return lines


def _files(study: Study) -> list[tuple[str, GivenX]]:
    """Every predictor from a file once, with what the study file says it is."""
    files = ((str(d.levels["x"]), d.scenario.given) for d in study.designs if "x" in d.levels)
    return list({given.digest: (name, given) for name, given in files if given}.values())
