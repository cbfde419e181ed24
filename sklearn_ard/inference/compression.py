"""The fitted model of an estimator: a compact network, its sizes and its measures.

Input: a trained network, and how its data were scaled. Output: the one fitted object
that an estimator holds.
"""

import copy
from dataclasses import dataclass, replace

import numpy as np
import torch
from sklearn.utils import gen_batches

from sklearn_ard._context import threads_for
from sklearn_ard.data.training_set import TrainingSet
from sklearn_ard.inference.lower import constant_network, lower
from sklearn_ard.inference.report import compression_report
from sklearn_ard.inference.state import State
from sklearn_ard.nn import ard_layers, input_layers, output_variance
from sklearn_ard.nn.compaction import compact_quietly
from sklearn_ard.nn.layers import count_weights
from sklearn_ard.training.build import empty_nll, make_likelihood
from sklearn_ard.training.inputs import in_use
from sklearn_ard.training.trained import Trained

_ROWS_AT_A_TIME = 65_536  # for predictive variances


@dataclass(frozen=True, kw_only=True)
class FittedModel(State):
    """What an estimator holds after `fit`.

    Attributes
    ----------
    network, support, targets
        See :class:`~sklearn_ard.inference.state.State`.
    trained : Trained
        The network with the columns that it reads, and their relevance.
    data : TrainingSet
        How the data were scaled, without the data.
    n_steps : float or None
        Steps of all calls of `partial_fit`; None after `fit`.
    sparsity : float
        Share of all prunable weights that are pruned.
    """

    trained: Trained
    data: TrainingSet
    n_steps: float | None
    sparsity: float

    @property
    def relevance(self):
        """Nats that each column is worth; 0 for those that are not in use."""
        return np.where(self.support, self.trained.relevance, 0.0)

    @property
    def noise_std(self):
        """Standard deviation of the noise in units of y, one per output."""
        likelihood = self.trained.net.criterion_.likelihood
        variance = likelihood.log_noise_variance.detach().cpu().double().exp()
        return variance.sqrt().numpy() * self.targets.scaler_.scale_

    @property
    def elbo(self):
        """Evidence lower bound of the training set in nats, in units of y."""
        num_data = self.trained.net.criterion_.num_data
        return self.trained.elbo + num_data * self.targets.log_jacobian

    def at_threshold(self, threshold):
        """The same model, pruned by another threshold of log alpha.

        Parameters
        ----------
        threshold : float
            Largest log alpha of a weight that is kept.

        Returns
        -------
        FittedModel
            With the same net, whose priors have the threshold.
        """
        net, columns = self.trained.net, self.trained.columns
        layers = ard_layers(net.module_)
        priors = [layer.prior for layer in layers]
        try:
            for layer in layers:
                layer.prior = copy.copy(layer.prior)  # it may be shared
                layer.prior.threshold = threshold
            rng = np.random.default_rng(0)
            x = rng.standard_normal((2, len(columns)), dtype=np.float32)
            live = in_use(net.module_, torch.from_numpy(x).to(net.device))
            support = np.zeros_like(self.support)
            support[columns] = live & ~self.data.scaler.constant_[columns]
            trained = replace(self.trained, support=support)
            return _compress(trained, self.data, self.n_steps)
        except BaseException:
            for layer, prior in zip(layers, priors, strict=True):
                layer.prior = prior
            raise

    def report(self):
        """See :meth:`ARDRegressor.compression_report`."""
        return compression_report(
            self.trained.net.module_,
            self.network,
            len(self.support),
            len(self.trained.columns),
        )

    def output_variance(self, X, *, selected=False):
        """Variance of the scaled outputs under the posterior of the weights.

        Parameters
        ----------
        X : {ndarray, csr_array} of shape (n_samples, n_features)
            Checked.
        selected : bool, default=False
            Whether X has only the columns that the small network reads.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            From draws that are always the same.
        """
        variance = np.zeros((X.shape[0], self.targets.n_outputs))
        if not self.support.any():
            return variance
        model, device = self.trained.net.module_, torch.device(self.trained.net.device)
        columns, used = self.trained.columns, self.network.columns
        scaler = self.data.scaler.take(used)
        X = X if selected else X[:, used]
        with threads_for(model):
            for rows in gen_batches(X.shape[0], _ROWS_AT_A_TIME):
                x = np.zeros((rows.stop - rows.start, len(columns)), np.float32)
                x[:, np.isin(columns, used)] = scaler.transform(X[rows])
                x = torch.from_numpy(x).to(device)
                generator = torch.Generator(device).manual_seed(0)
                variance[rows] = output_variance(model, x, generator=generator).numpy()
        return variance


def fitted_model(trained, data, n_steps=None):
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
    return _compress(trained, replace(data, batches=None), n_steps)


def _emptied(trained, targets):
    """A model without inputs, whose noise and evidence lower bound are exact."""
    net = trained.net
    for layer in ard_layers(net.module_):
        layer.mask.zero_()
    likelihood = make_likelihood(targets)
    net.criterion_.likelihood.load_state_dict(likelihood.state_dict())
    return replace(trained, elbo=-net.criterion_.num_data * empty_nll(targets))


def _compress(trained, data, n_steps):
    """The fitted model of a network and its data."""
    targets = data.targets
    if trained.support.any():
        compacted, _ = compact_quietly(trained.net.module_)
        network = lower(compacted, trained.columns, data.scaler, targets.n_outputs)
    else:
        network = constant_network(targets.empty_output_)
    return FittedModel(
        network=network,
        support=trained.support,
        targets=targets,
        trained=trained,
        data=data,
        n_steps=n_steps,
        sparsity=_sparsity(trained),
    )


def _sparsity(trained):
    """Share of pruned weights, including those of columns that were left out."""
    module, n_read = trained.net.module_, len(trained.columns)
    kept, total = count_weights(module)
    n_features = len(trained.support)
    if n_read < n_features:
        head = torch.zeros(1, n_read, device=trained.net.device)
        n_units = sum(layer.out_features for layer in input_layers(module, head))
        total += (n_features - n_read) * n_units
    return 1 - kept / total
