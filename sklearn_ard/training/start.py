"""New networks, on some inputs and no wider than they need to be.

Input: a task and the network trained before. Output: a net with new weights.
"""

import numpy as np
import torch

from sklearn_ard.nn import input_layers
from sklearn_ard.nn.fast.width import connected_units, start_narrow_
from sklearn_ard.training.net import ARDNet
from sklearn_ard.training.task import Task
from sklearn_ard.training.trained import Trained

MAX_FIRST_WIDTH = 256  # units per hidden layer of a first network, at most
WIDTH_FACTOR = 2  # units of a later one for each connected unit of the one before
MIN_WIDTH = 64  # units of a later one, at least


def new_network(
    task: Task,
    support: np.ndarray,
    *,
    before: Trained | None = None,
    is_first: bool = False,
) -> Trained:
    """A new network on some inputs, as wide as it needs to be.

    Parameters
    ----------
    task : Task
        What is to be trained.
    support : bool ndarray of shape (n_inputs,)
        True for the inputs. Where a network cannot read fewer inputs, the others are
        masked.
    before : Trained, optional
        Determines the width of the network.
    is_first : bool, default=False
        Whether others follow, so that it need not be wide.

    Returns
    -------
    Trained
        Not trained yet.
    """
    inputs = np.arange(task.n_inputs)
    if task.is_resizable and support.any():
        inputs = np.flatnonzero(support)
    net = task.make_net(len(inputs))
    if task.shrink and task.is_resizable:
        if before is not None:
            start_narrow_(net.module_, width_after(before))
        elif is_first:
            n_layers = len(connected_units(net.module_))
            start_narrow_(net.module_, [MAX_FIRST_WIDTH] * n_layers)
    mask_inputs(task, net, inputs, support)
    return Trained(net, inputs, support)


def width_after(trained: Trained) -> list[int]:
    """Hidden units per layer that are enough for the next network."""
    units = connected_units(trained.net.module_)
    return [max(MIN_WIDTH, WIDTH_FACTOR * int(connected.sum())) for connected in units]


def mask_inputs(
    task: Task, net: ARDNet, inputs: np.ndarray, support: np.ndarray
) -> None:
    """Mask the inputs of a net that are not in the support."""
    support = support[inputs]
    if support.all():
        return
    head = task.batches.select(inputs).head()
    for layer in input_layers(net.module_, head):
        live = support.reshape(len(layer.per_input(layer.mask)), -1).any(axis=1)
        layer.mask_inputs_(torch.from_numpy(live).to(layer.mask.device))
