"""Columns that say the same as others.

Input: scaled inputs and their blocks. Output: a mask of the inputs that are not needed.
"""

import numpy as np

from sklearn_ard.data.blocks import Blocks
from sklearn_ard.data.moments import moments
from sklearn_ard.data.table import ScaledTable

_N_DIRECTIONS = 4  # which columns are compared in
_TOLERANCE = 1e-4  # of standard deviations: a correlation of 1 - 5e-9
_OFFSETS = 0.0, 0.5  # of cells of that size: no two near places are apart in both


def copies(x: ScaledTable, blocks: Blocks) -> np.ndarray:
    """Inputs of blocks that are copies of others, in whatever units or with any sign.

    Of blocks that say the same, one stays: a required one, else the cheapest, else the
    first. All required ones stay. Groups of several columns are not compared.

    Parameters
    ----------
    x : {ndarray, ScaledTable} of shape (n, n_inputs)
        Scaled inputs.
    blocks : Blocks
        Of these inputs.

    Returns
    -------
    bool ndarray of shape (n_inputs,)
        True for inputs of copies.
    """
    places, is_copy = _projected(x), np.zeros(len(blocks), dtype=bool)
    is_compared = (np.bincount(blocks.of_column) == 1) & blocks.having(
        (places != 0).any(axis=1)
    )
    compared = np.flatnonzero(is_compared)
    rank = np.empty(len(blocks), dtype=int)
    rank[np.lexsort((blocks.costs, ~blocks.required))] = np.arange(len(blocks))
    for offset in _OFFSETS:
        cells = np.floor(places / _TOLERANCE + offset).astype(np.int64)
        keys = _keys(cells.view(np.uint64), blocks)[compared]
        values, group = np.unique(keys, return_inverse=True)
        first = np.full(len(values), len(blocks))
        np.minimum.at(first, group, rank[compared])
        is_copy[compared] |= rank[compared] > first[group]
    return (is_copy & ~blocks.required)[blocks.of_input]


def _projected(x: ScaledTable) -> np.ndarray:
    """Columns by random directions, in units of what chance makes of each."""
    n_rows = x.shape[0]
    residual = np.random.default_rng(0).standard_normal((n_rows, _N_DIRECTIONS))
    residual -= residual.mean(axis=0)
    rows, ones = np.arange(n_rows), np.ones((n_rows, 1))
    _, covariance = next(moments(x, rows, ones, residual))
    sign = np.where(covariance[:, :1] < 0, -1.0, 1.0)
    return covariance * sign * np.sqrt(n_rows)


def _keys(cells: np.ndarray, blocks: Blocks) -> np.ndarray:
    """A number for each block, from the cells of its inputs in their order."""
    rng = np.random.default_rng(1)
    factors = rng.integers(2**63, size=_N_DIRECTIONS, dtype=np.uint64) * 2 + 1
    order = np.argsort(blocks.of_input, kind="stable")
    n_inputs = np.bincount(blocks.of_input, minlength=len(blocks))
    nth = np.arange(len(order)) - np.repeat(np.cumsum(n_inputs) - n_inputs, n_inputs)
    of_nth = rng.integers(2**63, size=max(n_inputs), dtype=np.uint64) * 2 + 1
    keys = np.zeros(len(blocks), dtype=np.uint64)
    hashes = (cells[order] * factors).sum(axis=1, dtype=np.uint64)
    hashes = (hashes ^ (hashes >> np.uint64(31))) * of_nth[nth]
    np.add.at(keys, blocks.of_input[order], hashes)
    return keys
