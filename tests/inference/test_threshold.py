"""set_threshold and threshold_curve: pruning a fitted model by other thresholds."""

import copy
import threading

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from skorch.callbacks import Callback

from sklearn_ard import ARDClassifier, ARDRegressor, threshold_curve
from sklearn_ard.nn import LogUniform, ard_layers


@pytest.fixture(scope="module")
def data():
    X = np.random.default_rng(0).normal(size=(300, 10))
    return X, np.abs(X[:, 3]) + X[:, 7]


@pytest.fixture(scope="module")
def fitted(data):
    return ARDRegressor((32,), random_state=0, max_iter=150).fit(*data)


@pytest.fixture
def model(fitted):
    return copy.deepcopy(fitted)


def test_lower_thresholds_keep_the_weights_below_them(model, data):
    before = model.sparsity_
    log_alpha = np.concatenate(
        [
            layer.log_alpha[layer.mask > 0].detach().numpy()
            for layer in ard_layers(model.net_.module_)
        ]
    )
    for threshold in np.quantile(log_alpha, [0.9, 0.5, 0.1]).tolist():
        model.set_threshold(threshold)
        total = 10 * 32 + 32 + 10
        assert model.sparsity_ == pytest.approx(
            1 - (log_alpha < threshold).sum() / total
        )
        assert model.sparsity_ >= before
        layers = ard_layers(model.net_.module_)
        read = sum(
            layer.keep().numpy().any(axis=0)
            for layer in layers
            if layer.in_features < 32
        )
        columns = model._fitted.trained.inputs
        np.testing.assert_array_equal(model.get_support()[columns], read > 0)
        assert not model.feature_importances_[~model.get_support()].any()


def test_going_back_undoes_it(model, fitted, data):
    X, _ = data
    model.set_threshold(-8.0)
    assert not np.array_equal(model.predict(X), fitted.predict(X))
    for threshold in (3.0, 8.0):
        model.set_threshold(threshold)
        np.testing.assert_array_equal(model.predict(X), fitted.predict(X))
        np.testing.assert_array_equal(model.get_support(), fitted.get_support())
        np.testing.assert_array_equal(
            model.feature_importances_, fitted.feature_importances_
        )


def test_nothing_left_is_said_and_predicts_the_mean(model, data):
    X, y = data
    with pytest.warns(UserWarning, match="log alpha below -50.*empty"):
        model.set_threshold(-50)
    np.testing.assert_allclose(model.predict(X), y.mean())
    assert model.sparsity_ == 1


def test_the_prior_of_the_user_is_left_alone(data):
    prior = LogUniform(threshold=2.0)
    model = ARDRegressor((8,), prior=prior, random_state=0, max_iter=30).fit(*data)
    model.set_threshold(0.0)
    assert prior.threshold == 2.0


def test_curve(fitted, data):
    X, y = data
    before = fitted.predict(X)
    curve = threshold_curve(fitted, X, y)
    assert list(curve) == ["threshold", "sparsity", "n_features", "score"]
    assert len(curve) == 10
    assert curve["sparsity"].is_monotonic_decreasing
    assert curve["n_features"].is_monotonic_increasing
    last = curve.iloc[-1]
    assert last["score"] == r2_score(y, before)
    assert last["n_features"] == 2
    np.testing.assert_array_equal(fitted.predict(X), before)
    curve = threshold_curve(
        fitted, X, y, thresholds=[-50, 3], scoring="neg_mean_squared_error"
    )
    assert curve["score"][0] == pytest.approx(-y.var())
    assert curve["n_features"].tolist() == [0, 2]


def test_curve_of_a_classifier(data):
    X, y = data
    model = ARDClassifier((16,), random_state=0, max_iter=80).fit(X, y > y.mean())
    curve = threshold_curve(model, X, y > y.mean(), thresholds=[-1, 3])
    assert curve["score"][1] == model.score(X, y > y.mean())


def test_bad_input(model, data):
    with pytest.raises(NotFittedError):
        ARDRegressor().set_threshold(1)
    with pytest.raises(NotFittedError):
        threshold_curve(ARDRegressor(), *data)
    for bad in ("low", np.nan, None):
        with pytest.raises(ValueError, match="'threshold'.*number"):
            model.set_threshold(bad)
    with pytest.raises(ValueError, match="'thresholds'.*at least one number"):
        threshold_curve(model, *data, thresholds=[])


def test_a_failure_leaves_the_priors_as_they_were(monkeypatch):
    X = np.random.default_rng(0).normal(size=(60, 4))
    model = ARDRegressor((8,), max_iter=20, random_state=0).fit(X, X[:, 1])
    layers = ard_layers(model.net_.module_)
    before = [layer.prior for layer in layers], model.predict(X)

    def fail(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("sklearn_ard.inference.compression.lower", fail)
    with pytest.raises(KeyboardInterrupt):
        model.set_threshold(-2.0)
    assert all(a.prior is b for a, b in zip(layers, before[0], strict=True))
    assert np.array_equal(model.predict(X), before[1])


class _Locked(Callback):
    """Cannot be copied or pickled."""

    def __init__(self):
        self.lock = threading.Lock()


def test_only_the_network_is_copied():
    X = np.random.default_rng(0).normal(size=(60, 4))
    options = {"max_iter": 20, "n_bins": 0, "random_state": 0}
    model = ARDRegressor((8,), callbacks=[_Locked()], **options).fit(X, X[:, 1])
    net, before = model.net_, model.predict(X, return_std=True)
    model.set_threshold(-2.0)
    assert model.net_ is not net and not model.get_support().all()
    model.set_threshold(3.0)
    for found, expected in zip(model.predict(X, return_std=True), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert model.net_.history is net.history
    model.partial_fit(X, X[:, 1])
