"""``simstudy init``."""

from __future__ import annotations

import builtins
import keyword
import secrets
import sys
import textwrap
from argparse import Namespace
from pathlib import Path

from simstudy.cli import job_array, own_world
from simstudy.cli.run import say
from simstudy.errors import UserError
from simstudy.forms import flow
from simstudy.generators import parts as _all  # noqa: F401  # they register themselves
from simstudy.generators import sizes
from simstudy.generators.part import registered
from simstudy.generators.shape_families import FAMILIES
from simstudy.study.study import valid_name

_STARTER = """\
# A simulation study about clustered data. Run it:  python -m simstudy run {name}.yaml
# What it will take:  python -m simstudy plan {name}.yaml
name: {name}                    # results go to results/{name}
title: Type I error when clustering is ignored
aim: What happens to p-values when pupils sit in classrooms and the analysis ignores it?
seed: {seed:<26}# any whole number; with it every data set can be made again
replications: 2000              # the Monte Carlo SE of a rate of .05 is then .005
alpha: 0.05                     # nominal level: a number, or a list

scenarios:                      # every list is a factor, crossed with the others
  n_clusters: [10, 30]          # classrooms
{sizes}
  icc: [0.0, 0.05, 0.2]         # share of the residual variance that lies between classrooms
  x_icc: [0.0, 1.0]             # share of the predictor's variance between classrooms:
                                # 0 = a pupil's own, 1 = the same for the whole classroom
  slope: 0.0                    # the truth; 0 makes rejection rates Type I errors
  # total_variance: 1.0         # tau2 + sigma2; or within_variance: sigma2, whatever the icc
  # x: binary                   # normal (default), binary, binary_blocked, or
                                # {{file: scores.csv, column: pretest, cluster: school}}
  # contextual_effect: 0.2      # between-classroom slope minus within-classroom slope
  # covariates:                 # other predictors; lists inside are factors: baseline.slope
  #   baseline: {{icc: 0.2, slope: [0, 0.5], correlation: {{x: 0.3}}}}
  # slope_sd: 0.2               # SD of the slope over classrooms
  # data that misbehave; what is not given is normal, independent, of one variance, and all there
{parts}

methods:                        # python -m simstudy methods  lists them
  - pooled                      # classrooms ignored
  - dummy                       # a dummy for every classroom
  - random_intercept            # REML, Kenward-Roger
  # - random_intercept: {{df: wald, label: random intercept (z)}}
  # - cluster_means: {{when: icc > 0}}  # in these scenarios alone
  # - random_intercept: {{omit: [baseline], label: unadjusted}}
  # - random_slope              # a slope of its own for every classroom

# claims:                       # what the results are to show; run says whether they do
#   - type1_error of random_intercept <= 0.075
#   - type1_error of pooled > 0.1 where x_icc = 1 and icc = 0.2
"""

_METHOD = '''\
"""Methods of your own. Try them:  python -m simstudy check {name}.py

In a study file beside this one:

    methods:
      - pooled
      - {{use: "{name}.py:{name}", trim: 0.1, label: trimmed}}
      - {{use: "{name}.py:{name}_moments"}}

A method returns estimate, std_error and, if it has them, df and p_value; whatever else a dict
holds goes to extras/. What it raises, a warning of non-convergence, NaN or a wrong shape makes a
row with status failed; with "converged": True or False in the dict that decides, not a warning.
The content of this file is part of the methods' identity: after a change their rows are computed
anew. What it imports must be installed, not lie beside it.
"""

import numpy as np

import simstudy


@simstudy.method  # one data frame at a time: columns cluster, x, covariates, y (of any library)
def {name}(data, trim=0.0):
    """Mean of the clusters' own slopes, a share left out at either end."""
    slopes = []
    for _, pupils in data.groupby("cluster"):
        x = pupils.x - pupils.x.mean()
        slopes.append((x * pupils.y).sum() / (x * x).sum())
    cut = int(trim * len(slopes))
    kept = np.sort(slopes)[cut : len(slopes) - cut]
    error = kept.std(ddof=1) / np.sqrt(len(kept))
    return {{"estimate": kept.mean(), "std_error": error, "df": len(kept) - 1, "kept": len(kept)}}


# All replications at once: arrays whose last axis is the R replications, the first J clusters.
# n_clusters; sizes (J, 1) or (J, R); mean_x, mean_y (J, R); and the cross-products about the
# cluster means within.xx, within.xy, within.yy (J, R); covariates by their place in `names`:
# means[k], within.product(k, -1). With grain="pooled", equal sizes and normal predictors:
# n_clusters, cluster_size, within and between, pooled over clusters, (R,).
@simstudy.method(grain="clusters")
def {name}_moments(moments):
    """Mean of the clusters' own slopes, from their cross-products."""
    slopes = moments.within.xy / moments.within.xx
    error = slopes.std(axis=0, ddof=1) / np.sqrt(len(slopes))
    return slopes.mean(axis=0), error, len(slopes) - 1
'''
_THERE = "is there already; choose another name"
_TAKEN = {"np", "numpy", "pd", "pandas", "simstudy", *dir(builtins), *sys.stdlib_module_names}


