"""Targets: standardised numbers, or indices of classes.

Input: checked targets and weights, or outputs of a network. Output: numbers for a
likelihood, and the outputs of a model without inputs; or predictions.
"""

from typing import Self

import numpy as np
from scipy.special import log_softmax, softmax, xlogy

from sklearn_ard.data.noise import (
    GaussianNoise,
    HeteroscedasticNoise,
    Noise,
    SkewTNoise,
    StudentTNoise,
)
from sklearn_ard.data.scaler import Scaler
from sklearn_ard.data.transforms import Logarithm, YeoJohnson, resolution

# Values of a regressor's `likelihood`: noise, and what is done to the targets before.
LIKELIHOODS: dict[str, tuple[type[Noise], type[Logarithm | YeoJohnson] | None]] = {
    "gaussian": (GaussianNoise, None),
    "heteroscedastic": (HeteroscedasticNoise, None),
    "student_t": (StudentTNoise, None),
    "skew_t": (SkewTNoise, None),
    "lognormal": (GaussianNoise, Logarithm),
    "yeo-johnson": (GaussianNoise, YeoJohnson),
}
_LEAST_SCALE = 1e-4  # of scaled targets
NODES, SHARES = np.polynomial.hermite_e.hermegauss(40)
SHARES /= SHARES.sum()  # expectations under a standard normal


class NumericTargets:
    """Targets of a regression: transformed if the noise asks for it, and standardised.

    Parameters
    ----------
    n_targets : int
        Number of targets.
    is_1d : bool
        Whether y has one dimension.
    standardize : bool
        False leaves them unchanged, for a network that was trained on them.
    likelihood : str, default="gaussian"
        One of `LIKELIHOODS`.

    Attributes
    ----------
    names : list of str or None
        Names of several targets, where y had them.
    n_outputs : int
        Outputs of a network.
    transforms_ : list of transforms or None
        One for each target.
    scaler_ : Scaler
        Standardises the (transformed) targets.
    start_ : Noise
        With which training begins.
    empty_output_ : ndarray of shape (n_outputs,)
        Output of a model without inputs.
    empty_noise_ : Noise
        Its noise, of scaled targets.
    empty_nll_ : float
        Its negative log-likelihood per row, of scaled targets in nats.
    log_jacobian_ : float
        Weighted mean of the `log_jacobian`.
    """

    names: list[str] | None = None  # also of files that have none
    transforms_: list[Logarithm | YeoJohnson] | None

    def __init__(
        self,
        n_targets: int,
        is_1d: bool,
        standardize: bool,
        likelihood: str = "gaussian",
    ):
        self.n_targets, self.is_1d, self.standardize = n_targets, is_1d, standardize
        self.likelihood = likelihood
        self.n_outputs = n_targets * LIKELIHOODS[likelihood][0].n_outputs

    def with_likelihood(self, likelihood: str) -> "NumericTargets":
        """Targets of the same kind with other noise, not fitted."""
        given = self.n_targets, self.is_1d, self.standardize, likelihood
        targets = NumericTargets(*given)
        targets.names = self.names
        return targets

    def fit(self, y: np.ndarray, weight: np.ndarray) -> Self:
        """Compute the statistics of targets of shape (n, n_targets)."""
        noise, transform = LIKELIHOODS[self.likelihood]
        self.transforms_ = None
        if transform is not None:
            self.transforms_ = [transform.fit(t, weight) for t in y.T]
        z = self._transformed(y)
        spread = Scaler().fit(z, weight)
        location, unit = np.transpose(
            [noise.center(t, weight) for t in ((z - spread.mean_) / spread.scale_).T]
        )
        center, scale = spread.mean_ + spread.scale_ * location, spread.scale_ * unit
        self.scaler_ = Scaler(standardize=self.standardize).fit(z, weight)
        if self.standardize:
            self.scaler_.mean_, self.scaler_.scale_ = center, scale
        scaled = (z - self.scaler_.mean_) / self.scaler_.scale_
        least = np.array([resolution(t, weight) for t in z.T]) / self.scaler_.scale_
        least = np.clip(np.where(least < np.inf, least, 0.0), _LEAST_SCALE, 1.0)
        log_scale2 = 2 * np.log(scale / self.scaler_.scale_)
        self.start_ = noise.start(log_scale2, least**2)
        location, self.empty_noise_ = self.start_.fitted(scaled, weight)
        self.empty_output_ = np.zeros(self.n_outputs)
        self.empty_output_[: self.n_targets] = location
        nll = -self.empty_noise_.log_density(scaled, self.empty_output_[None]).sum(
            axis=1
        )
        self.empty_nll_ = float(np.average(nll, weights=weight))
        self.log_jacobian_ = float(np.average(self.log_jacobian(y), weights=weight))
        return self

    def _transformed(self, y: np.ndarray) -> np.ndarray:
        return self._each("transform", y)

    def _each(self, method: str, values: np.ndarray) -> np.ndarray:
        """A method of the transforms, each on its column; without any, the values."""
        if self.transforms_ is None:
            return values
        methods = [getattr(each, method) for each in self.transforms_]
        columns = zip(methods, values.T, strict=True)
        return np.column_stack([each(column) for each, column in columns])

    @property
    def vary(self) -> bool:
        """Whether none is constant, which a model without inputs knows exactly."""
        return not self.scaler_.constant_.any()

    def transform(self, y: np.ndarray) -> np.ndarray:
        """Scaled targets of shape (n, n_targets) and type float32."""
        return self.scaler_.transform(self._transformed(y))

    def log_jacobian(self, y: np.ndarray) -> np.ndarray:
        """Nats per row between the densities of scaled targets and of y.

        Parameters
        ----------
        y : ndarray of shape (n, n_targets)
            Targets.

        Returns
        -------
        ndarray of shape (n,)
            To be added to log-densities of scaled targets.
        """
        scale = np.full(len(y), -float(np.log(self.scaler_.scale_).sum()))
        if self.transforms_ is None:
            return scale
        return scale + self._each("log_derivative", y).sum(axis=1)

    def predictions(self, outputs: np.ndarray, noise: Noise) -> np.ndarray:
        """Means in units of y, of the shape that y had."""
        if self.transforms_ is None:
            means = self.scaler_.inverse_transform(noise.mean(outputs))
        else:
            means = self._nodes(outputs, noise, 0.0) @ SHARES
        return self.squeeze(means)

    def std(
        self, outputs: np.ndarray, noise: Noise, variance: np.ndarray | float = 0.0
    ) -> np.ndarray:
        """Standard deviations in units of y, of the shape that y had.

        Parameters
        ----------
        outputs : ndarray of shape (n, n_outputs)
            Of the network.
        noise : Noise
            Around them.
        variance : ndarray of the same shape, default=0.0
            Of the outputs, under the posterior of the weights.

        Returns
        -------
        ndarray of shape (n,) or (n, n_targets)
            Infinite where the noise has no variance.
        """
        if self.transforms_ is not None:
            y = self._nodes(outputs, noise, variance)
            square = (y - (y @ SHARES)[..., None]) ** 2
            return self.squeeze(np.sqrt(square @ SHARES))
        variance = np.asarray(variance)
        if variance.ndim:
            variance = variance[:, : self.n_targets]
        total = noise.distribution(outputs).var() + variance
        total = np.where(np.isnan(total), np.inf, total)  # as scipy says it
        return self.squeeze(np.sqrt(total) * self.scaler_.scale_)

    def _nodes(
        self, outputs: np.ndarray, noise: Noise, variance: np.ndarray | float
    ) -> np.ndarray:
        """Targets in units of y, whose means are expectations; transformed are normal.

        They are of shape (n, n_targets, n_nodes), with the weights `SHARES`.
        """
        density = noise.distribution(outputs, variance)
        location = self.scaler_.inverse_transform(density.mean())[..., None]
        scale = (density.std() * self.scaler_.scale_)[..., None]
        nodes = location + scale * NODES
        values = [
            each.inverse(nodes[:, j]) for j, each in enumerate(self.transforms_ or ())
        ]
        return np.stack(values, axis=1)

    def quantiles(
        self,
        outputs: np.ndarray,
        noise: Noise,
        variance: np.ndarray | float,
        quantiles: np.ndarray,
    ) -> np.ndarray:
        """Quantiles of shape (n, n_quantiles) or (n, n_targets, n_quantiles)."""
        density = noise.distribution(outputs, variance)
        z = np.stack([density.ppf(q) for q in quantiles])  # (n_quantiles, n, n_targets)
        y = [self._each("inverse", self.scaler_.inverse_transform(each)) for each in z]
        return self.squeeze(np.stack(y, axis=-1))

    def log_density(
        self,
        y: np.ndarray,
        outputs: np.ndarray,
        noise: Noise,
        variance: np.ndarray | float = 0.0,
    ) -> np.ndarray:
        """Log-density of targets of shape (n, n_targets), in units of y."""
        with np.errstate(divide="ignore", invalid="ignore"):  # logarithms below 0
            scaled = (self._transformed(y) - self.scaler_.mean_) / self.scaler_.scale_
            density = noise.log_density(scaled, outputs, variance).sum(axis=1)
            density = density + self.log_jacobian(y)
        return np.where(np.isnan(density), -np.inf, density)

    def squeeze(self, values: np.ndarray) -> np.ndarray:
        """Values of shape (n, n_targets, ...) in the shape that y had."""
        return values[:, 0] if self.is_1d else values


