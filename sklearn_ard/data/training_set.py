"""From checked arrays to batches of scaled rows, in one function.

Input: X, numeric targets and weights. Output: a :class:`TrainingSet` of batches, their
scalers and the number of rows.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from sklearn_ard.data.batches import LARGEST_COPY, Batches
from sklearn_ard.data.merge import merge_rows
from sklearn_ard.data.order import training_order
from sklearn_ard.data.scaler import Scaler
from sklearn_ard.data.table import ScaledTable, Table
from sklearn_ard.data.targets import ClassTargets, NumericTargets

_BATCH_SIZE = 64
_BITS = 32  # of mean and scale of a column


@dataclass(frozen=True)
class TrainingSet:
    """Rows to train on, and how they were scaled.

    Attributes
    ----------
    batches : Batches
        Scaled rows in training order, on the device.
    scaler : Scaler
        Of the columns.
    targets : NumericTargets or ClassTargets
        Of y.
    n_rows : int
        Distinct rows; of a later chunk with those of all chunks before.
    total_weight : float
        Sum of their weights.
    """

    batches: Batches
    scaler: Scaler
    targets: NumericTargets | ClassTargets
    n_rows: int
    total_weight: float


def training_set(
    X,
    y,
    weight,
    targets,
    *,
    n_channels=None,
    standardize=True,
    batch_size="auto",
    device="cpu",
    before=None,
    is_chunk=False,
):
    """Merge equal rows, scale and order them, and cut them into batches.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_samples, n_features)
        Finite numbers. It is not copied as a whole.
    y : ndarray of shape (n_samples, n_columns)
        Numeric targets.
    weight : ndarray of shape (n_samples,)
        Weights, none negative.
    targets : NumericTargets or ClassTargets
        Fitted here, unless there was a chunk before.
    n_channels : int, default=None
        Channels of images, each of which has one scale; None scales every column.
    standardize : bool, default=True
        Whether to scale the columns at all.
    batch_size : int or "auto", default="auto"
        Largest number of rows in a batch; "auto" is 64.
    device : torch.device, default="cpu"
        Device of the batches.
    before : TrainingSet, default=None
        That of an earlier chunk of the same data, which sets the scale.
    is_chunk : bool, default=False
        Whether later chunks follow, in which columns may vary that are constant here.

    Returns
    -------
    TrainingSet
        The training set.
    """
    rows, weight = merge_rows(X, y, weight)
    table, y = Table(X, rows), y[rows]
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
    y = targets.transform(y)
    order = training_order(ScaledTable(table, scaler), y.reshape(len(y), -1))
    x = ScaledTable(table.take(order), scaler)
    is_small = table.is_sparse and math.prod(x.shape) <= LARGEST_COPY
    fits = is_small or not table.is_out_of_memory
    weight = (weight[order] * (n_rows / total_weight)).astype(np.float32)
    batches = Batches(
        torch.from_numpy(x.in_memory()).to(device) if fits else x,
        torch.from_numpy(y[order]).to(device),
        torch.from_numpy(weight).to(device),
        _BATCH_SIZE if batch_size == "auto" else batch_size,
    )
    return TrainingSet(batches, scaler, targets, n_rows, total_weight)
