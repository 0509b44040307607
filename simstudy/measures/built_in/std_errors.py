"""Measures of the standard errors, over the replications that have one."""

from __future__ import annotations

import numpy as np

from simstudy.measures.record import WITH_SE, Cells, Section, measure
from simstudy.measures.values import NAN, Value, mean_of, plain, ratio


@measure(
    Section.STD_ERRORS, WITH_SE, "Model SE",
    words="Model-based standard error", formula=r"$m=\sqrt{\frac1n\sum s_i^2}$",
    mcse=r"$\sqrt{\mathrm{Var}(s_i^2)/(4nm^2)}$", synonyms=("modelse", "mod_se", "rms_se"),
)  # fmt: skip
def model_se(cells: Cells) -> Value:
    """Root mean square of the standard errors; MCSE sqrt(var(s^2) / (4 n ModSE^2))."""
    powers = cells.totals.with_se
    n = powers.n
    value = np.where(n > 0, np.sqrt(powers.means[1]), NAN)
    spread = ratio(powers.about[0, 2], n - 1)
    return plain(value, ratio(np.sqrt(ratio(spread, 4 * n)), value))


@measure(
    Section.STD_ERRORS, WITH_SE, "Mean SE",
    words="Mean standard error", formula=r"$\bar s=\frac1n\sum s_i$",
    mcse=r"standard deviation of the $s_i$ over $\sqrt n$",
    synonyms=("ase", "average_se", "avg_se", "mean_std_error"),
)  # fmt: skip
def mean_se(cells: Cells) -> Value:
    """Mean of the standard errors; MCSE sd / sqrt(n)."""
    powers = cells.totals.of_se
    return mean_of(powers.means[0], powers.about[2,], powers.n)


@measure(
    Section.STD_ERRORS, WITH_SE, "SE bias, %", decimals=1,
    heading="Relative error of the model SE, %",
    words="Relative error of the model-based standard error, %", formula="$100(m/s-1)$",
    mcse=r"linearized ratio of the sums of $s_i^2$ and $(t_i-\bar t)^2$", brief=True,
    synonyms=("se_bias", "se_error", "relative_error", "relerror", "se_ratio", "bias_se",
              "relative_se_bias", "error_model_se", "modelse_error"),
)  # fmt: skip
def relative_error_model_se(cells: Cells) -> Value:
    """100 (ModSE / EmpSE - 1), the "SE bias" in percent.

    The robust MCSE linearizes the ratio of the totals of s_i^2 and (t_i - tbar)^2.
    """
    powers = cells.totals.with_se
    n, about, variance = powers.n, powers.about, powers.means[1]
    s2 = ratio(about[2, 0], n - 1)
    root = np.sqrt(ratio(np.where(variance > 0, variance, NAN), s2))
    value = 100.0 * (root - 1.0)
    if cells.mcse == "normal":
        of_model = ratio(ratio(about[0, 2], n - 1), 4 * n * variance**2)
        return plain(value, 100.0 * root * np.sqrt(of_model + ratio(0.5, n - 1)))
    total_v, total_e = n * variance, about[2, 0]
    r = ratio(total_v, total_e)
    # sum (v_i - r e_i)^2 over e_i = (t_i - tbar)^2; its mean is 0 by construction
    vv = about[0, 2] + n * variance**2
    ve = about[2, 1] + variance * total_e
    residual = np.maximum(vv - 2.0 * r * ve + r * r * about[4, 0], 0.0)
    relative = ratio(np.sqrt(residual * ratio(n, n - 1)), total_v)
    return plain(value, 100.0 * root * relative / 2.0)