class ClassTargets:
    """Labels of a classification, as indices of the classes.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Labels, sorted.

    Attributes
    ----------
    empty_output_ : ndarray of shape (n_classes,)
        Output of a model without inputs: logarithms of the weighted class frequencies.
    empty_nll_ : float
        Its negative log-likelihood per row in nats: their entropy.
    """

    likelihood, start_, log_jacobian_, vary = "categorical", None, 0.0, True

    def __init__(self, classes: np.ndarray):
        self.classes, self.n_outputs = classes, len(classes)

    def fit(self, y: np.ndarray, weight: np.ndarray) -> Self:
        """Compute the statistics of indices of shape (n, 1)."""
        rows = np.bincount(y[:, 0].astype(np.int64), weight, minlength=self.n_outputs)
        shares = rows / rows.sum()
        with np.errstate(divide="ignore"):
            self.empty_output_ = np.log(shares)
        self.empty_nll_ = -float(xlogy(shares, shares).sum())
        return self

    def transform(self, y: np.ndarray) -> np.ndarray:
        """Indices of shape (n,) and type int64."""
        return y[:, 0].astype(np.int64)

    def predictions(self, outputs: np.ndarray) -> np.ndarray:
        """The most probable label of every row."""
        return self.classes[outputs.argmax(axis=1)]

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Probabilities of shape (n, n_classes)."""
        return softmax(outputs.astype(np.float64), axis=1)

    def log_probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Their logarithms."""
        return log_softmax(outputs.astype(np.float64), axis=1)


Targets = NumericTargets | ClassTargets
