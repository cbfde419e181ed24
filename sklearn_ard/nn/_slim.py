"""The live part of a dense network, as a network of its own.

Unlike :func:`compact` it is still an ARD network, to be trained or weighed; and what
becomes of it can be written back.
"""

import copy
import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_ard.nn._layers import LinearARD, ard_layers
from sklearn_ard.nn._networks import SkipARD

# Log variance of weights that have never been trained; their mean is 0.
_UNTRAINED = -12.0

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
    DenseARD(
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

    def rows(self, x: Tensor) -> Tensor:
        """What the small network is given of rows for the model."""
        return x if self.inputs is None else x[:, self.inputs]

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


@torch.no_grad()
def connected_units(model: nn.Module) -> list[Tensor]:
    """Which hidden units of a dense chain have unmasked weights on both sides.

    Parameters
    ----------
    model : Module
        A network.

    Returns
    -------
    list of bool Tensor
        One per hidden layer; none where the network is no dense chain.
    """
    layers = [layer for layer, _ in dense_chain(model)[0]]
    return [
        layer.mask.any(dim=1) & reader.mask.any(dim=0)
        for layer, reader in pairwise(layers)
    ]


@torch.no_grad()
def narrow_(model: nn.Module, widths: list[int]) -> None:
    """Mask hidden units of a dense chain until so many are left in every layer.

    Connected units stay before others. The others are marked as never trained, for
    :func:`mask_untrained_`. A network that is no dense chain is left as it is.

    Parameters
    ----------
    model : Module
        A dense chain.
    widths : list of int
        Units of each hidden layer, at most.
    """
    layers = [layer for layer, _ in dense_chain(model)[0]]
    if not layers:
        return
    gone = [torch.zeros_like(layers[0].mask[0], dtype=torch.bool)]  # no inputs
    for reader, connected, width in zip(
        layers[1:], connected_units(model), widths, strict=True
    ):
        order = torch.argsort(connected.int(), descending=True, stable=True)
        lost = order[width:]
        reader.weight[:, lost] = 0.0
        reader.log_sigma2[:, lost] = _UNTRAINED
        gone.append(torch.zeros_like(connected).index_fill_(0, lost, True))
    mask_units_(model, gone)


@torch.no_grad()
def mask_untrained_(model: nn.Module) -> None:
    """Mask the units again that :func:`narrow_` has left out, if masks were lifted."""
    layers = [layer for layer, _ in dense_chain(model)[0]]
    if not layers:
        return
    gone = [torch.zeros_like(layers[0].mask[0], dtype=torch.bool)]  # no inputs
    for reader in layers[1:]:
        untrained = (reader.weight == 0) & (reader.log_sigma2 == _UNTRAINED)
        gone.append(untrained.all(dim=0))
    mask_units_(model, gone)


@torch.no_grad()
def begin_narrow_(model: nn.Module, widths: list[int]) -> None:
    """:func:`narrow_` a new network, and scale its weights to what they read then."""
    narrow_(model, widths)
    layers = [layer for layer, _ in dense_chain(model)[0]]
    for reader, width in zip(layers[1:], widths, strict=True):
        n_read = reader.in_features
        if width < n_read:
            live = reader.mask.any(dim=0)
            reader.weight[:, live] *= math.sqrt(n_read / width)
            reader.log_sigma2[:, live] += math.log(n_read / width)


@torch.no_grad()
def lost_units(model: nn.Module, margin: float) -> list[Tensor]:
    """Inputs and units of a dense chain that nobody has a use for.

    Parameters
    ----------
    model : Module
        A dense chain.
    margin : float
        By how much log alpha of every weight that reads them exceeds the threshold of
        its prior.

    Returns
    -------
    list of bool Tensor
        What each layer reads: the inputs, then the units of every hidden layer.
    """
    chain, skip = dense_chain(model)

    def lost(layer):
        gone = layer.log_alpha > layer.prior.threshold + margin
        return (gone | (layer.mask == 0)).all(dim=0)

    found = [lost(layer) for layer, _ in chain]
    if skip is not None:
        found[0] &= lost(skip)
    return found


def mask_units_(model: nn.Module, gone: list[Tensor]) -> None:
    """Mask inputs and units of a dense chain, given as by :func:`lost_units`."""
    chain, skip = dense_chain(model)
    layers = [layer for layer, _ in chain]
    for layer, units in zip(layers, gone, strict=True):
        layer.mask_inputs_(~units)
    for layer, units in zip(layers[:-1], gone[1:], strict=True):
        layer.mask_outputs_(~units)
    if skip is not None:
        skip.mask_inputs_(~gone[0])
