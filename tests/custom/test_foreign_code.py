"""What a user's code does to the process it runs in, and what becomes of the run."""

from __future__ import annotations

import gc
import json
import locale
import os
import random
import signal
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers_cli import call, call_process
from helpers_own import GRID, rows, run, study, use, written

import simstudy
from simstudy.custom import quiet
from simstudy.errors import Interrupt, UserError
from simstudy.results import Results
from simstudy.runner import backends
from simstudy.runner.execute import execute
from simstudy.runner.policy import FailurePolicy
from simstudy.store.results_folder import ResultsFolder

pytestmark = pytest.mark.slow

posix = pytest.mark.skipif(os.name != "posix", reason="forks")
HEAD = "import ctypes, os, signal, sys, threading, time, warnings\nimport simstudy\n\n"
SMALL = {"n_clusters": 6, "cluster_size": 4, "icc": 0, "x_icc": 0.5, "slope": 0}


def config(
    folder: Path,
    body: str,
    replications: int = 64,
    entry: str = "",
    grain: str = "",
    methods: list[str] | None = None,
) -> Path:
    """A study of `pooled` and of a method f with this body, or of these methods, as files."""
    if methods is None:
        decorator = f"@simstudy.method(grain='{grain}')" if grain else "@simstudy.method"
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        written(folder, f"{HEAD}{decorator}\ndef f(data):\n{lines}\n")
        methods = ["pooled", "mine.py:f"]
    entries = [f"{{use: '{name}'{entry}}}" if ":" in name else name for name in methods]
    file = folder / "s.yaml"
    file.write_text(
        f"name: s\nseed: 1\nreplications: {replications}\nscenarios: {json.dumps(SMALL)}\n"
        f"methods: [{', '.join(entries)}]\n"
    )
    return file


ENDS = {
    "exit": ("os._exit(0)", "EXIT(0)", "exit code 0"),
    "crash": ("ctypes.string_at(0)", "SIGSEGV", "signal 11"),
    "kill": ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL", "signal 9"),
    "fork": ("os.fork()\nos._exit(3)", "EXIT(3)", "exit code 3"),
}


@posix
@pytest.mark.parametrize("jobs", [1, 2])
def test_methods_that_end_their_process_are_named_and_cost_themselves_alone(tmp_path, jobs):
    function = (
        "@simstudy.method(part=8)\ndef {}_(data):\n    if data.y.iloc[0] > 1.0:\n        {}\n"
        "    return 0.0, 1.0\n"
    )
    ends = {how: end.replace("\n", "\n        ") for how, (end, *_) in ENDS.items()}
    written(tmp_path, HEAD + "\n".join(function.format(*item) for item in ends.items()))
    file = config(tmp_path, "", 16, methods=["pooled", *(f"mine.py:{how}_" for how in ENDS)])
    ran = call_process("run", file, "--jobs", jobs, "--no-report", cwd=tmp_path)
    assert ran.code == 1 and "Rejection rate" in ran.out
    assert ran.err.splitlines()[-1] == "some fits are not computed: see above"
    lost = [line for line in ran.err.splitlines() if "fits are not computed" in line][:-1]
    for how, (_, code, _) in ENDS.items():
        of_one = [line for line in lost if line.startswith(f"{how}_ in scenario ")]
        assert of_one and all(code in line for line in of_one)
        kept = rows(tmp_path / "results" / "s", f"{how}_")
        assert kept.num_rows == 16 - 8 * len(of_one)
    assert rows(tmp_path / "results" / "s", "pooled").num_rows == 16


@posix
@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("verb", ["plan", "check"])
def test_plan_and_check_say_who_ended_them(tmp_path, how, verb):
    end, _, code = ENDS[how]
    file = config(tmp_path, end)
    ran = call_process(verb, file if verb == "plan" else tmp_path / "mine.py", cwd=tmp_path)
    assert ran.code == 1
    (line,) = ran.err.splitlines()
    assert line.startswith(f"f of {tmp_path / 'mine.py'} ended the process ({code}")


