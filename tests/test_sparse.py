"""X and csr_array(X) of the same numbers are the same data set."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_ard import ARDClassifier, ARDRegressor, ARDRegressorCV, ard_path
from sklearn_ard.training import inputs

QUICK = {"hidden_layer_sizes": (16,), "max_iter": 120, "random_state": 0}


def data(estimator, n=200, d=12):
    """Rare numbers far from 0: without a centre they are learned badly."""
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(n, d)) + 3) * (rng.random((n, d)) < 0.4)
    y = X[:, 1] - np.abs(X[:, 4] - 2) + 0.1 * rng.normal(size=n)
    return X, (y > y.mean()).astype(int) if estimator is ARDClassifier else y


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("container", [sp.csr_array, sp.csc_matrix, sp.coo_array])
def test_the_model_is_the_same_bit_for_bit(
    estimator, container, in_memory, monkeypatch
):
    X, y = data(estimator)
    expected = estimator(**QUICK).fit(X, y)
    if not in_memory:
        for file in ("batches", "training_set"):
            monkeypatch.setattr(f"sklearn_ard.data.{file}.LARGEST_COPY", 0)
    found = estimator(**QUICK).fit(container(X), y)
    assert np.array_equal(found.get_support(), expected.get_support())
    assert found.elbo_ == expected.elbo_
    assert np.array_equal(found._outputs(X), expected._outputs(X))
    assert np.array_equal(found._outputs(container(X)), expected._outputs(X))
    assert found.score(container(X), y) > 0.8


def test_chunks_weights_paths_and_folds_are_the_same():
    X, y = data(ARDRegressor)
    S, weight = sp.csr_array(X), np.arange(len(y)) % 3
    online = [ARDRegressor(**QUICK), ARDRegressor(**QUICK)]
    for rows in (slice(120), slice(120, 200)):
        online[0].partial_fit(X[rows], y[rows], sample_weight=weight[rows])
        online[1].partial_fit(S[rows], y[rows], sample_weight=weight[rows])
    assert np.array_equal(online[0].predict(X), online[1].predict(S))
    options = {"estimator": ARDRegressor(**QUICK), "reg_factors": [0.2, 1.0]}
    paths = [ard_path(part, y, **options) for part in (X, S)]
    assert np.array_equal(paths[0].relevance, paths[1].relevance)
    cv = [
        ARDRegressorCV(reg_factors=[0.3, 1.0], cv=2, **QUICK).fit(part, y)
        for part in (X, S)
    ]
    scores = [model.cv_results_["mean_test_score"] for model in cv]
    assert np.array_equal(*scores)


def test_sparse_weights_are_copies():
    X, y = data(ARDRegressor, n=60)
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    weighted = ARDRegressor(**QUICK).fit(sp.csr_array(X), y, sample_weight=weight)
    copied = ARDRegressor(**QUICK).fit(
        sp.csr_array(np.repeat(X, weight, axis=0)), np.repeat(y, weight)
    )
    assert np.array_equal(weighted.predict(X), copied.predict(X))


def test_standard_deviations_and_onnx_are_the_same(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    X, y = data(ARDRegressor)
    model = ARDRegressor(**QUICK).fit(sp.csr_array(X), y)
    dense, sparse = (
        model.predict(part, return_std=True) for part in (X, sp.csr_array(X))
    )
    assert np.array_equal(dense[0], sparse[0]) and np.array_equal(dense[1], sparse[1])
    model.to_onnx(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (found,) = session.run(["prediction"], {"X": X})
    np.testing.assert_allclose(found, dense[0], rtol=1e-4, atol=1e-4)


def wide(estimator, n=300, d=3000):
    """Many rare columns, of which two matter; a third one beside them, by residuals."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.1)
    X[:, [7, 1500, 2999]] = rng.normal(size=(n, 3)) * (rng.random((n, 3)) < 0.5)
    y = 4 * X[:, 7] + np.abs(X[:, 1500]) * 4 + 0.6 * X[:, 2999]
    y += 0.1 * rng.normal(size=n)
    if estimator is ARDClassifier:
        y = np.digitize(y, np.quantile(y, [0.3, 0.7]))
    return sp.csr_array(X), y


def test_of_very_many_columns_some_are_chosen_before(estimator, monkeypatch):
    X, y = wide(estimator)
    monkeypatch.setattr(inputs, "MAX_INPUTS", 200)
    monkeypatch.setattr(inputs, "MIN_SCREENED", 20)
    offered = []
    real = inputs.offered

    def record(task):
        offered.append(real(task))
        return offered[-1]

    monkeypatch.setattr("sklearn_ard.training.recipe.offered", record)
    model = estimator(random_state=0).fit(X, y)
    assert 20 <= offered[0].sum() <= 200 and offered[0][[7, 1500]].all()
    kept = set(model.get_support(indices=True).tolist())
    assert {7, 1500} <= kept
    if estimator is ARDRegressor:  # by the residuals of the first network, at least
        assert kept == {7, 1500, 2999}


def test_as_few_columns_as_a_network_reads_are_all_offered(monkeypatch):
    X, y = data(ARDRegressor)
    monkeypatch.setattr(inputs, "MAX_INPUTS", 12)
    model = ARDRegressor(**QUICK).fit(X, y)
    expected = ARDRegressor(**QUICK)
    monkeypatch.undo()
    assert np.array_equal(model.predict(X), expected.fit(X, y).predict(X))
