"""``simstudy show``."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np

from simstudy.analysis.law import density_of_means
from simstudy.analysis.printed import column, slopes, table
from simstudy.analysis.show import Shown, show
from simstudy.cli.figures import refuse_figure, write
from simstudy.report.worlds import WORDS, nominal
from simstudy.study.fields import is_default
from simstudy.study.grid import Design, text_of
from simstudy.study.study import Study, load

_MOST = 8  # other scenarios that are named


def main(options: Namespace) -> None:
    """Draw one data set, print what it is like and what four analyses make of it."""
    if options.figure is not None:
        refuse_figure(options.figure)
    study = load(options.config)
    found = show(study, options.scenario, options.replication)
    file = Path(options.figure or f"{study.name}-{found.design.id}.png")
    print(f"scenario {found.design.id}, replication {found.replication}: {_levels(found.design)}")
    print("\n".join([_sizes(found), "", _features(found), "", slopes(found.fits)]))
    _draw(study, found, file)
    print(f"\nwritten: {file}")
    others = [design for design in study.designs if design is not found.design]
    if options.scenario is None and others:
        print("other scenarios (--scenario ID):")
        print("\n".join(f"  {design.id}: {_levels(design)}" for design in others[:_MOST]))
        if len(others) > _MOST:
            print(f"  and {len(others) - _MOST} more")


def _levels(design: Design) -> str:
    return ", ".join(f"{name} {text_of(level)}" for name, level in design.levels.items()
                     if not is_default(name, level))  # fmt: skip


def _sizes(found: Shown) -> str:
    """How many clusters and units there are."""
    sizes, planned = found.data.sizes, found.design.scenario.n_clusters
    low, high = int(sizes.min()), int(sizes.max())
    of = f"{low} to {high} (mean {sizes.mean():.4g})" if low < high else str(low)
    lost = f" of {planned}" if sizes.size < planned else ""
    return f"{sizes.size}{lost} clusters of {of} units, {found.data.n_obs} units"


def _features(found: Shown) -> str:
    """What the data are like, beside what they were meant to be."""
    meant = nominal(found.design.scenario)
    rows = [[words, *column([found.features[name].value, meant[name]], 3)]
            for name, words in WORDS.items() if name != "n_clusters"]  # fmt: skip
    return table(["", "in these data", "nominal"], rows)


def _draw(study: Study, found: Shown, file: Path) -> None:
    from simstudy.report.drawing.data_set import Picture, draw

    data, scenario = found.data, found.design.scenario
    density, sigma, curves = None, float("nan"), "The curve is the normal of their variance"
    if scenario.generator is None:
        density = density_of_means(found.design, study.seed)
        sigma = scenario.sigma2**0.5
        curves = "The curves are the law of mean errors over all data sets, and, for comparison, " \
                 "a normal of the nominal variance within them"  # fmt: skip
    x, y, sizes, points = data.x, data.y, data.sizes, "Units"
    without = "every cluster has one unit"
    if found.means_only:
        (*_, x, y), sizes, points = data.means, np.ones_like(sizes), "Means of clusters"
        curves, without = "", "the generator draws moments, not units"
    picture = Picture(
        title=study.title or study.name, points=points,
        notes=[f"Scenario {found.design.id}, replication {found.replication}: {_sizes(found)}",
               _levels(found.design), curves if np.isfinite(found.errors).all() else ""],
        x=x, y=y, sizes=sizes, labels=[str(label) for label in data.labels],
        lines=found.lines, truth=found.slope,
        of_clusters=found.of_clusters, of_groups=found.of_groups, of_units=found.of_units,
        density=density, sigma=sigma,
        without_errors=without,
    )  # fmt: skip
    write(draw(picture), file)