@posix
@pytest.mark.parametrize("verb", ["run", "plan", "check"])
def test_a_file_that_ends_the_process_when_it_is_imported_is_named(tmp_path, verb):
    file = config(tmp_path, "return 0.0, 1.0")
    written(tmp_path, "import os\nos._exit(0)\n")
    ran = call_process(verb, tmp_path / "mine.py" if verb == "check" else file, cwd=tmp_path)
    said = f"imports {tmp_path / 'mine.py'} for f\n" if verb == "plan" else ""
    assert (ran.code, ran.out) == (1, said)
    (line,) = ran.err.splitlines()
    assert line.startswith(f"the import of {tmp_path / 'mine.py'} ended the process (exit code 0)")


RAISED = {
    "SystemExit(3)": "SystemExit: 3",
    "KeyboardInterrupt('k')": "KeyboardInterrupt: k",
    "GeneratorExit('g')": "GeneratorExit: g",
    "type('PanicException', (BaseException,), {})('p')": "PanicException: p",
    "simstudy.errors.Interrupt('i') if False else StopIteration(2)": "StopIteration: 2",
}


@pytest.mark.parametrize("jobs", [1, 2])
def test_whatever_a_method_raises_is_a_failed_row(tmp_path, jobs):
    function = (
        "@simstudy.method\ndef f{}(data):\n    if data.y.iloc[0] > 0:\n        raise {}\n"
        "    return 0.0, 1.0\n"
    )
    written(tmp_path, HEAD + "\n".join(function.format(*item) for item in enumerate(RAISED)))
    names = [f"f{k}" for k in range(len(RAISED))]
    file = config(tmp_path, "", methods=["pooled", *(f"mine.py:{name}" for name in names)])
    one = simstudy.load(file)
    assert run(one, tmp_path / "r", jobs).num_rows == 64 * (1 + len(RAISED))
    found = Results(one, tmp_path / "r").failures
    for method, message in zip(one.methods[1:], RAISED.values(), strict=True):
        of_one = found[found.method == method.label]
        assert 10 < len(of_one) < 54 and set(of_one.message) == {message}


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "BaseException('b')", "SystemExit(0)"])
def test_whatever_a_file_raises_when_imported_is_one_line(tmp_path, error):
    file = config(tmp_path, "return 0.0, 1.0")
    written(tmp_path, f"x = 1\nraise {error}\n")
    ran = call("plan", file)
    assert ran.code == 2 and f"mine.py:2: cannot be imported: {error.partition('(')[0]}" in ran.err


@posix
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_real_interrupt_still_interrupts(tmp_path, jobs):
    from helpers_faults import Life

    file = config(tmp_path, "try:\n    time.sleep(0.2)\nexcept ValueError:\n    pass\nreturn 0, 1")
    life = Life(file, tmp_path, jobs=jobs)
    until = time.monotonic() + 30
    while not list((tmp_path / "s").glob("estimates/*pooled*")) and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(life.process.pid, signal.SIGINT)
    code, said = life.end()
    assert (code, said[-1].partition(";")[0]) == (130, "interrupted")
    life.wait_until_gone()


def test_in_a_callers_process_ctrl_c_is_told_from_what_a_method_raises():
    def pressed():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job has none
    try:
        with pytest.raises(Interrupt):
            quiet.attempt(pressed)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def state():
    """What a call may not leave changed."""
    mask = os.umask(0)
    os.umask(mask)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1, signal.SIGCHLD)
    return {
        "umask": mask,
        "environ": dict(os.environ),
        "folder": os.getcwd(),
        "filters": list(warnings.filters),
        "locale": locale.setlocale(locale.LC_ALL),
        "errstate": np.geterr(),
        "print": {k: v for k, v in np.get_printoptions().items() if k != "override_repr"},
        "random": random.getstate(),
        "np.random": [str(part) for part in np.random.mtrand._rand.get_state()],
        "handlers": [signal.getsignal(number) for number in numbers],
        "streams": [sys.stdin, sys.stdout, sys.stderr, sys.excepthook],
        "recursion": sys.getrecursionlimit(),
        "gc": gc.isenabled(),
        "path": list(sys.path),
        "timer": signal.getitimer(signal.ITIMER_REAL)[0] > 0,
    }


