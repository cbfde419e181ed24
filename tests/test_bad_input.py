"""What both estimators say to parameters and data that are not what they should be."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from problems import problem
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from torch import nn

import sklearn_ard
from sklearn_ard import ARDClassifier, ARDRegressor, ARDRegressorCV, threshold_curve
from sklearn_ard.nn import DenseARD

BAD_PARAMETERS = [
    ({"prior": "flat"}, "'prior' parameter of .* must be.*Got 'flat'"),
    ({"reg_factor": -1}, "'reg_factor' parameter of .* must be.*Got -1"),
    ({"max_iter": 0}, "'max_iter' parameter of .* must be.*Got 0"),
    ({"batch_size": 0}, "'batch_size' parameter of .* must be.*Got 0"),
    ({"feature_cost": -1}, "'feature_cost' parameter of .* must be.*Got -1"),
    ({"learning_rate_init": 0}, "'learning_rate_init' parameter of .* must.*Got 0"),
    ({"activation": "step"}, "'activation' parameter of .* must be.*Got 'step'"),
    ({"hidden_layer_sizes": (8, 0)}, r"'hidden_layer_sizes'.*Got \(8, 0\)"),
    ({"input_shape": (2, 3)}, r"'input_shape'.* 8 columns of X.*Got \(2, 3\)"),
    ({"input_shape": (8,), "conv_channels": (2,)}, r"'input_shape'.*Got \(8,\)"),
    ({"conv_channels": (4,)}, "'conv_channels' parameter needs.*'input_shape'"),
    ({"device": "abacus"}, "'device' parameter of .*'cpu'.*Got 'abacus'"),
    ({"device": "meta"}, "'device' parameter of .*Got 'meta'"),
    ({"callbacks": ["log"]}, "'callbacks' parameter of .*skorch callbacks. Got 'log'"),
    ({"module": lambda i, o: nn.ReLU()}, "'module' of to_ard must.*Got ReLU with none"),
    ({"module": nn.Linear(7, 3)}, "'module'.* 8 columns.*Linear, takes 7 inputs"),
    (
        {"module": nn.Linear(8, 9)},
        r"'module'.* outputs, of shape \(2, [12]\).*\(2, 9\)",
    ),
    ({"dense_iter": -1}, "'dense_iter' parameter of .* must be.*Got -1"),
    ({"reg_factor": 1e308}, "'reg_factor' parameter of .* Got 1e.308"),
    ({"feature_cost": 10**400}, "'feature_cost' parameter of .* Got 1000"),
    ({"hidden_layer_sizes": True}, "'hidden_layer_sizes'.*positive.*Got True"),
    ({"input_shape": (None, 8)}, r"'input_shape'.*positive.*Got \(None, 8\)"),
    ({"input_shape": (-2, -4)}, r"'input_shape'.*positive.*Got \(-2, -4\)"),
    ({"padding": "reflect"}, "'padding' parameter of .* must be.*Got 'reflect'"),
    (
        {"input_shape": (2, 4), "conv_channels": (2, 2), "stride": (1, 2, 1)},
        r"'stride' .* each of the 2 convolutions. Got \(1, 2, 1\)",
    ),
    ({"module": lambda i, o: "network"}, "'module'.*torch.nn.Module.*'network'"),
    ({"module": lambda i, o: DenseARD(i, o + 1)}, "'module'.*outputs"),
]


@pytest.mark.parametrize(("parameters", "message"), BAD_PARAMETERS)
def test_bad_parameters_are_named(estimator, parameters, message):
    X, y = problem(estimator)
    model = estimator(**parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "n_features_in_")


def spoil(a, value):
    a = a.astype(float) if a.dtype.kind != "U" else a.astype(object)
    a[(3,) * a.ndim] = value
    return a


BAD_DATA = [
    (lambda X, y: (spoil(X, np.inf), y, None), "Input X contains infinity"),
    (lambda X, y: (X, spoil(y, np.nan), None), "y contains NaN|contains NaN"),
    (lambda X, y: (X.astype(str) + "a", y, None), "could not convert string|numeric"),
    (lambda X, y: (X[:1], y[:1], None), "1 sample.*minimum of 2 is required"),
    (lambda X, y: (X, y[:-1], None), "inconsistent numbers of samples"),
    (lambda X, y: (X, y, np.full(150, np.nan)), "sample_weight contains NaN"),
    (lambda X, y: (X, y, -np.ones(150)), "Negative values.*sample_weight"),
    (lambda X, y: (X, y, np.zeros(150)), "sample_weight|weights"),
    (lambda X, y: (X, y, np.full(150, 1e38)), "'sample_weight'.*sum of 1.5e.40"),
    (lambda X, y: (X, y, np.ones(3)), "sample_weight.shape == .3,."),
    (lambda X, y: (X[:, 0], y, None), "Expected 2D array, got 1D"),
    (lambda X, y: (X.reshape(150, 2, 4), y, None), "X must be 2-D.*shape .150, 2, 4."),
]


@pytest.mark.parametrize(("make", "message"), BAD_DATA)
def test_bad_data_are_named(estimator, make, message):
    X, y, weight = make(*problem(estimator))
    model = estimator()
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, sample_weight=weight)
    assert not hasattr(model, "n_features_in_")


@pytest.mark.parametrize("value", [None, "high"])
def test_scores_that_are_no_numbers_are_named(value):
    X, y = problem(ARDRegressor)
    options = {"reg_factors": [1.0], "cv": 2, "n_bins": 0, "max_iter": 2}
    model = ARDRegressorCV(scoring=lambda *given: value, **options)
    with pytest.raises(ValueError, match=f"'scoring'.*number. Got {value!r}"):
        model.fit(X, y)
    model.set_params(scoring=None, cv=[])
    with pytest.raises(ValueError, match=r"'cv'.*at least one split. Got \[\]"):
        model.fit(X, y)


def test_labels_that_are_no_classes_are_named():
    X = np.arange(300.0)[:, None]
    with pytest.raises(ValueError, match="Got 300 labels in 300 rows. Leave out ident"):
        ARDClassifier().fit(X, [f"id {i}" for i in range(300)])
    with pytest.raises(ValueError, match="'classes'.*one kind.*None, 1"):
        ARDClassifier(n_bins=0).partial_fit(X, X[:, 0] > 10, classes=[None, 1])


def test_curves_of_other_estimators_are_refused():
    X, y = problem(ARDRegressor)
    with pytest.raises(ValueError, match="'estimator'.*of this package. Got a Linear"):
        threshold_curve(LinearRegression().fit(X, y), X, y)


def test_other_columns_than_in_fit_are_named(fitted):
    model, X, y = fitted
    values = X.to_numpy()
    for method in (model.predict, model.transform):
        with pytest.raises(ValueError, match="7 features, but .* is expecting 8"):
            method(values[:, :7])
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X.rename(columns={"column 1": "other"}))


def test_predict_before_fit(estimator):
    X, _ = problem(estimator)
    for method in ("predict", "transform"):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(estimator(), method)(X)


# Tables. `problem` as a frame with columns "x0" to "x7", and a category "colour".

QUICK = {"hidden_layer_sizes": 4, "max_iter": 3, "feature_cost": 0, "random_state": 0}


def table(estimator):
    X, y = problem(estimator)
    X = pd.DataFrame(X, columns=[f"x{j}" for j in range(8)])
    return X.assign(colour=np.array(["red", "green", "blue"])[np.arange(150) % 3]), y


@pytest.fixture(scope="module", params=["ARDRegressor", "ARDClassifier"])
def model(request):
    """A fitted model that reads x0 and colour, and its rows and targets."""
    estimator = getattr(sklearn_ard, request.param)
    X, y = table(estimator)
    model = estimator(**QUICK, required_features=["x0", "colour"]).fit(X, y)
    return model, X, y


def assert_unchanged_by(call, model, X, message):
    """Raises that error, and leaves a fitted model as it is."""
    before, attributes = model._outputs(X), dict(vars(model))
    with pytest.raises(ValueError, match=message):
        call()
    assert vars(model).keys() == attributes.keys()
    assert all(vars(model)[name] is value for name, value in attributes.items())
    np.testing.assert_array_equal(model._outputs(X), before)


def of(*values):
    """150 rows of these values."""
    rows = np.empty(len(values), dtype=object)
    rows[:] = values
    return np.resize(rows, 150)


DATES = pd.date_range("2020", periods=150)
BAD_COLUMNS = {
    "mixed": (of(1, "a"), "Got mixed types instead. Make all of it str.*astype.str"),
    "mixed levels": (pd.Categorical(of(1, "a")), "Got mixed types instead"),
    "dates": (DATES, "Got dtype datetime64.*Convert it to numbers or strings, or dr"),
    "durations": (DATES - DATES[0], "Got dtype timedelta64.*Convert it to numbers"),
    "objects that are dates": (of(*DATES.date), r"Got objects \(date\).*Convert it"),
    "nested lists": (of([1], [2, 3]), r"Got objects \(mixed\) instead. Convert it"),
    "dicts": (of({"a": 1}, {}), r"Got objects \(mixed\) instead. Convert it"),
    "intervals": (pd.cut(np.arange(150), 3), r"Got objects \(interval\).*Convert it"),
    "complex": (np.arange(150) * 1j, "Got complex numbers instead. Convert it"),
}


@pytest.mark.parametrize("name", BAD_COLUMNS)
def test_columns_that_are_neither_numbers_nor_categories(model, name):
    model, X, y = model
    values, message = BAD_COLUMNS[name]
    bad = X.assign(x3=values)
    message = "Column 'x3' of X must hold numbers, or be a category.*" + message
    assert_unchanged_by(lambda: model.fit(bad, y), model, X, message)
    new = clone(model)
    with pytest.raises(ValueError, match=message):
        new.fit(bad, y)
    assert not hasattr(new, "n_features_in_")


BAD_LEVELS = {
    "mixed": (of(1, "a"), "holds mixed types. Convert it, for instance by.*astype.str"),
    "dates": (DATES, r"holds objects \(datetime\). Convert it, for instance"),
    "numbers": (1.5, "whose levels were strings in fit. Got numbers.*Convert it"),
    "categories of numbers": (pd.Categorical(of(1, 2)), "in fit. Got numbers"),
}


@pytest.mark.parametrize("name", BAD_LEVELS)
def test_a_category_of_another_dtype_at_predict(model, name):
    model, X, _ = model
    values, message = BAD_LEVELS[name]
    bad = X.assign(colour=values)
    message = "olumn 'colour' of X .*" + message
    for each in (model, model.compact()):
        with pytest.raises(ValueError, match=message):
            each.predict(bad)


def test_numbers_that_become_strings_at_predict(model):
    model, X, _ = model
    with pytest.raises(ValueError, match="'x0' of X must hold numbers.*Got strings"):
        model.predict(X.assign(x0="1.5"))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        model.predict(X.assign(x0=np.inf))


BAD_TABLES = [
    (lambda X: X.drop(columns="colour"), "now missing:\n- colour"),
    (lambda X: X.drop(columns="x5"), "now missing:\n- x5"),
    (lambda X: X.assign(more=1), "unseen at fit time:\n- more"),
    (lambda X: X.rename(columns={"x1": "y"}), "unseen at fit time:\n- y"),
    (lambda X: X[X.columns[::-1]], "must be in the same order as they were in fit"),
    (lambda X: X.rename(columns={"x1": "x2"}), "unique column names.*\n.*'x2' 2 times"),
    (lambda X: X.iloc[:0], r"at least one row and one column. Got.*\(0, 9\)"),
]


@pytest.mark.parametrize(("make", "message"), BAD_TABLES)
def test_other_tables_at_predict(model, make, message):
    model, X, _ = model
    for each in (model, model.compact()):
        for method in (each.predict, each.transform):
            if method == each.transform and not len(make(X)):
                continue  # no rows are transformed to no rows
            with pytest.raises(ValueError, match=message):
                method(make(X))


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_arrays_at_predict(model):
    model, X, _ = model
    with pytest.raises(ValueError, match="8 features, but .* is expecting 9"):
        model.predict(X.to_numpy(dtype=object)[:, :8])
    numbers = sp.csr_array(np.ones((3, 9)))
    with pytest.raises(ValueError, match="fitted with categories. Got a sparse matrix"):
        model.predict(numbers)


def test_duplicate_names(estimator):
    X, y = table(estimator)
    X = X.rename(columns={"x1": "x2"})
    for options in ({}, {"required_features": ["x2"]}):
        model = estimator(**{**QUICK, **options})
        with pytest.raises(ValueError, match="unique column names.*\n.*'x2' 2 times"):
            model.fit(X, y)
        assert not hasattr(model, "n_features_in_")


BAD_PARAMETERS_OF_TABLES = [
    ({"categorical_features": ["shade"]}, "Got 'shade', that X does not have"),
    ({"categorical_features": "shade"}, "Got 'shade', that X does not have"),
    ({"categorical_features": [9]}, "must hold indices from 0 to 8. Got 9"),
    ({"categorical_features": [True] * 8}, "for each of the 9 columns.*mask. Got 8"),
    ({"categorical_features": 0.5}, "must be .*Got 0.5"),
    ({"feature_groups": [["x1", "x2"], ["x2"]]}, "at most once. Got column 'x2' twice"),
    ({"feature_groups": [["x1", "y"]]}, "Got 'y', that X does not have"),
    ({"feature_groups": {"a": [1, 12]}}, "must hold indices from 0 to 8. Got 12"),
    ({"feature_groups": [[]]}, r"lists of at least one column. Got \[\]"),
    ({"feature_groups": ["x1"]}, "must hold lists of names or indices. Got 'x1'"),
    ({"feature_groups": [None]}, "must be a list of names or indices.*Got None"),
    ({"feature_groups": "x1"}, "must be an instance of 'list'.*Got 'x1'"),
    ({"feature_cost": [1.0] * 8}, "one price for each of the 9 columns of X. Got 8"),
    ({"feature_cost": [1.0] * 8 + [-2]}, "finite numbers, none negative. Got -2"),
    ({"feature_cost": [1.0] * 8 + [np.nan]}, "finite numbers, none negative. Got nan"),
    ({"feature_cost": [1.0] * 8 + ["2"]}, "finite numbers, none negative. Got '2'"),
    ({"feature_cost": np.nan}, "must be .*Got nan"),
    ({"feature_cost": {"x1": -2}}, "finite numbers, none negative. Got -2"),
    ({"feature_cost": {"x1": np.nan}}, "finite numbers, none negative. Got nan"),
    ({"feature_cost": {"y": 1}}, "Got 'y', that X does not have"),
    ({"feature_cost": {("x1", "x2"): 1}}, r"map names.*Got the key \('x1', 'x2'\)"),
    ({"required_features": ["x1", "y"]}, "Got 'y', that X does not have"),
    ({"required_features": [-1]}, "must hold indices from 0 to 8. Got -1"),
    ({"required_features": [1.5]}, r"must be a list of names or ind.*Got \[1.5\]"),
    (
        {"input_shape": (1, 3, 3), "conv_channels": (2,)},
        "needs columns that are numbers.*Got column 'colour', which is a category. Set",
    ),
]


@pytest.mark.parametrize(("parameters", "message"), BAD_PARAMETERS_OF_TABLES)
def test_bad_parameters_of_tables_are_named(model, parameters, message):
    model, X, y = model
    changed = clone(model).fit(X, y).set_params(**parameters)
    message = f"'{next(iter(parameters))}' parameter .*{message}"
    assert_unchanged_by(lambda: changed.fit(X, y), changed, X, message)


@pytest.mark.parametrize("value", [1.0, "red", np.nan, None], ids=str)
def test_required_columns_that_are_constant(estimator, value):
    X, y = table(estimator)
    constant = X.assign(x3=np.full(150, value, dtype=object))
    model = estimator(**QUICK, required_features=["x3"])
    message = "'required_features' .* must name columns that vary. Got column 'x3'"
    with pytest.raises(ValueError, match=message + ".*constant. Leave it out"):
        model.fit(constant, y)
    assert not hasattr(model, "n_features_in_")
    assert_unchanged_by(lambda: model.fit(constant, y), model.fit(X, y), X, message)


@pytest.mark.parametrize("value", [np.nan, None, pd.NA], ids=str)
@pytest.mark.parametrize("dtype", ["object", "category", "Float64", "string"])
def test_columns_without_any_value_are_dropped(estimator, value, dtype):
    X, y = table(estimator)
    X = X.assign(x3=pd.Series([value] * 150, dtype=object).astype(dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        model = estimator(**QUICK).fit(X, y)
    assert not model.get_support()[3]
    assert np.isfinite(model._outputs(X)).all()


def test_a_level_per_row_is_left_out_with_a_warning(estimator):
    X, y = table(estimator)
    names = [f"name {j}" for j in range(150)]
    message = "Column 'x3' of X is a category without any level in at least 10 rows: "
    for values, options in (
        (names, {}),
        (pd.Categorical(X["x3"]), {}),
        (X["x3"], {"categorical_features": ["x3", "colour"]}),
    ):
        with pytest.warns(UserWarning) as record:
            model = estimator(**QUICK, **options).fit(X.assign(x3=values), y)
        (warning,) = (w for w in record if str(w.message).startswith(message))
        assert "it is left out. If it is a number, convert it by" in str(
            warning.message
        )
        assert warning.filename == __file__
        assert not model.get_support()[3]
        assert np.isfinite(model._outputs(X.assign(x3=values))).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda X: X.iloc[:0], r"at least one row and one column. Got .*\(0, 9\)"),
        (lambda X: X[[]], r"at least one row and one column. Got .*\(150, 0\)"),
        (lambda X: X.assign(x3=np.inf), "Input X contains infinity"),
        (lambda X: X.iloc[:1], "1 sample.*minimum of 2 is required"),
        (lambda X: X["x1"], "Expected a? ?2"),
        (lambda X: X.to_numpy(dtype=object), "Column 8 of X holds strings: name it in"),
    ],
)
def test_bad_frames_are_named(model, make, message):
    model, X, y = model
    bad = make(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert_unchanged_by(lambda: model.fit(bad, y[: len(bad)]), model, X, message)


def test_what_arrays_of_objects_hold_is_named(estimator):
    X, y = table(estimator)
    values = X.to_numpy(dtype=object)
    model = estimator(**QUICK, categorical_features=[8])
    for bad, message in (
        (of(1, "a"), "Column 8 of X holds mixed types. Convert it"),
        (of(*DATES), r"Column 8 of X holds objects \(datetime\). Convert it"),
        (of([1], [2]), r"Column 8 of X holds objects \(mixed\). Convert it"),
        (of(np.inf, 1.0), "Column 8 of X contains infinity.*Convert it to NaN"),
    ):
        values[:, 8] = bad
        with pytest.raises(ValueError, match=message):
            model.fit(values, y)
        assert not hasattr(model, "n_features_in_")
    values[:, 8], values[3, 2] = X["colour"], "a"
    with pytest.raises(ValueError, match="could not convert.*Column 2 of X holds str"):
        model.fit(values, y)


def test_sparse_matrices_have_no_categories(estimator):
    X, y = problem(estimator)
    model = estimator(**QUICK, categorical_features=[0])
    with pytest.raises(ValueError, match="'categorical_features' .*Make X dense"):
        model.fit(sp.csr_array(X), y)


@pytest.mark.parametrize("n_rows", [1, 5])
@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered")
def test_rows_that_are_too_large_are_named(n_rows):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    model = ARDRegressor((4,), n_bins=0, max_iter=20, random_state=0).fit(X, X[:, 0])
    rows = X[:n_rows].copy()
    rows[0, 0] = 1e39
    for each in (model, model.compact()):
        with pytest.raises(ValueError, match="too large for dtype.'float32'"):
            each.predict(rows)
        assert np.isfinite(each.predict(np.clip(rows, -10, 10))).all()
