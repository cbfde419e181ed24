import pickle
import time

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from random_networks import DENSITIES, SEEDS, conv_networks, dense_networks, randomise
from torch import nn

import sklearn_ard.nn as ard
from sklearn_ard.data.encoding import Encoding
from sklearn_ard.data.scaler import Scaler
from sklearn_ard.inference import images
from sklearn_ard.inference import operations as ops
from sklearn_ard.inference.lower import TorchNetwork, lower
from sklearn_ard.nn import DenseARD, SkipARD, compact


def lowered(model, X, standardize=True):
    """The numpy network of a model, and what the model itself says of X."""
    scaler = Scaler(standardize=standardize).fit(X, np.ones(len(X)))
    with torch.no_grad():
        expected = model(torch.from_numpy(scaler.transform(X))).numpy()
    inputs, encoding = np.arange(X.shape[1]), Encoding.of_numbers(X.shape[1])
    network = lower(compact(model), inputs, encoding, scaler, expected.shape[1])
    return network, expected


def flat(network):
    """A convolutional network that takes flat rows and gives flat outputs."""
    model, x = network
    return nn.Sequential(nn.Unflatten(1, x.shape[1:]), model, nn.Flatten()), x.flatten(
        1
    )


@settings(deadline=None, max_examples=100, derandomize=True)
@given(seed=SEEDS, network=dense_networks(), density=DENSITIES)
def test_dense_networks(seed, network, density):
    model, x = network
    torch.manual_seed(seed)
    with torch.no_grad():
        n_outputs = model.eval()(x).shape[1]
    model = randomise(SkipARD(model, x.shape[1], n_outputs), density)
    found, expected = lowered(model, x.double().numpy() * 30 + 7)
    X = x.double().numpy() * 30 + 7
    np.testing.assert_allclose(found(X, "test"), expected, rtol=1e-5, atol=1e-5)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(seed=SEEDS, network=conv_networks(), density=DENSITIES)
def test_convolutional_networks(seed, network, density):
    model, x = flat(network)
    torch.manual_seed(seed)
    X = x.numpy()
    found, expected = lowered(randomise(model, density), X)
    np.testing.assert_allclose(found(X, "test"), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool2d(3, 2, padding=1, ceil_mode=True),
        nn.MaxPool2d(2, 1, dilation=2),
        nn.MaxPool2d((2, 3), ceil_mode=True),
        nn.AvgPool2d(3, 2, padding=1, ceil_mode=True),
        nn.AvgPool2d(3, 2, padding=1, ceil_mode=True, count_include_pad=False),
        nn.AvgPool2d((2, 3)),
        nn.AdaptiveAvgPool2d(1),
        nn.AdaptiveMaxPool2d(1),
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [(7, 7), (6, 8)])
def test_pooling(pool, size):
    model = nn.Sequential(
        nn.Unflatten(1, (2, *size)), ard.Conv2dARD(2, 3, 2), pool, nn.Flatten()
    )
    X = np.random.default_rng(0).normal(size=(5, 2 * size[0] * size[1]))
    found, expected = lowered(randomise(model, 0.8), X)
    assert not isinstance(found, TorchNetwork)
    np.testing.assert_allclose(found(X, "test"), expected, rtol=1e-5, atol=1e-5)


def test_every_kind_of_layer(layer_kind):
    kind, arguments, options, shape = layer_kind
    if len(shape) > 1 and kind == "Linear":
        pytest.skip("rows of a table are 1-D")
    layer = getattr(ard, f"{kind}ARD")(*arguments, **options)
    model = nn.Sequential(nn.Unflatten(1, shape), layer, nn.Flatten())
    X = np.random.default_rng(0).normal(size=(5, int(np.prod(shape))))
    found, expected = lowered(randomise(model, 0.7), X)
    np.testing.assert_allclose(found(X, "test"), expected, rtol=1e-5, atol=1e-5)


