"""Rows of X, selected and standardised on access, so that X is never copied."""

import mmap

import numpy as np
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
    """Some rows of X in some order, selected on access.

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
    def is_out_of_memory(self):
        """Whether X is sparse or on disk, where a dense copy may exceed the memory."""
        return sp.issparse(self.X) or is_mapped(self.X)


class ScaledTable:
    """A table whose rows are standardised on access.

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
        rows = self[index]
        return rows.toarray() if sp.issparse(rows) else rows

    def select(self, columns):
        """The same rows with some of the columns (an ndarray of indices)."""
        here = np.arange(len(self.scaler.scale_))[self.columns]
        return ScaledTable(self.table, self.scaler, here[columns])

    def in_memory(self):
        """All of it as ndarray of type float32."""
        output = np.empty(self.shape, dtype=np.float32)
        for chunk in chunks_of(*self.shape):
            output[chunk] = self.dense(chunk)
        return output
