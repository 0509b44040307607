"""The verbs and what each of them takes."""

from __future__ import annotations

from typing import Any, NamedTuple

from simstudy.cli.numbers import jobs, positive, replications, whole
from simstudy.runner.backends import USUAL, names

_FORMATS = ("text", "csv", "json", "markdown", "latex")
_METHOD = "as in a study file: pooled, 'random_intercept: {df: wald}'"
_SLURM = "print a script that submits this study as a job array, and a job that summarises it"
_SHARD = "do share I of N alone; env/N: I from the array of SLURM, SGE, PBS or LSF"
_GIVE_UP = "leave a method of yours out after N failures in a row (200); 0: never"
_CHECK = "exit 4 where a claim of the study file is refuted"
_SCHEDULER = "dask's (default: DASK_SCHEDULER_ADDRESS)"
_BACKEND = "where the work is done (loky: processes of this machine)"
_INSTEAD = "instead of the file's"
_TRUST = "import the files of the study's own methods and refit those too"
_PUBLISHED = (
    "CSV: columns of a cell (factors, method), printed and, if any, measure (rejection_rate), "
    "alpha (the first), decimals, and of the printed number replications or mcse"
)
_ESTIMATED = "results folder; or a table of estimates (CSV, parquet, .dta)"
_MEASURE = "only these; median_bias and mean_absolute_error are made when named here alone"
_OF_TWO = "of two results folders, only these (default: all they have)"
_ALL = "of two results folders, every row as csv or json"
_WHERE = "only rows with FIELD OP VALUE and ..., such as 'icc > 0 and x_icc = 1'"
_DUMMIES = "show the coefficients of dummy's clusters, of more than two too"
_TARGET = "say how many replications this Monte Carlo SE needs"

_FIELD = "n_clusters, cluster_size, icc, slope, or another field that is a number"
_TOLERANCE = "farthest of the interval's ends from the root (1 of whole numbers, else 1 %%)"

_RESULTS = "results folder of a study, such as results/icc"

Arguments = list[tuple[str, dict[str, Any]]]
_COLUMN = {"metavar": "COL"}
_FACTORS = {"action": "extend", "nargs": "+", "metavar": "FACTOR", "default": []}
_SHARE = {"type": float, "metavar": "P"}
_PARENT = {
    "default": "results",
    "metavar": "DIR",
    "help": "parent folder, or a URI such as s3://bucket/prefix",
}
ESTIMATES: Arguments = [  # of anybody's estimates
    ("--estimate", _COLUMN | {"help": "estimates; one column a method: COL,COL"}),
    ("--std-error", _COLUMN | {"help": "standard errors, as many columns"}),
    ("--true", {"metavar": "VALUE|COL", "help": "true value"}),
    ("--method", _COLUMN | {"help": "methods (default: method)"}),
    ("--by", _COLUMN | {"action": "extend", "nargs": "+", "help": "groups"}),
    ("--df", _COLUMN | {"help": "degrees of freedom (default: a z test)"}),
    ("--p-value", _COLUMN),
    ("--ci-low", _COLUMN),
    ("--ci-high", _COLUMN),
    ("--replication", _COLUMN | {"help": "data sets (default: replication, or order of rows)"}),
    ("--reference", {"metavar": "METHOD", "help": "compare the others with this one"}),
    ("--alpha", {"action": "extend", "nargs": "+", "type": float, "metavar": "A"}),
    ("--null", {"type": float, "metavar": "V", "help": "what the tests are about (default: 0)"}),
    ("--converged", _COLUMN | {"help": "a fit that says false, 0 or no there counts as failed"}),
]


class Verb(NamedTuple):
    """What a verb does, takes and is used for."""

    summary: str
    arguments: Arguments
    examples: tuple[str, str]