def test_blocks_and_sparse_products_change_nothing():
    model = randomise(DenseARD(300, 2, (200, 100)), 0.02)
    X = np.random.default_rng(0).normal(size=(5000, 300))
    found, expected = lowered(model, X)
    assert found.n_rows < 2500
    np.testing.assert_allclose(found(X, "test"), expected, rtol=1e-5, atol=1e-5)
    for matrix in (np.asarray, sp.csr_array):
        for dense in found.operations[::2]:
            weight = dense.weight
            dense.weight = matrix(weight.toarray() if sp.issparse(weight) else weight)
        np.testing.assert_allclose(found(X, "test"), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("offset, folded", [(3.0, True), (1e6, False)])
def test_standardisation_is_folded_where_it_costs_no_digits(offset, folded):
    X = np.random.default_rng(0).normal(size=(50, 6)) + offset
    found, expected = lowered(randomise(DenseARD(6, 1), 0.5), X)
    assert (found.mean is None) == folded
    np.testing.assert_allclose(found(X, "test"), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "size, density, is_sparse", [(100, 0.1, True), (100, 0.2, False), (30, 0.1, False)]
)
def test_sparse_matrices_are_chosen_where_they_are_large_and_sparse(
    size, density, is_sparse
):
    matrix = np.random.default_rng(0).random((size, size)) < density
    assert sp.issparse(ops.Dense(matrix, np.zeros(size)).weight) == is_sparse


def convolution(density, n_out=64):
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(n_out, 8, 3, 3)) * (
        rng.random((n_out, 8, 3, 3)) < density
    )
    ones, pads = (1, 1), ((1, 1), (1, 1))
    windows = images.Windows((3, 3), ones, ones, pads)
    bias = rng.normal(size=n_out).astype("f4")
    return weight.astype("f4"), bias, windows, "constant", (8, 8)


@pytest.mark.parametrize(
    "n_out, density, kind",
    [
        (64, 0.1, images.UnrolledConvolution),
        (64, 0.4, images.Convolution),
        (8, 0.4, images.UnrolledConvolution),
        (8, 0.8, images.Convolution),
    ],
)
def test_convolutions_are_unrolled_where_they_are_sparse(n_out, density, kind):
    arguments = convolution(density, n_out)
    assert type(images.make_convolution(*arguments)) is kind
    x = np.random.default_rng(1).normal(size=(8, 8, 8, 5)).astype("f4")
    gathered, unrolled = (
        each(*arguments) for each in (images.Convolution, images.UnrolledConvolution)
    )
    np.testing.assert_allclose(gathered(x), unrolled(x), rtol=1e-5, atol=1e-5)
    for each in (gathered, unrolled):
        np.testing.assert_array_equal(each.kernels(), arguments[0])
        again = pickle.loads(pickle.dumps(each))
        np.testing.assert_array_equal(again(x), each(x))


def test_large_images_are_not_unrolled(monkeypatch):
    arguments = convolution(0.1)
    monkeypatch.setattr(images, "MAX_UNROLLED_ENTRIES", 1000)
    assert type(images.make_convolution(*arguments)) is images.Convolution


@pytest.mark.parametrize("shape", [(1, 8, 8), (784,)], ids=str)
def test_the_clock_does_not_choose_kernels(shape, monkeypatch):
    def refuse():
        raise AssertionError("the clock was read")

    if len(shape) > 1:
        model = ard.ConvARD(shape, 10, (20, 50), 3)
    else:
        model = DenseARD(*shape, 10, (300, 100))
    model = randomise(model, 0.1)
    X = np.random.default_rng(0).normal(size=(100, int(np.prod(shape))))
    for name in ("perf_counter", "perf_counter_ns", "monotonic", "process_time"):
        monkeypatch.setattr(time, name, refuse)
    (first, _), (second, _) = lowered(model, X), lowered(model, X)
    monkeypatch.undo()
    assert pickle.dumps(first) == pickle.dumps(second)
    np.testing.assert_array_equal(first(X, "test"), second(X, "test"))


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.Mish(), (1, 8)),
        (nn.AvgPool2d(2, divisor_override=3), (2, 2, 2)),
        (nn.AdaptiveMaxPool1d(2), (2, 4)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_numpy_cannot_do_is_left_to_torch(module, shape):
    model = nn.Sequential(nn.Unflatten(1, shape), module, nn.Flatten())
    n_features = model(torch.zeros(1, int(np.prod(shape)))).shape[1]
    model = nn.Sequential(
        ard.LinearARD(4, int(np.prod(shape))), *model, ard.LinearARD(n_features, 1)
    )
    X = np.random.default_rng(0).normal(size=(9, 4))
    found, expected = lowered(model.eval(), X)
    assert found.why == type(module).__name__
    np.testing.assert_allclose(found(X, "test"), expected, rtol=1e-5, atol=1e-6)
