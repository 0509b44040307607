"""The figures that a study asks for, drawn, and as files of its report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from simstudy.custom.declare import FIGURE
from simstudy.custom.load import function_of
from simstudy.custom.quiet import attempt
from simstudy.entries import CodeSource
from simstudy.errors import UserError, WorkError, first_of
from simstudy.estimates import Failure
from simstudy.measures.catalog import MEASURES
from simstudy.measures.names import OF_TRUTH
from simstudy.plots import plots
from simstudy.report import example_rows
from simstudy.report.table_files import Files
from simstudy.report.words import Words, words_of
from simstudy.store.results_folder import REPORT, ResultsFolder
from simstudy.study.figures import Drawing
from simstudy.study.study import Study
from simstudy.summary.unavailable import figures_without_rows
from simstudy.where import parse

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

    from simstudy.report.drawing.rows import Sample
    from simstudy.report.drawing.view import View

ENDINGS = ("png", "pdf")


class Drawer:
    """Draws figures of one study's results; rows of a scenario are read once."""

    def __init__(self, study: Study, folder: ResultsFolder, summary: pa.Table) -> None:
        self.study, self.folder, self.summary = study, folder, summary
        self.words = words_of(study)
        self.rows = cache(self._read)

    def draw(self, drawing: Drawing, title: str | None = None) -> Figure:
        """One figure; a user's function is called with the summary as a DataFrame."""
        if drawing.source is not None:
            return _own(drawing.source, self.summary)
        plot, view = plots()[drawing.name], self._view(drawing)
        title = title_of(drawing, self.study, self.words) if title is None else title
        if plot.reads == "summary":
            return plot.draw(self.summary, title, None, view)
        sample = self.rows(drawing.scenarios)
        shown = {self.words.method(label) for label in view.methods}
        kept = {name: of for name, of in sample.methods.items() if not shown or name in shown}
        return plot.draw(sample._replace(methods=kept, title=title), view)

    def _read(self, scenarios: frozenset[str] | None = None) -> Sample:
        return example_rows.example(self.study, self.folder, self.summary, scenarios)

    def _view(self, drawing: Drawing) -> View:
        from simstudy.report.drawing.view import View

        label_of = {method.canonical: method.label for method in self.study.methods}
        given = {key: drawing.options.get(key)
                 for key in ("x", "y", "measure", "target", "width")}  # fmt: skip
        if plots()[drawing.name].reads == "rows":  # these are methods
            for key in ("x", "y"):
                name = given[key]
                given[key] = name and self.words.method(label_of.get(name, name))
        return View(
            self.words, **given, panels=drawing.names("panels"), scenarios=drawing.scenarios,
            said=_said(drawing, len(self.study.designs), self.words),
            methods=tuple(label_of[name] for name in drawing.methods),
            categories=bool(drawing.options.get("categories")),
        )  # fmt: skip


def _condition(drawing: Drawing, words: Words) -> str:
    """Which scenarios are asked for, in words."""
    text = str(drawing.options["scenario"])
    if drawing.scenarios == frozenset([text]):
        return text
    terms = parse(text).terms
    return " and ".join(
        f"{words.factor(one.field)} {one.op} {words.level(one.field, one.value)}" for one in terms
    )


def _said(drawing: Drawing, n_scenarios: int, words: Words) -> str:
    """The same, and how many they are."""
    if drawing.scenarios is None:
        return ""
    if drawing.scenarios == frozenset([str(drawing.options["scenario"])]):
        return f"Scenario {drawing.options['scenario']}"
    where = _condition(drawing, words)
    return f"{len(drawing.scenarios)} of {n_scenarios} scenarios, those where {where}"


def title_of(drawing: Drawing, study: Study, words: Words) -> str:
    """The title that is given; else the study's, with what is shown and what tells it apart."""
    if "title" in drawing.options:
        return str(drawing.options["title"])
    title = plots()[drawing.name].title
    parts = [words.measure(title) if title in (*MEASURES, *OF_TRUTH) else title]
    if "measure" in drawing.options:
        parts.append(words.measure(drawing.options["measure"]))
    if drawing.number > 1:
        parts.append(_apart(drawing, study, words))
    return f"{study.title or study.name}: {', '.join(filter(None, parts))}"


