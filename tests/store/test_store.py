"""The store: the contract's layout, readable by anyone, never half a part."""

from __future__ import annotations

import json
import os

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from helpers_simulation import study
from hypothesis import given
from hypothesis import strategies as st

import simstudy
from simstudy.errors import WorkError
from simstudy.estimates import STATUSES
from simstudy.runner.execute import execute
from simstudy.store import parts, study_file
from simstudy.store.names import PartName, method_key, parse
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import load

COLUMNS = ["scenario", "replication", "method", "estimate", "std_error", "df", "p_value",
           "status", "tau2", "sigma2"]  # fmt: skip
GRID = {"n_clusters": 5, "cluster_size": [4, 6], "icc": [0, 0.1], "x_icc": 0.5, "slope": 0}
NOBODYS = parts.Whose({})
METHODS = ["pooled", {"random_intercept": {"df": "wald"}}]


@pytest.fixture
def folder(tmp_path):
    execute(study(GRID, METHODS, 50), ResultsFolder(tmp_path), 1)
    return tmp_path


def test_every_part_has_exactly_these_columns_and_plain_text(folder):
    files = sorted((folder / "estimates").iterdir())
    assert files
    for file in files:
        schema = pq.read_schema(file)
        assert schema.names == COLUMNS
        kinds = [str(schema.field(name).type) for name in COLUMNS]
        assert kinds == ["string", "int64", "string", *["double"] * 4, "string", "double", "double"]


def test_doubles_have_neither_dictionary_nor_statistics(folder):
    for file in (folder / "estimates").iterdir():
        group = pq.read_metadata(file).row_group(0)
        for i, name in enumerate(COLUMNS):
            column = group.column(i)
            assert column.statistics is None
            assert column.has_dictionary_page == (name in ("scenario", "method", "status"))


def test_estimates_open_as_one_table(folder):
    table = ds.dataset(folder / "estimates", format="parquet").to_table().to_pandas()
    assert len(table) == 4 * 50 * 2
    assert set(table.method) == {"pooled", "random_intercept[df=wald]"}
    assert set(table.status) <= set(STATUSES)
    assert np.isinf(table[table.method != "pooled"].df).all()
    assert table[table.method == "pooled"][["tau2", "sigma2"]].isna().all().all()
    assert table[table.method != "pooled"][["tau2", "sigma2"]].notna().all().all()
    assert sorted(set(table.replication)) == list(range(1, 51))


def test_nothing_but_parts_stands_in_estimates(folder):
    assert all(parse(name) for name in os.listdir(folder / "estimates"))
    assert os.listdir(folder / ".work") == []


def test_footers_say_where_a_part_comes_from(folder):
    one = study(GRID, METHODS, 50)
    keys = {design.id: f"{design.key:032x}" for design in one.designs}
    for part in ResultsFolder(folder).parts():
        footer = parts.footer(ResultsFolder(folder), part)
        assert footer["seed"] == one.seed
        assert footer["keys"] == {name: keys[name] for name in part.scenarios}
        assert footer["numpy"] == np.__version__
        assert footer["simstudy"] == simstudy.__version__
        assert {"scipy", "cpu", "git_commit", "python", "methods"} <= set(footer)
        json.dumps(footer)


def test_the_study_as_run_loads_again_with_its_defaults_filled_in(folder):
    one, again = study(GRID, METHODS, 50), load(folder / "study.yaml")
    assert [d.id for d in again.designs] == [d.id for d in one.designs]
    assert (again.methods, again.alpha, again.seed) == (one.methods, one.alpha, one.seed)
    text = (folder / "study.yaml").read_text()
    assert "kenward_roger" not in text and "df: wald" in text and "estimator: reml" in text


def test_a_file_in_the_study_is_found_from_the_results_folder_too(tmp_path):
    (tmp_path / "x.csv").write_text("g,x\n" + "".join(f"{j},{i * j}\n" for j in (1, 2, 3)
                                                      for i in range(4)))  # fmt: skip
    (tmp_path / "s.yaml").write_text(
        "name: s\nseed: 1\nreplications: 5\nmethods: [pooled]\n"
        "scenarios: {icc: 0, slope: 0, x: {file: x.csv, column: x, cluster: g}}\n"
    )
    one = load(tmp_path / "s.yaml")
    folder = tmp_path / "deep" / "er" / "s"
    execute(one, ResultsFolder(folder), 1)
    assert load(folder / "study.yaml").designs[0].id == one.designs[0].id


def test_a_truncated_part_is_named_and_never_read_as_data(folder):
    part = ResultsFolder(folder).parts()[0]
    file = folder / "estimates" / str(part)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(WorkError, match=str(part).replace("+", r"\+")):
        parts.read(ResultsFolder(folder), part, ("estimate",), NOBODYS)


