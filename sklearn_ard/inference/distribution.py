"""Predictive distributions: means, standard deviations, quantiles and densities.

Input: X, and targets for their density. Output: numbers in units of y. They count both
the noise and the uncertainty of the weights.
"""

from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
)

from sklearn_ard._typing import MatrixLike
from sklearn_ard._validation import check_quantiles, check_rows
from sklearn_ard.inference.predictor import NumberPredictor


class DistributionPredictor(NumberPredictor):
    """`predict` and what else a regressor knows of targets."""

    @overload
    def predict(
        self, X: MatrixLike, return_std: Literal[False] = False
    ) -> np.ndarray: ...

    @overload
    def predict(
        self, X: MatrixLike, return_std: Literal[True]
    ) -> tuple[np.ndarray, np.ndarray]: ...

    def predict(
        self, X: MatrixLike, return_std: bool = False
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Predict the mean, with the posterior means of the kept weights.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. From a data frame, only the columns in use are read.
        return_std : bool, default=False
            Whether to return the predictive standard deviation as well.

        Returns
        -------
        mean : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In units of y; the mean of the noise is included where it is skewed. After a
            transform of y, the uncertainty of the weights would make it a few per cent
            larger; it is left out.
        std : ndarray of the same shape
            Only with `return_std`. Predictive standard deviation in units of y: from
            the uncertainty of the weights (in closed form for dense networks with ReLU;
            of others 100 networks are drawn, always the same),
            the noise (see `likelihood`) and, for an ensemble, the variance between its
            networks. Infinite for noise without a variance. The posterior has no
            correlations between weights: with correlated columns the standard deviation
            can be too large, 1.3 times in a linear model of our tests.
        """
        if not return_std:
            return super().predict(X)
        fitted, outputs, variance = self._uncertain_outputs(X)
        mean = fitted.targets.predictions(outputs, fitted.noise)
        return mean, fitted.targets.std(outputs, fitted.noise, variance)

    def predict_quantiles(
        self, X: MatrixLike, quantiles: ArrayLike = (0.05, 0.5, 0.95)
    ) -> np.ndarray:
        """Predict quantiles of the predictive distribution.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        quantiles : float or array-like of float, default=(0.05, 0.5, 0.95)
            Between 0 and 1, neither included.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs), with a last axis of \
                length n_quantiles unless `quantiles` is a number
            In units of y. The variance of a network's output, by the uncertainty of its
            weights, is added to the squared scale of the noise.

        Raises
        ------
        ValueError
            If a quantile is not between 0 and 1.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_ard import ARDRegressor
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> model = ARDRegressor(max_iter=100).fit(X, X[:, 1])
        >>> model.predict_quantiles(X, [0.1, 0.5, 0.9]).shape
        (200, 3)
        """
        check_is_fitted(self)
        levels = check_quantiles(self, quantiles)
        fitted, outputs, variance = self._uncertain_outputs(X)
        values = fitted.targets.quantiles(outputs, fitted.noise, variance, levels)
        return values if np.ndim(quantiles) else values[..., 0]

    def log_density(self, X: MatrixLike, y: ArrayLike) -> np.ndarray:
        """Logarithm of the predictive density of given targets.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        Returns
        -------
        ndarray of shape (n_samples,)
            In nats, of the density in units of y; of all outputs together. -inf where
            the noise rules a target out, as log-normal noise does one below 0.
        """
        fitted, outputs, variance = self._uncertain_outputs(X)
        given = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        given = given.reshape(len(given), -1)
        check_consistent_length(outputs, given)
        if given.shape[1] != fitted.targets.n_targets:
            raise ValueError(
                f"y must have the {fitted.targets.n_targets} outputs that "
                f"{type(self).__name__} was fitted on. Got {given.shape[1]} instead."
            )
        return fitted.targets.log_density(given, outputs, fitted.noise, variance)

    def _uncertain_outputs(self, X: MatrixLike) -> tuple[Any, np.ndarray, np.ndarray]:
        """The fitted model, outputs of its network, and their posterior variance."""
        check_is_fitted(self)
        fitted = self._fitted
        X, selected = check_rows(self, X, fitted.reader, fitted.network.columns)
        outputs = fitted.network(X, type(self).__name__, selected=selected)
        variance = fitted.output_variance(X, selected=selected)
        return fitted, outputs.astype(np.float64), variance
