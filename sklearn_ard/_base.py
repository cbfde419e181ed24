"""What ARDRegressor and ARDClassifier share: everything but the targets."""

import math
import warnings
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from numbers import Integral, Real

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.base import _fit_context
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import (
    _check_sample_weight,
    validate_data,
)

from sklearn_ard import _recipe, _stretch
from sklearn_ard._batches import Batches
from sklearn_ard._build import build_net
from sklearn_ard._context import (
    find_device,
    is_small,
    threads_for,
    torch_state,
    unchanged_on_error,
)
from sklearn_ard._data import ScaledTable, Scaler, Table, merge_rows, training_order
from sklearn_ard._ensemble import join
from sklearn_ard._net import ProgressBar
from sklearn_ard._predict import Predictor, refuse_images
from sklearn_ard._shrink import ShrinkMixin
from sklearn_ard.nn import Prior, ard_layers, output_variance
from sklearn_ard.nn._networks import ACTIVATIONS
from sklearn_ard.nn._priors import PRIORS

_BATCH_SIZE = 64
_ROWS_AT_A_TIME = 65_536  # for predictive variances


class _BaseARD(ShrinkMixin, Predictor):
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

    def _check_data(self, X, y, sample_weight, *, reset, min_rows=1, **options):
        """Validated X, numeric targets of shape (n, n_columns), and weights."""
        refuse_images(X)
        X, y = validate_data(
            self,
            X,
            y,
            reset=reset,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            **self._y_options,
            ensure_min_samples=min_rows,
        )
        if sp.issparse(X):
            X = sp.csr_array(X)
            if not X.has_canonical_format:
                X = X.copy()  # not in the arrays of the user
                X.sum_duplicates()
        weight = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        if not weight.any():
            raise ValueError(
                "The 'sample_weight' parameter must have a positive entry. "
                "Got nothing but zeros instead."
            )
        self._check_input_shape(X.shape[1])
        targets, weight = self._check_targets(y, weight, reset=reset, **options)
        return X, targets, weight

    def _check_input_shape(self, n_features):
        if self.input_shape is None:
            if len(self.conv_channels) and self.module is None:
                raise ValueError(
                    "The 'conv_channels' parameter needs the 'input_shape' parameter, "
                    "such as (1, 28, 28) for (channels, height, width). "
                    f"Got conv_channels={self.conv_channels!r} and input_shape=None."
                )
        elif math.prod(self.input_shape) != n_features:
            raise ValueError(
                f"The 'input_shape' parameter must multiply to the {n_features} "
                f"columns of X. Got {tuple(self.input_shape)!r} instead, which "
                f"multiplies to {math.prod(self.input_shape)}."
            )

    def _fit_checked(self, X, targets, weight):
        batches = self._make_training_set(X, targets, weight)
        previous = None
        if self.warm_start:
            self._refuse_ensemble("warm_start=True")
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

    def _refuse_ensemble(self, what):
        if self.n_networks > 1:
            raise ValueError(
                f"The 'n_networks' parameter of {type(self).__name__} must be 1 for "
                f"{what}, which trains one network. Got {self.n_networks} instead. For "
                "an ensemble, call fit with warm_start=False."
            )

    def _make_training_set(self, X, targets, weight):
        """Batches of the distinct rows; what they are scaled by is noted."""
        rows, weight = merge_rows(X, targets, weight)
        X, targets = Table(X, rows), targets[rows]
        self._scaler = Scaler(self._n_channels, self._standardizes).fit(X, weight)
        self._seen, self._n_online_steps = (len(weight), weight.sum()), math.inf
        return self._make_batches(X, targets, weight, self._scaler, reset=True)

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
        self._refuse_ensemble("partial_fit")
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
        rows, weight = merge_rows(X, targets, weight)
        X, targets = Table(X, rows), targets[rows]
        if first:
            self._scaler = Scaler(self._n_channels, self._standardizes).fit(X, weight)
            self._scaler.constant_[:] = False  # later chunks may know better
            self._seen, self._n_online_steps = (0, 0.0), 0
        n_rows, total = self._seen
        self._seen = n_rows + len(weight), total + weight.sum()
        batches = self._make_batches(X, targets, weight, self._scaler, reset=first)
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

    def _make_batches(self, table, targets, weight, scaler, *, reset):
        """Scaled rows in training order, on the device."""
        scaled = self._scale_targets(targets, weight, reset=reset)
        order = training_order(
            ScaledTable(table, scaler), scaled.reshape(len(scaled), -1)
        )
        x = ScaledTable(table.take(order), scaler)
        n_rows, total = (len(weight), weight.sum()) if reset else self._seen
        weight = (weight[order] * (n_rows / total)).astype(np.float32)
        device = self._device
        return Batches(
            x if x.table.stays else torch.from_numpy(x.in_memory()).to(device),
            torch.from_numpy(scaled[order]).to(device),
            torch.from_numpy(weight).to(device),
            _BATCH_SIZE if self.batch_size == "auto" else self.batch_size,
        )

    @property
    def _device(self):
        return find_device(self.device, type(self).__name__)

    @property
    def _n_channels(self):
        return None if self.input_shape is None else int(self.input_shape[0])

    @property
    def _is_resizable(self):
        """Whether networks can be built that read fewer columns."""
        return self.module is None and self.input_shape is None

    @property
    def _standardizes(self):
        """A given network keeps the inputs and outputs that it was trained on."""
        return not isinstance(self.module, torch.nn.Module)

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

    def _output_variance(self, X):
        """Variance of the scaled outputs under the posterior of the weights."""
        X = validate_data(
            self, X, reset=False, accept_sparse="csr", dtype=[np.float64, np.float32]
        )
        variance = np.zeros((X.shape[0], self._n_outputs))
        if not self._support.any():
            return variance
        model = self.net_.module_
        device = self._device
        with torch_state(0, device, type(self).__name__), threads_for(model):
            for rows in gen_batches(X.shape[0], _ROWS_AT_A_TIME):
                x = self._scaler.transform(X[rows], self._columns)
                x = torch.from_numpy(x.toarray() if sp.issparse(x) else x)
                generator = torch.Generator(device).manual_seed(0)
                found = output_variance(model, x.to(device), generator=generator)
                variance[rows] = found.cpu().numpy()
        return variance

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
