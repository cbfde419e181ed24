import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits
from torch import nn

from sklearn_ard import ARDClassifier, ARDRegressor

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(200, 6)) * 20 + 5


@pytest.fixture
def run(tmp_path):
    """What onnxruntime says of X, all outputs by name."""

    def run_on(model, X):
        path = tmp_path / "model.onnx"
        model.to_onnx(path, dtype=X.dtype)
        session = onnxruntime.InferenceSession(path)
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, {"X": X}), strict=True))

    return run_on


@pytest.mark.parametrize("n_outputs", [None, 2])
@pytest.mark.parametrize("offset", [0, 1e7])
def test_regressor(run, X, n_outputs, offset):
    X = X + offset
    y = np.abs(X[:, 0] - X[:, 0].mean()) + X[:, 1] / 5
    y = y if n_outputs is None else np.column_stack([y, X[:, 2] * 1e4])
    model = ARDRegressor((16,), random_state=0, max_iter=50).fit(X, y)
    for exported in (model, model.compact()):
        found = run(exported, X)["prediction"]
        assert found.shape == y.shape
        np.testing.assert_allclose(found, model.predict(X), rtol=1e-5)


@pytest.mark.parametrize(
    "labels", [np.array(["no", "yes", "perhaps"]), np.array([3, 7, 1]), [False, True]]
)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_classifier(run, X, labels, dtype):
    labels = np.asarray(labels)
    y = labels[np.digitize(X[:, 0], [0, 10]) % len(labels)]
    X = X.astype(dtype)
    model = ARDClassifier((16,), random_state=0, max_iter=20).fit(X, y)
    found = run(model, X)
    np.testing.assert_array_equal(found["label"], model.predict(X))
    np.testing.assert_allclose(
        found["probabilities"], model.predict_proba(X), atol=1e-5
    )


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "silu", "gelu"])
@pytest.mark.parametrize("stride, padding, pool_size", [(1, "same", 2), (2, 1, 1)])
def test_images(run, activation, stride, padding, pool_size):
    X, y = load_digits(return_X_y=True)
    X, y = X[:200], y[:200]
    model = ARDClassifier(
        input_shape=(1, 8, 8), conv_channels=(4, 4), stride=stride, padding=padding,
        pool_size=pool_size, activation=activation, random_state=0, max_iter=3,
    ).fit(X, y)  # fmt: skip
    np.testing.assert_allclose(
        run(model, X)["probabilities"], model.predict_proba(X), atol=1e-5
    )


@pytest.mark.parametrize("padding_mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool2d(3, 2, padding=1, ceil_mode=True),
        nn.AvgPool2d(3, 2, padding=1, count_include_pad=False),
        nn.AvgPool2d(2, 2, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.AdaptiveMaxPool2d(1),
    ],
    ids=str,
)
def test_trained_networks(run, padding_mode, pool):
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, padding_mode=padding_mode),
        nn.BatchNorm2d(4),
        nn.ELU(),
        nn.Conv2d(4, 4, 3, padding=2, groups=2, dilation=2),
        nn.LeakyReLU(),
        pool,
        nn.Flatten(),
        nn.LazyLinear(1),
    )
    X = np.random.default_rng(0).normal(size=(50, 36))
    y = X[:, 0] * 3
    import torch

    module.eval()(torch.zeros(1, 1, 6, 6))
    model = ARDRegressor(module=module, input_shape=(1, 6, 6), max_iter=2)
    model.fit(X, y)
    np.testing.assert_allclose(
        run(model, X)["prediction"], model.predict(X), rtol=1e-5, atol=1e-5
    )


def test_empty_model(run, X):
    y = np.random.default_rng(1).normal(size=len(X))
    with pytest.warns(UserWarning, match="empty"):
        model = ARDRegressor(random_state=0, reg_factor=50).fit(X, y)
    np.testing.assert_allclose(run(model, X)["prediction"], model.predict(X))


def test_bad_input(X, tmp_path, monkeypatch):
    model = ARDRegressor((4,), random_state=0, max_iter=5).fit(X, X[:, 0])
    with pytest.raises(
        ValueError, match="'dtype' parameter of ARDRegressor.to_onnx.*int64"
    ):
        model.to_onnx(tmp_path / "m.onnx", dtype="int64")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"sklearn-ard\[onnx\]"):
        model.to_onnx(tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())
