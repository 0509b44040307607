"""A user's file of methods, and small studies that use it."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from simstudy.runner.execute import execute
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study, load

FILE = '''\
import collections
import sys
import warnings

import numpy as np

import simstudy

Line = collections.namedtuple("Line", "estimate std_error df")


@simstudy.method
def ols(data):
    """OLS by hand."""
    x = data.x - data.x.mean()
    slope = (x * data.y).sum() / (x * x).sum()
    residual = data.y - data.y.mean() - slope * x
    df = len(data) - 2
    error = ((residual**2).sum() / df / (x * x).sum()) ** 0.5
    return {"estimate": slope, "std_error": error, "df": df, "largest": data.y.max()}


@simstudy.method(grain="clusters")
def means(moments):
    """OLS on the cluster means."""
    x = moments.mean_x - moments.mean_x.mean(axis=0)
    slope = (x * moments.mean_y).sum(axis=0) / (x * x).sum(axis=0)
    residual = moments.mean_y - moments.mean_y.mean(axis=0) - slope * x
    df = len(x) - 2
    error = np.sqrt((residual**2).sum(axis=0) / df / (x * x).sum(axis=0))
    return Line(slope, error, df)


@simstudy.method
def fragile(data, limit=1.0):
    """Fails where y is large, and talks."""
    print("noise"), print("noise", file=sys.stderr)
    np.seterr(all="raise")
    warnings.simplefilter("error")
    if data.y.max() > limit:
        raise ValueError(f"y is above {limit}")
    return data.y.mean(), 1.0


@simstudy.method
def bootstrap(data, rng, draws=20):
    """A bootstrap of the mean."""
    y = data.y.to_numpy()
    means = [rng.choice(y, y.size).mean() for _ in range(draws)]
    return {"estimate": np.mean(means), "std_error": np.std(means), "p_value": 0.5}


def plain(data):
    return 0.0, 1.0
'''
GRID = {"n_clusters": 6, "cluster_size": [4, {"uniform": [2, 9]}], "icc": 0.2, "x_icc": 0.5,
        "slope": 0.3}  # fmt: skip


def written(folder: Path, text: str = FILE, name: str = "mine.py") -> Path:
    """A file of methods in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def use(folder: Path, function: str, **options) -> dict:
    """An entry of `methods:` with an absolute path."""
    return {"use": f"{folder / 'mine.py'}:{function}", **options}


def study(methods: list, replications: int = 70, grid: dict | None = None, **more) -> Study:
    """A study of two scenarios."""
    head = {"name": "own", "seed": 5, "replications": replications, "scenarios": grid or GRID}
    return load(head | {"methods": methods} | more)


def rows(folder: Path, method: str | None = None):
    """Stored rows, sorted, of all methods or of those whose name begins so."""
    import pyarrow.compute as pc

    table = pq.read_table(folder / "estimates").sort_by(
        [("scenario", "ascending"), ("method", "ascending"), ("replication", "ascending")]
    )
    if method is not None:
        table = table.filter(pc.starts_with(table.column("method"), method))
    return table.combine_chunks()


def run(one: Study, folder: Path, jobs: int = 1, **more):
    """Compute what is missing and return all rows."""
    execute(one, ResultsFolder(folder), jobs, **more)
    return rows(folder)


def untimed(frame):
    """Extras without the seconds of the fits, which no run has as another; others as they are."""
    if "name" not in frame.columns:
        return frame
    return frame[frame.name != "seconds"].reset_index(drop=True)
