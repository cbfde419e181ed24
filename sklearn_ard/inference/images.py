"""Convolutions and pooling in numpy.

Images come in as arrays of (channels, height, width, rows), with one to three
dimensions between channels and rows; images of the same kind go out.
"""

import copy
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import scipy.sparse as sp

from sklearn_ard._typing import Matrix

# At each position, the unrolled kind computes one product per kept weight and output
# channel. The other one computes dense products, each at 0.15 of the cost, and copies
# each entry of a window, at 4 times the cost. On the 72 pairs of shape and density in
# examples/benchmarks/kernels.py the rule takes the slower kind in 7, and loses 1 to 2 %
# of time in the geometric mean. Pruned networks predict 100 and 1,000 rows 1.2 to 4
# times faster than with the gathered kind alone, and 2.5 to 9 times faster than in
# torch.
DENSE_PRODUCT = 0.15
WINDOW_COPY = 4.0
MAX_UNROLLED_DENSITY = 0.5  # where there are few output channels
MAX_UNROLLED_ENTRIES = 2_000_000  # 16 MB

Size = tuple[int, ...]  # of images


@dataclass(frozen=True)
class Windows:
    """The windows of a convolution or of pooling, in every dimension of the images.

    Attributes
    ----------
    kernel, stride, dilation : tuple of int
        As in torch.
    padding : tuple of (int, int)
        Before and after.
    ceil_mode : bool, default=False
        Whether a last window may reach over the edge.
    """

    kernel: tuple
    stride: tuple
    dilation: tuple
    padding: tuple
    ceil_mode: bool = False

    def sizes(self, size: Size) -> Size:
        """Number of windows in each dimension of images of a size without padding."""
        n_windows = []
        for length, k, s, d, (before, after) in zip(
            size, self.kernel, self.stride, self.dilation, self.padding, strict=True
        ):
            room = length + before + after - d * (k - 1) - 1
            n = (-(-room // s) if self.ceil_mode else room // s) + 1
            if self.ceil_mode and (n - 1) * s >= length + before:
                n -= 1  # a window has to begin inside
            n_windows.append(n)
        return tuple(n_windows)

    def pads(self, size: Size) -> list[tuple[int, int]]:
        """The padding, with as much more after it as the last windows reach over."""
        pads = []
        for length, n, k, s, d, (before, after) in zip(
            size, self.sizes(size), self.kernel, self.stride, self.dilation,
            self.padding, strict=True,
        ):  # fmt: skip
            reach = (n - 1) * s + d * (k - 1) + 1
            pads.append((before, max(after, reach - length - before)))
        return pads

    def pad(self, x: np.ndarray, fill: float) -> np.ndarray:
        """Images with a constant around them."""
        pads = self.pads(x.shape[1:-1])
        if not any(map(any, pads)):
            return x
        return np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)

    def views(self, padded: np.ndarray, size: Size) -> Iterator[np.ndarray]:
        """One view per entry of the kernel: what is under it at every position."""
        for offset in itertools.product(*map(range, self.kernel)):
            steps = (
                slice(o * d, o * d + (n - 1) * s + 1, s)
                for o, n, s, d in zip(
                    offset, self.sizes(size), self.stride, self.dilation, strict=True
                )
            )
            index: Any = ..., *steps, slice(None)
            yield padded[index]

    def pixels(self, size: Size, padding_mode: str) -> np.ndarray:
        """Index of the pixel under each entry of the kernel at each position.

        An array of shape (n_entries, n_positions); -1 for zeros of the padding.
        """
        image = np.arange(math.prod(size)).reshape(*size, 1)
        mode: Any = padding_mode
        fill: dict[str, Any] = {"constant_values": -1} if mode == "constant" else {}
        padded = np.pad(image, [*self.pads(size), (0, 0)], mode, **fill)
        return np.stack([view.ravel() for view in self.views(padded, size)])


class Convolution:
    """A convolution as the product of its kernels with a copy of all windows.

    Parameters
    ----------
    weight : ndarray of shape (n_out, n_in, ...)
        Weights of all channels: those of a grouped convolution with zeros.
    bias : ndarray of shape (n_out,)
        Biases.
    windows : Windows
        Positions of the kernels.
    padding_mode : str
        As in :func:`numpy.pad`.
    size : tuple of int
        Size of the images, without padding.
    """

    def __init__(
        self,
        weight: np.ndarray,
        bias: np.ndarray,
        windows: Windows,
        padding_mode: str,
        size: Size,
    ):
        self.n_channels, self.bias = weight.shape[1], bias[:, None]
        self.windows, self.padding_mode, self.size = windows, padding_mode, size
        self.weight = self._stored(weight.reshape(len(weight), -1))
        self._prepare()

    def _stored(self, matrix: np.ndarray) -> Matrix:
        return np.ascontiguousarray(matrix)

    def _prepare(self) -> None:
        """Compute what is not pickled, since it is larger than the weights."""
        self._pixels = self.windows.pixels(self.size, self.padding_mode)
        self._has_zeros = (self._pixels < 0).any()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if not k.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._prepare()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        n_rows = x.shape[-1]
        x = x.reshape(self.n_channels, math.prod(self.size), n_rows)
        if self._has_zeros:  # they come last, since their index is -1
            zeros = np.zeros((self.n_channels, 1, n_rows), x.dtype)
            x = np.concatenate([x, zeros], axis=1)
        seen = x.take(self._pixels, axis=1)
        n_columns = self._pixels.shape[1] * n_rows
        return self._images(
            self.weight.dot(seen.reshape(self.weight.shape[1], n_columns)), n_rows
        )

    def _images(self, output: np.ndarray, n_rows: int) -> np.ndarray:
        """The output of the product as images, with the biases added."""
        output = output.reshape(len(self.bias), output.size // len(self.bias))
        output += self.bias
        return output.reshape(-1, *self.windows.sizes(self.size), n_rows)

    def with_weights(self, weight: Matrix, bias: np.ndarray) -> Self:
        """The same with other weights, stored as these are, and other biases."""
        layer = copy.copy(self)
        layer.weight, layer.bias = weight, bias
        layer._prepare()
        return layer

    def kernels(self) -> np.ndarray:
        """Weights of shape (n_out, n_in, ...)."""
        matrix = self.weight.toarray() if sp.issparse(self.weight) else self.weight
        return matrix.reshape(-1, self.n_channels, *self.windows.kernel)


class UnrolledConvolution(Convolution):
    """A convolution as one sparse matrix from all pixels to all pixels.

    Parameters as in :class:`Convolution`.
    """

    def _stored(self, matrix: np.ndarray) -> Matrix:
        return sp.csr_array(matrix)

    def _prepare(self) -> None:
        pixels = self.windows.pixels(self.size, self.padding_mode)
        n_entries, n_positions = pixels.shape
        n_pixels = math.prod(self.size)
        weights = self.weight.tocoo()
        channel, entry = np.divmod(weights.col, n_entries)
        column = pixels[entry]
        inside = column >= 0
        column += n_pixels * channel[:, None]
        row = n_positions * weights.row[:, None] + np.arange(n_positions)
        values = np.broadcast_to(weights.data[:, None], inside.shape)
        self._matrix = sp.csr_array(
            (values[inside], (row[inside], column[inside])),
            (len(self.bias) * n_positions, self.n_channels * n_pixels),
        )

    def __call__(self, x: np.ndarray) -> np.ndarray:
        n_rows = x.shape[-1]
        x = x.reshape(self._matrix.shape[1], n_rows)
        return self._images(self._matrix.dot(x), n_rows)


def make_convolution(
    weight: np.ndarray,
    bias: np.ndarray,
    windows: Windows,
    padding_mode: str,
    size: Size,
) -> Convolution:
    """A convolution of the faster kind; parameters as in :class:`Convolution`.

    Shape and density alone decide: a network always computes the same bits.
    """
    n_kept, density = np.count_nonzero(weight), np.mean(weight != 0)
    is_unrolled = (
        density <= min(MAX_UNROLLED_DENSITY, DENSE_PRODUCT + WINDOW_COPY / len(weight))
        and n_kept * math.prod(windows.sizes(size)) <= MAX_UNROLLED_ENTRIES
    )
    kind = UnrolledConvolution if is_unrolled else Convolution
    return kind(weight, bias, windows, padding_mode, size)


class MaxPool:
    """The largest value of every window."""

    def __init__(self, windows: Windows):
        self.windows = windows

    def __call__(self, x: np.ndarray) -> np.ndarray:
        padded = self.windows.pad(x, -np.inf)
        first, *others = self.windows.views(padded, x.shape[1:-1])
        output = first.copy()
        for view in others:
            np.maximum(output, view, out=output)
        return output


class AveragePool:
    """The mean of every window.

    Parameters
    ----------
    windows : Windows
        Positions of the windows.
    count_padding : bool
        Whether zeros of the padding count.
    size : tuple of int
        Size of the images, without padding.
    """

    def __init__(self, windows: Windows, count_padding: bool, size: Size):
        self.windows, self.count_padding = windows, count_padding
        pads = windows.pads(size)
        counted = np.zeros([n + sum(pad) for n, pad in zip(size, pads, strict=True)])
        region = (
            slice(0, before + n + after) if count_padding else slice(before, before + n)
            for n, (before, after) in zip(size, windows.padding, strict=True)
        )
        counted[tuple(region)] = 1
        counts: Any = sum(windows.views(counted[..., None], size))
        self.counts = counts.astype(np.float32)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        padded = self.windows.pad(x, 0.0)
        return sum(self.windows.views(padded, x.shape[1:-1])) / self.counts
