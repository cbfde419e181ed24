"""The result of training.

Input: a net and its task. Output: a :class:`Trained`: the network, the inputs that it
reads and uses, and, once computed, its objective and the relevance of each block.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sklearn_ard._context import threads_for
from sklearn_ard.data.batches import Batches
from sklearn_ard.data.targets import Targets
from sklearn_ard.nn import elbo, kl_divergence
from sklearn_ard.nn.fast.live_network import LiveNetwork
from sklearn_ard.training.build import empty_output
from sklearn_ard.training.inputs import SAMPLE, relevance_of
from sklearn_ard.training.net import ARDNet
from sklearn_ard.training.task import Task


@dataclass(frozen=True)
class Trained:
    """A trained network and its measures.

    Attributes
    ----------
    net : ARDNet
        With the network.
    inputs : ndarray of int
        Inputs that it reads, of those that are made of X.
    support : bool ndarray of shape (n_inputs,)
        True for those of all inputs that are in use.
    elbo, kl : float or None
        Evidence lower bound on scaled targets and KL divergence, in nats.
    relevance : ndarray of shape (n_blocks,) or None
        Nats that each block is worth.
    interrupted : bool
        Whether Ctrl-C ended the training.
    """

    net: ARDNet
    inputs: np.ndarray
    support: np.ndarray
    elbo: float | None = None
    kl: float | None = None
    relevance: np.ndarray | None = None
    interrupted: bool = False


def with_objective(task: Task, trained: Trained) -> Trained:
    """The same with bound and KL divergence, or an error if these are not finite."""
    net, batches = trained.net, task.batches.select(trained.inputs)
    with threads_for(net.module_):
        live = LiveNetwork(net.module_)
        x, target, weight = batches.sample(SAMPLE, task.generators.cpu)
        bound = elbo(
            live.network,
            net.criterion_,
            live.rows(x),
            target,
            weight,
            generator=task.generators.device,
        )
        kl = float(kl_divergence(live.network).detach())
    if not math.isfinite(bound + kl):
        raise FloatingPointError(
            f"Training diverged: the evidence lower bound is {bound} and the KL "
            f"divergence {kl}. Lower the 'learning_rate_init' parameter, or look for "
            "extreme values in X and y."
        )
    return replace(trained, elbo=bound, kl=kl)


@torch.no_grad()
def outputs_of(trained: Trained, targets: Targets, batches: Batches) -> Tensor:
    """Outputs of a network, or of a model without inputs where none is in use.

    Parameters
    ----------
    trained : Trained
        The network; posterior means are used.
    targets : NumericTargets or ClassTargets
        What it predicts.
    batches : Batches
        The rows, with all inputs.

    Returns
    -------
    Tensor of shape (n_rows, n_outputs)
        On the device of the rows.
    """
    if not trained.support.any():
        return empty_output(targets, len(batches), batches.target.device)
    module, rows = trained.net.module_, torch.arange(len(batches), device="cpu")
    live = LiveNetwork(module)
    x, _ = batches.select(trained.inputs).rows(rows.to(batches.target.device))
    with threads_for(module):
        return live.network.eval()(live.rows(x))


def with_relevance(task: Task, trained: Trained) -> Trained:
    """The same with the relevance of each block."""
    with threads_for(trained.net.module_):
        relevance = relevance_of(task, trained.net, trained.inputs, trained.support)
    return replace(trained, relevance=relevance)
