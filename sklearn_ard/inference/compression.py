"""The fitted model of an estimator: a compact network, its sizes and its measures.

Input: a trained network, and how its data were scaled. Output: the one fitted object
that an estimator holds.
"""

import copy
import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from sklearn.utils import gen_batches

from sklearn_ard._context import threads_for, usual_torch
from sklearn_ard._typing import Matrix
from sklearn_ard.data.noise import Noise
from sklearn_ard.data.targets import NumericTargets, Targets
from sklearn_ard.data.training_set import TrainingSet
from sklearn_ard.inference.lower import constant_network, lower, lower_posterior
from sklearn_ard.inference.posterior import Posterior
from sklearn_ard.inference.report import compression_report
from sklearn_ard.inference.state import State
from sklearn_ard.nn import ard_layers, input_layers, output_variance
from sklearn_ard.nn.compaction import compact_quietly
from sklearn_ard.nn.layers import count_weights
from sklearn_ard.training.build import make_likelihood, noise_of
from sklearn_ard.training.inputs import SAMPLE, in_use
from sklearn_ard.training.trained import Trained, outputs_of

_ROWS_AT_A_TIME = 65_536  # for predictive variances


@dataclass(frozen=True, kw_only=True)
class FittedModel(State):
    """What an estimator holds after `fit`.

    Attributes
    ----------
    reader, network, posterior, support, targets, noise, of_column, block_names
        See :class:`~sklearn_ard.inference.state.State`.
    trained : Trained
        The network with the inputs that it reads, and the relevance of their blocks.
    data : TrainingSet
        How inputs were made of the data, without the data.
    n_steps : float or None
        Steps of all calls of `partial_fit`; None after `fit`.
    sparsity : float
        Share of all prunable weights that are pruned.
    noise_std : ndarray of shape (n_targets,) or None
        Standard deviation of the noise in units of y; where it is not the same
        everywhere, the root of the mean variance of the training rows.
    """

    trained: Trained
    data: TrainingSet
    n_steps: float | None
    sparsity: float
    noise_std: np.ndarray | None

    @property
    def relevance(self) -> np.ndarray:
        """Nats that each column is worth; those of a block share what it is worth."""
        blocks = self.data.blocks
        assert self.trained.relevance is not None
        relevance = self.trained.relevance / np.bincount(blocks.of_column)
        used = blocks.having(self.trained.support)
        return np.where(used, relevance, 0.0)[blocks.of_column]

    @property
    def elbo(self) -> float:
        """Evidence lower bound of the training set in nats, in units of y."""
        num_data = self.trained.net.criterion_.num_data
        return self.trained.elbo + num_data * self.targets.log_jacobian_

    @usual_torch()
    def at_threshold(self, threshold: float) -> "FittedModel":
        """The same model, pruned by another threshold of log alpha.

        Parameters
        ----------
        threshold : float
            Largest log alpha of a weight that is kept.

        Returns
        -------
        FittedModel
            With a copy of the network, whose priors have the threshold.
        """
        net, inputs = copy.copy(self.trained.net), self.trained.inputs
        net.set_module(copy.deepcopy(net.module_))
        for layer in ard_layers(net.module_):
            layer.prior.threshold = threshold
        rng = np.random.default_rng(0)
        x = rng.standard_normal((2, len(inputs)), dtype=np.float32)
        live = in_use(net.module_, torch.from_numpy(x).to(net.device))
        support = np.zeros_like(self.trained.support)
        support[inputs] = live & ~self.data.scaler.constant_[inputs]
        trained = replace(self.trained, net=net, support=support)
        return compress(trained, self.data, self.n_steps, self.noise, self.noise_std)

    @usual_torch()
    def report(self) -> pd.DataFrame:
        """See :meth:`ARDRegressor.compression_report`."""
        return compression_report(
            self.trained.net.module_,
            self.network,
            len(self.trained.support),
            len(self.trained.inputs),
        )

    @usual_torch()
    def output_variance(self, X: Matrix, *, selected: bool = False) -> np.ndarray:
        """See :meth:`State.output_variance`; in torch where numpy cannot."""
        if self.posterior is not None:
            return super().output_variance(X, selected=selected)
        variance = np.zeros((X.shape[0], self.targets.n_outputs))
        model, device = self.trained.net.module_, torch.device(self.trained.net.device)
        inputs, used = self.trained.inputs, self.network.inputs
        scaler = self.data.scaler.take(used)
        with threads_for(model):
            for rows in gen_batches(X.shape[0], _ROWS_AT_A_TIME):
                read, _ = self.network.read(X[rows], "", selected=selected)
                x = np.zeros((rows.stop - rows.start, len(inputs)), np.float32)
                x[:, np.isin(inputs, used)] = scaler.transform(read.T)
                there = torch.from_numpy(x).to(device)
                generator = torch.Generator(device).manual_seed(0)
                of_rows = output_variance(model, there, generator=generator)
                variance[rows] = of_rows.numpy()
        return variance


