"""Compact networks in numpy: from raw columns of X to outputs, without torch.

Rows go through in blocks that stay in the cache, and every array has the rows last:
(features, rows) or (channels, height, width, rows). A layer is then one product of a
matrix with a wide one, dense or sparse, whichever is faster.
"""

import math
import time
from functools import cache
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.special import erf, expit
from sklearn.utils import assert_all_finite

_CACHE = 500_000  # bytes that a block of rows may take up in its widest layer
_ROWS = 96, 8192  # bounds of a block
_NUMBERS = 2_000_000  # that a block of X may have, those that nobody reads among them
_SMALL = 4096  # a matrix with fewer entries is not worth asking about
_REPEATS = 5  # of everything that is timed


class Affine:
    """A factor and a shift per feature or channel: batch norm."""

    def __init__(self, scale, shift):
        self.scale, self.shift = scale, shift

    def __call__(self, x):
        shape = (-1, *[1] * (x.ndim - 1))
        return x * self.scale.reshape(shape) + self.shift.reshape(shape)


class Activation:
    """An elementwise function, in place.

    Parameters
    ----------
    name : str
        One of `FUNCTIONS`.
    parameter : float or ndarray of shape (n_features, 1)
        Slope or scale, for those that have one; for "relu" the floor.
    """

    def __init__(self, name, parameter=0.0):
        self.name, self.parameter = name, np.asarray(parameter, np.float32)

    def __call__(self, x):
        return FUNCTIONS[self.name](x, self.parameter)


FUNCTIONS = {
    "relu": lambda x, floor: np.maximum(x, floor, out=x),
    "leaky_relu": lambda x, slope: np.where(x > 0, x, slope * x),
    "elu": lambda x, scale: np.where(x > 0, x, scale * np.expm1(np.minimum(x, 0))),
    "tanh": lambda x, _: np.tanh(x, out=x),
    "logistic": lambda x, _: expit(x, out=x),
    "silu": lambda x, _: x * expit(x),
    "gelu": lambda x, _: x * (0.5 + 0.5 * erf(x * np.float32(math.sqrt(0.5)))),
}


class Select:
    """Some of the features or channels."""

    def __init__(self, indices):
        self.indices = indices

    def __call__(self, x):
        return x.take(self.indices, axis=0)


class Reshape:
    """Another shape for the features of a row."""

    def __init__(self, shape):
        self.shape = shape

    def __call__(self, x):
        return x.reshape(*self.shape, x.shape[-1])


class Dense:
    """A linear layer.

    Parameters
    ----------
    weight : ndarray of shape (n_out, n_in)
        Weights, of type float32.
    bias : ndarray of shape (n_out,)
        Biases.
    n_columns : int
        Rows that it is going to be handed at a time.
    """

    def __init__(self, weight, bias, n_columns):
        self.weight = faster_matrix(weight, n_columns)
        self.bias = bias[:, None]

    def __call__(self, x):
        output = self.weight.dot(x)
        if self.bias is not None:
            output += self.bias
        return output

    def layer_size(self, n_positions):
        """What it costs, applied to so many positions of a row."""
        n_out, n_in = self.weight.shape
        n_kept, n_products, n_bytes = cost_of(self.weight)
        n_bytes += 4 * n_out
        return LayerSize(n_in, n_out, n_kept, n_products * n_positions, n_bytes)


class Sum:
    """The sum of several chains of operations on some of the same inputs.

    Parameters
    ----------
    branches : list of (ndarray of int or None, list)
        Indices of the inputs, None for all, and the operations.
    """

    def __init__(self, branches):
        self.branches = branches

    def __call__(self, x):
        outputs = [
            run(operations, x if indices is None else x.take(indices, axis=0))
            for indices, operations in self.branches
        ]
        return sum(outputs[1:], start=outputs[0])


def run(operations, x):
    """Apply operations one after the other."""
    for operation in operations:
        x = operation(x)
    return x


