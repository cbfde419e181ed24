"""From checked arrays to batches of scaled inputs, in one function.

Input: X as numbers and codes, numeric targets and weights. Output: a
:class:`TrainingSet` of batches, and how their inputs were made.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from sklearn_ard.data.batches import LARGEST_COPY, Batches
from sklearn_ard.data.blocks import Blocks
from sklearn_ard.data.encoding import Encoding
from sklearn_ard.data.merge import merge_rows
from sklearn_ard.data.order import training_order
from sklearn_ard.data.reader import Reader
from sklearn_ard.data.scaler import Scaler
from sklearn_ard.data.table import ScaledTable, Table, is_mapped
from sklearn_ard.data.targets import ClassTargets, NumericTargets

_BATCH_SIZE = 64
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
    """

    batches: Batches
    reader: Reader
    encoding: Encoding
    blocks: Blocks
    scaler: Scaler
    targets: NumericTargets | ClassTargets
    n_rows: int
    total_weight: float


def training_set(
    X,
    y,
    weight,
    targets,
    reader,
    groups,
    *,
    with_gaps=True,
    n_channels=None,
    standardize=True,
    batch_size="auto",
    device="cpu",
    before=None,
    is_chunk=False,
):
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
    y = targets.transform(y)
    order = training_order(ScaledTable(table, scaler), y.reshape(len(y), -1))
    x = ScaledTable(table.take(order), scaler)
    is_small = math.prod(x.shape) <= LARGEST_COPY and not is_mapped(X)
    fits = is_small or not table.is_out_of_memory
    weight = (weight[order] * (n_rows / total_weight)).astype(np.float32)
    batches = Batches(
        torch.from_numpy(x.in_memory()).to(device) if fits else x,
        torch.from_numpy(y[order]).to(device),
        torch.from_numpy(weight).to(device),
        _BATCH_SIZE if batch_size == "auto" else batch_size,
    )
    return TrainingSet(
        batches, reader, encoding, blocks, scaler, targets, n_rows, total_weight
    )