VERBS: dict[str, Verb] = {
    "run": Verb(
        "run what is missing of a study, then summarise and draw it",
        [
            ("config", {"help": "study file (YAML)"}),
            ("--jobs", {"type": jobs, "metavar": "N", "help": "worker processes (all cores)"}),
            ("--backend", {"choices": names(), "default": USUAL, "help": _BACKEND}),
            ("--scheduler", {"metavar": "tcp://HOST:PORT", "help": _SCHEDULER}),
            ("--results", _PARENT),
            ("--replications", {"type": replications, "metavar": "N", "help": _INSTEAD}),
            ("--shard", {"metavar": "I/N", "help": _SHARD}),
            ("--fresh", {"action": "store_true", "help": "move earlier results aside, start over"}),
            ("--fail-fast", {"action": "store_true", "help": "stop where a method of yours fails"}),
            ("--give-up", {"type": whole, "default": 200, "metavar": "N", "help": _GIVE_UP}),
            ("--check-claims", {"action": "store_true", "help": _CHECK}),
            ("--no-report", {"action": "store_true", "help": "no figures and tables"}),
            ("--quiet", {"action": "store_true", "help": "print nothing but errors"}),
            ("--verbose", {"action": "store_true", "help": "a line for every range, on stderr"}),
        ],
        ("icc.yaml", "icc.yaml --replications 10000 --jobs 4"),
    ),
    "solve": Verb(
        "say how many clusters, or what else, a power or another target takes",
        [
            ("config", {"help": "study file (YAML)"}),
            ("--for", {"required": True, "metavar": "FIELD", "help": _FIELD}),
            ("--power", _SHARE | {"help": "at least P"}),
            ("--type1-error", _SHARE | {"help": "at most P"}),
            ("--coverage", _SHARE | {"help": "at least P"}),
            ("--target", {"metavar": "MEASURE>=V", "help": "any measure: 'MEASURE>=V', '<='"}),
            ("--method", {"metavar": "LABEL", "help": "of this one alone"}),
            ("--range", {"metavar": "A:B", "help": "where it is sought"}),
            ("--tolerance", {"type": positive, "metavar": "T", "help": _TOLERANCE}),
            ("--json", {"action": "store_true", "help": "full precision, as JSON"}),
            ("--results", _PARENT),
            ("--jobs", {"type": jobs, "metavar": "N", "help": "worker processes (all cores)"}),
            ("--fresh", {"action": "store_true", "help": "move earlier results aside first"}),
        ],
        (
            "trial.yaml --for n_clusters --power 0.8",
            "trial.yaml --for icc --power 0.7 --method random_intercept --tolerance 0.05",
        ),
    ),
    "plan": Verb(
        "say what a study will take and what of it is there; write nothing",
        [
            ("config", {"help": "study file (YAML)"}),
            (
                "--mcse",
                {"action": "append", "default": [], "metavar": "MEASURE=VALUE", "help": _TARGET},
            ),
            ("--results", _PARENT),
        ],
        ("icc.yaml", "icc.yaml --mcse power=0.005 --mcse type1_error=0.002"),
    ),
    "lock": Verb(
        "write down what is planned of a study before it is run: CONFIG's name and .lock.yaml",
        [
            ("config", {"help": "study file (YAML)"}),
            ("--results", _PARENT),
            ("--fresh", {"action": "store_true", "help": "move the lock of another plan aside"}),
        ],
        ("icc.yaml", "icc.yaml --fresh"),
    ),
    "status": Verb(
        "say what is there of a study, what is missing and what is broken; exit 3 unless complete",
        [
            ("results", {"help": _RESULTS}),
            ("--watch", {"action": "store_true", "help": "again and again until it is complete"}),
            ("--quick", {"action": "store_true", "help": "by names alone: open no part"}),
            ("--json", {"action": "store_true", "help": "for other programs, as JSON"}),
        ],
        ("results/icc", "results/icc --watch"),
    ),
    "merge": Verb(
        "put results of one study together that were computed in several folders",
        [
            ("results", {"nargs": "+", "help": "results folders of one study"}),
            ("--into", {"required": True, "metavar": "DIR", "help": "new, or of that study too"}),
        ],
        ("laptop/icc desktop/icc --into results/icc", "results/icc --into s3://bucket/backup/icc"),
    ),
    "compact": Verb(
        "join many small files of results into few; every row stays as it is",
        [("results", {"help": _RESULTS})],
        ("results/icc", "s3://bucket/studies/icc"),
    ),
    "show": Verb(
        "draw one data set of a study: its units, effects and errors, and four fits",
        [
            ("config", {"help": "study file (YAML)"}),
            ("--scenario", {"metavar": "ID", "help": "by default the first"}),
            ("--replication", {"type": replications, "default": 1, "metavar": "K"}),
            ("--figure", {"metavar": "FILE", "help": "by default NAME-ID.png in this folder"}),
        ],
        ("icc.yaml", "icc.yaml --replication 7 --figure seventh.pdf"),
    ),
    "summarize": Verb(
        "performance measures of a results folder, or of anybody's estimates",
        [
            ("target", {"help": _ESTIMATED}),
            ("--format", {"choices": _FORMATS, "default": "text"}),
            ("--measure", {"action": "extend", "nargs": "+", "metavar": "M", "help": _MEASURE}),
            ("--where", {"metavar": "EXPR", "help": _WHERE}),
            ("--mcse", {"choices": ("robust", "normal"), "default": "robust"}),
            ("--rows", _FACTORS | {"help": "what is down: factors, method, measure"}),
            ("--columns", _FACTORS | {"help": "what is across; the outermost first"}),
            ("--interval", {"action": "store_true", "help": "value [95 %% interval], not (MCSE)"}),
            ("--wide", {"action": "store_true", "help": "csv, json: a column a method"}),
            ("--verdict", {"action": "store_true", "help": "mark Type I errors after Bradley"}),
            *ESTIMATES,
        ],
        (
            "results/icc --where 'icc > 0' --format markdown",
            "estimates.csv --estimate b --std-error se --true 0.5 --method model",
        ),
    ),
    "report": Verb(
        "figures and tables again from the stored summary",
        [
            ("results", {"help": "results folder of a study"}),
            ("--trust", {"action": "store_true", "help": "draw the study's own figures again"}),
        ],
        ("results/icc", "s3://bucket/studies/icc"),
    ),
    "compare": Verb(
        "a study's numbers beside those of another run, or beside printed ones",
        [
            ("results", {"help": "results folder of a study"}),
            ("published", {"help": f"another results folder; or {_PUBLISHED}"}),
            ("--measure", {"action": "extend", "nargs": "+", "metavar": "M", "help": _OF_TWO}),
            ("--format", {"choices": ("text", "csv", "json"), "default": "text", "help": _ALL}),
            ("--max-z", {"type": positive, "metavar": "Z", "help": "exit 4 where a |z| is above"}),
        ],
        ("results/icc elsewhere/icc --max-z 4", "results/icc published.csv"),
    ),
    "fit": Verb(
        "fit the methods to a real data set",
        [
            ("data", {"help": "CSV, parquet, .dta or another table"}),
            ("formula", {"help": "such as 'y ~ x + z + C(arm) + (1 | school)'"}),
            ("--method", {"action": "append", "metavar": "M", "help": _METHOD}),
            ("--json", {"action": "store_true", "help": "full precision, as JSON"}),
            ("--clusters", {"action": "store_true", "help": _DUMMIES}),
            ("--figure", {"metavar": "FILE", "help": "draw the data with four kinds of lines"}),
        ],
        (
            "pupils.csv 'score ~ hours + (1 | school)' --figure lines.png",
            "pupils.csv 'score ~ hours + girl + (1 | school)' --method 'pooled: {se: CR2}'",
        ),
    ),
    "diagnose": Verb(
        "say how wrong an analysis is, by simulating the very design of its data",
        [
            ("data", {"help": "CSV, parquet, .dta or another table"}),
            ("formula", {"help": "such as 'y ~ x + z + C(arm) + (1 | school)'"}),
            ("--term", {"metavar": "T", "help": "coefficient under test (default: the first)"}),
            ("--replications", {"type": replications, "default": 2000, "metavar": "N"}),
            ("--seed", {"type": whole, "metavar": "S", "help": "default: by the data"}),
            ("--json", {"action": "store_true", "help": "full precision, as JSON"}),
            ("--figure", {"metavar": "FILE", "help": "draw size and power by ICC"}),
            ("--study", {"metavar": "FILE", "help": "write what was simulated as a study file"}),
        ],
        (
            "pupils.csv 'score ~ hours + (1 | school)'",
            "pupils.csv 'score ~ hours + girl + (1 | school)' --term girl --study mine.yaml",
        ),
    ),
    "replay": Verb(
        "make one replication again: its rows and all fits, beside what is stored",
        [
            ("results", {"help": "results folder of a study"}),
            ("--scenario", {"required": True, "metavar": "ID", "help": "as in scenarios.parquet"}),
            ("--replication", {"required": True, "type": replications, "metavar": "K"}),
            ("--csv", {"metavar": "FILE", "help": "write the data set: cluster, x, covariates, y"}),
            ("--trust", {"action": "store_true", "help": _TRUST}),
            ("--method", {"action": "append", "metavar": "M", "help": _METHOD}),
            ("--json", {"action": "store_true", "help": "full precision, as JSON"}),
        ],
        (
            "results/icc --scenario ID --replication 17",
            "results/icc --scenario ID --replication 17 --csv units.csv",
        ),
    ),
    "check": Verb(
        "try your own methods, generators and measures and say what is wrong with them",
        [
            ("file", {"help": "FILE.py, or FILE.py:FUNCTION"}),
            ("--options", {"default": "", "metavar": "YAML", "help": "such as '{share: 0.2}'"}),
        ],
        ("my_methods.py", "my_methods.py:my_methods --options '{trim: 0.2}'"),
    ),
    "methods": Verb("the methods there are, with their options", [], ("", "| less")),
    "schema": Verb("JSON Schema of the study file", [], ("", "> study.schema.json")),
    "init": Verb(
        "write a commented starter NAME.yaml; never over a file",
        [
            ("name", {"nargs": "?", "help": "of the study, of the method or of the generator"}),
            ("--method", {"action": "store_true", "help": "NAME.py: methods of your own"}),
            (
                "--generator",
                {
                    "action": "store_true",
                    "help": "NAME.py: a generator of data of your own, and NAME.yaml",
                },
            ),
            ("--slurm", {"metavar": "CONFIG", "help": _SLURM}),
            ("--shards", {"type": jobs, "metavar": "N", "help": "shares of that job array"}),
        ],
        ("icc", "--method my_methods"),
    ),
}
