"""Laplace noise, of which the network learns the median: for targets with outliers."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from sklearn_ard import ARDRegressor
from sklearn_ard._likelihoods import register_likelihood
from sklearn_ard.data.noise import LocationScaleNoise
from sklearn_ard.nn import LocationScale


class LaplaceLikelihood(LocationScale):
    """For training, in torch: minus the log-density, and its derivative by z."""

    def standard(self, z):
        return z.abs() + math.log(2), z.sign()


@dataclass(frozen=True)
class LaplaceNoise(LocationScaleNoise):
    """For predictions, in scipy."""

    likelihood, family = "laplace", stats.laplace


if __name__ == "__main__":
    register_likelihood(LaplaceLikelihood, LaplaceNoise)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 10))
    y = np.abs(X[:, 3]) + X[:, 7] + rng.laplace(scale=0.3, size=300)
    model = ARDRegressor(likelihood="laplace", n_bins=0, random_state=0).fit(X, y)
    print("kept:", model.get_support(indices=True))
    covered = model.predict_quantiles(X, [0.05, 0.95])
    print(f"covered: {np.mean((covered[:, 0] < y) & (y < covered[:, 1])):.0%}")
    print(f"noise: {model.noise_std_:.2f}, truly {0.3 * math.sqrt(2):.2f}")
