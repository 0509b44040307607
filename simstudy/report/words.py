"""What figures, tables and pages call what they show: methods, factors, levels, measures.

Words of the study file's `labels:` stand first, then a method's own `label:`, then what its
method, field or measure has for itself. Data keep their names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from simstudy.entries import capital
from simstudy.measures.names import REJECTION, heading
from simstudy.report.pivot import Level, level_text
from simstudy.study.fields import WORDS, named
from simstudy.study.labels import NONE, Labels
from simstudy.study.study import Study


@dataclass(frozen=True, slots=True)
class Words:
    """What things are called; without a study, methods are called by their labels.

    Attributes
    ----------
    methods : mapping
        Label -> text, no two alike.
    labels : Labels
        The user's.
    """

    methods: Mapping[str, str] = field(default_factory=dict)
    labels: Labels = NONE

    def method(self, label: str) -> str:
        """A method by its label in the summary."""
        return self.methods.get(label, label)

    def factor(self, name: str) -> str:
        """A factor within a sentence: clusters, ICC of x."""
        return self.labels.factors.get(name) or named(name)

    def heading(self, name: str) -> str:
        """A factor that stands alone, at an axis or over a column: Clusters, ICC of x."""
        given = self.labels.factors.get(name)
        text = given or named(name)
        own = text == name and name not in WORDS
        return text if given or own or text.startswith("cor(") else capital(text)

    def level(self, factor: str, value: Level) -> str:
        """A level of a factor."""
        text = level_text(value)
        return self.labels.levels.get(factor, {}).get(text, text)

    def measure(self, name: str, null: bool | None = None) -> str:
        """A measure by its name; of rejection rates, those where the null is (not) true."""
        if name == REJECTION and null is not None:
            name = "type1_error" if null else "power"
        return self.labels.measures.get(name) or heading(name)

    def levels(self, levels: Mapping[str, Level]) -> str:
        """Levels in a sentence: ICC of x 0.5, slope 0."""
        return ", ".join(f"{self.factor(f)} {self.level(f, v)}" for f, v in levels.items())

    def equations(self, levels: Mapping[str, Level], separator: str = ", ") -> str:
        """Levels over a panel: Clusters = 10, ICC of x = 0.5."""
        return separator.join(f"{self.heading(f)} = {self.level(f, v)}" for f, v in levels.items())

    def all_methods(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Methods by their labels."""
        return tuple(map(self.method, labels))


PLAIN = Words()


def words_of(study: Study) -> Words:
    """The words of a study; methods that words could not tell apart keep their labels."""
    given = study.labels.methods
    texts = {
        method.label: given.get(method.canonical)
        or (method.words if method.label == method.unlabeled else method.label)
        for method in study.methods
    }
    times = Counter(texts.values())
    told = {label: text for label, text in texts.items() if times[text] == 1}
    return Words({label: told.get(label, label) for label in texts}, study.labels)
