"""Columns that say the same as others.

Input: scaled inputs and their blocks. Output: a mask of the inputs that are not needed.
"""

import numpy as np

from sklearn_ard.data.moments import moments

_N_DIRECTIONS = 4  # which columns are compared in
_TOLERANCE = 1e-4  # of standard deviations: a correlation of 1 - 5e-9


def copies(x, blocks):
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
    inputs = np.argsort(blocks.of_input, kind="stable")
    of_input = blocks.of_input[inputs]
    places = _projected(x)[inputs]
    first = np.flatnonzero(np.diff(of_input, prepend=-1))
    n_inputs = np.diff(first, append=len(inputs))
    members = {
        of_input[start]: places[start : start + n]
        for start, n in zip(first, n_inputs, strict=True)
        if (places[start : start + n] != 0).any()
    }
    single = np.bincount(blocks.of_column) == 1
    names = np.array([block for block in members if single[block]], dtype=int)
    is_copy = np.zeros(len(blocks), dtype=bool)
    if len(names) < 2:
        return is_copy[blocks.of_input]
    at = np.array([members[block][0, 0] for block in names])
    order = np.argsort(at, kind="stable")
    ends = np.flatnonzero(np.diff(at[order]) > _TOLERANCE) + 1
    for cluster in np.split(names[order], ends):
        by_need = np.lexsort(
            (cluster, blocks.costs[cluster], ~blocks.required[cluster])
        )
        kept = []
        for block in cluster[by_need]:
            if not blocks.required[block] and any(
                _alike(members[block], members[other]) for other in kept
            ):
                is_copy[block] = True
            else:
                kept.append(block)
    return is_copy[blocks.of_input]


def _projected(x):
    """Columns by random directions, in units of what chance makes of each."""
    n_rows = x.shape[0]
    residual = np.random.default_rng(0).standard_normal((n_rows, _N_DIRECTIONS))
    residual -= residual.mean(axis=0)
    rows, ones = np.arange(n_rows), np.ones((n_rows, 1))
    _, covariance = next(moments(x, rows, ones, residual))
    sign = np.where(covariance[:, :1] < 0, -1.0, 1.0)
    return covariance * sign * np.sqrt(n_rows)


def _alike(places, others):
    """Whether two blocks are in the same places, input by input."""
    return len(places) == len(others) and np.abs(places - others).max() < _TOLERANCE