def fitted_model(
    trained: Trained, data: TrainingSet, n_steps: float | None = None
) -> FittedModel:
    """Make the compact network that predicts, and the fitted model around it.

    Parameters
    ----------
    trained : Trained
        With its objective and relevance. Where no column is in use, all its weights are
        masked.
    data : TrainingSet
        What it was trained on.
    n_steps : float, optional
        Steps so far, if `partial_fit` goes on.

    Returns
    -------
    FittedModel
        The fitted model.
    """
    if not trained.support.any():
        trained = _emptied(trained, data.targets)
    noise, noise_std = _noise(trained, data)
    return compress(trained, data.without_rows(), n_steps, noise, noise_std)


def _emptied(trained: Trained, targets: Targets) -> Trained:
    """A model without inputs, whose noise and evidence lower bound are exact."""
    net = trained.net
    for layer in ard_layers(net.module_):
        layer.mask.zero_()
    likelihood = make_likelihood(targets)
    net.criterion_.likelihood.load_state_dict(likelihood.state_dict())
    return replace(trained, elbo=-net.criterion_.num_data * targets.empty_nll_)


def _noise(
    trained: Trained, data: TrainingSet
) -> tuple[Noise, np.ndarray] | tuple[None, None]:
    """Noise and its standard deviation for each target; None of classes."""
    targets = data.targets
    noise = noise_of(trained.net.criterion_.likelihood, targets)
    if noise is None or not isinstance(targets, NumericTargets):
        return None, None
    batches, every = data.batches, math.ceil(len(data.batches) / SAMPLE)
    if every > 1:
        batches = batches.take(np.arange(len(batches))[::every])
    outputs = outputs_of(trained, targets, batches).cpu().double().numpy()
    noise = noise.bounded_by(outputs)
    std = targets.std(outputs, noise).reshape(len(outputs), -1)
    weight = batches.weight.cpu().numpy()
    return noise, np.sqrt(np.average(std**2, axis=0, weights=weight))


def compress(
    trained: Trained,
    data: TrainingSet,
    n_steps: float | None,
    noise: Noise | None,
    noise_std: np.ndarray | None,
) -> FittedModel:
    """The fitted model of a trained network, which it determines.

    Parameters
    ----------
    trained : Trained
        The network.
    data : TrainingSet
        Of what it was trained on, without the rows.
    n_steps, noise, noise_std
        See :class:`FittedModel`.

    Returns
    -------
    FittedModel
        With a compact network that predicts the same.
    """
    targets = data.targets
    if trained.support.any():
        compacted, _ = compact_quietly(trained.net.module_)
        network = lower(
            compacted,
            trained.inputs,
            data.encoding,
            data.scaler,
            targets.n_outputs,
        )
        posterior = lower_posterior(
            trained.net.module_, trained.inputs, network, data.scaler
        )
    else:
        network = constant_network(targets.empty_output_)
        posterior = Posterior(data.scaler.take(np.arange(0)), [], network.n_rows)
    blocks = data.blocks
    is_joined = len(blocks) < len(blocks.of_column)
    return FittedModel(
        of_column=blocks.of_column if is_joined else None,
        block_names=blocks.names if is_joined else None,
        reader=data.reader.only(network.columns),
        network=network,
        posterior=posterior,
        support=blocks.support(trained.support),
        targets=targets,
        noise=noise,
        trained=trained,
        data=data,
        n_steps=n_steps,
        sparsity=_sparsity(trained),
        noise_std=noise_std,
    )


def _sparsity(trained: Trained) -> float:
    """Share of pruned weights, including those of inputs that were left out."""
    module, n_read = trained.net.module_, len(trained.inputs)
    kept, total = count_weights(module)
    n_inputs = len(trained.support)
    if n_read < n_inputs:
        head = torch.zeros(1, n_read, dtype=torch.float32, device=trained.net.device)
        n_units = sum(len(layer.mask) for layer in input_layers(module, head))
        total += (n_inputs - n_read) * n_units
    return 1 - kept / total