LEAKS = """
import gc, io, locale, os, random, signal, sys, warnings
import numpy as np
import simstudy
SEEN = []

@simstudy.method
def leaks(data, how="return"):
    os.umask(0o777)
    os.environ["LEAKED"] = "1"
    os.environ.pop("HOME", None)
    os.chdir("/")
    warnings.simplefilter("error")
    locale.setlocale(locale.LC_ALL, "C.UTF-8" if locale.setlocale(locale.LC_ALL) == "C" else "C")
    np.seterr(all="raise")
    np.set_printoptions(precision=1)
    random.seed(1)
    np.random.seed(1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1):
        signal.signal(number, lambda *a: None)
    signal.setitimer(signal.ITIMER_REAL, 60)
    sys.stdout = sys.stderr = io.StringIO()
    sys.stdin = None
    sys.setrecursionlimit(500)
    gc.disable()
    sys.path.insert(0, "/nowhere")
    if how == "raise":
        raise ValueError("left in the middle")
    return 0.0, 1.0

@simstudy.method
def draws(data):
    return np.random.normal() + random.random(), 1.0

@simstudy.method(grain="clusters")
def draws_moments(moments):
    return np.random.normal(size=moments.mean_x.shape[-1]), 1.0
"""


@posix
@pytest.mark.parametrize("how", ["return", "raise"])
def test_each_call_leaves_the_process_as_it_found_it(tmp_path, how):
    written(tmp_path, LEAKS)
    one = study([use(tmp_path, "leaks", how=how)], 3)
    before = state()
    run(one, tmp_path / "r")
    after = state()
    assert {k for k in before if before[k] != after[k]} == set()
    modes = {p.stat().st_mode & 0o777 for p in (tmp_path / "r" / "estimates").iterdir()}
    assert modes == {0o666 & ~before["umask"]}


def test_what_a_method_draws_from_global_generators_is_its_replications_own(tmp_path):
    """Not what another method seeded, not the same in every replication, the same for any jobs."""
    written(tmp_path, LEAKS)
    alone = study([use(tmp_path, "draws"), use(tmp_path, "draws_moments")], 70)
    beside = study([use(tmp_path, name) for name in ("leaks", "draws", "draws_moments")], 70)
    run(alone, tmp_path / "alone")
    run(beside, tmp_path / "beside", 2)
    for name in ("draws[", "draws_moments["):
        one, other = (rows(tmp_path / place, name) for place in ("alone", "beside"))
        assert one.equals(other)
        assert len(set(one.column("estimate").to_pylist())) == 140


@posix
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_thread_that_outlives_its_method_is_said_and_the_run_ends(tmp_path, jobs):
    body = "threading.Thread(target=time.sleep, args=(300,)).start()\nreturn 0.0, 1.0"
    file = config(tmp_path, body, replications=4)
    start = time.monotonic()
    ran = call_process("run", file, "--jobs", jobs, "--no-report", cwd=tmp_path)
    assert time.monotonic() - start < 50
    assert ran.code == 0
    (line,) = ran.err.splitlines()
    assert line.startswith("4 warnings of methods of your own of f: a thread that the method")


@posix
def test_a_thread_that_outlives_check_or_an_import_is_said_and_it_ends(tmp_path):
    body = "threading.Thread(target=time.sleep, args=(300,), name='lasting').start()\nreturn 0, 1"
    config(tmp_path, body)
    ran = call_process("check", tmp_path / "mine.py", cwd=tmp_path)
    assert ran.code == 1
    assert ran.err.splitlines()[-1].startswith("threads that a user's code started still run")


