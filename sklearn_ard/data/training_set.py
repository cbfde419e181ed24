"""From checked arrays to batches of scaled inputs, in one function.

Input: X as numbers and codes, numeric targets and weights. Output: a
:class:`TrainingSet` of batches, and how their inputs were made.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_ard._typing import Matrix
from sklearn_ard.data.batches import LARGEST_COPY, Batches
from sklearn_ard.data.bins import bin_edges
from sklearn_ard.data.blocks import Blocks, Groups
from sklearn_ard.data.copies import copies
from sklearn_ard.data.encoding import Encoding
from sklearn_ard.data.merge import merge_rows
from sklearn_ard.data.order import training_order
from sklearn_ard.data.reader import Reader
from sklearn_ard.data.scaler import Scaler
from sklearn_ard.data.table import ScaledTable, Table, is_mapped
from sklearn_ard.data.targets import ClassTargets, NumericTargets, Targets

SMALL_BATCH = 64
# Rows from which batches are larger, with as many steps: on few rows the noise of small
# ones regularises. See examples/benchmarks/NOTES.md.
LARGER_BATCHES = {1_536: 128, 3_072: 256, 24_576: 512, 65_536: 1024}
_BITS = 32  # of mean and scale of a column


@dataclass(frozen=True)
class TrainingSet:
    """Rows to train on, and how inputs were made of their columns.

    Attributes
    ----------
    batches : Batches
        Scaled rows in training order, on the device.
    reader : Reader
        From tables to numbers and codes.
    encoding : Encoding
        From these to the inputs of a network.
    blocks : Blocks
        Columns and inputs that are kept or dropped as one.
    scaler : Scaler
        Of these inputs.
    targets : NumericTargets or ClassTargets
        Of y.
    n_rows : int
        Distinct rows; of a later chunk with those of all chunks before.
    total_weight : float
        Sum of their weights.
    varies : bool ndarray of shape (n_inputs,)
        True for inputs that networks may read: those that are neither constant nor
        copies of others.
    table : Table or None
        The rows of the batches, neither scaled nor copied.
    y : ndarray of shape (n_rows, n_targets) or None
        Their targets, as they are.
    """

    batches: Batches
    reader: Reader
    encoding: Encoding
    blocks: Blocks
    scaler: Scaler
    targets: NumericTargets | ClassTargets
    n_rows: int
    total_weight: float
    varies: np.ndarray
    table: Table | None
    y: np.ndarray | None

    def with_likelihood(self, likelihood: str) -> "TrainingSet":
        """The same with targets for other noise.

        Parameters
        ----------
        likelihood : str
            See :data:`sklearn_ard.data.targets.LIKELIHOODS`.

        Returns
        -------
        TrainingSet
            Of the same rows in the same order.
        """
        if likelihood == self.targets.likelihood:
            return self
        assert isinstance(self.targets, NumericTargets) and self.y is not None
        targets = self.targets.with_likelihood(likelihood).fit(self.y, self._weight)
        before = self.batches
        target = torch.from_numpy(targets.transform(self.y)).to(before.target.device)
        batches = Batches(before.x, target, before.weight, before.batch_size)
        return replace(self, batches=batches, targets=targets)

    def with_bins(self, n_bins: int) -> "TrainingSet":
        """The same with numbers that are encoded piecewise linearly beside the value.

        Parameters
        ----------
        n_bins : int
            Bins of each column that is a number, fewer where it has ties.

        Returns
        -------
        TrainingSet
            With more inputs, of the same rows in the same order.
        """
        assert self.table is not None
        X, rows = self.table.X, self.table.rows
        numbers = np.setdiff1d(self.encoding.column, list(self.reader.levels_))
        edges = bin_edges(X[rows], self._weight, numbers, n_bins)
        return self.encoded(self.encoding.with_bins(edges))

    def encoded(self, encoding: Encoding) -> "TrainingSet":
        """The same with other inputs.

        Parameters
        ----------
        encoding : Encoding
            Of the same columns.

        Returns
        -------
        TrainingSet
            Of the same rows in the same order.
        """
        assert self.table is not None
        before, table = self.batches, Table(self.table.X, self.table.rows, encoding)
        scaler = Scaler(None, self.scaler.standardize, _BITS).fit(table, self._weight)
        x = _inputs(table, scaler, before.target.device)
        blocks = Blocks.of_inputs(self.blocks, encoding)
        is_copy = ~self.blocks.having(self.varies) & self.blocks.having(
            ~self.scaler.constant_
        )
        return replace(
            self,
            batches=Batches(x, before.target, before.weight, before.batch_size),
            encoding=encoding,
            blocks=blocks,
            scaler=scaler,
            varies=~scaler.constant_ & ~is_copy[blocks.of_input],
            table=table,
        )

    @property
    def _weight(self) -> np.ndarray:
        return self.batches.weight.cpu().double().numpy()

    def without_rows(self) -> "TrainingSet":
        """The same without the data."""
        nothing: Any = None  # whoever asks for the batches has them
        return replace(self, batches=nothing, table=None, y=None)


def training_set(
    X: Matrix,
    y: np.ndarray,
    weight: np.ndarray,
    targets: Targets,
    reader: Reader,
    groups: Groups,
    *,
    with_gaps: bool = True,
    n_channels: int | None = None,
    standardize: bool = True,
    batch_size: int | str = "auto",
    device: torch.device | str = "cpu",
    before: TrainingSet | None = None,
    is_chunk: bool = False,
    with_copies: bool = False,
) -> TrainingSet:
    """Merge equal rows, encode, scale and order them, and cut them into batches.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_samples, n_features)
        Numbers, NaN where they are missing, and codes of levels. It is not copied as a
        whole.
    y : ndarray of shape (n_samples, n_columns)
        Numeric targets.
    weight : ndarray of shape (n_samples,)
        Weights, none negative.
    targets : NumericTargets or ClassTargets
        Fitted here, unless there was a chunk before.
    reader : Reader
        Has read X.
    groups : Groups
        Columns that are kept or dropped as one.
    with_gaps : bool, default=True
        Whether missing numbers have indicators.
    n_channels : int, default=None
        Channels of images, each of which has one scale; None scales every column.
    standardize : bool, default=True
        Whether to scale the columns at all.
    batch_size : int or "auto", default="auto"
        Largest number of rows in a batch; see :func:`batch_size_for`.
    device : torch.device, default="cpu"
        Device of the batches.
    before : TrainingSet, default=None
        That of an earlier chunk of the same data, which sets the scale.
    is_chunk : bool, default=False
        Whether later chunks follow, in which columns may vary that are constant here.
    with_copies : bool, default=False
        Whether networks read columns that are copies of others.

    Returns
    -------
    TrainingSet
        The training set.
    """
    if before is None:
        n_codes = {j: levels.n_codes_ for j, levels in reader.levels_.items()}
        encoding = Encoding.of_table(X, weight, n_codes, with_gaps)
    else:
        encoding = before.encoding
    blocks = Blocks.of_inputs(groups, encoding)
    rows, weight = merge_rows(X, y, weight)
    table, y = Table(X, rows, encoding), y[rows]
    n_rows, total_weight = len(weight), weight.sum()
    if before is None:
        scaler = Scaler(n_channels, standardize, _BITS).fit(table, weight)
        targets.fit(y, weight)
        if is_chunk:
            scaler.constant_[:] = False
    else:
        scaler, targets = before.scaler, before.targets
        n_rows, total_weight = (
            n_rows + before.n_rows,
            total_weight + before.total_weight,
        )
    scaled = targets.transform(y)
    order = training_order(ScaledTable(table, scaler), scaled.reshape(len(y), -1))
    table, y = table.take(order), y[order]
    weight = (weight[order] * (n_rows / total_weight)).astype(np.float32)
    batches = Batches(
        _inputs(table, scaler, device),
        torch.from_numpy(scaled[order]).to(device),
        torch.from_numpy(weight).to(device),
        batch_size_for(n_rows) if isinstance(batch_size, str) else batch_size,
    )
    varies = ~scaler.constant_
    if not (with_copies or is_chunk):
        varies &= ~copies(ScaledTable(table, scaler), blocks)
    return TrainingSet(
        batches,
        reader,
        encoding,
        blocks,
        scaler,
        targets,
        n_rows,
        total_weight,
        varies,
        table,
        y,
    )


def _inputs(
    table: Table, scaler: Scaler, device: torch.device | str
) -> Tensor | ScaledTable:
    """Scaled inputs as a tensor, or made on access where they are too many."""
    x = ScaledTable(table, scaler)
    is_small = math.prod(x.shape) <= LARGEST_COPY and not is_mapped(table.X)
    if is_small or not table.is_out_of_memory:
        return torch.from_numpy(x.in_memory()).to(device)
    return x


def batch_size_for(n_rows: int) -> int:
    """Rows of a batch, for a number of distinct rows."""
    sizes = (size for least, size in LARGER_BATCHES.items() if n_rows >= least)
    return max(sizes, default=SMALL_BATCH)
