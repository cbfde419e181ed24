"""Monotone transforms of targets, after which their noise is nearer to a normal one.

Input: targets. Output: transformed ones, and the logarithm of the derivative.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy import optimize, stats

_UNITS = 1.0, 0.1, 0.01, 0.001  # of the median size


@dataclass(frozen=True)
class Logarithm:
    """The natural logarithm, of positive targets."""

    @classmethod
    def fit(cls, y: np.ndarray, weight: np.ndarray) -> Self:
        """There is nothing to be fitted."""
        return cls()

    def transform(self, y: np.ndarray) -> np.ndarray:
        """The logarithm of numbers."""
        return np.log(y)

    def inverse(self, z: np.ndarray) -> np.ndarray:
        """The numbers with these logarithms."""
        return np.exp(z)

    def log_derivative(self, y: np.ndarray) -> np.ndarray:
        """Logarithm of the derivative, at y."""
        return -np.log(y)


@dataclass(frozen=True)
class YeoJohnson:
    """The transform of Yeo and Johnson of y / unit, with a power between 0 and 2.

    With such powers it takes all real numbers to all real numbers.

    Attributes
    ----------
    power : float
        1 changes nothing; less draws large positive numbers together, more negative
        ones.
    unit : float
        Below which numbers are changed little; a small one makes a power (or, at 0, a
        logarithm) of positive numbers.

    References
    ----------
    Yeo, Johnson (2000). A new family of power transformations to improve normality or
    symmetry. Biometrika 87.
    """

    power: float
    unit: float = 1.0
    bounds: ClassVar[tuple] = (0.0, 2.0)

    @classmethod
    def fit(cls, y: np.ndarray, weight: np.ndarray) -> Self:
        """Power and unit with the largest likelihood, if the results were normal."""
        size = np.quantile(np.abs(y), 0.5, weights=weight, method="inverted_cdf")
        size = size if size > 0 else np.abs(y).max()
        least = resolution(y, weight)
        if not least < np.inf:  # of one value
            return cls(1.0)
        tried = []
        for unit in np.maximum(np.multiply(_UNITS, size), least):
            found = optimize.minimize_scalar(
                lambda power, unit=unit: _nll(cls(power, unit), y, weight),
                bounds=cls.bounds,
                method="bounded",
            )
            tried.append((found.fun, found.x, unit))
        _, power, unit = min(tried)
        return cls(float(power), float(unit))

    def transform(self, y: np.ndarray) -> np.ndarray:
        """Transformed numbers."""
        return stats.yeojohnson(y / self.unit, self.power)

    def inverse(self, z: np.ndarray) -> np.ndarray:
        """The numbers with these results."""
        with np.errstate(over="ignore"):
            size = np.where(
                z >= 0, _grown(np.abs(z), self.power), _grown(np.abs(z), 2 - self.power)
            )
        return np.copysign(size, z) * self.unit

    def log_derivative(self, y: np.ndarray) -> np.ndarray:
        """Logarithm of the derivative, at y."""
        y = y / self.unit
        return (self.power - 1) * np.sign(y) * np.log1p(np.abs(y)) - np.log(self.unit)


def resolution(y: np.ndarray, weight: np.ndarray) -> float:
    """The least scale on which the density of targets says something.

    That is the standard deviation of their rounding, by the closest two of them; and,
    where a share p has the same value, p² standard deviations, since any density would
    gain without end from a peak there.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Targets.
    weight : ndarray of shape (n,)
        Weights.

    Returns
    -------
    float
        In units of y; infinite where there is one value only.
    """
    values, which = np.unique(y, return_inverse=True)
    if len(values) < 2:
        return np.inf
    share = np.bincount(which, weight).max() / weight.sum()
    mean = np.average(y, weights=weight)
    std = np.sqrt(np.average((y - mean) ** 2, weights=weight))
    return max(np.diff(values).min() / np.sqrt(12), share**2 * std)


def _grown(size: np.ndarray, power: np.ndarray | float) -> np.ndarray:
    """What a power has shrunk to a size; the exponential at 0."""
    return np.expm1(np.log1p(power * size) / power if power > 0 else size)


def _nll(transform: YeoJohnson, y: np.ndarray, weight: np.ndarray) -> float:
    """Negative log-likelihood of a transform to normal targets, per row."""
    z = transform.transform(y)
    variance = np.average((z - np.average(z, weights=weight)) ** 2, weights=weight)
    slope = np.average(transform.log_derivative(y), weights=weight)
    return 0.5 * np.log(variance) - slope if variance > 0 else np.inf
