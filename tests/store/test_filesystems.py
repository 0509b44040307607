"""What a results folder asks of the place where it lies, asked of all kinds of places."""

from __future__ import annotations

import os
import pickle
import stat
import tempfile
from collections.abc import Iterator

import pytest
from helpers_objects import ENVIRONMENT

from simstudy.errors import UserError, WorkError
from simstudy.store.names import PartName
from simstudy.store.results_folder import ResultsFolder, is_uri
from simstudy.store.stores import opened

PART = PartName(("00000000",), ("pooled",), 0, 1, 3)
KINDS = ["local", "file", "mock", pytest.param("s3", marks=pytest.mark.slow)]


@pytest.fixture(params=KINDS)
def folder(request, tmp_path) -> Iterator[ResultsFolder]:
    kind = request.param
    if kind == "local":
        yield ResultsFolder(tmp_path / "r")
    elif kind == "file":
        yield ResultsFolder(f"file://{tmp_path}/with%20blank/r")
        assert (tmp_path / "with blank").is_dir()
    elif kind == "mock":  # pyarrow's own, in memory, which is no object store
        yield ResultsFolder(f"mock://{tmp_path}/r")
    else:
        yield ResultsFolder(request.getfixturevalue("object_store").uri(f"{tmp_path.name}/r"))


def test_a_place_holds_what_is_written_and_nothing_else(folder):
    files = folder.files
    assert folder.names("estimates") == [] == folder.listed("estimates") == folder.parts()
    assert not folder.exists("a") and files.is_free("a") and files.is_free("")
    for ask in (folder.read, lambda name: folder.read_end(name, 9)):
        with pytest.raises(FileNotFoundError):
            ask("a")
    with pytest.raises(FileNotFoundError):
        folder.move("a", "b")
    folder.remove("a")

    files.prepare(("estimates",))
    folder.write("a", b"one", memoryview(b" and "), b"two")
    folder.write(folder.of_part(PART), b"x" * 1000)
    folder.write("estimates/other", b"")
    assert folder.read("a") == b"one and two" and folder.exists("a") and not files.is_free("a")
    assert folder.read_end("a", 7) == b"and two" and folder.read_end("a", 12) == b"one and two"
    assert folder.names("estimates") == [str(PART), "other"] and folder.parts() == [PART]
    part, other = folder.listed("estimates")
    assert (part.name, part.size, part.plain, other.size) == (str(PART), 1000, True, 0)
    assert not files.is_free("estimates") and not folder.exists("estimates")
    assert [e.plain for e in folder.listed("") if e.name in ("a", "estimates")] == [True, False]

    folder.write("a", b"three")
    folder.replace("a", b"three")
    assert folder.read("a") == b"three"
    folder.move("a", "deep/er/b")
    assert folder.read("deep/er/b") == b"three" and not folder.exists("a")
    folder.remove("deep/er/b")
    assert not folder.exists("deep/er/b")
    assert [name for name in folder.names(".work") if name != "set-aside"] == []


def test_an_earlier_time_is_told_from_a_later_one(folder):
    folder.write("a", b"1")
    first = folder.listed("")[0].time
    folder.write("a", b"2")
    assert first <= folder.listed("")[0].time < first + 60_000_000_000


def test_what_is_set_aside_is_kept(folder):
    for content in (b"1", b"2", b"3"):
        folder.write("estimates/a", content)
        assert folder.set_aside("estimates/a", "failures/a") is not None
        assert not folder.exists("estimates/a")
    assert folder.set_aside("estimates/a") is None
    names = ("estimates/a", "2/estimates/a", "3/estimates/a")
    assert [folder.read(f".work/set-aside/{name}") for name in names] == [b"1", b"2", b"3"]


def test_files_are_read_ahead_of_their_turn(folder):
    names = [f"estimates/{k}" for k in range(12)]
    for name in names:
        folder.write(name, name.encode())
    reading = folder.ahead(names)
    wanted = [*names[:3], names[8], "elsewhere", names[1], *names[9:], names[11]]
    folder.write("elsewhere", b"elsewhere")
    assert [reading.read(name) for name in wanted] == [name.encode() for name in wanted]
    reading = folder.ahead(["gone", names[0]])
    with pytest.raises(FileNotFoundError):
        reading.read("gone")
    late = folder.ahead([names[0], "gone"])
    assert late.read(names[0]) == names[0].encode()
    with pytest.raises(FileNotFoundError):
        late.read("gone")


