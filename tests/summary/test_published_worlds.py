"""Printed tables of data that misbehave, beside simulations of their designs."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_places import ROOT

import simstudy
from simstudy.report.compare import compare

pytestmark = pytest.mark.slow

CONFIGS = ROOT / "configs" / "published"
STUDIES = {  # cells, replications
    "cameron2008_table3": (30, 600),
    "cameron2008_table4": (43, 1000),
    "goldfeld2023": (132, 600),
    "declaredesign2018": (11, 4000),
    "koller2022": (40, 300),
    "miratrix_pustejovsky": (456, 300),
    "powerlmm2018": (28, 1000),
}


@pytest.mark.parametrize("name", STUDIES)
def test_printed_numbers_come_out_again(tmp_path, name):
    cells, replications = STUDIES[name]
    found = simstudy.run(CONFIGS / f"{name}.yaml", results=tmp_path, replications=replications,
                         report=False, warn=lambda line: None)  # fmt: skip
    pairs = compare(found.summary_table(), str(CONFIGS / f"{name}.csv"))
    assert len(pairs) == cells and not any(pair.missing for pair in pairs)
    z = np.array([pair.z for pair in pairs])
    few = 2 / np.sqrt(cells)  # and cells of one design share its data sets
    assert abs(z.mean()) < 0.2 + few and 0.6 < z.std(ddof=1) < 1.2 + few and abs(z).max() < 4.5
