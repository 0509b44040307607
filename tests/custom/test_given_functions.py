"""A function given from Python is told from others by what it is written as and what it reads."""

from __future__ import annotations

import collections
import functools
import math
import re
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats
from helpers_cli import ROOT
from helpers_own import GRID, run, study
from helpers_places import FAULTS
from numpy import log
from scipy.special import expit

import simstudy
from simstudy.custom import identity
from simstudy.errors import UserError

pytestmark = pytest.mark.slow

K = 1.0
LEVELS = (1, "a", (None, True), frozenset({2.5}))
WEIGHTS = np.arange(3.0)
DIGITS = re.compile(r"\d+")
MUTABLE, GENERATOR = [1.0], np.random.default_rng(1)
LARGE = np.zeros(200_000)
Line = collections.namedtuple("Line", "estimate std_error")


def helper(x):
    return x * K


class Model:
    factor = 2.0

    def fit(self, x):
        return self.factor * helper(x)

    @staticmethod
    def twice(x):
        return 2 * x


PARTIAL = functools.partial(helper, 3.0)
LAMBDA = lambda x: x + K  # noqa: E731
INSTANCE = Model()


def plain(data, a=3, b="x"):
    return np.mean(data.y) + math.sqrt(a) + scipy.stats.norm.cdf(1) + expit(0) + log(1.0), 1.0


def of_a_constant(data):
    return K, 1.0


def of_a_helper(data):
    return helper(1.0), 1.0


def of_a_default(data, how=helper):
    return how(1.0), 1.0


def of_a_partial(data):
    return PARTIAL(), 1.0


def of_a_lambda(data):
    return LAMBDA(1.0), 1.0


def of_a_class(data):
    return Model().fit(1.0), 1.0


def of_inner_code(data):
    return sum(K + one for one in (1.0,)), (lambda: K)()


def of_constants(data):
    return Line(len(LEVELS) + WEIGHTS.sum() + bool(DIGITS), 1.0)


READERS = [of_a_constant, of_a_helper, of_a_default, of_a_partial, of_a_lambda, of_a_class,
           of_inner_code]  # fmt: skip


def of_a_list(data):
    return MUTABLE[0], 1.0


def of_a_generator(data):
    return GENERATOR.normal(), 1.0


def of_an_instance(data):
    return INSTANCE.fit(1.0), 1.0


def of_a_large_array(data):
    return LARGE.sum(), 1.0


def counts(data):
    global K
    K += 1
    return K, 1.0


REFUSED = {
    of_a_list: "reads MUTABLE from around it, which is of type list",
    of_a_generator: "reads GENERATOR from around it, which is of type Generator",
    of_an_instance: "reads INSTANCE from around it, which is of type Model",
    of_a_large_array: "reads LARGE from around it, which is a large array",
    counts: "sets the global K",
}


@pytest.mark.parametrize("function", READERS, ids=lambda f: f.__name__)
def test_what_a_function_reads_is_part_of_it(monkeypatch, function):
    before = identity.of(function)
    assert identity.of(function) == before
    monkeypatch.setitem(globals(), "K", 2.0)
    assert identity.of(function) != before


@pytest.mark.parametrize(
    ("name", "value"),
    [("LEVELS", (1, "a", (None, True), frozenset({2.6}))), ("WEIGHTS", np.arange(3)),
     ("DIGITS", re.compile("a")), ("Line", collections.namedtuple("Line", "std_error estimate"))],
)  # fmt: skip
def test_constants_of_many_kinds_are_told(monkeypatch, name, value):
    before = identity.of(of_constants)
    monkeypatch.setitem(globals(), name, value)
    assert identity.of(of_constants) != before


def test_members_of_a_class_are_told(monkeypatch):
    before = identity.of(of_a_class)
    monkeypatch.setattr(Model, "factor", 3.0)
    assert identity.of(of_a_class) != before


@pytest.mark.parametrize("function", REFUSED, ids=lambda f: f.__name__)
def test_what_could_change_unseen_is_refused_by_name(function):
    with pytest.raises(UserError, match=re.escape(f"{function.__name__} {REFUSED[function]}")):
        study([simstudy.method(function)])


def test_what_is_installed_is_no_part_of_a_function(monkeypatch):
    """The bytes of such functions are those of the first version: their rows stay."""
    source, defaults = "def plain", "list:[tuple:[str:'a',int:3],tuple:[str:'b',str:'x']]]"
    found = identity.of(plain).decode()
    assert source in found and found.endswith(defaults) and "\n" not in found
    monkeypatch.setitem(globals(), "K", 2.0)
    assert identity.of(plain).decode() == found


def test_a_module_that_is_not_installed_is_refused(tmp_path, monkeypatch):
    (tmp_path / "beside_it.py").write_text("K = 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    text = ("import beside_it, simstudy\n@simstudy.method\ndef f(data):\n"
            "    return beside_it.K, 1.0\n")  # fmt: skip
    made = {"__name__": "__main__"}
    exec(compile(text, "typed", "exec"), made)
    with pytest.raises(UserError, match=r"reads beside_it .* a module that is not installed"):
        study([made["f"]])
    sys.modules.pop("beside_it")


def test_a_function_that_changes_after_its_study_was_loaded_is_refused(tmp_path, monkeypatch):
    one = study([simstudy.method(of_a_constant)], 4, GRID)
    run(one, tmp_path)
    monkeypatch.setitem(globals(), "K", 2.0)
    with pytest.raises(UserError, match="has changed since the study was loaded"):
        run(one, tmp_path)


def test_a_global_that_changes_between_two_runs_changes_the_rows(tmp_path):
    """The faults' own file: the bias is K."""
    file = FAULTS / "stale_global.py"
    for k in ("1.0", "3.0"):
        done = subprocess.run(
            [sys.executable, str(file), k], cwd=tmp_path, capture_output=True, text=True,
            env={"PYTHONPATH": str(ROOT), "PATH": ""}, check=True,
        )  # fmt: skip
        assert done.stdout.split() == ["k", k, "bias", f"[{k}]"]
