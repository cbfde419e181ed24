"""Moments of the outputs of dense networks with random weights, in closed form.

Operations and standardised inputs come in; means and variances of the outputs go out.

A forward pass takes the mean, variance and third central moment of every unit through
the layers as if units were independent [1]_. Within the first hidden layer they are:
its moments are exact. Beyond it, sums of products of random weights and units are
skewed, and the moments of their ReLU are those of a normal distribution with a first
correction for skewness (a Gram-Charlier series). A backward pass then adds up what
every unit contributes to the variance of an output by its own randomness, with the
linear regression of its ReLU on its input as the slope: so units that depend on the
same random unit are correlated.

References
----------
.. [1] J. M. Hernández-Lobato and R. P. Adams, "Probabilistic backpropagation for
   scalable learning of Bayesian neural networks", ICML 2015.
.. [2] M. Abramowitz and I. A. Stegun, "Handbook of mathematical functions", 1964,
   eq. 7.1.26.
"""

import math
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp

from sklearn_ard._typing import Matrix
from sklearn_ard.inference.operations import Activation, Dense, Operation, Random, Sum

Values: TypeAlias = np.ndarray | None
# mean, variance and third central moment of units, the slope of a ReLU's regression on
# its input, and the variance that is the unit's own
Moments: TypeAlias = tuple[np.ndarray, np.ndarray, Values, Values, np.ndarray]
Step: TypeAlias = "_RandomLayer | _ReLU"
Chain: TypeAlias = tuple[Values, list[Step]]  # indices of its inputs, and its steps

_FAR = 8.0  # standard deviations from 0, beyond which a ReLU is linear or 0
_MAX_SKEWNESS = 1.5  # that a series of two terms can correct for
_LEAST_VARIANCE = np.float32(1e-20)
_TINY = np.float32(1e-30)
_DENSITY_AT_0 = 1 / math.sqrt(2 * math.pi)
# erfc(x) / exp(-x ** 2) as a polynomial [2]_, many times as fast as scipy's function
_ERF_SCALE = 0.3275911 / math.sqrt(2)
_ERF = 1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592


def has_moments(operations: list[Operation]) -> bool:
    """Whether :func:`output_moments` can take operations.

    They are dense networks with ReLU.
    """
    if operations and type(operations[0]) is Sum:
        chains = [chain for _, chain in operations[0].branches]
        return len(operations) == 1 and all(map(has_moments, chains))
    return bool(operations) and all(
        (type(op) is Random and type(op.layer) is Dense)
        or (type(op) is Activation and op.name == "relu" and not op.parameter.any())
        for op in operations
    )


def steps_of(operations: list[Operation]) -> list[Chain]:
    """Independent chains of steps whose outputs are added, with their inputs.

    Parameters
    ----------
    operations : list of Operation
        For which :func:`has_moments` is true.

    Returns
    -------
    list of (ndarray of int or None, list)
        Indices of the inputs, None for all, and the steps.
    """
    if type(operations[0]) is Sum:
        return [
            (indices, [_step(op) for op in chain])
            for indices, chain in operations[0].branches
        ]
    return [(None, [_step(op) for op in operations])]


