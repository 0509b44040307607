"""The study of all levels that were tried: an ordinary one, of which a folder holds the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simstudy.answers.solve.aim import Axis
from simstudy.answers.solve.field import Family, as_level
from simstudy.measures.names import of_name
from simstudy.measures.targets import Target
from simstudy.study.code import Imports
from simstudy.study.grid import Design, expand
from simstudy.study.precision import Precision, Stop
from simstudy.study.study import Study, check
from simstudy.study.yaml_lines import Document

FIRST, MOST = 256, 1 << 20  # replications of a level
BY = "solve"  # what made a scenario stop
_MCSE = 0.032  # that any rate has with the first replications
_LEFT = {"claims", "measures", "report", "reference"}  # of a study file: not asked here
Levels = Mapping[float, int]  # level -> replications


@dataclass(frozen=True, slots=True)
class Trial:
    """What is fixed of the studies of a search.

    Attributes
    ----------
    document : Document
        The study file.
    imports : Imports
    name : str
        Of the study, and of its folder.
    title, aim : str
    methods : list
        Those that are fitted, as the study file names them.
    mcse : str
        The rate that the study file says to have a Monte Carlo SE.
    """

    document: Document
    imports: Imports
    name: str
    title: str
    aim: str
    methods: Sequence[Any]
    mcse: str

    def design(self, family: Family, axis: Axis, level: float) -> Design:
        """The scenario of a level, without the rest of a study."""
        grid = family.at([as_level(axis, level)])
        (made,) = expand(Document({"scenarios": grid}, {}, self.document.file), self.imports)
        return made

    def study(
        self, families: Sequence[tuple[Family, Axis, Levels]]
    ) -> tuple[Study, list[dict[float, Design]]]:
        """The study of these levels, and the design of each level of each family.

        Replications are `Stop`s, as of a study that stops by precision: its rule asks for no more
        than the first ones, and the summary says how many each scenario has.
        """
        data = {key: value for key, value in self.document.data.items() if key not in _LEFT}
        rule = Precision((Target(of_name(self.mcse), _MCSE),), FIRST, MOST)
        tried = [(family, axis, sorted(levels)) for family, axis, levels in families]
        data |= {
            "name": self.name,
            "title": self.title,
            "aim": self.aim,
            "replications": rule.written,
            "methods": list(self.methods),
            "scenarios": [family.at([as_level(axis, x) for x in levels])
                          for family, axis, levels in tried],
            "report": {"figures": []},
        }  # fmt: skip
        study = check(Document(data, {}, self.document.file), self.imports)
        each = iter(study.designs)
        designs = [{x: next(each) for x in levels} for _, _, levels in tried]
        stops = {design.id: Stop(n_reps[x], BY)
                 for of_family, (_, _, n_reps) in zip(designs, families, strict=True)
                 for x, design in of_family.items()}  # fmt: skip
        return replace(study, stops=stops), designs
