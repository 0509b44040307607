"""A lock from a stranger: refused in one line that says where, or a lock like any other."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers_cli import call
from hypothesis import given, settings
from hypothesis import strategies as st

from simstudy.errors import UserError
from simstudy.locks.lock import Lock, lock_of, text_of
from simstudy.locks.places import of_config
from simstudy.locks.read import lock_in
from simstudy.study.study import load
from simstudy.study.yaml_lines import decoded

STUDY = """\
name: planned
seed: 3
replications: 60
scenarios: {n_clusters: 6, cluster_size: 5, icc: [0, 0.2], x_icc: 1, slope: 0}
methods: [pooled]
claims: ["type1_error of pooled > 0.1 where icc = 0.2"]
"""


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A good lock."""
    file = tmp_path_factory.mktemp("lock") / "planned.yaml"
    file.write_text(STUDY)
    return text_of(lock_of(load(file), 0))


WRONG = {
    "seed": ("  seed: 3", "  seed: 4", r":\d+: digest: is not that of the plan below it"),
    "claim": ("> 0.1", "> 0.2", r":\d+: digest: is not that of the plan below it"),
    "id": ("    ids: ", "    ids: 0badcafe ", r":\d+: plan.scenarios\[0\].ids: are 3, and the"),
    "no id": ("    ids: ", "    ids: zz ", r":\d+: plan.scenarios\[0\].ids: 'zz' is not the id"),
    "later": ("format: 1", "format: 9", r":\d+: format: 9 is of a later version of simstudy"),
    "time": ("locked: '2", "locked: 'x2", r":\d+: locked: expected a time such as"),
    "year": ("locked: '20", "locked: '00", r":\d+: locked: expected a time such as"),
    "form": ("format: 1", "format: true", r":\d+: format: expected 1, got true"),
    "naive": ("Z'", "'", r":\d+: locked: expected a time such as"),
    "unknown": ("stored: 0", "stored: 0\nexec: a", r":\d+: exec: unknown key"),
    "missing": ("stored: 0\n", "", r":\d+: 'stored' is missing"),
    "large": ("format", "#" * 1_000_000 + "\nformat", r": is too large for a study file"),
    "tag": ("study: planned", "study: !!python/name:os.system x", r":\d+: study: tag"),
    "levels": ("icc: [0, 0.2]", "icc: [0, {a: 1}]", r":\d+: plan.scenarios\[0\].icc\[1\]: "),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_lock_is_refused_where_it_is_wrong(
    wrong: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before, after, message = WRONG[wrong]
    assert before in text
    monkeypatch.chdir(tmp_path)
    Path("planned.yaml").write_text(STUDY)
    Path("planned.lock.yaml").write_text(text.replace(before, after, 1))
    ran = call("run", "planned.yaml", "--jobs", 1)
    assert ran.code == 2 and ran.err.count("\n") == 1 and ran.out == ""
    assert not Path("results").exists()
    with pytest.raises(UserError, match=r"^planned\.lock\.yaml" + message):
        lock_in(decoded(Path("planned.lock.yaml").read_bytes(), "planned.lock.yaml"))
    assert call("lock", "planned.yaml").code == 2
    assert call("lock", "planned.yaml", "--fresh").code == 0
    assert Path("planned.lock.1.yaml").is_file() and of_config("planned.yaml") is not None


def test_a_lock_in_a_results_folder_is_not_believed(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("planned.yaml").write_text(STUDY + "report: {figures: []}\n")
    assert call("run", "planned.yaml", "--jobs", 1).code == 0
    lock = Path("results/planned/study.lock.yaml")
    lock.write_text(text.replace("seed: 3", "seed: 4"))
    for verb, target in (("report", "results/planned"), ("run", "planned.yaml")):
        ran = call(verb, target)
        assert ran.code == 2 and ran.err.startswith(f"{lock}:") and ran.err.count("\n") == 1
    assert call("lock", "planned.yaml").code == 0  # written beside, it takes the other's place
    assert call("run", "planned.yaml", "--jobs", 1).code == 0
    lock.unlink()
    lock.symlink_to("/etc/hostname")  # a link is no lock
    assert call("report", "results/planned").code == 0


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_edit_makes_anything_but_a_lock_or_a_refusal(text: str, data: st.DataObject):
    lines = text.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        k = data.draw(st.integers(0, len(lines) - 1))
        new = st.sampled_from(["", "- x", "{", "a: [1", "'", "0: 0", "plan: 3", "~", "? ", "&a *a"])
        value = st.sampled_from(["[]", "{}", "null", "-1", ".nan", "1e999", "[[1]]", "true", "x"])
        key = lines[k].partition(":")[0]
        lines[k] = data.draw(st.one_of(new, value.map(lambda one, key=key: f"{key}: {one}")))
    try:
        assert isinstance(lock_in(decoded("\n".join(lines).encode(), "a.lock.yaml")), Lock)
    except UserError as error:
        assert "\n" not in str(error) and str(error).startswith("a.lock.yaml")
