"""The path over reg_factor: what is promised of every point, and of the whole."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_friedman1
from sklearn.linear_model import Lasso

from sklearn_ard import ARDClassifier, ARDPath, ARDRegressor, ard_path
from sklearn_ard.selection.path import walking
from sklearn_ard.selection.walk import DECADES, lower_end

FAST = {"hidden_layer_sizes": (16,), "max_iter": 150, "random_state": 0}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 8))
    return X, X[:, 1] + np.abs(X[:, 4]) + 0.1 * rng.normal(size=200)


@pytest.fixture(scope="module")
def path(data):
    return ard_path(*data, estimator=ARDRegressor(**FAST), return_models=True)


def test_its_own_range_goes_from_all_columns_to_none(path):
    assert path.n_features[0] == 8
    assert path.n_features[-1] == 0
    assert path.reg_factors[0] in DECADES
    assert (path.n_features[:-1] > 0).all()


def test_points_are_spaced_evenly_and_finds_the_truth_in_between(path):
    np.testing.assert_allclose(np.diff(np.log10(path.reg_factors[1:])), 1 / 6)
    at_one = path.support[np.isclose(path.reg_factors, 1)]
    np.testing.assert_array_equal(np.flatnonzero(at_one), [1, 4])


def test_dropped_columns_have_no_relevance_and_kept_ones_some(path):
    assert (path.relevance[~path.support] == 0).all()
    assert (path.relevance[:, 1] > 0).sum() == path.support[:, 1].sum()


def test_models_are_those_of_the_points(path, data):
    X, y = data
    for model, support, score in zip(
        path.models, path.support, path.train_score, strict=True
    ):
        np.testing.assert_array_equal(model.get_support(), support)
        assert model.score(X, y) == pytest.approx(score, abs=1e-9)


def test_sparsity_and_score_of_the_ends(path):
    assert path.sparsity[-1] == 1.0
    assert path.train_score[-1] == pytest.approx(0.0, abs=1e-9)
    assert path.train_score[0] > 0.95


def test_the_frame_says_the_same(path):
    frame = path.to_frame()
    assert len(frame) == len(path)
    assert frame["features"].str.len().tolist() == path.n_features.tolist()
    assert frame["features"].iloc[0] == [f"x{j}" for j in range(8)]


def test_points_come_ascending_and_once_whatever_the_order(data):
    found = [
        ard_path(*data, estimator=ARDRegressor(**FAST), reg_factors=values)
        for values in ([3.0, 0.5, 3.0], (0.5, 3.0))
    ]
    for path in found:
        assert path.reg_factors.tolist() == [0.5, 3.0]
    np.testing.assert_array_equal(found[0].relevance, found[1].relevance)


def test_one_point_is_a_path_too(data):
    path = ard_path(*data, estimator=ARDRegressor(**FAST), reg_factors=[1.0])
    assert path.support.shape == (1, 8)
    assert path.models is None


def test_zero_regularisation_keeps_every_column(data):
    path = ard_path(*data, estimator=ARDRegressor(**FAST), reg_factors=[0, 1])
    assert path.n_features[0] == 8


def test_frames_give_names_and_the_estimator_is_not_changed(data):
    X, y = pd.DataFrame(data[0], columns=list("abcdefgh")), data[1]
    estimator = ARDRegressor(reg_factor=7.0, **FAST)
    path = ard_path(X, y, estimator=estimator, reg_factors=[1.0])
    assert path.to_frame()["features"].iloc[0] == ["b", "e"]
    assert estimator.reg_factor == 7.0
    assert not hasattr(estimator, "net_")


def test_classes_and_weights_as_copies(data):
    X = data[0][:60]
    y = np.where(X[:, 1] > 0, "yes", "no")
    weight = np.arange(60) % 3
    options = {"reg_factors": [0.2, 1.0], "estimator": ARDClassifier(**FAST)}
    weighted = ard_path(X, y, sample_weight=weight, **options)
    repeated = ard_path(X.repeat(weight, axis=0), y.repeat(weight), **options)
    np.testing.assert_array_equal(weighted.relevance, repeated.relevance)
    np.testing.assert_allclose(weighted.train_score, repeated.train_score)


def test_pure_noise_comes_out_empty_without_a_word():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 5)), rng.normal(size=80)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = ard_path(X, y, estimator=ARDRegressor(**FAST), reg_factors=[5.0, 9.0])
    assert path.n_features.tolist() == [0, 0]


def test_constant_columns_are_never_kept(data):
    X = np.hstack([data[0], np.ones((200, 1))])
    path = ard_path(X, data[1], estimator=ARDRegressor(**FAST), reg_factors=[0.001])
    assert not path.support[0, 8]


def test_no_estimator_means_a_classifier_for_labels_and_a_regressor_for_floats():
    from sklearn_ard.selection.path import default_estimator

    assert isinstance(default_estimator(["a", "b", "c"]), ARDClassifier)
    assert isinstance(default_estimator([0, 1, 1]), ARDClassifier)
    assert isinstance(default_estimator([0.5, 1.2]), ARDRegressor)
    assert isinstance(default_estimator([1.0, 2.0, 3.0]), ARDRegressor)
    with pytest.raises(ValueError, match="'estimator' parameter must be given"):
        default_estimator([1, 2, 3])


@pytest.mark.parametrize("values", [[], [-1.0], [np.nan], [np.inf], 1.0, ["a"], None])
def test_bad_values_of_reg_factor_are_named(data, values):
    if values is None:
        with pytest.raises(ValueError, match="'points_per_decade' parameter"):
            ard_path(*data, estimator=ARDRegressor(), points_per_decade=0)
        return
    with pytest.raises(ValueError, match="'reg_factors' parameter of ard_path"):
        ard_path(*data, estimator=ARDRegressor(), reg_factors=values)


def test_other_estimators_are_refused(data):
    with pytest.raises(ValueError, match="'estimator' parameter of ard_path.*Lasso"):
        ard_path(*data, estimator=Lasso())


def test_bad_parameters_of_the_estimator_are_named(data):
    with pytest.raises(ValueError, match="'learning_rate_init' parameter"):
        ard_path(*data, estimator=ARDRegressor(learning_rate_init=-1))


@pytest.mark.parametrize(
    ("reg_factor", "lowest"),
    [(100, 0.1), (0.1, 0.1), (0.099, 0.01), (0.01, 0.01), (1e-4, 1e-4), (0, 0)],
)
def test_every_network_starts_at_the_lower_end_of_its_decade(reg_factor, lowest):
    assert lower_end(reg_factor) == pytest.approx(lowest)


def test_a_cut_keeps_the_most_relevant_columns_and_no_other():
    X, y = make_friedman1(n_samples=300, n_features=8, random_state=0)
    with walking(ARDRegressor(**FAST), X, y) as (walk, _):
        trained = walk.over([0.5])[0.5]
    assert trained.support.sum() > 2
    cut = walk.cut(0.5, trained, 2)
    expected = np.argsort(-trained.relevance)[:2]
    np.testing.assert_array_equal(np.flatnonzero(cut.support), np.sort(expected))


def test_images_walk_as_well():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2 * 4 * 4))
    y = (X[:, :16].mean(axis=1) > 0).astype(int)
    estimator = ARDClassifier(
        (8,), input_shape=(2, 4, 4), conv_channels=(4,), max_iter=100, random_state=0
    )
    path = ard_path(X, y, estimator=estimator, reg_factors=[0.01, 0.5, 1000])
    assert path.n_features[-1] == 0
    assert path.support[1, :16].all()  # a channel is one input
    assert path.train_score[1] > 0.8


def test_a_path_without_names_for_its_models_is_a_plain_object():
    path = ARDPath(*(np.zeros(2),) * 6, feature_names=np.array([]))
    assert len(path) == 2


def test_complex_targets_are_named_without_an_estimator():
    with pytest.raises(ValueError, match="y cannot be read: Complex"):
        ard_path(np.ones((24, 3)), np.ones(24) + 1j)
