"""The commands of the page about results in a bucket, as they stand there."""

from __future__ import annotations

import re
import shlex

import pytest
from helpers_cli import ROOT, call

from simstudy import Results

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "bucket.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    python -m simstudy (.*)$", PAGE, re.MULTILINE)
STUDY = """\
name: {name}
seed: 1
replications: 200
scenarios: {{n_clusters: [4, 6], cluster_size: 3, icc: 0.1, x_icc: 0, slope: 0}}
methods: [pooled, dummy]
report: {{figures: []}}
"""


def test_the_commands_of_the_page_work(tmp_path, monkeypatch, object_store):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{object_store.port}")
    monkeypatch.chdir(tmp_path)
    object_store.make_bucket("my-bucket")
    for name in ("night", "shared"):
        (tmp_path / f"{name}.yaml").write_text(STUDY.format(name=name))
    for line in COMMANDS:
        arguments = shlex.split(line.replace("scheme=https", "scheme=http"))
        ran = call(*arguments)
        assert ran.code == 0, (line, ran)
    assert len(COMMANDS) == 12
    night, *shared = map(Results.open, (
        "s3://my-bucket/results/night", "s3://my-bucket/results/shared", "copy/shared",
        "s3://my-bucket/backup/shared",
    ))  # fmt: skip
    order = [(name, "ascending") for name in ("method", "scenario", "replication")]
    tables = [found.estimates.to_table().sort_by(order) for found in (night, *shared)]
    assert all(table.equals(tables[0]) for table in tables) and tables[0].num_rows == 800
