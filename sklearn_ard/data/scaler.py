"""Standardisation of columns and targets."""

import numpy as np
import scipy.sparse as sp

from sklearn_ard.data.table import chunks_of


class Scaler:
    """Weighted mean and standard deviation per column, or per channel of an image.

    Sparse columns are scaled without centring. Constant columns are scaled to 0.

    Parameters
    ----------
    n_channels : int or None
        Number of channels whose pixels share one scale; None scales every column on
        its own.
    standardize : bool, default=True
        False changes nothing, for a network that was trained on unscaled inputs.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_features,)
        In units of the columns.
    constant_ : bool ndarray of shape (n_features,)
        True for columns (channels) that do not vary; without `standardize`, for those
        that are 0.
    """

    def __init__(self, n_channels=None, standardize=True):
        self.n_channels = n_channels
        self.standardize = standardize

    def fit(self, X, weight):
        """Compute the statistics.

        Parameters
        ----------
        X : {ndarray, csr_array, Table} of shape (n_samples, n_features)
            Inputs or targets.
        weight : ndarray of shape (n_samples,)
            Weights.

        Returns
        -------
        Scaler
            Itself.
        """
        n_features = X.shape[1]
        peak = self._peak(X)
        if not self.standardize:
            self.mean_, self.scale_ = np.zeros(n_features), np.ones(n_features)
            self.constant_ = peak == 0
            return self
        # statistics in units of a power of two near the largest entry: nothing
        # overflows or underflows, and no digit is lost
        unit = np.exp2(np.floor(np.log2(np.where(peak > 0, peak, 1.0))))
        mean, variance, is_sparse = _moments(X, weight, unit)
        if self.n_channels is not None:
            pixels = n_features // self.n_channels
            means = mean.reshape(self.n_channels, pixels)
            mean = means.mean(axis=1)
            within = (means - mean[:, None]) ** 2
            variance = (variance.reshape(means.shape) + within).mean(axis=1)
            mean, variance = np.repeat(mean, pixels), np.repeat(variance, pixels)
        # what rounding alone would give a constant column (as in StandardScaler)
        eps = np.finfo(np.float64).eps
        rounding = len(weight) * eps * variance + (len(weight) * mean * eps) ** 2
        self.constant_ = variance <= rounding
        variance[self.constant_] = 1.0
        self.scale_ = np.sqrt(variance) * unit
        self.mean_ = np.zeros(n_features) if is_sparse else mean * unit
        return self

    def _peak(self, X):
        """Largest absolute value per column or channel."""
        peak = np.zeros(X.shape[1])
        for rows in chunks_of(*X.shape):
            chunk = X[rows]
            top, bottom = chunk.max(axis=0), chunk.min(axis=0)
            if sp.issparse(chunk):
                top, bottom = top.toarray().ravel(), bottom.toarray().ravel()
            top, bottom = top.astype(np.float64), bottom.astype(np.float64)
            np.maximum(peak, np.maximum(top, -bottom), out=peak)
        if self.n_channels is not None:
            channels = peak.reshape(self.n_channels, -1)
            peak = np.repeat(channels.max(axis=1), channels.shape[1])
        return peak

    def transform(self, X, columns=slice(None)):
        """Scale some columns.

        Parameters
        ----------
        X : {ndarray, csr_array} of shape (n_samples, n_features)
            As in :meth:`fit`.
        columns : slice or ndarray of int
            Which columns.

        Returns
        -------
        {ndarray, csr_array} of shape (n_samples, n_columns)
            Of type float32.
        """
        mean, scale = self.mean_[columns], self.scale_[columns]
        constant = self.constant_[columns]
        if sp.issparse(X):
            X = X[:, columns]
            return (
                (X @ sp.diags_array(np.where(constant, 0, 1 / scale)))
                .astype(np.float32)
                .tocsr()
            )
        scaled = np.empty((X.shape[0], len(mean)), dtype=np.float32)
        for rows in chunks_of(*X.shape):
            scaled[rows] = (X[rows, columns] - mean) / scale
        scaled[:, constant] = 0
        return scaled

    def inverse_transform(self, Z):
        """Undo :meth:`transform` for dense columns, in float64."""
        return Z * self.scale_ + self.mean_  # which are float64


def _moments(X, weight, unit):
    """Weighted mean and variance per column in a unit, and whether X is sparse."""
    total, is_sparse = 0.0, False
    mean, squares = np.zeros(len(unit)), np.zeros(len(unit))
    for rows in chunks_of(*X.shape):
        chunk, w = X[rows], weight[rows]
        total += w.sum()
        if sp.issparse(chunk):
            is_sparse = True
            chunk = chunk.astype(np.float64) @ sp.diags_array(1 / unit)
            mean += chunk.T @ w
            squares += chunk.power(2).T @ w
            continue
        # Chan, Golub, LeVeque (1983): two samples and their sum
        chunk = chunk / unit
        own = w @ chunk / w.sum()
        apart = own - mean
        mean += apart * (w.sum() / total)
        chunk -= own
        squares += w @ np.square(chunk, out=chunk)
        squares += apart**2 * (w.sum() * (total - w.sum()) / total)
    if is_sparse:
        mean = mean / total
        squares = squares - total * mean**2
    return mean, squares / total, is_sparse
