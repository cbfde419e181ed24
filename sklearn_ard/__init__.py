"""Neural networks that pick their own inputs, for scikit-learn."""

from sklearn_ard._classifier import ARDClassifier
from sklearn_ard._regressor import ARDRegressor

__version__ = "0.2.0"

__all__ = ["ARDClassifier", "ARDRegressor"]