def test_lines_are_added_to_those_that_are_there(folder):
    folder.files.prepare(())
    folder.write("log", b"a\ntorn")
    with folder.lines("log") as lines, folder.lines("log") as others:
        lines.add(b"b\n")
        others.add(b"c\n")
        lines.add(b"d\n")
    kept = [line for line in folder.read("log").split(b"\n") if line]
    assert sorted(kept) == [b"a", b"b", b"c", b"d", b"torn"] and kept[:2] == [b"a", b"torn"]


def test_a_place_goes_to_another_process_and_is_found_by_name(folder):
    folder.write("a", b"1")
    again = pickle.loads(pickle.dumps(folder))
    assert str(again) == str(folder) and again.read("a") == b"1"
    assert folder.below("icc").shown("a") == f"{folder}/icc/a"
    assert folder.files.scratch().is_dir()
    assert folder.anchored().read("a") == b"1"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no users there")
@pytest.mark.parametrize("user", [0, 7])
def test_nobody_trusts_a_folder_of_another_users(user, tmp_path, monkeypatch):
    """Not root either, whom any of them may lead somewhere."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    files = ResultsFolder("mock:///r").files
    monkeypatch.setattr(os, "getuid", lambda: user)
    monkeypatch.setattr(os, "lstat", lambda path: os.stat_result([stat.S_IFDIR, *[8] * 9]))
    with pytest.raises(WorkError, match="is not a folder of this user's"):
        files.scratch()


def test_all_of_it_moves_away(folder):
    if str(folder).startswith("mock"):
        pytest.skip("each URI of pyarrow's mock is a place of its own")
    assert folder.files.move_away() is None
    for number in (1, 2):
        folder.write("a", b"%d" % number)
        folder.write("estimates/b", b"2")
        moved = folder.files.move_away()
        assert moved == f"{folder}.{number}"
        assert folder.files.move_away() is None and not folder.exists("estimates/b")


@pytest.mark.parametrize(("uri", "said"), [
    ("s3://key:geheim@[bucket/x", "this URI is no place for results; expected s3://"),
    ("s3://key:gehe im@bucket/x", "s3://bucket/x: is no place for results; expected s3://"),
    ("foo://key:geheim@bucket/x", "foo://bucket/x: is no place for results; expected s3://"),
    ("s3://a:b@bucket/x?nonsense=geheim", "s3://bucket/x: 'nonsense' is no option; expected"),
    ("s3://key:geheim/geheim@bucket/x", "a URI has an @ after its bucket; write %2F for a / in"),
    ("s3://key:geheim#geheim@bucket/x", "a URI has an @ after its bucket; write %2F for a / in"),
    ("s3://key:geheim?geheim@bucket/x", "a URI has an @ after its bucket; write %2F for a / in"),
    ("abfs://:geheim/geheim@account/x", "a URI has an @ after its bucket; write %2F for a / in"),
])  # fmt: skip
def test_what_is_no_place_is_refused_without_its_secrets(uri, said):
    assert is_uri(uri)
    with pytest.raises(UserError) as refused:
        ResultsFolder(uri).read("study.yaml")
    assert str(refused.value).startswith(said) and "geheim" not in str(refused.value)


@pytest.mark.slow
def test_a_store_that_does_not_answer_is_named(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    uri = "s3://key:geheim@bucket/x?region=a&endpoint_override=http%3A//127.0.0.1:1"
    with pytest.raises(WorkError, match=r"^s3://bucket/x: no connection \(Could not connect"):
        ResultsFolder(uri).names("estimates")


def test_only_what_this_process_opened_is_used_in_it():
    """A fork ends the threads of a client."""
    here, other = (opened(pid, "mock:///a") for pid in (os.getpid(), os.getpid() + 1))
    assert here[0] is not other[0] and here is opened(os.getpid(), "mock:///a")
