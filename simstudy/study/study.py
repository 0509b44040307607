"""A whole study, loaded and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from simstudy.entries import GRAINS
from simstudy.errors import UserError, nearest
from simstudy.estimands import ESTIMANDS
from simstudy.forms import shown
from simstudy.generators.scenario import OwnGenerator
from simstudy.registry import GROUPS, Method, OwnMethod
from simstudy.study import fields, vocabulary
from simstudy.study.claims import Claim, claims_of
from simstudy.study.code import Imports, Listener
from simstudy.study.figures import Drawing
from simstudy.study.grid import Design, conditions, expand, text_of
from simstudy.study.keeping import ROWS, sample_of
from simstudy.study.labels import NONE, Labels
from simstudy.study.measures import OwnMeasure, measures_of
from simstudy.study.methods import called, methods_of
from simstudy.study.place import Place, refuse_equal
from simstudy.study.precision import Precision, Stop, refuse_what_nobody_has, replications_of
from simstudy.study.shown import shown_of
from simstudy.study.tables import USUAL, Tables
from simstudy.study.yaml_lines import Document, decoded, read, whole
from simstudy.where import known

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MARKS = ("estimates", "totals", "scenarios.parquet", "summary.parquet", "summary.csv", "run.log.*")


@dataclass(frozen=True, slots=True)
class Study:
    """A study, checked, defaults filled in.

    Attributes
    ----------
    designs : tuple of Design
        Its scenarios, in the order of the file.
    replications : int
        Of every scenario; where scenarios stop by precision, of none more.
    methods : tuple of Method
    alpha : tuple of float
    reference : str, optional
        Canonical name of the method with which the others are compared.
    folder : Path
        Where the study file is; file names in it are relative to this.
    measures : tuple of OwnMeasure
        The user's own, besides those that are built in.
    precision : Precision, optional
        When a scenario stops; None where all have the same replications.
    stops : mapping
        Scenario id -> `Stop`, as far as rows were looked at; see `summary.stopping.settled`.
    sample : int, optional
        Rows that are stored of a method in a scenario where totals are; None: all are, and no
        totals.
    claims : tuple of Claim
        What its results are said to show; they change no name, no digest and no stored row.
    labels : Labels
        What figures and tables call what they show; they change nothing else.
    tables : Tables
        What is asked of the tables of its report.
    page : bool
        Whether its report has the page for browsers.
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
    figures: tuple[Drawing, ...]
    reference: str | None
    scenarios: Any
    folder: Path
    measures: tuple[OwnMeasure, ...] = ()
    precision: Precision | None = None
    stops: Mapping[str, Stop] = field(default_factory=dict)
    sample: int | None = None
    claims: tuple[Claim, ...] = ()
    labels: Labels = NONE
    tables: Tables = USUAL
    page: bool = True

    def n_reps(self, scenario: str) -> int:
        """Replications of a scenario, by its id: as many as are known to be wanted."""
        if self.precision is None:
            return self.replications
        stop = self.stops.get(scenario)
        return self.precision.least if stop is None else stop.n_reps

    def totalled(self, design: Design, method: Method) -> bool:
        """Whether totals are stored of a method in a scenario.

        A user's own code may give a truth and limits by row: what it makes keeps its rows.
        """
        own = isinstance(method, OwnMethod) or design.scenario.generator is not None
        return self.sample is not None and not own

    def fixed(self, replications: int) -> Study:
        """The same with so many replications of every scenario."""
        return replace(self, replications=replications, precision=None, stops={})

    def asks(self, design: Design, method: Method) -> bool:
        """Whether a method is asked for in a scenario."""
        return design.meets(method.when)

    def n_asked(self, method: Method) -> int:
        """Scenarios in which a method is asked for."""
        return sum(self.asks(design, method) for design in self.designs)

    def n_fits_of(self, method: Method) -> int:
        """Fits of a method that the study asks for."""
        return sum(self.n_reps(design.id) for design in self.designs if self.asks(design, method))

    @property
    def own_methods(self) -> list[OwnMethod]:
        """Methods that are functions of the user's; failures and extras may stand beside rows."""
        return [method for method in self.methods if isinstance(method, OwnMethod)]

    @property
    def generators(self) -> dict[Any, OwnGenerator]:
        """The user's own generators, by how the study file names them."""
        found = (design.scenario.generator for design in self.designs)
        return {own.use: own for own in found if own is not None}

    @property
    def n_fits(self) -> int:
        """Fits that the study asks for."""
        return sum(map(self.n_fits_of, self.methods))


