"""Shares of replications by what became of them."""

from __future__ import annotations

from functools import partial

from simstudy.estimates import RANKS, STATUSES
from simstudy.measures.record import ALL, RATE, Cells, Measure, Section, register
from simstudy.measures.values import Value, proportion
from simstudy.moments import Bools, Ints

# status -> its title in tables, its words in the methods section, and what else it is called
_WORDS = {
    "boundary": (
        "Share at the boundary", "Share with a cluster variance of zero",
        ("boundary", "singular", "share_singular"),
    ),
    "no_std_error": (
        "Share without standard error", "Share without a standard error", (),
    ),
    "not_estimable": ("Share not estimable", "Share not estimable", ()),
    "failed": (
        "Share failed", "Share that failed", ("failed", "failures", "nonconvergence", "missing"),
    ),
}  # fmt: skip


def share(status: str, cells: Cells) -> Value:
    """Share of all replications with a status."""
    return proportion(cells.totals.by_status[:, STATUSES.index(status)], cells.totals.n_all)


def _has_std_errors(cells: Cells, value: Value, n: Ints) -> Bools:
    """Where some row could say that it is singular: no row without a standard error does."""
    of = {status: cells.totals.by_status[:, k] for k, status in enumerate(STATUSES)}
    return (of["no_std_error"] == 0) | (of["ok"] + of["boundary"] > 0)


for _status, (_title, _words, _synonyms) in _WORDS.items():
    register(
        Measure(
            f"share_{_status}", partial(share, _status), Section.SHARES, ALL, _title,
            words=_words, formula="share of all", mcse=RATE, proportion=True,
            forecast=False, synonyms=_synonyms,
            defined=_has_std_errors if _status == "boundary" else None,
        )
    )  # fmt: skip


def share_of_rank(rank: int, cells: Cells) -> Value:
    """Share of all replications whose covariance matrix of random effects has a rank."""
    return proportion(cells.totals.by_rank[:, rank], cells.totals.n_all)


for _rank in RANKS:
    register(
        Measure(
            f"share_rank{_rank}", partial(share_of_rank, _rank), Section.SHARES, ALL,
            f"Share of rank {_rank}",
            words=f"Share with a covariance matrix of random effects of rank {_rank}",
            formula="share of all", mcse=RATE, proportion=True, forecast=False,
            defined=lambda cells, value, n: cells.totals.by_rank.sum(axis=1) > 0,
            synonyms=(f"rank{_rank}", f"rank_{_rank}"),
        )
    )  # fmt: skip
