"""The live part of a dense network, as a network of its own.

Unlike :func:`compact` it is still an ARD network, to be trained or weighed; and what
becomes of it can be written back.
"""

import copy
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_ard.nn._layers import LinearARD, ard_layers
from sklearn_ard.nn._networks import SkipARD

# Activations that may stand between the layers of a dense chain.
ACTIVATIONS = {
    nn.ReLU: torch.relu,
    nn.Tanh: torch.tanh,
    nn.Sigmoid: torch.sigmoid,
    nn.SiLU: F.silu,
    nn.GELU: F.gelu,
}


def dense_chain(model: nn.Module) -> tuple[list, LinearARD | None]:
    """The dense layers of a network, and the linear skip connection beside them.

    Parameters
    ----------
    model : Module
        A network.

    Returns
    -------
    chain : list of (LinearARD, type or None)
        Layers in their order, each with its activation; empty where there is anything
        else in the network, or a layer twice.
    skip : LinearARD or None
        The linear map of a :class:`SkipARD`.
    """
    skip = None
    if type(model) is SkipARD and model.linear.bias is None:
        model, skip = model.network, model.linear
    if type(model).forward is not nn.Sequential.forward:
        return [], None
    chain = []
    for module in model:
        exact = getattr(module, "approximate", "none") == "none"  # of GELU
        if type(module) is LinearARD:
            chain.append((module, None))
        elif chain and chain[-1][1] is None and type(module) in ACTIVATIONS and exact:
            chain[-1] = chain[-1][0], type(module)
        elif type(module) is not nn.Identity:
            return [], None
    layers = [layer for layer, _ in chain] + ([] if skip is None else [skip])
    return (chain, skip) if len(set(layers)) == len(layers) else ([], None)


class Slim:
    """A dense network without the units that nobody reads and the masked inputs.

    Parameters
    ----------
    model : Module
        Any network; one that is no dense chain is left as it is.

    Attributes
    ----------
    network : Module
        The small network; `model` itself where all of it is live.
    inputs : int Tensor of shape (n_live_inputs,) or None
        The columns that it reads; None for all.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ard.nn import DenseARD
    >>> from sklearn_ard.nn._slim import Slim
    >>> model = DenseARD(3, 1, hidden_layer_sizes=(8,))
    >>> model[2].mask[:, 2:] = 0
    >>> Slim(model).network
    Sequential(
      (0): LinearARD(in_features=3, out_features=2, bias=True, prior='log_uniform')
      (1): ReLU()
      (2): LinearARD(in_features=2, out_features=1, bias=True, prior='log_uniform')
    )
    """

    def __init__(self, model: nn.Module):
        self.network, self.inputs = model, None
        self._pairs: list[tuple] = []  # layer, its small one, (columns, rows)
        self._live: dict[nn.Parameter, tuple[Tensor, ...]] = {}
        chain, skip = dense_chain(model)
        if not chain:
            return
        layers = [layer for layer, _ in chain]
        read = [layer.mask.any(dim=0) for layer in layers]
        if skip is not None:
            read[0] = read[0] | skip.mask.any(dim=0)
        if all(bool(live.all()) for live in read):
            return
        self.inputs = read[0].nonzero().flatten()
        outputs = torch.arange(len(layers[-1].mask), device=self.inputs.device)
        units = [live.nonzero().flatten() for live in read] + [outputs]
        ends = list(pairwise(units))
        if skip is not None:
            layers, ends = [*layers, skip], [*ends, (self.inputs, outputs)]
        self.network = copy.deepcopy(model)
        self._pairs = list(zip(layers, ard_layers(self.network), ends, strict=True))
        for layer, small, (columns, rows) in self._pairs:
            small.in_features, small.out_features = len(columns), len(rows)
            small.mask = layer.mask[rows][:, columns]
            for parameter in (layer.weight, layer.log_sigma2):
                self._live[parameter] = rows[:, None], columns
            if layer.bias is not None:
                self._live[layer.bias] = (rows,)
            for name, parameter in layer.named_parameters():
                setattr(small, name, nn.Parameter(self.take(parameter, parameter.data)))

    def take(self, parameter: nn.Parameter, values: Tensor) -> Tensor:
        """The live part of some values, one per entry of a parameter of the model."""
        return values[self._live[parameter]] if parameter in self._live else values

    @torch.no_grad()
    def read(self) -> None:
        """Give the small network the parameters of the model."""
        for layer, small, _ in self._pairs:
            for name, parameter in layer.named_parameters():
                getattr(small, name).copy_(self.take(parameter, parameter))

    @torch.no_grad()
    def write_back(self) -> None:
        """Give the model the parameters of the small network."""
        for layer, small, _ in self._pairs:
            for name, parameter in layer.named_parameters():
                parameter[self._live[parameter]] = getattr(small, name)

    @torch.no_grad()
    def write_masks_back(self) -> None:
        """Give the model the masks of the small network."""
        for layer, small, (columns, rows) in self._pairs:
            layer.mask[rows[:, None], columns] = small.mask