def output_moments(chains: list[Chain], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the outputs under the distribution of the weights.

    Parameters
    ----------
    chains : list
        What :func:`steps_of` has returned.
    x : ndarray of shape (n_inputs, n)
        Standardised inputs, in float32.

    Returns
    -------
    mean, variance : ndarray of shape (n_outputs, n)
        In float32.
    """
    found = [
        _moments(steps, x if indices is None else x.take(indices, axis=0))
        for indices, steps in chains
    ]
    means, variances = zip(*found, strict=True)
    return np.sum(means, axis=0), np.sum(variances, axis=0)


def _moments(steps: list[Step], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, variance, third, passed = x, None, None, []
    for step in steps:
        mean, variance, third, slope, own = step(mean, variance, third)
        passed.append((step, slope, own))
    total = np.zeros_like(mean)
    for j in range(len(total)):
        gradient = np.zeros_like(mean)
        gradient[j] = 1
        for k, (step, slope, own) in enumerate(reversed(passed), start=1):
            total[j] += np.einsum("ij,ij,ij->j", gradient, gradient, own)
            if k < len(passed):
                gradient = step.backward(gradient, slope)
    return mean, total


class _RandomLayer:
    """A linear layer: moments of a sum of products of weights and units."""

    def __init__(self, random: Random):
        self.weight = weight = random.layer.weight
        mean = weight.data if sp.issparse(weight) else weight
        variance = np.square(random.std)
        self.bias, self.bias_variance = random.layer.bias, np.square(random.bias_std)
        self.variance = self._stored(variance)
        self.square = self._stored(mean**2)
        self.of_third = self._stored(mean * (mean**2 + 3 * variance))
        self.of_product = self._stored(6 * mean * variance)

    def _stored(self, values: np.ndarray) -> Matrix:
        """A matrix of values that is stored as the weights are."""
        weight = self.weight
        if not sp.issparse(weight):
            return values
        return sp.csr_array((values, weight.indices, weight.indptr), weight.shape)

    def __call__(self, mean: np.ndarray, variance: Values, third: Values) -> Moments:
        output = self.weight.dot(mean) + self.bias
        if variance is None:  # inputs
            own = self.variance.dot(np.square(mean)) + self.bias_variance
            return output, own, None, None, own
        own = self.variance.dot(np.square(mean) + variance) + self.bias_variance
        skew = self.of_third.dot(third) + self.of_product.dot(mean * variance)
        return output, self.square.dot(variance) + own, skew, None, own

    def backward(self, gradient: np.ndarray, _: Values) -> np.ndarray:
        return self.weight.T.dot(gradient)


class _ReLU:
    """Moments of max(z, 0), where z is nearly normal."""

    def __call__(self, mean: np.ndarray, variance: Values, third: Values) -> Moments:
        if variance is None:
            variance = np.zeros_like(mean)
        std = np.sqrt(np.maximum(variance, _LEAST_VARIANCE))
        z = np.clip(mean / std, -_FAR, _FAR)
        far = mean - z * std  # 0 but where z was clipped
        slope, density = _normal(z)
        first = np.maximum(z * slope + density, 0)
        second = np.maximum(slope + z * first, 0)
        cube = std * std * std
        # third central moment, in units of std ** 3
        square = np.square(first)
        skew = (z * z + 2 - 3 * second + 2 * square) * first + z * slope
        if third is not None:
            skewness = np.clip(third / cube, -_MAX_SKEWNESS, _MAX_SKEWNESS)
            skew += slope * slope * slope * skewness
            part = skewness * density / 6
            first = _corrected(first, -z * part)
            second = _corrected(second, 2 * part)
            slope = np.minimum(_corrected(slope, (z * z + 2) * part), 1)
            square = np.square(first)
        gain = np.square(slope)
        own = np.maximum(second - square - gain, 0) * variance
        mean = first * std + far * slope
        return mean, gain * variance + own, skew * cube, slope, own

    def backward(self, gradient: np.ndarray, slope: Values) -> np.ndarray:
        return slope * gradient


def _normal(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distribution function and density of the standard normal, to 1e-7."""
    size = np.abs(z)
    density = np.exp(-0.5 * size * size)
    t = 1 / (1 + _ERF_SCALE * size)
    tail = np.float32(_ERF[0])
    for coefficient in _ERF[1:]:
        tail = tail * t + coefficient
    tail *= t * density
    return 0.5 + np.copysign(0.5 - 0.5 * tail, z), density * _DENSITY_AT_0


def _corrected(value: np.ndarray, correction: np.ndarray) -> np.ndarray:
    """A positive value with a correction of first order, which leaves it positive."""
    share = correction / np.maximum(value, _TINY)
    return value * (np.maximum(share, 0) + np.exp(np.minimum(share, 0)))


def _step(operation: Operation) -> Step:
    return _RandomLayer(operation) if type(operation) is Random else _ReLU()
