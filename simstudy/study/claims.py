"""``claims:`` of a study file: what its results are said to show.

Claims are in no name and no digest: what is stored stays what it is, whatever is claimed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from simstudy.errors import UserError
from simstudy.measures.catalog import MEASURES, record_of
from simstudy.measures.names import Asked, asked
from simstudy.registry import Method
from simstudy.study.claim_grammar import GRAMMAR, UNITS, Range, Words, read
from simstudy.study.expected_rows import may_have
from simstudy.study.grid import Design, chosen_by
from simstudy.study.methods import called
from simstudy.study.place import Place, refuse_equal
from simstudy.where import Where


class Asking(Protocol):
    """What of a study its claims depend on."""

    @property
    def designs(self) -> tuple[Design, ...]:
        """Its scenarios."""

    @property
    def methods(self) -> tuple[Method, ...]:
        """Its methods."""

    @property
    def alpha(self) -> tuple[float, ...]:
        """Levels of its tests."""

    @property
    def reference(self) -> str | None:
        """Canonical name of the method with which its measures of pairs compare."""

    @property
    def measures(self) -> Sequence[Any]:
        """The user's own measures."""

    def asks(self, design: Design, method: Method) -> bool:
        """Whether a method is asked for in a scenario."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a study says of one of its measures.

    Attributes
    ----------
    text : str
        As it was written.
    some : bool
        Whether it says that of some cell; else of all.
    asked : Asked
        The measure.
    method : str
        Canonical name.
    against : str, optional
        Canonical name of the method with which it is compared, data set by data set.
    range : Range
        Where the measure is to be, in the units of the summary; of two methods, the difference.
    alpha : float, optional
        None: of all levels of the study, where the measure has levels.
    where : Where, optional
        None: in all scenarios.
    """

    text: str
    some: bool
    asked: Asked
    method: str
    against: str | None
    range: Range
    alpha: float | None
    where: Where | None

    def methods(self, study: Asking) -> tuple[Method, ...]:
        """The method, and the other one if it is about two."""
        by_name = {method.canonical: method for method in study.methods}
        return tuple(by_name[name] for name in (self.method, self.against) if name)

    def designs(self, study: Asking) -> list[Design]:
        """Scenarios that it is about, as far as the study file says: not where nothing is asked."""
        methods = self.methods(study)
        return [
            design
            for design in study.designs
            if design.meets(self.where)
            and all(study.asks(design, m) and may_have(self.asked, design, m) for m in methods)
        ]

    def alphas(self, study: Asking) -> tuple[float | None, ...]:
        """Levels that it is about; None alone where the measure has none."""
        if not record_of(self.asked.measure).per_alpha:
            return (None,)
        return study.alpha if self.alpha is None else (self.alpha,)


def claims_of(listed: Place, study: Asking) -> tuple[Claim, ...]:
    """The claims, each of something that there is in the study, or `UserError`."""
    if listed.value is None:
        return ()
    listed.expect(list, f"a list of texts: {GRAMMAR}")
    refuse_equal(listed.items())
    claims = []
    for item in listed.items():
        try:
            claims.append(_claim(item.value, study))
        except UserError as error:
            item.refuse(str(error))
    return tuple(claims)


def _claim(text: Any, study: Asking) -> Claim:
    said = read(text)
    one = asked(said.measure, (*MEASURES, *(measure.name for measure in study.measures)))
    _refuse_pairs(said, one, study)
    method = called(said.method, study.methods)
    against = said.against and called(said.against, study.methods)
    if method == against:
        raise UserError(f"'{said.method}' is compared with itself")
    _refuse_level(said, one, study)
    _refuse_units(said, one)
    claim = Claim(text.strip(), said.some, one, method, against, said.range, said.alpha, said.where)
    _refuse_nothing(claim, study)
    return claim


def _refuse_pairs(said: Words, one: Asked, study: Asking) -> None:
    """Refuse a comparison of two methods that there is no paired difference of."""
    if said.against is not None and one.measure not in MEASURES:
        message = "a measure of your own is held against numbers; two methods are compared"
        raise UserError(f"{message} by built-in measures")
    if "pairs" not in record_of(one.measure).needs:
        return
    if study.reference is None:
        raise UserError(f"{one.name} needs a reference method, and the study has none")
    if said.against is not None:
        raise UserError(f"{one.name} compares with the reference method: hold it against a number")


def _refuse_level(said: Words, one: Asked, study: Asking) -> None:
    """Refuse a level that is none of the study's, or of a measure that has none."""
    if said.alpha is None:
        return
    if not record_of(one.measure).per_alpha:
        raise UserError(f"{one.name} has no alpha")
    if said.alpha not in study.alpha:
        levels = ", ".join(f"{alpha:g}" for alpha in study.alpha)
        raise UserError(f"alpha {said.alpha:g} is no level of the study ({levels})")


def _refuse_units(said: Words, one: Asked) -> None:
    """Refuse a bound of a rate that is none: percent is meant."""
    if said.against is not None or not record_of(one.measure).proportion:
        return
    for bound in (said.range.low, said.range.high):
        if math.isfinite(bound) and not 0.0 <= bound <= 1.0:
            raise UserError(f"{bound:g} is no share from 0 to 1, and {one.name} is one; {UNITS}")


def _refuse_nothing(claim: Claim, study: Asking) -> None:
    """Refuse a claim of scenarios that there are not, or of which there is nothing to say."""
    designs: Sequence[Design] = study.designs
    there = "in any scenario"
    if claim.where is not None:
        designs, there = chosen_by(claim.where, designs), "there"
    methods = claim.methods(study)
    if "pairs" in record_of(claim.asked.measure).needs and claim.method == study.reference:
        raise UserError(f"{methods[0].label} is the reference method: it is compared with nothing")
    for method in methods:
        if not any(study.asks(design, method) for design in designs):
            raise UserError(f"{method.label} is not asked for {there}")
    if not claim.designs(study):
        labels = " and ".join(method.label for method in methods)
        raise UserError(f"{labels} cannot have {claim.asked.name} {there}{_why(claim)}")


def _why(claim: Claim) -> str:
    """When there is a measure that depends on what is true."""
    null = True if record_of(claim.asked.measure).where_null else claim.asked.null
    if null is None:
        return ""
    return f": it is where the truth is {'' if null else 'not '}the null value"
