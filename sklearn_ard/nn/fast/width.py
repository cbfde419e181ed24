"""Width of the hidden layers of a chain: the units in use, and their number.

A network comes in; its units are counted, or masked.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from sklearn_ard.nn.chain import chain_of, columns_of
from sklearn_ard.nn.mixin import ARDMixin
from sklearn_ard.nn.priors import LogAlphaPrior

# Log variance of weights that were never trained, whose mean is 0. It is kept in the
# weights, since only these are copied from one network to the next; a masked weight has
# no gradient, and one that is trained does not come back to this pair of values.
_UNTRAINED = -12.0


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
    chain = chain_of(model)
    read = chain.units_read([layer.mask.bool() for layer in chain.layers])
    return [
        layer.mask.flatten(1).any(dim=1) & live
        for layer, live in zip(chain.layers, read[1:], strict=False)
    ]


@torch.no_grad()
def restrict_width_(model: nn.Module, widths: list[int]) -> None:
    """Mask hidden units of a chain, so that at most `widths` of them remain per layer.

    Connected units are kept before others. What reads the masked ones is marked as
    untrained, for :func:`mask_untrained_`. A network that is no chain is not changed.

    Parameters
    ----------
    model : Module
        A chain.
    widths : list of int
        Units of each hidden layer, at most.
    """
    layers, masked = chain_of(model).layers, []
    for reader, connected, width in zip(
        layers[1:], connected_units(model), widths, strict=bool(layers)
    ):
        order = torch.argsort(connected.int(), descending=True, stable=True)
        surplus = torch.zeros_like(connected).index_fill_(0, order[width:], True)
        columns = columns_of(reader, surplus)
        reader.weight[:, columns] = 0.0
        reader.log_sigma2[:, columns] = _UNTRAINED
        masked.append(surplus)
    mask_units_(model, masked)


@torch.no_grad()
def mask_untrained_(model: nn.Module) -> None:
    """Mask the units of :func:`restrict_width_` again, after masks were lifted.

    Parameters
    ----------
    model : Module
        A chain; any other network is not changed.
    """
    chain = chain_of(model)
    trained = [
        (layer.weight != 0) | (layer.log_sigma2 != _UNTRAINED) for layer in chain.layers
    ]
    mask_units_(model, [~units for units in chain.units_read(trained)[1:]])


@torch.no_grad()
def start_narrow_(model: nn.Module, widths: list[int]) -> None:
    """Restrict the width of a new network, and scale its weights accordingly.

    Weights and variances become those of a network of fewer inputs per unit.

    Parameters
    ----------
    model, widths
        As in :func:`restrict_width_`.
    """
    restrict_width_(model, widths)
    layers = chain_of(model).layers
    for reader, connected in zip(layers[1:], connected_units(model), strict=False):
        n_units, n_live = len(connected), int(connected.sum())
        if n_live < n_units:
            live = columns_of(reader, connected)
            reader.weight[:, live] *= math.sqrt(n_units / n_live)
            reader.log_sigma2[:, live] += math.log(n_units / n_live)


@torch.no_grad()
def superfluous_units(model: nn.Module, margin: float) -> list[Tensor]:
    """Inputs and units (channels) of a chain that only superfluous weights read.

    Parameters
    ----------
    model : Module
        A chain.
    margin : float
        By how much log alpha of every weight that reads them exceeds the threshold of
        its prior. (With priors that do not depend on log alpha, only masked weights are
        superfluous.)

    Returns
    -------
    list of bool Tensor
        What each layer reads: the inputs, then the units of every hidden layer.
    """
    chain = chain_of(model)

    def useful(layer: ARDMixin) -> Tensor:
        useful = layer.mask.bool()
        if isinstance(layer.prior, LogAlphaPrior):
            useful &= layer.log_alpha <= layer.prior.threshold + margin
        return useful

    read = chain.units_read([useful(layer) for layer in chain.layers])
    if chain.skip is not None:
        read[0] |= useful(chain.skip).any(dim=0)
    return [~units for units in read]


def mask_units_(
    model: nn.Module, units: list[Tensor], inputs: Tensor | None = None
) -> None:
    """Mask hidden units of a chain, and inputs.

    Parameters
    ----------
    model : Module
        A chain.
    units : list of bool Tensor
        True for the units to mask, one per hidden layer.
    inputs : bool Tensor, optional
        True for the inputs (channels) to mask; None for none.
    """
    chain = chain_of(model)
    for (layer, reader), masked in zip(pairwise(chain.layers), units, strict=True):
        layer.mask_outputs_(~masked)
        reader.mask_inputs_(columns_of(reader, ~masked))
    if inputs is not None:
        chain.layers[0].mask_inputs_(~inputs)
        if chain.skip is not None:
            chain.skip.mask_inputs_(~inputs)
