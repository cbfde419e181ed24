"""The same numbers from every backend of joblib."""

import numpy as np
import pytest
from joblib import parallel_config
from problems import problem
from sklearn.linear_model import Lasso
from sklearn.model_selection import GridSearchCV

from sklearn_ard import ARDRegressor, ARDRegressorCV, StabilitySelection

QUICK = {"hidden_layer_sizes": (3,), "max_iter": 10, "n_bins": 0, "random_state": 0}


def select(**options):
    X, y = problem(ARDRegressor)
    model = StabilitySelection(random_state=0, n_pairs=2, threshold=1.0, **options)
    return model.fit(X, y).probabilities_


def select_by_networks():
    model = ARDRegressor(**{**QUICK, "batch_size": 16, "max_iter": 60})
    return select(estimator=model, values=[1.0, 20.0])


def select_by_lasso():
    return select(estimator=Lasso(), param="alpha", values=[0.1, 0.4])


def cross_validate():
    X, y = problem(ARDRegressor)
    model = ARDRegressorCV(**QUICK, reg_factors=[1.0, 20.0], cv=3).fit(X, y)
    return model.cv_results_["mean_test_score"], model.predict(X)


def cross_validate_ensembles():
    X, y = problem(ARDRegressor)
    options = {**QUICK, "n_networks": 2, "reg_factors": [1.0, 2.0], "cv": 2}
    return ARDRegressorCV(**options).fit(X, y).predict(X)


def search():
    X, y = problem(ARDRegressor)
    grid = {"reg_factor": [1.0, 20.0]}
    model = GridSearchCV(ARDRegressor(**QUICK), grid, cv=2).fit(X, y)
    return model.cv_results_["mean_test_score"], model.predict(X)


CALLS = (
    select_by_networks,
    select_by_lasso,
    cross_validate,
    cross_validate_ensembles,
    search,
)


@pytest.mark.parametrize(
    "backend",
    [
        "threading",
        *(pytest.param(b, marks=pytest.mark.slow) for b in ("loky", "multiprocessing")),
    ],
)
def test_the_same_numbers_as_one_after_the_other(backend):
    for call in (select_by_networks, select_by_lasso, cross_validate):
        expected = call()
        with parallel_config(backend, n_jobs=2):
            found = call()
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        with distributed.Client(cluster) as client:
            yield client


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed")
@pytest.mark.parametrize("call", CALLS)
def test_the_same_numbers_on_a_cluster(call, cluster):
    expected = call()
    with parallel_config("dask", n_jobs=-1):
        found = call()
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    tasks = cluster.run(lambda dask_worker: len(dask_worker.state.log))
    assert len(tasks) == 2 and all(tasks.values())
