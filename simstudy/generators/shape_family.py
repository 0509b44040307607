"""What a family of shapes is: laws of one name, which differ by their parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simstudy.forms import Fields, Form, Place, flow, nested, numbers_of
from simstudy.moments import Floats

Size = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Shapes of one name, which differ by their parameters: numbers, if it is not said otherwise.

    Attributes
    ----------
    summary : str
        What it is and what its parameters are, in a few words.
    draw : callable
        ``draw(rng, size, *parameters)``: an array of that size.
    skewness, kurtosis : callable
        E X^3, and E X^4 - 3 (excess), of the parameters.
    words : callable
        Parameters -> a noun phrase with the formula, for a methods section.
    parameters : mapping
        Name -> what is written by that name, in the order in which functions take numbers.
    example : object
        How one is written in a study file, if not by its name alone.
    synonyms : str
        Other people's words for the family, blanks between them.
    """

    name: str
    summary: str
    draw: Callable[..., Floats]
    skewness: Callable[..., float]
    kurtosis: Callable[..., float]
    words: Callable[..., str]
    parameters: Mapping[str, Form] = field(default_factory=dict, hash=False)
    example: Any = None
    synonyms: str = ""

    @property
    def form(self) -> Form | None:
        """What stands behind the name: a number, numbers by their names, or nothing."""
        if len(self.parameters) > 1:
            names = " and ".join(self.parameters)
            return Fields(f"a mapping of {names}", self.parameters)
        return next(iter(self.parameters.values()), None)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a mapping that say that it is a member."""
        return (self.name,)

    def read(self, place: Place) -> tuple[Any, ...]:
        """The parameters of a member that is written as a mapping, or refuse it in its place."""
        if len(place.value) != 1:
            place.refuse(f"expected one shape, got {len(place.value)}")
        if self.form is None:
            place.refuse(f"{self.name} has no parameter; write {self.name}")
        return tuple(value + 0.0 for value in numbers_of(self.form.read(place[self.name])))

    def canonical(self, *parameters: Any) -> Any:
        """What stands for a member in digests: it as a study file writes it, numbers as doubles."""
        return {self.name: nested(self.form, parameters)} if parameters else self.name

    def text(self, *parameters: Any) -> str:
        """A member as tables show it: ``t 5``, ``contaminated share 0.1, scale 3``."""
        numbers = [repr(value).removesuffix(".0") for value in parameters]
        if len(numbers) > 1:
            named = zip(self.parameters, numbers, strict=True)
            return f"{self.name} " + ", ".join(f"{name} {number}" for name, number in named)
        return " ".join([self.name, *numbers])

    def schema(self) -> dict[str, Any]:
        """JSON Schema of a member."""
        if self.form is None:
            return {"const": self.name}
        return Fields("", {self.name: self.form}).schema()

    @property
    def written(self) -> str:
        """An example, as it stands in a study file."""
        return flow(self.name if self.example is None else self.example)
