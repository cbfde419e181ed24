"""Rows of X, selected and standardised on access, so that X is never copied."""

import mmap

import numpy as np
import scipy.sparse as sp

_CHUNK_ROWS, _CHUNK_CELLS = 65_536, 4_000_000  # that are hashed or scaled at a time


def slices(n_rows, n_cells):
    """Slices of rows of so many cells each that are read at a time."""
    step = max(1, min(_CHUNK_ROWS, _CHUNK_CELLS // max(n_cells, 1)))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def chunks_of(X):
    """Slices of rows of an array or a table; of a sparse one its entries are cells."""
    source = X.X if isinstance(X, Table) else X
    n_cells = X.shape[1]
    if sp.issparse(source):
        n_cells = source.nnz // max(1, source.shape[0])
    return slices(X.shape[0], n_cells)


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
    def is_sparse(self):
        """Whether X is sparse."""
        return sp.issparse(self.X)

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
        """Some rows as ndarray of type float32, whatever X is."""
        return self.scaler.transform(self.table[index], self.columns)

    def project(self, direction):
        """Product of all rows with a vector, in float64.

        Of a sparse X only the entries are read, and the product is that of the same
        numbers as for a dense one.
        """
        products = np.empty(self.shape[0])
        if not self.table.is_sparse:
            for chunk in slices(*self.shape):
                products[chunk] = self[chunk].astype(np.float64) @ direction
            return products
        zero = self.scaler.scale_entries(0.0)
        for chunk in chunks_of(self.table):
            entries = self.table[chunk]
            values = self.scaler.scale_entries(entries.data, entries.indices)
            values = values.astype(np.float64) - zero[entries.indices]
            values = sp.csr_array(
                (values, entries.indices, entries.indptr), entries.shape
            )
            products[chunk] = values @ direction + zero.astype(np.float64) @ direction
        return products

    def select(self, columns):
        """The same rows with some of the columns (an ndarray of indices)."""
        here = np.arange(len(self.scaler.scale_))[self.columns]
        return ScaledTable(self.table, self.scaler, here[columns])

    def in_memory(self):
        """All of it as ndarray of type float32."""
        output = np.empty(self.shape, dtype=np.float32)
        for chunk in slices(*self.shape):
            output[chunk] = self[chunk]
        return output
