"""The methods section of a study, in ADEMP order (Morris, White & Crowther 2019)."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudy.registry import Method
from simstudy.report.bibliography import Citations
from simstudy.report.methods_data import data_section
from simstudy.report.methods_estimands import estimands_section, label_of
from simstudy.report.methods_lost import Fits, fits_of, lost_section
from simstudy.report.methods_measures import measures_section
from simstudy.report.nulls import both, without_one_truth
from simstudy.report.tables.markdown import code, escape, prose
from simstudy.report.wide import LIBERAL, number
from simstudy.store import parts
from simstudy.store.names import method_key
from simstudy.store.sources import accounts, measure_accounts
from simstudy.study.study import Study

if TYPE_CHECKING:
    import pyarrow as pa

_VERSIONS = ("simstudy", "python", "numpy", "scipy")


def methods_section(study: Study, folder: Path, summary: pa.Table) -> str:
    """Markdown from which a referee could repeat the study.

    Parameters
    ----------
    study : Study
        As run.
    folder : Path
        Its results folder; the footers of the parts in it say what software made them.
    summary : pyarrow.Table
        As in summary.parquet.
    """
    fits = fits_of(summary)
    sections = {
        "Aims": [escape(_sentence(study.aim)) if study.aim.strip() else _aim(study)],
        "Data-generating mechanisms": data_section(study),
        "Estimands": estimands_section(study, without_one_truth(summary)),
        "Methods": _methods(study, folder, fits),
        "Performance measures": [
            *measures_section(_measures(summary), study.measures, measure_accounts(folder)),
            *_inflated(summary),
        ],
        "Number of replications": _replications(study, fits),
        "Estimates that do not exist": lost_section(study, folder, fits),
        "Computation": _computation(study, folder),
    }
    cite = Citations()
    lines = [f"# Methods: {escape(' '.join((study.title or study.name).split()))}"]
    for heading, paragraphs in sections.items():
        lines += [f"## {heading}", *map(cite.resolve, paragraphs)]
    lines += ["## References", *(f"- {entry}" for entry in cite.entries)]
    text = "\n\n".join(lines) + "\n"
    return re.sub(r"(?m)^(- .*)\n(?=\n- )", r"\1", text)  # a list is one paragraph


def _sentence(text: str) -> str:
    whole = " ".join(text.split())
    return whole if whole.endswith((".", "?", "!")) else whole + "."


def _aim(study: Study) -> str:
    k, s = len(study.methods), len(study.designs)
    compared = f"to compare {k} analyses" if k > 1 else "to examine an analysis"
    return f"The aim was {compared} of clustered data in {_count(s, 'scenario')}."


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}" + ("" if n == 1 else "s")


def _methods(study: Study, folder: Path, fits: Fits) -> list[str]:
    but = ", but for the fits that were not computed (see below)" if fits.fewer(study) else ""
    if any(_some(study, method) for method in study.methods):
        but += ", those of some scenarios by fewer (see there)"
    lead = (
        f"Every data set was analysed by {len(study.methods)} methods{but}, so that differences "
        "between methods are free of the variation between data sets:"
        if len(study.methods) > 1
        else "Every data set was analysed by one method:"
    )
    after = (
        "Confidence intervals have the standard error and the reference distribution of the test."
    )
    told = accounts(folder)
    listed = [f"- **{label_of(m)}.** {_account(m, told)}{_some(study, m)}" for m in study.methods]
    intervals = any(
        m.use is not None or (m.tested and not m.entry.tests_only) for m in study.methods
    )
    own = sum(m.use is not None for m in study.methods)
    return [lead, *listed, *([after] if intervals else []), *([_returned(own)] if own else [])]


def _some(study: Study, method: Method) -> str:
    """In which scenarios a method was asked for, where these are not all."""
    n = study.n_asked(method)
    if method.when is None or n == len(study.designs):
        return ""
    of = f"{n:,} of {_count(len(study.designs), 'scenario')}"
    return f" It was asked for in {of} only, those with {code(method.when.text)}."


def _returned(own: int) -> str:
    """What of a test is the authors' own."""
    who, theirs, have = ("method returns", "its", "it has") if own == 1 else (
        "methods return", "their", "they have")  # fmt: skip
    return (
        f"The authors' own {who} {theirs} standard error, and {theirs} degrees of freedom and "
        f"$p$-value where {have} any; without degrees of freedom the reference distribution is "
        "the standard normal."
    )


