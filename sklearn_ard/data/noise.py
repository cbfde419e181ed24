"""Noise: the distribution of scaled targets around the outputs of a network.

Input: outputs, and the parameters that were learned with them. Output: means, and
distributions of scipy. A class holds the parameters of the likelihood of the same name
in :mod:`sklearn_ard.nn`, by their names; unlike that, it does not import torch.
"""

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from scipy import optimize, special, stats

from sklearn_ard.data.transforms import resolution

LEAST_DF, MOST_DF = 1.5, 100.0  # of a tail
LARGEST_SPREAD = 8.0  # that a network adds to the logarithm of a squared scale
_START = -3.65  # 4 degrees of freedom
_LOGITS = -7.0, 7.0
_LEAST_VARIANCE = 1e-8  # of constant targets
_QUANTILES = 2_000  # of targets, which a distribution is fitted to


class Noise:
    """Base of the kinds of noise; every parameter has one value per target.

    Attributes
    ----------
    likelihood : str
        Its name.
    n_outputs : int
        Outputs of a network per target: first the locations of all targets, then what
        is added to the logarithms of their squared scales.
    standard_mean : ndarray of shape (n_targets,) or None
        Mean, in scales beyond the location; None where that is the mean.
    """

    likelihood: ClassVar[str]
    n_outputs: ClassVar[int] = 1
    standard_mean: ClassVar = None
    __dataclass_fields__: ClassVar[dict[str, Any]]  # of every kind

    @staticmethod
    def center(y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
        """Location and scale by which a target is standardised once more.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            Targets of mean 0 and standard deviation 1.
        weight : ndarray of shape (n_samples,)
            Weights.

        Returns
        -------
        location, scale : float
            0 and 1, or what is as robust as the noise.
        """
        return 0.0, 1.0

    @classmethod
    def start(cls, log_scale2: np.ndarray, least_scale2: np.ndarray) -> Self:
        """Noise with which training begins.

        Parameters
        ----------
        log_scale2 : ndarray of shape (n_targets,)
            Logarithm of the squared scale.
        least_scale2 : ndarray of shape (n_targets,)
            What is always added to it, where the scale is not the same everywhere.
        """
        raise NotImplementedError

    def fitted(self, y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, Any]:
        """That of a model without inputs, by maximum likelihood.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_targets)
            Scaled targets.
        weight : ndarray of shape (n_samples,)
            Weights.

        Returns
        -------
        location : ndarray of shape (n_targets,)
            Of the targets.
        noise : Noise
            Around it.
        """
        raise NotImplementedError

    def distribution(
        self, outputs: np.ndarray, variance: np.ndarray | float = 0.0
    ) -> Any:
        """The predictive distribution.

        Parameters
        ----------
        outputs : ndarray of shape (n_samples, n_outputs)
            Of the network.
        variance : ndarray of the same shape, default=0.0
            Of the outputs, under the posterior of the weights: that of a location is
            added to the squared scale.

        Returns
        -------
        scipy.stats.rv_frozen
            Of shape (n_samples, n_targets).
        """
        raise NotImplementedError

    @property
    def learned(self) -> dict[str, np.ndarray]:
        """Its parameters, by the names that they have in the likelihood."""
        return {f.name: getattr(self, f.name) for f in fields(self) if not f.kw_only}

    def bounded_by(self, outputs: np.ndarray) -> Self:
        """The same, with no larger scale than for given outputs.

        Parameters
        ----------
        outputs : ndarray of shape (n_samples, n_outputs)
            Of the rows of training.

        Returns
        -------
        Noise
            Far from these rows, scales would grow exponentially, and means with them.
        """
        return self

    def log_density(
        self, y: np.ndarray, outputs: np.ndarray, variance: np.ndarray | float = 0.0
    ) -> np.ndarray:
        """Log-density of scaled targets, of shape (n_samples, n_targets).

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_targets)
            Scaled targets.
        outputs, variance
            As for :meth:`distribution`.

        Returns
        -------
        ndarray of shape (n_samples, n_targets)
            In nats.
        """
        return self.distribution(outputs, variance).logpdf(y)

    def mean(self, outputs: np.ndarray) -> np.ndarray:
        """Means of shape (n_samples, n_targets) for outputs of a network."""
        location, *spread = np.split(outputs, self.n_outputs, axis=1)
        if self.standard_mean is None:
            return location
        return location + np.sqrt(self.scale2(*spread)) * self.standard_mean


@dataclass(frozen=True)
class GaussianNoise(Noise):
    """Normal, with the same variance everywhere."""

    log_noise_variance: np.ndarray
    likelihood = "gaussian"

    @classmethod
    def start(cls, log_scale2: np.ndarray, least_scale2: np.ndarray) -> Self:
        return cls(log_scale2)

    def fitted(self, y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, Any]:
        location = np.average(y, axis=0, weights=weight)
        variance = np.average((y - location) ** 2, axis=0, weights=weight)
        return location, GaussianNoise(np.log(np.maximum(variance, _LEAST_VARIANCE)))

    def distribution(
        self, outputs: np.ndarray, variance: np.ndarray | float = 0.0
    ) -> Any:
        return stats.norm(outputs, np.sqrt(np.exp(self.log_noise_variance) + variance))


@dataclass(frozen=True)
class LocationScaleNoise(Noise):
    """Base of the noise whose scale may depend on the inputs, and of any shape.

    Attributes
    ----------
    most_spread : ndarray of shape (n_targets,) or float
        No more is added to the logarithms of squared scales.
    """

    log_scale2: np.ndarray
    least_scale2: np.ndarray
    most_spread: np.ndarray | float = field(default=np.inf, kw_only=True)
    family: ClassVar = stats.norm

    @classmethod
    def start(cls, log_scale2: np.ndarray, least_scale2: np.ndarray) -> Self:
        n_shapes = sum(not f.kw_only for f in fields(cls)) - 2
        shapes = [np.full(len(log_scale2), _START) for _ in range(n_shapes)]
        return cls(log_scale2, least_scale2, *shapes)

    @property
    def shapes(self) -> tuple[np.ndarray, ...]:
        """Parameters of the `family`, from the fields after the first two."""
        return ()

    def fitted(self, y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, Any]:
        if len(y) > _QUANTILES:
            share = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
            y = np.column_stack(
                [
                    np.quantile(t, share, weights=weight, method="inverted_cdf")
                    for t in y.T
                ]
            )
            weight = np.ones(len(y))
        found = [self._fitted(j, values, weight) for j, values in enumerate(y.T)]
        location, log_scale2, *shapes = np.transpose(found)
        return location, type(self)(log_scale2, self.least_scale2, *shapes)

    def _fitted(self, j: int, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Location, log_scale2 and shapes of one target."""
        least = self.least_scale2[[j]]

        def nll(parameters: np.ndarray) -> float:
            location, log_scale2, *shapes = parameters[:, None]
            noise = type(self)(log_scale2, least, *shapes)
            density = noise.log_density(y[:, None], noise.outputs_at(location))
            return -np.average(density[:, 0], weights=weight)

        start = [0.0, *(value[j] for value in self.learned.values())]
        del start[2]  # least_scale2
        bounds = [(-30.0, 30.0), (-20.0, 20.0), *[_LOGITS] * (len(start) - 2)]
        return optimize.minimize(nll, start, bounds=bounds).x

    def outputs_at(self, location: np.ndarray) -> np.ndarray:
        """Outputs of shape (1, n_outputs) of a network that reads nothing."""
        nothing = np.zeros(len(location) * (self.n_outputs - 1))
        return np.concatenate([location, nothing])[None]

    def scale2(self, spread: np.ndarray | float = 0.0) -> np.ndarray:
        """Squared scales, where the network adds something to their logarithms."""
        spread = np.minimum(spread, self.most_spread)
        added = LARGEST_SPREAD * np.tanh(spread / LARGEST_SPREAD)
        return np.exp(self.log_scale2 + added) + self.least_scale2

    def bounded_by(self, outputs: np.ndarray) -> Self:
        _, *spread = np.split(outputs, self.n_outputs, axis=1)
        return replace(self, most_spread=spread[0].max(axis=0)) if spread else self

    def distribution(
        self, outputs: np.ndarray, variance: np.ndarray | float = 0.0
    ) -> Any:
        return self.family(*self.shapes, *self._place(outputs, variance))

    def _place(
        self, outputs: np.ndarray, variance: np.ndarray | float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Locations and scales."""
        location, *spread = np.split(outputs, self.n_outputs, axis=1)
        if np.ndim(variance):
            variance = np.split(variance, self.n_outputs, axis=1)[0]
        scale2 = self.scale2(*spread)
        scale = np.sqrt(scale2 + variance)
        if self.standard_mean is not None:  # the mean does not depend on the variance
            location = location + (np.sqrt(scale2) - scale) * self.standard_mean
        return location, scale


@dataclass(frozen=True)
class HeteroscedasticNoise(LocationScaleNoise):
    """Normal, with a variance that depends on the inputs."""

    likelihood, n_outputs = "heteroscedastic", 2


@dataclass(frozen=True)
class StudentTNoise(LocationScaleNoise):
    """Student's t, with the same scale everywhere."""

    logit_df: np.ndarray
    likelihood, family = "student_t", stats.t

    @staticmethod
    def center(y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
        """As of a t distribution."""
        return _robust_center(y, weight)

    @property
    def shapes(self) -> tuple[np.ndarray, ...]:
        return (degrees_of_freedom(self.logit_df),)


@dataclass(frozen=True)
class SkewTNoise(LocationScaleNoise):
    """Jones and Faddy's skew t, with a scale that depends on the inputs."""

    logit_left: np.ndarray
    logit_right: np.ndarray
    likelihood, n_outputs, family = "skew_t", 2, stats.jf_skew_t

    @staticmethod
    def center(y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
        """As of a t distribution."""
        return _robust_center(y, weight)

    @property
    def shapes(self) -> tuple[np.ndarray, ...]:
        logits = self.logit_left, self.logit_right
        return tuple(0.5 * degrees_of_freedom(logit) for logit in logits)

    @cached_property  # predict needs it for every call, and scipy takes its time
    def standard_mean(self) -> np.ndarray:  # type: ignore[override] # as that of a class
        return self.family.mean(*self.shapes)

    def log_density(
        self, y: np.ndarray, outputs: np.ndarray, variance: np.ndarray | float = 0.0
    ) -> np.ndarray:
        # that of scipy is -inf in the tails: it takes the logarithm of a difference
        location, scale = self._place(outputs, variance)
        a, b = self.shapes
        u = (y - location) / (scale * np.sqrt(a + b))
        constant = (a + b - 1) * np.log(2) + special.betaln(a, b) + 0.5 * np.log(a + b)
        nats = (a - b) * np.arcsinh(u) - (a + b + 1) * np.log(np.hypot(1, u))
        return nats - constant - np.log(scale)


def degrees_of_freedom(logit: np.ndarray) -> np.ndarray:
    """Degrees of freedom of a tail, between 1.5 and 100."""
    return LEAST_DF + (MOST_DF - LEAST_DF) * special.expit(logit)


def _robust_center(y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Location and scale of Student's t."""
    quartiles = np.quantile(y, (0.25, 0.5, 0.75), weights=weight, method="inverted_cdf")
    location, scale = quartiles[1], (quartiles[2] - quartiles[0]) / 1.35
    if not scale > 0:
        return 0.0, 1.0
    z = (y - location) / scale
    noise = StudentTNoise.start(np.zeros(1), np.array([resolution(z, weight) ** 2]))
    (shift,), noise = noise.fitted(z[:, None], weight)
    return location + scale * shift, scale * np.sqrt(noise.scale2()[0])
