"""Merging of equal rows into one, whose weight is the sum of their weights.

Input: X, targets and weights. Output: indices of the distinct rows, and their weights.
A weight of k and k copies thus give the same data set, bit for bit.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp

from sklearn_ard._typing import Matrix
from sklearn_ard.data.table import chunks_of, slices


def merge_rows(
    X: Matrix, targets: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Merge identical rows, drop those of weight zero, sort the rest by content.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_samples, n_features)
        Inputs.
    targets : ndarray of shape (n_samples, n_outputs)
        Numeric targets; rows are identical if these are as well.
    weight : ndarray of shape (n_samples,)
        Weights, none negative.

    Returns
    -------
    rows : ndarray of shape (n_distinct,)
        Index of one row of each kind, in canonical order.
    weight : ndarray of shape (n_distinct,)
        Sum of the weights of each kind.
    """
    present = np.flatnonzero(weight > 0)
    hashes = _hash_rows(X, targets)[present]
    order = np.argsort(hashes, kind="stable")
    rows, hashes = present[order], hashes[order]
    new = np.ones(len(rows), dtype=bool)
    same_hash = np.flatnonzero(hashes[1:] == hashes[:-1]) + 1
    new[same_hash] = ~_identical(X, targets, rows[same_hash - 1], rows[same_hash])
    kind = np.cumsum(new) - 1
    total = np.bincount(kind, weights=weight[rows])
    return rows[new], total


def _hash_rows(X: Matrix, targets: np.ndarray) -> np.ndarray:
    """64-bit hash of every row; the same for sparse and dense rows of one dtype."""
    rng = np.random.default_rng(0)
    factors = rng.integers(2**63, size=X.shape[1], dtype=np.uint64) * 2 + 1
    hashes = np.zeros(X.shape[0], dtype=np.uint64)
    for chunk in chunks_of(X):
        hashes[chunk] = _hash_chunk(X[chunk], factors)
    factors = rng.integers(2**63, size=targets.shape[1], dtype=np.uint64) * 2 + 1
    return hashes * 3 + _hash_chunk(targets, factors)


def _hash_chunk(X: Matrix, factors: Any) -> np.ndarray:
    if sp.issparse(X):
        entries = X.tocoo()
        terms = _hash_values(entries.data) * factors[entries.col]
        hashes = np.zeros(X.shape[0], dtype=np.uint64)
        np.add.at(hashes, entries.row, terms)
        return hashes
    terms = _hash_values(np.ravel(X)).reshape(X.shape)
    terms *= factors
    return terms.sum(axis=1, dtype=np.uint64)


def _hash_values(values: np.ndarray) -> np.ndarray:
    """Hash of every number; that of zero (and minus zero) is zero, all NaN have one.

    The finaliser of splitmix64 (Steele, Lea, Flood 2014. Fast splittable pseudorandom
    number generators. OOPSLA), on the bits of the number.
    """
    values = values + 0.0  # -0.0 becomes 0.0
    values[np.isnan(values)] = np.nan
    bits: np.ndarray = values.view(f"u{values.itemsize}").astype(np.uint64)
    bits = (bits ^ (bits >> 30)) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> 27)) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> 31)


def _identical(
    X: Matrix, targets: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """Whether the rows `first` and `second` are the same, and not just their hashes."""
    same = (targets[first] == targets[second]).all(axis=1)
    for chunk in slices(len(first), X.shape[1]):
        a, b = X[first[chunk]], X[second[chunk]]
        n_apart = np.asarray((a != b).sum(axis=1) - _both_missing(a, b)).ravel()
        same[chunk] &= n_apart == 0
    return same


def _both_missing(a: Matrix, b: Matrix) -> np.ndarray:
    """Number of columns in which the rows of both are NaN, which is unequal to NaN."""
    if not sp.issparse(a):
        return (np.isnan(a) & np.isnan(b)).sum(axis=1)
    a, b = a.copy(), b.copy()
    a.data, b.data = np.isnan(a.data).astype(int), np.isnan(b.data).astype(int)
    return a.multiply(b).sum(axis=1)
