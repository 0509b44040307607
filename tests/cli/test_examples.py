"""The two examples below the help of every verb do what they say."""

from __future__ import annotations

import shlex
import shutil
from itertools import takewhile

import numpy as np
import pandas as pd
import pytest
from helpers_cli import GOOD_STUDY, call

from simstudy.cli.app import parser
from simstudy.cli.verbs import VERBS
from simstudy.results import Results

pytestmark = pytest.mark.slow

EXAMPLES = {verb: [f"{verb} {rest}" for rest in about.examples] for verb, about in VERBS.items()}
QUICK = {"diagnose": ["--replications", "50"], "run": ["--no-report"]}  # beside an example


def arguments(example: str) -> list[str]:
    """What a shell makes of it."""
    return list(takewhile(lambda word: word not in (">", "|"), shlex.split(example)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the files lie that the examples name."""
    place = tmp_path_factory.mktemp("examples")
    study = GOOD_STUDY.replace("name: bad", "name: icc") + "report: {figures: []}\n"
    (place / "icc.yaml").write_text(study)
    trial = study.replace("name: icc", "name: trial").replace("  slope: 0.0", "  slope: 1.5")
    (place / "trial.yaml").write_text(
        trial.replace("[0.0, 0.1, 0.2]", "0.1").replace("[0.0, 1.0]", "0.5")
    )
    rng = np.random.default_rng(3)
    school = np.repeat(np.arange(8), 6)
    frame = pd.DataFrame({"school": school, "hours": rng.normal(size=48)})
    frame["girl"] = rng.integers(0, 2, 48)
    frame["score"] = frame.hours + rng.normal(size=8)[school] + rng.normal(size=48)
    frame.to_csv(place / "pupils.csv")
    pd.DataFrame({"model": ["a", "b"] * 9, "b": rng.normal(size=18), "se": 1.0}).to_csv(
        place / "estimates.csv"
    )
    (place / "published.csv").write_text(
        "n_clusters,icc,x_icc,method,printed\n4,0.1,1,pooled,0.1\n"
    )
    return place


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_two_examples_that_are_read(verb):
    assert len(set(EXAMPLES[verb])) == 2
    for example in EXAMPLES[verb]:
        assert parser().parse_args(arguments(example)).verb == verb


def test_every_example_works(folder, monkeypatch):
    """But those about a bucket, in the order of a day's work."""
    monkeypatch.chdir(folder)
    study = (folder / "icc.yaml").read_text()
    (folder / "icc.yaml").unlink()
    for verb in dict.fromkeys(["init", "lock", "plan", "run", *VERBS]):
        if verb == "merge":
            for place in ("laptop", "desktop", "elsewhere"):
                shutil.copytree("results", place)
        for example in EXAMPLES[verb]:
            if "s3://" not in example:
                done = call(*arguments(_named(example)), *QUICK.get(verb, []))
                assert done.code == 0, (example, done.err)
        if verb == "init":  # which writes one that takes longer
            (folder / "icc.yaml").write_text(study)
    assert (folder / "units.csv").is_file() and (folder / "seventh.pdf").is_file()


def _named(example: str) -> str:
    """With a scenario that is there."""
    if " ID " not in example:
        return example
    return example.replace(" ID ", f" {Results.open('results/icc').study.designs[0].id} ")
