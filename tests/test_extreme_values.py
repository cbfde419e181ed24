"""Values that no machine can hold, or of odd types: errors that name the parameter."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from problems import problem
from sklearn.linear_model import Lasso
from torch import nn

from sklearn_ard import (
    ARDClassifier,
    ARDClassifierCV,
    ARDRegressor,
    ARDRegressorCV,
    StabilitySelection,
    ard_path,
)

QUICK = {"hidden_layer_sizes": (3,), "max_iter": 2, "n_bins": 0, "random_state": 0}
IMAGES = {"input_shape": (2, 4), "conv_channels": (2,)}
BAD_PARAMETERS = [
    ({"callbacks": [()]}, r"'callbacks' .*skorch callbacks. Got \(\) instead"),
    ({"feature_cost": np.array(2.0)}, "'feature_cost' .*for each of the 8 col.*Got 1"),
    ({"feature_cost": [10**400] + [1] * 7}, "'feature_cost' .*finite numbers.*Got 100"),
    ({"learning_rate_init": 10**400}, "'learning_rate_init' .*finite number.*Got 1000"),
    ({"module": nn.ReLU}, "'module' .*callable of the number of inputs.*Got .*ReLU"),
    ({"module": len}, "'module' .*callable of the number of inputs.*Got <built-in"),
    ({"hidden_layer_sizes": (2**70,)}, r"'hidden_layer_sizes' .*can make. Got .*\(11"),
    ({"hidden_layer_sizes": 10**15}, r"'hidden_layer_sizes' .*make. Got .*\(10000000"),
    ({**IMAGES, "kernel_size": 2**70}, "those of convolutions.*kernel_size=11805916"),
    ({**IMAGES, "padding": (2**70,)}, r"those of convolutions.*padding=\(11805916"),
]


@pytest.mark.parametrize(("parameters", "message"), BAD_PARAMETERS)
def test_parameters(estimator, parameters, message):
    model = estimator(**{**QUICK, **parameters})
    with pytest.raises(ValueError, match=message):
        model.fit(*problem(estimator))
    assert not hasattr(model, "n_features_in_")


@pytest.mark.parametrize("given", [{"high": 10**400}, {"high": 1e-320}, {}], ids=len)
def test_class_weights(given):
    model = ARDClassifier(**QUICK, class_weight=given)
    with pytest.raises(ValueError, match="'class_weight' .*at least 1e-12. Got"):
        model.fit(*problem(ARDClassifier))


@pytest.mark.parametrize("name", ["reg_factors", "feature_costs"])
def test_lists_of_numbers(name):
    X, y = problem(ARDRegressor)
    for values in ([10**400], np.array(1.0), [np.nan]):
        with pytest.raises(
            ValueError, match=f"'{name}' .*none negative or above 1e.30"
        ):
            ARDRegressorCV(**QUICK, **{name: values}).fit(X, y)


SPLITS = [None, ([0, 1], []), ([], [0]), ([999], [0]), (0, 1), (["a"], ["b"]), 3]


@pytest.mark.parametrize("split", SPLITS, ids=str)
@pytest.mark.parametrize("kind", [ARDRegressorCV, ARDClassifierCV])
def test_splits(kind, split):
    X, y = problem(kind._plain)
    message = "'cv' parameter of .* pairs of the indices.*from 0 to 149.*fails"
    with pytest.raises(ValueError, match=message):
        kind(**QUICK, cv=[split]).fit(X, y)


def test_scores_that_a_regressor_does_not_have():
    X, y = problem(ARDRegressor)
    options = {"estimator": ARDRegressor(**QUICK), "reg_factors": [1.0]}
    message = "'scoring' parameter must suit ARDRegressor and y. Got"
    for scoring in ("roc_auc", "accuracy", len):
        with pytest.raises(ValueError, match=message):
            ard_path(X, y, scoring=scoring, **options)


@pytest.mark.parametrize(
    "value", [object(), "a", Lasso, []], ids=["object", "str", "class", "list"]
)
def test_estimators_that_are_none(value):
    X, y = problem(ARDRegressor)
    model = StabilitySelection(value, param="alpha", values=[0.1])
    with pytest.raises(TypeError, match="'estimator' parameter of StabilitySelection"):
        model.fit(X, y)


def selection_of_ours(**options):
    return StabilitySelection(
        ARDRegressor(**options), values=[1.0], n_pairs=2, threshold=1.0
    )


BAD_TARGETS = {
    "strings": lambda y: np.where(y > 0, "a", "b"),
    "no columns": lambda y: np.empty((len(y), 0)),
    "a number": lambda y: 1.0,
    "huge": lambda y: np.array([10**400] * len(y), dtype=object),
    "3-D": lambda y: y[:, None, None],
    "sparse": lambda y: sp.csr_array(y[:, None]),
}


@pytest.mark.parametrize("name", BAD_TARGETS)
@pytest.mark.parametrize("kind", [ARDRegressor, ARDRegressorCV, selection_of_ours])
def test_targets(kind, name):
    X, y = problem(ARDRegressor)
    model = kind(**QUICK)
    with pytest.raises((TypeError, ValueError), match=r"\by\b"):
        model.fit(X, BAD_TARGETS[name](y))
    assert not hasattr(model, "n_features_in_")


@pytest.mark.parametrize("weight", [1j, {"a": 1}, None, 10**400], ids=str)
def test_weights(estimator, weight):
    X, y = problem(estimator)
    given = weight if isinstance(weight, dict) else np.full(150, weight)
    with pytest.raises((TypeError, ValueError), match="[Ss]ample_?weight"):
        estimator(**QUICK).fit(X, y, sample_weight=given)


def test_tables(estimator):
    X, y = problem(estimator)
    huge = X.astype(object)
    huge[0, 0] = 10**400
    tensor = torch.tensor(X)
    for bad in (huge, tensor.bfloat16(), tensor.clone().requires_grad_(), 1.0, None):
        with pytest.raises((TypeError, ValueError), match=r"\bX\b|2D array"):
            estimator(**QUICK).fit(bad, y)


def test_sizes_of_numpy(estimator):
    X, y = problem(estimator)
    options = {"input_shape": np.array([2, 4]), "conv_channels": np.array([2])}
    model = estimator(**{**QUICK, **options}).fit(X, y)
    assert model.predict(X).shape == (150,)


def test_a_numbered_cpu_is_the_cpu(estimator):
    X, y = problem(estimator)
    model = estimator(**QUICK, device="cpu:1").fit(X, y)
    usual = estimator(**QUICK).fit(X, y)
    np.testing.assert_array_equal(model._outputs(X), usual._outputs(X))
    model.set_threshold(1.0)


def test_a_lack_of_memory_is_explained(estimator, monkeypatch):
    def allocate(*args, **kwargs):
        torch.empty(10**16)

    monkeypatch.setattr(estimator, "_best_candidate", allocate)
    with pytest.raises(MemoryError, match="device 'cpu'. Lower the 'batch_size' or"):
        estimator(**QUICK).fit(*problem(estimator))
