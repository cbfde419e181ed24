"""Removal of units from a network during training.

A network in training comes in at intervals; units and inputs that were superfluous
twice in a row are masked.
"""

import math

from torch import Tensor, nn

from sklearn_ard.nn.chain import is_dense
from sklearn_ard.nn.fast.width import mask_units_, superfluous_units
from sklearn_ard.nn.layers import ard_layers

# A unit is removed when log alpha of every weight that reads it exceeds the threshold
# by this, twice in a row. (Once is not enough: a weight that changes its sign passes
# zero.) On Friedman's function, 5,000×50, the evidence lower bound of 1024-1024 was
# -8,062 nats, -8,188 with a margin of 2 and one check, -8,113 without shrinking (means
# of four seeds).
MARGIN = 4.0
# Dense networks with fewer weights are not made smaller during training, since the time
# of their step depends on the number of operations only.
_SMALL = 20_000
_MAX_SHARE = 0.9  # of units that remain, multiplied over the layers


class Shrinking:
    """Masks the units and inputs of a network that are pruned permanently.

    Attributes
    ----------
    suspects : list of bool Tensor or None
        Inputs, and units of each hidden layer, that were superfluous at the last call.
    """

    def __init__(self) -> None:
        self.suspects: list[Tensor] | None = None

    def mask_lost_units_(self, network: nn.Module) -> bool:
        """Mask what was superfluous at the last call already, if it saves enough.

        Parameters
        ----------
        network : Module
            The live part of a network, with its present weights.

        Returns
        -------
        bool
            Whether anything was masked.
        """
        n_weights = sum(layer.weight.numel() for layer in ard_layers(network))
        if is_dense(network) and n_weights < _SMALL:
            return False
        suspects, self.suspects = self.suspects, superfluous_units(network, MARGIN)
        if suspects is None:
            return False
        gone = [a & b for a, b in zip(suspects, self.suspects, strict=True)]
        if math.prod(1 - units.float().mean().item() for units in gone) > _MAX_SHARE:
            return False
        inputs, *units = gone
        mask_units_(network, units, inputs)
        self.suspects = None
        return True
