"""Errors that follow each other in the order of the units of a cluster."""

from __future__ import annotations

import math

from simstudy.forms import Number
from simstudy.generators.part import Part, register, rows
from simstudy.moments import Floats
from simstudy.numerics.segments import Segments

STREAM = 12  # of the order of the units


def followed(fresh: Floats, correlation: float, units: Segments) -> Floats:
    """Stationary autoregression of first order along the units of each cluster, in place."""
    share = math.sqrt(1.0 - correlation**2)
    if units.equal:
        for k in range(1, len(fresh)):
            fresh[k] *= share
            fresh[k] += correlation * fresh[k - 1]
        return fresh
    for here in units.later():
        fresh[here] = share * fresh[here] + correlation * fresh[here - 1]
    return fresh


register(Part(
    name="autocorrelation",
    stream=STREAM,
    summary="correlation of successive errors in a cluster, AR(1)",
    form=Number("correlation of neighbours", -1, 1, low_open=True, high_open=True),
    default=0.0,
    subject="errors",
    words="autocorrelation of errors",
    symbol=r"\phi",
    exact_at=rows,
    account=lambda value: "The errors $e_{ij}$ of a cluster were a stationary autoregression of "
        r"first order in the order of the units, $\operatorname{cor}(e_{ij}, e_{i+k,j}) = \phi^k$.",
    example=0.4,
    synonyms="ar1 ar serial_correlation autoregressive autoregression phi error_autocorrelation "
        "rho_time sercor ser_cor arima corar1 cor_ar1",
))  # fmt: skip
