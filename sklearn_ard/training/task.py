"""The training task: parameters and data, independent of the estimator.

Input: the parameters of an estimator and its training set. Output: nets that read some
of the inputs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from sklearn_ard._context import Generators
from sklearn_ard.data.batches import Batches
from sklearn_ard.data.blocks import Blocks
from sklearn_ard.data.targets import ClassTargets, NumericTargets
from sklearn_ard.data.training_set import TrainingSet
from sklearn_ard.training.build import Architecture, make_likelihood, make_network
from sklearn_ard.training.checkpoint import Checkpoint
from sklearn_ard.training.net import ARDNet


@dataclass(frozen=True)
class Task:
    """What is trained, on which data, and at which prices.

    Attributes
    ----------
    architecture : Architecture
        Which network.
    batches : Batches
        The training data, with all inputs.
    targets : NumericTargets or ClassTargets
        What is to be predicted.
    num_data : float
        Number of training samples, or the sum of their weights.
    varies : bool ndarray of shape (n_inputs,)
        False for constant inputs and copies of others, which networks do not read.
    blocks : Blocks
        Inputs that are kept or dropped as one, and what they cost. Where that is
        nothing, pruning is left to the prior.
    reg_factor : float
        Weight of the KL divergence and of the prices.
    learning_rate : float
        Of networks that start from new weights.
    max_iter : int or "auto"
        Epochs of a whole fit.
    dense_iter : int
        Epochs of dense training at the start of every network with new weights.
    shrink : bool
        Whether networks are only as wide as they need to be.
    callbacks : tuple of skorch callbacks
        Of the user.
    device : torch.device
        Where to train.
    generators : Generators
        Of all random numbers.
    progress : Callback or None
        Notified of every epoch.
    checkpoint : Checkpoint or None
        Has the state of every training.
    """

    architecture: Architecture
    batches: Batches
    targets: NumericTargets | ClassTargets
    num_data: float
    varies: np.ndarray
    blocks: Blocks
    reg_factor: float
    learning_rate: float
    max_iter: int | str
    dense_iter: int
    shrink: bool
    callbacks: tuple
    device: torch.device
    generators: Generators
    progress: object = None
    checkpoint: Checkpoint | None = None

    @property
    def n_inputs(self) -> int:
        """Number of inputs of a network that reads all columns."""
        return len(self.varies)

    @property
    def prices(self) -> np.ndarray:
        """Nats that the objective has to gain from a block, if it is the only one."""
        return self.prices_of(1)

    def prices_of(self, n_kept: int) -> np.ndarray:
        """Nats that the objective has to gain from each of some blocks."""
        costs = self.blocks.costs - self.blocks.stepped * np.log(max(n_kept, 1))
        return self.reg_factor * costs

    @property
    def has_prices(self) -> bool:
        """Whether any block costs anything."""
        return bool(self.prices.any())

    def opened(self, inputs: np.ndarray) -> np.ndarray:
        """Some inputs, and all of the required blocks, of those that vary."""
        return self.blocks.opened(inputs) & self.varies

    def without_prices(self) -> Task:
        """The same without prices: only the prior prunes."""
        n_blocks = len(self.blocks)
        free = {"costs": np.zeros(n_blocks), "stepped": np.zeros(n_blocks, dtype=bool)}
        return replace(self, blocks=replace(self.blocks, **free))

    @property
    def is_resizable(self) -> bool:
        """Whether networks can read fewer columns; else these are masked."""
        return self.architecture.is_resizable

    def at(self, reg_factor: float) -> Task:
        """The same at another `reg_factor`."""
        return replace(self, reg_factor=reg_factor)

    def on(self, data: TrainingSet) -> Task:
        """The same on another training set of the same rows."""
        return replace(
            self,
            batches=data.batches,
            targets=data.targets,
            varies=data.varies,
            blocks=data.blocks,
        )

    def make_net(self, n_inputs: int) -> ARDNet:
        """A net of a new network that reads some number of inputs."""
        network = make_network(
            self.architecture, n_inputs, self.targets.n_outputs, self.generators.cpu
        )
        return ARDNet(
            network,
            criterion__num_data=float(self.num_data),
            criterion__likelihood=make_likelihood(self.targets, self.targets.start_),
            criterion__reg_factor=self.reg_factor,
            lr=self.learning_rate,
            device=self.device,
            callbacks=self.callbacks,
        ).initialize()
