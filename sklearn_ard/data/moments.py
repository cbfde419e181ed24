"""Moments of scaled columns and of their squares, and covariances with residuals.

Input: scaled rows and residuals. Output: per column what a score test needs. Of sparse
rows only the entries are read.
"""

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp

from sklearn_ard._typing import Matrix
from sklearn_ard.data.table import ScaledTable, chunks_of, slices

_Sums = tuple[np.ndarray, np.ndarray, np.ndarray]


def moments(
    x: np.ndarray | ScaledTable,
    rows: np.ndarray,
    weight: np.ndarray,
    residual: np.ndarray,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Weighted moments of columns and of their squares.

    Parameters
    ----------
    x : {ndarray, ScaledTable} of shape (n, n_features)
        Scaled inputs.
    rows : ndarray of shape (n_rows,)
        Indices of the rows that count.
    weight : ndarray of shape (n_rows, 1)
        Weights.
    residual : ndarray of shape (n_rows, n_outputs)
        Residuals times weights; their sums are 0.

    Yields
    ------
    variance : ndarray of shape (n_features, 1)
        Of the columns, and then of their squares.
    covariance : ndarray of shape (n_features, n_outputs)
        With the residuals.
    """
    table = getattr(x, "table", None)
    is_sparse = table is not None and table.is_sparse
    sums = _sparse_sums if is_sparse else _dense_sums
    total = weight.sum()
    for power in (1, 2):
        first, second, product = sums(x, rows, weight, residual, power)
        yield second / total - (first / total) ** 2, product / total


def _dense_sums(
    x: Matrix | ScaledTable,
    rows: np.ndarray,
    weight: np.ndarray,
    residual: np.ndarray,
    power: int,
) -> _Sums:
    """Sums over rows of powers of the columns, of their squares, and by residuals."""
    first = second = product = np.zeros(())
    for chunk in slices(len(rows), x.shape[1]):
        values = np.asarray(x[rows[chunk]], dtype=np.float64) ** power
        first = first + values.T @ weight[chunk]
        second = second + np.square(values).T @ weight[chunk]
        product = product + values.T @ residual[chunk]
    return first, second, product


def _sparse_sums(
    x: Matrix | ScaledTable,
    rows: np.ndarray,
    weight: np.ndarray,
    residual: np.ndarray,
    power: int,
) -> _Sums:
    """The same for sparse rows: what entries add to the value of an empty cell."""
    scaler = x.scaler
    empty = scaler.scale_entries(0.0).astype(np.float64) ** power
    total = weight.sum()
    first = total * empty[:, None]
    second = total * np.square(empty)[:, None]
    product = np.zeros((len(empty), residual.shape[1]))
    table = x.table.take(rows)
    for chunk in chunks_of(table):
        entries = table[chunk]
        values = scaler.scale_entries(entries.data, entries.indices)
        values = values.astype(np.float64) ** power
        of_empty = empty[entries.indices]
        layout = entries.indices, entries.indptr
        added = sp.csr_array((values - of_empty, *layout), entries.shape)
        squares = np.square(values) - np.square(of_empty)
        squares = sp.csr_array((squares, *layout), entries.shape)
        first += added.T @ weight[chunk]
        second += squares.T @ weight[chunk]
        product += added.T @ residual[chunk]
    return first, second, product
