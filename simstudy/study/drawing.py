"""Where the data sets of a scenario come from: drawn here, or by a user's generator."""

from __future__ import annotations

from simstudy.custom.own_source import OwnSource
from simstudy.generators.source import Source
from simstudy.study.grid import Design

DataSource = Source | OwnSource


def source_of(design: Design, seed: int) -> DataSource:
    """The data sets of a scenario.

    Parameters
    ----------
    design : Design
    seed : int
        The study's.

    Raises
    ------
    UserError
        Where the file of a user's generator cannot be imported, or is not to be.
    """
    source = Source if design.scenario.generator is None else OwnSource
    return source(design.scenario, seed, design.key)
