"""Closed-form moments of random networks, beside draws."""

import numpy as np
import pytest

from sklearn_ard import ARDRegressor
from sklearn_ard.inference import operations as ops
from sklearn_ard.inference.moments import has_moments, output_moments, steps_of
from sklearn_ard.inference.network import Network

N_DRAWS = 20_000  # standard error of a standard deviation of normal outputs: 0.5 %


def network(widths, noise, seed=0, density=1.0):
    """A random chain; weights have standard deviations up to `noise` times their size.

    Like in trained networks, most of the noise is in a part of the weights.
    """
    rng, chain = np.random.default_rng(seed), []
    for n_in, n_out in zip(widths, widths[1:], strict=False):
        weight = rng.normal(size=(n_out, n_in)) * np.sqrt(2 / n_in)
        weight = (weight * (rng.random(weight.shape) < density)).astype("f4")
        share = noise * rng.random(weight.shape) ** 3
        bias = (0.3 * rng.normal(size=n_out)).astype("f4")
        std = (np.abs(weight) * share).astype("f4")
        layer = ops.Random(ops.Dense(weight, bias), std, np.abs(bias) * np.float32(0.1))
        chain += [layer, ops.Activation("relu")]
    return chain[:-1]


def of_draws(operations, x, n_draws=N_DRAWS, seed=1):
    rng = np.random.default_rng(seed)
    outputs = [ops.run(ops.drawn(operations, rng), x) for _ in range(n_draws)]
    return np.mean(outputs, axis=0), np.std(outputs, axis=0)


def inputs(n_inputs, n=60):
    return np.random.default_rng(2).normal(size=(n_inputs, n)).astype("f4")


def closed(operations, x):
    mean, variance = output_moments(steps_of(operations), x)
    return mean, np.sqrt(variance)


def test_a_linear_network_has_the_variance_of_its_formula():
    (layer,), x = network((4, 2), 1.0), inputs(4)
    mean, std = closed([layer], x)
    np.testing.assert_allclose(mean, layer(x), rtol=1e-6)
    expected = layer.std**2 @ x**2 + layer.bias_std**2
    np.testing.assert_allclose(std**2, expected, rtol=1e-5)


def test_one_hidden_layer_is_exact():
    operations, x = network((4, 12, 2), 3.0), inputs(4)
    (mean, std), (drawn_mean, drawn_std) = (
        closed(operations, x),
        of_draws(operations, x),
    )
    error = (mean - drawn_mean) / drawn_std * np.sqrt(N_DRAWS)
    assert np.abs(error).max() < 5
    np.testing.assert_allclose(std, drawn_std, rtol=0.06)
    assert np.mean(std / drawn_std) == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize(
    "widths, error", [((4, 16, 6, 1), 0.05), ((4, 16, 8, 6, 1), 0.08)], ids=str
)
@pytest.mark.parametrize("noise", [0.5, 3.0])
def test_deeper_networks_are_closer_than_a_hundred_draws(widths, error, noise):
    errors = {"closed": [], "draws": []}
    for seed in range(4):
        operations, x = network(widths, noise, seed), inputs(4)
        expected = of_draws(operations, x, 4000)[1]
        found = closed(operations, x)[1]
        few = of_draws(operations, x, 100, seed=3)[1]
        errors["closed"].append(np.abs(found / expected - 1))
        errors["draws"].append(np.abs(few / expected - 1))
    assert np.mean(errors["closed"]) < np.mean(errors["draws"])
    assert np.mean(errors["closed"]) < error


def test_independent_chains_add_up_and_sparse_weights_change_nothing():
    first = network((80, 90, 3), 2.0, density=0.1)
    second = network((2, 3), 1.0)
    x, places = inputs(80), np.array([5, 7])
    mean, std = closed([ops.Sum([(None, first), (places, second)])], x)
    parts = closed(first, x), closed(second, x[places])
    np.testing.assert_allclose(mean, parts[0][0] + parts[1][0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(std, np.hypot(parts[0][1], parts[1][1]), rtol=1e-5)
    layer = first[0]
    assert hasattr(layer.layer.weight, "nnz")
    full = layer.layer.with_weights(layer.layer.weight.toarray(), layer.layer.bias)
    dense = ops.Random(full, np.zeros(full.weight.shape, "f4"), layer.bias_std[:, 0])
    dense.std[full.weight != 0] = layer.std
    expected = closed([dense, *first[1:]], x)
    np.testing.assert_allclose(parts[0], expected, rtol=1e-4, atol=1e-5)


def test_certain_weights_have_no_variance():
    operations, x = network((3, 8, 4, 1), 0.0), inputs(3)
    for layer in operations[::2]:
        layer.bias_std[:] = 0
    mean, std = closed(operations, x)
    np.testing.assert_allclose(mean, ops.run(operations, x), rtol=1e-4, atol=1e-5)
    assert std.max() < 1e-6


def test_other_networks_are_drawn():
    layer = network((3, 2), 1.0)[0]
    assert has_moments([layer, ops.Activation("relu"), layer])
    assert has_moments([ops.Sum([(None, [layer]), (None, [layer])])])
    assert not has_moments([layer, ops.Activation("tanh")])
    assert not has_moments([layer, ops.Activation("relu", -1.0)])
    assert not has_moments([layer.layer])
    assert not has_moments([layer, ops.Sum([(None, [layer])])])


def test_a_prediction_with_std_reads_and_runs_the_network_once(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    model = ARDRegressor(random_state=0, max_iter=60, n_bins=0).fit(X, X[:, 0])
    expected, calls, call = model.predict(X), [], Network.__call__

    def counted(self, *args, **kwargs):
        calls.append(self)
        return call(self, *args, **kwargs)

    monkeypatch.setattr(Network, "__call__", counted)
    mean, _ = model.predict(X, return_std=True)
    assert len(calls) == 1
    np.testing.assert_array_equal(mean, expected)
