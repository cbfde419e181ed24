"""scikit-learn's own checks: all of them, with default parameters first."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ard import ARDClassifier, ARDRegressor


@parametrize_with_checks(
    [
        estimator(**parameters)
        for estimator in (ARDRegressor, ARDClassifier)
        for parameters in ({}, {"prior": "group_ard"}, {"hidden_layer_sizes": ()})
    ]
)
@pytest.mark.filterwarnings("ignore:No input is worth its price")
def test_scikit_learn_check(estimator, check):
    check(estimator)
