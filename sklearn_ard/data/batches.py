"""Training data in batches.

Input: scaled rows with targets and weights. Output: batches of them on the device, in
random order, or a sample.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_ard.data.moments import moments
from sklearn_ard.data.table import ScaledTable

# Entries of X that are copied into memory at once, for columns or a sample: 80 MB.
LARGEST_COPY = _LARGEST_SAMPLE = 20_000_000
_SHUFFLED_AT_ONCE = 1_000_000  # entries of X up to which an epoch is shuffled in one go

Batch = tuple[Tensor, tuple[Tensor, Tensor]]  # inputs, and targets with weights


class Batches:
    """Training data, cut into equal batches that are shuffled anew in every epoch.

    Parameters
    ----------
    x : Tensor or ScaledTable of shape (n, n_inputs)
        Scaled inputs, of type float32. A tensor is on the device already; rows of a
        table are cut, standardised and made dense a batch at a time.
    target : Tensor of shape (n,) or (n, n_outputs)
        Class indices, or scaled targets.
    weight : Tensor of shape (n,)
        Sample weights of mean 1.
    batch_size : int
        Largest number of rows in a batch.
    """

    def __init__(
        self, x: Tensor | ScaledTable, target: Tensor, weight: Tensor, batch_size: int
    ):
        self.x, self.target, self.weight = x, target, weight
        self.batch_size = batch_size
        self.n_batches = math.ceil(len(target) / batch_size)
        self._selected: tuple[np.ndarray, Batches] | None = None

    def __len__(self) -> int:
        return len(self.target)

    def shuffled(self, generator: torch.Generator) -> Iterator[Batch]:
        """All rows in a new order, a batch of (inputs, (targets, weights)) at a time.

        Parameters
        ----------
        generator : torch.Generator
            Draws the order; on the CPU.
        """
        order = torch.randperm(len(self), generator=generator, device="cpu").to(
            self.target.device
        )
        if torch.is_tensor(self.x) and self.x.numel() <= _SHUFFLED_AT_ONCE:
            parts = (
                part[order].tensor_split(self.n_batches)
                for part in (self.x, self.target, self.weight)
            )
            for x, target, weight in zip(*parts, strict=True):
                yield x, (target, weight)
            return
        for rows in order.tensor_split(self.n_batches):
            yield self.rows(rows)

    def rows(self, rows: Tensor) -> Batch:
        """Some rows as (inputs, (targets, weights)), dense and on the device."""
        return self._dense(rows), (self.target[rows], self.weight[rows])

    def draw(self, n_rows: int, generator: torch.Generator) -> Tensor:
        """Indices of at most `n_rows` random rows, fewer where rows are very long."""
        n_rows = min(n_rows, max(self.batch_size, _LARGEST_SAMPLE // self.x.shape[1]))
        order = torch.randperm(len(self), generator=generator, device="cpu")[:n_rows]
        return order.sort().values.to(self.target.device)

    def sample(
        self, n_rows: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs, targets and weights of at most `n_rows` random rows."""
        x, (target, weight) = self.rows(self.draw(n_rows, generator))
        return x, target, weight

    def take(self, rows: np.ndarray) -> "Batches":
        """Some of the rows (an int ndarray), with the same size of a batch."""
        index = torch.from_numpy(rows).to(self.target.device)
        x = self.x[index] if torch.is_tensor(self.x) else self.x.take(rows)
        target, weight = self.target[index], self.weight[index]
        return Batches(x, target, weight, self.batch_size)

    def head(self) -> Tensor:
        """The inputs of the first two rows, to try a network on."""
        return self._dense(torch.arange(min(2, len(self)), device="cpu"))

    def moments(
        self, rows: Tensor, weight: np.ndarray, residual: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """See :func:`sklearn_ard.data.moments.moments`; `rows` is a tensor."""
        x = self.x.cpu().numpy() if torch.is_tensor(self.x) else self.x
        return moments(x, rows.cpu().numpy(), weight, residual)

    def _dense(self, rows: Tensor) -> Tensor:
        if torch.is_tensor(self.x):
            return self.x[rows]
        return torch.from_numpy(self.x[rows.cpu().numpy()]).to(self.target.device)

    def select(self, columns: np.ndarray) -> "Batches":
        """The same rows with some of the columns (an ndarray of ascending indices).

        The last selection is cached, since one network is trained and evaluated on it.
        """
        if len(columns) == self.x.shape[1]:
            return self
        if self._selected is None or not np.array_equal(self._selected[0], columns):
            self._selected = columns, self._select(columns)
        return self._selected[1]

    def _select(self, columns: np.ndarray) -> "Batches":
        device = self.target.device
        x: Tensor | ScaledTable
        if torch.is_tensor(self.x):
            x = self.x[:, torch.from_numpy(columns).to(device)].contiguous()
        else:
            x = self.x.select(columns)
            if math.prod(x.shape) <= LARGEST_COPY:
                x = torch.from_numpy(x.in_memory()).to(device)
        return Batches(x, self.target, self.weight, self.batch_size)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_selected": None}
