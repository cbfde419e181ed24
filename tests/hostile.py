"""Values that users pass by mistake, and some that are good: parameters and data.

Each is a function of a random generator, or a value, under a name that says what it is.
"""

import numpy as np
import pandas as pd
import torch
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Lasso, LinearRegression
from sklearn.model_selection import KFold, LeaveOneOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, EpochScoring
from torch import nn

from sklearn_ard import ARDClassifier, ARDRegressor, ARDRegressorCV
from sklearn_ard.data.targets import LIKELIHOODS
from sklearn_ard.nn import Prior
from sklearn_ard.nn.activations import ACTIVATIONS
from sklearn_ard.nn.priors import PRIORS

NAN, INF = float("nan"), float("inf")
_NO_NUMBERS = ("a", None, [], {}, 1 + 2j, object())
_FLAGS = (True, False, 0, 1, np.True_, 2, NAN, *_NO_NUMBERS)
_COUNTS = (1, 2, np.int64(2), True, 2.0, 1.5, 0, -1, -(2**70), NAN, INF, *_NO_NUMBERS)
_REALS = (0, 1, 0.5, True, 1e-320, 1e308, 10**400, np.float32(0.5), -1, -0.0, NAN, INF)
_SIZES = (
    *_COUNTS,
    *((), (1,), (2, 2), [2], np.array([2, 1]), (1, 2, 1), ((1, 2),), (1, (1, 2))),
    *((0,), (-1,), (True,), (2.0,), (NAN,), ("a",), (None,), 10**15, (2**70,), "same"),
)
_COLUMNS = (
    *(None, "x0", "zz", 0, 2, 3, -1, True, 1.5, NAN, 2**70, "", "from_dtype", b"x0"),
    *([], [0], [0, 0], [2, 0], [3], [-1], [1.0], [NAN], [None], [[0]], ["x1"], ["zz"]),
    *([True, False, False], [True], ["x0", 1], (0,), np.array([1]), {"x0": 1}, {0}),
    *(np.zeros(3, bool), pd.Series([0]), pd.Index(["x1"]), np.array(1), object()),
)
_PRICES = (
    *("auto", "a", *_REALS, None, {}, [1, 1, 1], [1, 2], [[1, 2, 3]], ["a", 1, 2]),
    *([NAN, 1, 1], [1, -1, 1], [1e308] * 3, [None] * 3, ["auto"] * 3, np.array(2.0)),
    *({"x0": 1}, {0: 1}, {"zz": 1}, {"x0": NAN}, {"x0": "a"}, {"x0": None}, {None: 1}),
    *(pd.Series({"x0": 2.0}), pd.Series([1.0, 2, 3]), [True] * 3, [10**400, 1, 1]),
)
_GROUPS = (
    *(None, [], {}, [[0, 1]], ([0], [1, 2]), {"a": [0, 1]}, {"a": ["x0", "x1"]}, "x0"),
    *([0, 1], [[0], [0]], [[]], [[3]], [[None]], [["zz"]], {"a": "x0"}, {1: [0]}, 0),
    *({"x2": [0, 1]}, {"a": None}, {"a": [0], "b": [0]}, [[[0]]], {"a": 1.5}, [{0: 1}]),
)
_FACTORS = (
    *(None, [1.0], [1, 1], (2.0, 0.5), [0], [1e30], [1e308], [NAN], [-1], [], "a", 1),
    *([[1]], [None], ["1"], {"a": 1}, [INF], [True], np.array(1.0), [10**400]),
)


class _Always:
    """A scorer, or a `module`, that returns the same whatever it is given."""

    def __init__(self, value):
        self.value = value

    def __call__(self, *args, **options):
        return self.value


_SCORING = (
    *(None, "accuracy", "r2", "neg_log_loss", "roc_auc", "zz", 1, len),
    *(_Always(None), _Always(NAN), _Always("a"), _Always(INF), _Always(1.0)),
)
_CV = (
    *(
        2,
        3,
        1,
        0,
        -1,
        1.5,
        "a",
        1000,
        True,
        [],
        [None],
        KFold(2),
        LeaveOneOut(),
        object,
    ),
    *([([0, 1, 2, 3], [4, 5])], [([0, 1], [])], [([], [0, 1])], [([999], [0])]),
    *([(np.arange(24) < 12, np.arange(24) >= 12)], [(0, 1)], [(["a"], ["b"])]),
)


def _network(n_inputs, n_outputs):
    return nn.Sequential(nn.Linear(n_inputs, 2), nn.Tanh(), nn.Linear(2, n_outputs))


def _too_wide(n_inputs, n_outputs):
    return nn.Linear(n_inputs, n_outputs + 1)


def _without_numbers(n_inputs, n_outputs):
    return nn.Linear(n_inputs, n_outputs, device="meta")


def _small(estimator, **options):
    return estimator((2,), max_iter=2, random_state=0, **options)


