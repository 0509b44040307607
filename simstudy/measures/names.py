"""How measures are asked for: by name, and power and Type I error by what is true."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from simstudy.errors import UserError, nearest
from simstudy.measures.pairs import MEASURES as AGAINST_REFERENCE

REJECTION = "rejection_rate"
OF_TRUTH = {"power": False, "type1_error": True}  # rejection rates: whether the null is true
WORDS = {
    **dict.fromkeys(
        ("size", "type1", "type_1_error", "type_i_error", "type1error", "alpha_error",
         "false_positive_rate", "fpr", "type1_error_rate", "error_rate"),
        "type1_error",
    ),
    **dict.fromkeys(("sensitivity", "true_positive_rate"), "power"),
    **dict.fromkeys(
        ("type2", "type2_error", "type_2_error", "type_ii_error", "beta_error"),
        "ask for power, 1 minus the type 2 error rate",
    ),
    **dict.fromkeys(("rejection", "rejections", "reject", "significant"), REJECTION),
    **dict.fromkeys(
        ("se_bias", "se_error", "relative_error", "relerror", "se_ratio", "bias_se",
         "relative_se_bias", "error_model_se", "modelse_error"),
        "relative_error_model_se",
    ),
    **dict.fromkeys(
        ("emp_se", "empse", "sd", "empirical_sd", "sampling_sd", "sd_estimates", "ese",
         "monte_carlo_sd"),
        "empirical_se",
    ),
    **dict.fromkeys(("modelse", "mod_se", "rms_se"), "model_se"),
    **dict.fromkeys(("ase", "average_se", "avg_se", "mean_std_error"), "mean_se"),
    **dict.fromkeys(("mean_squared_error", "meansquarederror"), "mse"),
    **dict.fromkeys(("root_mse", "root_mean_squared_error"), "rmse"),
    **dict.fromkeys(
        ("cover", "cov", "coverage_probability", "coverage_rate", "ci_coverage", "covers"),
        "coverage",
    ),
    **dict.fromkeys(
        ("becover", "be_coverage", "bias_corrected_coverage"), "bias_eliminated_coverage"
    ),
    **dict.fromkeys(
        ("ci_width", "width", "ci_length", "interval_width", "ciwidth"), "mean_ci_width"
    ),
    **dict.fromkeys(("rel_bias", "rbias", "percent_bias", "pbias", "relbias"), "relative_bias"),
    **dict.fromkeys(("relprec", "precision", "relative_efficiency"), "relative_precision"),
    **dict.fromkeys(("inflation", "size_inflation", "alpha_inflation"), "type1_inflation"),
    **dict.fromkeys(("boundary", "singular", "share_singular"), "share_boundary"),
    **dict.fromkeys(("failed", "failures", "nonconvergence", "missing"), "share_failed"),
    **dict.fromkeys(
        ("convergence", "converged", "convergence_rate"), "ask for share_failed, what failed"
    ),
    "mean": "ask for bias, the mean of the estimates minus the true value",
    "variance": "ask for empirical_se, its square root",
}  # fmt: skip


class Asked(NamedTuple):
    """A measure that is asked for.

    Attributes
    ----------
    name : str
        As it was asked for.
    measure : str
        As in a summary.
    null : bool, optional
        Of rows whose null hypothesis is true, or false, only.
    """

    name: str
    measure: str
    null: bool | None


def asked(name: str, known: Iterable[str], refusal: str = "unknown measure '{}'") -> Asked:
    """A measure by its name, or `UserError` with what an unknown name may have meant.

    Parameters
    ----------
    known : iterable of str
        Measures that may be asked for here; with `rejection_rate`, power and type1_error are.
    refusal : str
        How it begins, with ``{}`` for the name.
    """
    known = list(known)
    if name in known:
        return Asked(name, name, None)
    if REJECTION in known:
        if name in OF_TRUTH:
            return Asked(name, REJECTION, OF_TRUTH[name])
        known += OF_TRUTH
    raise UserError(refusal.format(name) + nearest(name, known, WORDS))


def needed(one: Asked) -> str:
    """Why there may be no row of a measure."""
    if one.measure in AGAINST_REFERENCE:
        return " (it needs a reference method)"
    if one.null is None:
        return ""
    where = "is" if one.null else "is not"
    return f" (rejection_rate has it where the truth {where} the null value)"