@posix
@pytest.mark.parametrize(("start", "n_processes", "jobs"),
                         [("fork", 2, 1), ("fork", 2, 2), ("spawn", 1, 2)])  # fmt: skip
def test_a_method_may_use_multiprocessing(tmp_path, start, n_processes, jobs):
    text = (
        "import multiprocessing\nimport simstudy\n\ndef twice(x):\n    print('noise')\n"
        "    return 2 * x\n\n@simstudy.method\ndef f(data):\n"
        f"    with multiprocessing.get_context({start!r}).Pool({n_processes}) as pool:\n"
        "        found = pool.map(twice, [1.0, 2.0])\n    return sum(found), 1.0\n"
    )
    file = config(tmp_path, "return 0.0, 1.0", replications=1)
    written(tmp_path, text)
    ran = call_process("run", file, "--jobs", jobs, "--no-report", "--quiet", cwd=tmp_path)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    found = rows(tmp_path / "results" / "s", "f[")
    assert found.column("estimate").to_pylist() == [6.0]


ENDED = """\
child = os.fork()
if not child:
    time.sleep(20)
    os._exit(7)
os.kill(child, signal.SIGTERM)  # before the child is Python again, mostly
_, status = os.waitpid(child, 0)
return os.waitstatus_to_exitcode(status), 1.0
"""


