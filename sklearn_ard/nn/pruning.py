"""Permanent pruning of weights, units and inputs that are not in use.

A network comes in; its masks change, or the layers that read its input go out.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import torch
from torch import Tensor, nn

from sklearn_ard.nn.chain import last_chain, units_of
from sklearn_ard.nn.layers import ard_layers
from sklearn_ard.nn.mixin import ARDMixin


def input_layers(model: nn.Module, x: Tensor) -> dict[ARDMixin, torch.Size]:
    """The ARD layers that read the input of a network itself.

    Parameters
    ----------
    model : Module
        A network.
    x : Tensor of shape (n, n_inputs)
        Some input that it accepts.

    Returns
    -------
    dict of layer to torch.Size
        Those that read `x`, unchanged or reshaped, and the shape of one sample there;
        empty where something else (a batch norm, say) comes first.
    """
    shapes: dict[ARDMixin, torch.Size] = {}

    def record(layer: ARDMixin, args: tuple[Tensor, ...]) -> None:
        same_memory = args[0].data_ptr() == x.data_ptr()
        if same_memory and args[0].numel() == x.numel():
            shapes[layer] = args[0].shape[1:]

    hooks = [layer.register_forward_pre_hook(record) for layer in ard_layers(model)]
    try:
        with torch.no_grad(), modes_restored(model):
            model.eval()(x)
    finally:
        for hook in hooks:
            hook.remove()
    return shapes


@torch.no_grad()
def live_inputs(layers: Iterable[ARDMixin]) -> Tensor:
    """Boolean tensor, True for the inputs that one of `layers` reads with a weight."""
    read = [layer.per_input(layer.keep()) > 0 for layer in layers]
    return torch.stack(read).any(dim=0)


@torch.no_grad()
def prune_(model: nn.Module) -> None:
    """Prune permanently what the priors do not keep, and units that no layer reads.

    Units without an outgoing weight are pruned where layers follow each other in a
    :class:`torch.nn.Sequential`; elsewhere only the priors prune.
    """
    for layer in ard_layers(model):
        layer.prune_()
    mask_unread_units_(model)


@torch.no_grad()
def mask_unread_units_(model: nn.Module) -> None:
    """Prune permanently the units (channels) of a Sequential that no layer reads."""
    for sequence in model.modules():
        for layer, reader in reversed([*pairwise(last_chain(sequence).layers)]):
            read = reader.per_input(reader.mask) > 0
            layer.mask_outputs_(units_of(layer, read))


@contextmanager
def modes_restored(model: nn.Module) -> Iterator[None]:
    """Context that restores the training or evaluation mode of every module."""
    training = {module: module.training for module in model.modules()}
    try:
        yield
    finally:
        for module, mode in training.items():
            module.training = mode
