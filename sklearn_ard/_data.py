"""From the rows that users have to the rows that a network is trained on.

Identical rows are merged into one whose weight is the sum, rows of weight zero are
dropped, and the rest are put in an order that depends on their content alone. A weight
of k is then the same data set as k copies, bit for bit, and a fit does not depend on
the order of the rows.

Nothing here copies X as a whole: it is read in chunks.
"""

import mmap

import numpy as np
import pandas as pd
import scipy.sparse as sp

_CHUNK_ROWS, _CHUNK_CELLS = 65_536, 4_000_000  # that are hashed or scaled at a time


def chunks_of(n_rows, n_columns):
    """Slices of rows that are hashed, scaled or multiplied at a time."""
    step = max(1, min(_CHUNK_ROWS, _CHUNK_CELLS // max(n_columns, 1)))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def is_mapped(X):
    """Whether the memory of an array is that of a file."""
    while X is not None:
        if isinstance(X, (np.memmap, mmap.mmap)):
            return True
        X = getattr(X, "base", None)
    return False


class Table:
    """Some rows of X in some order: cut out when they are asked for.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_samples, n_features)
        Inputs.
    rows : ndarray of shape (n_rows,)
        Indices.
    """

    def __init__(self, X, rows):
        self.X, self.rows = X, rows
        self.shape = len(rows), X.shape[1]

    def __getitem__(self, index):
        return self.X[self.rows[index]]

    def take(self, index):
        """Some of these rows."""
        return Table(self.X, self.rows[index])

    @property
    def stays(self):
        """Whether X is sparse or on disk: what a copy in memory might not fit."""
        return sp.issparse(self.X) or is_mapped(self.X)


class ScaledTable:
    """A table whose rows are standardised when they are cut.

    Parameters
    ----------
    table : Table
        The rows.
    scaler : Scaler
        Fitted.
    columns : slice or ndarray of int
        Which columns.
    """

    def __init__(self, table, scaler, columns=slice(None)):
        self.table, self.scaler, self.columns = table, scaler, columns
        self.shape = table.shape[0], len(scaler.scale_[columns])

    def __getitem__(self, index):
        return self.scaler.transform(self.table[index], self.columns)

    def dense(self, index):
        """Some rows as ndarray, whatever X is."""
        found = self[index]
        return found.toarray() if sp.issparse(found) else found

    def select(self, columns):
        """The same rows with some of the columns (an ndarray of indices)."""
        here = np.arange(len(self.scaler.scale_))[self.columns]
        return ScaledTable(self.table, self.scaler, here[columns])

    def in_memory(self):
        """All of it as ndarray of type float32."""
        found = np.empty(self.shape, dtype=np.float32)
        for chunk in chunks_of(*self.shape):
            found[chunk] = self.dense(chunk)
        return found


def merge_rows(X, targets, weight):
    """Merge identical rows, drop those of weight zero, sort the rest by content.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_samples, n_features)
        Inputs.
    targets : ndarray of shape (n_samples, n_outputs)
        Numeric targets; rows are identical if these are as well.
    weight : ndarray of shape (n_samples,)
        Weights, none negative.

    Returns
    -------
    rows : ndarray of shape (n_distinct,)
        Index of one row of each kind, in canonical order.
    weight : ndarray of shape (n_distinct,)
        Sum of the weights of each kind.
    """
    present = np.flatnonzero(weight > 0)
    hashes = _hash_rows(X, targets)[present]
    order = np.argsort(hashes, kind="stable")
    rows, hashes = present[order], hashes[order]
    new = np.ones(len(rows), dtype=bool)
    same_hash = np.flatnonzero(hashes[1:] == hashes[:-1]) + 1
    new[same_hash] = ~_identical(X, targets, rows[same_hash - 1], rows[same_hash])
    kind = np.cumsum(new) - 1
    total = np.bincount(kind, weights=weight[rows])
    return rows[new], total


def _hash_rows(X, targets):
    """64-bit hash of every row; the same for sparse and dense rows of one dtype."""
    rng = np.random.default_rng(0)
    factors = rng.integers(2**63, size=X.shape[1], dtype=np.uint64) * 2 + 1
    hashes = np.zeros(X.shape[0], dtype=np.uint64)
    for chunk in chunks_of(*X.shape):
        hashes[chunk] = _hash_chunk(X[chunk], factors)
    factors = rng.integers(2**63, size=targets.shape[1], dtype=np.uint64) * 2 + 1
    return hashes * 3 + _hash_chunk(targets, factors)


def _hash_chunk(X, factors):
    if sp.issparse(X):
        entries = X.tocoo()
        terms = _hash_values(entries.data) * factors[entries.col]
        hashes = np.zeros(X.shape[0], dtype=np.uint64)
        np.add.at(hashes, entries.row, terms)
        return hashes
    terms = _hash_values(np.ravel(X)).reshape(X.shape)
    terms *= factors
    return terms.sum(axis=1, dtype=np.uint64)


def _hash_values(values):
    """Hash of every number; that of zero (and minus zero) is zero."""
    values = values + 0.0  # -0.0 becomes 0.0
    hashes = pd.util.hash_array(values, categorize=False)
    return np.where(values == 0, np.uint64(0), hashes)


def _identical(X, targets, first, second):
    """Whether the rows `first` and `second` are the same, and not just their hashes."""
    same = (targets[first] == targets[second]).all(axis=1)
    for chunk in chunks_of(len(first), X.shape[1]):
        differ = X[first[chunk]] != X[second[chunk]]
        same[chunk] &= np.asarray(differ.sum(axis=1)).ravel() == 0
    return same


class Scaler:
    """Weighted mean and standard deviation per column, or per channel of an image.

    Sparse columns are scaled without centring. Constant columns are scaled to 0.

    Parameters
    ----------
    n_channels : int or None
        Number of channels whose pixels share one scale; None scales every column on
        its own.
    standardize : bool, default=True
        False leaves everything as it is, for a network that knows its inputs.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_features,)
        In units of the columns.
    constant_ : bool ndarray of shape (n_features,)
        True for columns (channels) that do not vary; or, as they are, that are 0.
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
        # overflows or vanishes on the way, and no digit is lost
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


def training_order(Z, targets):
    """Order of rows that neither their present order nor scaling a column changes.

    Parameters
    ----------
    Z : {ndarray, csr_array, ScaledTable} of shape (n_samples, n_features)
        Scaled inputs.
    targets : ndarray of shape (n_samples, n_outputs)
        Scaled targets.

    Returns
    -------
    ndarray of shape (n_samples,)
        Indices that sort the rows by a random projection.
    """
    rng = np.random.default_rng(0)
    direction = rng.standard_normal(Z.shape[1])
    key = targets @ rng.standard_normal(targets.shape[1])
    for chunk in chunks_of(*Z.shape):
        key[chunk] += Z[chunk].astype(np.float64) @ direction
    return np.argsort(key, kind="stable")
