"""``simstudy methods``."""

from __future__ import annotations

from argparse import Namespace

from simstudy.entries import Chosen
from simstudy.registry import methods


def main(options: Namespace) -> None:
    """List the methods, their options and defaults."""
    for entry in methods().values():
        print(f"{entry.name}: {entry.summary}")
        chosen: Chosen = {}
        for option in entry.options:
            chosen[option.name] = default = option.default(chosen)
            values = " | ".join(f"[{v}]" if v == default else v for v in option.values)
            if option.least is not None:
                values = f"[{default}], or any whole number from {option.least} up"
            print(f"    {option.name}: {values}    ({option.summary})")
        there = entry.possible()
        usual = entry.estimands(chosen)[0]
        print("    estimand: " + " | ".join(f"[{e}]" if e == usual else e for e in there))
        if not entry.covariates(chosen):
            print("    covariates: none, omit: them all")
        print(f"    other names: {', '.join(entry.synonyms.split())}")
    print("\nDefaults are in brackets; every method also takes a label, a null_value [0] and a")
    print("condition on the scenarios in which it is asked for, such as when: 'x_icc = 1'.")
    print("All covariates of a study are in the model but those in omit: [NAME]; estimand: NAME is")
    print("the slope of one, where slope is an estimand.")
    print("Where scenarios have a third level, level: 3 takes its groups for clusters, level: [2]")
    print("the clusters.")
    print("In a study file:  - random_intercept: {df: wald, label: random intercept (z)}")
