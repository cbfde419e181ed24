"""Parameters of ARDRegressor and ARDClassifier: constraints and defaults."""

from collections.abc import Callable, Collection, Mapping, Sequence
from numbers import Integral, Real
from os import PathLike
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_ard._validation import LARGEST_FACTOR
from sklearn_ard.nn import Prior
from sklearn_ard.nn.activations import ACTIVATIONS
from sklearn_ard.nn.priors import PRIORS


class Parameters:
    """The parameters that both estimators share; documented there."""

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
        "n_bins": [StrOptions({"auto"}), Interval(Integral, 0, None, closed="left")],
        "categorical_features": [
            "array-like",
            StrOptions({"from_dtype"}),
            str,
            Interval(Integral, 0, None, closed="left"),
            None,
        ],
        "feature_groups": [list, tuple, Mapping, None],
        "feature_cost": [
            StrOptions({"auto"}),
            Interval(Real, 0, LARGEST_FACTOR, closed="both"),
            "array-like",
            Mapping,
        ],
        "alpha": [Interval(Real, 0, 1, closed="right")],
        "required_features": [
            "array-like",
            str,
            Interval(Integral, 0, None, closed="left"),
            None,
        ],
        "reg_factor": [Interval(Real, 0, LARGEST_FACTOR, closed="both")],
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
        "checkpoint": [str, PathLike, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (64, 64),
        *,
        activation: str = "relu",
        skip_connection: bool = True,
        input_shape: Sequence[int] | None = None,
        conv_channels: Sequence[int] = (),
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: str | int | Sequence[str | int] = "same",
        pool_size: int | Sequence[int] = 2,
        module: Callable[..., Any] | None = None,
        prior: str | Prior = "log_uniform",
        n_bins: int | str = "auto",
        categorical_features: ArrayLike | None = "from_dtype",
        feature_groups: Collection[ArrayLike] | Mapping[Any, ArrayLike] | None = None,
        feature_cost: ArrayLike | Mapping[Any, float] = "auto",
        alpha: float = 0.1,
        required_features: ArrayLike | None = None,
        reg_factor: float = 1.0,
        max_iter: int | str = "auto",
        dense_iter: int = 0,
        shrink: bool = True,
        n_networks: int = 1,
        batch_size: int | str = "auto",
        learning_rate_init: float = 0.01,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        verbose: int = 0,
        device: str | torch.device = "cpu",
        callbacks: Sequence[Any] | None = None,
        checkpoint: str | PathLike | None = None,
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
        self.n_bins = n_bins
        self.categorical_features = categorical_features
        self.feature_groups = feature_groups
        self.feature_cost = feature_cost
        self.alpha = alpha
        self.required_features = required_features
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
        self.checkpoint = checkpoint