PARAMETERS = {
    "hidden_layer_sizes": _SIZES,
    "activation": (*ACTIVATIONS, "step", nn.ReLU(), 1, *_NO_NUMBERS),
    "skip_connection": _FLAGS,
    "input_shape": (
        *((1, 3), (3,), (3, 1), (1, 1, 3), (1, 1, 1, 3), (1, 1, 1, 1, 3), 3, (1.0, 3)),
        *((0,), (-1, -3), (None, 3), ("a",), (NAN,), np.array([1, 3]), (2**70,), "13"),
        *(None, (), (True, 3), (4,), ((1, 3),)),
    ),
    "conv_channels": _SIZES,
    "kernel_size": _SIZES,
    "stride": _SIZES,
    "padding": (*_SIZES, "valid", "reflect"),
    "pool_size": _SIZES,
    "module": (
        *(None, _network, nn.Linear(3, 1), nn.Linear(3, 2), nn.Linear(4, 1), nn.Linear),
        *(nn.Identity(), nn.ReLU, nn.LSTM(3, 1), _Always(None), _Always("a")),
        *(_too_wide, _network(3, 1), _network(3, 1).double()),
        *(_without_numbers, nn.Conv1d(1, 1, 1), "a", 1, []),
        *(nn.Sequential(nn.Linear(3, 1), nn.ReLU()), nn.Sequential(), len, print),
    ),
    "prior": (*PRIORS, Prior, "flat", 1, *_NO_NUMBERS),
    "likelihood": ("auto", *LIKELIHOODS, "flat", 1, *_NO_NUMBERS),
    "n_bins": ("auto", 0, 1, 2, 8, 1000, 10**6, 2**70, *_COUNTS),
    "categorical_features": _COLUMNS,
    "feature_groups": _GROUPS,
    "feature_cost": _PRICES,
    "alpha": (*_REALS, *_NO_NUMBERS),
    "required_features": _COLUMNS,
    "reg_factor": (*_REALS, 1e30, *_NO_NUMBERS),
    "max_iter": _COUNTS,
    "dense_iter": _COUNTS,
    "shrink": _FLAGS,
    "n_networks": _COUNTS,
    "batch_size": ("auto", 10**6, 2**63, 2**70, *_COUNTS),
    "learning_rate_init": (*_REALS, 1e38, 1e5, *_NO_NUMBERS),
    "random_state": (
        *(0, 2**32 - 1, 2**32, -1, 1.5, True, NAN, "a", [], object(), np.int64(1)),
        *(np.random.RandomState(0), np.random.default_rng(0), torch.Generator()),
    ),
    "warm_start": _FLAGS,
    "verbose": (*_FLAGS, -1, 2**70),
    "device": (
        *("cpu", "auto", "meta", "cuda:99", "abacus", "", "cpu:7", b"cpu", 0, None),
        *(torch.device("cpu"), torch.device("meta"), [], object()),
    ),
    "callbacks": (
        *(None, [], (), [Callback()], [("a", Callback())], [Callback], ["a"], [None]),
        *(
            [()],
            [("a",)],
            [EpochScoring("r2")],
            "abc",
            1,
            Callback(),
            {"a": Callback()},
        ),
    ),
    "class_weight": (
        *(None, "balanced", "a", 1, [1, 2], {}, {"no": 1}, {"no": 1, "yes": 3}, {0: 1}),
        *({"no": NAN}, {"no": -1}, {"no": 0, "yes": 0}, {"no": 1e308}, {"no": "a"}),
        *({"no": None}, {"no": 10**400}, {"zz": 1}, {"no": 1e-320, "yes": 1e-320}),
    ),
    "reg_factors": _FACTORS,
    "feature_costs": (*_FACTORS, ["auto"], ["a"], "auto", [{"x0": 1}], [1, "auto"]),
    "cv": _CV,
    "scoring": _SCORING,
    "selection": ("best", "one_standard_error", "a", 1, *_NO_NUMBERS),
    "n_features_to_select": _COUNTS,
    "target_sparsity": (*_REALS, *_NO_NUMBERS),
    "n_jobs": (None, 1, 0, True, 1.5, NAN, "a", [], object()),
    "estimator": (
        *(None, [], "a", 1, object(), ARDRegressor, Lasso, RandomForestRegressor(2)),
        *(Lasso(), LinearRegression(), make_pipeline(StandardScaler(), Lasso())),
        *(_small(ARDRegressor), _small(ARDClassifier), _small(ARDRegressorCV, cv=2)),
        *(_small(ARDRegressor, feature_cost=-1), _small(ARDRegressor, batch_size=0)),
        *(_small(ARDRegressor, n_networks=2), _small(ARDRegressor, warm_start=True)),
    ),
    "param": ("reg_factor", "alpha", "max_iter", "a", "", "lasso__alpha", "prior", 1),
    "values": (*_FACTORS, ["a", "b"], [1, 2], [1.5], [[1, 2], [3, 4]], [1 + 2j]),
    "threshold": (*_REALS, 0.75, 0.51, *_NO_NUMBERS),
    "n_pairs": (2, 3, *_COUNTS),
    "bound": ("unimodal", "worst_case", "a", *_NO_NUMBERS),
    "points_per_decade": (1, 2, True, 1.5, 0, -1, NAN, *_NO_NUMBERS),
    "return_models": _FLAGS,
}
