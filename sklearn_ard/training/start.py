"""Where a round of training begins: a new network, or a copy of a trained one.

In come a task and what was trained before; out goes a net that reads some columns or
all, as wide as it needs to be, to be trained in place.
"""

from dataclasses import replace

import numpy as np
import torch

from sklearn_ard.nn import input_layers
from sklearn_ard.nn.fast.width import connected_units, mask_untrained_, start_narrow_
from sklearn_ard.training.trained import Trained

MAX_FIRST_WIDTH = 256  # units per hidden layer of a first network, at most
WIDTH_FACTOR = 2  # units of a later one for each connected unit of the one before
MIN_WIDTH = 64  # units of a later one, at least


def new_network(task, support, *, before=None, is_first=False):
    """A new network on some columns, as wide as it needs to be.

    Parameters
    ----------
    task : Task
        What is to be trained.
    support : bool ndarray of shape (n_features,)
        True for the columns. Where there is no network for some columns alone, the
        others are masked.
    before : Trained, optional
        Says how wide the network needs to be.
    is_first : bool, default=False
        Whether others follow, so that it need not be wide.

    Returns
    -------
    Trained
        Not trained yet.
    """
    columns = np.arange(task.n_features)
    if task.is_resizable and support.any():
        columns = np.flatnonzero(support)
    net = task.make_net(len(columns))
    if task.shrink and task.is_resizable:
        if before is not None:
            start_narrow_(net.module_, width_after(before))
        elif is_first:
            n_layers = len(connected_units(net.module_))
            start_narrow_(net.module_, [MAX_FIRST_WIDTH] * n_layers)
    mask_inputs(task, net, columns, support)
    return Trained(net, columns, support)


def width_after(trained):
    """Hidden units per layer that are enough for the next network."""
    units = connected_units(trained.net.module_)
    return [max(MIN_WIDTH, WIDTH_FACTOR * int(connected.sum())) for connected in units]


def reopened(task, trained, *, masks, back=None):
    """A copy of a network that reads all columns, to be trained on.

    Parameters
    ----------
    task : Task
        What is to be trained now.
    trained : Trained
        It is not changed.
    masks : bool
        Whether pruned weights stay pruned. Units that have never been trained do.
    back : bool ndarray of shape (n_features,), optional
        True for columns whose weights come back all the same.

    Returns
    -------
    Trained
        With a net of its own.

    Raises
    ------
    ValueError
        If its weights do not fit the network that the task asks for.
    """
    net = task.make_net(task.n_features)
    for old_part, part in (
        (trained.net.module_, net.module_),
        (trained.net.criterion_, net.criterion_),
    ):
        _copy_state(old_part, part, trained.columns, masks)
    mask_untrained_(net.module_)
    if back is not None and back.any():
        for layer in input_layers(net.module_, task.batches.head()):
            units = back.reshape(len(layer.per_input(layer.mask)), -1).any(axis=1)
            units = torch.from_numpy(units).to(layer.mask.device)
            layer.mask.add_(layer.leaves_inputs(units)).clamp_(max=1)
    return Trained(net, np.arange(task.n_features), trained.support)


def _copy_state(old_part, part, columns, masks):
    """Copy weights to a module that reads more columns."""
    state, old = part.state_dict(), old_part.state_dict()
    fits = state.keys() == old.keys() and all(
        value.shape == state[name].shape
        # a dense input layer, one column of weights per input
        or value.shape == state[name][:, columns].shape
        for name, value in old.items()
    )
    if not fits:
        raise ValueError(
            "warm_start=True and partial_fit go on with the weights of the last fit, "
            "which do not fit the network or the outputs that are asked for now. Set "
            "warm_start=False, or fit a clone."
        )
    for name, value in old.items():
        if name.split(".")[-1] == "mask" and not masks:
            continue
        if value.shape == state[name].shape:
            state[name] = value
        else:
            state[name][:, columns] = value
    part.load_state_dict(state)


def on_columns(task, trained, columns):
    """A network that reads all columns as one that reads some: the same weights."""
    net = task.make_net(len(columns))
    net.criterion_.load_state_dict(trained.net.criterion_.state_dict())
    wide = trained.net.module_.state_dict()
    net.module_.load_state_dict(
        {
            name: wide[name]
            if wide[name].shape == value.shape
            else wide[name][:, columns]
            for name, value in net.module_.state_dict().items()
        }
    )
    return replace(trained, net=net, columns=columns)


def mask_inputs(task, net, columns, support):
    """Mask the inputs of a net that are not in the support."""
    support = support[columns]
    if support.all():
        return
    head = task.batches.select(columns).head()
    for layer in input_layers(net.module_, head):
        live = support.reshape(len(layer.per_input(layer.mask)), -1).any(axis=1)
        layer.mask_inputs_(torch.from_numpy(live).to(layer.mask.device))
