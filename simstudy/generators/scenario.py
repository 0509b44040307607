"""What one scenario is, as plain frozen data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from simstudy.generators.part import registered
from simstudy.generators.sizes import SizeRule
from simstudy.moments import Floats, Ints


@dataclass(frozen=True, slots=True)
class GivenX:
    """A predictor from a file: values sorted by cluster, and the sizes of the clusters.

    `n_dropped` rows of the file had no value or no cluster; `words` are what 0 and 1 stand for.
    """

    sizes: Ints
    values: Floats
    digest: str
    n_dropped: int = 0
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Correlation:
    """Correlations of a covariate's components with those of another predictor.

    Attributes
    ----------
    other : str
        "x", or the name of a covariate.
    within, between : float or None
        Of the unit components and of the cluster components; None where nothing is said.
    """

    other: str
    within: float | None = None
    between: float | None = None


@dataclass(frozen=True, slots=True)
class Covariate:
    """A predictor z beside x.

    Attributes
    ----------
    name : str
    icc : float or None
        Share of its variance between clusters; None where its type decides that.
    slope : float
        True slope of y on it.
    type : {"normal", "binary", "binary_blocked", "file"}
        As `Scenario.x`; a normal one has variance 1.
    correlations : tuple of Correlation
        Of normal ones with normal ones, by name; a pair stands at the later name.
    given : GivenX, optional
        Its values, a column of the file of x.
    """

    name: str
    icc: float | None
    slope: float = 0.0
    type: str = "normal"
    correlations: tuple[Correlation, ...] = ()
    given: GivenX | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class OwnGenerator:
    """A user's function that draws the data; plain data, nothing is imported for it.

    Attributes
    ----------
    function : str
    digest : str
        Of its file's content.
    options : tuple of (str, value)
        Those that the study file gives: numbers, texts, truth values, or tuples of them.
    source : object
        Where the function is, a `CodeSource`.
    use : object
        How the study file says it: text, or the function itself.
    grain : {"rows", "clusters", "pooled"}
        At which it draws; "pooled" where nobody knows, since its file is not to be imported.
    part : int
        Replications of a stored range; 0 as of other scenarios.
    """

    function: str
    digest: str
    options: tuple[tuple[str, Any], ...]
    source: Any = field(compare=False)
    use: Any = field(compare=False)
    grain: str = field(default="pooled", compare=False)
    part: int = field(default=0, compare=False)

    @property
    def place(self) -> str:
        """Its file's name and the function, or that alone where it was given from Python."""
        file = Path(self.source.file).name
        return f"{file}:{self.function}" if file else self.function


@dataclass(frozen=True, slots=True)
class Scenario:
    """One data-generating mechanism.

    y_ij = intercept + (slope + v_j) x_ij + contextual_effect xbar_j + sum_k slope_k z_kij
    + u_j + e_ij, with u ~ N(0, tau2), e ~ N(0, sigma2), tau2 + sigma2 = total_variance,
    icc = tau2 / total, v ~ N(0, slope_sd^2), slope_correlation = cor(u, v).
    For x = "normal", x_ij = sqrt(x_icc) a_j + sqrt(1 - x_icc) b_ij, both standard normal.
    What makes data misbehave stands in `parts`: name of a part and its value, by name, unless
    that is its default.

    With a generator of the user's own the fields are what is handed to it, and mean what it
    makes of them; icc and slope are NaN and x_icc is None where they are not given.
    """

    n_clusters: int
    size: SizeRule
    icc: float
    x_icc: float | None
    slope: float
    intercept: float = 0.0
    total_variance: float = 1.0
    contextual_effect: float = 0.0
    x: str = "normal"
    given: GivenX | None = field(default=None, compare=False)
    covariates: tuple[Covariate, ...] = ()
    slope_sd: float = 0.0
    slope_correlation: float = 0.0
    generator: OwnGenerator | None = None
    parts: tuple[tuple[str, Any], ...] = ()

    def part(self, name: str) -> Any:
        """The value of a part."""
        return dict(self.parts).get(name, registered()[name].default)

    @property
    def columns(self) -> tuple[str, ...]:
        """Covariates, x and y: the columns of its data, in the order of the waist."""
        return (*(one.name for one in self.covariates), "x", "y")

    @property
    def clusters_per_group(self) -> int:
        """Clusters in a group; 0 without a third level."""
        third = self.part("third_level")
        return 0 if third is None else int(third.clusters)

    def slope_of(self, covariate: str) -> float:
        """True slope of a covariate; NaN of one that is not there."""
        slopes = {one.name: one.slope for one in self.covariates}
        return slopes.get(covariate, math.nan)

    @property
    def misbehaves(self) -> bool:
        """Whether data are not those of the plain model: by a part, or by a user's generator."""
        return bool(self.parts) or self.generator is not None

    @property
    def tau2(self) -> float:
        """Variance between clusters."""
        return self.total_variance * self.icc

    @property
    def sigma2(self) -> float:
        """Variance of a unit about its cluster."""
        return self.total_variance * (1.0 - self.icc)

    @property
    def two_arms(self) -> bool:
        """Whether x is 0 or 1 by design."""
        return self.x in ("binary", "binary_blocked")

    @property
    def treated_share(self) -> float:
        """Nominal share of the units with x = 1, where there are two arms."""
        return 0.5 if self.x == "binary_blocked" else float(self.part("treated"))

    @property
    def equal_size(self) -> int | None:
        """The one size of all clusters of all replications, if there is one."""
        sizes = set(self.size.values)
        return None if self.size.random or len(sizes) > 1 else int(sizes.pop())

    @property
    def mean_n_obs(self) -> float:
        """Expected number of units."""
        return self.n_clusters * self.size.mean

    @property
    def first_grain(self) -> str:
        """Grain at which the data are first drawn: the coarsest that determines them."""
        if self.generator is not None:
            return self.generator.grain
        grains = {registered()[name].exact_at(self) for name, _ in self.parts}
        normal = all(one.type == "normal" for one in self.covariates)
        if "rows" in grains:
            return "rows"
        plain = self.x == "normal" and normal and not self.parts
        return "pooled" if plain and self.equal_size and not self.slope_sd else "clusters"

    @property
    def shape(self) -> tuple[object, ...]:
        """Scenarios of one shape share sizes and predictor as far as replications share them."""
        given = None if self.given is None else self.given.digest
        x_icc = self.x_icc if self.x != "normal" else None
        others = tuple((one.name, one.type, one.icc, one.given and one.given.digest)
                       for one in self.covariates)  # fmt: skip
        slopes_vary = self.slope_sd != 0  # then every replication has products of its own
        return (self.n_clusters, self.size, self.x, x_icc, given, others, self.generator,
                self.parts, slopes_vary)  # fmt: skip

    def fixed_sizes(self) -> Ints:
        """Sizes of the clusters where they are not random, shape (J, 1)."""
        values = np.asarray(self.size.values, dtype=np.int64)
        return np.broadcast_to(values, (self.n_clusters,)).reshape(-1, 1).copy()
