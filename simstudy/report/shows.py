"""What results show of themselves, in a notebook above all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

    from simstudy.report.shown import Table
    from simstudy.store.results_folder import ResultsFolder
    from simstudy.study.study import Study


class Shows(ABC):
    """A study with its results, as tables and figures."""

    study: Study

    @property
    @abstractmethod
    def place(self) -> ResultsFolder:
        """The folder that holds them."""

    @abstractmethod
    def summary_table(self, *, measures: Sequence[str] = ()) -> pa.Table:
        """The summary with these measures, by default with all that are usual."""

    def _repr_html_(self) -> str:
        from simstudy.report.shown import page

        return page(self.study, self.summary_table())

    def table(
        self,
        measure: str | Sequence[str] | None = None,
        rows: str | Sequence[str] | None = None,
        columns: str | Sequence[str] | None = None,
        where: str | None = None,
        interval: bool = False,
    ) -> Table:
        """Measures as tables, in words; a notebook shows them, ``.to("latex")`` writes them.

        Parameters
        ----------
        measure : str or sequence of str
            By default rejection rate and SE bias.
        rows, columns : str or sequence of str
            Factors, ``"method"`` or ``"measure"`` that stand down and across.
        where : str
            Only rows that meet this condition: ``"icc > 0 and method = pooled"``.
        interval : bool
            Show the 95 % Monte Carlo interval, not the Monte Carlo SE.

        Raises
        ------
        UserError
        """
        from simstudy.report.shown import needed_measures, table

        summary = self.summary_table(measures=needed_measures(measure))
        return table(self.study, summary, measure, rows, columns, where, interval)

    def figure(self, name: str, **options: Any) -> Figure:
        """A figure as a matplotlib Figure.

        Parameters
        ----------
        name : str
            As in `report: {figures: [...]}`: ``"type1_error"``, ``"power"``, ``"zip"``, ...
        **options
            What the study file may say of it: x, panels, scenario, methods, title, width, ...

        Raises
        ------
        UserError
        """
        from simstudy.report.shown import figure

        return figure(self.study, self.place, self.summary_table(), name, options)
