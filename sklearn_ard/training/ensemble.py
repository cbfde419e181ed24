"""Deep ensembles: further networks on the blocks of a first one, and all as one net.

In comes the first network of a fit or of a path; out goes one whose output is the mean
of those of all.
"""

from dataclasses import replace

import numpy as np
import torch

from sklearn_ard._callbacks import FitTask
from sklearn_ard.nn import Ensemble, input_layers
from sklearn_ard.training.callbacks import epoch_tasks, progress_bar
from sklearn_ard.training.recipe import Stage, member_plan, plan, train
from sklearn_ard.training.task import Task
from sklearn_ard.training.trained import Trained
from sklearn_ard.training.transfer import on_inputs, reopened


def train_networks(
    task: Task,
    n_networks: int,
    *,
    previous: Trained | None = None,
    verbose: int = 0,
    fit_task: FitTask | None = None,
) -> Trained:
    """Train all networks of a fit.

    Parameters
    ----------
    task : Task
        What is to be trained.
    n_networks : int
        How many networks predict together.
    previous : Trained, optional
        A network to go on from.
    verbose : int, default=0
        Whether to show a progress bar.
    fit_task : FitTask, optional
        Tells scikit-learn's callbacks of the training.

    Returns
    -------
    Trained
        With its objective and relevance.
    """
    max_iter, n_batches = task.max_iter, task.batches.n_batches
    stages, members = plan(max_iter, n_batches), member_plan(max_iter, n_batches)
    n_epochs = _most_epochs(task, stages)
    n_epochs += (n_networks - 1) * _most_epochs(task, members)
    with (
        progress_bar(n_epochs, verbose) as bar,
        epoch_tasks(fit_task, n_epochs, bar) as progress,
    ):
        task = replace(task, progress=progress)
        first = train(task, stages, previous=previous)
        return train_ensemble(task, first, n_networks)


def _most_epochs(task: Task, stages: list[tuple[Stage, int]]) -> int:
    """Epochs of some stages, if every one begins with a new network that may."""
    return sum(n + task.dense_iter * stage.restart for stage, n in stages)


def train_ensemble(task: Task, first: Trained, n_networks: int) -> Trained:
    """Train further networks on the blocks that a first one has chosen.

    Each is trained from scratch, by the last stages of a fit: those of the annealed
    network, three fifths of the steps. None drops a block by its price.

    Parameters
    ----------
    task : Task
        What the first one was trained for.
    first : Trained
        With its objective and relevance. If it is empty nothing is added to it.
    n_networks : int
        Number of networks, the first one among them.

    Returns
    -------
    Trained
        All as one; after Ctrl-C those that are done.
    """
    members, interrupted = [first], first.interrupted
    if first.support.any():
        task = replace(task.without_prices(), varies=task.opened(first.support))
        stages = member_plan(task.max_iter, task.batches.n_batches)
        while len(members) < n_networks and not interrupted:
            member = train(task, stages, before=first)
            interrupted = member.interrupted
            if not interrupted:
                members.append(member)
    return replace(join(task, members), interrupted=interrupted)


def join(task: Task, members: list[Trained]) -> Trained:
    """One net whose output is the mean of those of several.

    Parameters
    ----------
    task : Task
        What they were trained for.
    members : list of Trained
        With their objectives and relevance. They need not read the same inputs.

    Returns
    -------
    Trained
        Bound, KL divergence, relevance of the blocks and variance of the noise are
        means over the members. The history is that of all, one after the other.
    """
    if len(members) == 1:
        return members[0]
    inputs, support = members[0].inputs, np.any([m.support for m in members], axis=0)
    if not all(np.array_equal(member.inputs, inputs) for member in members):
        inputs = np.flatnonzero(support)
    networks = [_reading(task, inputs, member).net.module_ for member in members]
    net = task.make_net(len(inputs))
    net.set_module(Ensemble(networks).eval())
    net.criterion_.likelihood.average_(
        [member.net.criterion_.likelihood for member in members]
    )
    for member in members:
        net.history.extend(member.net.history)
    return Trained(
        net,
        inputs,
        support,
        elbo=float(np.mean([member.elbo for member in members])),
        kl=float(np.mean([member.kl for member in members])),
        relevance=np.mean(np.array([member.relevance for member in members]), axis=0),
    )


def _reading(task: Task, inputs: np.ndarray, member: Trained) -> Trained:
    """A member as a network that reads some inputs: all that it uses."""
    if np.array_equal(member.inputs, inputs):
        return member
    wide = reopened(task, member, masks=True)
    live = torch.from_numpy(member.support).to(wide.net.device)
    for layer in input_layers(wide.net.module_, task.batches.head()):
        layer.mask_inputs_(live)
    return on_inputs(task, wide, inputs)
