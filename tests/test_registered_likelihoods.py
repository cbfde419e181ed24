"""A likelihood from outside is one of a regressor's, in fits and in files."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from sklearn_ard import ARDRegressor, ARDRegressorCV, CompactRegressor
from sklearn_ard._likelihoods import register_likelihood
from sklearn_ard.data.noise import StudentTNoise
from sklearn_ard.data.targets import LIKELIHOODS
from sklearn_ard.inference.format import MODELS
from sklearn_ard.nn import likelihoods

TUTORIAL = Path(__file__).parents[1] / ".docs" / "tutorials" / "likelihood.py"


@pytest.fixture
def laplace():
    """The noise of the handbook, registered for a test."""
    names = runpy.run_path(str(TUTORIAL))
    noise = names["LaplaceNoise"]
    register_likelihood(names["LaplaceLikelihood"], noise)
    yield noise
    del likelihoods.LIKELIHOODS["laplace"], LIKELIHOODS["laplace"]
    del MODELS.types["laplace"], MODELS.names[noise]


@pytest.mark.parametrize("Estimator", [ARDRegressor, ARDRegressorCV])
def test_models_of_registered_noise_are_saved(Estimator, laplace, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = X[:, 0] + 0.3 * rng.laplace(size=60)
    model = Estimator(likelihood="laplace", max_iter=20, random_state=0).fit(X, y)
    model.save(tmp_path / "model.npz")
    model.compact().save(tmp_path / "small.npz")
    expected = model.predict_quantiles(X)
    again = Estimator.load(tmp_path / "model.npz")
    small = CompactRegressor.load(tmp_path / "small.npz")
    np.testing.assert_array_equal(again.predict_quantiles(X), expected)
    np.testing.assert_array_equal(small.predict_quantiles(X), expected)


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match=r"'noise' .* register_likelihood .* taken"):
        register_likelihood(likelihoods.StudentTLikelihood, StudentTNoise)


def test_an_unknown_likelihood_is_refused():
    model = ARDRegressor(likelihood="laplace")
    with pytest.raises(ValueError, match="'likelihood' parameter of ARDRegressor"):
        model.fit([[0.0], [1.0]], [0.0, 1.0])
