"""scikit-learn's own checks, all of them, none expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ard import ARDClassifier, ARDRegressor

pytestmark = pytest.mark.filterwarnings("ignore:No input is worth its price")


@parametrize_with_checks([ARDRegressor(), ARDClassifier()])
def test_default_parameters(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        estimator(**parameters)
        for estimator in (ARDRegressor, ARDClassifier)
        for parameters in ({"prior": "group_ard"}, {"hidden_layer_sizes": ()})
    ]
)
def test_other_parameters(estimator, check):
    check(estimator)
