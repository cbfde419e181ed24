"""The live part of a network, as a network of its own.

Unlike :func:`compact` it is still an ARD network, to be trained or weighed; and what
becomes of it can be written back.
"""

import copy
import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from sklearn_ard.nn.layers import ARDMixin, LinearARD, ard_layers
from sklearn_ard.nn.networks import ConvARD, SkipARD, is_dense, last_chain
from sklearn_ard.nn.priors import LogAlphaPrior

# Log variance of weights that have never been trained; their mean is 0.
_UNTRAINED = -12.0


def unit_chain(model: nn.Module) -> tuple[list[ARDMixin], LinearARD | None]:
    """The ARD layers of a network, and the linear skip connection beside them.

    Parameters
    ----------
    model : Module
        A network.

    Returns
    -------
    layers : list of ARD layers
        In their order, each of which reads the units (channels) of the one before, by
        way of activations, pooling and flattening; empty where there is anything else
        in the network, or weights that two layers share.
    skip : LinearARD or None
        The linear map of a :class:`SkipARD`.
    """
    skip = None
    if type(model) is SkipARD and model.linear.bias is None:
        model, skip = model.network, model.linear
    layers, whole = last_chain(model)
    weights = [layer.weight for layer in [*layers, *([] if skip is None else [skip])]]
    return (layers, skip) if whole and len(set(weights)) == len(weights) else ([], None)


def _units_read(layers, flags):
    """What each layer reads with a weight whose flag is True.

    Parameters
    ----------
    layers : list of ARD layers
        A chain.
    flags : list of bool Tensor
        One for each layer, of the shape of its weights.

    Returns
    -------
    list of bool Tensor
        The inputs (channels), then the units of every layer but the last. Of a channel
        that is flattened several inputs of the next layer are parts.
    """
    read = [
        layer.per_input(flag) > 0 for layer, flag in zip(layers, flags, strict=True)
    ]
    return read[:1] + [
        live.view(len(layer.mask), -1).any(dim=1)
        for layer, live in zip(layers, read[1:], strict=False)
    ]


