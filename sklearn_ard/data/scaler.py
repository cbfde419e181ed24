"""Standardisation of columns and targets."""

import copy
from typing import Self

import numpy as np
import scipy.sparse as sp

from sklearn_ard._typing import Matrix
from sklearn_ard.data.table import Table, chunks_of, slices


class Scaler:
    """Weighted mean and standard deviation per column, or per channel of an image.

    Sparse columns are centred as dense ones are: rows are made dense when they are
    scaled. Constant columns are scaled to 0, and so is NaN: it does not count in the
    statistics.

    Parameters
    ----------
    n_channels : int or None
        Number of channels whose pixels share one scale; None scales every column on
        its own.
    standardize : bool, default=True
        False leaves everything as it is, for a network that was trained on it.
    n_bits : int or None, default=None
        Bits that mean and scale are rounded to. The sums of dense and of sparse columns
        differ in their last bits, and so would everything that is trained on them.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_features,)
        In units of the columns.
    constant_ : bool ndarray of shape (n_features,)
        True for columns (channels) that do not vary; or, as they are, that are 0.
    """

    def __init__(
        self,
        n_channels: int | None = None,
        standardize: bool = True,
        n_bits: int | None = None,
    ):
        self.n_channels = n_channels
        self.standardize = standardize
        self.n_bits = n_bits

    def fit(self, X: np.ndarray | Table, weight: np.ndarray) -> Self:
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
        mean, variance = _moments(X, weight, unit)
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
        scale = np.sqrt(variance)
        if self.n_bits is not None:
            mean, scale = _round(mean, scale, self.n_bits)
        self.mean_, self.scale_ = mean * unit, scale * unit
        return self

    def _peak(self, X: np.ndarray | Table) -> np.ndarray:
        """Largest absolute value per column or channel."""
        peak = np.zeros(X.shape[1])
        for rows in chunks_of(X):
            chunk: Matrix = X[rows]
            if sp.issparse(chunk):
                top, bottom = chunk.nanmax(axis=0), chunk.nanmin(axis=0)
                top, bottom = top.toarray().ravel(), bottom.toarray().ravel()
            else:
                top = np.fmax.reduce(chunk, axis=0)
                bottom = np.fmin.reduce(chunk, axis=0)
            top, bottom = top.astype(np.float64), bottom.astype(np.float64)
            peak = np.fmax(peak, np.fmax(top, -bottom))
        if self.n_channels is not None:
            channels = peak.reshape(self.n_channels, -1)
            peak = np.repeat(channels.max(axis=1), channels.shape[1])
        return peak

    def transform(self, X: Matrix) -> Matrix:
        """Scale rows.

        Parameters
        ----------
        X : {ndarray, csr_array} of shape (n_samples, n_features)
            As in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Of type float32.
        """
        scaled = np.empty(X.shape, dtype=np.float32)
        for rows in slices(*X.shape):
            chunk = X[rows].toarray() if sp.issparse(X) else X[rows]
            scaled[rows] = (chunk - self.mean_) / self.scale_
        scaled[:, self.constant_] = 0
        scaled[np.isnan(scaled)] = 0
        return scaled

    def take(self, columns: np.ndarray) -> "Scaler":
        """The scaler of some of the columns (an ndarray of indices)."""
        scaler = copy.copy(self)
        for name in ("mean_", "scale_", "constant_"):
            setattr(scaler, name, getattr(self, name)[columns])
        return scaler

    def scale_entries(
        self, values: np.ndarray | float, columns: np.ndarray | slice = slice(None)
    ) -> np.ndarray:
        """Scale single numbers of some columns, to float32.

        Parameters
        ----------
        values : float or ndarray of shape (n_entries,)
            Numbers.
        columns : slice or ndarray of shape (n_entries,)
            Their columns.

        Returns
        -------
        ndarray of shape (n_entries,)
            What :meth:`transform` makes of them.
        """
        scaled = (values - self.mean_[columns]) / self.scale_[columns]
        is_zero = self.constant_[columns] | np.isnan(scaled)
        return np.where(is_zero, 0.0, scaled).astype(np.float32)

    def inverse_transform(self, Z: np.ndarray) -> np.ndarray:
        """Undo :meth:`transform` for dense columns, in float64."""
        return Z * self.scale_ + self.mean_  # which are float64


def _moments(
    X: np.ndarray | Table, weight: np.ndarray, unit: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and variance per column, in a unit; NaN does not count."""
    sums = _sparse_moments if sp.issparse(X[:1]) else _dense_moments
    mean, squares, total = sums(X, weight, unit)
    return mean, squares / np.where(total > 0, total, 1.0)


def _dense_moments(
    X: np.ndarray | Table, weight: np.ndarray, unit: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, sum of squares around it, and total weight, per column."""
    mean, squares, before = (np.zeros(len(unit)) for _ in range(3))
    for rows in chunks_of(X):
        chunk, w = X[rows] / unit, weight[rows]
        missing = np.isnan(chunk)
        has_gaps = missing.any()
        here = w.sum() - (w @ missing if has_gaps else np.zeros(len(unit)))
        if has_gaps:
            chunk[missing] = 0
        # Chan, Golub, LeVeque (1983): two samples and their sum
        own = w @ chunk / np.where(here > 0, here, 1.0)
        apart = own - mean
        total = before + here
        share = here / np.where(total > 0, total, 1.0)
        mean += apart * share
        chunk -= own
        if has_gaps:
            chunk[missing] = 0
        squares += w @ np.square(chunk, out=chunk)
        squares += apart**2 * (share * before)
        before = total
    return mean, squares, before


def _sparse_moments(
    X: Matrix | Table, weight: np.ndarray, unit: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same for sparse columns."""
    n, mean = len(unit), np.zeros(len(unit))
    total = np.full(n, weight.sum())
    empty = total.copy()  # weight of the rows without an entry
    n_empty = np.full(n, X.shape[0])
    for rows in chunks_of(X):
        chunk, w = X[rows].tocoo(), weight[rows]
        known, of_entry = ~np.isnan(chunk.data), w[chunk.row]
        total -= np.bincount(chunk.col, of_entry * ~known, minlength=n)
        empty -= np.bincount(chunk.col, of_entry, minlength=n)
        n_empty -= np.bincount(chunk.col, minlength=n)
        values = np.where(known, chunk.data, 0.0) * of_entry
        mean += np.bincount(chunk.col, values, minlength=n) / unit
    mean /= np.where(total > 0, total, 1.0)
    # a second pass, since the difference of two large sums would lose digits
    squares = np.where(n_empty > 0, empty, 0.0) * mean**2
    for rows in chunks_of(X):
        chunk, w = X[rows].tocoo(), weight[rows]
        apart = chunk.data / unit[chunk.col] - mean[chunk.col]
        apart[np.isnan(apart)] = 0
        squares += np.bincount(chunk.col, w[chunk.row] * apart**2, minlength=n)
    return mean, squares, total


def _round(
    mean: np.ndarray, scale: np.ndarray, n_bits: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scales, and means as multiples of a share of them, rounded to some bits."""
    unit = np.exp2(np.floor(np.log2(scale)) - n_bits)
    return np.round(mean / unit) * unit, np.round(scale / unit) * unit
