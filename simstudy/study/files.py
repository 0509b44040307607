"""What is to be said of the files that a study takes its data from."""

from __future__ import annotations

from simstudy.generators import shapes
from simstudy.generators.predictor import icc_of
from simstudy.generators.resampled import RESAMPLED, Sample
from simstudy.generators.scenario import GivenX
from simstudy.generators.shapes import Shape
from simstudy.study.study import Study


def names(study: Study) -> list[str]:
    """What is taken from files, as tables show it."""
    return [*(name for name, _ in _files(study)), *(one.text for one in _samples(study))]


def dropped(study: Study) -> list[str]:
    """A line a file of which rows were left out."""
    counts = {name: given.n_dropped for name, given in _files(study)}
    counts |= {sample.text: sample.n_dropped for sample in _samples(study)}
    return [f"{name}: {n:,} row{'' if n == 1 else 's'} with missing values dropped"
            for name, n in counts.items() if n]  # fmt: skip


def described(study: Study) -> list[str]:
    """A line a file: of a predictor its clusters, units and ICC, of a shape its moments."""
    lines = []
    for name, given in _files(study):
        coding = f"; 0 is {given.words[0]}, 1 is {given.words[1]}" if given.words else ""
        lines.append(f"x {name}: {given.sizes.size:,} clusters, {given.values.size:,} units, "
                     f"x_icc {icc_of(given):.3g}{coding}")  # fmt: skip
    for sample in _samples(study):
        shape = Shape(RESAMPLED.name, (sample,))
        lines.append(f"{sample.text}: {sample.values.size:,} values, skewness "
                     f"{shape.skewness:.3g}, excess kurtosis {shape.kurtosis:.3g}")  # fmt: skip
    return lines


def _files(study: Study) -> list[tuple[str, GivenX]]:
    """Every predictor from a file once, with what the study file says it is."""
    files = ((str(d.levels["x"]), d.scenario.given) for d in study.designs if "x" in d.levels)
    return list({given.digest: (name, given) for name, given in files if given}.values())


def _samples(study: Study) -> list[Sample]:
    """Every column once from which effects, errors or parts of x are drawn."""
    return list(dict.fromkeys(sample for design in study.designs
                              for sample in shapes.samples(design.scenario)))  # fmt: skip
