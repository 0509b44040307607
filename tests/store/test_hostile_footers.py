"""Footers in which a stranger wrote anything: no field of them ends a command in a traceback."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers_cli import call

import simstudy
from simstudy.store import seal
from simstudy.store.footers import ALSO, of_our_form

pytestmark = pytest.mark.slow

STUDY = {
    "name": "s", "seed": 2, "replications": 8, "methods": ["pooled", "dummy"],
    "scenarios": {"n_clusters": 4, "cluster_size": 3, "icc": 0.1, "x_icc": 0, "slope": 0},
}  # fmt: skip
JUNK = [{"a": [1]}, [1, None]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    place = tmp_path_factory.mktemp("whole")
    simstudy.run(STUDY, results=place, jobs=1, report=False, warn=lambda line: None)
    return place / "s"


def test_no_field_of_a_footer_is_a_traceback(whole, tmp_path):
    (file,) = (whole / "estimates").iterdir()
    table = pq.read_table(file)
    stored = json.loads(pq.read_metadata(file).metadata[seal.KEY])
    verbs = [("status", "R"), ("summarize", "R", "--format", "csv"), ("compact", "R"),
             ("merge", "R", "--into", tmp_path / "C" / "s")]  # fmt: skip
    for name in (*stored, "beside", "packages", "timeout", ALSO):
        for junk in JUNK:
            shutil.rmtree(tmp_path / "R", ignore_errors=True)
            shutil.copytree(whole, tmp_path / "R" / "s")
            said = {key: value for key, value in stored.items() if key != "sum"} | {name: junk}
            marked = table.replace_schema_metadata(
                {seal.KEY: json.dumps(said | {"sum": "=" * 16}, sort_keys=True).encode()}
            )
            sink = pa.BufferOutputStream()
            with pq.ParquetWriter(sink, table.schema, store_schema=False) as writer:
                writer.write_table(marked)
                writer.add_key_value_metadata(marked.schema.metadata)
            hostile = tmp_path / "R" / "s" / "estimates" / file.name
            hostile.write_bytes(b"".join(seal.summed(sink.getvalue())))
            for verb in verbs if isinstance(junk, dict) else verbs[:1]:
                given = [tmp_path / "R" / "s" if one == "R" else one for one in verb]
                ran = call(*given)
                assert ran.code in (0, 1, 2, 3), (name, junk, ran)
                assert "internal error" not in ran.err and len(ran.err.splitlines()) < 4, (
                    name,
                    ran,
                )


def test_what_is_of_our_form_stays():
    said = {
        "seed": 3, "methods": ["pooled"], "keys": {"0a": "1f"}, "git_commit": None,
        "alphas": [0.05], ALSO: [{"cpu": "x"}],
    }  # fmt: skip
    assert of_our_form(said) == said
    assert of_our_form({"keys": [1], "methods": "pooled", "cpu": [2], "seed": "3"}) == {}
