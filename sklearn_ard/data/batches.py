"""Training data in batches."""

import math

import numpy as np
import torch

_MAX_CELLS = 20_000_000  # entries of some rows or columns in memory: 80 MB
_SHUFFLED_AT_ONCE = 1_000_000  # entries of X up to which an epoch is shuffled in one go


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

    def __init__(self, x, target, weight, batch_size):
        self.x, self.target, self.weight = x, target, weight
        self.batch_size = batch_size
        self.n_batches = math.ceil(len(target) / batch_size)

    def __len__(self):
        return len(self.target)

    def __iter__(self):
        order = torch.randperm(len(self), device=self.target.device)
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

    def rows(self, rows):
        """Some rows as (inputs, (targets, weights)), dense and on the device."""
        return self._dense(rows), (self.target[rows], self.weight[rows])

    def draw(self, n_rows):
        """Indices of at most `n_rows` random rows, fewer where rows are very long."""
        n_rows = min(n_rows, max(self.batch_size, _MAX_CELLS // self.x.shape[1]))
        order = torch.randperm(len(self), device=self.target.device)
        return order[:n_rows].sort().values

    def sample(self, n_rows):
        """As :meth:`rows`, for at most `n_rows` rows that are drawn at random."""
        return self.rows(self.draw(n_rows))

    def head(self):
        """The inputs of the first two rows, to try a network on."""
        return self._dense(torch.arange(min(2, len(self))))

    def columns(self, rows):
        """Inputs of some rows, as float64 ndarray or csr_array."""
        x = self.x.cpu().numpy() if torch.is_tensor(self.x) else self.x
        return x[rows.cpu().numpy()].astype(np.float64)

    def _dense(self, rows):
        if torch.is_tensor(self.x):
            return self.x[rows]
        return torch.from_numpy(self.x.dense(rows.cpu().numpy())).to(self.target.device)

    def select(self, columns):
        """The same rows with some of the columns (an ndarray of ascending indices)."""
        if len(columns) == self.x.shape[1]:
            return self
        device = self.target.device
        if torch.is_tensor(self.x):
            x = self.x[:, torch.from_numpy(columns).to(device)].contiguous()
        else:
            x = self.x.select(columns)
            if math.prod(x.shape) <= _MAX_CELLS:
                x = torch.from_numpy(x.in_memory()).to(device)
        return Batches(x, self.target, self.weight, self.batch_size)
