"""Room 6: ``simstudy fit``."""

from __future__ import annotations

import json
import sys
from argparse import Namespace

from simstudy.errors import UserError
from simstudy.real.fit import DEFAULT_METHODS, fit
from simstudy.registry import Method
from simstudy.study.study import method_of
from simstudy.study.yaml_lines import parse


def main(options: Namespace) -> None:
    """Fit methods to a data set and print them, as text or JSON."""
    chosen = [method_from(text) for text in options.method or DEFAULT_METHODS]
    for i, method in enumerate(chosen):
        for other in chosen[:i]:
            if method.canonical == other.canonical:
                raise UserError(f"--method {method.canonical} is given twice")
            if method.label == other.label:
                raise UserError(f"--method: label '{method.label}' is used twice")
    fits = fit(options.data, options.formula, chosen)
    if fits.data.n_dropped:
        plural = "row" if fits.data.n_dropped == 1 else "rows"
        print(f"{fits.data.n_dropped} {plural} with missing values dropped", file=sys.stderr)
    if options.json:
        print(json.dumps(fits.as_dict(), indent=1, allow_nan=False))
    else:
        print(fits)


def method_from(text: str) -> Method:
    """One --method, in the study file's own syntax."""
    try:
        return method_of(parse(text).data)
    except UserError as error:
        raise UserError(str(error), path=f"--method '{text}'") from None
