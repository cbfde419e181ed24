"""The live part of a network, as a network of its own.

A network with masks comes in; the smaller ARD network goes out that computes the same,
to be trained or weighed. Its parameters and masks can be written back.
"""

import copy
from itertools import pairwise

import torch
from torch import Tensor, nn

from sklearn_ard.nn.chain import chain_of, columns_of, is_dense
from sklearn_ard.nn.layers import LinearARD, ard_layers
from sklearn_ard.nn.mixin import ARDMixin
from sklearn_ard.nn.networks import ConvARD, SkipARD


class LiveNetwork:
    """A network without its masked inputs and the units that no layer reads.

    Parameters
    ----------
    model : Module
        Any network; one that is no chain is not changed, nor are the inputs of
        convolutions. The live network uses the generators of its ARD layers.

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
    >>> from sklearn_ard.nn.fast.live_network import LiveNetwork
    >>> model = DenseARD(3, 1, hidden_layer_sizes=(8,))
    >>> model[2].mask[:, 2:] = 0
    >>> LiveNetwork(model).network
    DenseARD(
      (0): LinearARD(in_features=3, out_features=2, bias=True, prior='log_uniform')
      (1): ReLU()
      (2): LinearARD(in_features=2, out_features=1, bias=True, prior='log_uniform')
    )
    """

    def __init__(self, model: nn.Module):
        self.network, self.inputs = model, None
        # layer, its small one, (columns, rows)
        self._pairs: list[tuple[ARDMixin, ARDMixin, tuple[Tensor, Tensor]]] = []
        self._live: dict[Tensor, tuple[Tensor, ...]] = {}
        chain = chain_of(model)
        layers, skip = chain.layers, chain.skip
        if not layers:
            return
        units = chain.units_read([layer.mask.bool() for layer in layers])
        if skip is not None:
            units[0] |= skip.mask.any(dim=0)
        if not is_dense(model):
            for live in units:  # torch has no convolutions without channels
                live[0] |= not live.any()
        by_columns = _reads_columns(model)
        if not by_columns:
            units[0].fill_(True)
        if all(bool(live.all()) for live in units):
            return
        outputs = units[0].new_ones(len(layers[-1].mask))
        ends = [
            (columns_of(layer, before), after)
            for layer, (before, after) in zip(
                layers, pairwise([*units, outputs]), strict=True
            )
        ]
        if skip is not None:
            layers, ends = [*layers, skip], [*ends, (units[0], outputs)]
        ends = [(a.nonzero().flatten(), b.nonzero().flatten()) for a, b in ends]
        if by_columns:
            self.inputs = ends[0][0]
        self.network = copy.deepcopy(model)
        self._pairs = list(zip(layers, ard_layers(self.network), ends, strict=True))
        for layer, small, (columns, rows) in self._pairs:
            kind = "features" if isinstance(layer, LinearARD) else "channels"
            setattr(small, f"in_{kind}", len(columns))
            setattr(small, f"out_{kind}", len(rows))
            small.mask = layer.mask[rows][:, columns]
            small.generator = layer.generator
            for parameter in (layer.weight, layer.log_sigma2):
                self._live[parameter] = rows[:, None], columns
            if layer.bias is not None:
                self._live[layer.bias] = (rows,)
            for name, parameter in layer.named_parameters():
                setattr(small, name, nn.Parameter(self.take(parameter, parameter.data)))

    def rows(self, x: Tensor) -> Tensor:
        """The columns of inputs for the model that the small network reads."""
        return x if self.inputs is None else x[:, self.inputs]

    def take(self, parameter: Tensor, values: Tensor) -> Tensor:
        """The live part of some values, one per entry of a parameter of the model."""
        return values[self._live[parameter]] if parameter in self._live else values

    @torch.no_grad()
    def read(self) -> None:
        """Copy the parameters of the model to the small network."""
        for layer, small, _ in self._pairs:
            for name, parameter in layer.named_parameters():
                getattr(small, name).copy_(self.take(parameter, parameter))

    @torch.no_grad()
    def write_back(self) -> None:
        """Copy the parameters of the small network to the model."""
        for layer, small, _ in self._pairs:
            for name, parameter in layer.named_parameters():
                parameter[self._live[parameter]] = getattr(small, name)

    @torch.no_grad()
    def write_masks_back(self) -> None:
        """Copy the masks of the small network to the model."""
        for layer, small, (columns, rows) in self._pairs:
            layer.mask[rows[:, None], columns] = small.mask


def _reads_columns(model: nn.Module) -> bool:
    """Whether columns are the inputs of the first layer, and not parts of channels."""
    network = model.network if type(model) is SkipARD else model
    first = next(network.children())
    return type(network) is not ConvARD and isinstance(first, LinearARD)