def _account(method: Method, told: dict[str, str]) -> str:
    """What a method does; of a user's own its docstring, where that is stored."""
    use = method.use
    if use is None:
        return method.account
    named = ", ".join(f"{name} {value}" for name, value in method.options)
    where = f"in the file `{Path(use.file).name}`" if use.file else "given from Python"
    where += f", the SHA-256 of which begins {use.digest}"
    text = f"The authors' own function `{use.function}` {where}"
    text += f", with {escape(named)}." if named else "."
    if said := told.get(method.canonical):
        text = f"{_sentence(prose(said))} {text}"
    return text


def _measures(summary: pa.Table) -> list[str]:
    return summary.column("measure").unique().to_pylist()


def _inflated(summary: pa.Table) -> list[str]:
    if not both(summary):
        return []
    return [
        "Power is marked in the tables where the Monte Carlo interval of the Type I error rate "
        f"of the same method in the same design lies above ${LIBERAL:g}\\alpha$ [@Bradley1978]."
    ]


def _replications(study: Study, fits: Fits) -> list[str]:
    r, s = study.replications, len(study.designs)
    errors = [
        f"{_rounded(math.sqrt(a * (1 - a) / r))} for a rate equal to the nominal ${a:g}$"
        for a in study.alpha
    ]
    levels = ", ".join(errors)
    half = _rounded(1.96 * math.sqrt(study.alpha[0] * (1 - study.alpha[0]) / r))
    fewer = fits.fewer(study)
    had = "was to have" if fewer else "had"
    there = (
        f"**{label_of(m)}** ({n:,} of {_count(study.n_asked(m) * r, 'fit')})"
        for m, n in fewer.items()
    )
    but = f" Fewer were computed of {' and '.join(there)}."
    larger = " Where fewer replications have a result, these errors are larger."
    return [
        f"Each scenario {had} {_count(r, 'replication')}, in all {_count(s * r, 'data set')} and "
        f"{_count(study.n_fits, 'fit')}.{but if fewer else ''} With {'that' if fewer else 'this'} "
        "number the Monte Carlo standard error of a "
        f"rejection rate, $\\sqrt{{p(1-p)/{r}}}$, is {levels}, and at most "
        f"{_rounded(0.5 / math.sqrt(r))} for any rate. A rate at the level "
        f"$\\alpha = {study.alpha[0]:g}$ is thus known to about $\\pm{half}$ with 95 % confidence."
        f"{larger if fewer or fits.partly(study) else ''}"
    ]


def _rounded(value: float) -> str:
    places = max(0, 1 - math.floor(math.log10(value)))
    return number(value, places)


def _computation(study: Study, folder: Path) -> list[str]:
    found = footers(study, folder)
    names = [name for name in _VERSIONS if any(name in footer for footer in found)]
    versions = ", ".join(
        f"{'Python' if n == 'python' else n} {_all(found, n)}{_PAPERS.get(n, '')}" for n in names
    )
    software = (
        f"The simulations were done with {versions}, on {_all(found, 'cpu') or 'unknown CPU'}."
        if names
        else "The software versions are not stored with these results."
    )
    commit = _all(found, "git_commit")
    return [
        f"The random seed was {study.seed}. A data set is determined by the seed, the scenario and "
        "the number of the replication alone: every scenario has its own streams of the SFC64 "
        "generator of NumPy, seeded through its SeedSequence with the seed and a SHA-256 digest of "
        "the scenario, whatever the order or the number of processes.",
        software
        + _packages(found)
        + (f" The study file is that of git commit {commit}." if commit else ""),
    ]


def _packages(found: list[dict[str, Any]]) -> str:
    """What the users' own files import."""
    every = [footer.get("packages", {}) for footer in found]
    names = sorted({name for one in every for name in one} - set(_VERSIONS), key=str.casefold)
    used = ", ".join(f"{escape(name)} {_all(every, name)}" for name in names)
    return f" The authors' own functions used {used}." if used else ""


_PAPERS = {"numpy": " [@Harris2020]", "scipy": " [@Virtanen2020]"}


def _all(found: list[dict[str, Any]], name: str) -> str:
    """All values of a footer's entry, in the order of their first appearance."""
    values = dict.fromkeys(str(f[name]) for f in found if f.get(name))
    return " and ".join(values)


def footers(study: Study, folder: Path) -> list[dict[str, Any]]:
    """Provenance of the parts that hold the study's own scenarios and replications, distinct."""
    ids = {design.id for design in study.designs}
    own = {method_key(method.canonical) for method in study.methods if method.use is not None}
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for part in parts.listing(folder):
        if part.first > study.replications or ids.isdisjoint(part.scenarios):
            continue
        footer = parts.footer(folder, part) or {}
        names = (
            *_VERSIONS,
            "cpu",
            "git_commit",
            *(["packages"] if own & set(part.methods) else []),
        )
        kept = {n: footer[n] for n in names if footer.get(n)}
        found.setdefault(tuple(map(str, kept.items())), kept)
    return list(found.values())
