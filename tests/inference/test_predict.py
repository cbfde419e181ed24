import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sklearn_ard import (
    ARDClassifier,
    ARDRegressor,
    CompactClassifier,
    CompactRegressor,
)


@pytest.fixture(scope="module")
def table():
    X = np.random.default_rng(0).normal(size=(300, 12)) * 20 + 5
    return X, np.abs(X[:, 3] - 5) + X[:, 7]


@pytest.fixture(scope="module")
def regressor(table):
    return ARDRegressor((32, 16), random_state=0, max_iter=150).fit(*table)


@pytest.fixture(scope="module")
def classifier():
    X, y = make_classification(300, 10, n_classes=3, n_informative=4, random_state=0)
    names = np.array(["ham", "spam", "eggs"])
    model = ARDClassifier((16,), random_state=0, max_iter=100).fit(X, names[y])
    return model, X


@pytest.fixture(scope="module")
def images():
    X, y = load_digits(return_X_y=True)
    model = ARDClassifier(
        input_shape=(1, 8, 8), conv_channels=(4, 8), random_state=0, max_iter=3
    )
    return model.fit(X[:500], y[:500]), X


def network_says(model, X):
    fitted = model._fitted
    x = torch.from_numpy(fitted.data.scaler.transform(X)[:, fitted.trained.inputs])
    with torch.no_grad():
        return model.net_.module_.eval()(x).numpy()


def test_estimators_predict_with_what_is_left_of_their_network(
    regressor, classifier, images, table
):
    X, y = table
    outputs = regressor._fitted.targets.scaler_.inverse_transform(
        network_says(regressor, X)
    )
    np.testing.assert_allclose(regressor.predict(X), outputs[:, 0], atol=1e-5 * y.std())
    for model, X in (classifier, images):
        expected = torch.from_numpy(network_says(model, X)).softmax(dim=1).numpy()
        np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-5)


def test_every_container_gives_the_same(regressor, table):
    X, _ = table
    expected, close = regressor.predict(X), {"rtol": 1e-5, "atol": 1e-4}
    for same in (pd.DataFrame(X).rename(columns=str), X.tolist(), X[:, ::-1][:, ::-1]):
        with pytest.warns(UserWarning) if hasattr(same, "iloc") else _nothing():
            np.testing.assert_allclose(regressor.predict(same), expected, **close)
    for kind in (sp.csr_array, sp.csc_matrix):
        np.testing.assert_allclose(regressor.predict(kind(X)), expected, **close)
    np.testing.assert_allclose(regressor.predict(X.astype("f4")), expected, **close)
    np.testing.assert_allclose(
        [regressor.predict(x[None])[0] for x in X], expected, **close
    )


class _nothing:
    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass


def test_columns_that_are_not_in_use_are_not_read(table):
    X, y = table
    wide = np.hstack([X, np.ones((len(X), 3000))])
    frame = pd.DataFrame(wide).rename(columns="c{}".format)
    model = ARDRegressor((8,), random_state=0, max_iter=100).fit(frame, y)
    assert model.get_support().sum() < 12
    spoilt = frame.copy()
    spoilt.loc[:, ~model.get_support()] = np.nan
    expected = model.predict(frame)
    tracemalloc.start()
    np.testing.assert_array_equal(model.predict(spoilt), expected)
    selected = model.transform(spoilt)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < wide.nbytes / 5
    np.testing.assert_array_equal(selected, frame.loc[:, model.get_support()])
    in_frames = model.set_output(transform="pandas").transform(spoilt)
    assert list(in_frames) == list(model.get_feature_names_out())
    model.set_output(transform="default")


def test_infinite_values_are_refused(regressor, table):
    X = table[0].copy()
    X[5, 3] = np.inf
    with pytest.raises(ValueError, match="contains"):
        regressor.predict(X)
    with pytest.raises(ValueError, match="contains"):
        regressor.compact().predict(X)


def test_missing_values_count_as_the_mean(regressor, table):
    X = table[0].copy()
    X[5, regressor.get_support()] = np.nan
    filled = X.copy()
    filled[5] = table[0].mean(axis=0)
    expected = regressor.predict(filled)
    for model in (regressor, regressor.compact()):
        for container in (np.asarray, sp.csr_array):
            np.testing.assert_allclose(model.predict(container(X)), expected, rtol=1e-5)
    assert np.isfinite(regressor.predict(X, return_std=True)[1]).all()


def test_numbers_of_any_size(regressor, table):
    X = table[0].copy()
    X[5, 0] = 1e30  # whose square is infinite in float32
    assert np.isfinite(regressor.predict(X.astype("f4"))).all()
    X[5, 0] = 1e300
    with pytest.raises(ValueError, match="too large for dtype..float32"):
        regressor.predict(X)
    huge = ARDRegressor((8,), random_state=0, max_iter=50).fit(
        table[0] * 1e200, table[1]
    )
    assert np.isfinite(huge.predict(table[0] * 1e200)).all()


