"""A compact network in numpy.

Unscaled rows of X come in; the outputs of the network go out, without torch.
"""

import math
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.utils import assert_all_finite

from sklearn_ard.inference.operations import run

# Rows are computed in blocks that stay in the cache.
_CACHE = 500_000  # bytes that a block may take up in its widest layer
_MIN_ROWS, _MAX_ROWS = 96, 8192  # of a block
_MAX_NUMBERS = 2_000_000  # of X in a block, unused columns included


class LayerSize(NamedTuple):
    """How large a layer is."""

    inputs: int  # or channels
    units: int  # or channels
    weights: int  # other than zero
    multiply_adds: int  # per row
    bytes: int

    @classmethod
    def of(cls, weight, bias, n_inputs, n_positions):
        """Size of a layer from its weights, dense or sparse, of shape (units, ...)."""
        if sp.issparse(weight):
            arrays, n_kept = [weight.data, weight.indices, weight.indptr], weight.nnz
        else:
            arrays, n_kept = [weight], np.count_nonzero(weight)
        n_bytes = sum(array.nbytes for array in [*arrays, bias] if array is not None)
        # the size of a sparse matrix is the number of entries that are stored
        return cls(
            n_inputs, weight.shape[0], n_kept, weight.size * n_positions, n_bytes
        )


class Network:
    """The network that a fitted estimator predicts with.

    Parameters
    ----------
    columns : ndarray of int
        Columns of X that are read.
    mean, scale : ndarray of shape (n_columns,), or None
        Standardise these columns; in units of X and in the dtype of the computation;
        scale is infinite for columns that become 0. None where the first layer includes
        the standardisation.
    operations : list
        Operations on the standardised columns, in this order.
    n_outputs : int
        Number of outputs.
    n_rows : int
        Rows in a block.
    layers : dict of str to LayerSize
        Sizes of the remaining layers of the trained network.
    """

    def __init__(self, columns, mean, scale, operations, n_outputs, n_rows, layers):
        self.columns, self.mean, self.scale = columns, mean, scale
        self.operations, self.n_outputs = operations, n_outputs
        self.n_rows, self.layers = n_rows, layers

    def __call__(self, X, owner, *, selected=False):
        """Outputs for raw rows.

        Parameters
        ----------
        X : {ndarray, csr_array} of shape (n_samples, n_features)
            Numbers of any dtype.
        owner : str
            The estimator to name in an error about values that are not finite.
        selected : bool, default=False
            Whether X has only the columns that are read, and was checked.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            In float32 or float64.
        """
        n_rows = min(self.n_rows, max(1, _MAX_NUMBERS // max(1, X.shape[1])))
        if X.shape[0] <= n_rows:
            return self._block(X, owner, selected)
        outputs = np.empty((X.shape[0], self.n_outputs))
        for start in range(0, X.shape[0], n_rows):
            rows = slice(start, start + n_rows)
            outputs[rows] = self._block(X[rows], owner, selected)
        return outputs

    def _block(self, X, owner, selected):
        if sp.issparse(X):
            x = X[:, self.columns].toarray().T
        elif selected:
            x = X.T
        else:
            self._check_finite(X, owner)
            # indexing is faster than take, except for a single row
            x = X.take(self.columns, axis=1).T if len(X) == 1 else X.T[self.columns]
        if self.mean is not None:
            x = x.astype(self.mean.dtype, copy=False)
            x = (x - self.mean[:, None]) / self.scale[:, None]
        return self._outputs(np.ascontiguousarray(x, np.float32)).T

    def _check_finite(self, X, owner):
        """Refuse values that are not finite in the dtype of the computation."""
        numbers = X.ravel()
        with np.errstate(over="ignore", invalid="ignore"):
            if math.isfinite(numbers.dot(numbers)):
                return
            dtype = np.float32 if self.mean is None else self.mean.dtype
            X = X.astype(dtype)
        assert_all_finite(X, estimator_name=owner, input_name="X")

    def _outputs(self, x):
        return run(self.operations, x)


def block_rows(n_numbers):
    """Rows of a block, from the numbers of a row in the widest layer."""
    return int(np.clip(_CACHE // (4 * max(1, n_numbers)), _MIN_ROWS, _MAX_ROWS))
