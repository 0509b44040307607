"""Other people's words for verbs, flags and formats."""

from __future__ import annotations

from collections.abc import Iterable

from simstudy.errors import meanings, nearest

VERBS = meanings(
    {"write: simstudy --help": "help", "write: simstudy --version": "version"},
    run="simulate sim start execute go resume continue",
    plan="dry_run forecast cost estimate_time validate lint",
    summarize="summary summarise table tables measures",
    show="view look display see inspect preview example_data",
    report="figures plot plots figure draw graph",
    init="new create template starter example",
    check="test conform try",
    methods="list options models",
    replay="rerun reproduce redo refit",
    fit="analyze analyse regress estimate lmer model",
    compare="diff against published",
    status="progress watch monitor missing verify ls",
    merge="combine join union collect gather",
    solve="power sample_size samplesize how_many n_for find root required size",
    compact="pack consolidate shrink squash repack gc vacuum",
)  # fmt: skip
FLAGS = meanings(
    {
        "--jobs": "cores n_jobs njobs workers threads cpus processes parallel j",
        "--replications": "reps nsim n_sim nrep n_reps iterations simulations n",
        "--results": "out output outdir output_dir dir folder o results_dir out_dir",
        "--fresh": "force overwrite restart clean f reset",
        "--quiet": "silent q no_output",
        "--verbose": "v verbosity progress",
        "--no-report": "no_figures no_plots no_plot no_tables",
        "--fail-fast": "failfast stop strict x",
        "--std-error": "se stderr std_err standard_error model_se",
        "--estimate": "b beta est estvar theta_hat coef",
        "--true": "truth theta true_value true_effect",
        "--method": "methodvar model estimator m methods",
        "--by": "group groups group_by groupby strata dgm",
        "--p-value": "p pval pvalue p_val",
        "--ci-low": "lower ci_lower lci lb low conf_low",
        "--ci-high": "upper ci_upper uci ub high conf_high",
        "--df": "dof ddf",
        "--replication": "id rep dataset data_set repvar k",
        "--reference": "ref baseline comparator",
        "--alpha": "level significance",
        "--null": "h0 null_value mu",
        "--for": "field parameter solve_for vary along",
        "--type1-error": "type1 size type_1_error",
        "--range": "interval bounds limits between",
        "--measure": "measures metric metrics statistic performance",
        "--format": "type fmt output_format as",
        "--figure": "plot fig draw image",
        "--mcse": "monte_carlo_se precision mcerror",
        "--trust": "trusted yes y",
        "--csv": "write_csv save export",
        "--watch": "w follow live tail",
        "--into": "to target destination",
        "--quick": "fast no_verify names names_only",
        "--max-z": "z maxz threshold",
        "--check-claims": "claims check assert assert_claims verify strict_claims",
        "the seed stands in the study file": "seed random_seed",
    },
)  # fmt: skip
FORMATS = meanings(
    markdown="md gfm pandoc quarto rmd",
    latex="tex booktabs",
    text="txt plain table ascii terminal",
    csv="tsv excel xlsx spreadsheet",
    json="jsonl records dict",
)
_OF = {"verb": VERBS, "format": FORMATS}


def unknown(name: str, value: object, known: Iterable[str]) -> str:
    """What a value may have meant that is none of an argument's choices."""
    if name == "verb" and str(value).endswith((".yaml", ".yml")):
        return f"; write: simstudy run {value}"
    return nearest(value, known, _OF.get(name))


def unknown_flags(extra: list[str], known: Iterable[str]) -> str:
    """What is said of arguments that a verb does not take."""
    flags = [word for word in extra if word.startswith("-")]
    if not flags:
        return f"unexpected argument '{extra[0]}'"
    flag = flags[0].partition("=")[0]
    return f"no option '{flag}'{nearest(flag, known, FLAGS)}"
