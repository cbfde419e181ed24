"""What both estimators say to parameters and data that are not what they should be."""

import numpy as np
import pytest
from problems import problem
from sklearn.exceptions import NotFittedError
from torch import nn

from sklearn_ard.nn import DenseARD

BAD_PARAMETERS = [
    ({"prior": "flat"}, "'prior' parameter of .* must be.*Got 'flat'"),
    ({"reg_factor": -1}, "'reg_factor' parameter of .* must be.*Got -1"),
    ({"max_iter": 0}, "'max_iter' parameter of .* must be.*Got 0"),
    ({"batch_size": 0}, "'batch_size' parameter of .* must be.*Got 0"),
    ({"feature_cost": -1}, "'feature_cost' parameter of .* must be.*Got -1"),
    ({"learning_rate_init": 0}, "'learning_rate_init' parameter of .* must.*Got 0"),
    ({"activation": "step"}, "'activation' parameter of .* must be.*Got 'step'"),
    ({"hidden_layer_sizes": (8, 0)}, r"'hidden_layer_sizes'.*Got \(8, 0\)"),
    ({"input_shape": (2, 3)}, r"'input_shape'.* 8 columns of X.*Got \(2, 3\)"),
    ({"input_shape": (8,), "conv_channels": (2,)}, r"'input_shape'.*Got \(8,\)"),
    ({"conv_channels": (4,)}, "'conv_channels' parameter needs.*'input_shape'"),
    ({"device": "abacus"}, "'device' parameter of .*'cpu'.*Got 'abacus'"),
    ({"device": "meta"}, "'device' parameter of .*Got 'meta'"),
    ({"callbacks": ["log"]}, "'callbacks' parameter of .*skorch callbacks. Got 'log'"),
    ({"module": lambda i, o: nn.ReLU()}, "'module' of to_ard must.*Got ReLU with none"),
    ({"module": nn.Linear(7, 3)}, "'module'.* 8 columns.*Linear, takes 7 inputs"),
    (
        {"module": nn.Linear(8, 9)},
        r"'module'.* outputs, of shape \(2, [12]\).*\(2, 9\)",
    ),
    ({"dense_iter": -1}, "'dense_iter' parameter of .* must be.*Got -1"),
    ({"padding": "reflect"}, "'padding' parameter of .* must be.*Got 'reflect'"),
    (
        {"input_shape": (2, 4), "conv_channels": (2, 2), "stride": (1, 2, 1)},
        r"'stride' .* each of the 2 convolutions. Got \(1, 2, 1\)",
    ),
    ({"module": lambda i, o: "network"}, "'module'.*torch.nn.Module.*'network'"),
    ({"module": lambda i, o: DenseARD(i, o + 1)}, "'module'.*outputs"),
]


@pytest.mark.parametrize(("parameters", "message"), BAD_PARAMETERS)
def test_bad_parameters_are_named(estimator, parameters, message):
    X, y = problem(estimator)
    model = estimator(**parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "n_features_in_")


def spoil(a, value):
    a = a.astype(float) if a.dtype.kind != "U" else a.astype(object)
    a[(3,) * a.ndim] = value
    return a


BAD_DATA = [
    (lambda X, y: (spoil(X, np.nan), y, None), "Input X contains NaN"),
    (lambda X, y: (spoil(X, np.inf), y, None), "Input X contains infinity"),
    (lambda X, y: (X, spoil(y, np.nan), None), "y contains NaN|contains NaN"),
    (lambda X, y: (X.astype(str) + "a", y, None), "could not convert string|numeric"),
    (lambda X, y: (X[:1], y[:1], None), "1 sample.*minimum of 2 is required"),
    (lambda X, y: (X, y[:-1], None), "inconsistent numbers of samples"),
    (lambda X, y: (X, y, np.full(150, np.nan)), "sample_weight contains NaN"),
    (lambda X, y: (X, y, -np.ones(150)), "Negative values.*sample_weight"),
    (lambda X, y: (X, y, np.zeros(150)), "sample_weight|weights"),
    (lambda X, y: (X, y, np.ones(3)), "sample_weight.shape == .3,."),
    (lambda X, y: (X[:, 0], y, None), "Expected 2D array, got 1D"),
    (lambda X, y: (X.reshape(150, 2, 4), y, None), "X must be 2-D.*shape .150, 2, 4."),
]


@pytest.mark.parametrize(("make", "message"), BAD_DATA)
def test_bad_data_are_named(estimator, make, message):
    X, y, weight = make(*problem(estimator))
    model = estimator()
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, sample_weight=weight)
    assert not hasattr(model, "n_features_in_")


def test_other_columns_than_in_fit_are_named(fitted):
    model, X, y = fitted
    values = X.to_numpy()
    for method in (model.predict, model.transform):
        with pytest.raises(ValueError, match="7 features, but .* is expecting 8"):
            method(values[:, :7])
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X.rename(columns={"column 1": "other"}))


def test_predict_before_fit(estimator):
    X, _ = problem(estimator)
    for method in ("predict", "transform"):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(estimator(), method)(X)