def main(options: Namespace) -> None:
    """Write a starter study file, or code to start from, into this folder; or print a script."""
    name, seed = options.name, 1 + secrets.randbelow(10**8)
    if options.slurm or options.shards or name is None:
        _job_array(options)
        return
    if options.method:
        _refuse_name(name, "method")
        _write(Path(f"{name}.py"), _METHOD.format(name=name), "check")
        return
    if options.generator:
        _refuse_name(name, "generator")
        study = Path(f"{name}.yaml")
        if study.exists():
            raise UserError(_THERE, file=str(study))
        _write(Path(f"{name}.py"), own_world.GENERATOR.format(name=name), "check")
        _write(study, own_world.STUDY.format(name=name, seed=seed), "run")
        return
    if not valid_name(name):
        message = "cannot name a study; use letters, digits, '-', '_' and '.'"
        raise UserError(f"{name!r} {message}")
    text = _STARTER.format(name=name, seed=seed, sizes=_sizes(), parts=_parts())
    _write(Path(f"{name}.yaml"), text, "run")


def _job_array(options: Namespace) -> None:
    """Print scripts, where all that they need is given and nothing else."""
    if options.slurm is None and options.shards is None:
        raise UserError("init: no name; say which study: init NAME (see simstudy init --help)")
    if options.slurm is None or options.shards is None:
        raise UserError("init: --slurm CONFIG and --shards N go together")
    if options.name is not None or options.method or options.generator:
        raise UserError("init: --slurm prints scripts of a study there is; it takes no other name")
    job_array.print_slurm(options.slurm, options.shards, say)


def _sizes() -> str:
    """The line of the cluster size, and below it the other ways to write one."""
    others = [choice.replace(" ", "\0") for choice in sizes.choices()[1:]]
    lines = textwrap.wrap(f"pupils in each; also {', '.join(others)}", 66)
    return (
        "  cluster_size: 20".ljust(32)
        + "# "
        + ("\n" + " " * 32 + "# ").join(lines).replace("\0", " ")
    )


def _parts() -> str:
    """A line for every part of a design, and one for the shapes."""
    lines = [(f"  # {part.name}: {flow(part.example)}", part.summary)
             for part in registered().values()]  # fmt: skip
    shapes = ", ".join(one.written for one in FAMILIES.values())
    return "\n".join([*(f"{left:<31} # {right}" for left, right in lines),
                      *textwrap.wrap(f"shapes: {shapes}", 96, initial_indent="  # ",
                                     subsequent_indent="  #   ")])  # fmt: skip


def _refuse_name(name: str, what: str) -> None:
    """Refuse what cannot name a function and its file."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UserError(f"{name!r} cannot name a {what}; use letters, digits and '_'")
    if name in _TAKEN:
        message = "a file and a function of that name would hide what others import by it"
        raise UserError(f"{name!r} cannot name a {what}: {message}")


def _write(path: Path, text: str, verb: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UserError(_THERE, file=str(path)) from None
    print(f"{path} is written; {verb} it with: python -m simstudy {verb} {path}")