@posix
@pytest.mark.parametrize("jobs", [1, 2])
def test_what_a_method_forks_ends_by_the_first_sigterm(tmp_path, jobs):
    """A pool of multiprocessing waits for ever for a worker that did not hear it."""
    file = config(tmp_path, ENDED, replications=3)
    ran = call_process("run", file, "--jobs", jobs, "--no-report", "--quiet", cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    estimates = rows(tmp_path / "results" / "s", "f[").column("estimate").to_pylist()
    assert estimates == [-signal.SIGTERM] * 3


FAILING = """
import simstudy

@simstudy.method(part=8)
def f(data):
    if data.y.iloc[0] > LIMIT:
        raise ValueError(f"no {data.y.iloc[0]}")
    return 0.0, 1.0
"""


@pytest.mark.parametrize(("limit", "give_up"), [
    ("-9", 10), ("-9 if data.shape[0] == 24 else 0.9", 33), ("-1.2", 10),
])  # fmt: skip
def test_giving_up_depends_on_the_plan_and_the_rows_alone(tmp_path, limit, give_up):
    written(tmp_path, FAILING.replace("LIMIT", f"({limit})"))
    one = study([use(tmp_path, "f"), "pooled"], 200, GRID | {"cluster_size": [4, 5, 6]})
    found = {}
    for name, jobs, backend in (("a", 1, "loky"), ("b", 2, "loky"), ("c", 2, "threads")):
        policy = FailurePolicy(give_up=give_up)
        with backends.opened(backend) as workers:
            execute(one, ResultsFolder(tmp_path / name), jobs, policy=policy, backend=workers)
        found[name] = policy.given_up()
        assert rows(tmp_path / name).equals(rows(tmp_path / "a"))
    assert found["a"] == found["b"] == found["c"]
    assert found["a"] or limit == "-1.2"


WARNING = """
import warnings
import numpy as np
import simstudy

@simstudy.method(part=16)
def f(data):
    if data.y.iloc[0] > 0:
        warnings.warn(f"y is {data.y.iloc[0]:.3f} at 0x7f{len(data)}", RuntimeWarning)
    np.log(np.array([-1.0 * (data.y.iloc[1] > 0)]))
    return 0.0, 1.0

@simstudy.method(grain="clusters", part=96)
def g(m):
    warnings.warn("one call", FutureWarning)
    if (m.mean_y[0] > 0.8).any():
        raise ValueError("one call")
    return m.mean_y[0], 1.0
"""


def test_warnings_are_counted_by_message_however_ranges_were_cut(tmp_path):
    written(tmp_path, WARNING)
    entries = [use(tmp_path, "f"), use(tmp_path, "g")]
    for replications in (21, 70, 150):
        run(study(entries, replications), tmp_path / "grown" / "own", 2)
    one = study(entries, 150)
    grown, whole = [], []
    found = [simstudy.run(one, jobs=1, results=tmp_path / name, warn=said.append, report=False)
             for name, said in (("grown", grown), ("whole", whole))]  # fmt: skip
    tables = [result.warnings for result in found]
    assert tables[0].equals(tables[1])
    assert list(tables[0].columns) == ["scenario", "method", "message", "count"]
    y = rows(tmp_path / "whole" / "own", "g[").column("estimate").to_pylist()
    assert set(tables[0].message) == {
        "RuntimeWarning: y is # at #", "RuntimeWarning: divide by zero encountered in log",
        "RuntimeWarning: invalid value encountered in log", "FutureWarning: one call",
    }  # fmt: skip
    of_f = tables[0][tables[0].message == "RuntimeWarning: y is # at #"]
    assert 100 < of_f["count"].sum() < 200 and len(of_f) == 2
    stored = pq.read_table(tmp_path / "whole" / "own" / "failures" / "warnings.parquet")
    assert stored.to_pandas().equals(tables[1])
    total = f"{tables[1]['count'].sum():,} warnings of methods of your own, "
    assert sum(line.startswith(total) for line in whole) == 1
    assert len(y) == 300 and [line for line in grown if "warnings of" in line]
    text = (found[1].report() and (found[1].folder / "report" / "methods.md")).read_text()
    assert "**f** gave " in text and "most often `RuntimeWarning: " in text


STUCK = {
    "sleeps": "time.sleep(60)",
    "never lets go": "while True:\n        try:\n            time.sleep(1)\n"
                     "        except BaseException:\n            pass",
    "in C": "sum(range(10**13))",
}  # fmt: skip


@posix
@pytest.mark.parametrize(("how", "jobs"), [*((how, 1) for how in STUCK), (list(STUCK)[1], 2)])
def test_a_fit_that_takes_too_long_is_a_failed_row(tmp_path, how, jobs):
    least = 1.25 if how == "sleeps" else 1.342  # each costs the watchdog's patience
    body = f"if {least} < data.y.iloc[0] < 1.35:\n        {STUCK[how]}\nreturn 0.0, 1.0"
    file = config(tmp_path, body.replace("\n        ", "\n    ", 1), entry=", timeout: 0.3")
    ran = call_process("run", file, "--jobs", jobs, "--no-report", cwd=tmp_path)
    assert ran.code == 0, ran
    found = Results.open(tmp_path / "results" / "s").failures
    assert len(found) == (2 if how == "sleeps" else 1) and set(found.message) == {"timeout"}
    assert rows(tmp_path / "results" / "s").num_rows == 128


def test_a_longer_timeout_recomputes_the_ranges_that_it_cut_and_no_others(tmp_path):
    body = "if 1.25 < data.y.iloc[0] < 1.35:\n    time.sleep(0.3)\nreturn 0.0, 1.0"
    one, longer, none = (
        simstudy.load(config(tmp_path, body, 96, entry))
        for entry in (", timeout: 0.1", ", timeout: 5", "")
    )
    assert one.methods == longer.methods == none.methods
    said = []
    first = simstudy.run(one, jobs=1, results=tmp_path, report=False, warn=said.append)
    cut = first.failures
    assert 0 < len(cut) < 6 and set(cut.message) == {"timeout"}
    assert simstudy.run(one, jobs=1, results=tmp_path, report=False, warn=str).n_fits == 0
    for other in (longer, none):
        again = simstudy.run(other, jobs=1, results=tmp_path, report=False, warn=said.append)
        n_ranges = len({(replication - 1) // 32 for replication in cut.replication})
        assert again.n_fits == (32 * n_ranges if other is longer else 0)
        assert again.failures.empty
    assert any("timeout" in line and "computed again" in line for line in said)


@pytest.mark.parametrize("value", [0, -1, True, "'2 s'", ".nan", ".inf", "[1]", "1e-9", "null"])
def test_a_timeout_is_a_number_of_seconds(tmp_path, value):
    ran = call("plan", config(tmp_path, "return 0.0, 1.0", entry=f", timeout: {value}"))
    assert ran.code == 2 and "s.yaml:5" in ran.err and "timeout: expected seconds from" in ran.err


def test_a_timeout_is_for_methods_of_ones_own():
    with pytest.raises(UserError, match="a timeout is for methods of your own"):
        study([{"pooled": {"timeout": 3}}])


def test_moments_that_take_too_long_are_halved(tmp_path):
    body = "if (data.mean_y[0] > 0.9).any():\n    time.sleep(9)\nreturn data.mean_y[0], 1.0"
    one = simstudy.load(config(tmp_path, body, 60, ", timeout: 0.05", grain="clusters"))
    run(one, tmp_path / "r")
    kept = np.array(rows(tmp_path / "r", "f[").column("estimate").to_pylist(), float)
    assert set(Results(one, tmp_path / "r").failures.message) == {"timeout"}
    assert 0 < np.isnan(kept).sum() < 20 and np.nanmax(kept) <= 0.9


def test_two_fits_that_say_that_they_did_not_converge_keep_where_they_stopped(tmp_path):
    body = (
        "stopped = bool(data.y.iloc[0] > 0)\n"
        "return {'estimate': 0.25, 'std_error': 2.0, 'converged': not stopped}"
    )
    one = simstudy.load(config(tmp_path, body))
    run(one, tmp_path / "r")
    found = Results(one, tmp_path / "r")
    values = found.extras.groupby("name").value.agg(["min", "max", "count"])
    n = len(found.failures)
    assert 10 < n < 54
    assert values.loc["unconverged_estimate"].tolist() == [0.25, 0.25, n]
    assert values.loc["unconverged_std_error"].tolist() == [2.0, 2.0, n]


class Panic(BaseException):
    pass


@pytest.mark.parametrize("error", [ValueError("v"), Panic("p"), SystemExit(0), KeyboardInterrupt()])
def test_whatever_a_measure_raises_is_one_line(tmp_path, monkeypatch, error):
    from simstudy.measures import own

    def mine(rows, truth):
        raise error

    monkeypatch.setitem(own.REGISTERED, "mine", own.record(mine, "mine"))
    one = study(["pooled"], 20)
    said = []
    found = simstudy.run(one, jobs=1, results=tmp_path, report=False, warn=said.append)
    assert len(said) == 1 and "the measure mine failed in 2 of 2 cells" in said[0]
    assert f": {type(error).__name__}" in said[0]
    table = found.summary_table().to_pandas()
    assert table[table.measure == "mine"].value.isna().all()
    assert table[table.measure == "bias"].value.notna().all()
    assert rows(tmp_path / "own").num_rows == 40


def test_a_timeout_that_cannot_be_kept_is_said(tmp_path):
    """A notebook's or a server's thread hears no alarm."""
    one, said = simstudy.load(config(tmp_path, "return 0.0, 1.0", 4, ", timeout: 5")), []
    run(one, tmp_path / "here", warn=said.append)
    assert said == []
    more = {"warn": said.append}
    thread = threading.Thread(target=run, args=(one, tmp_path / "there"), kwargs=more)
    thread.start()
    thread.join()
    (line,) = said
    assert line.startswith("a timeout cannot end fits that run in a thread")
    assert rows(tmp_path / "there").num_rows == 8
