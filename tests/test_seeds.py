"""Every random number comes from random_state, and torch's own state is left alone."""

import importlib
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from joblib import parallel_config
from problems import problem
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from torch import nn

from sklearn_ard import ARDRegressor, ARDRegressorCV, ard_path
from sklearn_ard._context import make_generators

QUICK = {"hidden_layer_sizes": (16,), "max_iter": 40, "random_state": 0}


def random_network(n_inputs, n_outputs):
    """A user's network with weights and noise of torch's own."""
    return nn.Sequential(
        nn.Linear(n_inputs, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, n_outputs)
    )


KINDS = {
    "dense": {},
    "wide": {"hidden_layer_sizes": (200, 150)},
    "convolutions": {"input_shape": (2, 4), "conv_channels": (3,)},
    "callable": {"module": random_network},
    "ensemble": {"n_networks": 2},
    "dense first": {"dense_iter": 3},
}


@pytest.fixture
def no_global_seeds(monkeypatch):
    """Seeding, forking or restoring torch's state is an error."""
    importlib.import_module("torch._dynamo")  # which torch imports when it needs it

    def refuse(*args, **kwargs):
        raise AssertionError("torch's global random state is used")

    for name in ("manual_seed", "seed", "set_rng_state", "initial_seed"):
        monkeypatch.setattr(torch, name, refuse)
        monkeypatch.setattr(torch.random, name, refuse)
    monkeypatch.setattr(torch.random, "fork_rng", refuse)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_neither_reads_nor_writes_the_state_of_torch(
    estimator, kind, no_global_seeds
):
    X, y = problem(estimator)
    predictions = []
    for _ in range(2):
        torch.default_generator.manual_seed(len(predictions))
        before = torch.get_rng_state()
        model = estimator(**{**QUICK, **KINDS[kind]}).fit(X, y)
        if estimator is ARDRegressor:
            model.predict(X[:9], return_std=True)
        assert torch.equal(torch.get_rng_state(), before)
        predictions.append(model._outputs(X))
    assert np.array_equal(*predictions)


def test_chunks_paths_and_folds_leave_the_state_alone(no_global_seeds):
    X, y = problem(ARDRegressor)
    before = torch.get_rng_state()
    model = ARDRegressor(**QUICK)
    for rows in (slice(80), slice(80, 150)):
        model.partial_fit(X[rows], y[rows])
    ard_path(X, y, estimator=ARDRegressor(**QUICK), reg_factors=[0.3, 1.0])
    ARDRegressorCV(reg_factors=[0.3, 1.0], cv=2, n_networks=2, **QUICK).fit(X, y)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("backend", ["threading", "loky", "multiprocessing"])
def test_scores_do_not_depend_on_where_the_folds_are_fitted(estimator, backend):
    X, y = problem(estimator)
    model = estimator(**QUICK)
    expected = cross_val_score(model, X, y, cv=3)
    with parallel_config(backend=backend, n_jobs=2):
        found = cross_val_score(model, X, y, cv=3)
    np.testing.assert_array_equal(found, expected)


def test_fits_and_predictions_in_threads_are_those_of_one_thread():
    X, y = problem(ARDRegressor)
    models = [ARDRegressor(**{**QUICK, "random_state": k}) for k in range(8)]
    expected = [clone(model).fit(X, y) for model in models]
    state, n_threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda model: model.fit(X, y), models))
            assert set(pool.map(lambda _: torch.get_num_threads(), range(32))) == {2}
        with ThreadPoolExecutor(4) as pool:
            stds = list(pool.map(lambda m: m.predict(X, return_std=True)[1], found))
            assert set(pool.map(lambda _: torch.get_num_threads(), range(32))) == {2}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(n_threads)
    assert torch.equal(torch.get_rng_state(), state)
    for model, std, other in zip(found, stds, expected, strict=True):
        assert np.array_equal(model.predict(X), other.predict(X))
        assert np.array_equal(std, other.predict(X, return_std=True)[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_fitted_network_is_in_evaluation_mode(estimator, kind):
    X, y = problem(estimator)
    model = estimator(**{**QUICK, **KINDS[kind]}).fit(X, y)
    assert not any(part.training for part in model.net_.module_.modules())
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again._outputs(X), model._outputs(X))


def test_later_chunks_get_other_numbers_than_the_first():
    """The same noise for every chunk would be fitted like a signal."""
    seeds = [make_generators(0, turn=turn).cpu.initial_seed() for turn in (0, 1, 2, 1)]
    assert len({*seeds}) == 3 and seeds[1] == seeds[3]
