"""Scripts that submit a study as a job array."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from simstudy.cli.terminal import write_exactly
from simstudy.errors import UserError
from simstudy.runner.shards import share_of
from simstudy.study.study import load

_SLURM = """\
#!/bin/bash
# The study {name} in {of} shares, and a job after them that completes and summarises it.
# Submit both with: bash THIS_FILE. Partition, account, time and memory are your cluster's.
set -euo pipefail
cd -- {here}

shares() {{
  sbatch --parsable <<'SHARES'
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --array=1-{of}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=1G
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --output={name}-%A_%a.log
exec {run} --shard env/{of} --jobs "${{SLURM_CPUS_PER_TASK:-1}}"
SHARES
}}

summary() {{
  sbatch --parsable --dependency="afterany:$1" <<'SUMMARY'
#!/bin/bash
#SBATCH --job-name={name}-summary
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=1G
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --output={name}-summary-%j.log
exec {run} --jobs "${{SLURM_CPUS_PER_TASK:-1}}"
SUMMARY
}}

array=$(shares)
array=${{array%%;*}}
last=$(summary "$array")
echo "submitted: job $array, {of} shares of {name}; and job ${{last%%;*}}, its summary"
"""


def print_slurm(config: str, of: int, say: Callable[[str], None]) -> None:
    """Print a script that submits a study to SLURM; `say` is told where shares are empty."""
    here = os.getcwd()
    if "\n" in f"{here}{config}{sys.executable}":
        raise UserError("a path with a line break cannot stand in a script", file=config)
    study = load(Path(config))
    last = share_of(study, f"{of}/{of}")
    if not last.spans:
        say(last.line(study, 0))
    run = shlex.join([sys.executable, "-m", "simstudy", "run", config])
    write_exactly(_SLURM.format(name=study.name, of=of, here=shlex.quote(here), run=run))
