"""What the rows of a user's methods say of their failures and warnings.

From what lies beside the rows alone: the same however ranges were cut, and whoever made them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pyarrow as pa

from simstudy.errors import brief, without_numbers
from simstudy.store import arrow, failures
from simstudy.store.results_folder import ALL_WARNINGS, FAILURES, WARNINGS, ResultsFolder
from simstudy.study.study import Study


def reasons(study: Study, folder: ResultsFolder) -> dict[str, Counter[str]]:
    """Label -> why fits failed and how often; messages that differ by their numbers are one."""
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in _rows(study, folder, FAILURES):
        message = " ".join(row["message"].split())
        counts[row["method"]][without_numbers(message)][message] += 1
    return {
        method: Counter(
            {text if len(alike) > 1 else next(iter(alike)): alike.total()
             for text, alike in of_method.items()}
        )
        for method, of_method in counts.items()
    }  # fmt: skip


def failure_lines(study: Study, folder: ResultsFolder) -> list[str]:
    """A line for each method that has failures among the rows that a study summarises."""
    n_fits = {m.label: study.n_fits_of(m) for m in study.methods}
    lines = []
    for method, messages in reasons(study, folder).items():
        ((often, count),) = messages.most_common(1)
        lines.append(
            f"{method}: {messages.total():,} of {n_fits[method]:,} fits failed, {count:,} with: "
            f"{brief(often)} (all in {folder.shown(FAILURES)}; replay shows one)"
        )
    return lines


def warned(study: Study, folder: ResultsFolder) -> pa.Table:
    """Warnings of a study's own methods: scenario, method (its label), message, count."""
    rows = _rows(study, folder, WARNINGS)
    counts = Counter((row["scenario"], row["method"], row["message"]) for row in rows)
    scenarios = {design.id: k for k, design in enumerate(study.designs)}
    labels = {method.label: k for k, method in enumerate(study.methods)}
    keys = sorted(counts, key=lambda key: (scenarios[key[0]], labels[key[1]], key[2]))
    columns = {
        name: arrow.texts([key[k] for key in keys])
        for k, name in enumerate(("scenario", "method", "message"))
    }
    return pa.table(columns | {"count": arrow.integers([counts[key] for key in keys])})


def warnings_line(folder: ResultsFolder, table: pa.Table) -> list[str]:
    """How many warnings there were and which was the most frequent, in one line; or none."""
    if not table.num_rows:
        return []
    counts: Counter[tuple[str, str]] = Counter()
    for row in table.to_pylist():
        counts[row["method"], row["message"]] += row["count"]
    (((method, message), often),) = counts.most_common(1)
    total = counts.total()
    most = "" if len(counts) == 1 else f", {often:,} of them"
    return [
        f"{total:,} warning{'s' if total > 1 else ''} of methods of your own{most} of {method}: "
        f"{brief(message)} (all in {folder.shown(ALL_WARNINGS)})"
    ]


def _rows(study: Study, folder: ResultsFolder, kind: str) -> list[dict[str, Any]]:
    if not (study.own_methods or study.generators):
        return []
    return failures.read(study, folder, kind).to_pylist()
