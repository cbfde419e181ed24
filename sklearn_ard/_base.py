"""What ARDRegressor and ARDClassifier share: everything but the targets."""

import math
import warnings
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from numbers import Integral, Real

import torch
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_ard._context import (
    find_device,
    is_small,
    torch_state,
    unchanged_on_error,
)
from sklearn_ard.data.training_set import TrainingDataMixin
from sklearn_ard.inference.compression import ShrinkMixin
from sklearn_ard.inference.predictor import Predictor
from sklearn_ard.nn import Prior, ard_layers
from sklearn_ard.nn.networks import ACTIVATIONS
from sklearn_ard.nn.priors import PRIORS
from sklearn_ard.training import recipe as _recipe
from sklearn_ard.training import rounds as _stretch
from sklearn_ard.training.build import build_net
from sklearn_ard.training.ensemble import join
from sklearn_ard.training.net import ProgressBar


class _BaseARD(TrainingDataMixin, ShrinkMixin, Predictor):
    """Parameters, training and prediction of both estimators."""

    _parameter_constraints: dict = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "skip_connection": ["boolean"],
        "input_shape": ["array-like", None],
        "conv_channels": ["array-like"],
        "kernel_size": ["array-like", Interval(Integral, 1, None, closed="left")],
        "stride": ["array-like", Interval(Integral, 1, None, closed="left")],
        "padding": [
            "array-like",
            StrOptions({"same", "valid"}),
            Interval(Integral, 0, None, closed="left"),
        ],
        "pool_size": ["array-like", Interval(Integral, 1, None, closed="left")],
        "module": [callable, None],
        "prior": [StrOptions(set(PRIORS)), Prior],
        "feature_cost": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "reg_factor": [Interval(Real, 0, None, closed="left")],
        "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "dense_iter": [Interval(Integral, 0, None, closed="left")],
        "shrink": ["boolean"],
        "n_networks": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "device": [str, torch.device],
        "callbacks": [list, tuple, None],
    }

    def __init__(
        self,
        hidden_layer_sizes=(64, 64),
        *,
        activation="relu",
        skip_connection=True,
        input_shape=None,
        conv_channels=(),
        kernel_size=3,
        stride=1,
        padding="same",
        pool_size=2,
        module=None,
        prior="log_uniform",
        feature_cost="auto",
        reg_factor=1.0,
        max_iter="auto",
        dense_iter=0,
        shrink=True,
        n_networks=1,
        batch_size="auto",
        learning_rate_init=0.01,
        random_state=None,
        warm_start=False,
        verbose=0,
        device="cpu",
        callbacks=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.skip_connection = skip_connection
        self.input_shape = input_shape
        self.conv_channels = conv_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.pool_size = pool_size
        self.module = module
        self.prior = prior
        self.feature_cost = feature_cost
        self.reg_factor = reg_factor
        self.max_iter = max_iter
        self.dense_iter = dense_iter
        self.shrink = shrink
        self.n_networks = n_networks
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.device = device
        self.callbacks = callbacks

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train the network and choose its inputs.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs in any units: they are standardised inside. Images come flattened.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets; only regression takes several outputs.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of k counts as k copies of the row, exactly; 0 as its absence.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data or a parameter is not what it should be.
        FloatingPointError
            If the training diverged. The estimator is then as it was before.

        Warns
        -----
        UserWarning
            If no input is worth its price, or if Ctrl-C ended the training early.
        """
        with unchanged_on_error(self):
            X, targets, weight = self._check_data(
                X, y, sample_weight, reset=True, min_rows=2
            )
            with torch_state(self.random_state, self.device, type(self).__name__):
                self._fit_checked(X, targets, weight)
        return self

    def _fit_checked(self, X, targets, weight):
        batches = self._make_training_set(X, targets, weight)
        previous = None
        if self.warm_start and self.n_networks > 1:
            raise ValueError(_refusal(self, "warm_start=True"))
        if self.warm_start and hasattr(self, "net_"):
            previous = self.net_, self._columns
            if X.shape[1] != len(self._support):
                raise ValueError(
                    f"X has {X.shape[1]} features, but the weights that "
                    f"warm_start=True begins with are for {len(self._support)}. Set "
                    "warm_start=False for other data."
                )
        trained = self._train_members(self._train(batches, previous), batches)
        self._set_trained(trained)
        self._warn_of(trained)

    def _train(self, batches, previous=None, stages=None):
        """The recipe, or some of its stages."""
        if stages is None:
            stages = _recipe.plan(self.max_iter, batches.n_batches)
        with self._progress(self.dense_iter + sum(n for _, n in stages)) as progress:
            return _recipe.train(
                batches=batches,
                varies=~self._scaler.constant_,
                stages=stages,
                cost=self._cost_in_nats(len(self._scaler.constant_), self.reg_factor),
                previous=previous,
                progress=progress,
                **self._recipe_options(),
            )

    def _train_members(self, first, batches):
        """The ensemble that a network is the first of."""
        members, n_more = [first], self.n_networks - 1
        if n_more == 0 or first.interrupted or not first.support.any():
            return first
        stages = _recipe.of_member(_recipe.plan(self.max_iter, batches.n_batches))
        n_epochs = n_more * (self.dense_iter + sum(n for _, n in stages))
        with self._progress(n_epochs) as progress:
            for _ in range(n_more):
                member = _recipe.train(
                    batches=batches,
                    varies=first.support,
                    stages=stages,
                    cost=0.0,
                    before=first.net,
                    progress=progress,
                    **self._recipe_options(),
                )
                if member.interrupted:
                    return replace(self._join(members), interrupted=True)
                members.append(member)
        return self._join(members)

    def _recipe_options(self):
        return {
            "build": partial(self._build, num_data=self._seen[1]),
            "resizable": self._is_resizable,
            "dense_iter": self.dense_iter,
            "shrink": self.shrink,
            "learning_rate": self.learning_rate_init,
        }

    def _join(self, members):
        """One net of all the members of an ensemble."""
        if len(members) == 1:
            return members[0]
        return join(members, partial(self._build, num_data=self._seen[1]))

    def _partial_fit(self, X, y, sample_weight, **options):
        """One pass over a chunk of the training data."""
        first = not hasattr(self, "net_")
        with unchanged_on_error(self):
            X, targets, weight = self._check_data(
                X, y, sample_weight, reset=first, **options
            )
            # the same noise for every chunk would be fitted like a signal
            turn = 0 if first else self.n_iter_
            owner = type(self).__name__
            with torch_state(self.random_state, self.device, owner, turn):
                self._partial_fit_checked(X, targets, weight, first)
        return self

    def _partial_fit_checked(self, X, targets, weight, first):
        batches = self._make_chunk(X, targets, weight, first=first)
        with self._progress(1) as progress:
            trained, n_steps = _stretch.train_online(
                partial(self._build, num_data=self._seen[1]),
                batches,
                n_features=X.shape[1],
                learning_rate=self.learning_rate_init,
                shrink=self.shrink,
                cost=self._cost_in_nats(X.shape[1], self.reg_factor),
                previous=None if first else (self.net_, self._columns),
                n_steps=self._n_online_steps,
                progress=progress,
            )
        self._n_online_steps = n_steps
        self._set_trained(trained)
        self._warn_of(trained)

    @property
    def _device(self):
        return find_device(self.device, type(self).__name__)

    @property
    def _is_resizable(self):
        """Whether networks can be built that read fewer columns."""
        return self.module is None and self.input_shape is None

    def _cost_in_nats(self, n_features, reg_factor):
        """Price of an input: reg_factor stands in front of KL and cost alike."""
        cost = self.feature_cost
        if cost == "auto":
            cost = math.log(max(n_features, 2))
        return reg_factor * cost

    def _build(self, n_inputs, num_data):
        net = build_net(
            self, n_inputs, self._n_outputs, num_data, self._make_likelihood()
        )
        if is_small(net.module_):
            torch.set_num_threads(1)  # until the end of torch_state
        return net

    def _set_trained(self, trained):
        """Turn what came out of training into fitted attributes."""
        net, support = trained.net, trained.support
        layers = ard_layers(net.module_)
        if not support.any():
            for layer in layers:
                layer.mask.zero_()
        self.net_ = net
        self._columns, self._support = trained.columns, support
        self.n_iter_ = max(1, len(net.history))
        self.sparsity_ = self._sparsity(net.module_)
        self.feature_importances_ = self._relevance = trained.relevance
        self._set_likelihood(net.criterion_, trained.elbo)
        self._network = self._make_network()

    def _warn_of(self, trained):
        """Say what the user should know, and can do something about."""
        if trained.interrupted:
            warnings.warn(
                f"Training was interrupted after {self.n_iter_} epochs: the model is "
                "usable, but not yet what it could be.",
                UserWarning,
                stacklevel=4,
            )
        if not trained.support.any():
            warnings.warn(
                f"No input is worth its price at reg_factor={self.reg_factor} and "
                f"feature_cost={self.feature_cost!r}: the model is empty, and predicts "
                "what it would predict without any inputs. Lower these parameters if "
                "you know better.",
                UserWarning,
                stacklevel=4,
            )

    @contextmanager
    def _progress(self, n_epochs):
        """A progress bar where one is wanted, closed at the end."""
        if not self.verbose:
            yield None
            return
        progress = ProgressBar(n_epochs)
        try:
            yield progress
        finally:
            progress.bar.close()


def trains_one_network(estimator):
    """Whether an estimator can go on with its training; for `available_if`."""
    if estimator.n_networks > 1:
        raise AttributeError(_refusal(estimator, "partial_fit"))
    return True


def _refusal(estimator, what):
    return (
        f"The 'n_networks' parameter of {type(estimator).__name__} must be 1 for "
        f"{what}, which trains one network. Got {estimator.n_networks} instead. For an "
        "ensemble, call fit with warm_start=False."
    )
