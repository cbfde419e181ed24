"""The training recipe: which networks are trained, in what order, on which inputs.

Input: a task. Output: the network that was trained last.

1. Train a network on all inputs; the weight of the KL divergence rises (KLWarmup).
2. Prune weights by the prior, weigh every block of inputs by evidence and drop those
   that are not worth their price. Readmit dropped ones that the residuals depend on.
3. If any block was dropped: train a new network from scratch on all inputs of the
   remaining ones. If all were dropped: train it on all inputs again, with a later
   KLWarmup. (With this step 4 of 4 fits found the three columns of a parity, without it
   1 of 2; on pure noise the model is still empty.)
   Each network may be trained densely first: without noise and without the prior.
4. Train a third network from scratch on the remaining blocks, and anneal it: the KL
   weight rises geometrically, so that the network fits the data before it is pruned.
5. Polish: continue at half the learning rate, weigh and prune again.

The experiments behind this recipe are in ``examples/benchmarks/NOTES.md``.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_ard.nn import KLWarmup
from sklearn_ard.training.callbacks import Schedule
from sklearn_ard.training.inputs import offered, readmitted
from sklearn_ard.training.rounds import (
    CONTINUED_RATE,
    DECAY_FROM,
    pruned,
    train_round,
)
from sklearn_ard.training.start import new_network
from sklearn_ard.training.task import Task
from sklearn_ard.training.trained import Trained, with_objective, with_relevance
from sklearn_ard.training.transfer import reopened


@dataclass(frozen=True)
class Stage:
    """One round of training, after which weights are pruned."""

    share: float  # of all steps
    restart: bool = False  # with new weights, on the remaining columns
    weigh: bool = True  # columns by evidence at its end
    readmit: bool = False  # columns that the residuals depend on at its end
    anneal: bool = False  # under a KL divergence that rises geometrically


STAGES = (
    Stage(0.25, restart=True, readmit=True),
    Stage(0.15, restart=True, readmit=True),
    Stage(0.4, restart=True, anneal=True),
    Stage(0.1),
    Stage(0.1),
)
N_STEPS = 3000  # of all stages together
MIN_EPOCHS, MAX_EPOCHS = 10, 1000  # bounds on the epochs, for many or few rows
MIN_STEPS = 800  # below, a single network is trained
RETRY_WARMUP = KLWarmup(0.3, 0.7)  # after all columns were dropped
ANNEALED = KLWarmup(0.1, 0.8, first=0.05)  # of the network that is kept


def plan(max_iter: int | str, n_batches: int) -> list[tuple[Stage, int]]:
    """The stages of a fit, with the epochs of each.

    Parameters
    ----------
    max_iter : int or "auto"
        Epochs of all stages together.
    n_batches : int
        Steps per epoch.

    Returns
    -------
    list of (Stage, int)
        A single stage where there are too few steps for several networks, and no
        weighing of columns where there are too few for one, since evidence drops all
        columns of an untrained network.
    """
    if isinstance(max_iter, str):
        max_iter = round(min(max(N_STEPS / n_batches, MIN_EPOCHS), MAX_EPOCHS))
    n_steps = max_iter * n_batches
    if n_steps < MIN_STEPS:
        return [(Stage(1.0, restart=True, weigh=n_steps >= MIN_STEPS / 4), max_iter)]
    shares = np.cumsum([0.0] + [stage.share for stage in STAGES])
    epochs = np.diff(np.round(shares * max_iter).astype(int)).tolist()
    return [(stage, n) for stage, n in zip(STAGES, epochs, strict=True) if n > 0]


def member_plan(max_iter: int | str, n_batches: int) -> list[tuple[Stage, int]]:
    """The stages of a further network on columns that are known: the last of a fit."""
    stages = plan(max_iter, n_batches)
    first = (i for i, (stage, _) in enumerate(stages) if stage.anneal)
    return stages[next(first, 0) :]


def train(
    task: Task,
    stages: list[tuple[Stage, int]],
    *,
    previous: Trained | None = None,
    before: Trained | None = None,
) -> Trained:
    """Train networks stage by stage, each on the blocks that the one before kept.

    Parameters
    ----------
    task : Task
        What is to be trained.
    stages : list of (Stage, int)
        What to do, and for how many epochs; see :func:`plan`.
    previous : Trained, optional
        A network to continue; none is then trained from scratch.
    before : Trained, optional
        A network that determines the width of the first one.

    Returns
    -------
    Trained
        With its objective and relevance.
    """
    inputs = support = offered(task)
    trained, retry, is_empty = None, False, False
    if previous is not None:
        trained = reopened(task, previous, masks=False)
    for stage, epochs in stages:
        if not inputs.any() or (is_empty and not stage.restart):
            break
        if is_empty:
            support, retry = inputs, True
        # a restart on the same inputs would only repeat the stage
        changed = retry or stage.anneal or not np.array_equal(support, inputs)
        restart = trained is None or (stage.restart and changed and previous is None)
        if restart:
            is_first = before is None and len(stages) > 1
            new = new_network(task, support, before=before, is_first=is_first)
            if trained is not None:
                new.net.history.extend(trained.net.history)
            trained = new
        assert trained is not None
        trained = train_round(
            task,
            trained,
            epochs,
            _schedule(task, stage, restart, retry),
            weigh=stage.weigh,
            dense_iter=task.dense_iter if restart else 0,
        )
        if trained.interrupted:
            break
        before, support = trained, trained.support
        if stage.readmit and task.has_prices and previous is None:
            support = support | readmitted(task, trained)
        is_empty, support = not support.any(), task.opened(support)
    if trained is None:
        trained = new_network(task, support)
    return with_relevance(task, with_objective(task, pruned(task, trained)))


def _schedule(task: Task, stage: Stage, restart: bool, retry: bool) -> Schedule:
    """Learning rate and KL divergence of a stage."""
    if not restart:
        return Schedule(task.learning_rate * CONTINUED_RATE)
    warmup = RETRY_WARMUP if retry else ANNEALED if stage.anneal else KLWarmup()
    return Schedule(task.learning_rate, warmup, max(warmup.stop, DECAY_FROM))