def test_compact_regressor_is_the_regressor_without_its_training(regressor, table):
    X, y = table
    small = regressor.compact()
    assert isinstance(small, CompactRegressor)
    np.testing.assert_array_equal(small.predict(X), regressor.predict(X))
    np.testing.assert_array_equal(small.transform(X), regressor.transform(X))
    assert small.score(X, y) == regressor.score(X, y)
    assert small.noise_std_ == regressor.noise_std_
    assert small.fit(X, y) is small and clone(small) is small
    assert len(pickle.dumps(small)) < 5000


def test_compact_classifier_is_the_classifier_without_its_training(classifier):
    model, X = classifier
    small = model.compact()
    assert isinstance(small, CompactClassifier)
    np.testing.assert_array_equal(small.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(small.predict(X), model.predict(X))
    assert small.classes_.tolist() == model.classes_.tolist()


def test_compact_model_keeps_names_and_works_in_a_pipeline(table):
    X, y = table
    frame = pd.DataFrame(X).rename(columns="c{}".format)
    model = ARDRegressor((8,), random_state=0, max_iter=100).fit(frame, y)
    small = model.compact()
    np.testing.assert_array_equal(
        small.get_feature_names_out(), model.get_feature_names_out()
    )
    scaler = StandardScaler().set_output(transform="pandas").fit(frame)
    pipe = make_pipeline(scaler, small)
    pipe.predict(frame)
    for wrong in (frame.iloc[:, :-1], frame.rename(columns={"c3": "x"})):
        with pytest.raises(ValueError) as ours:
            small.predict(wrong)
        with pytest.raises(ValueError) as theirs:
            model.predict(wrong)
        assert str(ours.value).replace("Compact", "ARD") == str(theirs.value)


def test_compact_model_is_loaded_and_run_without_torch(classifier, tmp_path):
    model, X = classifier
    with open(tmp_path / "small.pickle", "wb") as file:
        pickle.dump((model.compact(), X, model.predict_proba(X)), file)
    code = """
import sys

class Missing:  # as if they were not installed
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "skorch"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
import pickle, numpy
model, X, expected = pickle.load(open(sys.argv[1], "rb"))
numpy.testing.assert_array_equal(model.predict_proba(X), expected)
model.predict(X), model.transform(X)
"""
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "small.pickle")], check=True
    )


def test_compact_says_what_it_can_not_do(table):
    X, y = table
    with pytest.raises(NotFittedError):
        ARDRegressor().compact()
    with pytest.raises(NotFittedError):
        CompactRegressor().predict(X)
    model = ARDRegressor((4,)).partial_fit(X, y)
    with pytest.warns(UserWarning, match="snapshot"):
        model.compact()
    mish = nn.Sequential(nn.Linear(12, 4), nn.Mish(), nn.Linear(4, 1))
    model = ARDRegressor(module=mish, max_iter=1).fit(X, y)
    assert model.predict(X).shape == y.shape
    with pytest.raises(ValueError, match="Mish"):
        model.compact()
    with pytest.raises(ValueError, match="Mish"):
        model.to_onnx("never.onnx")


class Residual(nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.first = nn.Linear(n_inputs, n_inputs)
        self.last = nn.Linear(n_inputs, n_outputs)

    def forward(self, x):
        return self.last(x + torch.tanh(self.first(x)))


def test_a_network_with_branches_predicts_as_it_is(table):
    X, y = table
    model = ARDRegressor(module=Residual, max_iter=20, random_state=0).fit(X, y)
    outputs = model._fitted.targets.scaler_.inverse_transform(network_says(model, X))
    np.testing.assert_allclose(model.predict(X), outputs[:, 0], rtol=1e-5)
    pickle.loads(pickle.dumps(model)).predict(X)
    with pytest.raises(ValueError, match="Residual"):
        model.compact()
    assert model.compression_report().loc["first", ("units", "after")] == 12


def test_report_counts_what_was_asked_for_and_what_is_left(regressor, images):
    report = regressor.compression_report()
    assert list(report.index) == [
        "network.0", "network.2", "network.4", "linear", "total",
    ]  # fmt: skip
    assert report["weights"]["before"].tolist() == [384, 512, 16, 12, 924]
    assert report.loc["network.0", ("inputs", "after")] <= regressor.get_support().sum()
    left = report.loc["total", ("weights", "after")]
    assert left <= round((1 - regressor.sparsity_) * 924)
    assert report.loc["total", ("weights", "ratio")] == 924 / left
    assert "network.0" in report._repr_html_()

    report = images[0].compression_report()
    multiply_adds = [4 * 9 * 64, 8 * 4 * 9 * 16, 32 * 64, 64 * 64, 64 * 10]
    assert report["multiply_adds"]["before"].tolist()[:-1] == multiply_adds


def test_an_empty_model_predicts_reports_and_compacts(table):
    X, _ = table
    y = np.random.default_rng(0).normal(size=len(X))
    with pytest.warns(UserWarning, match="empty"):
        options = {"likelihood": "gaussian", "n_bins": 0, "random_state": 0}
        model = ARDRegressor(reg_factor=50, **options).fit(X, y)
    small = model.compact()
    np.testing.assert_array_equal(
        small.predict(X), np.full(len(X), model.predict(X)[0])
    )
    np.testing.assert_allclose(small.predict(X[:2]), y.mean())
    assert model.compression_report().loc["total", ("weights", "after")] == 0
