"""A compact network in numpy.

Rows of X as numbers and codes come in; the outputs of the network go out, without
torch.
"""

import math
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from sklearn.utils import assert_all_finite

from sklearn_ard._typing import Matrix
from sklearn_ard.data.encoding import Encoding
from sklearn_ard.inference.operations import Operation, run

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
    def of(
        cls, weight: Matrix, bias: np.ndarray | None, n_inputs: int, n_positions: int
    ) -> Self:
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
    inputs : ndarray of int
        Inputs that are read, of all that are made of X.
    encoding : Encoding
        Makes them.
    fill : ndarray of shape (n_inputs,)
        Replaces NaN, where nothing is known of an input: what becomes 0.
    mean, scale : ndarray of shape (n_inputs,), or None
        Standardise these inputs; in units of X and in the dtype of the computation;
        scale is infinite for inputs that become 0. None where the first layer includes
        the standardisation.
    operations : list
        Operations on the standardised inputs, in this order.
    n_outputs : int
        Number of outputs.
    n_rows : int
        Rows in a block.
    layers : dict of str to LayerSize
        Sizes of the remaining layers of the trained network.

    """

    def __init__(
        self,
        inputs: np.ndarray,
        encoding: Encoding,
        fill: np.ndarray,
        mean: np.ndarray | None,
        scale: np.ndarray | None,
        operations: list[Operation],
        n_outputs: int,
        n_rows: int,
        layers: dict[str, LayerSize],
    ):
        self.inputs, self.encoding, self.fill = inputs, encoding, fill
        self.mean, self.scale = mean, scale
        self.operations, self.n_outputs = operations, n_outputs
        self.n_rows, self.layers = n_rows, layers

    @cached_property
    def columns(self) -> np.ndarray:
        """Columns of X that are read, an ascending ndarray of int."""
        return np.unique(self.encoding.column)

    @cached_property
    def _of_selected(self) -> Encoding:
        return self.encoding.on(self.columns)

    def __call__(self, X: Matrix, owner: str, *, selected: bool = False) -> np.ndarray:
        """Outputs for raw rows.

        Parameters
        ----------
        X : {ndarray, csr_array} of shape (n_samples, n_features)
            Numbers of any dtype, and codes.
        owner : str
            The estimator to name in an error about infinite values.
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

    def _block(self, X: Matrix, owner: str, selected: bool) -> np.ndarray:
        outputs = self.outputs_of(self.inputs_of(X, owner, selected=selected)).T
        if not math.isfinite(outputs.sum()):
            raise ValueError(
                "Input X contains a value too large for dtype('float32')"
                f"{f' of {owner}' if owner else ''}. Clip it to the range of the rows "
                "of training."
            )
        return outputs

    def inputs_of(self, X: Matrix, owner: str, *, selected: bool = False) -> np.ndarray:
        """Inputs of raw rows as the operations take them: filled, and scaled if needed.

        Parameters
        ----------
        X, owner, selected
            As for a call.

        Returns
        -------
        ndarray of shape (n_inputs, n_samples)
            In float32.
        """
        x, is_finite = self.read(X, owner, selected=selected)
        if not is_finite:
            x = np.where(np.isnan(x), self.fill[:, None], x)
        if self.mean is not None and self.scale is not None:
            x = x.astype(self.mean.dtype, copy=False)
            x = (x - self.mean[:, None]) / self.scale[:, None]
        return np.ascontiguousarray(x, np.float32)

    def outputs_of(self, inputs: np.ndarray) -> np.ndarray:
        """Outputs of shape (n_outputs, n) for inputs of shape (n_inputs, n)."""
        return run(self.operations, inputs)

    def read(
        self, X: Matrix, owner: str, *, selected: bool = False
    ) -> tuple[np.ndarray, bool]:
        """Inputs of raw rows, neither filled nor scaled.

        Parameters
        ----------
        X, owner, selected
            As for a call.

        Returns
        -------
        x : ndarray of shape (n_inputs, n_samples)
            Maybe with NaN.
        is_finite : bool
            Whether it is certain that there is none.
        """
        encoding = self._of_selected if selected else self.encoding
        if sp.issparse(X):
            return encoding(X).toarray().T, False
        if selected:
            return encoding(X).T, False
        is_finite = self._check_finite(X, owner)
        if not encoding.has_numbers_only:
            return encoding(X).T, False
        # indexing is faster than take, except for a single row
        column = encoding.column
        x = X.take(column, axis=1).T if len(X) == 1 else X.T[column]
        return x, is_finite

    def _check_finite(self, X: np.ndarray, owner: str) -> bool:
        """Whether all is finite in the dtype of the computation; refuse infinities."""
        numbers = X.ravel()
        with np.errstate(over="ignore", invalid="ignore"):
            if math.isfinite(numbers.dot(numbers)):
                return True
            dtype = np.float32 if self.mean is None else self.mean.dtype
            X = X.astype(dtype)
        assert_all_finite(X, allow_nan=True, estimator_name=owner, input_name="X")
        return not np.isnan(X).any()


def block_rows(n_numbers: int) -> int:
    """Rows of a block, from the numbers of a row in the widest layer."""
    return int(np.clip(_CACHE // (4 * max(1, n_numbers)), _MIN_ROWS, _MAX_ROWS))
