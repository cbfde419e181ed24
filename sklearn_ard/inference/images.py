"""Convolutions and pooling in numpy, on arrays of (channels, height, width, rows)."""

import itertools
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.sparse as sp

from sklearn_ard.inference.network import LayerSize, cost_of, faster_matrix, fastest_of

_LARGEST = 2_000_000  # entries of an unrolled convolution


@dataclass(frozen=True)
class Windows:
    """How a kernel walks over an image, in every dimension.

    Attributes
    ----------
    kernel, stride, dilation : tuple of int
        As in torch.
    padding : tuple of (int, int)
        Before and after.
    ceil_mode : bool
        Whether a last window may reach over the edge.
    """

    kernel: tuple
    stride: tuple
    dilation: tuple
    padding: tuple
    ceil_mode: bool = False

    def sizes(self, size):
        """Number of windows in each dimension."""
        found = []
        for length, k, s, d, (before, after) in zip(
            size, self.kernel, self.stride, self.dilation, self.padding, strict=True
        ):
            room = length + before + after - d * (k - 1) - 1
            n = (-(-room // s) if self.ceil_mode else room // s) + 1
            if self.ceil_mode and (n - 1) * s >= length + before:
                n -= 1  # a window has to begin inside
            found.append(n)
        return tuple(found)

    def pad(self, x, mode="constant", fill=0.0):
        """`x` with its padding, and as much more as the last windows need."""
        pads = self._pads(x.shape[1:-1])
        if not any(map(any, pads)):
            return x
        options = {"constant_values": fill} if mode == "constant" else {}
        return np.pad(x, [(0, 0), *pads, (0, 0)], mode=mode, **options)

    def padded(self, size):
        """Size of what :meth:`pad` gives."""
        pads = self._pads(size)
        return [n + sum(pad) for n, pad in zip(size, pads, strict=True)]

    def _pads(self, size):
        pads = []
        for length, n, k, s, d, (before, after) in zip(
            size, self.sizes(size), self.kernel, self.stride, self.dilation,
            self.padding, strict=True,
        ):  # fmt: skip
            reach = (n - 1) * s + d * (k - 1) + 1
            pads.append((before, max(after, reach - length - before)))
        return pads

    def offsets(self):
        return itertools.product(*map(range, self.kernel))

    def at(self, padded, offset, sizes):
        """What the entry `offset` of the kernel sees: a view."""
        steps = tuple(
            slice(o * d, o * d + (n - 1) * s + 1, s)
            for o, n, s, d in zip(
                offset, sizes, self.stride, self.dilation, strict=True
            )
        )
        return padded[(..., *steps, slice(None))]


class Convolution:
    """A convolution, gathered: what its kernels see is copied into a wide matrix.

    Entries of the kernels that no output channel uses are not gathered.

    Parameters
    ----------
    weight : ndarray of shape (n_out, n_in, ...)
        Weights of all channels: those of a grouped convolution with zeros.
    bias : ndarray of shape (n_out,)
        Biases.
    windows : Windows
        How it walks.
    padding_mode : str
        As in :func:`numpy.pad`.
    size : tuple of int
        Of the images, without padding.
    n_rows : int
        Rows that it is going to be handed at a time.
    """

    def __init__(self, weight, bias, windows, padding_mode, size, n_rows):
        self.windows, self.padding_mode = windows, padding_mode
        self.shape, self.bias = weight.shape, bias[:, None]
        # channel and offsets of every entry that is used
        self.taps = np.argwhere(weight.any(axis=0)).astype(np.int32)
        n_columns = n_rows * math.prod(windows.sizes(size))
        self.weight = faster_matrix(weight[:, *self.taps.T], n_columns)

    def __call__(self, x):
        padded = self.windows.pad(x, self.padding_mode)
        sizes = self.windows.sizes(x.shape[1:-1])
        seen = np.empty((len(self.taps), *sizes, x.shape[-1]), x.dtype)
        for row, (channel, *offset) in zip(seen, self.taps.tolist(), strict=True):
            row[...] = self.windows.at(padded[channel], offset, sizes)
        output = self.weight.dot(seen.reshape(len(seen), math.prod(seen.shape[1:])))
        output += self.bias
        return output.reshape(-1, *sizes, x.shape[-1])

    def layer_size(self, n_positions):
        """What it costs, applied to so many positions of a row."""
        n_kept, n_products, n_bytes = cost_of(self.weight)
        n_bytes += self.bias.nbytes + self.taps.nbytes
        n_out, n_in = self.shape[:2]
        return LayerSize(n_in, n_out, n_kept, n_products * n_positions, n_bytes)

    def kernels(self):
        """Weights of shape (n_out, n_in, ...), with the zeros."""
        weight = np.zeros(self.shape, np.float32)
        matrix = self.weight.toarray() if sp.issparse(self.weight) else self.weight
        weight[:, *self.taps.T] = matrix
        return weight


class SparseConvolution:
    """A convolution, unrolled: a sparse matrix takes a band of the image to a line.

    Lines are what lies along all dimensions but the first. With the first dimension in
    front in memory, before the channels, a band is contiguous and nothing is copied;
    the matrix has an entry for every weight that is not zero and every position in a
    line, and is the same for all lines. Parameters as in :class:`Convolution`.
    """

    def __init__(self, weight, bias, windows, padding_mode, size, n_rows):
        self.windows, self.padding_mode = windows, padding_mode
        self.shape, self.image, self.bias = weight.shape, tuple(size), bias
        self.entries = np.argwhere(weight).astype(np.int32)
        self.values = weight[tuple(self.entries.T)]
        self._unroll()

    def _unroll(self):
        windows = self.windows
        sizes = windows.sizes(self.image)
        _, *inner = windows.padded(self.image)
        out, channel, first, *rest = self.entries.T.astype(np.int64)
        n_positions = math.prod(sizes[1:])
        positions = np.indices(sizes[1:]).reshape(len(inner), n_positions)
        column = (first * windows.dilation[0] * self.shape[1] + channel)[:, None]
        for i, length in enumerate(inner):
            step, spread = windows.stride[i + 1], windows.dilation[i + 1]
            column = column * length + positions[i] * step + rest[i][:, None] * spread
        line = out[:, None] * n_positions + np.arange(n_positions)
        self.band = windows.dilation[0] * (windows.kernel[0] - 1) + 1
        shape = (
            self.shape[0] * n_positions,
            self.band * self.shape[1] * math.prod(inner),
        )
        values = np.repeat(self.values, n_positions)
        self.matrix = sp.csr_array((values, (line.ravel(), column.ravel())), shape)
        self.biases = np.repeat(self.bias, n_positions)[:, None]

    def __getstate__(self):
        return {
            name: value
            for name, value in vars(self).items()
            if name not in ("matrix", "biases")
        }

    def __setstate__(self, state):
        vars(self).update(state)
        self._unroll()

    def __call__(self, x):
        padded = self.windows.pad(x, self.padding_mode)
        sizes = self.windows.sizes(x.shape[1:-1])
        n_rows, stride = x.shape[-1], self.windows.stride[0]
        # free where this follows another one: the memory is in this order already
        lines = np.ascontiguousarray(np.moveaxis(padded, 0, 1))
        lines = lines.reshape(len(lines), math.prod(lines.shape[1:-1]), n_rows)
        output = np.empty((sizes[0], len(self.biases), n_rows), np.float32)
        for i in range(sizes[0]):
            band = lines[i * stride : i * stride + self.band]
            band = band.reshape(self.matrix.shape[1], n_rows)
            np.add(self.matrix.dot(band), self.biases, out=output[i])
        output = output.reshape(sizes[0], -1, *sizes[1:], n_rows)
        return np.moveaxis(output, 1, 0)

    def layer_size(self, n_positions):
        """What it costs, applied to so many positions of a row."""
        n_kept = len(self.values)
        n_bytes = self.entries.nbytes + self.values.nbytes + self.bias.nbytes
        n_out, n_in = self.shape[:2]
        return LayerSize(n_in, n_out, n_kept, n_kept * n_positions, n_bytes)

    def kernels(self):
        """Weights of shape (n_out, n_in, ...), with the zeros."""
        weight = np.zeros(self.shape, np.float32)
        weight[tuple(self.entries.T)] = self.values
        return weight


def faster_convolution(weight, bias, windows, padding_mode, size, n_rows):
    """A convolution, gathered or unrolled, whichever is faster.

    Both are timed on this machine, once for every shape and density. Parameters as in
    :class:`Convolution`.
    """
    n_unrolled = np.count_nonzero(weight) * math.prod(windows.sizes(size)[1:])
    kind = Convolution
    if n_unrolled <= _LARGEST:
        n_kept = np.count_nonzero(weight)
        kind = _faster_kind(weight.shape, n_kept, windows, tuple(size), n_rows)
    return kind(weight, bias, windows, padding_mode, size, n_rows)


@cache
def _faster_kind(shape, n_kept, windows, size, n_rows):
    rng = np.random.default_rng(0)
    weight, bias = np.zeros(shape, np.float32), np.zeros(shape[0], np.float32)
    weight.ravel()[rng.choice(weight.size, n_kept, replace=False)] = 1
    x = np.ones((shape[1], *size, n_rows), np.float32)
    kinds = Convolution, SparseConvolution
    made = [kind(weight, bias, windows, "constant", size, n_rows) for kind in kinds]
    seconds = fastest_of(made, x)
    return kinds[seconds.index(min(seconds))]


class MaxPool:
    """The largest value of every window."""

    def __init__(self, windows):
        self.windows = windows

    def __call__(self, x):
        padded = self.windows.pad(x, fill=-np.inf)
        sizes = self.windows.sizes(x.shape[1:-1])
        offsets = self.windows.offsets()
        output = self.windows.at(padded, next(offsets), sizes).copy("K")
        for offset in offsets:
            np.maximum(output, self.windows.at(padded, offset, sizes), out=output)
        return output


class AveragePool:
    """The mean of every window.

    Parameters
    ----------
    windows : Windows
        How it walks.
    count_padding : bool
        Whether zeros of the padding count.
    """

    def __init__(self, windows, count_padding):
        self.windows, self.count_padding = windows, count_padding

    def __call__(self, x):
        windows, size = self.windows, x.shape[1:-1]
        padded, sizes = windows.pad(x), windows.sizes(size)
        total = sum(windows.at(padded, o, sizes) for o in windows.offsets())
        return total / self._counts(size, sizes)[None, ..., None]

    def _counts(self, size, sizes):
        """Numbers that each window is the mean of."""
        counts = np.float32(1)
        for length, n, k, s, (before, after) in zip(
            size, sizes, self.windows.kernel, self.windows.stride,
            self.windows.padding, strict=True,
        ):  # fmt: skip
            first, last = (
                (-before, length + after) if self.count_padding else (0, length)
            )
            start = np.arange(n) * s - before
            inside = np.minimum(start + k, last) - np.maximum(start, first)
            counts = np.multiply.outer(counts, inside.astype(np.float32))
        return counts


class GlobalPool:
    """The mean or the maximum of a whole channel."""

    def __init__(self, name):
        self.name = name  # "mean" or "max"

    def __call__(self, x):
        axes = tuple(range(1, x.ndim - 1))
        return getattr(np, self.name)(x, axis=axes, keepdims=True)
