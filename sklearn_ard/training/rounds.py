"""Rounds of training, each of which trains a network and prunes it.

Input: a task and the network trained before. Output: the network trained now. Fits and
paths consist of several rounds, a chunk of data of one. After Ctrl-C a round returns a
consistent network, which a fit keeps and a path discards.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_ard._context import threads_for
from sklearn_ard.nn import KLWarmup, deterministic
from sklearn_ard.nn.fast.width import restrict_width_
from sklearn_ard.training.callbacks import Schedule
from sklearn_ard.training.inputs import prune
from sklearn_ard.training.net import ARDNet
from sklearn_ard.training.start import mask_inputs, width_after
from sklearn_ard.training.task import Task
from sklearn_ard.training.trained import Trained, with_objective, with_relevance
from sklearn_ard.training.transfer import on_inputs, reopened

DECAY_FROM = 0.6  # share of a training from scratch after which the rate falls
CONTINUED_RATE = 0.5  # learning rate of a training that goes on, as a share
RISE_UNTIL = 0.8  # share of a training after which reg_factor has risen
# Steps over which the KL divergence is warmed up while a model is trained by chunks.
ONLINE_WARMUP_STEPS = 750
_DENSE = KLWarmup(1.0, 2.0)  # KL weight of 0 until the end


def train_round(
    task: Task,
    trained: Trained,
    epochs: int,
    schedule: Schedule,
    *,
    weigh: bool,
    dense_iter: int = 0,
    resume: ARDNet | None = None,
) -> Trained:
    """Train a network for some epochs, then prune its weights and inputs.

    Parameters
    ----------
    task : Task
        What is trained.
    trained : Trained
        Its net is changed.
    epochs : int
        Number of epochs.
    schedule : Schedule
        Of learning rate and KL divergence.
    weigh : bool
        Whether blocks have to be worth their prices; else only the prior prunes.
    dense_iter : int, default=0
        Epochs before these without noise and without the prior.
    resume : ARDNet, optional
        A net whose optimiser state is continued.

    Returns
    -------
    Trained
        The same net. After Ctrl-C it has its present weights, with inputs pruned by
        the prior only.
    """
    net, batches = trained.net, task.batches.select(trained.inputs)
    options: dict[str, Any] = {
        "generators": task.generators,
        "progress": task.progress,
        "checkpoint": task.checkpoint,
    }
    with threads_for(net.module_):
        try:
            if dense_iter:
                with deterministic(net.module_):
                    dense = Schedule(task.learning_rate, _DENSE)
                    net.train_epochs(batches, dense_iter, dense, **options)
            net.train_epochs(
                batches, epochs, schedule, shrink=task.shrink, resume=resume, **options
            )
        except KeyboardInterrupt:
            return replace(pruned(task, trained), interrupted=True)
        return pruned(task, trained, weigh=weigh)


def pruned(task: Task, trained: Trained, *, weigh: bool = False) -> Trained:
    """A network without the weights and blocks that are not worth their price."""
    support = prune(task, trained.net, trained.inputs, weigh=weigh)
    return replace(trained, support=support)


def continue_at(
    task: Task, trained: Trained, epochs: int, *, rise: float, back: np.ndarray
) -> Trained:
    """Continue the training of a network at another reg_factor.

    Parameters
    ----------
    task : Task
        With the new reg_factor.
    trained : Trained
        The network to continue; it is not changed.
    epochs : int
        Number of epochs.
    rise : float
        The new reg_factor over the old one. A rise is gradual; if it falls, all pruned
        weights become active again.
    back : bool ndarray of shape (n_inputs,)
        True for inputs that are readmitted.

    Returns
    -------
    Trained
        The new network.
    """
    support = task.opened(trained.support | back)
    if not support.any():
        return trained
    width = width_after(trained)
    opened = reopened(task, trained, masks=rise >= 1, back=back)
    if task.shrink and task.is_resizable:
        restrict_width_(opened.net.module_, width)
    mask_inputs(task, opened.net, opened.inputs, support)
    if task.is_resizable:
        opened = on_inputs(task, opened, np.flatnonzero(support))
    schedule = Schedule(
        task.learning_rate * CONTINUED_RATE,
        KLWarmup(0.0, RISE_UNTIL, first=1 / rise) if rise > 1 else None,
    )
    return train_round(task, opened, epochs, schedule, weigh=True)


def train_chunk(task: Task, previous: Trained | None, n_steps: float) -> Trained:
    """Train one network on all inputs for one pass over a chunk of the data.

    Weights and inputs are masked as they would be if this was the last chunk; the next
    call lifts the masks, so that later chunks can use every column.

    Parameters
    ----------
    task : Task
        With the chunk.
    previous : Trained or None
        The network after all earlier chunks.
    n_steps : float
        Steps of all earlier calls, which determine the KL warm-up.

    Returns
    -------
    Trained
        With its objective and relevance.
    """
    if previous is None:
        inputs = np.arange(task.n_inputs)
        trained = Trained(task.make_net(task.n_inputs), inputs, task.varies)
    else:
        trained = reopened(task, previous, masks=False)
        trained.net.history.extend(previous.net.history)
    warmup = KLWarmup()
    schedule = Schedule(
        task.learning_rate * CONTINUED_RATE,
        warmup,
        decay_from=None,
        first_step=n_steps,
        n_steps=ONLINE_WARMUP_STEPS,
    )
    n_steps += task.batches.n_batches
    # blocks can be weighed only at the full weight of the KL divergence
    in_full = warmup(n_steps / ONLINE_WARMUP_STEPS) == 1
    trained = train_round(
        task,
        trained,
        1,
        schedule,
        weigh=in_full,
        resume=None if previous is None else previous.net,
    )
    return with_relevance(task, with_objective(task, trained))
