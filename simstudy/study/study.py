"""A whole study, loaded and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simstudy.entries import GRAINS
from simstudy.errors import UserError, nearest
from simstudy.estimands import is_null
from simstudy.plots import other_names, plots
from simstudy.registry import Method
from simstudy.study import fields, vocabulary
from simstudy.study.code import Importing
from simstudy.study.grid import CONDITIONS, Design, expand, text_of
from simstudy.study.measures import OwnMeasure, measures_of
from simstudy.study.methods import methods_of
from simstudy.study.yaml_lines import Document, read, whole
from simstudy.where import known

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_REPORT = dict.fromkeys(("plots", "figure", "graphs", "plot", "charts"), "figures")
_RESULTS = ("estimates", "scenarios.parquet", "summary.parquet", "summary.csv", "run.log.jsonl")


@dataclass(frozen=True, slots=True)
class Study:
    """A study, checked, defaults filled in.

    Attributes
    ----------
    designs : tuple of Design
        Its scenarios, in the order of the file.
    methods : tuple of Method
    alpha : tuple of float
    reference : str, optional
        Canonical name of the method with which the others are compared.
    folder : Path
        Where the study file is; file names in it are relative to this.
    measures : tuple of OwnMeasure
        The user's own, besides those that are built in.
    """

    name: str
    title: str
    aim: str
    seed: int
    replications: int
    alpha: tuple[float, ...]
    designs: tuple[Design, ...]
    methods: tuple[Method, ...]
    grain: str | None
    figures: tuple[str, ...]
    reference: str | None
    scenarios: Any
    folder: Path
    measures: tuple[OwnMeasure, ...] = ()

    def asks(self, design: Design, method: Method) -> bool:
        """Whether a method is asked for in a scenario."""
        when = method.when
        return when is None or when.holds({field: design.level(field) for field in when.fields})

    def n_asked(self, method: Method) -> int:
        """Scenarios in which a method is asked for."""
        return sum(self.asks(design, method) for design in self.designs)

    @property
    def own_methods(self) -> list[Method]:
        """Methods that are functions of the user's; failures and extras may stand beside rows."""
        return [method for method in self.methods if method.source is not None]

    @property
    def n_fits(self) -> int:
        """Fits that the study asks for."""
        return self.replications * sum(self.n_asked(method) for method in self.methods)


def load(
    source: str | Path | Mapping[str, Any],
    *,
    trusted: bool | None = None,
    importing: Importing = lambda file, method: None,
) -> Study:
    """Load and check a study.

    Parameters
    ----------
    source : path or mapping
        A YAML file, or the same as a dict.
    trusted : bool
        Whether files that it says to `use:` may be imported. Default: unless it is the
        study.yaml of a results folder.
    importing : callable
        Told of each such file, and what it is for, before it is imported.

    Returns
    -------
    Study

    Raises
    ------
    UserError
        One line: file, line, what is wrong and what would be right.
    """
    if isinstance(source, Mapping):
        return check(Document(plain(source)), trusted is not False, importing)
    if trusted is None:
        trusted = not _is_stored(Path(source))
    return check(read(source), trusted, importing)


def _is_stored(file: Path) -> bool:
    """Whether a file is the study.yaml of a results folder, by its own or by a linked name."""
    return any(
        path.name == "study.yaml" and any((path.parent / name).exists() for name in _RESULTS)
        for path in (file, file.resolve())
    )


def plain(value: Any) -> Any:
    """Python data as YAML could hold it: numpy's and pandas' numbers and lists are welcome."""
    if isinstance(value, Mapping):
        return {
            plain(key) if isinstance(key, str) else key: plain(item) for key, item in value.items()
        }
    if isinstance(value, str):
        try:
            return whole(value)
        except ValueError as error:
            raise UserError(f"{value!r:.60}: {error}") from None
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple | range):
        return [plain(item) for item in value]
    return value


def check(
    document: Document,
    trusted: bool = True,
    importing: Importing = lambda file, method: None,
) -> Study:
    """Check a document and build the study; see `load`."""
    data = document.data
    if not isinstance(data, dict):
        document.refuse((), f"expected a study (name, seed, ...), got {fields.shown(data)}")
    for key in data:
        if key not in fields.TOP_FIELDS:
            hint = vocabulary.hint(str(key), fields.TOP_FIELDS, vocabulary.TOP)
            document.refuse((str(key),), f"unknown key{hint}")
    for key in fields.REQUIRED:
        if key not in data:
            document.refuse((), f"'{key}' is missing ({fields.TOP_FIELDS[key]})")
    name = _text(document, "name")
    if not valid_name(name):
        message = (
            f"{fields.shown(name)} cannot name a folder; use letters, digits, '-', '_' and '.'"
        )
        document.refuse(("name",), message)
    numbers = fields.TOP_NUMBERS
    whole = {
        key: int(numbers[key].check(document, (key,), data[key]))
        for key in ("seed", "replications")
    }
    alpha = _alpha(document)
    designs = tuple(expand(document))
    folder = Path(document.file).resolve().parent if document.file else Path.cwd()
    chosen = methods_of(document, folder, trusted, importing)
    return _asked(document, Study(
        name=name,
        title=_text(document, "title"),
        aim=_text(document, "aim"),
        **whole,
        alpha=alpha,
        designs=designs,
        methods=chosen,
        grain=_grain(document, designs, chosen),
        figures=_figures(document, designs, chosen),
        reference=_reference(document, chosen),
        scenarios=data["scenarios"],
        folder=folder,
        measures=measures_of(document, folder, trusted, importing),
    ))  # fmt: skip


