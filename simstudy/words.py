"""What an unknown method or option may have meant.

The words are those of the methods (`synonyms`, `variants`) and options (`synonyms`, `foreign`);
here stand those that belong to no single one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simstudy.entries import Entry, Option
from simstudy.errors import folded, meanings, nearest

_SEVERAL = meanings(
    {
        "write dummy (fe), random_intercept (re) or cluster_means (be)": "xtreg panel panel_model",
        "write random_intercept or gee: both weight by the clusters": "gls fgls",
        "the outcome is normal here: random_intercept is the linear model": "glmm glmer logit "
            "logistic probit poisson",
        "write `pooled: {se: CR2}` (or CR0, CR1, CR1S, CR3): robust to clusters": "hc1 hc2 hc3 "
            "white heteroscedastic hac newey_west",
        "write pooled (all units) or cluster_means (one mean a cluster): with a binary x these "
        "are t tests":
            "t_test ttest anova ancova two_sample_t",
    },
)  # fmt: skip
_GROUPS = ("3", "group", "groups", "level3", "level_3", "third_level")
_COMMON = meanings(
    {
        "a timeout is for methods of your own, which say `use:`": "timeout",
        "write omit: the covariates that are left out; all others are in the model": "adjust "
            "adjust_for adjusted covariates covs covariate controls predictors include formula",
        "leave it out: the correlation of gee is exchangeable": "corstr corr cov_struct "
            "working_correlation correlation",
    },
    label="name title legend alias",
    level="cluster clustered_by cluster_by cluster_level cluster_var group groups grouping by vce "
        "clustering top_level",
    omit="without drop exclude leave_out unadjusted ignore",
    estimand="parameter target truth term coefficient estimate",
    null_value="null h0 null_hypothesis mu",
)  # fmt: skip


def synonyms(known: Mapping[str, Entry]) -> dict[str, str]:
    """Other packages' words, each with what is written here: a name, or a whole entry."""
    names = meanings({entry.name: entry.synonyms for entry in known.values()})
    whole = {f"write `{entry.name}: {{{options}}}`": synonyms
             for entry in known.values()
             for options, synonyms in entry.variants.items()}  # fmt: skip
    return names | meanings(whole) | _SEVERAL


def for_method(name: str, known: Mapping[str, Entry]) -> str:
    """What an unknown method may be: one of ours, or a user's own that lacks its `use:`."""
    if ".py" in name:
        place = name if ":" in name else f"{name}:FUNCTION"
        return f'; a method of your own is written {{use: "{place}"}}'
    hint = nearest(name, known, synonyms(known))
    own = f'; one of your own is written {{use: "FILE.py:{name}"}}'
    return hint + (own if name.isidentifier() and hint.startswith("; known:") else "")


def for_option(entry: Entry, key: str, value: Any, common: Iterable[str]) -> str:
    """What an unknown option may be: one by another name, or a value in place of its option."""
    if _COMMON.get(folded(key)) == "level" and folded(str(value)) in _GROUPS:
        return "; write level: 3"
    for option in entry.options:
        meant = _meant(option, key)
        if meant is not None and folded(key) not in option.synonyms.split():
            # `reml: false` may mean any other
            wanted = [meant] if value is True and meant in option.values else option.values
            return f"; write {option.name}: {' or '.join(wanted)}"
    names = meanings({option.name: option.synonyms for option in entry.options})
    return nearest(key, [*(option.name for option in entry.options), *common], _COMMON | names)


def _meant(option: Option, word: str) -> str | None:
    """The value of an option, or the advice, that a word stands for."""
    values = {folded(value): value for value in option.values} | dict(option.foreign)
    return values.get(folded(word))


def for_value(entry: Entry, value: Any) -> str:
    """What to write where a value stands in place of ``{option: value}``."""
    for option in entry.options:
        if (meant := _meant(option, str(value))) in option.values:
            return f"; write `{entry.name}: {{{option.name}: {meant}}}`"
    return ""
