"""Made-up summaries and estimates: every shape that a figure may get."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa

from simstudy.estimates import LIMITS, STATUSES
from simstudy.measures.block import COLUMNS
from simstudy.plots import plots
from simstudy.report.drawing.rows import Sample, Target, method_rows
from simstudy.report.drawing.view import View
from simstudy.report.nulls import Aim

OF_SUMMARY = [name for name, plot in plots().items() if plot.reads == "summary"]
OF_ROWS = [name for name, plot in plots().items() if plot.reads == "rows"]
MEASURES = ("bias", "rejection_rate", "relative_error_model_se")


def draw(name, data, title="", alpha=None, *, method=None, **more):
    """Draw a figure of a summary or of the rows of one scenario."""
    plot = plots()[name]
    if plot.reads == "summary":
        return plot.draw(data, title, alpha, **more)
    return plot.draw(sample(data, title, alpha or 0.05, **more), View(y=method))


def sample(data, title="", alpha=0.05, *, true=0.0, labels=None, what="", reference=None):
    """The rows of one scenario, of slopes, with the same truth for all methods."""
    labels = labels or {name: name for name in dict.fromkeys(data["method"].to_pylist())}
    aim = Aim("slope", true, 0.0)
    frame = data.to_pandas()
    status = [STATUSES.index(word) for word in frame.pop("status")]
    frame = frame.assign(status=np.array(status, dtype=np.int8)).fillna({"df": np.inf})
    methods = {}
    for k, (name, label) in enumerate(labels.items()):
        rows = frame[frame.method == name]
        columns = {column: rows[column].to_numpy() for column in (*COLUMNS, *LIMITS)
                   if column in rows}  # fmt: skip
        target = Target(label, aim, k)
        methods[label] = method_rows(target, rows.replication.to_numpy(), columns)
    return Sample(methods, title, alpha, what, reference)


def summary(
    factors, methods, *, replications=1000, theory=False, used=1.0, rate=None, alphas=(0.05,),
    failed=None,
) -> pa.Table:  # fmt: skip
    """A summary of crossed factors; `used` is the share of replications that are used.

    `rate` maps (levels, method number) to a rejection rate, which is then met exactly; `failed`
    to the number of replications that failed, which then stands in the summary.
    """
    names = list(factors)
    rng = np.random.default_rng(7)
    rows: dict[str, list] = {
        k: [] for k in ("scenario", *names, "n_obs", "design_effect", "method", "estimand", "truth",
                        "null_value", "measure", "alpha", "value", "mcse", "ci_low", "ci_high",
                        "n_used", "n_not_used", "theory", "theory_kind", "z")
    }  # fmt: skip
    every = round(used * replications)
    for s, levels in enumerate(itertools.product(*factors.values())):
        here = dict(zip(names, levels, strict=True))
        deff = 1 + 19 * (here.get("icc") or 0) * (here.get("x_icc") or 0)
        listed = MEASURES if failed is None else (*MEASURES, "share_failed")
        about = ("slope", float(here.get("slope") or 0.0), 0.0)
        for (m, method), measure in itertools.product(enumerate(methods), listed):
            n = every if failed is None else replications - failed(here, m)
            if measure == "share_failed":
                share = 1 - n / replications
                row = (f"{s:08x}", *levels, 200, deff, method, *about, measure, None, share, 0.0,
                       share, share, replications, 0, None, None, None)  # fmt: skip
                for column, cell in zip(rows.values(), row, strict=True):
                    column.append(cell)
                continue
            for alpha in alphas if measure == "rejection_rate" else (None,):
                truth, half = _truth(measure, here, m, deff, alpha, rate, max(n, 1))
                value = truth + half / 2 * rng.standard_normal() * (rate is None)
                if measure == "rejection_rate":
                    value = min(max(round(value * max(n, 1)) / max(n, 1), 0.0), 1.0)
                there = n > (1 if measure != "rejection_rate" else 0)
                known = theory and m < 2 and measure != "bias"
                numbers = (value, half / 2, max(value - half, -90.0), value + half)
                if measure == "rejection_rate":
                    numbers = (*numbers[:2], max(numbers[2], 0.0), min(numbers[3], 1.0))
                row = (f"{s:08x}", *levels, 200, deff, method, *about, measure, alpha,
                       *(numbers if there else (None,) * 4), n, replications - n,
                       truth if known else None, ("exact", "asymptotic")[m % 2] if known else None,
                       0.1 if known and there else None)  # fmt: skip
                for column, cell in zip(rows.values(), row, strict=True):
                    column.append(cell)
    kinds = {k: pa.float64() for k in ("alpha", "value", "mcse", "ci_low", "ci_high", "theory",
                                       "z")} | {"theory_kind": pa.string()}  # fmt: skip
    table = pa.table({k: pa.array(v, kinds.get(k)) for k, v in rows.items()})
    return table if theory else table.drop_columns(["theory", "theory_kind", "z"])


def _truth(measure, here, m, deff, alpha, rate, n):
    """A plausible value, and half of its interval."""
    if measure == "bias":
        return 0.0, 0.01
    if measure == "relative_error_model_se":
        return (100 * (deff**-0.5 - 1) if m % 3 == 0 else 2.0 * (m % 3)), 140 / np.sqrt(n)
    p = 0.4 if here.get("slope") else min(alpha * (deff if m % 3 == 0 else 1 + 0.1 * (m % 5)), 1.0)
    if rate is not None:
        p = rate(here, m)
    return p, 1.96 * max(np.sqrt(p * (1 - p) / n), 1.0 / n)


def estimates(methods, replications=500, *, status="ok", true=0.0, seed=3, df=20.0) -> pa.Table:
    """Rows of one scenario; method number m has standard errors m / 20 too small."""
    rng = np.random.default_rng(seed)
    pieces = []
    common = rng.standard_normal(replications)
    for m, method in enumerate(methods):
        error = 0.1 * (0.8 * common + 0.6 * rng.standard_normal(replications))
        se = 0.1 * (1 - m / 20) * np.sqrt(rng.chisquare(20, replications) / 20)
        from simstudy.numerics.tails import two_sided

        used = status in ("ok", "boundary")
        nothing = np.full(replications, np.nan)
        pieces.append(pa.table({
            "scenario": pa.array(["0000000a"] * replications),
            "replication": np.arange(1, replications + 1),
            "method": pa.array([method] * replications),
            "estimate": true + error if used else nothing,
            "std_error": se if used else nothing,
            "df": np.full(replications, df),
            "p_value": two_sided((true + error) / se, df) if used else nothing,
            "status": pa.array([status] * replications),
        }))  # fmt: skip
    return pa.concat_tables(pieces)