def test_a_part_with_the_wrong_number_of_rows_is_refused(folder):
    first, *_ = ResultsFolder(folder).parts()
    other = PartName(first.scenarios, first.methods, 0, first.first, first.last + 1)
    os.rename(folder / "estimates" / str(first), folder / "estimates" / str(other))
    with pytest.raises(WorkError, match="rows, not"):
        parts.read(ResultsFolder(folder), other, ("estimate",), NOBODYS)


def test_rows_of_another_scenario_with_the_same_id_are_never_taken(folder):
    """Ids are 32 bits of a digest; the footers hold 128."""
    part = ResultsFolder(folder).parts()[0]
    keys = {
        name: int(key, 16)
        for name, key in parts.footer(ResultsFolder(folder), part)["keys"].items()
    }
    assert parts.read(ResultsFolder(folder), part, ("estimate",), parts.Whose(keys))
    keys[part.scenarios[-1]] += 1
    with pytest.raises(WorkError, match="holds another scenario"):
        parts.read(ResultsFolder(folder), part, ("estimate",), parts.Whose(keys))


def test_a_failed_write_publishes_nothing(folder, monkeypatch):
    part = PartName(("00000000",), ("pooled",), 0, 1, 3)
    estimates = study_estimates()

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(WorkError, match="No space"):
        parts.write(ResultsFolder(folder), part, ["pooled"], [estimates], {})
    assert part not in ResultsFolder(folder).parts()


def test_a_footer_is_read_however_long_it_is(folder):
    part = PartName(("00000000",), ("pooled",), 0, 1, 3)
    long = {f"package {k}": "1.2.3" * 10 for k in range(3000)}
    parts.write(ResultsFolder(folder), part, ["pooled"], [study_estimates()], {"packages": long})
    assert parts.footer(ResultsFolder(folder), part)["packages"] == long
    (folder / "estimates" / str(part)).unlink()
    assert parts.footer(ResultsFolder(folder), part) is None


def study_estimates():
    from simstudy.estimates import Estimates

    values = np.array([0.1, 0.2, np.nan])
    outcome = np.array([0, 0, 3], dtype=np.int8)
    return Estimates(values, values, values, values, outcome)


def test_a_row_without_a_number_is_null_not_nan(folder):
    part = PartName(("00000000",), ("pooled",), 0, 1, 3)
    parts.write(ResultsFolder(folder), part, ["pooled"], [study_estimates()], {})
    table = pq.read_table(folder / "estimates" / str(part))
    assert table.column("estimate").null_count == 1
    assert table.column("status").to_pylist() == ["ok", "ok", "not_estimable"]
    read = parts.read(ResultsFolder(folder), part, ("estimate", "status"), NOBODYS)
    assert read["estimate"].shape == (1, 1, 3)
    assert np.array_equal(read["estimate"][0, 0], [0.1, 0.2, np.nan], equal_nan=True)
    assert read["status"][0, 0].tolist() == [0, 0, 3]


@given(
    st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=16, unique=True),
    st.lists(
        st.sampled_from(["pooled", "random_intercept[df=wald]", "trimmed[use=my.py]", "ä b/c"]),
        min_size=1,
        max_size=2,
        unique=True,
    ),
    st.integers(1, 10**11),
    st.integers(0, 10**6),
)
def test_a_part_name_says_everything_and_fits_a_file_system(ids, methods, first, length):
    keys = tuple(method_key(method) for method in methods)
    scenarios = tuple(f"{i:08x}" for i in ids)
    part = PartName(scenarios, keys, first // 4096, first, first + length)
    assert parse(str(part)) == part
    assert len(str(part).encode()) <= 255
    assert not set(str(part)) & set('/\\:*?"<>|[] ')


@pytest.mark.parametrize("name", [
    "x.parquet", "00000000_pooled_b0000000_0000000002-0000000001.parquet",
    "00000000_pooled_b0000000_0000000000-0000000001.parquet",
    "00000000_pooled_b0000000_0000000001-0000000002.parquet.tmp",
    ".00000000_pooled_b0000000_0000000001-0000000002.parquet",
    "0000000g_pooled_b0000000_0000000001-0000000002.parquet",
])  # fmt: skip
def test_other_files_are_not_parts(name):
    assert parse(name) is None


def test_keys_of_different_methods_differ():
    names = ["pooled", "pooled[df=wald]", "pooled[se=CR2]", "random_intercept[df=wald]"]
    assert len({method_key(name) for name in names}) == len(names)


def test_a_results_parent_that_is_a_file_is_the_users_mistake(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(simstudy.UserError, match="cannot be written"):
        study_file.prepare(study(GRID, METHODS, 5), ResultsFolder(tmp_path / "file" / "s"))