def _apart(drawing: Drawing, study: Study, words: Words) -> str:
    """What tells a figure from others of the same name."""
    label_of = {method.canonical: method.label for method in study.methods}
    of_rows = plots()[drawing.name].reads == "rows"
    listed = [words.method(label_of[name]) for name in drawing.methods]
    panels = " and ".join(map(words.factor, drawing.names("panels")))
    said = [
        *(f"{key}: {name if of_rows else words.factor(name)}"
          for key in ("x", "y") for name in drawing.names(key)),
        f"panels of {panels}" if panels else "",
        f"where {_condition(drawing, words)}" if drawing.scenarios else "",
        " and ".join(filter(None, [", ".join(listed[:-1]), *listed[-1:]])),
    ]  # fmt: skip
    return "; ".join(filter(None, said)) or f"number {drawing.number}"


def _own(source: CodeSource, summary: pa.Table) -> Figure:
    """What a user's function draws, or `WorkError` with what went wrong in it."""
    from matplotlib.figure import Figure

    function = function_of(source, FIGURE)
    made = attempt(lambda: function(summary.to_pandas())).result
    if isinstance(made, Failure):
        raise WorkError(f"figure {source.function}: {made.message}")
    if not isinstance(made, Figure):
        kind = type(made).__name__
        raise WorkError(f"figure {source.function}: returned {kind}, not a matplotlib Figure")
    return made


def figure_files(drawer: Drawer, warn: Callable[[str], None]) -> Iterator[Files]:
    """The figures a study asks for, as PNG (200 dpi) and PDF; those of the user's own last.

    One of these that fails costs itself alone, and `WorkError` at the end.
    """
    boxes: set[str] = set()
    failed: list[str] = []
    study, folder = drawer.study, drawer.folder

    def drawn(drawing: Drawing) -> list[bytes]:
        from simstudy.report.drawing import letters

        try:
            figure = drawer.draw(drawing)
        except (WorkError, UserError) as error:
            if drawing.source is None:
                raise
            failed.append(str(error))
            return []
        contents = [letters.encode(figure, ending) for ending in ENDINGS]
        boxes.update(letters.lacking(figure))
        too_narrow(figure, drawing, warn)
        return contents

    lost = figures_without_rows(study)
    if lost:
        warn(f"not drawn with store: summary, which keeps no rows: {', '.join(lost)}")
    kept = []
    for drawing in sorted(study.figures, key=lambda one: one.source is not None):
        names = [f"figures/{drawing.file}.{ending}" for ending in ENDINGS]
        if drawing.source is not None and not _may_call(drawing.source):
            there = [name for name in names if folder.exists(f"{REPORT}/{name}")]
            yield there, partial(_kept, folder, there)
            kept.append(drawing.name if there else f"{drawing.name} (not there)")
        elif drawing.file not in lost:
            yield names, partial(drawn, drawing)
    if kept:
        warn(f"figures of your own stay as `run` drew them, their files are not imported "
             f"(--trust does): {', '.join(kept)}")  # fmt: skip
    if boxes:
        some = "".join(sorted(boxes)[:10])
        warn(f"no font on this machine has {some}: these letters are boxes in the figures")
    if failed:
        raise WorkError(first_of(failed, 3))


def _kept(folder: ResultsFolder, names: Sequence[str]) -> list[bytes]:
    """Figures as they are."""
    return [folder.read(f"{REPORT}/{name}") for name in names]


def _may_call(source: CodeSource) -> bool:
    return source.given is not None or (source.trusted and bool(source.file))


def too_narrow(figure: Figure, drawing: Drawing, warn: Callable[[str], None]) -> None:
    """Say where a figure is wider than it was to be."""
    wanted, is_wide = drawing.options.get("width"), 25.4 * figure.get_figwidth()
    if wanted is not None and is_wide > wanted + 0.5:
        warn(f"{drawing.file}: {wanted:g} mm has no room for its panels; it is {is_wide:.0f} mm")
