"""Training of the live part of a network, as one vector.

A network, its objective and batches come in; its trained weights go out, written back
into it. Units and inputs that are pruned during training are removed from the
computation.
"""

import torch
from torch import Tensor, nn

from sklearn_ard.nn.chain import chain_of
from sklearn_ard.nn.fast.adam import VectorAdam
from sklearn_ard.nn.fast.dense_gradient import gradient_of
from sklearn_ard.nn.fast.live_network import LiveNetwork
from sklearn_ard.nn.fast.shrink import Shrinking
from sklearn_ard.nn.layers import has_hooks
from sklearn_ard.nn.objective import ELBOLoss


class Trainer:
    """Trains the live part of a network with Adam, as one vector.

    Parameters
    ----------
    model : Module
        A network that the trainer :meth:`applies_to`: a chain of layers, nothing frozen
        or hooked. It has its old values until :meth:`write_back`.
    criterion : ELBOLoss
        Its objective.
    lr : float
        Learning rate.
    generator : torch.Generator, optional
        Where the noise comes from, on the device of the network; torch's global one by
        default.

    Attributes
    ----------
    optimizer : VectorAdam
        Another one after :meth:`shrink`.
    inputs : int Tensor or None
        The columns that :meth:`step` takes; None for all.
    """

    def __init__(
        self,
        model: nn.Module,
        criterion: ELBOLoss,
        lr: float,
        generator: torch.Generator | None = None,
    ):
        self._criterion, self._generator = criterion, generator
        live = LiveNetwork(model)
        self._nested = [live]  # each is the live part of the one before
        self._shrinking = Shrinking()
        self.inputs = live.inputs
        self._gradient = gradient_of(live.network, criterion, generator)
        self.optimizer = VectorAdam(self._gradient.parameter, lr)

    @staticmethod
    def applies_to(model: nn.Module) -> bool:
        """Whether a network can be trained as one vector."""
        return (
            bool(chain_of(model).layers)
            and all(p.requires_grad for p in model.parameters())
            and not any(map(has_hooks, model.modules()))
        )

    def parameters(self) -> list[nn.Parameter]:
        """What is trained, as of a module."""
        return [self._gradient.parameter]

    def step(
        self, x: Tensor, target: Tensor, sample_weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Train on a batch; see :meth:`VectorGradient.backward`."""
        result = self._gradient.backward(x, target, sample_weight)
        self.optimizer.step()
        return result

    def read(self) -> None:
        """Copy the present values of the model."""
        for live in self._nested:
            live.read()
        self._gradient.read()

    def live(self) -> nn.Module:
        """The live part of the model, with its present values; not to be changed."""
        self._gradient.write_back()
        return self._nested[-1].network

    def write_back(self) -> None:
        """Copy the trained values to the model."""
        self.live()
        for live in reversed(self._nested):
            live.write_back()

    @torch.no_grad()
    def shrink(self) -> bool:
        """Leave out units and inputs that are pruned permanently; see :mod:`shrink`.

        They are masked in the model, too.

        Returns
        -------
        bool
            Whether there is a new optimiser, and `inputs` may be others.
        """
        network = self.live()
        if not self._shrinking.mask_lost_units_(network):
            return False
        for outer in reversed(self._nested):
            outer.write_masks_back()
        live = LiveNetwork(network)
        if live.network is network:  # these inputs cannot be removed
            return False
        old = self._gradient
        gradient = gradient_of(live.network, self._criterion, self._generator)

        def live_part(vector: Tensor) -> Tensor:
            parts = zip(old.sources, old.split(vector), strict=True)
            return torch.cat([live.take(p, part).flatten() for p, part in parts])

        optimizer = VectorAdam(gradient.parameter, self.optimizer.param_groups[0]["lr"])
        optimizer.resume(self.optimizer, live_part)
        self._nested.append(live)
        self._gradient, self.optimizer = gradient, optimizer
        if live.inputs is not None:
            inputs = self.inputs
            self.inputs = live.inputs if inputs is None else inputs[live.inputs]
        return True

    def state_dict(self) -> dict:
        """What continues the training, beside the values of the model."""
        return {
            "mean": self.optimizer.mean,
            "square": self.optimizer.square,
            "n_steps": self.optimizer.n_steps,
            "suspects": self._shrinking.suspects,
        }

    def load_state_dict(self, state: dict) -> None:
        """Continue from the state of a trainer of the same model."""
        self.optimizer.load(state["mean"], state["square"], state["n_steps"])
        self._shrinking.suspects = state["suspects"]