def valid_name(name: str) -> bool:
    """Whether a study's name can name a folder anywhere."""
    return bool(_NAME.fullmatch(name)) and not name.endswith(".")


def _text(document: Document, key: str) -> str:
    value = document.data.get(key, "")
    if not isinstance(value, str):
        document.refuse((key,), f"expected text, got {fields.shown(value)}")
    return value


def _alpha(document: Document) -> tuple[float, ...]:
    value = document.data.get("alpha", 0.05)
    number = fields.TOP_NUMBERS["alpha"]
    if not isinstance(value, list):
        return (float(number.check(document, ("alpha",), value)),)
    if not value:
        document.refuse(("alpha",), "is an empty list")
    levels = [float(number.check(document, ("alpha", i), v)) for i, v in enumerate(value)]
    for i, level in enumerate(levels):
        if level in levels[:i]:
            document.refuse(("alpha", i), f"{level:g} is listed twice")
    return tuple(levels)


def _asked(document: Document, study: Study) -> Study:
    """Refuse a condition on what no scenario has, and a scenario in which nothing is asked for."""
    for i, (item, method) in enumerate(zip(document.data["methods"], study.methods, strict=True)):
        when = method.when
        if when is None:
            continue
        path = ("methods", i, *(() if "use" in item else item), "when")
        there = {field: [design.level(field) for design in study.designs if field in when.fields]
                 for field in CONDITIONS}  # fmt: skip
        try:
            when.check(there, vocabulary.SCENARIO)
        except UserError as error:
            document.refuse(path, str(error))
        if not study.n_asked(method):
            levels = (f"{field} {known(there[field])}" for field in when.fields)
            document.refuse(path, f"{when.text}: no scenario is like that ({'; '.join(levels)})")
    idle = [d for d in study.designs if not any(study.asks(d, m) for m in study.methods)]
    if idle:
        what = ", ".join(f"{field} {text_of(level)}" for field, level in idle[0].levels.items())
        message = f"no method is asked for in {len(idle)} of {len(study.designs)} scenarios ({what}"
        document.refuse(("scenarios",), message + (", ...)" if len(idle) > 1 else ")"))
    return study


def _reference(document: Document, chosen: tuple[Method, ...]) -> str | None:
    """A method by its label or its canonical name."""
    given = document.data.get("reference")
    if given is None:
        return None
    names = {name: m.canonical for m in chosen for name in (m.canonical, m.label)}
    if given not in names:
        hint = nearest(str(given), names)
        document.refuse(("reference",), f"{fields.shown(given)} is no method of the study{hint}")
    return names[given]


def _grain(
    document: Document, designs: tuple[Design, ...], chosen: tuple[Method, ...]
) -> str | None:
    grain = document.data.get("grain")
    if grain is None and "grain" not in document.data:
        return None
    if grain not in GRAINS:
        hint = nearest(str(grain), GRAINS, vocabulary.GRAIN)
        document.refuse(("grain",), f"{fields.shown(grain)} is not a grain{hint}")
    for design in designs:
        first = design.scenario.first_grain
        if GRAINS.index(grain) < GRAINS.index(first):
            message = f"{grain} does not hold unbalanced data or a predictor that is not normal"
            document.refuse(("grain",), f"{message}; use {first}")
        if grain == "rows" and design.n_obs > 2_000_000:
            document.refuse(
                ("grain",), f"rows of {design.n_obs:.0f} units do not fit; use clusters"
            )
    for item, method in zip(document.data["methods"], chosen, strict=True):
        if isinstance(item, dict) and "digest" in item:
            continue  # a user's method of stored results, whose file may be gone
        if GRAINS.index(grain) < GRAINS.index(method.grain):
            message = f"{method.canonical} needs {method.grain}, finer than {grain}"
            document.refuse(("grain",), message)
    return grain


def default_figures(designs: tuple[Design, ...], chosen: tuple[Method, ...]) -> tuple[str, ...]:
    """Error rate or power, or both; SE bias; the design effect where it varies."""
    aims = {(m.target, m.null_value) for m in chosen if m.tested}
    nulls = {
        bool(is_null(target.value(design.scenario), null_value))
        for target, null_value in aims
        for design in designs
    }
    effects = {round(design.design_effect, 9) for design in designs}
    figures = (
        ("type1_error", True in nulls),
        ("power", False in nulls),
        ("se_bias", bool(aims)),
        ("design_effect", bool(aims) and len(effects) > 5),
    )
    return tuple(name for name, wanted in figures if wanted)


def _figures(
    document: Document, designs: tuple[Design, ...], chosen: tuple[Method, ...]
) -> tuple[str, ...]:
    report: Any = document.data.get("report")
    if report is not None and not isinstance(report, dict):
        document.refuse(("report",), f"expected figures: [...], got {fields.shown(report)}")
    for key in report or ():
        if key != "figures":
            hint = nearest(str(key), ("figures",), _REPORT)
            document.refuse(("report", key), f"unknown key{hint}")
    if not report or "figures" not in report:
        return default_figures(designs, chosen)
    listed = report["figures"]
    if not isinstance(listed, list):
        document.refuse(("report", "figures"), f"expected a list, got {fields.shown(listed)}")
    for i, figure in enumerate(listed):
        if not isinstance(figure, str) or figure not in plots():
            hint = nearest(str(figure), plots(), other_names() | vocabulary.FIGURES)
            place = ("report", "figures", i)
            document.refuse(place, f"unknown figure {fields.shown(figure)}{hint}")
    return tuple(dict.fromkeys(listed))
