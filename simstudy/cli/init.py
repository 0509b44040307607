"""Room 6: ``simstudy init``."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from simstudy.errors import UserError
from simstudy.study.study import valid_name

_STARTER = """\
# A simulation study about clustered data. Run it:  python -m simstudy run {name}.yaml
# What it will take:  python -m simstudy plan {name}.yaml
name: {name}                    # results go to results/{name}
title: Type I error when clustering is ignored
aim: What happens to p-values when pupils sit in classrooms and the analysis ignores it?
seed: 20240417                  # any whole number; with it every data set can be made again
replications: 2000              # the Monte Carlo SE of a rate of .05 is then .005
alpha: 0.05                     # nominal level: a number, or a list

scenarios:                      # every list is a factor, crossed with the others
  n_clusters: [10, 30]          # classrooms
  cluster_size: 20              # pupils in each; also {{uniform: [5, 35]}}, {{poisson: 20}},
                                # {{mean: 20, cv: 0.5}}, {{sizes: [8, 10, 86]}}
  icc: [0.0, 0.05, 0.2]         # share of the residual variance that lies between classrooms
  x_icc: [0.0, 1.0]             # share of the predictor's variance between classrooms:
                                # 0 = a pupil's own, 1 = the same for the whole classroom
  slope: 0.0                    # the truth; 0 makes rejection rates Type I errors
  # x: binary                   # normal (default), binary, binary_blocked, or
                                # {{file: scores.csv, column: pretest, cluster: school}}
  # contextual_effect: 0.2      # between-classroom slope minus within-classroom slope

methods:                        # python -m simstudy methods  lists them
  - pooled                      # classrooms ignored
  - dummy                       # a dummy for every classroom
  - random_intercept            # REML, Kenward-Roger
  # - random_intercept: {{df: wald, label: random intercept (z)}}
"""


def main(options: Namespace) -> None:
    """Write a starter study file into this folder."""
    if not valid_name(options.name):
        message = "cannot name a study; use letters, digits, '-', '_' and '.'"
        raise UserError(f"{options.name!r} {message}")
    path = Path(f"{options.name}.yaml")
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(_STARTER.format(name=options.name))
    except FileExistsError:
        raise UserError("is there already; choose another name", file=str(path)) from None
    print(f"{path} is written; run it with: python -m simstudy run {path}")
