"""ARDRegressorCV and ARDClassifierCV: what is chosen, and by what."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import make_friedman1
from sklearn.linear_model import LinearRegression
from sklearn.metrics import get_scorer, make_scorer, r2_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ard import ARDClassifierCV, ARDRegressor, ARDRegressorCV
from sklearn_ard.selection.choice import _best

FAST = {"hidden_layer_sizes": (16,), "max_iter": 100, "random_state": 0, "cv": 3}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 8))
    return X, X[:, 1] + np.abs(X[:, 4]) + 0.1 * rng.normal(size=200)


@pytest.fixture(scope="module")
def friedman():
    return make_friedman1(n_samples=300, n_features=8, noise=0.5, random_state=0)


@pytest.fixture(scope="module")
def fitted(friedman):
    return ARDRegressorCV(reg_factors=[0.1, 1, 30, 1000], **FAST).fit(*friedman)


def test_the_best_mean_score_is_chosen(fitted):
    found = fitted.cv_results_
    folds = [found[f"split{k}_test_score"] for k in range(3)]
    np.testing.assert_allclose(found["mean_test_score"], np.mean(folds, axis=0))
    np.testing.assert_allclose(found["std_test_score"], np.std(folds, axis=0))
    assert fitted.best_score_ == found["mean_test_score"].max() > 0.8
    assert fitted.reg_factor_ == found["reg_factor"][fitted.best_index_]
    assert fitted.n_splits_ == 3


def test_scores_are_those_of_rows_that_were_left_out(friedman):
    X, y = friedman
    walked = ARDRegressorCV(reg_factors=[1.0], **FAST)
    walked.set_params(cv=[(np.arange(200), np.arange(200, 300))]).fit(X, y)
    # the same walk on the training rows alone, and its score by hand
    alone = ARDRegressorCV(reg_factors=[1.0], **FAST)
    alone.set_params(cv=[(np.arange(200), np.arange(200))]).fit(X[:200], y[:200])
    expected = r2_score(y[200:], alone.predict(X[200:]))
    assert walked.best_score_ == pytest.approx(expected, abs=1e-6)


def test_the_model_is_the_point_of_the_walk_over_all_rows(friedman, fitted):
    X, y = friedman
    index = fitted.best_index_
    np.testing.assert_array_equal(fitted.get_support(), fitted.path_.support[index])
    assert fitted.sparsity_ == fitted.path_.sparsity[index]
    assert fitted.elbo_ == fitted.path_.elbo[index]
    assert fitted.score(X, y) == pytest.approx(fitted.path_.train_score[index])


def test_everything_that_the_plain_estimator_can(friedman, fitted, tmp_path):
    X, y = friedman
    assert isinstance(fitted, ARDRegressor)
    assert fitted.transform(X).shape[1] == fitted.get_support().sum()
    np.testing.assert_allclose(fitted.compact().predict(X), fitted.predict(X))
    mean, std = fitted.predict(X, return_std=True)
    assert (std >= fitted.noise_std_).all() and std.shape == mean.shape
    assert len(fitted.compression_report()) > 1
    assert not hasattr(fitted, "partial_fit")


def test_one_standard_error_takes_the_most_regularised_of_the_good_ones(friedman):
    grid = [0.1, 0.5, 2, 10, 50]
    model = ARDRegressorCV(reg_factors=grid, selection="one_standard_error", **FAST)
    found = model.fit(*friedman).cv_results_
    mean, std = found["mean_test_score"], found["std_test_score"]
    best = mean.argmax()
    error = std[best] * np.sqrt(3 / 2) / np.sqrt(3)
    expected = np.flatnonzero(mean >= mean[best] - error)[-1]
    assert model.best_index_ == expected >= best


def test_equal_scores_choose_the_largest_reg_factor():
    mean = np.array([0.5, 0.9, 0.9 + 1e-15, 0.9 - 1e-15, np.nan])
    assert _best(mean, np.ones(5, dtype=bool)) == 3
    assert _best(mean, np.array([True, False, False, False, True])) == 0
    assert _best(mean, np.array([False, False, False, False, True])) == 4


@pytest.mark.parametrize("n_features", [1, 2, 5, 7])
def test_a_number_of_columns_is_met_exactly(friedman, n_features):
    grid = [0, 0.1, 1, 30]
    model = ARDRegressorCV(reg_factors=grid, n_features_to_select=n_features, **FAST)
    model.fit(*friedman)
    assert model.get_support().sum() == n_features
    if n_features <= 5:  # the five that matter come first
        assert model.get_support(indices=True).max() < 5


def test_a_larger_number_of_columns_than_any_point_keeps(data):
    model = ARDRegressorCV(reg_factors=[2, 5], n_features_to_select=7, **FAST)
    with pytest.warns(UserWarning, match="reaches n_features_to_select=7.*2 columns"):
        model.fit(*data)
    assert model.get_support(indices=True).tolist() == [1, 4]


def test_a_target_sparsity(friedman):
    model = ARDRegressorCV(reg_factors=[0.1, 1, 10], target_sparsity=0.7, **FAST)
    model.fit(*friedman)
    assert model.sparsity_ >= 0.7
    reached = model.path_.sparsity >= 0.7
    assert model.best_score_ == model.cv_results_["mean_test_score"][reached].max()


def test_a_target_sparsity_that_only_an_empty_model_meets(data):
    grid = [0.001, 1.0, 1e7]
    model = ARDRegressorCV(reg_factors=grid, target_sparsity=0.9999, **FAST)
    with pytest.warns(UserWarning, match=r"reaches target_sparsity=0.9999.*nearest"):
        model.fit(*data)
    assert model.get_support().any()
    assert model.sparsity_ == model.path_.sparsity[model.path_.n_features > 0].max()


def test_classes_in_a_pipeline_with_names(data):
    X = pd.DataFrame(data[0], columns=list("abcdefgh"))
    y = np.where(X["b"] + X["e"] > 0, "yes", "no")
    model = ARDClassifierCV(reg_factors=[0.5, 2], n_jobs=2, **FAST)
    pipe = make_pipeline(StandardScaler().set_output(transform="pandas"), model)
    pipe.fit(X, y)
    assert pipe.score(X, y) > 0.9
    assert pipe[-1].get_feature_names_out().tolist() == ["b", "e"]
    assert pipe[-1].predict_proba(pipe[0].transform(X)).shape == (200, 2)


def test_number_of_jobs_does_not_matter(data):
    found = []
    for n_jobs in (1, 2):
        model = ARDRegressorCV(reg_factors=[1.0], n_jobs=n_jobs, **FAST)
        model.set_params(random_state=np.random.RandomState(0)).fit(*data)
        found.append((model.best_score_, *model.predict(data[0])))
    assert found[0] == found[1]


def test_scoring_by_predictive_density(data):
    def log_density(model, X, y):
        mean, std = model.predict(X, return_std=True)
        return np.mean(-0.5 * ((y - mean) / std) ** 2 - np.log(std))

    model = ARDRegressorCV(reg_factors=[1, 1000], scoring=log_density, **FAST)
    assert model.fit(*data).reg_factor_ == 1.0
    model.set_params(scoring="neg_mean_absolute_error").fit(*data)
    assert model.best_score_ < 0


def test_weights_count_in_training_and_scores(data):
    X, y = data[0][:90], data[1][:90]
    weight = np.tile([0, 1, 2], 30)
    folds = [(np.arange(60), np.arange(60, 90)), (np.arange(30, 90), np.arange(30))]
    model = ARDRegressorCV(reg_factors=[1.0], **FAST).set_params(cv=folds)
    weighted = clone(model).fit(X, y, sample_weight=weight)
    ends = np.cumsum(weight)
    copies = [np.arange(e - w, e) for e, w in zip(ends, weight, strict=True)]
    rows = [
        np.concatenate([copies[i] for i in part]) for fold in folds for part in fold
    ]
    repeated = clone(model).set_params(cv=[(rows[0], rows[1]), (rows[2], rows[3])])
    repeated.fit(X.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_allclose(repeated.predict(X), weighted.predict(X))
    np.testing.assert_allclose(
        repeated.cv_results_["split1_test_score"],
        weighted.cv_results_["split1_test_score"],
    )


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_groups_reach_the_splitter_and_weights_the_scorer(data, routing):
    X, y = data
    groups = np.repeat(np.arange(20), 10)
    seen = []

    def score(y_true, y_pred, sample_weight=None):
        seen.append(sample_weight)
        return r2_score(y_true, y_pred, sample_weight=sample_weight)

    scorer = make_scorer(score).set_score_request(sample_weight=True)
    model = ARDRegressorCV(reg_factors=[1.0], **FAST)
    model.set_params(cv=GroupKFold(3), scoring=scorer)
    model.set_fit_request(sample_weight=True)
    model.fit(X, y, sample_weight=np.ones(200), groups=groups)
    assert sorted(map(len, seen)) == sorted(
        len(test) for _, test in GroupKFold(3).split(X, y, groups)
    ) + [200]


def test_groups_and_weights_through_a_grid_search(data, routing):
    X, y = data
    groups = np.repeat(np.arange(20), 10)
    model = ARDRegressorCV(reg_factors=[1.0], **FAST).set_params(cv=GroupKFold(2))
    model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    scorer = get_scorer("r2").set_score_request(sample_weight=True)
    model.set_params(scoring=scorer)
    search = GridSearchCV(model, {"activation": ["relu", "tanh"]}, cv=GroupKFold(2))
    search.fit(X, y, sample_weight=np.ones(200), groups=groups)
    assert search.best_score_ > 0.9


def test_groups_without_routing_say_what_to_do(data):
    with pytest.raises(ValueError, match="enable_metadata_routing"):
        ARDRegressorCV(**FAST).fit(*data, groups=np.zeros(200))


def test_clone_and_cross_val_score(data):
    model = ARDRegressorCV(reg_factors=[0.5, 2], **FAST)
    scores = cross_val_score(model, *data, cv=KFold(2, shuffle=True, random_state=0))
    assert (scores > 0.95).all()
    assert not hasattr(clone(model), "cv_results_")


def _fails(model, data, match):
    """A failed fit leaves the model as it was."""
    before = set(vars(model))
    with pytest.raises(ValueError, match=match):
        model.fit(*data)
    assert set(vars(model)) == before


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"reg_factors": []}, "'reg_factors' parameter of ARDRegressorCV"),
        ({"reg_factors": [1, -1]}, "'reg_factors' parameter of ARDRegressorCV"),
        ({"n_features_to_select": 9}, "at most the number of columns of X, 8. Got 9"),
        ({"n_features_to_select": 0}, "'n_features_to_select' parameter"),
        ({"target_sparsity": 1.0}, "'target_sparsity' parameter"),
        ({"n_features_to_select": 2, "target_sparsity": 0.5}, "only one of"),
        ({"selection": "worst"}, "'selection' parameter"),
        ({"scoring": "nonsense"}, "'scoring' parameter"),
        ({"cv": 1}, "n_splits"),
        ({"scoring": lambda *args: np.nan}, "must give finite scores"),
    ],
)
def test_bad_parameters_are_named(data, parameters, match):
    model = ARDRegressorCV(reg_factors=[1.0], **FAST).set_params(max_iter=2)
    _fails(model.set_params(**parameters), data, match)


def test_points_without_a_score_are_told_and_not_chosen(data):
    calls = []

    def score(model, X, y):
        calls.append(model.reg_factor)
        return np.nan if model.reg_factor == 1.0 else 0.5

    model = ARDRegressorCV(reg_factors=[0.5, 1.0], scoring=score, **FAST)
    with pytest.warns(UserWarning, match=r"reg_factor in \[1.0\] are not finite"):
        model.fit(*data)
    assert model.reg_factor_ == 0.5


def test_a_fold_without_a_class_is_named(data):
    X = data[0][:40]
    y = np.where(np.arange(40) < 20, "a", "b")
    model = ARDClassifierCV(**FAST).set_params(cv=KFold(2))
    _fails(model, (X, y), r"Split 0 has none of \['a'\]")


@pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")
def test_a_rare_class_may_be_missing_where_labels_are_scored(data):
    X = data[0][:60]
    y = np.where(X[:, 0] > 0, "a", "b").astype(object)
    y[7] = "rare"
    model = ARDClassifierCV(reg_factors=[1.0], cv=2, max_iter=5, random_state=0)
    assert list(model.fit(X, y).classes_) == ["a", "b", "rare"]
    model.set_params(scoring="neg_log_loss")
    with pytest.raises(ValueError, match=r"has none of \['rare'\]"):
        model.fit(X, y)


def test_an_empty_choice_is_told():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(90, 4)), rng.normal(size=90)
    model = ARDRegressorCV(reg_factors=[20, 30], **FAST)
    with pytest.warns(UserWarning, match="No input is worth its price"):
        model.fit(X, y)
    assert LinearRegression().fit(X, y).score(X, y) > model.score(X, y)
    np.testing.assert_allclose(model.predict(X), y.mean())


def test_a_class_without_weight_is_missing_from_every_fold():
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = np.where(X[:, 0] > 0, "a", "b")
    model = ARDClassifierCV(class_weight={"a": 0, "b": 1}, cv=2, max_iter=5)
    with pytest.raises(ValueError, match="'cv' parameter.*every class.*'a'"):
        model.fit(X, y)


def test_prices_are_chosen_as_reg_factors_are(friedman):
    X, y = friedman
    options = {"reg_factors": [0.5, 1.0], "cv": 3, "max_iter": 60, "random_state": 0}
    costs = [0.0, "auto", 1e6]
    model = ARDRegressorCV(feature_costs=costs, **options).fit(X, y)
    single = [ARDRegressorCV(feature_cost=cost, **options) for cost in costs[:2]]
    scores = [each.fit(X, y).best_score_ for each in single]
    assert model.best_score_ == max(scores)
    best = single[int(np.argmax(scores))]
    assert model.feature_cost_ == best.feature_cost == best.feature_cost_
    assert model.reg_factor_ == best.reg_factor_
    np.testing.assert_array_equal(model.predict(X), best.predict(X))
    np.testing.assert_array_equal(model.path_.support, best.path_.support)


@pytest.mark.parametrize("costs", [[], [-1.0], [np.inf], ["dear"], [True], [[1, 2]]])
def test_bad_prices_to_choose_from(data, costs):
    _fails(ARDRegressorCV(feature_costs=costs), data, "The 'feature_costs' parameter")
