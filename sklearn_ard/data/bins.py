"""Bins of numbers, for their piecewise linear encoding.

Input: rows of a table, as numbers and codes. Output: the edges of each column's bins.

References
----------
Gorishniy, Rubachev, Babenko (2022). On embeddings for numerical features in tabular
deep learning. NeurIPS; section 3.2.1 and eq. 1.
"""

import numpy as np
import scipy.sparse as sp

from sklearn_ard._typing import Matrix


def bin_edges(
    codes: Matrix, weight: np.ndarray, columns: np.ndarray, n_bins: int
) -> dict[int, np.ndarray]:
    """Quantiles of columns, ties merged.

    Parameters
    ----------
    codes : {ndarray, csr_array} of shape (n_samples, n_columns)
        Distinct rows, NaN where a number is missing.
    weight : ndarray of shape (n_samples,)
        Their weights; a weight of k counts as k rows.
    columns : int ndarray
        Those to cut into bins.
    n_bins : int
        Of a column without ties; at most as many as rows.

    Returns
    -------
    dict of int to ndarray
        Ascending edges of each column that has at least two bins: its smallest number,
        quantiles that are numbers of the column, and its largest. Bins that would have
        no width are left out.
    """
    n_bins = min(n_bins, len(weight))
    shares = np.arange(n_bins + 1) / n_bins
    if sp.issparse(codes):
        codes = codes.tocsc()
    edges = {}
    for j in columns:
        values, w = _entries(codes, weight, j)
        known = ~np.isnan(values) & (w > 0)
        values, w = values[known], w[known]
        if not len(values):
            continue
        order = np.argsort(values, kind="stable")
        total = np.cumsum(w[order])
        at = np.searchsorted(total, shares * total[-1])
        found = np.unique(values[order][at.clip(max=len(values) - 1)])
        if len(found) > 2:
            edges[int(j)] = found.astype(np.float64)
    return edges


def _entries(
    codes: Matrix, weight: np.ndarray, j: int
) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of a column with their weights; of a sparse one the zeros as one."""
    if not sp.issparse(codes):
        return codes[:, j], weight
    entries = slice(*codes.indptr[j : j + 2])
    w = weight[codes.indices[entries]]
    empty = weight.sum() - w.sum()
    return np.append(codes.data[entries], 0.0), np.append(w, empty)
