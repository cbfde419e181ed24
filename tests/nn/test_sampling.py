"""Predictive uncertainty: against closed forms and against Bayesian ridge."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import BayesianRidge

from sklearn_ard import ARDRegressor
from sklearn_ard.nn import Conv1dARD, DenseARD, LinearARD, output_variance


def test_variance_of_a_linear_layer_is_exact():
    layer, x = LinearARD(5, 2), torch.randn(20, 5)
    with torch.no_grad():
        layer.log_sigma2.uniform_(-6, -4)
    expected = x.square() @ (layer.log_sigma2.exp() * layer.keep()).T
    found = output_variance(layer, x, n_draws=4000)
    torch.testing.assert_close(found.float(), expected, rtol=0.15, atol=0)  # 5 sigma


def test_pruned_weights_add_nothing():
    layer, x = LinearARD(3, 1), torch.randn(10, 3)
    with torch.no_grad():
        layer.log_sigma2[0] = torch.tensor([20.0, -5.0, -5.0])
        layer.mask[0, 1] = 0
    found = output_variance(layer, x, n_draws=4000)
    expected = x[:, 2:].square() * math.exp(-5)
    torch.testing.assert_close(found.float(), expected, rtol=0.15, atol=0)


def test_positions_of_a_convolution_share_their_weights():
    # the sum over 4 equal positions varies by 4² and not by 4 times one of them
    model = torch.nn.Sequential(Conv1dARD(1, 1, 1, bias=False), torch.nn.Flatten())
    total = torch.nn.Linear(4, 1, bias=False)
    torch.nn.init.ones_(total.weight)
    with torch.no_grad():
        model[0].log_sigma2.fill_(-3)
        model[0].weight.fill_(1)
    model.append(total)
    found = output_variance(model, torch.ones(1, 1, 4), n_draws=4000)
    assert float(found) == pytest.approx(16 * math.exp(-3), rel=0.15)


def test_network_and_global_generator_stay_as_they_are():
    model = DenseARD(3, 1, (4,))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    state = torch.get_rng_state()
    first = output_variance(model, torch.ones(2, 3), generator=generator)
    again = output_variance(model, torch.ones(2, 3), generator=generator.manual_seed(0))
    assert torch.equal(first, again)
    assert torch.equal(state, torch.get_rng_state())
    assert model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.fixture(scope="module")
def linear_data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    return X, 30 * X @ [1.0, -2.0, 0.5] + 100 + 15 * rng.normal(size=60)


def test_a_linear_model_is_as_sure_as_bayesian_ridge():
    # on orthogonal columns, where weights are independent a posteriori, as ours are
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    X = np.linalg.qr(X - X.mean(axis=0))[0] * np.sqrt(200)
    y = 30 * X @ [1.0, -2.0, 0.5] + 100 + 15 * rng.normal(size=200)
    far = np.array([[0.0, 0, 0], [3, 0, 0], [10, 10, 10], [-30, 20, 10]])
    model = ARDRegressor((), random_state=0).fit(X, y)
    mean, std = model.predict(far, return_std=True)
    _, expected = BayesianRidge().fit(X, y).predict(far, return_std=True)
    np.testing.assert_array_equal(mean, model.predict(far))
    np.testing.assert_allclose(std[:2], expected[:2], rtol=0.03)
    np.testing.assert_allclose(std[2], expected[2], rtol=0.1)
    # the noise of training makes the last one 1.21 ± 0.03 times as large
    np.testing.assert_allclose(std[3], expected[3], rtol=0.3)
    assert (np.diff(std) > 0).all()  # the less so the farther away


def test_standard_deviations_cover_new_rows():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 3))
    y = np.abs(X[:, 0]) + X[:, 1] + 0.3 * rng.normal(size=400)
    model = ARDRegressor(random_state=0).fit(X[:200], y[:200])
    mean, std = model.predict(X[200:], return_std=True)
    z = (y[200:] - mean) / std
    assert np.std(z) == pytest.approx(1, abs=0.15)
    assert (std >= model.noise_std_).all()


def test_shapes_units_and_repeatability(linear_data):
    X, y = linear_data
    Y = np.column_stack([y, 1000 * y])
    model = ARDRegressor((4,), max_iter=100, random_state=0).fit(X, Y)
    mean, std = model.predict(X, return_std=True)
    assert mean.shape == std.shape == (60, 2)
    assert 300 < np.median(std[:, 1] / std[:, 0]) < 3000
    np.testing.assert_array_equal(std, model.predict(X, return_std=True)[1])
    np.testing.assert_allclose(std[7:8], model.predict(X[7:8], return_std=True)[1])


def test_an_empty_model_knows_the_spread_of_y():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 3)), 5 * rng.normal(size=100)
    with pytest.warns(UserWarning, match="No input"):
        model = ARDRegressor(reg_factor=30, random_state=0).fit(X, y)
    mean, std = model.predict(X, return_std=True)
    np.testing.assert_allclose(std, np.std(y))
    np.testing.assert_allclose(mean, np.mean(y))


def test_only_the_columns_in_use_of_a_frame_are_read():
    X = np.random.default_rng(0).normal(size=(150, 4))
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = ARDRegressor(likelihood="gaussian", random_state=0)
    model.fit(frame, np.abs(X[:, 1]) + X[:, 2])
    assert model.get_support(indices=True).tolist() == [1, 2]
    expected = model.predict(frame, return_std=True)
    found = model.predict(frame.assign(a=np.nan, d="text"), return_std=True)
    assert np.array_equal(found, expected)
    given = ARDRegressor(module=model.net_.module_, max_iter=2, random_state=0)
    given.fit(X[:, [1, 2]], np.abs(X[:, 1]))
    assert (given.predict(X[:, [1, 2]], return_std=True)[1] > 0).all()
