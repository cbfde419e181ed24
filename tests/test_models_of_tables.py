"""Models of tables with categories and gaps, in all that is done with models."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from tables import (
    QUICK,
    SMALL,
    labels,
    of_objects,
    of_polars,
    table,
)

from sklearn_ard import (
    ARDClassifier,
    ARDRegressor,
    ARDRegressorCV,
    StabilitySelection,
    ard_path,
)
from sklearn_ard.data.blocks import Groups
from sklearn_ard.data.columns import Columns


def test_compact_models_predict_the_same(selected):
    model, X, _ = selected
    again = pickle.loads(pickle.dumps(model.compact()))
    strange = X[:6].assign(
        size=[np.nan, 1.0, 2.0, 3.0, 4.0, 5.0],
        colour=["red", "?", None, "blue", np.nan, "grey"],
    )
    for rows in (X, X[:1], strange):
        np.testing.assert_array_equal(again.predict(rows), model.predict(rows))
    assert again.get_feature_names_out().tolist() == ["size", "colour"]
    pd.testing.assert_frame_equal(
        again.set_output(transform="pandas").transform(X), X[["size", "colour"]]
    )


def test_of_a_frame_only_kept_columns_are_read(selected):
    model, X, _ = selected
    garbage = X.assign(weight=[{}] * 300, shape=pd.Timestamp("2020"))
    infinite = X.assign(weight=np.inf, shape=1)
    for rows in (garbage, infinite):
        for each in (model, model.compact()):
            np.testing.assert_array_equal(each.predict(rows), model.predict(X))
    pl = pytest.importorskip("polars")
    rows = of_polars(X).with_columns(weight=pl.lit("?"), shape=pl.lit([1]))
    np.testing.assert_array_equal(model.predict(rows), model.predict(X))


def test_of_an_array_of_objects_dropped_columns_may_hold_strings():
    X, y = table()
    values = of_objects(X)
    options = {"categorical_features": [2, 3], "feature_cost": [1, 1, 1e6, 1e6]}
    model = ARDRegressor(**SMALL, **options).fit(values, y)
    assert model.get_support().tolist() == [True, False, False, False]
    other = values.copy()
    other[:, 2:] = "?"
    for each in (model, model.compact()):
        np.testing.assert_array_equal(each.predict(other), model.predict(values))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output(library, selected):
    pytest.importorskip(library)
    model, X, _ = selected
    container = clone(model).set_output(transform=library)
    container._fitted = model._fitted
    container.n_features_in_, container.feature_names_in_ = 4, model.feature_names_in_
    for rows in (X, of_polars(X)):
        kept = container.transform(rows)
        assert type(kept).__module__.split(".")[0] == library
        assert list(kept.columns) == ["size", "colour"]
        assert list(kept["colour"]) == list(X["colour"])
        np.testing.assert_array_equal(kept["size"], X["size"])


def test_inverse_transform_puts_columns_back(selected):
    model, X, _ = selected
    back = model.inverse_transform(model.transform(X))
    assert back.shape == X.shape
    assert (back[:, 2] == X["colour"]).all() and (back[:, 0] == X["size"]).all()
    assert (back[:, [1, 3]] == 0).all()


def test_clones_and_pickles(selected):
    model, X, y = selected
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    options = {
        "categorical_features": ["colour"],
        "feature_groups": {"g": ["size", "weight"]},
        "feature_cost": {"g": 3.0},
        "required_features": ["colour"],
    }
    copy = clone(ARDRegressor(**options))
    assert {name: copy.get_params()[name] for name in options} == options


def test_parameters_are_not_changed():
    X, y = table(60)
    options = {
        "categorical_features": np.array([2, 3]),
        "feature_groups": [["weight", "shape"]],
        "feature_cost": {"size": 1.0},
        "required_features": np.array(["size"], dtype=object),
    }
    before = pickle.dumps((options, X))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        ARDRegressor(**{**QUICK, **options}).fit(X, y).predict(X)
    assert pickle.dumps((options, X)) == before


def test_in_pipelines_and_searches():
    X, y = table(120)
    drop = FunctionTransformer(lambda X: X.drop(columns="shape"))
    pipeline = make_pipeline(drop, ARDRegressor(**QUICK, required_features=["colour"]))
    grid = {"ardregressor__reg_factor": [0.5, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert search.predict(X).shape == (120,)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    kept = make_pipeline(ARDRegressor(**SMALL)).fit(X, y)
    assert "colour" in kept.get_feature_names_out()


def test_ensembles():
    X, y = table(120)
    model = ARDRegressor(**{**SMALL, "n_networks": 2}).fit(X, y)
    assert "colour" in model.get_feature_names_out()
    np.testing.assert_array_equal(model.compact().predict(X), model.predict(X))


@pytest.mark.parametrize("estimator", [ARDRegressor, ARDClassifier])
def test_the_first_chunk_fixes_levels_and_gaps(estimator):
    X, y = table(120)
    y = y if estimator is ARDRegressor else pd.Series(labels(y))
    options = {} if estimator is ARDRegressor else {"classes": ["high", "low"]}
    model = estimator(**QUICK, required_features=["colour"])
    model.partial_fit(X[:60], y[:60], **options)
    encoding = model._fitted.data.encoding
    later = X[60:].assign(colour=["pink", "red"] * 30)
    later.loc[:80, "size"] = np.nan
    before = model._outputs(X)
    model.partial_fit(later, y[60:])
    assert model._fitted.data.encoding == encoding
    assert not np.array_equal(model._outputs(X), before)
    pink, other = (model._outputs(X.assign(colour=c)) for c in ("pink", "other"))
    np.testing.assert_array_equal(pink, other)
    assert not np.array_equal(pink, model._outputs(X.assign(colour="red")))
    with pytest.raises(ValueError, match="levels were strings in fit. Got numbers"):
        model.partial_fit(later.assign(colour=1), y[60:])
    np.testing.assert_array_equal(model._outputs(X.assign(colour="pink")), pink)


def test_chunks_of_other_containers():
    X, y = table(120)
    first = ARDRegressor(**QUICK).partial_fit(X[:60], y[:60])
    second = clone(first).partial_fit(of_polars(X[:60]), y[:60])
    first.partial_fit(X[60:], y[60:])
    second.partial_fit(of_polars(X[60:]), y[60:])
    np.testing.assert_array_equal(first.predict(X), second.predict(X))


def test_warm_start():
    X, y = table(120)
    model = ARDRegressor(**QUICK, warm_start=True).fit(X, y)
    first = model.predict(X)
    error = np.mean((first - y) ** 2)
    for _ in range(3):
        model.fit(X, y)
    assert np.mean((model.predict(X) - y) ** 2) < error
    found = model.predict(X)
    fewer = X.assign(colour=X["colour"].replace("grey", "blue"))
    with pytest.raises(ValueError, match="warm_start=True begins with.*warm_start=Fal"):
        model.fit(fewer, y)
    np.testing.assert_array_equal(model.predict(X), found)


def test_models_of_cross_validation_speak_of_columns(selected):
    _, X, y = selected
    model = ARDRegressorCV(**SMALL, reg_factors=[1.0, 3.0], cv=2).fit(X, y)
    assert model.get_feature_names_out().tolist() == ["size", "colour"]
    assert model.path_.support.shape == (2, 4)
    np.testing.assert_array_equal(model.compact().predict(X), model.predict(X))


def test_paths_speak_of_columns(selected):
    model, X, y = selected
    path = ard_path(X, y, estimator=clone(model), reg_factors=[1.0, 1e4])
    assert path.support.tolist() == [[True, False, True, False], [False] * 4]
    assert path.relevance.shape == (2, 4)
    assert path.n_features.tolist() == [2, 0]


def test_stability_speaks_of_columns(selected):
    model, X, y = selected
    stability = StabilitySelection(
        clone(model), values=[1.0, 3.0], threshold=1, n_pairs=2, random_state=0
    )
    stability.fit(X, y)
    assert stability.get_feature_names_out().tolist() == ["size", "colour"]
    assert stability.probabilities_.shape == (2, 4)
    kept = stability.set_output(transform="pandas").transform(X)
    pd.testing.assert_frame_equal(kept, X[["size", "colour"]])


def test_sparse_frames_are_predicted_and_transformed_as_dense_ones():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 3)), columns=[*"abc"])
    y = 2 * X["b"]
    sparse = X.astype(pd.SparseDtype("float", 0.0))
    model = ARDRegressor(random_state=0, max_iter=30).fit(sparse, y)
    assert np.array_equal(model.predict(sparse), model.predict(X))
    assert np.array_equal(model.transform(sparse), model.transform(X))
    gaps = X.astype(pd.SparseDtype("float", np.nan))  # pandas' own fill value
    again = ARDRegressor(random_state=0, max_iter=30).fit(gaps, y)
    assert np.array_equal(again.predict(gaps), model.predict(X))


def test_transform_keeps_what_columns_are():
    pl = pytest.importorskip("polars")
    X = pd.DataFrame({"g": pd.Categorical(list("ab") * 20)})
    X["n"] = pd.array(range(40), dtype="Int64")
    y = X["n"].to_numpy() / 10 + (X["g"] == "a")
    model = ARDRegressor(random_state=0, max_iter=60, feature_cost=0).fit(X, y)
    assert model.get_support().all()
    X.loc[3, "g"] = None
    values = model.transform(X)
    assert values[0].tolist() == ["a", 0] and pd.isna(values[3, 0])
    polars = model.set_output(transform="polars").transform(X)
    assert polars.schema == {"g": pl.String, "n": pl.Float64}
    pandas = model.set_output(transform="pandas").transform(pl.from_pandas(X))
    assert pandas["n"].tolist() == list(range(40)) and pandas["g"].isna().sum() == 1


def test_as_many_columns_as_groups_and_required_ones_allow():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(90, 3)), columns=[*"abc"])
    y = X["a"] + X["b"]
    model = ARDRegressorCV(reg_factors=[1.0], cv=2, max_iter=40, random_state=0)
    model.set_params(n_features_to_select=1, required_features=["b", "c"])
    with pytest.raises(ValueError, match="'n_features_to_select'.*at least 2"):
        model.fit(X, y)
    model.set_params(required_features=None, feature_groups=[["a", "b"]])
    with pytest.raises(ValueError, match="No group of at most 1 columns"):
        model.fit(X, y)
    model.set_params(n_features_to_select=2)
    assert model.fit(X, y).get_support().tolist() == [True, True, False]


def test_prices_and_names_that_say_two_things_are_refused():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 3)), columns=[*"abc"])
    model = ARDRegressor(max_iter=3, feature_groups={"a": ["b", "c"]})
    with pytest.raises(ValueError, match="name groups unlike the other columns"):
        model.fit(X, X["a"])
    model.set_params(feature_groups={"p": ["b", "c"]}, feature_cost={"p": 1, "b": 2})
    with pytest.raises(ValueError, match="price a group or its columns"):
        model.fit(X, X["a"])
    prices = pd.Series([5.0, 1.0, 2.0], index=["c", "a", "b"])
    groups = Groups.of(Columns(3, np.array([*"abc"]), "ARDRegressor"), None, prices)
    assert groups.costs.tolist() == [1.0, 2.0, 5.0]
