"""How measures are asked for: by name, and power and Type I error by what is true."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from simstudy.errors import UserError, meanings, nearest
from simstudy.measures.catalog import MEASURES, record_of

REJECTION = "rejection_rate"
OF_TRUTH = {"power": False, "type1_error": True}  # rejection rates: whether the null is true
_OF_TRUTH_WORDS = {"power": "Power", "type1_error": "Type I error rate"}
WORDS = {
    word: measure.name for measure in MEASURES.values() for word in measure.synonyms
} | meanings(
    {
        "ask for power, 1 minus the type 2 error rate":
            "type2 type2_error type_2_error type_ii_error beta_error",
        "ask for share_failed, what failed": "convergence converged convergence_rate",
        "ask for bias, the mean of the estimates minus the true value": "mean",
        "ask for empirical_se, its square root": "variance",
    },
    type1_error="size type1 type_1_error type_i_error type1error alpha_error "
    "false_positive_rate fpr type1_error_rate error_rate",
    power="sensitivity true_positive_rate",
)  # fmt: skip


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


def of_name(name: str) -> Asked:
    """What a name asks for: a measure, or the rejection rate where a null is (not) true."""
    return Asked(name, REJECTION if name in OF_TRUTH else name, OF_TRUTH.get(name))


def heading(name: str) -> str:
    """What figures call a measure, by its name, power or type1_error."""
    record = record_of(name)
    return _OF_TRUTH_WORDS.get(name) or record.heading or record.title


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
            return of_name(name)
        known += OF_TRUTH
    raise UserError(refusal.format(name) + nearest(name, known, WORDS))


def needed(one: Asked) -> str:
    """Why there may be no row of a measure."""
    if "pairs" in record_of(one.measure).needs:
        return " (it needs a reference method)"
    if one.null is None:
        return ""
    where = "is" if one.null else "is not"
    return f" (rejection_rate has it where the truth {where} the null value)"
