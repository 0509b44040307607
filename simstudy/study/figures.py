"""``report:`` of a study file: which figures are drawn, and how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simstudy.entries import CodeSource
from simstudy.errors import UserError, nearest
from simstudy.estimands import is_null
from simstudy.forms import Number, shown
from simstudy.measures.catalog import MEASURES
from simstudy.measures.names import asked
from simstudy.plots import COMMON, OPTIONS, USUAL, other_names, plots
from simstudy.registry import Method
from simstudy.study import vocabulary
from simstudy.study.code import Imports
from simstudy.study.grid import Design, chosen_by
from simstudy.study.methods import called
from simstudy.study.own_figures import is_own, source_at
from simstudy.study.place import Place, refuse_equal
from simstudy.where import parse

_REPORT = dict.fromkeys(("plots", "figure", "graphs", "plot", "charts"), "figures")
WIDTH = Number("mm", 60, 600)
TARGET = Number("a power", 0, 1, low_open=True, high_open=True)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure that a study asks for.

    Attributes
    ----------
    name : str
        Of the figure, or of the user's function.
    number : int
        Which one of that name it is, from 1 up.
    options : mapping
        As the study file has them.
    scenarios : frozenset of str, optional
        Ids of those that are shown; None: all.
    methods : tuple of str
        Canonical names of those that are shown; empty: all.
    source : CodeSource, optional
        The user's function.
    """

    name: str
    number: int
    options: Mapping[str, Any]
    scenarios: frozenset[str] | None = None
    methods: tuple[str, ...] = ()
    source: CodeSource | None = None

    @property
    def file(self) -> str:
        """Its files' name, without an ending."""
        return self.name if self.number == 1 else f"{self.name}-{self.number}"

    def names(self, option: str) -> tuple[str, ...]:
        """The names that an option gives."""
        given = self.options.get(option, ())
        return (given,) if isinstance(given, str) else tuple(given)

    def written(self, folder: Any) -> Any:
        """The same as a study file in a folder has it."""
        if self.source is not None:
            return self.source.written(folder) | dict(self.options)
        return {self.name: dict(self.options)} if self.options else self.name


def default_figures(designs: tuple[Design, ...], chosen: tuple[Method, ...]) -> tuple[str, ...]:
    """The figures that are usual for true or false nulls, for tests, and where designs vary."""
    aims = {(m.target, m.null_value) for m in chosen if m.tested}
    nulls = {
        bool(is_null(target.value(design.scenario), null_value))
        for target, null_value in aims
        for design in designs
    }
    effects = {round(d.design_effect, 9) for d in designs if d.scenario.generator is None}
    varies = len(effects) > 5
    conditions = (True in nulls, False in nulls, bool(aims), bool(aims) and varies)
    usual = [what for what, holds in zip(USUAL, conditions, strict=True) if holds]
    return tuple(p.name for what in usual for p in plots().values() if p.usual == what)


def figures_of(
    top: Place,
    designs: tuple[Design, ...],
    chosen: tuple[Method, ...],
    imports: Imports,
    own_measures: Iterable[str] = (),
) -> tuple[Drawing, ...]:
    """The figures that `report:` asks for; by default those that are usual."""
    report = top.get("report")
    if report.value is not None:
        report.expect(dict, "figures: [...]")
        report.allow(("figures", "tables", "page"), _REPORT)
    if "figures" not in (report.value or {}):
        return tuple(Drawing(name, 1, {}) for name in default_figures(designs, chosen))
    listed = report["figures"]
    listed.expect(list, "a list")
    read = _Reader(designs, chosen, imports, (*MEASURES, *own_measures))
    found: list[Drawing] = []
    times: Counter[str] = Counter()
    for item in listed.items():
        drawing = read.drawing(item)
        if any(replace(one, number=1) == drawing for one in found):
            continue
        title = drawing.options.get("title")
        if title and any(one.options.get("title") == title for one in found):
            item.refuse(f"two figures have the title {shown(title)}: they are not the same")
        times[drawing.name] += 1
        found.append(replace(drawing, number=times[drawing.name]))
    return tuple(found)


