import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import AdaBoostClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.utils import compute_sample_weight

from sklearn_ard import ARDClassifier


def blobs(labels, n=120, seed=0):
    """The first two columns tell the classes apart."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(len(labels), size=n)
    X = rng.normal(size=(n, 6))
    angle = 2 * np.pi * codes / len(labels)
    X[:, 0] += 4 * np.cos(angle)
    X[:, 1] += 4 * np.sin(angle)
    return X, np.asarray(labels)[codes]


@pytest.mark.parametrize(
    "labels",
    [[0, 1], [-5, 7, 300], ["no", "yes"], [True, False], [1.0, 2.0, 3.0, 4.0]],
    ids=str,
)
def test_any_labels(labels):
    X, y = blobs(labels)
    model = ARDClassifier(random_state=0).fit(X, y)
    assert model.classes_.tolist() == sorted(labels)
    assert model.predict(X).dtype == y.dtype
    assert model.score(X, y) > 0.93
    proba = model.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    assert np.array_equal(model.classes_[proba.argmax(axis=1)], model.predict(X))
    assert set(model.get_support(indices=True)) <= {0, 1}


def test_iris():
    X, y = load_iris(return_X_y=True)
    assert ARDClassifier(random_state=0).fit(X, y).score(X, y) > 0.93


@pytest.mark.parametrize("class_weight", ["balanced", {"a": 3.0, "b": 1.0, "c": 0.5}])
def test_class_weights_are_sample_weights(class_weight):
    X, y = blobs(["a", "b", "c"])
    X, y = X[10:], y[10:]
    weight = compute_sample_weight(class_weight, y)
    by_class = ARDClassifier(class_weight=class_weight, max_iter=20, random_state=0)
    by_class.fit(X, y)
    by_row = ARDClassifier(max_iter=20, random_state=0).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(
        by_class.predict_proba(X), by_row.predict_proba(X), atol=1e-5
    )


def test_balanced_classes_count_weights_as_copies():
    X, y = blobs(["a", "b"])
    weight = np.random.default_rng(0).integers(0, 4, size=len(y))
    model = ARDClassifier(class_weight="balanced", max_iter=20, random_state=0)
    weighted = model.fit(X, y, sample_weight=weight).predict_proba(X)
    copies = model.fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert np.array_equal(weighted, copies.predict_proba(X))


def test_empty_model_predicts_the_weighted_frequencies():
    X, y = blobs(["a", "b", "c"])
    weight = np.random.default_rng(0).random(len(y))
    model = ARDClassifier(feature_cost=1e9, random_state=0)
    with pytest.warns(UserWarning, match="No input is worth its price"):
        model.fit(X, y, sample_weight=weight)
    share = np.array([weight[y == label].sum() for label in "abc"]) / weight.sum()
    np.testing.assert_allclose(
        model.predict_proba(X), np.tile(share, (len(X), 1)), rtol=1e-14
    )
    assert set(model.predict(X)) == {"abc"[share.argmax()]}
    expected = weight.sum() * np.sum(share * np.log(share))
    assert model.elbo_ == pytest.approx(expected)


def test_a_class_without_weight_is_absent():
    X, y = blobs(["a", "b", "c"])
    model = ARDClassifier(max_iter=5, random_state=0)
    model.fit(X, y, sample_weight=(y != "b").astype(float))
    assert model.classes_.tolist() == ["a", "c"]


def test_one_class_is_an_error():
    X, y = blobs(["a", "b"])
    with pytest.raises(
        ValueError, match=r"at least 2 classes in y. Got 1 class.*\['b'"
    ):
        ARDClassifier().fit(X[y == "b"], y[y == "b"])
    with pytest.raises(ValueError, match="at least 2 classes in y. Got 1 class"):
        ARDClassifier().fit(X, y, sample_weight=(y == "b").astype(float))


def test_partial_fit_wants_all_classes_first():
    X, y = blobs(["a", "b"])
    with pytest.raises(ValueError, match="'classes' parameter must be given"):
        ARDClassifier().partial_fit(X, y)
    model = ARDClassifier().partial_fit(X, y, classes=["a", "b", "c"])
    assert model.predict_proba(X).shape == (len(X), 3)
    with pytest.raises(ValueError, match="'classes' parameter must be the same"):
        model.partial_fit(X, y, classes=["a", "b"])
    with pytest.raises(ValueError, match=r"labels out of \['a' 'b' 'c'\]. Got \['d'\]"):
        model.partial_fit(X, np.full(len(X), "d"))


def test_continuous_targets_are_no_classes():
    X, _ = blobs([0, 1])
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        ARDClassifier().fit(X, X[:, 0])


@pytest.mark.parametrize(
    "class_weight",
    [{0: np.nan, 1: 1}, {0: -1, 1: 1}, {0: 0, 1: 0}, {0: np.inf, 1: 1}, {0: "x", 1: 1}],
)
def test_weights_of_classes_are_checked(class_weight):
    X, y = np.arange(20.0)[:, None], np.arange(20) % 2
    with pytest.raises(ValueError, match="'class_weight' parameter must have finite"):
        ARDClassifier(class_weight=class_weight, max_iter=5).fit(X, y)


def test_boosting_runs():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = (X[:, 0] + 0.3 * rng.normal(size=200) > 0).astype(int)
    base = ARDClassifier((8,), n_bins=0, max_iter=60, random_state=0)
    model = AdaBoostClassifier(base, n_estimators=2, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.9


def test_logarithms_of_probabilities():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    model = ARDClassifier((8,), n_bins=0, max_iter=60, random_state=0)
    model.fit(X, X[:, 0] > 0)
    found = model.predict_log_proba(X)
    np.testing.assert_allclose(np.exp(found), model.predict_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(model.compact().predict_log_proba(X), found)
    far = model.predict_log_proba(1e6 * X)
    assert np.isfinite(far).all() and far.min() < -1000
    picked = SelectFromModel(model.compact(), prefit=True, threshold=1e-9)
    np.testing.assert_array_equal(picked.get_support(), model.get_support())
