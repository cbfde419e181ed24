"""all_relevant: copies, stand-ins, and columns that say nothing."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Lasso

from sklearn_ard import ARDClassifier, ARDRegressor
from sklearn_ard.inspection import all_relevant

FAST = {"n_bins": 0, "random_state": 0, "batch_size": 20, "max_iter": 200}


class First(SelectorMixin, BaseEstimator):
    """Picks the first column that varies, of the first four."""

    def fit(self, X, y, sample_weight=None):
        varies = np.ptp(np.asarray(X, dtype=float), axis=0) > 0
        self.mask_ = varies & (np.cumsum(varies) == 1)
        self.mask_[4:] = False
        self.weight_ = sample_weight
        return self

    def _get_support_mask(self):
        return self.mask_


def test_stand_ins_are_found_and_named():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 6)), columns=list("abcdef"))
    X["place"] = pd.Categorical(rng.choice(["u", "v", "w"], 300))
    y = X.a + X.b**2 + 2 * (X.place == "u") + 0.3 * rng.normal(size=300)
    X["e"] = X.a**3  # the same, by other words
    X["town"] = X.place.astype(str)
    model = ARDRegressor((16,), likelihood="gaussian", **FAST)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = all_relevant(model, X, y)
    assert frame.index[frame.relevant].tolist() == ["a", "b", "e", "place", "town"]
    pairs = frame.loc[["a", "e"], "round"].tolist()
    assert sorted(pairs) == [1, 2]
    second = frame.loc[["a", "e"]].query("round == 2")
    assert second.stands_in_for.tolist() in ([("a",)], [("e",)])
    second = frame.loc[["place", "town"]].query("round == 2")
    assert second.stands_in_for.tolist() in ([("place",)], [("town",)])
    assert frame.loc["b", "stands_in_for"] == ()
    assert (frame.nats[frame.relevant] > 1).all()
    assert frame.nats[~frame.relevant].isna().all()


def test_copies_are_all_relevant():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6))
    X[:, 3] = X[:, 5] = X[:, 1]
    y = (X[:, 1] > 0).astype(int)
    frame = all_relevant(ARDClassifier((8,), **FAST), X, y)
    assert np.flatnonzero(frame.relevant).tolist() == [1, 3, 5]
    assert sorted(frame["round"][frame.relevant]) == [1, 2, 3]
    first = frame.index[frame["round"] == 1].item()
    assert set(frame.stands_in_for[frame["round"] > 1]) == {(first,)}


def test_nothing_is_relevant_to_noise():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 10)), rng.normal(size=200)
    with pytest.warns(UserWarning, match="model is empty"):
        frame = all_relevant(ARDRegressor(likelihood="gaussian", **FAST), X, y)
    assert not frame.relevant.any() and (frame["round"] == 0).all()


def test_rounds_end():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 8)), rng.normal(size=100)
    model = First()
    frame = all_relevant(model, X, y, max_rounds=1)
    assert frame["round"].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert frame.nats.isna().all()  # it has no feature_importances_


def test_table_and_estimator_stay_as_they_are():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 8)), rng.normal(size=100)
    before, model = X.copy(), First()
    frame = all_relevant(model, X, y, sample_weight=np.ones(100), max_rounds=3)
    assert frame["round"].tolist()[:3] == [1, 2, 3]
    np.testing.assert_array_equal(X, before)
    assert not hasattr(model, "mask_")


def test_required_features_are_found_first():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 4))
    X[:, 3] = X[:, 1]
    model = ARDRegressor((), likelihood="gaussian", required_features=[2], **FAST)
    frame = all_relevant(model, X, X[:, 0] + X[:, 1])
    assert frame["round"].tolist() == [1, 1, 1, 2]
    with pytest.raises(ValueError, match="must not be frozen"):
        all_relevant(FrozenEstimator(First().fit(X, X[:, 0])), X, X[:, 0])


def test_bad_input_is_refused():
    X, y = np.ones((10, 2)), np.arange(10)
    with pytest.raises(ValueError, match="'estimator' parameter of all_relevant"):
        all_relevant(Lasso(), X, y)
    with pytest.raises(ValueError, match="'max_rounds' parameter"):
        all_relevant(First(), X, y, max_rounds=0)
    with pytest.raises(ValueError, match="X must be dense.*csr"):
        all_relevant(First(), sp.csr_array(X), y)
