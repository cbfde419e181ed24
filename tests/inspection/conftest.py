import numpy as np
import pytest

from sklearn_ard import ARDRegressor


@pytest.fixture(scope="session")
def friedman():
    """A model of few rows, and more rows than it has seen."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 7))
    y = X[:, 0] * X[:, 1] + np.abs(X[:, 2]) + X[:, 4]
    model = ARDRegressor((16, 8), likelihood="gaussian", max_iter=40, n_bins=0).fit(
        X[:200], y[:200]
    )
    return model, X
