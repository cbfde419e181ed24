"""What is set in the process changes nothing, and stays as it is."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch

from sklearn_ard import (
    ARDClassifier,
    ARDRegressor,
    ARDRegressorCV,
    StabilitySelection,
    ard_path,
    threshold_curve,
)

FAST = {
    "hidden_layer_sizes": (6,),
    "max_iter": 40,
    "batch_size": 20,
    "n_bins": 0,
    "random_state": 0,
}
REGRESSION = {"likelihood": "skew_t", **FAST}


@contextmanager
def float64():
    torch.set_default_dtype(torch.float64)
    try:
        yield
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def meta():
    torch.set_default_device("meta")
    try:
        yield
        assert torch.get_default_device() == torch.device("meta")
    finally:
        torch.set_default_device(None)


@contextmanager
def inference():
    with torch.inference_mode():
        yield
        assert torch.is_inference_mode_enabled()


@contextmanager
def autocast():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        yield
        assert torch.is_autocast_enabled("cpu")


@contextmanager
def without_gradients():
    with torch.no_grad():
        yield
        assert not torch.is_grad_enabled()


STATES = {
    "float64": float64,
    "meta": meta,
    "device": lambda: torch.device("meta"),
    "inference": inference,
    "autocast": autocast,
    "no_grad": without_gradients,
}


def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4))
    return X, X[:, 0] + 0.1 * rng.normal(size=120)


def regressor():
    return ARDRegressor(**REGRESSION)


def fit():
    X, y = table()
    model = regressor().fit(X, y)
    mean, std = model.predict(X, return_std=True)
    return mean, std, model.predict_quantiles(X, [0.1]), model.elbo_


def fit_classes():
    X, y = table()
    model = ARDClassifier(**FAST).fit(X, y > 0)
    return model.predict_proba(X), model.compact().predict_proba(X)


def fit_images():
    X, y = table()
    options = {"input_shape": (1, 2, 2), "conv_channels": (3,), "kernel_size": 1}
    return ARDClassifier(**FAST, **options).fit(X, y > 0).predict_proba(X)


def fit_module():
    X, y = table()
    model = ARDRegressor(module=_module, **FAST).fit(X, y)
    return model.predict(X), model.elbo_


def _module(n_inputs, n_outputs):
    return torch.nn.Sequential(
        torch.nn.Linear(n_inputs, 5),
        torch.nn.Dropout(0.1),
        torch.nn.Tanh(),
        torch.nn.Linear(5, n_outputs),
    )


def fit_ensemble():
    X, y = table()
    model = ARDRegressor(n_networks=2, likelihood="gaussian", **FAST).fit(X, y)
    return model.predict(X, return_std=True)


def fit_chunks():
    X, y = table()
    model = regressor()
    for rows in (slice(0, 60), slice(60, 120)):
        model.partial_fit(X[rows], y[rows])
    return model.predict(X), model.elbo_


def compare_candidates():
    X, y = table()
    options = {**FAST, "n_bins": "auto", "max_iter": 150}
    model = ARDRegressor(likelihood="auto", **options).fit(X, y)
    return model.predict(X), model.candidates_["log_density"].to_numpy()


def set_threshold():
    X, y = table()
    model = ARDRegressor(likelihood="gaussian", **FAST).fit(X, y)
    report = model.compression_report().to_numpy(dtype=str)
    curve = threshold_curve(model, X, y).to_numpy(dtype=float)
    return report, curve, model.set_threshold(1.0).predict(X)


def walk():
    X, y = table()
    path = ard_path(X, y, estimator=regressor(), reg_factors=[0.5, 1.0])
    return path.elbo, path.relevance


def cross_validate():
    X, y = table()
    model = ARDRegressorCV(reg_factors=[0.5, 1.0], cv=2, **REGRESSION).fit(X, y)
    return model.predict(X), model.cv_results_["mean_test_score"]


def select():
    X, y = table()
    model = StabilitySelection(
        regressor(), values=[1.0], n_pairs=2, threshold=1.0, random_state=0
    )
    return model.fit(X, y).probabilities_


CALLS = (
    fit,
    fit_classes,
    fit_images,
    fit_module,
    fit_ensemble,
    fit_chunks,
    compare_candidates,
    set_threshold,
    walk,
    cross_validate,
    select,
)
USUAL = {}
slow = pytest.mark.slow


SHORT = {fit, fit_chunks, set_threshold}
CASES = [
    pytest.param(
        state,
        call,
        id=f"{state}-{call.__name__}",
        marks=() if call in SHORT or state in ("float64", "inference") else slow,
    )
    for state in STATES
    for call in CALLS
]


@pytest.mark.parametrize(("state", "call"), CASES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_state_of_the_process_changes_nothing(state, call):
    if call not in USUAL:
        USUAL[call] = call()
    expected = USUAL[call]
    with STATES[state]():
        found = call()
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
