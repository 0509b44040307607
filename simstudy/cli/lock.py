"""``simstudy lock``."""

from __future__ import annotations

from argparse import Namespace

from simstudy.cli.run import say
from simstudy.errors import UserError, first_of
from simstudy.locks import places
from simstudy.locks.deviations import deviations
from simstudy.locks.lock import lock_of
from simstudy.runner.progress import counts, total
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study, load
from simstudy.summary.stopping import settled

_NAMED = 3  # deviations that are named


def main(options: Namespace) -> None:
    """Write down what is planned of a study, before it is run; never over another plan."""
    study = load(options.config)
    file = places.beside(options.config)
    earlier = None if options.fresh else places.of_config(options.config)
    folder = ResultsFolder(options.results).below(study.name)
    lock = lock_of(study, _stored(study, folder))
    if earlier is not None and earlier.plan.digest == lock.plan.digest:
        print(f"{file}: this very plan was locked on {earlier.day} already (digest {earlier.mark})")
        return
    if earlier is not None:
        other = first_of(deviations(earlier.plan, lock.plan), _NAMED)
        message = f"locks another plan since {earlier.day}, and is not written over ({other})"
        raise UserError(f"{message}; --fresh moves it aside", file=str(file))
    moved = places.write(lock, options.config)
    if moved is not None:
        say(f"{moved}: the earlier lock is here now")
    print(f"{file}: locked\n" + "\n".join(_lines(study)))
    print(f"digest {lock.plan.digest}")
    if lock.stored:
        say(f"{folder}: {lock.stored:,} fits of this plan are stored already; the lock says so")
    else:
        print(f"no fit of this plan is stored in {folder}")


def _lines(study: Study) -> list[str]:
    """What was locked, in few lines."""
    n_claims = len(study.claims)
    alpha = ", ".join(f"{alpha:g}" for alpha in study.alpha)
    fits = f"{'' if study.precision is None else 'at least '}{study.n_fits:,} fits"
    return [
        f"{len(study.designs):,} scenarios, {len(study.methods):,} methods, {fits}",
        f"seed {study.seed}, alpha {alpha}, {n_claims} claim{'' if n_claims == 1 else 's'}",
    ]


def _stored(study: Study, folder: ResultsFolder) -> int:
    """Fits of a study that are there."""
    if folder.seed not in (None, study.seed):
        return 0
    return total(counts(settled(study, folder), folder.held()).values()).there
