"""Training of a network as one vector, and of ever less of it."""

import math

import torch
from torch import Tensor, nn

from sklearn_ard.nn.fast.adam import VectorAdam
from sklearn_ard.nn.fast.gradient import gradient_of
from sklearn_ard.nn.fast.live_network import Slim, lost_units, mask_units_, unit_chain
from sklearn_ard.nn.layers import ard_layers
from sklearn_ard.nn.networks import is_dense
from sklearn_ard.nn.objective import ELBOLoss

# By how much log alpha of every weight that reads a unit exceeds the threshold, two
# times in a row, when the unit leaves the training for good. (Once is not enough: a
# weight that changes its sign passes zero.) With 2 and once, the evidence lower bound
# of 1024-1024 on Friedman's function, 5,000×50, was 8,188 nats below zero, without any
# shrinking 8,113, so 8,062 (means of four seeds).
MARGIN = 4.0
# Weights of a dense network that is not worth shrinking in the middle of its training:
# its step costs the number of operations.
_SMALL = 20_000
_WORTH = 0.9  # share of units, multiplied over the layers, below which it pays


class Trainer:
    """Trains what is live of a network with Adam, as one vector.

    Parameters
    ----------
    model : Module
        A network that the trainer :meth:`applies_to`: one :func:`unit_chain`, nothing
        frozen or hooked. It has its old values until :meth:`write_back`.
    criterion : ELBOLoss
        Its objective.
    lr : float
        Learning rate.

    Attributes
    ----------
    optimizer : VectorAdam
        Another one after :meth:`shrink`.
    inputs : int Tensor or None
        The columns that :meth:`step` is to be given; None for all.
    """

    def __init__(self, model: nn.Module, criterion: ELBOLoss, lr: float):
        self._criterion = criterion
        self._slims, self._suspects = [Slim(model)], None
        self.inputs = self._slims[0].inputs
        self._gradient = gradient_of(self._slims[0].network, criterion)
        self.optimizer = VectorAdam(self._gradient.parameter, lr)

    @staticmethod
    def applies_to(model: nn.Module) -> bool:
        """Whether a network can be trained as one vector."""
        return (
            bool(unit_chain(model)[0])
            and all(p.requires_grad for p in model.parameters())
            and not any(
                m._forward_hooks or m._forward_pre_hooks for m in model.modules()
            )
        )

    def parameters(self) -> list[nn.Parameter]:
        """What is trained, as of a module."""
        return [self._gradient.parameter]

    def step(self, x: Tensor, target: Tensor, sample_weight: Tensor):
        """Train on a batch; see :meth:`VectorGradient.backward`."""
        result = self._gradient.backward(x, target, sample_weight)
        self.optimizer.step()
        return result

    def read(self) -> None:
        """Go on with what the model has now."""
        for slim in self._slims:
            slim.read()
        self._gradient.read()

    def live(self) -> nn.Module:
        """The live part of the model, as it is now. Not to be changed."""
        self._gradient.write_back()
        return self._slims[-1].network

    def write_back(self) -> None:
        """Give the model what has been trained."""
        self.live()
        for slim in reversed(self._slims):
            slim.write_back()

    @torch.no_grad()
    def shrink(self) -> bool:
        """Leave out units and inputs that have been pruned for good.

        They are those that were superfluous at the last call already. The masks of the
        model know of it.

        Returns
        -------
        bool
            Whether there is a new optimiser, and `inputs` may be others.
        """
        network = self.live()
        n_weights = sum(layer.weight.numel() for layer in ard_layers(network))
        if is_dense(network) and n_weights < _SMALL:
            return False
        suspects, self._suspects = self._suspects, lost_units(network, MARGIN)
        if suspects is None:
            return False
        gone = [a & b for a, b in zip(suspects, self._suspects, strict=True)]
        if math.prod(1 - units.float().mean().item() for units in gone) > _WORTH:
            return False
        inputs, *units = gone
        mask_units_(network, units, inputs)
        for outer in reversed(self._slims):
            outer.write_masks_back()
        slim, self._suspects = Slim(network), None
        if slim.network is network:  # these inputs cannot leave
            return False
        old, gradient = self._gradient, gradient_of(slim.network, self._criterion)

        def live_part(vector):
            parts = zip(old.sources, old.split(vector), strict=True)
            return torch.cat([slim.take(p, part).flatten() for p, part in parts])

        optimizer = VectorAdam(gradient.parameter, self.optimizer.param_groups[0]["lr"])
        optimizer.resume(self.optimizer, live_part)
        self._slims.append(slim)
        self._gradient, self.optimizer = gradient, optimizer
        if slim.inputs is not None:
            inputs = self.inputs
            self.inputs = slim.inputs if inputs is None else inputs[slim.inputs]
        return True
