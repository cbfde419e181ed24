"""Trained weights in a network that reads other inputs.

Input: a task and a trained network. Output: a copy of it that reads all inputs, or
some, for further training.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from sklearn_ard.nn import input_layers
from sklearn_ard.nn.fast.width import mask_untrained_
from sklearn_ard.training.task import Task
from sklearn_ard.training.trained import Trained


def reopened(
    task: Task, trained: Trained, *, masks: bool, back: np.ndarray | None = None
) -> Trained:
    """A copy of a network that reads all inputs, for further training.

    Parameters
    ----------
    task : Task
        The task of the further training.
    trained : Trained
        It is not changed.
    masks : bool
        Whether pruned weights stay pruned. Units that were never trained always do.
    back : bool ndarray of shape (n_inputs,), optional
        True for inputs whose weights become active again even so.

    Returns
    -------
    Trained
        With a new net.

    Raises
    ------
    ValueError
        If its weights do not fit the network of the task.
    """
    net = task.make_net(task.n_inputs)
    for old_part, part in (
        (trained.net.module_, net.module_),
        (trained.net.criterion_, net.criterion_),
    ):
        _copy_state(old_part, part, trained.inputs, masks)
    mask_untrained_(net.module_)
    if back is not None and back.any():
        for layer in input_layers(net.module_, task.batches.head()):
            units = back.reshape(len(layer.per_input(layer.mask)), -1)
            live = torch.from_numpy(units.any(axis=1)).to(layer.mask.device)
            layer.mask.add_(layer.leaves_inputs(live)).clamp_(max=1)
    return Trained(net, np.arange(task.n_inputs), trained.support)


def _copy_state(
    old_part: nn.Module, part: nn.Module, inputs: np.ndarray, masks: bool
) -> None:
    """Copy weights to a module that reads more inputs."""
    state, old = part.state_dict(), old_part.state_dict()
    fits = state.keys() == old.keys() and all(
        value.shape == state[name].shape
        # a dense input layer, one column of weights per input
        or value.shape == state[name][:, inputs].shape
        for name, value in old.items()
    )
    if not fits:
        raise ValueError(
            "warm_start=True and partial_fit continue with the weights of the last "
            "fit, which do not fit the network or the outputs of this one. Set "
            "warm_start=False, or fit a clone."
        )
    for name, value in old.items():
        if name.split(".")[-1] == "mask" and not masks:
            continue
        if value.shape == state[name].shape:
            state[name] = value
        else:
            state[name][:, inputs] = value
    part.load_state_dict(state)


def on_inputs(task: Task, trained: Trained, inputs: np.ndarray) -> Trained:
    """A network that reads all inputs as one that reads some: the same weights."""
    net = task.make_net(len(inputs))
    net.criterion_.load_state_dict(trained.net.criterion_.state_dict())
    wide = trained.net.module_.state_dict()
    net.module_.load_state_dict(
        {
            name: wide[name]
            if wide[name].shape == value.shape
            else wide[name][:, inputs]
            for name, value in net.module_.state_dict().items()
        }
    )
    return replace(trained, net=net, inputs=inputs)
