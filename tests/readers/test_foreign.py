"""Every file of the corpus is read right by every command, or refused in one line."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from helpers_cells import cells
from helpers_cli import call
from helpers_foreign import FILES, KINDS, SE, B, Foreign

from simstudy import UserError
from simstudy.readers.read import read

pytestmark = pytest.mark.slow


def test_the_corpus_has_siblings_of_every_kind():
    assert len(FILES) >= 150
    for kind in KINDS:
        assert sum(name.startswith(f"{kind}: ") for name in FILES) >= 3


@pytest.fixture(params=FILES)
def foreign(request, tmp_path):
    one = FILES[request.param]
    one.write(tmp_path / one.name)
    return one, tmp_path / one.name


def reader(one: Foreign, file):
    if one.refused is not None:
        return
    opened = read(file)
    method, b, se = one.columns
    rows = opened.whole([method, b, se])
    labels = [str(label) for label in rows.labels(method).to_pylist()]
    assert sorted(zip(labels, rows.numbers(b), strict=True)) == sorted(
        zip(one.methods, B, strict=True)
    )
    want = [float("nan") if i in one.missing else s for i, s in enumerate(SE)]
    assert sorted(map(repr, rows.numbers(se).tolist())) == sorted(repr(float(v)) for v in want)


def refused(one: Foreign, ran, file) -> None:
    """One line that says which file, and what about it, without a byte of it."""
    assert ran.code == 2, ran
    assert ran.out == "" and ran.err.count("\n") == 1 and ran.err.rstrip("\n").isprintable()
    assert str(file) in ran.err and re.search(one.refused, ran.err), ran.err
    assert len(ran.err) < 500 + len(str(file))


def summarized(one: Foreign, file):
    method, b, se = one.columns
    ran = call("summarize", file, "--estimate", b, "--std-error", se, "--method", method,
               "--true", "0.5", "--format", "json")  # fmt: skip
    if one.refused is not None:
        return refused(one, ran, file)
    assert ran.code == 0, ran
    found = {(row["method"], row["measure"]): row["value"] for row in json.loads(ran.out)}
    assert {method for method, _ in found} == set(one.methods)
    for name in set(one.methods):
        mine = [i for i, method in enumerate(one.methods) if method == name]
        lost = len(set(mine) & set(one.missing))
        assert found[name, "share_no_std_error"] == lost / 6
        if not lost:
            spread = np.std([B[i] for i in mine], ddof=1)
            assert found[name, "empirical_se"] == pytest.approx(spread, rel=1e-12)
    return None


def fitted(one: Foreign, file):
    method, b, se = one.columns
    ran = call("fit", file, f"`{b}` ~ `{se}` + (1 | `{method}`)", "--method", "dummy", "--json")
    if one.refused is not None and not (ran.code == 0 and re.search(one.refused, ran.err)):
        return refused(one, ran, file)
    assert ran.code == 0, ran
    if one.refused is None:
        n = 12 - len(one.missing) - _dropped(one)
        assert (json.loads(ran.out)["n_obs"], n > 0) == (n, True)
    return None


def _dropped(one: Foreign) -> int:
    """Rows whose label is a word for a missing one in `fit`, and a label in `summarize`."""
    return sum(label in ("NA", "None") for label in one.methods)


def x_of_a_study(one: Foreign, file):
    method, b, _ = one.columns
    x = {"file": str(file), "column": b, "cluster": method}
    study = {"name": "s", "seed": 1, "replications": 2, "methods": ["pooled"],
             "scenarios": {"x": x, "icc": 0.1, "slope": 0.0}}  # fmt: skip
    config = file.parent / "study.yaml"
    config.write_text(json.dumps(study))
    ran = call("run", config, "--results", file.parent, "--no-report", "--quiet", "--jobs", 1)
    if one.refused is None and not _dropped(one):
        assert ran.code == 0, ran
    elif ran.code != 0:
        assert ran.code == 2 and ran.err.count("\n") == 1 and ran.err.rstrip("\n").isprintable()


def refusal_is_of_the_input(one: Foreign, file):
    if one.refused is None:
        return
    with pytest.raises(UserError):
        opened = read(file)
        rows = opened.whole([*one.columns])
        rows.numbers(one.columns[1])
        rows.numbers(one.columns[2])
        if "" in rows.labels(one.columns[0]).to_pylist() or rows.num_rows == 0:
            raise UserError("empty")
        if rows.labels(one.columns[0]).null_count:
            raise UserError("empty")


CHECKS = [reader, summarized, fitted, x_of_a_study, refusal_is_of_the_input]


@cells("check", CHECKS, ids=lambda check: check.__name__)
def test_every_command_reads_it_right_or_refuses_it(foreign, check):
    check(*foreign)