def cost_of(matrix):
    """Entries other than zero, products per column, and bytes of a matrix."""
    if sp.issparse(matrix):
        arrays = matrix.data, matrix.indices, matrix.indptr
        return matrix.nnz, matrix.nnz, sum(array.nbytes for array in arrays)
    return np.count_nonzero(matrix), matrix.size, matrix.nbytes


def faster_matrix(matrix, n_columns):
    """A matrix, dense or as csr_array, as its product with a wide one is faster.

    Both are timed on this machine, once for every shape and density, and not at all
    for small and for dense ones.
    """
    matrix = np.ascontiguousarray(matrix, dtype=np.float32)
    n_kept = np.count_nonzero(matrix)
    if matrix.size < _SMALL or n_kept > matrix.size / 2:
        return matrix
    return (
        sp.csr_array(matrix)
        if _sparse_wins(*matrix.shape, n_kept, n_columns)
        else matrix
    )


@cache
def _sparse_wins(n_out, n_in, n_kept, n_columns):
    rng = np.random.default_rng(0)
    dense = np.zeros((n_out, n_in), np.float32)
    dense.ravel()[rng.choice(dense.size, n_kept, replace=False)] = 1
    x = np.ones((n_in, n_columns), np.float32)
    seconds = fastest_of([dense.dot, sp.csr_array(dense).dot], x)
    return seconds[1] < seconds[0]


def fastest_of(functions, x):
    """Shortest time of a few calls of each function, in seconds."""
    seconds = [math.inf] * len(functions)
    for _ in range(_REPEATS):
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function(x)
            seconds[i] = min(seconds[i], time.perf_counter() - start)
    return seconds


class LayerSize(NamedTuple):
    """How large a layer is."""

    inputs: int  # or channels
    units: int  # or channels
    weights: int  # other than zero
    multiply_adds: int  # per row
    bytes: int


def hand_on_biases(operations):
    """Let a ReLU between two dense layers do the addition of the first one's bias.

    max(Wx + b, 0) = max(Wx, -b) + b, and a constant is a part of the next bias: one
    operation less on every number.
    """
    for first, relu, then in zip(
        operations, operations[1:], operations[2:], strict=False
    ):
        kinds = type(first), type(relu), type(then)
        if kinds == (Dense, Activation, Dense) and relu.name == "relu":
            then.bias = then.bias + then.weight.dot(first.bias)
            relu.parameter, first.bias = -first.bias, None


class Network:
    """What a fitted estimator predicts with.

    Parameters
    ----------
    columns : ndarray of int
        Columns of X that are read.
    mean, scale : ndarray of shape (n_columns,), or None
        By which they are standardised, in units of X and of the type that this is done
        in; scale is infinite for columns that are to be 0. None where the first layer
        sees to it.
    operations : list
        What is done with them.
    n_outputs : int
        How many come out.
    n_rows : int
        Rows in a block.
    layers : dict of str to LayerSize
        What is left of the layers of the network that was trained.
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
            Numbers of any type.
        owner : str
            Who is to be named if something is not finite.
        selected : bool
            Whether X has only the columns that are read, and was checked.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            In float32 or float64.
        """
        n_rows = min(self.n_rows, max(1, _NUMBERS // max(1, X.shape[1])))
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
            self._check(X, owner)
            # the second is faster, but for a single row
            x = X.take(self.columns, axis=1).T if len(X) == 1 else X.T[self.columns]
        if self.mean is not None:
            x = x.astype(self.mean.dtype, copy=False)
            x = (x - self.mean[:, None]) / self.scale[:, None]
        return self._outputs(np.ascontiguousarray(x, np.float32)).T

    def _check(self, X, owner):
        """Refuse what is not finite, or is not in the type that is computed in."""
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
    return int(np.clip(_CACHE // (4 * max(1, n_numbers)), *_ROWS))
