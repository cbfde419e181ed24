"""scikit-learn's own checks, all of them, none expected to fail."""

import pytest
from sklearn.linear_model import Lasso
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ard import (
    ARDClassifier,
    ARDClassifierCV,
    ARDRegressor,
    ARDRegressorCV,
    StabilitySelection,
)

pytestmark = pytest.mark.filterwarnings("ignore:No input is worth its price")


@pytest.mark.slow
@parametrize_with_checks([ARDRegressor(), ARDClassifier()])
def test_default_parameters(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [ARDRegressor(likelihood="gaussian", n_bins=0), ARDClassifier(n_bins=0)]
)
def test_one_candidate(estimator, check):
    check(estimator)


_SHORT = {"reg_factors": [0.5, 2.0], "cv": 2, "max_iter": 60, "n_bins": 0}


@parametrize_with_checks(
    [ARDRegressorCV(**_SHORT, likelihood="gaussian"), ARDClassifierCV(**_SHORT)]
)
def test_chosen_by_cross_validation(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [
        StabilitySelection(
            Lasso(), param="alpha", values=[0.2, 0.5], n_pairs=5, threshold=1.0
        )
    ]
)
def test_stability_selection(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        estimator(**parameters)
        for estimator in (ARDRegressor, ARDClassifier)
        for parameters in (
            {"prior": "group_ard"},
            {"hidden_layer_sizes": ()},
            {"n_networks": 2, "max_iter": 60},
        )
    ]
)
def test_other_parameters(estimator, check):
    check(estimator)
