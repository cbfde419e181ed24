"""Conditional importance: nats and p-values against known truths."""

import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.exceptions import DataConversionWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import GroupKFold, LeaveOneOut, RepeatedKFold

from sklearn_ard import ARDClassifier, ARDRegressor, ARDRegressorCV
from sklearn_ard.inspection import conditional_importance, knockoffs
from sklearn_ard.inspection.samples import Table, default_models

FAST = {"n_bins": 0, "likelihood": "gaussian", "random_state": 0}


class Truth(RegressorMixin, BaseEstimator):
    """Knows that y is 2 x0 plus standard normal noise."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return 2 * X[:, 0]

    def log_density(self, X, y):
        return stats.norm.logpdf(y, self.predict(X))


def correlated(n, correlation, seed=0, d=3):
    rng = np.random.default_rng(seed)
    covariance = np.full((d, d), correlation) + (1 - correlation) * np.eye(d)
    X = rng.multivariate_normal(np.zeros(d), covariance, size=n)
    return X, rng


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_nats_are_what_the_truth_loses_without_the_column(correlation):
    X, rng = correlated(4000, correlation)
    y = 2 * X[:, 0] + rng.normal(size=len(X))
    frame = conditional_importance(Truth(), X, y, cv=2, regressor=RidgeCV())
    # the mean of (2 x - 2 x')² / 2, of two draws given the other columns
    inverse = np.linalg.inv(
        np.full((3, 3), correlation) + (1 - correlation) * np.eye(3)
    )
    expected = 4 * len(X) / inverse[0, 0]
    assert frame.nats[0] == pytest.approx(expected, abs=4 * frame.std_error[0])
    assert frame.std_error[0] < 0.1 * expected
    assert (frame.nats[1:] == 0).all() and (frame.p_value[1:] == 1).all()
    assert frame.selected.tolist() == [True, False, False]


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_p_values_of_columns_that_say_nothing_are_uniform_at_least(correlation):
    found = []
    for seed in range(40):
        X, rng = correlated(200, correlation, seed)
        y = (rng.random(200) < 1 / (1 + np.exp(-3 * X[:, 0]))).astype(int)
        frame = conditional_importance(
            LogisticRegression(), X, y, cv=2, regressor=RidgeCV(), random_state=seed
        )
        assert frame.p_value[0] < 0.05
        found.extend(frame.p_value[1:])
    # of 80 p-values: four standard errors
    for level in (0.05, 0.2, 0.5):
        most = level + 4 * np.sqrt(level * (1 - level) / len(found))
        assert np.mean(np.array(found) < level) < most


def test_decisions_are_those_of_scipy():
    X, y = load_diabetes(return_X_y=True)
    model = LogisticRegression()
    y = (y > np.median(y)).astype(int)
    options = {"cv": 2, "regressor": RidgeCV(), "random_state": 0}
    frame = conditional_importance(model, X, y, fdr=0.2, **options)
    strict = conditional_importance(model, X, y, fdr_control="by", **options)
    for each, name, level in ((frame, "bh", 0.2), (strict, "by", 0.1)):
        expected = stats.false_discovery_control(each.p_value, method=name)
        np.testing.assert_array_equal(each.adjusted_p_value, expected)
        np.testing.assert_array_equal(each.selected, expected <= level)
    np.testing.assert_array_equal(frame.p_value, strict.p_value)


def test_dropped_columns_are_not_tested():
    X, rng = correlated(200, 0.0)
    y = 2 * X[:, 0] + 0.5 * rng.normal(size=200)
    model = ARDRegressor((), max_iter=100, **FAST).fit(X, y)
    assert model.get_support(indices=True).tolist() == [0]
    frame = conditional_importance(FrozenEstimator(model), X, y, cv=2)
    assert frame.p_value[0] < 1e-10
    assert frame.p_value[1:].tolist() == [1, 1]


def test_a_frozen_model_is_not_fitted_again():
    X, rng = correlated(200, 0.0)
    y = 2 * X[:, 0] + 0.5 * rng.normal(size=200)
    model = ARDRegressor((), max_iter=100, **FAST).fit(X, y)
    before = model.predict(X)
    conditional_importance(FrozenEstimator(model), X, -y, cv=2, regressor=RidgeCV())
    np.testing.assert_array_equal(model.predict(X), before)


def mixed(n=300, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    X["place"] = pd.Categorical(rng.choice(["u", "v", "w"], n))
    X["word"] = np.where(rng.random(n) < 0.9, X.place.astype(str), "x")
    X["flag"] = rng.random(n) < 0.5
    X.loc[rng.random(n) < 0.2, "b"] = np.nan
    X.loc[rng.random(n) < 0.1, "place"] = np.nan
    return X, rng


def test_tables_of_all_kinds():
    X, rng = mixed()
    y = 2 * X.a + 2 * (X.place == "u") + X.b.isna() + 0.3 * rng.normal(size=len(X))
    model = ARDRegressor((8,), **FAST)
    frame = conditional_importance(model, X, y, cv=2, random_state=0)
    assert frame.index.tolist() == list(X)
    assert frame.selected[["a", "b", "place"]].all()
    assert not frame.selected["flag"]
    labels = np.where(y > y.median(), "high", "low")
    frame = conditional_importance(
        ARDClassifier((8,), n_bins=0, random_state=0), X, labels, cv=2, random_state=0
    )
    assert frame.selected["a"]


def test_draws_have_the_distribution_given_the_others():
    X, rng = mixed(4000)
    X["c"] = 2 * X.a + rng.normal(size=len(X))
    table, half = Table(X), np.arange(2000)

    def drawn(name):
        j = table.names.index(name)
        draws = table.draws(j, half, half + 2000, default_models(0), 5, rng)
        assert draws.shape == (5, 2000)
        tables = [table.with_column(X.iloc[2000:], j, draw) for draw in draws]
        for each in tables:
            assert each.dtypes.equals(X.dtypes)
            pd.testing.assert_frame_equal(
                each.drop(columns=name), X.iloc[2000:].drop(columns=name)
            )
        return pd.concat(tables)

    again = drawn("c")
    slope, intercept = np.polyfit(again.a, again.c, 1)
    assert slope == pytest.approx(2, abs=0.05)
    assert (again.c - slope * again.a).std() == pytest.approx(1, abs=0.05)
    again = drawn("b")
    assert again.b.isna().mean() == pytest.approx(0.2, abs=0.03)
    assert again.b.std() == pytest.approx(1, abs=0.05)
    again = drawn("word")
    same = again[again.place.notna() & (again.word != "x")]
    assert (same.word == same.place.astype(str)).mean() > 0.95
    assert (again.word == "x").mean() == pytest.approx(0.1, abs=0.03)
    again = drawn("place")
    assert again.place.isna().mean() == pytest.approx(0.1, abs=0.03)


def test_jobs_and_seeds():
    X, rng = correlated(200, 0.5)
    y = (X[:, 0] + rng.normal(size=200) > 0).astype(int)

    def frame(seed, **options):
        return conditional_importance(
            LogisticRegression(),
            X,
            y,
            random_state=seed,
            regressor=RidgeCV(),
            **options,
        )

    pd.testing.assert_frame_equal(frame(0), frame(0, n_jobs=2))
    pd.testing.assert_frame_equal(frame(0), frame(0, cv=5))
    assert not frame(0).equals(frame(1))


def test_one_column_is_drawn_whatever_else():
    X, rng = correlated(300, 0.0, d=1)
    y = (X[:, 0] + 0.3 * rng.normal(size=300) > 0).astype(int)
    frame = conditional_importance(LogisticRegression(), X, y, cv=2, random_state=0)
    assert frame.selected.tolist() == [True]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"fdr": 1.5}, "'fdr' parameter of conditional_importance"),
        ({"n_draws": 0}, "'n_draws' parameter"),
        ({"fdr_control": "storey"}, "'fdr_control' parameter"),
        ({"regressor": "ridge"}, "'regressor' parameter"),
        ({"y": [1, 2]}, r"one target per row of X, 442. Got an array of shape \(2,\)"),
        ({"estimator": RandomForestRegressor()}, "must have log_density. Got a Rand"),
        ({"X": np.zeros(442)}, r"table with rows and columns.*shape \(442,\)"),
    ],
)
def test_bad_input_is_refused(change, match):
    X, y = load_diabetes(return_X_y=True)
    given = {"estimator": Truth(), "X": X, "y": y, **change}
    with pytest.raises(ValueError, match=match):
        conditional_importance(**given)


def test_y_of_a_classifier_may_be_a_column():
    X, rng = correlated(100, 0.0)
    y = np.where(X[:, 0] + 0.3 * rng.normal(size=100) > 0, "yes", "no")
    options = {"cv": 2, "regressor": RidgeCV(), "random_state": 0}
    frame = conditional_importance(LogisticRegression(), X, y, **options)
    assert frame.selected[0]
    with pytest.warns(DataConversionWarning):
        again = conditional_importance(LogisticRegression(), X, y[:, None], **options)
    pd.testing.assert_frame_equal(frame, again)
    frozen = FrozenEstimator(LogisticRegression().fit(X, y))
    with pytest.raises(ValueError, match="classes that the estimator knows"):
        conditional_importance(frozen, X, np.char.upper(y), **options)


def test_rare_levels_counts_and_gaps():
    X, rng = correlated(120, 0.0)
    X[:, 1] = rng.poisson(1, 120)
    X[0, 1], X[3, 2] = 9, np.nan
    y = (X[:, 0] + X[:, 1] + 0.3 * rng.normal(size=120) > 1).astype(int)
    model = HistGradientBoostingClassifier(max_iter=20)
    frame = conditional_importance(model, X, y, cv=2, random_state=0)
    assert frame.selected[:2].all()


def test_folds_of_every_kind():
    X, rng = correlated(120, 0.0)
    y = (X[:, 0] + 0.3 * rng.normal(size=120) > 0).astype(int)

    def frame(cv, **options):
        options = {"regressor": RidgeCV(), "random_state": 0, **options}
        return conditional_importance(LogisticRegression(), X, y, cv=cv, **options)

    half = np.arange(120) < 60
    expected = frame([(np.arange(60), np.arange(60, 120))])
    pd.testing.assert_frame_equal(expected, frame([(range(60), list(range(60, 120)))]))
    pd.testing.assert_frame_equal(expected, frame([(half, ~half)]))
    assert frame(GroupKFold(2), groups=np.arange(120) // 10).selected[0]
    with pytest.raises(ValueError, match="at least one fold"):
        frame([])
    with pytest.raises(ValueError, match="at least 20 rows in every fold.*fold of 1"):
        frame(LeaveOneOut())
    with pytest.raises(ValueError, match="of which 120 are fitted on"):
        frame([(np.arange(120), np.arange(120))])
    with pytest.raises(ValueError, match="hold out no row twice"):
        frame(RepeatedKFold(n_splits=2, n_repeats=2))
    with pytest.raises(ValueError, match="'cv' that can be used on a part"):
        own = ARDRegressorCV(cv=[(np.arange(60), np.arange(60, 120))])
        conditional_importance(own, X, y * 1.0)


def test_names_may_be_tuples():
    X, rng = correlated(100, 0.0)
    y = (X[:, 0] > 0).astype(int)
    X = pd.DataFrame(X, columns=pd.MultiIndex.from_tuples(["ab", "ac", "bc"]))
    frame = conditional_importance(
        LogisticRegression(), X, y, cv=2, regressor=RidgeCV(), random_state=0
    )
    assert frame.index.tolist() == [("a", "b"), ("a", "c"), ("b", "c")]


def test_parameters_of_the_estimator_are_checked():
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(ValueError, match="'reg_factor' parameter of .* Got -1"):
        conditional_importance(ARDRegressor(reg_factor=-1), X, y)


@pytest.mark.parametrize("function", [conditional_importance, knockoffs])
def test_what_is_missing_is_named(monkeypatch, function):
    X, y = load_diabetes(return_X_y=True)
    monkeypatch.setitem(sys.modules, "hidimstat", None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-ard\[inspection\]'"):
        function(ARDRegressor(), X, y)
