"""Tables as people have them: what columns may be, and which are kept."""

import pickle
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from tables import (
    EFFECT,
    QUICK,
    SMALL,
    gaps_in,
    kept_inputs,
    labels,
    numbers_with_gaps,
    of_objects,
    of_polars,
    table,
)

from sklearn_ard import (
    ARDClassifier,
    ARDRegressor,
)
from sklearn_ard.data.encoding import GAP, VALUE


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