class _Reader:
    """Reads the items of `figures:` against what there is in the study."""

    def __init__(
        self,
        designs: Sequence[Design],
        methods: Sequence[Method],
        imports: Imports,
        measures: Sequence[str],
    ) -> None:
        self.designs, self.imports, self.measures = designs, imports, measures
        self.methods = methods
        self.factors = list(dict.fromkeys(name for d in designs for name in d.levels))
        self.check: dict[str, Callable[[Place], Any]] = {
            "x": self._factor, "y": self._factor, "panels": self._factors,
            "measure": self._measure, "title": _text, "width": WIDTH.read,
            "target": TARGET.read, "categories": lambda place: place.expect(bool, "true or false"),
        }  # fmt: skip

    def drawing(self, item: Place) -> Drawing:
        """One item: a name, a name with options, or a function of the user's."""
        if is_own(item.value):
            source = source_at(item, self.imports)
            return Drawing(source.function, 1, {}, source=source)
        if isinstance(item.value, dict):
            if len(item.value) != 1:
                item.refuse("expected one figure with its options: {NAME: {x: FIELD, ...}}")
            (name,) = item.value
            place, given = item, item[name]
        else:
            name, place, given = item.value, item, None
        if not isinstance(name, str) or name not in plots():
            hint = nearest(name, plots(), other_names() | vocabulary.FIGURES)
            place.refuse(f"unknown figure {shown(name)}{hint}")
        if given is None or given.value is None:
            return Drawing(name, 1, {})
        return self._with_options(name, given)

    def _with_options(self, name: str, given: Place) -> Drawing:
        given.expect(dict, f"options of {name}, such as {{title: TEXT}}")
        known = (*plots()[name].takes, *COMMON)
        for key in given.value:
            if key not in known:
                hint = nearest(key, known, vocabulary.FIGURE_OPTIONS)
                of = "; other figures have it" if key in OPTIONS else hint
                given.refuse(f"{name} has no option {shown(key)}{of}", key)
        of_methods = plots()[name].reads == "rows"
        for key, value in given.value.items():
            if key in ("x", "y") and of_methods:
                self._methods(given[key])
            elif key in self.check and value is not None:
                self.check[key](given[key])
        scenarios, methods = None, tuple[str, ...]()
        if given.value.get("scenario") is not None:
            scenarios = self._scenarios(given["scenario"])
        if given.value.get("methods") is not None:
            methods = self._methods(given["methods"])
        options = {key: value for key, value in given.value.items() if value is not None}
        return Drawing(name, 1, options, scenarios, methods)

    def _factors(self, place: Place) -> None:
        """One factor, or several."""
        levels = place.levels()
        refuse_equal(levels)
        for level in levels:
            if level.value not in self.factors:
                hint = nearest(level.value, self.factors, vocabulary.SCENARIO)
                level.refuse(f"{shown(level.value)} is no factor of the study{hint}")

    def _factor(self, place: Place) -> None:
        place.expect(str, "a factor")
        self._factors(place)

    def _measure(self, place: Place) -> None:
        try:
            asked(place.expect(str, "the name of a measure"), self.measures)
        except UserError as error:
            place.refuse(str(error))

    def _methods(self, place: Place) -> tuple[str, ...]:
        """Canonical names of methods by label or by that name."""
        names = dict[str, None]()
        for level in place.levels():
            try:
                names[called(level.value, self.methods)] = None
            except UserError as error:
                level.refuse(str(error))
        return tuple(names)

    def _scenarios(self, place: Place) -> frozenset[str]:
        """Ids of the scenarios with this one, or that meet this condition."""
        text = str(place.value)
        if any(text == design.id for design in self.designs):
            return frozenset([text])
        try:
            return frozenset(one.id for one in chosen_by(parse(place.value), self.designs))
        except UserError as error:
            place.refuse(str(error))


def _text(place: Place) -> None:
    if not place.expect(str, "text").strip():
        place.refuse("expected text, got blanks")