def load(
    source: str | Path | Mapping[str, Any],
    *,
    trusted: bool | None = None,
    importing: Listener = lambda file, purpose: None,
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
    return check(*opened(source, trusted=trusted, importing=importing))


def opened(
    source: str | Path | Mapping[str, Any],
    *,
    trusted: bool | None = None,
    importing: Listener = lambda file, purpose: None,
) -> tuple[Document, Imports]:
    """What a study file holds, unchecked, and what may be done with files it uses; see `load`."""
    if isinstance(source, Mapping):
        return Document(plain(source)), Imports(Path.cwd(), trusted is not False, importing)
    if trusted is None:
        trusted = not _is_stored(Path(source))
    return read(source), Imports(Path(source).resolve().parent, trusted, importing)


def load_stored(content: bytes, name: str, folder: Path, trusted: bool) -> Study:
    """The study of a results folder from what its study.yaml holds; see `load`.

    Parameters
    ----------
    name : str
        The file's, in messages.
    folder : Path
        To which file names in it are relative.
    """
    return check(decoded(content, name), Imports(folder, trusted))


def _is_stored(file: Path) -> bool:
    """Whether a file is the study.yaml of a results folder, by its own or by a linked name."""
    return any(
        path.name == "study.yaml" and any(any(path.parent.glob(name)) for name in _MARKS)
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


def check(document: Document, imports: Imports) -> Study:
    """Check a document and build the study; see `load`."""
    top = Place(document, (), document.data)
    top.expect(dict, "a study (name, seed, ...)")
    top.allow(fields.TOP_FIELDS, vocabulary.TOP, hint=vocabulary.hint)
    for key in fields.REQUIRED:
        if key not in top.value:
            top.refuse(f"'{key}' is missing ({fields.TOP_FIELDS[key]})")
    name, title, aim = (top.get(key, "").expect(str, "text") for key in ("name", "title", "aim"))
    if not valid_name(name):
        message = "cannot name a folder; use letters, digits, '-', '_' and '.'"
        top.refuse(f"{shown(name)} {message}", "name")
    replications, precision = replications_of(top["replications"])
    designs = tuple(expand(document, imports))
    covariates = {one.name for design in designs for one in design.scenario.covariates}
    chosen = methods_of(top["methods"], imports, covariates)
    study = Study(
        name=name,
        title=title,
        aim=aim,
        seed=int(fields.TOP_NUMBERS["seed"].read(top["seed"])),
        replications=replications,
        alpha=_alpha(top),
        designs=designs,
        methods=chosen,
        grain=_grain(top, designs, chosen),
        figures=(),
        reference=_reference(top, chosen),
        scenarios=top.value["scenarios"],
        folder=imports.folder,
        measures=measures_of(top.get("measures"), imports),
        precision=precision,
        sample=sample_of(top.get("store", ROWS)),
    )
    for refuse in _CHECKS:
        refuse(top, study)
    named = designs, chosen, [measure.name for measure in study.measures]
    claims = claims_of(top.get("claims"), study)
    return replace(study, claims=claims, **shown_of(top, *named, imports))


def valid_name(name: str) -> bool:
    """Whether a study's name can name a folder anywhere."""
    return bool(_NAME.fullmatch(name)) and not name.endswith(".")


def _alpha(top: Place) -> tuple[float, ...]:
    """Levels of the tests, each once."""
    levels = top.get("alpha", 0.05).levels()
    alpha = tuple(float(fields.TOP_NUMBERS["alpha"].read(level)) for level in levels)
    refuse_equal(levels)
    return alpha


def _check_conditions(top: Place, study: Study) -> None:
    """Refuse a condition on what no scenario has, and a scenario in which nothing is asked for."""
    for item, method in zip(top["methods"].items(), study.methods, strict=True):
        when = method.when
        if when is None:
            continue
        path = (*(() if "use" in item.value else item.value), "when")
        levels = {field: [design.level(field) for design in study.designs if field in when.fields]
                  for field in conditions(study.designs)}  # fmt: skip
        try:
            when.check(levels, vocabulary.SCENARIO)
        except UserError as error:
            item.refuse(str(error), *path)
        if not study.n_asked(method):
            shown_levels = (f"{field} {known(levels[field])}" for field in when.fields)
            message = f"{when.text}: no scenario is like that ({'; '.join(shown_levels)})"
            item.refuse(message, *path)
    idle = [d for d in study.designs if not any(study.asks(d, m) for m in study.methods)]
    if idle:
        what = ", ".join(f"{field} {text_of(level)}" for field, level in idle[0].levels.items())
        message = f"no method is asked for in {len(idle)} of {len(study.designs)} scenarios ({what}"
        top.refuse(message + (", ...)" if len(idle) > 1 else ")"), "scenarios")


def _check_covariates(top: Place, study: Study) -> None:
    """Refuse a method where it takes no covariates, or where what it estimates is not there."""
    for item, method, design in _asked(top, study):
        names = method.covariates_of(design.scenario)
        if reason := method.refuse_covariates(names):
            item.refuse(reason)
        if method.estimand not in ESTIMANDS and method.estimand not in names:
            where = ", ".join(f"{f} {text_of(level)}" for f, level in design.levels.items())
            item.refuse(f"there is no {method.estimand} where {where}; say when: it is asked")


def _check_generators(top: Place, study: Study) -> None:
    """Refuse a method that reads units where moments of clusters are drawn."""
    for item, method, design in _asked(top, study):
        own = design.scenario.generator
        if own is None or own.grain != "clusters":
            continue
        if study.grain == "rows" or (not _is_stored_own(item.value) and method.grain == "rows"):
            item.refuse(f"reads units, and {own.place} draws moments of clusters")


def _check_precision(top: Place, study: Study) -> None:
    """Refuse a target of a measure that no method has."""
    asked = ((design, method) for _, method, design in _asked(top, study))
    refuse_what_nobody_has(top["replications"], study.precision, asked, study.reference)


def _is_stored_own(item: Any) -> bool:
    """Whether this is a user's method of stored results, whose file may be gone."""
    return isinstance(item, dict) and "digest" in item


def _check_levels(top: Place, study: Study) -> None:
    """Refuse a method that takes groups for clusters where there are none."""
    for item, method, design in _asked(top, study):
        if method.level == GROUPS and not design.scenario.clusters_per_group:
            where = ", ".join(f"{f} {text_of(level)}" for f, level in design.levels.items())
            what = "write third_level: {clusters: 5, icc: 0.05}, or when: it is asked for"
            item.refuse(f"no groups of clusters where {where}; {what}", method.name, "level")


def _asked(top: Place, study: Study) -> Iterator[tuple[Place, Method, Design]]:
    """What is asked for, each with its place in `methods:`."""
    for item, method in zip(top["methods"].items(), study.methods, strict=True):
        for design in study.designs:
            if study.asks(design, method):
                yield item, method, design


_CHECKS = (
    _check_conditions,
    _check_covariates,
    _check_generators,
    _check_levels,
    _check_precision,
)


def _reference(top: Place, chosen: tuple[Method, ...]) -> str | None:
    """A method by its label or its canonical name."""
    given = top.value.get("reference")
    if given is None:
        return None
    try:
        return called(given, chosen)
    except UserError as error:
        top.refuse(str(error), "reference")


def _grain(top: Place, designs: tuple[Design, ...], chosen: tuple[Method, ...]) -> str | None:
    if "grain" not in top.value:
        return None
    place = top["grain"]
    grain: str = place.value
    if grain not in GRAINS:
        place.refuse(f"{shown(grain)} is not a grain{nearest(grain, GRAINS, vocabulary.GRAIN)}")
    for design in designs:
        first = design.scenario.first_grain
        if GRAINS.index(grain) < GRAINS.index(first):
            slopes = design.scenario.slope_sd != 0
            what = "slopes that vary" if slopes else "a predictor that is not normal"
            message = f"{grain} does not hold unbalanced data or {what}"
            if design.scenario.generator is not None:
                message = f"{design.scenario.generator.place} draws {first}"
            place.refuse(f"{message}; use {first}")
        if grain == "rows" and design.n_obs > 2_000_000:
            place.refuse(f"rows of {design.n_obs:.0f} units do not fit; use clusters")
    for item, method in zip(top.value["methods"], chosen, strict=True):
        if not _is_stored_own(item) and GRAINS.index(grain) < GRAINS.index(method.grain):
            place.refuse(f"{method.canonical} needs {method.grain}, finer than {grain}")
    return grain
