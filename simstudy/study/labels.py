"""``labels:`` of a study file: what figures, tables and the page call what they show.

Labels are display alone: they are in no name, no digest and no stored row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from simstudy.errors import nearest
from simstudy.forms import shown
from simstudy.measures.catalog import MEASURES
from simstudy.measures.names import OF_TRUTH
from simstudy.measures.names import WORDS as OTHER_MEASURES
from simstudy.registry import Method
from simstudy.study import vocabulary
from simstudy.study.grid import Design, conditions, text_of
from simstudy.study.methods import names_of
from simstudy.study.place import Place

KINDS = ("methods", "factors", "levels", "measures")
_EXAMPLE = "a mapping such as {factors: {icc: ICC of the score}}"


@dataclass(frozen=True, slots=True)
class Labels:
    """Words of the user's.

    Attributes
    ----------
    methods : mapping
        Canonical name -> text.
    factors : mapping
        Field -> text.
    levels : mapping
        Field -> level as it is written in tables -> text.
    measures : mapping
        Name of a measure, power or type1_error -> text.
    """

    methods: Mapping[str, str] = field(default_factory=dict)
    factors: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    measures: Mapping[str, str] = field(default_factory=dict)

    @property
    def written(self) -> dict[str, Any]:
        """The same as a study file has it; empty where there is nothing."""
        levels = {factor: dict(texts) for factor, texts in self.levels.items()}
        whole = (dict(self.methods), dict(self.factors), levels, dict(self.measures))
        return {kind: texts for kind, texts in zip(KINDS, whole, strict=True) if texts}


NONE = Labels()


def labels_of(
    given: Place, designs: Sequence[Design], methods: Sequence[Method], own_measures: Iterable[str]
) -> Labels:
    """The labels, each of something that there is in the study, or `UserError`."""
    if given.value is None:
        return NONE
    given.expect(dict, _EXAMPLE)
    given.allow(KINDS, vocabulary.LABELS)
    fields = conditions(designs)
    measures = (*MEASURES, *OF_TRUTH, *own_measures)
    levels = {
        name: _texts(of, _levels(name, designs, of.value), f"level of {name}")
        for name, of in _known(given.get("levels"), dict.fromkeys(fields), "factor")
    }
    return Labels(
        _texts(given.get("methods"), names_of(methods), "method"),
        _texts(given.get("factors"), {name: name for name in fields}, "factor"),
        levels,
        _texts(given.get("measures"), {name: name for name in measures}, "measure", alike=True),
    )


_SYNONYMS = {"factor": vocabulary.SCENARIO, "measure": OTHER_MEASURES}


def _known(
    given: Place, known: Mapping[str, Any], what: str
) -> Iterable[tuple[str, Place]]:  # fmt: skip
    """Names and what stands there, or refuse a name that is not known."""
    if given.value is None:
        return
    given.expect(dict, f"a mapping of each {what} to its text")
    for name in given.value:
        if name not in known:
            hint = nearest(name, known, _SYNONYMS.get(what, {}))
            given.refuse(f"no {what} {shown(name)}{hint}", name)
        yield name, given[name]


def _texts(
    given: Place, known: Mapping[str, str], what: str, *, alike: bool = False
) -> dict[str, str]:  # fmt: skip
    """Name, as `known` has it -> text; no two may have the same, unless they may be alike."""
    texts: dict[str, str] = {}
    for name, place in _known(given, known, what):
        text = place.expect(str, "text")
        if not text.strip():
            place.refuse("expected text, got blanks")
        if not alike and text in texts.values():
            place.refuse(f"two are called {shown(text)}: they could not be told apart")
        texts[known[name]] = text
    return texts


def _levels(name: str, designs: Sequence[Design], given: Any) -> dict[Any, str]:
    """A level of a field, as tables write it or as it is given (0.20) -> as tables write it."""
    levels = dict.fromkeys(design.level(name) for design in designs)
    texts = {text: text for level in levels if level is not None for text in [text_of(level)]}
    for key in given if isinstance(given, dict) else ():
        with suppress(ValueError):
            number = f"{float(key):g}"
            texts |= {key: number} if number in texts else {}
    return texts
