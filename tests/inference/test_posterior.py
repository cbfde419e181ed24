"""Variance of the outputs in numpy, beside that of torch."""

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_ard import ARDClassifier, ARDRegressor
from sklearn_ard.data.scaler import Scaler
from sklearn_ard.inference import operations, posterior
from sklearn_ard.nn import output_variance

N_DRAWS = 4000  # standard error of a variance: 2.2 %


def variances(model, X, monkeypatch):
    """By numpy and by torch, each from many draws."""
    monkeypatch.setattr(posterior, "N_DRAWS", N_DRAWS)
    fitted = model._fitted
    rows = fitted.data.scaler.transform(fitted.data.encoding(X))
    x = torch.from_numpy(rows[:, fitted.trained.inputs])
    generator = torch.Generator().manual_seed(1)
    module = fitted.trained.net.module_
    expected = output_variance(module, x, N_DRAWS, generator).numpy()
    return fitted.output_variance(X), expected


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_networks": 3},
        {"activation": "tanh", "skip_connection": False},
        {"hidden_layer_sizes": ()},
        {"likelihood": "skew_t", "hidden_layer_sizes": (8, 8, 8)},
        {"prior": "ard", "n_bins": 8},
    ],
    ids=str,
)
def test_variance_is_that_of_torch(options, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6))
    y = np.abs(X[:, 1]) + X[:, 4] + 0.5 * rng.normal(size=200)
    fixed = {"n_bins": 0, "likelihood": "gaussian", "max_iter": 120}
    model = ARDRegressor(random_state=0, **(fixed | options)).fit(X, y)
    found, expected = variances(model, X[:40], monkeypatch)
    assert expected.max() > 0
    np.testing.assert_allclose(found, expected, rtol=0.2, atol=1e-9)
    assert np.mean(found / expected.clip(1e-12)) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_variance_of_a_convolution_is_that_of_torch(padding, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 36))
    y = (X[:, 14] + X[:, 15] > 0).astype(int)
    model = ARDClassifier(
        (8,),
        input_shape=(1, 6, 6),
        conv_channels=(4,),
        padding=padding,
        reg_factor=0.1,
        feature_cost=0,
        max_iter=40,
        random_state=0,
    ).fit(X, y)
    found, expected = variances(model, X[:20], monkeypatch)
    assert expected.min() > 0
    np.testing.assert_allclose(found, expected, rtol=0.2)


def test_constants_that_are_folded_keep_the_noise_of_their_weights(monkeypatch):
    """A unit without live inputs is a constant, read by a weight with noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 3)).astype("f4")
    model = ARDRegressor(
        module=nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1)), max_iter=1
    ).fit(X, X[:, 0])
    first, _, last = model.net_.module_
    with torch.no_grad():
        first.mask.fill_(1).index_fill_(0, torch.tensor([1]), 0)
        first.bias.copy_(torch.tensor([0.1, 2.0]))
        first.weight.fill_(0.5)
        last.mask.fill_(1)
        last.weight.fill_(1.0)
        for layer in (first, last):
            layer.log_sigma2.fill_(-2.0)
    model.set_threshold(3.0)
    found, expected = variances(model, X, monkeypatch)
    np.testing.assert_allclose(found, expected, rtol=0.2)
    assert found.min() > 4 * np.exp(-2.0) * 0.8  # of the second unit alone


def test_rows_do_not_depend_on_their_neighbours():
    X = np.random.default_rng(0).normal(size=(300, 4))
    model = ARDRegressor(random_state=0, max_iter=100, n_bins=0).fit(X, X[:, 0] ** 2)
    _, std = model.predict(X, return_std=True)
    one_by_one = [model.predict(X[[i]], return_std=True)[1][0] for i in range(9)]
    np.testing.assert_allclose(one_by_one, std[:9], rtol=1e-5)
    np.testing.assert_array_equal(model.predict(X, return_std=True)[1], std)


def test_networks_of_constants_have_a_variance():
    scaler = Scaler().fit(np.ones((2, 1)), np.ones(2)).take([])
    constant = operations.Dense(np.zeros((1, 0)), np.array([2.0], "f4"))
    noisy = operations.Random(constant, np.zeros((1, 0), "f4"), np.array([3.0], "f4"))
    found = posterior.Posterior(scaler, [[noisy]], 100).variance(
        np.zeros((7, 4)), lambda rows: np.zeros((0, len(rows))), 1
    )
    assert found.shape == (7, 1) and (found == found[0]).all()
    assert found[0] == pytest.approx(9, rel=0.5)
