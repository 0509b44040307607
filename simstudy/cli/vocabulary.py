"""Other people's words for verbs, flags and formats."""

from __future__ import annotations

from collections.abc import Iterable

from simstudy.errors import nearest

VERBS = {
    **dict.fromkeys(("simulate", "sim", "start", "execute", "go", "resume", "continue"), "run"),
    **dict.fromkeys(("dry_run", "forecast", "cost", "estimate_time", "validate", "lint"), "plan"),
    **dict.fromkeys(("summary", "summarise", "show", "table", "tables", "measures"), "summarize"),
    **dict.fromkeys(("figures", "plot", "plots", "figure", "draw", "graph"), "report"),
    **dict.fromkeys(("new", "create", "template", "starter", "example"), "init"),
    **dict.fromkeys(("test", "conform", "try"), "check"),
    **dict.fromkeys(("list", "options", "models"), "methods"),
    **dict.fromkeys(("rerun", "reproduce", "redo", "refit"), "replay"),
    **dict.fromkeys(("analyze", "analyse", "regress", "estimate", "lmer", "model"), "fit"),
    **dict.fromkeys(("diff", "against", "published"), "compare"),
    "help": "write: simstudy --help",
    "version": "write: simstudy --version",
}
FLAGS = {
    **dict.fromkeys(
        ("cores", "n_jobs", "njobs", "workers", "threads", "cpus", "processes", "parallel", "j"),
        "--jobs",
    ),
    **dict.fromkeys(
        ("reps", "nsim", "n_sim", "nrep", "n_reps", "iterations", "simulations", "n"),
        "--replications",
    ),
    **dict.fromkeys(
        ("out", "output", "outdir", "output_dir", "dir", "folder", "o", "results_dir", "out_dir"),
        "--results",
    ),
    **dict.fromkeys(("force", "overwrite", "restart", "clean", "f", "reset"), "--fresh"),
    **dict.fromkeys(("silent", "q", "no_output"), "--quiet"),
    **dict.fromkeys(("v", "verbosity", "progress"), "--verbose"),
    **dict.fromkeys(("no_figures", "no_plots", "no_plot", "no_tables"), "--no-report"),
    **dict.fromkeys(("failfast", "stop", "strict", "x"), "--fail-fast"),
    **dict.fromkeys(("se", "stderr", "std_err", "standard_error", "model_se"), "--std-error"),
    **dict.fromkeys(("b", "beta", "est", "estvar", "theta_hat", "coef"), "--estimate"),
    **dict.fromkeys(("truth", "theta", "true_value", "true_effect"), "--true"),
    **dict.fromkeys(("methodvar", "model", "estimator", "m", "methods"), "--method"),
    **dict.fromkeys(("group", "groups", "group_by", "groupby", "strata", "dgm"), "--by"),
    **dict.fromkeys(("p", "pval", "pvalue", "p_val"), "--p-value"),
    **dict.fromkeys(("lower", "ci_lower", "lci", "lb", "low", "conf_low"), "--ci-low"),
    **dict.fromkeys(("upper", "ci_upper", "uci", "ub", "high", "conf_high"), "--ci-high"),
    **dict.fromkeys(("dof", "ddf"), "--df"),
    **dict.fromkeys(("id", "rep", "dataset", "data_set", "repvar", "k"), "--replication"),
    **dict.fromkeys(("ref", "baseline", "comparator"), "--reference"),
    **dict.fromkeys(("level", "significance"), "--alpha"),
    **dict.fromkeys(("h0", "null_value", "mu"), "--null"),
    **dict.fromkeys(("measures", "metric", "metrics", "statistic", "performance"), "--measure"),
    **dict.fromkeys(("type", "fmt", "output_format", "as"), "--format"),
    **dict.fromkeys(("plot", "fig", "draw", "image"), "--figure"),
    **dict.fromkeys(("monte_carlo_se", "precision", "mcerror", "tolerance"), "--mcse"),
    **dict.fromkeys(("trusted", "yes", "y"), "--trust"),
    **dict.fromkeys(("write_csv", "save", "export"), "--csv"),
    **dict.fromkeys(("z", "maxz", "threshold"), "--max-z"),
    **dict.fromkeys(("seed", "random_seed"), "the seed stands in the study file"),
}
FORMATS = {
    **dict.fromkeys(("md", "gfm", "pandoc", "quarto", "rmd"), "markdown"),
    **dict.fromkeys(("tex", "booktabs"), "latex"),
    **dict.fromkeys(("txt", "plain", "table", "ascii", "terminal"), "text"),
    **dict.fromkeys(("tsv", "excel", "xlsx", "spreadsheet"), "csv"),
    **dict.fromkeys(("jsonl", "records", "dict"), "json"),
}
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
