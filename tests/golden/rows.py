"""Digests of stored rows: what no change to the package may move.

``python tests/golden/rows.py`` writes rows.json again; a change of it belongs into CHANGELOG.md
with its reason. Only `estimates/` is read, so that the file is the same for every version.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import scipy

import simstudy

HERE = Path(__file__).parent
CONFIGS = HERE.parents[1] / "configs"
STUDIES = ("icc", "smoke", "own")
DECIMALS = {"estimate": 10, "std_error": 10, "df": 7, "p_value": 10, "tau2": 10, "sigma2": 10}


def stack() -> dict[str, str]:
    """What may move last digits: numpy, scipy and what numpy uses of the CPU."""
    from numpy._core._multiarray_umath import __cpu_features__ as features

    used = " ".join(sorted(name for name, there in features.items() if there))
    return {"numpy": np.__version__, "scipy": scipy.__version__, "cpu": used}


def rounded(values: np.ndarray, decimals: int) -> np.ndarray:
    """Rounded, without a sign of zero."""
    return np.round(values, decimals) + 0.0


def digests(folder: Path) -> dict[str, dict[str, str]]:
    """`scenario method` -> sha256 of its rows, exact and rounded, in order of replication."""
    columns = ["scenario", "method", "replication", "status", *DECIMALS]
    rows = ds.dataset(folder / "estimates", format="parquet").to_table(columns=columns).to_pandas()
    found = {}
    for (scenario, method), group in rows.groupby(["scenario", "method"], observed=True):
        group = group.sort_values("replication")
        sums = {"exact": hashlib.sha256(), "rounded": hashlib.sha256()}
        for kind in sums.values():
            kind.update(group.replication.to_numpy(np.int64).tobytes())
            kind.update(" ".join(group.status.astype(str)).encode())
        for name, decimals in DECIMALS.items():
            values = group[name].to_numpy(np.float64)
            values = np.where(np.isnan(values), np.nan, values)  # one NaN of many
            sums["exact"].update(values.tobytes())
            sums["rounded"].update(rounded(values, decimals).tobytes())
        found[f"{scenario} {method}"] = {kind: sums[kind].hexdigest() for kind in sums}
    return found


def compute(parent: Path) -> dict[str, object]:
    """Run the studies and digest their rows."""
    studies = {}
    for name in STUDIES:
        simstudy.run(CONFIGS / f"{name}.yaml", results=parent, report=False, warn=lambda line: None)
        studies[name] = digests(parent / name)
    return {"stack": stack(), "studies": studies}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as parent:
        text = json.dumps(compute(Path(parent)), indent=1, sort_keys=True)
    (HERE / "rows.json").write_text(text + "\n", encoding="utf-8")
