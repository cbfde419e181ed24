"""The operations of a compact network, in numpy.

Arrays of (features, rows) or (channels, height, width, rows) come in and go out: with
the rows last, a layer is one product of a matrix, dense or sparse, with a wide one.
"""

import copy
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from sklearn_ard._typing import Matrix
from sklearn_ard.inference.activations import FUNCTIONS

# A csr_array multiplies a block of rows faster than a dense array below a density of
# 0.14 (large matrices) to 0.2 (small ones). Measured by examples/benchmarks/kernels.py
# on 88 pairs of shape and density: the rule takes the slower kernel in 6, and loses 1 %
# of time in the geometric mean. A single row loses up to 8 microseconds per layer,
# which is why small matrices stay dense.
MAX_SPARSE_DENSITY = 1 / 6
MIN_SPARSE_SIZE = 4096  # entries, zeros included

Operation = Callable[[np.ndarray], np.ndarray]


class Affine:
    """A factor and a shift per feature or channel: batch norm."""

    def __init__(self, scale: np.ndarray, shift: np.ndarray):
        self.scale, self.shift = scale, shift

    def __call__(self, x: np.ndarray) -> np.ndarray:
        shape = (-1, *[1] * (x.ndim - 1))
        return x * self.scale.reshape(shape) + self.shift.reshape(shape)


class Activation:
    """An elementwise function.

    Parameters
    ----------
    name : str
        A key of :data:`~sklearn_ard.inference.activations.FUNCTIONS`.
    parameter : float or ndarray of shape (n_features, 1), default=0.0
        Slope or scale, for those that have one; for "relu" the smallest output.
    """

    def __init__(self, name: str, parameter: ArrayLike = 0.0):
        self.name, self.parameter = name, np.asarray(parameter, np.float32)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return FUNCTIONS[self.name].compute(x, self.parameter)


class Select:
    """Some of the features or channels."""

    def __init__(self, indices: np.ndarray):
        self.indices = indices

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x.take(self.indices, axis=0)


class Reshape:
    """Another shape for the features of a row."""

    def __init__(self, shape: tuple[int, ...]):
        self.shape = shape

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x.reshape(*self.shape, x.shape[-1])


class Dense:
    """A linear layer.

    Parameters
    ----------
    weight : ndarray of shape (n_out, n_in)
        Weights; stored as a csr_array where that is faster.
    bias : ndarray of shape (n_out,)
        Biases.
    """

    def __init__(self, weight: np.ndarray, bias: np.ndarray):
        self.weight: Matrix = np.ascontiguousarray(weight, dtype=np.float32)
        if is_faster_sparse(self.weight):
            self.weight = sp.csr_array(self.weight)
        self.bias: np.ndarray | None = bias[:, None]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        output = self.weight.dot(x)
        if self.bias is not None:
            output += self.bias
        return output

    def with_weights(self, weight: Matrix, bias: np.ndarray | None) -> Self:
        """The same with other weights, stored as these are, and other biases."""
        layer = copy.copy(self)
        layer.weight, layer.bias = weight, bias
        return layer


class Random:
    """A layer whose weights have a posterior distribution.

    Parameters
    ----------
    layer : Dense or Convolution
        With the means.
    std : ndarray of shape (n_out, ...)
        Standard deviations of the weights; 0 where these are.
    bias_std : ndarray of shape (n_out,)
        Of the biases.
    """

    def __init__(self, layer: Any, std: np.ndarray, bias_std: np.ndarray):
        self.layer, self.bias_std = layer, bias_std[:, None]
        self.std = std.reshape(len(std), -1)
        if sp.issparse(layer.weight):  # the same entries in the same order
            row = np.repeat(np.arange(len(std)), np.diff(layer.weight.indptr))
            self.std = self.std[row, layer.weight.indices]

    def drawn(self, rng: np.random.Generator) -> Operation:
        """The layer with weights that a numpy generator has drawn."""
        weight, bias = self.layer.weight.copy(), self.layer.bias
        values = weight.data if sp.issparse(weight) else weight
        values += self.std * rng.standard_normal(self.std.shape, np.float32)
        if self.bias_std.any():
            noise = rng.standard_normal(self.bias_std.shape, np.float32)
            bias = bias + self.bias_std * noise
        return self.layer.with_weights(weight, bias)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.layer(x)


class Sum:
    """The sum of several chains of operations on some of the same inputs.

    Parameters
    ----------
    branches : list of (ndarray of int or None, list)
        Indices of the inputs, None for all, and the operations.
    """

    def __init__(self, branches: list[tuple[np.ndarray | None, list[Operation]]]):
        self.branches = branches

    def __call__(self, x: np.ndarray) -> np.ndarray:
        outputs = [
            run(operations, x if indices is None else x.take(indices, axis=0))
            for indices, operations in self.branches
        ]
        return sum(outputs[1:], start=outputs[0])

    def drawn(self, rng: np.random.Generator) -> "Sum":
        """The same with the weights of random layers drawn."""
        return Sum([(indices, drawn(each, rng)) for indices, each in self.branches])


def drawn(operations: list[Operation], rng: np.random.Generator) -> list[Operation]:
    """Operations with the weights of random layers drawn by a numpy generator."""
    return [
        operation.drawn(rng) if isinstance(operation, (Random, Sum)) else operation
        for operation in operations
    ]


def run(operations: list[Operation], x: np.ndarray) -> np.ndarray:
    """Apply operations one after the other."""
    for operation in operations:
        x = operation(x)
    return x


def is_faster_sparse(matrix: np.ndarray) -> bool:
    """Whether a csr_array of a matrix multiplies a block of rows faster.

    Decided by shape and density alone: the same network always computes the same bits.
    """
    n_kept = int(np.count_nonzero(matrix))
    return matrix.size >= MIN_SPARSE_SIZE and n_kept <= MAX_SPARSE_DENSITY * matrix.size


def fuse_biases(operations: list[Any]) -> None:
    """Let a ReLU between two dense layers add the bias of the first.

    max(Wx + b, 0) = max(Wx, -b) + b, and the constant b becomes a part of the second
    bias: this saves a pass over the numbers.
    """
    for first, relu, second in zip(
        operations, operations[1:], operations[2:], strict=False
    ):
        kinds = type(first), type(relu), type(second)
        if kinds == (Dense, Activation, Dense) and relu.name == "relu":
            second.bias = second.bias + second.weight.dot(first.bias)
            relu.parameter, first.bias = -first.bias, None
