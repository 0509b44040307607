"""How often what `diagnose` says of ignoring the clusters holds what is true.

    python benchmarks/diagnosis.py [--sets 500] [--replications 500] [--seed 1]

Every set is of a world of its own, drawn: 5 to 60 clusters, equal, Poisson or geometric sizes of
mean 3, 10 or 30, a predictor of clusters (a treatment), of units or both, an ICC from 0 to .4. Its
diagnosis gives sizes of the pooled test at the estimated ICC and at both ends of its interval;
what is counted is how often the range of these, widened by their Monte Carlo intervals, holds the
exact size of that design at the ICC it was drawn with (theory/unequal.py). An interval of an exact
95 % interval's ends has to do so in 95 %, and more by what it is widened.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from typing import NamedTuple

if __name__ == "__main__":  # before numpy is imported: products this small want one thread
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from simstudy.answers.diagnosis.diagnosis import diagnose
from simstudy.generators.scenario import GivenX, Scenario, SizeRule
from simstudy.moments import Floats, Ints
from simstudy.theory.answers import answer

CLUSTERS, MEANS, ICCS = (5, 10, 20, 60), (3, 10, 30), (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
RULES, PREDICTORS = ("equal", "poisson", "geometric"), ("clusters", "units", "both")


class Found(NamedTuple):
    """What was said of one data set: the ICC and the size that are true, and what is said."""

    icc: float
    size: float
    low: float
    high: float
    icc_low: float
    icc_high: float

    @property
    def holds(self) -> bool:
        """Whether what is said holds the size that is true."""
        return self.low <= self.size <= self.high


def main() -> None:
    """Count, and print a table by ICC."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", type=int, default=500)
    parser.add_argument("--replications", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found: dict[float, list[Found]] = defaultdict(list)
    for k in range(options.sets):
        one = said_of(k, options.seed, options.replications)
        found[one.icc].append(one)
    print("| ICC | data sets | size held | its ICC held | mean width |\n|---:|---:|---:|---:|---:|")
    for icc in sorted(found):
        _row(f"{icc:g}", found[icc])
    _row("all", [one for of_icc in found.values() for one in of_icc])


def _row(name: str, found: list[Found]) -> None:
    held = np.mean([one.holds for one in found])
    icc = np.mean([one.icc_low <= one.icc <= one.icc_high for one in found])
    width = np.mean([one.high - one.low for one in found])
    print(f"| {name} | {len(found)} | {held:.3f} | {icc:.3f} | {width:.3f} |")


def said_of(k: int, seed: int, replications: int) -> Found:
    """Diagnose data set number k."""
    rng = np.random.default_rng([seed, k])
    sizes, icc = _sizes(rng), float(rng.choice(ICCS))
    x = _predictor(rng, sizes)
    cluster = np.repeat(np.arange(sizes.size), sizes)
    effect = rng.normal(0.0, icc**0.5, sizes.size)[cluster]
    y = effect + rng.normal(0.0, (1.0 - icc) ** 0.5, cluster.size)
    data = pd.DataFrame({"cluster": cluster, "x": x, "y": y})
    found = diagnose(data, "y ~ x + (1 | cluster)", replications=replications, seed=k)
    sizes_said = [one.size for one in found.answers if one.method == "pooled"]
    iccs = [one.level.icc for one in found.answers]
    truth = _exact(sizes, x, icc)
    return Found(icc, truth, min(one.low for one in sizes_said),
                 max(one.high for one in sizes_said), min(iccs), max(iccs))  # fmt: skip


def _sizes(rng: np.random.Generator) -> Ints:
    j, mean, rule = rng.choice(CLUSTERS), rng.choice(MEANS), rng.choice(RULES)
    if rule == "equal":
        return np.full(j, mean)
    drawn = rng.poisson(mean, j) if rule == "poisson" else rng.geometric(1.0 / mean, j)
    return np.maximum(drawn, 2 if rule == "poisson" else 1).astype(np.int64)


def _predictor(rng: np.random.Generator, sizes: Ints) -> Floats:
    of, n_units = rng.choice(PREDICTORS), int(sizes.sum())
    if of == "clusters":
        treated = rng.permutation(np.arange(sizes.size) % 2).astype(float)
        return np.repeat(treated, sizes)
    own = rng.standard_normal(n_units)
    return own if of == "units" else own + np.repeat(rng.standard_normal(sizes.size), sizes)


def _exact(sizes: Ints, x: Floats, icc: float) -> float:
    """Exact size of the pooled test of this very design."""
    rule = SizeRule("listed", tuple(sizes.tolist()))
    scenario = Scenario(sizes.size, rule, icc, None, 0.0, x="file", given=GivenX(sizes, x, ""))
    options = {"se": "classical", "df": "residual"}
    known = answer(scenario, "pooled", options, "rejection_rate", 0.05)
    assert known is not None and known.kind == "exact"
    return known.value


if __name__ == "__main__":
    main()
