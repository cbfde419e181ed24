"""Rows of X, selected and standardised on access, so that X is never copied."""

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from sklearn_ard._typing import Matrix

_CHUNK_ROWS, _CHUNK_CELLS = 65_536, 4_000_000  # that are hashed or scaled at a time


def slices(n_rows: int, n_cells: int) -> Iterator[slice]:
    """Slices of rows of so many cells each that are read at a time."""
    step = max(1, min(_CHUNK_ROWS, _CHUNK_CELLS // max(n_cells, 1)))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def chunks_of(X: Any) -> Iterator[slice]:
    """Slices of rows of an array or a table; of a sparse one its entries are cells."""
    source = X.X if isinstance(X, Table) else X
    n_cells = X.shape[1]
    if sp.issparse(source):
        n_cells = source.nnz // max(1, source.shape[0])
    return slices(X.shape[0], n_cells)


def is_mapped(X: Matrix) -> bool:
    """Whether the memory of an array is that of a file."""
    while X is not None:
        if isinstance(X, (np.memmap, mmap.mmap)):
            return True
        X = getattr(X, "base", None)
    return False


class Table:
    """Inputs of a network for some rows of X in some order, made on access.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_samples, n_columns)
        Numbers and codes.
    rows : ndarray of shape (n_rows,)
        Indices.
    encoding : Encoding
        Makes inputs of the columns.
    """

    def __init__(self, X: Matrix, rows: np.ndarray, encoding: Any):
        self.X, self.rows, self.encoding = X, rows, encoding
        self.shape = len(rows), len(encoding)

    def __getitem__(self, index: np.ndarray | slice) -> Matrix:
        return self.encoding(self.X[self.rows[index]])

    def take(self, index: np.ndarray) -> "Table":
        """Some of these rows."""
        return Table(self.X, self.rows[index], self.encoding)

    def select(self, inputs: np.ndarray) -> "Table":
        """The same rows with some of the inputs."""
        return Table(self.X, self.rows, self.encoding.take(inputs))

    @property
    def is_sparse(self) -> bool:
        """Whether X is sparse."""
        return sp.issparse(self.X)

    @property
    def is_out_of_memory(self) -> bool:
        """Whether a dense copy may exceed the memory where X does not."""
        more = self.shape[1] > self.X.shape[1]
        return sp.issparse(self.X) or is_mapped(self.X) or more


class ScaledTable:
    """A table whose inputs are standardised on access.

    Parameters
    ----------
    table : Table
        The rows.
    scaler : Scaler
        Fitted.
    """

    def __init__(self, table: Table, scaler: Any):
        self.table, self.scaler = table, scaler
        self.shape = table.shape

    def __getitem__(self, index: np.ndarray | slice) -> np.ndarray:
        """Some rows as ndarray of type float32, whatever X is."""
        return self.scaler.transform(self.table[index])

    def project(self, direction: np.ndarray) -> np.ndarray:
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

    def take(self, index: np.ndarray) -> "ScaledTable":
        """Some of these rows."""
        return ScaledTable(self.table.take(index), self.scaler)

    def select(self, inputs: np.ndarray) -> "ScaledTable":
        """The same rows with some of the inputs (an ndarray of indices)."""
        return ScaledTable(self.table.select(inputs), self.scaler.take(inputs))

    def in_memory(self) -> np.ndarray:
        """All of it as ndarray of type float32."""
        output = np.empty(self.shape, dtype=np.float32)
        for chunk in slices(*self.shape):
            output[chunk] = self[chunk]
        return output
