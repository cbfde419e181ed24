"""scikit-learn's configuration: array API, routing, workers."""

import os
import subprocess
import sys

import numpy as np
import pytest
from problems import problem
from sklearn import config_context, get_config
from sklearn.base import clone
from sklearn.linear_model import Lasso
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ard import ARDClassifier, ARDRegressor, ARDRegressorCV, StabilitySelection

QUICK = {"hidden_layer_sizes": (3,), "max_iter": 4, "n_bins": 0, "random_state": 0}
SEARCH = {**QUICK, "reg_factors": [1.0, 2.0], "cv": 2}

DISPATCH = """
import numpy as np, torch
from sklearn import config_context
from sklearn_ard import ARDRegressor, StabilitySelection

X = np.random.default_rng(0).normal(size=(60, 3))
y = X[:, 0]
model = ARDRegressor((3,), max_iter=4, n_bins=0, random_state=0)
usual = model.fit(X, y).predict(X)
with config_context(array_api_dispatch=True):
    np.testing.assert_array_equal(model.fit(X, y).predict(X), usual)
    assert np.isfinite(model.score(X, y))
    selection = StabilitySelection(model, values=[10.0], n_pairs=2, threshold=1.0)
    selection.fit(X, y)
    for fit, rows in (
        (model.fit, (torch.tensor(X), y)),
        (model.fit, (X, torch.tensor(y))),
        (model.partial_fit, (X, y, torch.ones(60))),
        (selection.fit, (torch.tensor(X), torch.tensor(y))),
    ):
        try:
            fit(*rows)
        except TypeError as error:
            print(error)
"""


def test_other_arrays_than_those_of_numpy_are_not_dispatched():
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    printed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DISPATCH],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name, line in zip(
        ("X", "y", "sample_weight", "X or y"), printed.splitlines(), strict=True
    ):
        assert line.startswith(f"{name} must be an array of numpy"), line
        assert "Got a torch.Tensor instead. Convert it, or set array_api_d" in line


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def test_weights_are_routed_through_a_pipeline_and_a_search(estimator, routing):
    X, y = problem(estimator)
    weight = np.arange(150) % 3 + 1.0
    model = estimator(**QUICK).set_fit_request(sample_weight=True)
    model.set_score_request(sample_weight=True)
    pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
    alone = clone(model).fit(StandardScaler().fit_transform(X), y, weight)
    pipe.fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(pipe[-1].elbo_, alone.elbo_)
    search = GridSearchCV(model, {"reg_factor": [1.0, 2.0]}, cv=2)
    search.fit(X, y, sample_weight=weight)
    best = clone(model).set_params(**search.best_params_).fit(X, y, weight)
    assert search.best_estimator_.elbo_ == best.elbo_
    model.set_fit_request(sample_weight=False)
    pipe = make_pipeline(model)
    with pytest.raises(TypeError, match="unexpected argument.*sample_weight"):
        pipe.fit(X, y, sample_weight=weight)


def test_chunks_are_routed(routing):
    model = ARDClassifier().set_partial_fit_request(classes=True, sample_weight=True)
    request = model.get_metadata_routing().partial_fit.requests
    assert request == {"classes": True, "sample_weight": True}


def test_weights_and_groups_are_routed_to_stability_selection(routing):
    X, y = problem(ARDRegressor)
    weight, groups = np.arange(150) % 3 + 1.0, np.arange(150) // 3
    options = {"values": [0.3], "n_pairs": 2, "threshold": 1.0, "random_state": 0}
    selection = StabilitySelection(Lasso(), param="alpha", **options)
    selection.set_fit_request(sample_weight=True, groups=True)
    alone = clone(selection).fit(X, y, weight, groups)
    pipe = make_pipeline(selection, ARDRegressor(**QUICK))
    pipe[-1].set_fit_request(sample_weight=True)
    pipe.fit(X, y, sample_weight=weight, groups=groups)
    np.testing.assert_array_equal(pipe[0].probabilities_, alone.probabilities_)


def test_weights_are_routed_within_the_selector(routing):
    X, y = problem(ARDRegressor)
    weight = np.arange(150) % 3 + 1.0
    options = {"values": [0.3], "n_pairs": 2, "threshold": 1.0, "random_state": 0}
    lasso = Lasso().set_fit_request(sample_weight=True)
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    pipe = make_pipeline(scaler, lasso)
    selection = StabilitySelection(pipe, param="lasso__alpha", **options)
    found = selection.fit(X, y, sample_weight=weight)
    with config_context(enable_metadata_routing=False):
        usual = clone(selection).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(found.probabilities_, usual.probabilities_)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_configuration_reaches_workers(n_jobs):
    X, y = problem(ARDRegressor)
    options = {**SEARCH, "scoring": lambda *rows: float(get_config()["assume_finite"])}
    model = ARDRegressorCV(**options, n_jobs=n_jobs)
    with config_context(assume_finite=True):
        assert model.fit(X, y).best_score_ == 1.0
    assert model.fit(X, y).best_score_ == 0.0