def _columns_of(layer, units):
    """The inputs of a layer that units before it are, in a bool Tensor."""
    return units.repeat_interleave(layer.mask.shape[1] // len(units))


class Slim:
    """A network without the units that nobody reads and the masked inputs.

    Parameters
    ----------
    model : Module
        Any network; one that is no chain is left as it is, and so are the inputs of
        convolutions.

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
    >>> from sklearn_ard.nn.fast.live_network import Slim
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
        layers, skip = unit_chain(model)
        if not layers:
            return
        units = _units_read(layers, [layer.mask.bool() for layer in layers])
        if skip is not None:
            units[0] |= skip.mask.any(dim=0)
        if not is_dense(model):
            for live in units:  # torch has no convolutions of nothing
                live[0] |= not live.any()
        by_columns = _reads_columns(model)
        if not by_columns:
            units[0].fill_(True)
        if all(bool(live.all()) for live in units):
            return
        outputs = units[0].new_ones(len(layers[-1].mask))
        ends = [
            (_columns_of(layer, before), after)
            for layer, (before, after) in zip(
                layers, pairwise([*units, outputs]), strict=True
            )
        ]
        if skip is not None:
            layers, ends = [*layers, skip], [*ends, (units[0], outputs)]
        ends = [[live.nonzero().flatten() for live in both] for both in ends]
        if by_columns:
            self.inputs = ends[0][0]
        self.network = copy.deepcopy(model)
        self._pairs = list(zip(layers, ard_layers(self.network), ends, strict=True))
        for layer, small, (columns, rows) in self._pairs:
            kind = "features" if isinstance(layer, LinearARD) else "channels"
            setattr(small, f"in_{kind}", len(columns))
            setattr(small, f"out_{kind}", len(rows))
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


def _reads_columns(model):
    """Whether columns are the inputs of the first layer, and not parts of channels."""
    network = model.network if type(model) is SkipARD else model
    return type(network) is not ConvARD and isinstance(network[0], LinearARD)


@torch.no_grad()
def connected_units(model: nn.Module) -> list[Tensor]:
    """Which hidden units (channels) of a chain have unmasked weights on both sides.

    Parameters
    ----------
    model : Module
        A network.

    Returns
    -------
    list of bool Tensor
        One per hidden layer; none where the network is no chain.
    """
    layers, _ = unit_chain(model)
    read = _units_read(layers, [layer.mask.bool() for layer in layers])
    return [
        layer.mask.flatten(1).any(dim=1) & live
        for layer, live in zip(layers, read[1:], strict=False)
    ]


@torch.no_grad()
def narrow_(model: nn.Module, widths: list[int]) -> None:
    """Mask hidden units of a chain until so many are left in every layer.

    Connected units stay before others. The others are marked as never trained, for
    :func:`mask_untrained_`. A network that is no chain is left as it is.

    Parameters
    ----------
    model : Module
        A chain.
    widths : list of int
        Units of each hidden layer, at most.
    """
    layers, _ = unit_chain(model)
    gone = []
    for reader, connected, width in zip(
        layers[1:], connected_units(model), widths, strict=bool(layers)
    ):
        order = torch.argsort(connected.int(), descending=True, stable=True)
        lost = torch.zeros_like(connected).index_fill_(0, order[width:], True)
        columns = _columns_of(reader, lost)
        reader.weight[:, columns] = 0.0
        reader.log_sigma2[:, columns] = _UNTRAINED
        gone.append(lost)
    mask_units_(model, gone)


@torch.no_grad()
def mask_untrained_(model: nn.Module) -> None:
    """Mask the units again that :func:`narrow_` has left out, if masks were lifted."""
    layers, _ = unit_chain(model)
    trained = [
        (layer.weight != 0) | (layer.log_sigma2 != _UNTRAINED) for layer in layers
    ]
    mask_units_(model, [~units for units in _units_read(layers, trained)[1:]])


@torch.no_grad()
def begin_narrow_(model: nn.Module, widths: list[int]) -> None:
    """:func:`narrow_` a new network, and scale its weights to what they read then."""
    narrow_(model, widths)
    layers, _ = unit_chain(model)
    for reader, connected in zip(layers[1:], connected_units(model), strict=False):
        n_units, n_live = len(connected), int(connected.sum())
        if n_live < n_units:
            live = _columns_of(reader, connected)
            reader.weight[:, live] *= math.sqrt(n_units / n_live)
            reader.log_sigma2[:, live] += math.log(n_units / n_live)


@torch.no_grad()
def lost_units(model: nn.Module, margin: float) -> list[Tensor]:
    """Inputs and units (channels) of a chain that nobody has a use for.

    Parameters
    ----------
    model : Module
        A chain.
    margin : float
        By how much log alpha of every weight that reads them exceeds the threshold of
        its prior. (A prior that looks at more than log alpha loses masked ones only.)

    Returns
    -------
    list of bool Tensor
        What each layer reads: the inputs, then the units of every hidden layer.
    """
    layers, skip = unit_chain(model)

    def useful(layer):
        useful = layer.mask.bool()
        if isinstance(layer.prior, LogAlphaPrior):
            useful &= layer.log_alpha <= layer.prior.threshold + margin
        return useful

    read = _units_read(layers, [useful(layer) for layer in layers])
    if skip is not None:
        read[0] |= useful(skip).any(dim=0)
    return [~units for units in read]


def mask_units_(
    model: nn.Module, gone: list[Tensor], inputs: Tensor | None = None
) -> None:
    """Mask hidden units of a chain, and inputs.

    Parameters
    ----------
    model : Module
        A chain.
    gone : list of bool Tensor
        True for the units to mask, one per hidden layer.
    inputs : bool Tensor, optional
        True for the inputs (channels) to mask; None for none.
    """
    layers, skip = unit_chain(model)
    for (layer, reader), units in zip(pairwise(layers), gone, strict=True):
        layer.mask_outputs_(~units)
        reader.mask_inputs_(_columns_of(reader, ~units))
    if inputs is not None:
        layers[0].mask_inputs_(~inputs)
        if skip is not None:
            skip.mask_inputs_(~inputs)
