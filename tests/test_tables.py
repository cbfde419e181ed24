"""Tables as people have them: categories, gaps, groups, prices, data frames."""

import pickle
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_ard import (
    ARDClassifier,
    ARDRegressor,
    ARDRegressorCV,
    StabilitySelection,
    ard_path,
)
from sklearn_ard.data.blocks import Groups
from sklearn_ard.data.columns import Columns
from sklearn_ard.data.encoding import GAP, VALUE

SMALL = {"hidden_layer_sizes": 16, "max_iter": 60, "random_state": 0}
QUICK = {"hidden_layer_sizes": 4, "max_iter": 5, "random_state": 0, "feature_cost": 0}
EFFECT = {"red": -1.0, "green": 0.0, "blue": 1.0, "grey": 2.0}


def table(n=300, seed=0):
    """`size` and `colour` matter; `weight` and `shape` do not, and have gaps."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 2)), columns=["size", "weight"])
    X["colour"] = rng.choice(list(EFFECT), n)
    X["shape"] = pd.Categorical(rng.choice(["round", "square", "flat"], n))
    X.loc[rng.random(n) < 0.2, ["weight", "shape"]] = None
    return X, X["size"] + X["colour"].map(EFFECT) + 0.2 * rng.normal(size=n)


def labels(y):
    return np.where(y > y.mean(), "high", "low")


def kept_inputs(model):
    """Columns and levels of the inputs that the network reads."""
    encoding = model._fitted.data.encoding
    used = model._fitted.trained.support
    return list(
        zip(encoding.column[used].tolist(), encoding.level[used].tolist(), strict=True)
    )


@pytest.fixture(scope="module")
def selected():
    X, y = table()
    return ARDRegressor(**SMALL).fit(X, y), X, y


# What is kept


def test_a_category_that_matters_is_kept_by_its_name(selected):
    model, X, y = selected
    assert model.get_feature_names_out().tolist() == ["size", "colour"]
    assert model.n_features_in_ == 4
    assert model.feature_names_in_.tolist() == list(X)
    assert (model.feature_importances_ > 0).tolist() == [True, False, True, False]
    assert model.score(X, y) > 0.95


def test_a_classifier_takes_tables():
    X, y = table()
    model = ARDClassifier(**SMALL).fit(X, labels(y))
    assert model.get_feature_names_out().tolist() == ["size", "colour"]
    assert model.score(X, labels(y)) > 0.9
    probabilities = model.predict_proba(X)
    np.testing.assert_array_equal(probabilities, model.compact().predict_proba(X))


def gaps_in(values, seed=2):
    values = values.copy()
    is_gap = np.random.default_rng(seed).random(len(values)) < 0.3
    values[is_gap] = np.nan
    return values, is_gap


def test_if_gaps_alone_matter_their_indicator_alone_stays():
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(300, 3)), columns=list("abc"))
    X["b"], is_gap = gaps_in(X["b"])
    y = X["a"] + 1.5 * is_gap + 0.2 * rng.normal(size=300)
    model = ARDRegressor(**SMALL).fit(X, y)
    assert model.get_feature_names_out().tolist() == ["a", "b"]
    assert kept_inputs(model) == [(0, VALUE), (1, GAP)]
    other = X.assign(b=X["b"] * 5 + 9)
    np.testing.assert_array_equal(model.predict(X), model.predict(other))
    lifted = model.predict(X.assign(b=np.nan)) - model.predict(X.assign(b=0.0))
    np.testing.assert_allclose(lifted, 1.5, atol=0.3)


def test_if_gaps_say_nothing_they_count_as_the_mean():
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(3, 1, size=(300, 3)), columns=list("abc"))
    y = X["a"] + 2 * X["b"] + 0.2 * rng.normal(size=300)
    X["b"], _ = gaps_in(X["b"])
    y[X["b"].isna()] = X["a"] + 2 * X["b"].mean() + 0.2 * rng.normal(size=300)
    model = ARDRegressor(**SMALL).fit(X, y)
    assert kept_inputs(model) == [(0, VALUE), (1, VALUE)]
    of_mean = model.predict(X.assign(b=X["b"].mean()))
    np.testing.assert_allclose(model.predict(X.assign(b=np.nan)), of_mean, atol=1e-5)


@pytest.mark.parametrize("as_frame", [False, True])
@pytest.mark.parametrize("compact", [False, True])
def test_gaps_at_predict_where_training_had_none_count_as_the_mean(as_frame, compact):
    X = np.random.default_rng(0).normal(3, 2, size=(60, 2))
    frame = pd.DataFrame if as_frame else np.asarray
    model = ARDRegressor(**QUICK, required_features=[0, 1]).fit(frame(X), X @ [1, 2])
    model = model.compact() if compact else model
    gaps, means = X.copy(), X.copy()
    gaps[:20, 0] = gaps[10:30, 1] = np.nan
    means[:20, 0], means[10:30, 1] = X.mean(axis=0)
    found, expected = model.predict(frame(gaps)), model.predict(frame(means))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(model.predict(frame(gaps[:1])), expected[:1], atol=1e-5)
    assert np.ptp(found) > 0


def test_groups_are_kept_or_dropped_whole():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 7)), columns=list("abcdefg"))
    y = X["b"] - X["g"] + 0.2 * rng.normal(size=300)
    model = ARDRegressor(**SMALL, feature_groups=[["a", "b", "c"], ["e", "d"]])
    model.fit(X, y)
    assert model.get_feature_names_out().tolist() == ["a", "b", "c", "g"]
    relevance = model.feature_importances_
    assert (relevance > 0).tolist() == [True, True, True, False, False, False, True]
    assert relevance[0] == relevance[1] == relevance[2]
    named = clone(model).set_params(feature_groups={"k": [4, 3], "j": [2, 0, 1]})
    np.testing.assert_array_equal(named.fit(X, y).predict(X), model.predict(X))


def test_a_group_of_categories_and_numbers():
    X, y = table()
    model = ARDRegressor(**SMALL, feature_groups=[["weight", "colour"]]).fit(X, y)
    assert model.get_feature_names_out().tolist() == ["size", "weight", "colour"]


def test_required_columns_stay_whatever_they_are_worth(selected):
    X, y = selected[1:]
    model = ARDRegressor(**SMALL, required_features=["shape"]).fit(X, y)
    assert model.get_feature_names_out().tolist() == ["size", "colour", "shape"]
    assert model.transform(X).shape == (300, 3)
    dear = clone(model).set_params(feature_cost=1e6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        dear.fit(X, y)
    assert dear.get_feature_names_out().tolist() == ["shape"]


def test_required_columns_are_used_whatever_they_cost(selected):
    X, y = selected[1:]
    model = ARDRegressor(**SMALL, required_features=["colour"], feature_cost=1e6)
    model.fit(X, y)
    assert model.get_feature_names_out().tolist() == ["colour"]
    assert model.feature_importances_[2] > 0
    assert model.score(X, y) > 0.2
    assert not np.array_equal(model.predict(X), model.predict(X.assign(colour="red")))


@pytest.mark.parametrize("cheap", ["a", "b"])
@pytest.mark.parametrize("as_mapping", [False, True])
def test_of_two_columns_that_say_the_same_the_cheap_one_is_kept(cheap, as_mapping):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 3)), columns=list("abc"))
    X["b"] = X["a"]
    y = X["a"] + 0.1 * rng.normal(size=300)
    # more than what a network loses without the column, before it is trained anew
    cost = {"a": 1e4, "b": 1e4, cheap: 1.0}
    if not as_mapping:
        cost = [*cost.values(), 1.0]
    model = ARDRegressor(**{**SMALL, "max_iter": 200}, feature_cost=cost).fit(X, y)
    assert model.get_feature_names_out().tolist() == [cheap]
    assert model.score(X, y) > 0.95


def test_a_table_without_anything_to_learn_from_is_answered_by_the_mean():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.choice(["u", "v"], 100), "b": np.nan, "c": 1})
    y = rng.normal(size=100)
    with pytest.warns(UserWarning, match="No input is worth its price"):
        model = ARDRegressor(**SMALL).fit(X, y)
    np.testing.assert_allclose(model.predict(X), y.mean(), atol=1e-6)


# Equal data, equal models


def test_weights_are_copies_bit_for_bit():
    X, y = table(80)
    weight = np.random.default_rng(3).integers(0, 4, 80)
    rows = np.random.default_rng(4).permutation(np.repeat(np.arange(80), weight))
    weighted = ARDRegressor(**QUICK).fit(X, y, sample_weight=weight)
    copied = ARDRegressor(**QUICK).fit(X.iloc[rows], y.iloc[rows])
    np.testing.assert_array_equal(weighted.predict(X), copied.predict(X))
    assert weighted.elbo_ == copied.elbo_
    assert {GAP, VALUE, 0, 1, 2, 3} == set(weighted._fitted.data.encoding.level)
    assert weighted._fitted.data.encoding == copied._fitted.data.encoding


def test_levels_and_gaps_count_by_their_weights():
    X = pd.DataFrame({"a": ["u"] * 5 + ["v"] * 5 + ["w"] * 20, "b": np.arange(30.0)})
    X.loc[:4, "b"] = np.nan
    y = X["a"].map({"u": 0.0, "v": 1.0, "w": 2.0})
    light = ARDRegressor(**QUICK).fit(X, y)
    heavy = ARDRegressor(**QUICK).fit(X, y, sample_weight=np.full(30, 2))
    assert len(light._fitted.data.encoding) == 2  # w or not, and the number
    assert len(heavy._fitted.data.encoding) == 3 + 2


def test_order_of_rows_does_not_matter():
    X, y = table(100)
    rows = np.random.default_rng(3).permutation(100)
    for estimator, target in ((ARDRegressor, y), (ARDClassifier, labels(y))):
        target = pd.Series(target)
        first = estimator(**QUICK).fit(X, target)
        second = estimator(**QUICK).fit(X.iloc[rows], target.iloc[rows])
        np.testing.assert_array_equal(first.predict(X), second.predict(X))
        assert first.elbo_ == second.elbo_


def of_polars(X):
    pl = pytest.importorskip("polars")
    return pl.DataFrame(
        {name: [None if pd.isna(v) else v for v in X[name]] for name in X}
    )


def of_objects(X):
    return X.astype(object).to_numpy()


@pytest.mark.parametrize("container", [of_polars, of_objects])
def test_all_containers_give_the_same_model(container, selected):
    X, y = table(120)
    expected = ARDRegressor(**QUICK).fit(X, y)
    model = ARDRegressor(**QUICK, categorical_features=[2, 3]).fit(container(X), y)
    np.testing.assert_array_equal(model.predict(container(X)), expected.predict(X))
    compact = model.compact()
    np.testing.assert_array_equal(compact.predict(container(X)), expected.predict(X))
    assert model.elbo_ == expected.elbo_
    # a model predicts on other containers than that of its training
    found = selected[0].predict(selected[1])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        other = selected[0].predict(container(selected[1]))
    np.testing.assert_array_equal(other, found)


def test_polars_dtypes_decide_as_pandas_dtypes_do():
    X, y = table(120)
    expected = ARDRegressor(**QUICK).fit(X, y).predict(X)
    polars = of_polars(X)
    np.testing.assert_array_equal(
        ARDRegressor(**QUICK).fit(polars, y).predict(polars), expected
    )


def test_masks_names_and_dtypes_name_the_same_categories():
    X, y = table(120)
    expected = ARDRegressor(**QUICK).fit(X, y).predict(X)
    for given in (["shape", "colour"], [False, False, True, True], [3, 2]):
        model = ARDRegressor(**QUICK, categorical_features=given).fit(X, y)
        np.testing.assert_array_equal(model.predict(X), expected)


def test_numbers_may_be_categories():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, size=(300, 3)).astype(float)
    y = np.array([0.0, 3.0, -1.0, 2.0])[X[:, 1].astype(int)]
    y += 0.2 * rng.normal(size=300)
    linear = {**SMALL, "hidden_layer_sizes": ()}
    model = ARDRegressor(**linear, categorical_features=[1]).fit(X, y)
    assert model.get_support().tolist() == [False, True, False]
    assert model.score(X, y) > 0.95 > ARDRegressor(**linear).fit(X, y).score(X, y)
    np.testing.assert_array_equal(model.predict(X.astype(int)), model.predict(X))


NUMBERS = ["Int64", "Float64", "int64[pyarrow]", "double[pyarrow]", "object"]
STRINGS = ["string", "string[pyarrow]", "category", "object"]


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("gaps", [False, True])
def test_dtypes_of_numbers(dtype, gaps):
    pytest.importorskip("pyarrow")
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.integers(0, 5, 60) * 1.0, "b": rng.normal(size=60)})
    if gaps:
        X.loc[::4, "a"] = np.nan
    other = X.assign(a=X["a"].astype("Int64").astype(dtype))
    y = X["a"].fillna(9) + X["b"]
    expected = ARDRegressor(**QUICK).fit(X, y)
    model = ARDRegressor(**QUICK).fit(other, y)
    assert len(model._fitted.data.encoding) == 2 + gaps
    np.testing.assert_array_equal(model.predict(other), expected.predict(X))
    np.testing.assert_array_equal(model.compact().predict(other), expected.predict(X))


def numbers_with_gaps():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4)) * (rng.random((80, 4)) < 0.5)
    X[:, 1:3][rng.random((80, 2)) < 0.3] = np.nan
    return X, X[:, 0] + np.isnan(X[:, 1])


@pytest.mark.parametrize("gap", [None, pd.NA, np.nan], ids=str)
def test_gaps_in_arrays_of_objects(gap):
    X, y = numbers_with_gaps()
    expected = ARDRegressor(**QUICK).fit(X, y)
    objects = np.where(np.isnan(X), gap, X.astype(object))
    model = ARDRegressor(**QUICK).fit(objects, y)
    np.testing.assert_array_equal(model.predict(objects), expected.predict(X))
    np.testing.assert_array_equal(expected.predict(objects), expected.predict(X))


def test_gaps_in_sparse_matrices():
    X, y = numbers_with_gaps()
    expected = ARDRegressor(**QUICK).fit(X, y)
    assert len(expected._fitted.data.encoding) == 6
    model = ARDRegressor(**QUICK).fit(sp.csr_array(X), y)
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))
    for each in (model, model.compact()):
        found = each.predict(sp.csc_array(X))
        np.testing.assert_allclose(found, expected.predict(X), atol=1e-6)


@pytest.mark.parametrize("dtype", ["boolean", "bool[pyarrow]", "object", "int8"])
def test_bool_is_a_number(dtype):
    pytest.importorskip("pyarrow")
    X = pd.DataFrame({"a": np.arange(60) % 3 == 0, "b": np.arange(60.0)})
    expected = ARDRegressor(**QUICK).fit(X, X["b"] + 9 * X["a"])
    assert not expected._fitted.reader.levels_
    other = X.astype({"a": dtype})
    model = ARDRegressor(**QUICK).fit(other, X["b"] + 9 * X["a"])
    np.testing.assert_array_equal(model.predict(other), expected.predict(X))


@pytest.mark.parametrize("dtype", STRINGS)
def test_dtypes_of_strings(dtype):
    pytest.importorskip("pyarrow")
    X, y = table(120)
    other = X.astype({"colour": dtype, "shape": dtype})
    expected = ARDRegressor(**QUICK).fit(X, y)
    model = ARDRegressor(**QUICK).fit(other, y)
    np.testing.assert_array_equal(model.predict(other), expected.predict(X))
    # as levels are compared by their values
    np.testing.assert_array_equal(expected.predict(other), expected.predict(X))


def test_dictionaries_of_arrow_are_categories():
    pa = pytest.importorskip("pyarrow")
    X, y = table(120)
    dtype = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
    other = X.astype({"colour": dtype})
    expected = ARDRegressor(**QUICK).fit(X, y).predict(X)
    model = ARDRegressor(**QUICK).fit(other, y)
    np.testing.assert_array_equal(model.predict(other), expected)


# Levels


def test_all_unknown_levels_are_the_same():
    X, y = table(120)
    model = ARDRegressor(**QUICK, required_features=["colour"]).fit(X, y)
    answers = [model.predict(X.assign(colour=level)) for level in ("?", "pink", "")]
    gaps = X.assign(colour=np.full(120, None, dtype=object))
    answers.append(model.predict(gaps))  # since training had none
    for answer in answers[1:]:
        np.testing.assert_array_equal(answer, answers[0])
    assert not np.array_equal(answers[0], model.predict(X.assign(colour="red")))


def test_nothing_is_known_of_an_unknown_level():
    """Its inputs are 0 after scaling: the mean of the levels."""
    X, y = table(120)
    linear = {**QUICK, "hidden_layer_sizes": (), "required_features": ["colour"]}
    model = ARDRegressor(**linear).fit(X, y)
    of_level = [model.predict(X.assign(colour=level)).astype(float) for level in EFFECT]
    share = [(X["colour"] == level).mean() for level in EFFECT]
    unknown = model.predict(X.assign(colour="?"))
    np.testing.assert_allclose(unknown, np.dot(share, of_level), atol=1e-5)
    assert np.ptp(of_level, axis=0).max() > 0.1


def test_infrequent_levels_are_one():
    X, y = table(150)
    rare = np.array(["teal", "pink", "plum"])[np.arange(24) % 3]
    X.loc[:23, "colour"] = rare
    y[:24] = X["size"][:24] + 5
    model = ARDRegressor(**SMALL).fit(X, y)
    answers = [model.predict(X.assign(colour=level)) for level in np.unique(rare)]
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])
    np.testing.assert_allclose(answers[0], X["size"] + 5, atol=1)
    unknown = model.predict(X.assign(colour="?"))
    assert not np.allclose(unknown, answers[0], atol=1)


def test_very_many_names_are_left_out_with_a_warning():
    n = 30_000
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=n), "name": [f"name {j}" for j in range(n)]})
    options = {**QUICK, "max_iter": 1, "batch_size": 1000}
    tracemalloc.start()
    try:
        with pytest.warns(UserWarning, match="Column 'name' of X is a category witho"):
            model = ARDRegressor(**options).fit(X, X["a"])
        memory = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert memory < 100e6  # one-hot columns would take up 3.6 GB
    assert len(model._fitted.data.encoding) == 2
    assert model.get_support().tolist() == [True, False]
    compact = model.compact()
    np.testing.assert_array_equal(compact.predict(X), model.predict(X))
    assert len(pickle.dumps(compact)) < 50_000  # without the names


def test_of_very_many_names_the_most_frequent_are_levels():
    rng = np.random.default_rng(0)
    level = rng.geometric(0.002, size=20_000)
    X = pd.DataFrame({"name": level.astype(str)})
    options = {**QUICK, "max_iter": 1, "batch_size": 1000}
    model = ARDRegressor(**options).fit(X, level % 2)
    assert len(model._fitted.data.encoding) == 255 + 1
    assert np.isfinite(model.predict(X)).all()


# All the way through


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
