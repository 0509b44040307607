"""``simstudy fit``."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Collection
from pathlib import Path

from simstudy.analysis.data import DataSet
from simstudy.analysis.fit import covariates_of, fit
from simstudy.analysis.grammar import parse as read_formula
from simstudy.cli.figures import refuse_figure, write
from simstudy.cli.run import say
from simstudy.errors import UserError
from simstudy.registry import Method
from simstudy.study.methods import method_of
from simstudy.study.yaml_lines import parse


def main(options: Namespace) -> None:
    """Fit methods to a data set and print them, as text or JSON."""
    if options.figure is not None:
        refuse_figure(options.figure)
    covariates = covariates_of(read_formula(options.formula)) if options.method else ()
    chosen = [method_from(text, covariates) for text in options.method or ()]
    for i, method in enumerate(chosen):
        for other in chosen[:i]:
            if method.canonical == other.canonical:
                raise UserError(f"--method {method.canonical} is given twice")
            if method.label == other.label:
                raise UserError(f"--method: label '{method.label}' is used twice")
    fits = fit(options.data, options.formula, chosen or None, options.clusters)
    if options.figure and len(fits.data.names) > 1:
        several = f"{len(fits.data.names)} ({', '.join(fits.data.names)})"
        raise UserError(f"--figure {options.figure}: lines have one predictor, not {several}")
    say_dropped(fits.data)
    if options.json:
        for line in fits.data.remarks:
            say(line)
        print(json.dumps(fits.as_dict(), indent=1, allow_nan=False))
    else:
        print(fits)
    for line in fits.cautions:
        say(line)
    if options.figure:
        _draw(fits.data, Path(options.figure))
        print(f"written: {options.figure}", file=sys.stderr if options.json else sys.stdout)


def say_dropped(data: DataSet) -> None:
    """Say on stderr how many rows have a missing value, and where."""
    if data.n_dropped:
        plural = "row" if data.n_dropped == 1 else "rows"
        missing = "; ".join(f"{name}: {n}" for name, n in data.missing.items())
        said = f"{data.n_dropped} {plural} with missing values dropped ({missing})"
        print(said, file=sys.stderr)


def _draw(data: DataSet, file: Path) -> None:
    """The data by cluster with pooled, separate, dummy and random-intercept lines."""
    from simstudy.analysis.lines import lines_of
    from simstudy.report.drawing.clusters import by_cluster

    coding = f" ({data.coding})" if data.coding else ""
    labels = (data.names[0] + coding, data.terms.outcome, data.random.cluster)
    clusters = [str(label) for label in data.labels]
    write(by_cluster(data.x, data.y, data.sizes, lines_of(data), labels, clusters), file)


def method_from(text: str, covariates: Collection[str] = ()) -> Method:
    """One --method, in the study file's own syntax; `covariates` as of `configure`."""
    try:
        found = method_of(parse(text).data, covariates=covariates)
        if found.when is not None:
            raise UserError("when: is of a study's scenarios; here a method is asked for or not")
        return found
    except UserError as error:
        raise UserError(str(error), path=f"--method '{text}'") from None
